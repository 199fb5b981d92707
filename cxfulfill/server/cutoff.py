"""A time limit for reads that block: at the deadline the socket is shut for reading.

A client that sends a byte a second holds its thread for as long as it likes, since each ``recv`` succeeds. One
thread a process watches the sockets that are being read and shuts those whose time is up; the read then ends as
if the client had hung up, and the answer can still be written.
"""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

from cxfulfill.errors import RequestTimeout
from cxfulfill.forks import begin_in_each_process


class _Watch:
    """The watched reads of one process, and the thread that looks after them, which begins with the first."""

    def __init__(self) -> None:
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without reads; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._reads: set[cutoff] = set()
        self._wakes_at = float("inf")
        self._is_begun = False

    def add(self, read: "cutoff") -> None:
        with self._lock:
            if not self._is_begun:
                threading.Thread(target=self._run, name="cxfulfill-cutoff", daemon=True).start()
                self._is_begun = True
            self._reads.add(read)
            if read.at < self._wakes_at:
                self._wakes_at = read.at
                self._changed.notify()

    def remove(self, read: "cutoff") -> None:
        with self._lock:
            self._reads.discard(read)

    def _run(self) -> None:
        while True:
            with self._changed:
                # Also where the read has ended that it was to wake for: of calls that come one after the other, each
                # would wake it up.
                remaining = self._wakes_at - time.monotonic()
                if remaining > 0:
                    self._changed.wait(None if remaining == float("inf") else remaining)
                else:
                    self._look_after()

    def _look_after(self) -> None:
        """Cut off whose time is up, and tell when to look again."""
        now = time.monotonic()
        for read in [read for read in self._reads if read.at <= now]:
            self._reads.discard(read)
            read.happened = True
            _shut(read.connection)
        self._wakes_at = min((read.at for read in self._reads), default=float("inf"))


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Past SSLSocket.shutdown, which would drop the TLS state that the answer needs.
        socket.socket.shutdown(connection, socket.SHUT_RD)


_watch = _Watch()


class cutoff:  # noqa: N801 - it stands in a ``with``, as a function would
    """Shut a socket for reading if the block takes too long.

    Args:
        connection: The socket.
        timeout: Seconds.

    Attributes:
        connection: The same.
        at: When its time is up, in ``time.monotonic`` seconds.
        happened: Whether it was cut off.

    Raises:
        RequestTimeout: It took too long, whatever the block made of that.
    """

    __slots__ = ("at", "connection", "happened")

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self.connection = connection
        self.at = time.monotonic() + timeout
        self.happened = False

    def __enter__(self) -> Self:
        _watch.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _watch.remove(self)
        if self.happened and (error is None or isinstance(error, Exception)):
            raise RequestTimeout from None
