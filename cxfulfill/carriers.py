"""Where handlers run: in a thread, or on an event loop."""

import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from cxfulfill.containment import failure_of, is_cancellation
from cxfulfill.late import note_late
from cxfulfill.work import DeadlineExceeded, Work

if TYPE_CHECKING:
    from asyncio import Future as LoopFuture
    from concurrent.futures import Future

T = TypeVar("T")
Scope = Callable[[], AbstractContextManager[Any]]

_log = logging.getLogger("cxfulfill")


class InThread:
    """The carrier of plain handlers.

    Args:
        scope: A context to run them in, such as Flask's app context.
    """

    def __init__(self, scope: Scope = nullcontext) -> None:
        self._scope = scope

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function in this thread."""
        return function()

    def call(self, work: Work) -> Any:
        """Run a handler in this thread.

        Args:
            work: The handler.

        Returns:
            What it returned.
        """
        stages = work.stages
        stages.begin()
        try:
            if stages.spans is None and self._scope is nullcontext:
                return work.invocation.run(work.call, work.arguments)
            with stages.span("handler"), self._scope():
                return work.invocation.run(work.call, work.arguments)
        finally:
            stages.end()


class OnLoop:
    """The carrier of ``async`` handlers, on an event loop.

    Args:
        scope: A context to run them in, such as Flask's app context.
    """

    def __init__(self, scope: Scope = nullcontext) -> None:
        self._scope = scope

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function in a thread."""
        from anyio import to_thread  # noqa: PLC0415 - who has a loop has it

        return await to_thread.run_sync(function)

    async def invoke(self, work: Work) -> Any:
        """Run a handler on the loop, however long it takes."""
        work.stages.begin()
        try:
            with work.stages.span("handler"), self._scope():
                try:
                    return await work.invocation.run_async(work.call, work.arguments)
                except Exception:
                    raise
                except BaseException as error:
                    failure = failure_of(error)
                    if failure is None:
                        raise
                    # On an event loop these would end it, and with it every other handler of the process.
                    raise failure from error
        finally:
            work.stages.end()


Carrier = InThread | OnLoop
"""What a flight may wait for, where its handler runs."""
CarryOut = Callable[[Carrier], Coroutine[Any, Any, None]]
"""The part of a flight that runs where its handler does."""


async def contained(carry_out: CarryOut, carrier: Carrier) -> None:
    """Let nothing out of a flight but the loop's own cancellation.

    Args:
        carry_out: The flight.
        carrier: Where it runs.
    """
    try:
        await carry_out(carrier)
    except Exception:
        raise
    except BaseException as error:
        if is_cancellation(error):
            raise
        _log.error("a flight ended with %s", type(error).__name__)


def error_of(future: "Future[Any] | LoopFuture[Any]") -> BaseException | None:
    """Give what a handler raised.

    Args:
        future: Its future, which is done.

    Returns:
        The exception; None where there is none, or it was cancelled.
    """
    return None if future.cancelled() else future.exception()


def left(future: "Future[Any] | LoopFuture[Any]", work: Work) -> DeadlineExceeded:
    """Leave a handler whose time is up: an ``async`` look-up is cancelled, any other goes on.

    Args:
        future: Its future, which was not done a moment ago.
        work: The handler.

    Returns:
        What is to be raised.
    """
    if work.cancels and work.invocation.function.is_async:
        future.cancel()
    note_end(future, work)
    return DeadlineExceeded()


def note_end(future: "Future[Any] | LoopFuture[Any]", work: Work) -> None:
    """Tell how a handler ends that nobody waits for; of a look-up that was cancelled there is nothing to tell.

    Args:
        future: Its future.
        work: The handler.
    """

    def note(done: "Future[Any] | LoopFuture[Any]") -> None:
        if not (done.cancelled() and work.cancels):
            note_late(work.call, error_of(done), is_kept=False)

    future.add_done_callback(note)
