"""How the pipeline waits on a server's event loop: nothing in it blocks the loop.

``async`` handlers run on the loop, plain ones in threads. Both go on where the request is no longer waited for.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from threading import get_ident
from typing import Any, TypeVar

from cxfulfill.begun import Begun
from cxfulfill.carriers import CarryOut, InThread, OnLoop, contained, left, note_end
from cxfulfill.context import Deadline
from cxfulfill.coroutines import run
from cxfulfill.errors import Unavailable
from cxfulfill.http import HttpRequest
from cxfulfill.idempotency.guard import Trip
from cxfulfill.landing import Landing
from cxfulfill.late import TriedToEnd
from cxfulfill.work import Work
from cxfulfill.workers import Workers

T = TypeVar("T")
Read = Callable[[int, float], Coroutine[Any, Any, bytes]]
"""Reads a body: at most so many bytes, within so many seconds."""

_IN_THREAD = InThread()


class Loop:
    """The runtime of one request on an event loop.

    Args:
        workers: The process's threads and event loop.
        read: Reads the body of the request.
    """

    __slots__ = ("_read", "_workers")

    def __init__(self, workers: Workers, read: Read) -> None:
        self._workers = workers
        self._read = read

    def read(self, http: HttpRequest, limit: int, timeout: float) -> Coroutine[Any, Any, bytes]:
        """Read the body; see `cxfulfill.runtime.Runtime.read`."""
        del http  # its body is this runtime's own
        return self._read(limit, timeout)

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function in a thread, or a trip to a store by the store's own client for event loops."""
        sent = function.on_loop() if isinstance(function, Trip) else None
        if sent is not None:
            result: T = await sent
            return result
        future = self._workers.wait_for_io(_with_context(function))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if isinstance(function, Trip):
                self._leave(function, future)
            raise

    def _leave(self, trip: Trip[T], future: "Future[T]") -> None:
        """Let a trip go on in its thread, for nobody."""
        if future.done():
            with suppress(Unavailable):  # no thread can be started, and the loop must not be held up
                self._workers.wait_for_io(partial(trip.give_back, future))
        else:
            future.add_done_callback(trip.give_back)

    async def pause(self, seconds: float) -> None:
        """Let so much time pass; see `cxfulfill.runtime.Runtime.pause`."""
        await asyncio.sleep(seconds)

    async def invoke(self, work: Work, deadline: Deadline) -> Any:
        """Run a handler; see `cxfulfill.runtime.Runtime.invoke`."""
        future: asyncio.Future[Any]
        if work.invocation.function.is_async:
            future, begun = self._workers.begin_task(_Task(self.block).invoke(work))
            if begun.is_over:
                return _outcome(begun)
        else:
            future = asyncio.get_running_loop().create_future()
            call = _with_context(partial(_IN_THREAD.call, work))
            self._threads_for(work)(partial(_tell_outcome, call, future))
        await _wait(future, work, deadline)
        return _result(future, work)

    def here(self, work: Work) -> None:
        """Tell that no flight is carried out on the loop before its request goes on."""

    def launch(self, work: Work, carry_out: CarryOut) -> None:
        """Begin a flight; see `cxfulfill.runtime.Runtime.launch`."""
        if work.invocation.function.is_async:
            self._workers.begin_task(contained(carry_out, _Task(self.block)))
        else:
            self._threads_for(work)(_with_context(partial(_carry_out, carry_out)))

    async def land(self, landing: Landing, deadline: Deadline | None) -> bool:
        """Wait for a flight; see `cxfulfill.runtime.Runtime.land`."""
        waiter = asyncio.get_running_loop().create_future()
        landing.call(partial(_wake_from_anywhere, waiter, get_ident()))
        await _woken(waiter, deadline)
        return landing.done()

    def _threads_for(self, work: Work) -> Callable[[Callable[[], object]], object]:
        """Tell where plain handlers run; those that are cut off have threads of their own."""
        return self._workers.submit if work.watched else self._workers.queue


class _Task(OnLoop):
    """The carrier of ``async`` handlers, whose round trips have threads of their own."""

    def __init__(self, block: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        super().__init__()
        self._block = block

    async def block(self, function: Callable[[], T]) -> T:
        result: T = await self._block(function)
        return result


def _with_context(function: Callable[[], T]) -> Callable[[], T]:
    context = contextvars.copy_context()

    def run_it() -> T:
        try:
            return context.run(function)
        except StopIteration as error:
            raise RuntimeError("a StopIteration left a function") from error  # no future takes one
        except Exception:
            raise
        except BaseException as error:
            # On the event loop, which fetches the result, these would end it.
            raise TriedToEnd from error

    return run_it


def _carry_out(carry_out: CarryOut) -> None:
    run(contained(carry_out, _IN_THREAD))


def _tell_outcome(function: Callable[[], T], future: "asyncio.Future[T]") -> None:
    """Run a function in a thread, and tell the event loop how it ended."""
    settle: Callable[[], None]
    try:
        settle = partial(future.set_result, function())
    except Exception as error:
        settle = partial(future.set_exception, error)
    _tell(future, settle)


async def _wait(future: "asyncio.Future[Any]", work: Work, deadline: Deadline) -> None:
    """Wait for a handler: until the deadline where it is cut off, else as long as it takes."""
    waiter: asyncio.Future[None] = future.get_loop().create_future()
    future.add_done_callback(partial(_wake, waiter))
    try:
        await _woken(waiter, deadline if work.is_cut_off else None)
    except asyncio.CancelledError:
        _go_on(future, work, deadline)
        raise


async def _woken(waiter: "asyncio.Future[None]", deadline: Deadline | None) -> None:
    """Wait until somebody wakes, or the deadline."""
    timer = None if deadline is None else waiter.get_loop().call_later(deadline.remaining(), _wake, waiter)
    try:
        await waiter
    finally:
        if timer is not None:
            timer.cancel()


def _wake_from_anywhere(waiter: "asyncio.Future[None]", its_thread: int) -> None:
    if get_ident() == its_thread:
        _wake(waiter)
    else:
        _tell(waiter, partial(_wake, waiter))


def _tell(future: "asyncio.Future[Any]", settle: Callable[[], None]) -> None:
    """Let the event loop of a future settle it, from another thread."""
    try:  # noqa: SIM105 - each call of a plain handler comes by here
        future.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:  # the loop has ended
        pass


def _wake(waiter: "asyncio.Future[None]", _: object = None) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _go_on(future: "asyncio.Future[Any]", work: Work, deadline: Deadline) -> None:
    """Let a handler go on whose caller has left: an ``async`` look-up until its deadline."""
    if work.cancels and work.invocation.function.is_async:
        asyncio.get_running_loop().call_later(deadline.remaining(), future.cancel)
    note_end(future, work)


def _outcome(begun: Begun[T]) -> T:
    try:
        return begun.result()
    except asyncio.CancelledError:
        raise CancelledError from None  # as in `_result`


def _result(future: "asyncio.Future[Any]", work: Work) -> Any:
    if future.cancelled():
        raise CancelledError  # by the handler itself; the loop's own would end the request's task
    if future.done():
        return future.result()
    raise left(future, work)
