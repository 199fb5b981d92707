"""The event loops that ``async`` handlers run on: one of our own in a thread, or the server's."""

import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from cxfulfill.errors import Unavailable

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task

    from cxfulfill.begun import Begun

T = TypeVar("T")
_log = logging.getLogger("cxfulfill")

_LOOK_AGAIN: Final = 0.5
"""Seconds after which who waits for the event loop looks whether it is still there."""


class Portal(Protocol):
    """A way to an event loop from another thread."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function there, plain or ``async``, and wait for its result."""
        ...


class OwnLoop:
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
        """Tell whether it still runs."""
        return self._thread.is_alive()

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; see `cxfulfill.workers.Workers.spawn`."""
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

    def drain(self) -> None:
        """Wait for what came in, and take no more."""
        while self.is_alive() and self._spawned:
            wait(list(self._spawned), timeout=_LOOK_AGAIN)
        if self.is_alive() and not self._drained.done():
            self.portal.call(_settled, self._tasks)  # those whose futures were cancelled may still clean up
            self.portal.call(self.portal.stop)
            wait((self._drained,))

    def close(self) -> None:
        """End the loop when all that runs has ended."""
        self.drain()
        with suppress(RuntimeError):  # it has ended by itself
            self.last.call(self.last.stop)
        self._thread.join()


class ServersLoop:
    """The event loop of an ASGI server, which begins and ends it.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: "AbstractEventLoop") -> None:
        import asyncio  # noqa: PLC0415 - as above

        from cxfulfill.begun import Begun  # noqa: PLC0415 - who has a server's loop needs it

        self._asyncio = asyncio
        self._begun = Begun
        self.loop = loop
        self._tasks: set[Task[Any]] = set()

    @property
    def portal(self) -> Portal:
        """The way to it."""
        return self

    last = portal

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self.loop.is_running()

    def is_here(self) -> bool:
        """Tell whether this code runs on it."""
        return self._asyncio._get_running_loop() is self.loop  # noqa: SLF001 - documented for such use

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> "tuple[Task[T], Begun[T]]":
        """Begin a task, from the loop itself: its first step is taken at once, as the task's own.

        Args:
            coroutine: The coroutine.

        Returns:
            The task, which is kept until it ends, and the coroutine, which may be over.
        """
        begun, context = self._begun(coroutine), copy_context()
        task: Task[T] = self.loop.create_task(begun, context=context)
        if not begun.is_begun:  # tasks of an eager factory begin by themselves
            self._take_first_step(begun, task, context)
        if not begun.is_over:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task, begun

    def _take_first_step(self, begun: "Begun[Any]", task: "Task[Any]", context: Context) -> None:
        enter, leave = self._asyncio._enter_task, self._asyncio._leave_task  # noqa: SLF001 - documented for such use
        loop, outer = self.loop, self._asyncio.current_task()
        if outer is not None:
            leave(loop, outer)
        enter(loop, task)
        try:
            context.run(begun.begin)
        finally:
            leave(loop, task)
            if outer is not None:
                enter(loop, outer)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop; see `cxfulfill.workers.Workers.spawn`."""
        return self._asyncio.run_coroutine_threadsafe(self._waited_for(coroutine), self.loop)

    async def _waited_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task, _ = self.begin(coroutine)
        return await task

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function on the loop; see `Portal.call`."""
        return self.spawn(_called(function, arguments)).result()

    def drain(self) -> None:
        """Wait for what runs."""
        # On the loop's own thread nothing can be waited for.
        if self.is_alive() and not self.is_here():
            self._asyncio.run_coroutine_threadsafe(_settled(self._tasks), self.loop).result()

    def close(self) -> None:
        """Leave it to the server."""


async def _settled(tasks: "set[Task[Any]]") -> None:
    """Wait until the last task of a set has ended, on their loop."""
    import asyncio  # noqa: PLC0415 - as above

    while tasks:
        await asyncio.wait(tasks)


async def _called(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    result = function(*arguments)
    return await result if isinstance(result, Awaitable) else result
