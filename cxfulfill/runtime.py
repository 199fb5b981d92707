"""How the pipeline waits: a small port, so that one pipeline serves threads and event loops.

The pipeline is a coroutine that does no IO of its own. Where it must wait it awaits a verb of its `Runtime`. The
verbs of `Threads` never suspend, so a thread runs the whole coroutine with one ``send(None)``.
"""

import contextvars
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from cxfulfill.context import Call, Deadline
from cxfulfill.errors import Unavailable
from cxfulfill.handlers import Invocation
from cxfulfill.http import HttpRequest

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

T = TypeVar("T")
Scope = Callable[[], AbstractContextManager[Any]]

POOL_SIZE = 32
"""Threads for watched handlers in one process; a call that finds all of them busy is answered 503."""

_FRAMEWORK_VARIABLES = frozenset({"flask.app_ctx", "flask.request_ctx"})
"""Context variables that end with their request and so must not be carried into another thread."""

_log = logging.getLogger("cxfulfill")


@dataclass(frozen=True, slots=True)
class Work:
    """A handler and what it is run with.

    Attributes:
        invocation: The handler with its middleware.
        call: The call.
        arguments: The handler's arguments.
        watched: Whether a plain handler is cut off at the deadline.
    """

    invocation: Invocation
    call: Call
    arguments: tuple[Any, ...]
    watched: bool


class Runtime(Protocol):
    """What the pipeline may wait for."""

    async def read(self, http: HttpRequest, limit: int, timeout: float) -> bytes:
        """Read the body; see `cxfulfill.http.BodySource.read`."""
        ...

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function that may do IO."""
        ...

    async def invoke(self, work: Work, deadline: Deadline) -> Any:
        """Run a handler under its deadline.

        Raises:
            DeadlineExceeded: Time is up; the handler goes on by itself.
        """
        ...


class DeadlineExceeded(Unavailable):
    """503: the handler did not answer in time."""

    default_reason = "deadline"


class Workers:
    """The threads and the event loop of one process, made when first needed and so after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
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
            self._renew_after_fork()
            self._pool = self._pool or ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="cxfulfill")
            pool, free = self._pool, self._free
        if not free.acquire(blocking=False):
            raise Unavailable(reason="overloaded")
        future = pool.submit(function)
        future.add_done_callback(lambda _: free.release())
        return future

    def portal(self) -> "BlockingPortal":
        """Give the way to the event loop on which all ``async`` handlers of the process run.

        Returns:
            The portal.
        """
        with self._lock:
            self._renew_after_fork()
            self._loop = self._loop or _Loop()
            return self._loop.portal

    def close(self) -> None:
        """Wait for running handlers, then end the threads and the event loop."""
        with self._lock:
            self._renew_after_fork()
            pool, self._pool = self._pool, None
            loop, self._loop = self._loop, None
        if pool:
            pool.shutdown()
        if loop:
            loop.close()

    def _renew_after_fork(self) -> None:
        if self._pid != os.getpid():
            # Threads do not survive a fork: what the parent process made is of no use here.
            self._pid, self._pool, self._loop = os.getpid(), None, None
            self._free = threading.Semaphore(POOL_SIZE)


class _Loop:
    """An event loop in a daemon thread.

    anyio's own ``start_blocking_portal`` is a generator that stops its loop when it is collected; in a forked
    child, or at interpreter exit, that would wait for a thread that is no more.
    """

    def __init__(self) -> None:
        # Not everybody has an async handler, and asyncio is the larger part of an import.
        import anyio  # noqa: PLC0415
        from anyio.from_thread import BlockingPortal  # noqa: PLC0415

        started: Future[BlockingPortal] = Future()

        async def main() -> None:
            async with BlockingPortal() as portal:
                started.set_result(portal)
                await portal.sleep_until_stopped()

        self._thread = threading.Thread(target=anyio.run, args=(main,), name="cxfulfill-loop", daemon=True)
        self._thread.start()
        self.portal = started.result()

    def close(self) -> None:
        self.portal.call(self.portal.stop)
        self._thread.join()


class Threads:
    """The runtime of servers that give each request a thread.

    Args:
        workers: The process's threads and event loop.
        scope: A context to run handlers in away from the request's thread, such as Flask's app context.
        everywhere: Whether to run handlers in the request's thread in that context too.
    """

    def __init__(self, workers: Workers, *, scope: Scope = nullcontext, everywhere: bool = False) -> None:
        self._workers = workers
        self._scope = scope
        self._everywhere = everywhere

    async def read(self, http: HttpRequest, limit: int, timeout: float) -> bytes:
        """Read the body; see `Runtime.read`."""
        return http.body.read(limit, timeout)

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function in this thread; see `Runtime.block`."""
        return function()

    async def invoke(self, work: Work, deadline: Deadline) -> Any:
        """Run a handler; see `Runtime.invoke`."""
        if work.invocation.function.is_async:
            portal = self._workers.portal()
            future = _carried().run(portal.start_task_soon, self._on_loop, work)
            return _result(future, work, deadline)
        if work.watched:
            context = _carried()
            return _result(self._workers.submit(lambda: context.run(self._in_scope, work)), work, deadline)
        return self._in_scope(work) if self._everywhere else work.invocation.run(work.call, work.arguments)

    def _in_scope(self, work: Work) -> Any:
        with self._scope():
            return work.invocation.run(work.call, work.arguments)

    async def _on_loop(self, work: Work) -> Any:
        with self._scope():
            try:
                return await work.invocation.run_async(work.call, work.arguments)
            except (SystemExit, KeyboardInterrupt) as error:
                # On an event loop these would end it, and with it every other handler of the process.
                raise RuntimeError("a handler tried to end the process") from error


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose verbs never suspend.

    Args:
        coroutine: The coroutine.

    Returns:
        Its result.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine suspended in a runtime that cannot wait for it")


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
        future.add_done_callback(lambda done: _note_late(done, work.call.request_id))
        raise DeadlineExceeded from None


def _note_late(future: Future[Any], request_id: str) -> None:
    error = None if future.cancelled() else future.exception()
    outcome = f"with {type(error).__name__}" if error else "well"
    _log.warning("request_id=%s handler ended %s after its deadline; its answer is lost", request_id, outcome)
