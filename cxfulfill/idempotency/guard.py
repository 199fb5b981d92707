"""A store as the policy calls it: bounded in time, and left alone for a while where it is down."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final, TypeVar

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.store import IdempotencyStore, Lease, Outcome

T = TypeVar("T")

TIME_LIMIT: Final = 1.5
"""Seconds after which a call of a store that is not bounded by itself is given up."""
FAILURES: Final = 3
"""Failures in a row after which the store is left alone."""
PAUSE: Final = 2.0
"""Seconds that it is left alone; then one call tries it."""
MAX_HANGING: Final = 16
"""Calls of an unbounded store that may be under way at once."""

_log = logging.getLogger("cxfulfill")
_VERBS = ("acquire", "complete", "release")


class StoreDown(Exception):
    """The store could not tell, or is left alone since it could not a moment ago."""


class GuardedStore:
    """A store behind a time limit and a circuit that closes again by itself.

    Args:
        store: The store.
        clock: Seconds that only go up.

    Attributes:
        blocking: Whether its methods do IO.
        troubles: Calls that failed so far.

    Raises:
        ConfigurationError: It is no store.
    """

    def __init__(self, store: IdempotencyStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        if isinstance(store, type) or not all(callable(getattr(store, verb, None)) for verb in _VERBS):
            raise ConfigurationError(
                "idempotency= needs a store: a URL, or an object with acquire, complete and release"
            )
        self.store = store
        self.blocking = bool(getattr(store, "blocking", True))
        self.troubles = 0
        self._bounded = bool(getattr(store, "bounded", False))
        self._clock = clock
        self._lock = threading.Lock()
        self._hanging = threading.Semaphore(MAX_HANGING)
        self._failures = 0
        self._closed_until = 0.0

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`; raises `StoreDown`."""
        if not self._bounded or self._failures:
            return self._call(partial(self.store.acquire, key, owner=owner, fingerprint=fingerprint, lease=lease))
        try:
            return self.store.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)
        except Exception as error:
            raise self._noted(error) from error

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`; raises `StoreDown`."""
        if not self._bounded or self._failures:
            return self._call(partial(self.store.complete, lease, result, ttl=ttl))
        try:
            return self.store.complete(lease, result, ttl=ttl)
        except Exception as error:
            raise self._noted(error) from error

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`; raises `StoreDown`."""
        return self._call(partial(self.store.release, lease))

    def is_well(self) -> bool:
        """Tell whether the store is not left alone at the moment.

        Returns:
            Whether it is asked.
        """
        return self._failures < FAILURES or self._clock() >= self._closed_until

    def close(self) -> None:
        """Close the store, where it can be."""
        close = getattr(self.store, "close", None)
        if close is not None:
            close()

    def _call(self, function: Callable[[], T]) -> T:
        if self._failures >= FAILURES:
            self._try_again()
        try:
            result = function() if self._bounded else self._within_limit(function)
        except Exception as error:
            raise self._noted(error) from error
        self._failures = 0
        return result

    def _try_again(self) -> None:
        """Let one caller try after the pause, and no other until that one knows."""
        with self._lock:
            now = self._clock()
            if self._failures >= FAILURES and now < self._closed_until:
                raise StoreDown
            self._closed_until = now + PAUSE

    def _noted(self, error: Exception) -> StoreDown:
        with self._lock:
            self.troubles += 1
            self._failures += 1
            self._closed_until = self._clock() + PAUSE
        # The class alone: texts of a store's client may hold an address with a password.
        _log.warning("the idempotency store failed with %s", type(error).__name__)
        return StoreDown()

    def _within_limit(self, function: Callable[[], T]) -> T:
        """Run it in a thread of its own, which is given up after the limit."""
        if not self._hanging.acquire(blocking=False):
            raise TimeoutError
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as error:
                future.set_exception(error)
            finally:
                self._hanging.release()

        threading.Thread(target=run, name="cxfulfill-store", daemon=True).start()
        return future.result(TIME_LIMIT)
