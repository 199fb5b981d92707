"""The threads and the event loop of one process."""

import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cxfulfill.errors import Unavailable
from cxfulfill.forks import begin_in_each_process

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from anyio.from_thread import BlockingPortal

T = TypeVar("T")
_log = logging.getLogger("cxfulfill")

POOL_SIZE = 32
"""Threads for watched handlers in one process; a call that finds all of them busy is answered 503."""
_LOOK_AGAIN: Final = 0.5
"""Seconds after which who waits for the event loop looks whether it is still there."""


class Workers:
    """The threads and the event loop of one process, made when first needed and so after a fork."""

    def __init__(self) -> None:
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without threads; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._free = threading.Semaphore(POOL_SIZE)
        self._loop: _Loop | None = None

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
        withdrawn: list[bool] = []
        try:
            future = pool.submit(lambda: None if withdrawn else function())
        except RuntimeError:
            # No thread could be started, and the work is queued all the same: it must not run for nobody.
            withdrawn.append(True)
            free.release()
            raise Unavailable(reason="overloaded") from None
        future.add_done_callback(lambda _: free.release())
        return future  # type: ignore[return-value]

    def portal(self) -> "BlockingPortal":
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

    def _the_loop(self) -> "_Loop":
        with self._lock:
            if self._loop is None or not self._loop.is_alive():
                try:
                    self._loop = _Loop()
                except (OSError, RuntimeError):  # no file descriptor, or no thread
                    raise Unavailable(reason="overloaded") from None
            return self._loop

    def close(self, at_last: Callable[["BlockingPortal | None"], object] = lambda _: None) -> None:
        """Wait for running handlers, then end the threads and the event loop.

        Args:
            at_last: Called in between, with a way to the event loop; with None where there is no loop.
        """
        with self._lock:
            pool, self._pool = self._pool, None
            loop, self._loop = self._loop, None
        if pool:
            pool.shutdown()
        if loop:
            loop.drain()
        at_last(loop.last if loop and loop.is_alive() else None)
        if loop:
            loop.close()


class _Loop:
    """An event loop in a daemon thread.

    anyio's own ``start_blocking_portal`` is a generator that stops its loop when it is collected; in a forked
    child, or at interpreter exit, that would wait for a thread that is no more.

    Attributes:
        portal: The way to it.
        last: A way to it that is open still when all that came through the other one has ended.
    """

    def __init__(self) -> None:
        # Not everybody has an async handler, and asyncio is the larger part of an import.
        import asyncio  # noqa: PLC0415

        import anyio  # noqa: PLC0415
        from anyio.from_thread import BlockingPortal  # noqa: PLC0415

        started: Future[tuple[BlockingPortal, BlockingPortal, AbstractEventLoop]] = Future()
        self._drained: Future[None] = Future()
        self._spawned: set[Future[Any]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asyncio = asyncio

        async def main() -> None:
            async with BlockingPortal() as last:
                try:
                    async with BlockingPortal() as portal:
                        started.set_result((portal, last, asyncio.get_running_loop()))
                        await portal.sleep_until_stopped()
                finally:
                    self._drained.set_result(None)
                await last.sleep_until_stopped()

        def run() -> None:
            try:
                anyio.run(main)
            except BaseException as error:
                if started.done():
                    raise
                started.set_exception(error)  # whoever waits for the loop must not wait for ever

        self._thread = threading.Thread(target=run, name="cxfulfill-loop", daemon=True)
        self._thread.start()
        self.portal, self.last, self._loop = started.result()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        # Not by the portal, which waits until the loop has taken the task: a handler that blocks the loop would hold up
        # the threads of all the others beyond their deadlines.
        futures: list[Future[T]] = []
        waits = self._unless_cancelled(coroutine, futures)
        try:
            future = self._asyncio.run_coroutine_threadsafe(waits, self._loop)
        except RuntimeError:  # the loop has just ended
            waits.close()
            coroutine.close()
            raise Unavailable(reason="overloaded") from None
        futures.append(future)
        self._spawned.add(future)
        future.add_done_callback(self._spawned.discard)
        return future

    async def _unless_cancelled(self, coroutine: Coroutine[Any, Any, T], futures: list[Future[T]]) -> T:
        """Await a coroutine, which does not begin where its future was cancelled before the loop had time for it."""
        if futures and futures[0].cancelled():
            coroutine.close()
            raise self._asyncio.CancelledError
        task = self._asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            return await coroutine
        except Exception as error:
            if not (futures and futures[0].cancelled()):
                raise
            # Nobody fetches it, and asyncio would log it with its text.
            _log.warning("an async look-up that was cancelled ended with %s", type(error).__name__)
            raise self._asyncio.CancelledError from None

    async def _settle(self) -> None:
        """Wait for tasks whose futures were cancelled: they may still clean up."""
        while self._tasks:
            await self._asyncio.wait(self._tasks)

    def drain(self) -> None:
        """Wait for what came in, and take no more."""
        while self.is_alive() and self._spawned:
            wait(list(self._spawned), timeout=_LOOK_AGAIN)
        if self.is_alive() and not self._drained.done():
            self.portal.call(self._settle)
            self.portal.call(self.portal.stop)
            wait((self._drained,))

    def close(self) -> None:
        """End the loop when all that runs has ended."""
        self.drain()
        with suppress(RuntimeError):  # it has ended by itself
            self.last.call(self.last.stop)
        self._thread.join()
