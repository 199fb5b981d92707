"""How many calls one process handles at a time, so that those beyond are refused before they are late.

Three counts, each with its own limit: calls whose handler runs (``limit``); calls that wait for an earlier delivery of
the same call (as many again), which hold up nobody but themselves; and both together with those that are still being
read, before whose body the third one is asked. A run counts until its handler has ended, also where its request has
left before.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from cxfulfill.context import Call
from cxfulfill.errors import ConfigurationError, Unavailable
from cxfulfill.forks import begin_in_each_process
from cxfulfill.handlers import Invocation
from cxfulfill.structures import structure
from cxfulfill.work import Work

_UNCOUNTED = nullcontext()


class Load:
    """The calls of one process that are being handled.

    Args:
        limit: How many may run at a time; None for no limit.

    Attributes:
        limit: The same.

    Raises:
        ConfigurationError: It is no whole number of 1 or more.
    """

    def __init__(self, limit: int | None) -> None:
        if limit is not None and (type(limit) is not int or limit < 1):
            raise ConfigurationError("max_in_flight must be a whole number of 1 or more")
        self.limit = limit
        self._inside = _Count(2 * (limit or 0))
        self._waiting = _Count(limit or 0)
        self._running = _Count(limit or 0)

    def inside(self) -> AbstractContextManager[None]:
        """Count a call from here, before its body is read, to its answer.

        Returns:
            What counts it.

        Raises:
            Unavailable: There are too many (``overloaded``).
        """
        return _UNCOUNTED if self.limit is None else self._inside.one()

    def waiting(self) -> AbstractContextManager[None]:
        """Count a call that waits for an earlier delivery; as `inside`."""
        return _UNCOUNTED if self.limit is None else self._waiting.one()

    def running(self, work: Work) -> AbstractContextManager[Work]:
        """Count a run.

        Args:
            work: The handler.

        Returns:
            What counts it, with the handler as it is to be run.

        Raises:
            Unavailable: There are too many (``overloaded``).
        """
        if self.limit is None:
            return nullcontext(work)
        place = _Place(self._running, self._waiting)
        place.take()
        invocation = _Counted(work.invocation.function, work.invocation.middleware, place)
        return place.left_after(replace(work, invocation=invocation))

    def waiting_elsewhere(self, work: Work) -> AbstractContextManager[None]:
        """Count a run as a call that waits, while another process has its call.

        Args:
            work: The handler, as `running` gave it.

        Returns:
            What counts it.

        Raises:
            Unavailable: There are too many that wait (``overloaded``).
        """
        return work.invocation.place.set_aside() if isinstance(work.invocation, _Counted) else _UNCOUNTED


class _Count:
    """So many at a time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        begin_in_each_process(self)

    def begin(self) -> None:
        self._number = 0
        self._lock = threading.Lock()

    def one(self) -> AbstractContextManager[None]:
        """Add one at once, or refuse it; it is taken off at the end of the block."""
        self.add()
        return self._taken_off()

    def add(self, *, beyond: bool = False) -> None:
        with self._lock:
            if self._number >= self._limit and not beyond:
                raise Unavailable(reason="overloaded")
            self._number += 1

    def take_off(self) -> None:
        with self._lock:
            self._number -= 1

    @contextmanager
    def _taken_off(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.take_off()


@dataclass(eq=False, repr=False)
class _Place:
    """A run's one place, which its request and its handler hold; the last of them that leaves gives it up."""

    count: _Count
    waiting: _Count
    holders: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, *, beyond: bool = False) -> None:
        with self.lock:
            if not self.holders:
                self.count.add(beyond=beyond)
            self.holders += 1

    def leave(self) -> None:
        with self.lock:
            if self.holders:  # it may have been set aside, and not got back
                self.holders -= 1
                if not self.holders:
                    self.count.take_off()

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        with self.waiting.one():
            self.leave()
            yield
            self.take()

    @contextmanager
    def left_after(self, work: Work) -> Iterator[Work]:
        try:
            yield work
        finally:
            self.leave()


@structure
class _Counted(Invocation):
    """A handler that holds its run's place while it runs."""

    place: _Place

    def run(self, call: Call, arguments: tuple[Any, ...]) -> Any:
        # Beyond the limit where the request has left before the handler began: it runs all the same.
        self.place.take(beyond=True)
        try:
            return Invocation.run(self, call, arguments)
        finally:
            self.place.leave()

    async def run_async(self, call: Call, arguments: tuple[Any, ...]) -> Any:
        self.place.take(beyond=True)
        try:
            return await Invocation.run_async(self, call, arguments)
        finally:
            self.place.leave()
