"""The threads and the event loop of one process."""

import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cxfulfill.errors import Unavailable
from cxfulfill.forks import begin_in_each_process
from cxfulfill.loops import OwnLoop, Portal, ServersLoop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

    from cxfulfill.begun import Begun
    from cxfulfill.pool import Pool

T = TypeVar("T")
POOL_SIZE = 32
"""Threads for watched handlers in one process; a call that finds all of them busy is answered 503."""
IO_THREADS: Final = 32
"""Threads in one process for round trips to stores and fetches of keys, where the server has an event loop."""


class Workers:
    """The threads and the event loop of one process, made when first needed and so after a fork."""

    def __init__(self) -> None:
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without threads; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._free = threading.Semaphore(POOL_SIZE)
        self._queued: Pool | None = None
        self._io: ThreadPoolExecutor | None = None
        self._loop: OwnLoop | ServersLoop | None = None

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run a function in the pool.

        Args:
            function: The function.

        Returns:
            Its future.

        Raises:
            Unavailable: Every thread is busy (``overloaded``).
        """
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="cxfulfill")
            pool, free = self._pool, self._free
        if not free.acquire(blocking=False):
            raise Unavailable(reason="overloaded")
        try:
            future = _submitted(pool, function)
        except Unavailable:
            free.release()
            raise
        future.add_done_callback(lambda _: free.release())
        return future

    def queue(self, function: Callable[[], object]) -> None:
        """Run a plain handler of an event loop's server in a thread, as soon as one is free.

        Args:
            function: The function, whose result nobody fetches.

        Raises:
            Unavailable: No thread can be started (``overloaded``).
        """
        (self._queued or self._open_queue()).run(function)

    def _open_queue(self) -> "Pool":
        from cxfulfill.pool import Pool  # noqa: PLC0415 - for servers with an event loop alone

        with self._lock:
            self._queued = self._queued or Pool(POOL_SIZE, "cxfulfill-handler")
            return self._queued

    def wait_for_io(self, function: Callable[[], T]) -> Future[T]:
        """Run a round trip to a store, or a fetch, in a thread, as soon as one is free.

        Args:
            function: The function.

        Returns:
            Its future.

        Raises:
            Unavailable: No thread can be started (``overloaded``).
        """
        with self._lock:
            pool = self._io = self._io or ThreadPoolExecutor(IO_THREADS, thread_name_prefix="cxfulfill-io")
        return _submitted(pool, function)

    def adopt(self, loop: "AbstractEventLoop") -> ServersLoop:
        """Take a server's event loop for ``async`` handlers and hooks, in place of one of our own.

        Args:
            loop: The loop.

        Returns:
            It, with what runs there.
        """
        self._open_queue()  # so that the first call need not
        with self._lock:
            if not isinstance(self._loop, ServersLoop) or self._loop.loop is not loop:
                self._loop = ServersLoop(loop)
            return self._loop

    def begin_task(self, coroutine: Coroutine[Any, Any, T]) -> "tuple[Task[T], Begun[T]]":
        """Begin a task on the server's event loop, from that loop itself; see `cxfulfill.loops.ServersLoop.begin`."""
        return self.served().begin(coroutine)

    def served(self) -> ServersLoop:
        """Give the server's event loop, from that loop itself.

        Returns:
            It, with what runs there.
        """
        served = self._loop
        if isinstance(served, ServersLoop) and served.is_here():
            return served
        from asyncio import get_running_loop  # noqa: PLC0415 - who has a loop has it

        return self.adopt(get_running_loop())

    def portal(self) -> Portal:
        """Give the way to the event loop on which all ``async`` handlers of the process run.

        Returns:
            The portal.
        """
        return self._the_loop().portal

    def spawn(self, function: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> Future[T]:
        """Run a coroutine function on the event loop, and don't wait for it: not even until the loop has time for it.

        Args:
            function: The function; it sees the context variables of here.
            arguments: Its arguments.

        Returns:
            Its future; cancelled, it cancels the task.
        """
        return self._the_loop().spawn(function(*arguments))

    def _the_loop(self) -> OwnLoop | ServersLoop:
        with self._lock:
            if self._loop is None or not self._loop.is_alive():
                try:
                    self._loop = OwnLoop()
                except (OSError, RuntimeError):  # no file descriptor, or no thread
                    raise Unavailable(reason="overloaded") from None
            return self._loop

    def close(self, at_last: Callable[[Portal | None], object] = lambda _: None) -> None:
        """Wait for running handlers, then end the threads and the event loop.

        Args:
            at_last: Called in between, with a way to the event loop; with None where there is no loop.
        """
        with self._lock:
            pools, self._pool, self._io = (self._pool, self._io), None, None
            queued, self._queued = self._queued, None
            loop, self._loop = self._loop, None
        if queued is not None:
            queued.close()
        for pool in pools:
            if pool is not None:
                pool.shutdown()
        if loop:
            loop.drain()
        at_last(loop.last if loop and loop.is_alive() else None)
        if loop:
            loop.close()


def _submitted(pool: ThreadPoolExecutor, function: Callable[[], T]) -> Future[T]:
    withdrawn: list[bool] = []
    try:
        return pool.submit(lambda: None if withdrawn else function())  # type: ignore[arg-type, return-value]
    except RuntimeError:
        # No thread could be started, and the work is queued all the same: it must not run for nobody.
        withdrawn.append(True)
        raise Unavailable(reason="overloaded") from None
