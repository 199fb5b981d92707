"""Start and end of an application in one process: its start-up and shutdown hooks.

Start-up runs in a thread of its own, so that whoever asks for it decides how long to wait: a call until its deadline, a
server until it takes calls, a probe not at all.
"""

import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from cxfulfill.context import Clock, Deadline
from cxfulfill.errors import ConfigurationError, Unavailable
from cxfulfill.forks import begin_in_each_process
from cxfulfill.handlers import place_of
from cxfulfill.loops import Portal
from cxfulfill.runtime import Runtime
from cxfulfill.workers import Workers

Hook = Callable[[], object]
"""A plain or ``async`` function without arguments."""
HookFunction = TypeVar("HookFunction", bound=Hook)
RETRY: Final = 1.0
"""Seconds from a start-up hook's failure until it is tried again."""
START_LIMIT: Final = 30.0
"""Seconds that a server waits for start-up before it takes calls, which are refused until it has succeeded."""

_log = logging.getLogger("cxfulfill")


@dataclass(eq=False, repr=False)
class _Start:
    """Start-up in one process.

    Attributes:
        done: Hooks that have succeeded.
        is_begun: Whether it was tried.
        attempt: What is done when the attempt that runs has ended; None where none runs.
        next_at: When it may be tried again, in the clock's seconds.
    """

    done: int = 0
    is_begun: bool = False
    attempt: "Future[None] | None" = None
    next_at: float = 0.0


class Lifecycle:
    """The hooks of an application, and how far its start-up has got in this process.

    Args:
        workers: The process's threads and event loop.
        clock: Seconds that only go up.
    """

    def __init__(self, workers: Workers, clock: Clock) -> None:
        self._workers = workers
        self._clock = clock
        self._starters: list[Hook] = []
        self._enders: list[Hook] = []
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin with nothing started; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._start = _Start()

    def add(self, hook: Hook, *, at_end: bool = False) -> None:
        """Register a hook.

        Args:
            hook: The function.
            at_end: Whether it is for the shutdown.

        Raises:
            ConfigurationError: It is no function, takes arguments, or start-up has begun.
        """
        if self._start.is_begun:
            raise ConfigurationError(f"{place_of(hook)}: nothing can be registered any more: start-up has begun")
        try:
            inspect.signature(hook).bind()
        except (TypeError, ValueError):
            raise ConfigurationError(f"{place_of(hook)}: a hook is a function without arguments") from None
        (self._enders if at_end else self._starters).append(hook)

    @property
    def is_ready(self) -> bool | None:
        """Whether start-up has succeeded in this process; None where there is nothing to do."""
        if not self._starters:
            return None
        return self._start.done == len(self._starters)

    @property
    def is_started(self) -> bool:
        """Whether start-up was tried in this process, and has succeeded."""
        start = self._start
        return start.is_begun and start.done == len(self._starters)

    async def started(self, runtime: Runtime, deadline: Deadline) -> None:
        """Let a call wait for start-up, which it begins where nobody has.

        Args:
            runtime: How to wait.
            deadline: The call's deadline.

        Raises:
            Unavailable: It has not succeeded (``starting``).
        """
        if self.is_started:
            return
        await runtime.block(lambda: self.start(deadline.remaining()))
        if self.is_ready is False:
            raise Unavailable(reason="starting", note="a start-up hook has not succeeded yet")

    def start(self, seconds: float = START_LIMIT) -> None:
        """Begin start-up in this process where that is to be done now, and wait for it.

        Args:
            seconds: At most so long; it goes on by itself.
        """
        attempt = self._attempt()
        if attempt is not None:
            with suppress(TimeoutError):
                attempt.result(seconds)

    def _attempt(self) -> "Future[None] | None":
        """Give the attempt that runs; begins one where it is time to."""
        with self._lock:
            start, now = self._start, self._clock()
            start.is_begun = True
            if start.attempt is None and start.done < len(self._starters) and now >= start.next_at:
                start.attempt = Future()
                self._run_hooks(start, start.attempt)
            return start.attempt

    def _run_hooks(self, start: _Start, attempt: "Future[None]") -> None:
        thread = threading.Thread(target=self._start_up, args=(start, attempt), name="cxfulfill-start", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            _log.error("no thread could be started for the start-up hooks")
            start.attempt, start.next_at = None, self._clock() + RETRY

    def _start_up(self, start: _Start, attempt: "Future[None]") -> None:
        for hook in self._starters[start.done :]:
            if not _succeeds("start-up", hook, self._workers.portal):
                start.next_at = self._clock() + RETRY
                break
            start.done += 1
        start.attempt = None
        attempt.set_result(None)

    def close(self) -> None:
        """Wait for running handlers, run the shutdown hooks where start-up was begun, and end threads and event loop.

        Whatever is called later begins anew.
        """
        with self._lock:
            start, self._start = self._start, _Start()
        attempt = start.attempt
        if not start.is_begun:
            self._workers.close()
            return
        if attempt is not None:
            with suppress(TimeoutError):
                attempt.result(START_LIMIT)
        if any(map(_is_async, self._enders)):
            with suppress(Unavailable):  # the hooks' own lines tell
                self._workers.portal()
        self._workers.close(self._shut_down)

    def _shut_down(self, portal: Portal | None) -> None:
        for hook in reversed(self._enders):
            _succeeds("shutdown", hook, lambda: portal)


def _succeeds(what: str, hook: Hook, portal: Callable[[], Any]) -> bool:
    """Run a hook, plain ones here and ``async`` ones on the event loop; tells whether it raised nothing."""
    try:
        result = None if _is_async(hook) else hook()
        if result is None and _is_async(hook):
            portal().call(_contained, hook)
        elif inspect.isawaitable(result):  # a plain function that hands on what an async one has begun
            portal().call(_contained, lambda: result)
    except BaseException as error:  # a hook must end neither this thread nor the process
        _log.error("a %s hook failed with %s: %s", what, type(error).__name__, place_of(hook))
        _log.debug("traceback of the %s hook", what, exc_info=True)
        return False
    return True


def _is_async(hook: Hook) -> bool:
    return inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(type(hook).__call__)


async def _contained(hook: Callable[[], Awaitable[object]]) -> None:
    try:
        await hook()
    except Exception:
        raise
    except BaseException as error:
        # On an event loop these would end it, and with it every handler of the process.
        raise RuntimeError(f"the hook ended with {type(error).__name__}") from None
