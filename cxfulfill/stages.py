"""How long the stages of one call took, measured where each is awaited or runs, and the spans of a trace for them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeVar

from cxfulfill.context import Clock

T = TypeVar("T")


class Spans(Protocol):
    """Makes the spans of one call's stages."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Make the span of a stage: current while the block runs, in the thread or task that runs it.

        Args:
            name: ``auth``, ``store`` or ``handler``.

        Returns:
            The block.
        """
        ...


class Stages:
    """The seconds of one call; it belongs to that call alone.

    A handler that is cut off goes on in another thread and may still write here: a record copies what it finds.

    Args:
        clock: Seconds that only go up.
        queued: Seconds that the call was there before it was taken up.
        spans: Makes spans for its stages; None for none.

    Attributes:
        clock: The same.
        spans: The same.
        started: When the call arrived.
        auth: Seconds until it was known who calls.
        store: Seconds of round trips to the store.
        store_errors: Round trips to it that failed.
        attempt: The how manieth delivery of the call this is; None where that is not known.
    """

    __slots__ = ("_handler", "_since", "attempt", "auth", "clock", "spans", "started", "store", "store_errors")

    def __init__(self, clock: Clock, queued: float = 0.0, spans: Spans | None = None) -> None:
        self.clock = clock
        self.spans = spans
        self.started = clock() - queued
        self.auth = 0.0
        self.store = 0.0
        self.store_errors = 0
        self.attempt: int | None = None
        self._handler = 0.0
        self._since: float | None = None

    def span(self, name: str) -> AbstractContextManager[object]:
        """Make the span of a stage; see `Spans.stage`.

        Args:
            name: Its name.

        Returns:
            The block, which does nothing where the call is not traced.
        """
        return nullcontext() if self.spans is None else self.spans.stage(name)

    def at(self, where: "Blocking", name: str) -> "Blocking":
        """Give a place where functions may do IO, with a span for each where the call is traced.

        Args:
            where: The place.
            name: The spans' name.

        Returns:
            It.
        """
        return where if self.spans is None else Spanned(where, self.spans, name)

    def begin(self) -> None:
        """Note that a handler begins."""
        now = self.clock()
        if self._since is not None:  # one that was cut off may still run
            self._handler = self.handler(now)
        self._since = now

    def end(self) -> None:
        """Note that it ends."""
        now, since = self.clock(), self._since
        if since is not None:
            self._handler += now - since
        self._since = None

    def handler(self, now: float) -> float:
        """Tell how long handlers ran.

        Args:
            now: The clock's seconds.

        Returns:
            Seconds, up to now for one that still runs.
        """
        since = self._since
        return self._handler if since is None else self._handler + now - since


class Blocking(Protocol):
    """Where a function may do IO."""

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function that may do IO."""
        ...


class Spanned:
    """A place where functions may do IO, with a span for each.

    Args:
        where: The place.
        spans: Makes the spans.
        name: Their name.
    """

    __slots__ = ("_name", "_spans", "_where")

    def __init__(self, where: Blocking, spans: Spans, name: str) -> None:
        self._where = where
        self._spans = spans
        self._name = name

    async def block(self, function: Callable[[], T]) -> T:
        """Run a function that may do IO."""
        with self._spans.stage(self._name):
            return await self._where.block(function)
