"""Threads that run functions whose results nobody fetches: a `ThreadPoolExecutor` without its futures.

A call of an event loop's server is handed to a thread and back; futures would be the larger part of what that costs.
"""

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from weakref import WeakSet, finalize

from cxfulfill.errors import Unavailable

_all: "WeakSet[Pool]" = WeakSet()


class Pool:
    """So many threads at most, each begun when a function finds all others busy.

    Args:
        size: How many.
        name: What their names begin with.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._idle: deque[None] = deque()  # an item for each thread that waits
        self._threads: list[threading.Thread] = []
        self._is_closed = False
        finalize(self, _dismiss, self._queue, self._threads).atexit = False
        _all.add(self)

    def run(self, function: Callable[[], object]) -> None:
        """Run a function in a thread, as soon as one is free.

        Args:
            function: The function; what it raises is lost.

        Raises:
            Unavailable: No thread can be started, or all of them are to end (``overloaded``).
        """
        with self._lock:
            if self._is_closed:
                raise Unavailable(reason="overloaded")
            if self._idle:
                self._idle.pop()
            elif len(self._threads) < self._size:
                self._start()
            self._queue.put(function)

    def _start(self) -> None:
        # Daemons, since Python waits for all others before it lets anybody tell them to end.
        name = f"{self._name}_{len(self._threads)}"
        thread = threading.Thread(target=_work, args=(self._queue, self._idle), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise Unavailable(reason="overloaded") from None
        self._threads.append(thread)

    def close(self) -> None:
        """Wait for all that is to be run, and end the threads."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                _dismiss(self._queue, self._threads)
        for thread in self._threads:
            thread.join()


def _work(queue: "SimpleQueue[Callable[[], object] | None]", idle: "deque[None]") -> None:
    while (function := queue.get()) is not None:
        try:  # noqa: SIM105 - each call comes by here
            function()
        except BaseException:  # noqa: S110 - as in a future that nobody looks at
            pass
        del function  # a thread that waits must not keep its last call
        idle.append(None)


def _dismiss(queue: "SimpleQueue[Callable[[], object] | None]", threads: list[threading.Thread]) -> None:
    for _ in threads:
        queue.put(None)


def _close_all() -> None:
    """Let the handlers that run come to their end before the process does."""
    for pool in list(_all):
        pool.close()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_all.clear)  # the threads are the parent's, and so may the locks be
