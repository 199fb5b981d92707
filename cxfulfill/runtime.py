"""How the pipeline waits: a small port, so that one pipeline serves threads and event loops.

The pipeline is a coroutine that does no IO of its own. Where it must wait it awaits a verb of its `Runtime`. The
verbs of `Threads` never suspend, so a thread runs the whole coroutine with one ``send(None)``.
"""

import contextvars
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

from cxfulfill.carriers import CarryOut, InThread, OnLoop, Scope, contained, left
from cxfulfill.context import Deadline
from cxfulfill.coroutines import run
from cxfulfill.http import HttpRequest
from cxfulfill.landing import Landing
from cxfulfill.work import Work
from cxfulfill.workers import Workers

T = TypeVar("T")

_FRAMEWORK_VARIABLES = frozenset({"flask.app_ctx", "flask.request_ctx"})
"""Context variables that end with their request and so must not be carried into another thread."""


class Runtime(Protocol):
    """What the pipeline may wait for."""

    async def read(self, http: HttpRequest, limit: int, timeout: float) -> bytes:
        """Read the body; see `cxfulfill.http.BodySource.read`."""
        ...

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function that may do IO."""
        ...

    async def pause(self, seconds: float) -> None:
        """Let so much time pass."""
        ...

    async def invoke(self, work: Work, deadline: Deadline) -> Any:
        """Run a handler under its deadline.

        Raises:
            DeadlineExceeded: Time is up; the handler goes on by itself.
        """
        ...

    def here(self, work: Work) -> InThread | None:
        """Give what carries a flight out right here, in the request's own thread; None where it is to be launched."""
        ...

    def launch(self, work: Work, carry_out: CarryOut) -> None:
        """Begin a flight where its handler runs, which is not here.

        Raises:
            Unavailable: No thread is free (``overloaded``).
        """
        ...

    async def land(self, landing: Landing, deadline: Deadline | None) -> bool:
        """Wait for a flight; without a deadline as long as it takes.

        Returns:
            Whether it has landed before the deadline.
        """
        ...


class Threads:
    """The runtime of servers that give each request a thread.

    Args:
        workers: The process's threads and event loop.
        scope: A context to run handlers in away from the request's thread, such as Flask's app context.
        everywhere: Whether to run handlers in the request's thread in that context too.
    """

    def __init__(
        self,
        workers: Workers,
        *,
        scope: Scope = nullcontext,
        everywhere: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._workers = workers
        self._scope = scope
        self._pause = pause
        self._inline = InThread(scope if everywhere else nullcontext)
        self._pooled = InThread(scope)
        self._looped = OnLoop(scope)

    async def read(self, http: HttpRequest, limit: int, timeout: float) -> bytes:
        """Read the body; see `Runtime.read`."""
        return http.body.read(limit, timeout)

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function in this thread; see `Runtime.block`."""
        return function()

    async def pause(self, seconds: float) -> None:
        """Sleep; see `Runtime.pause`."""
        self._pause(seconds)

    async def invoke(self, work: Work, deadline: Deadline) -> Any:
        """Run a handler; see `Runtime.invoke`."""
        if work.invocation.function.is_async:
            future = _carried().run(self._workers.spawn, self._looped.invoke, work)
            return _result(future, work, deadline)
        if work.watched:
            context = _carried()
            return _result(self._workers.submit(lambda: context.run(self._pooled.call, work)), work, deadline)
        return self._inline.call(work)

    def here(self, work: Work) -> InThread | None:
        """Give what carries a flight out in this thread; see `Runtime.here`."""
        return None if work.watched or work.invocation.function.is_async else self._inline

    def launch(self, work: Work, carry_out: CarryOut) -> None:
        """Begin a flight; see `Runtime.launch`."""
        context = _carried()
        if work.invocation.function.is_async:
            context.run(self._workers.spawn, contained, carry_out, self._looped)
        else:
            self._workers.submit(lambda: context.run(run, carry_out(self._pooled)))

    async def land(self, landing: Landing, deadline: Deadline | None) -> bool:
        """Wait for a flight; see `Runtime.land`."""
        return landing.wait(None if deadline is None else deadline.remaining()) or landing.done()


def _carried() -> contextvars.Context:
    """Copy the context variables, without those that end with the request."""
    carried = contextvars.Context()
    for variable, value in contextvars.copy_context().items():
        if variable.name not in _FRAMEWORK_VARIABLES:
            carried.run(variable.set, value)
    return carried


def _result(future: Future[Any], work: Work, deadline: Deadline) -> Any:
    try:
        return future.result(deadline.remaining())
    except TimeoutError:
        if future.done():
            # The handler's own TimeoutError, or an answer in the last moment.
            return future.result()
        raise left(future, work) from None
