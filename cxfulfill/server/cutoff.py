"""A time limit for reads that block: at the deadline the socket is shut for reading.

A client that sends a byte a second holds its thread for as long as it likes, since each ``recv`` succeeds. One
thread a process watches the sockets that are being read and shuts those whose time is up; the read then ends as
if the client had hung up, and the answer can still be written.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from cxfulfill.errors import RequestTimeout


@dataclass(eq=False, repr=False)
class Cut:
    """One watched read.

    Attributes:
        at: When its time is up, in ``time.monotonic`` seconds.
        connection: The socket.
        happened: Whether it was cut off.
    """

    at: float
    connection: socket.socket
    happened: bool = False


class _Watch:
    """The watched reads of one process, and the thread that looks after them."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._changed = threading.Condition()
        self._reads: set[Cut] = set()
        self._wakes_at = float("inf")
        threading.Thread(target=self._run, name="cxfulfill-cutoff", daemon=True).start()

    def add(self, read: Cut) -> None:
        with self._changed:
            self._reads.add(read)
            if read.at < self._wakes_at:
                self._wakes_at = read.at
                self._changed.notify()

    def remove(self, read: Cut) -> None:
        with self._changed:
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


_watch: _Watch | None = None
_making = threading.Lock()


@contextlib.contextmanager
def cutoff(connection: socket.socket, timeout: float) -> Iterator[None]:
    """Shut a socket for reading if the block takes too long.

    Args:
        connection: The socket.
        timeout: Seconds.

    Yields:
        Nothing.

    Raises:
        RequestTimeout: It took too long, whatever the block made of that.
    """
    read = Cut(time.monotonic() + timeout, connection)
    watch = _the_watch()
    watch.add(read)
    try:
        yield
    except Exception:
        if read.happened:
            raise RequestTimeout from None
        raise
    finally:
        watch.remove(read)
    if read.happened:
        raise RequestTimeout


def _the_watch() -> _Watch:
    global _watch  # noqa: PLW0603 - one thread a process, whatever the number of applications
    with _making:
        if _watch is None or _watch.pid != os.getpid():
            # A thread does not survive a fork.
            _watch = _Watch()
        return _watch
