"""The limits that a store is called within, and what leaves it alone for a while where it is down."""

import logging
import threading
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
"""Failures in a row after which the store is left alone."""
PAUSE: Final = 2.0
"""Seconds that it is left alone; then one call tries it."""
TIME_LIMIT: Final = 1.5
"""Seconds after which a call of a store that is not bounded by itself is given up."""
MAX_HANGING: Final = 16
"""Calls of an unbounded store that may be under way at once; on an event loop, those that were given up."""

_log = logging.getLogger("cxfulfill")


class StoreDown(Exception):
    """The store could not tell, or is left alone since it could not a moment ago."""


class Circuit:
    """The failures of a store in this process, by whichever client it is called.

    Args:
        clock: Seconds that only go up.

    Attributes:
        failures: Those since a call went well. From `FAILURES` on, no call is made without `try_again`.
        troubles: Those so far.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.troubles = 0
        self._clock = clock

    def begin(self) -> None:
        """Begin without failures; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self.failures = 0
        self._closed_until = 0.0

    @property
    def is_closed(self) -> bool:
        """Whether the store is called at the moment."""
        return self.failures < FAILURES or self._clock() >= self._closed_until

    def try_again(self) -> None:
        """Let one caller try after the pause, and no other until that one knows.

        Raises:
            StoreDown: To all the others.
        """
        with self._lock:
            now = self._clock()
            if self.failures >= FAILURES and now < self._closed_until:
                raise StoreDown
            self._closed_until = now + PAUSE

    def noted(self, error: Exception) -> StoreDown:
        """Count a failure.

        Args:
            error: What the store raised.

        Returns:
            What is to be raised in its place.
        """
        with self._lock:
            self.troubles += 1
            self.failures += 1
            self._closed_until = self._clock() + PAUSE
        # The class alone: texts of a store's client may hold an address with a password.
        _log.warning("the idempotency store failed with %s", type(error).__name__)
        return StoreDown()
