"""How long the stages of one call took, measured where each is awaited or runs."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from cxfulfill.context import Clock

T = TypeVar("T")


class Stages:
    """The seconds of one call; it belongs to that call alone.

    Its ``with`` block is where a handler runs. One that is cut off goes on in another thread and may still write here:
    a record copies what it finds.

    Args:
        clock: Seconds that only go up.

    Attributes:
        clock: The same.
        started: When the call began.
        auth: Seconds until it was known who calls.
        store: Seconds of round trips to the store.
        attempt: The how manieth delivery of the call this is; None where that is not known.
    """

    __slots__ = ("_handler", "_since", "attempt", "auth", "clock", "started", "store")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.started = clock()
        self.auth = 0.0
        self.store = 0.0
        self.attempt: int | None = None
        self._handler = 0.0
        self._since: float | None = None

    async def authenticating(self, step: Awaitable[T]) -> T:
        """Await a step that finds out who calls.

        Args:
            step: The step.

        Returns:
            Its result.
        """
        begun = self.clock()
        try:
            return await step
        finally:
            self.auth += self.clock() - begun

    def __enter__(self) -> None:
        self._since = self.clock()

    def __exit__(self, *_: object) -> None:
        self._handler, self._since = self.handler(self.clock()), None

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


class Trips:
    """Round trips to the store, on the account of a call.

    Args:
        where: Where they may wait; None for a store that does no IO.
        stages: The seconds of the call.
    """

    __slots__ = ("_stages", "_where")

    def __init__(self, where: Blocking | None, stages: Stages) -> None:
        self._where = where
        self._stages = stages

    async def make(self, trip: Callable[[], T]) -> T:
        """Make a round trip.

        Args:
            trip: It.

        Returns:
            Its result.
        """
        stages = self._stages
        begun = stages.clock()
        try:
            return trip() if self._where is None else await self._where.block(trip)
        finally:
            stages.store += stages.clock() - begun
