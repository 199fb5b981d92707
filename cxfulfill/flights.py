"""The runs of one process: who waits for which, and that their leases last.

A flight is one run of a handler for one key. Whoever delivers the same call meanwhile waits for it and shares its
outcome, also a failure; a later delivery is another flight. A request may leave before; its flight goes on.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cxfulfill.errors import Unavailable
from cxfulfill.idempotency.guard import GuardedStore, StoreDown
from cxfulfill.idempotency.store import Acquired, Lease

MAX_UNSAVED: Final = 1_000
"""Answers that are kept in the process while the store cannot take them."""

_log = logging.getLogger("cxfulfill")


class InProgress(Unavailable):
    """503: an earlier delivery of the same call still runs."""

    default_reason = "in_progress"


class Landed(NamedTuple):
    """What a flight gave.

    Attributes:
        body: The answer.
        replayed: Whether it is that of an earlier delivery.
    """

    body: bytes
    replayed: bool = False


class Flight:
    """One run.

    Args:
        key: The call's key.
        fingerprint: What the key is used for.
        started: When it began, in the clock's seconds.

    Attributes:
        lease: The right that it runs by, once it has one.
        outcome: What it gave, once it has landed: an answer, or the failure.
        is_late: Whether the request that began it has left.
    """

    __slots__ = ("fingerprint", "future", "is_late", "key", "lease", "outcome", "started")

    def __init__(self, key: str, fingerprint: str, started: float) -> None:
        self.key = key
        self.fingerprint = fingerprint
        self.started = started
        self.lease: Lease | None = None
        self.outcome: Landed | Exception | None = None
        self.is_late = False
        self.future: Future[None] | None = None


@dataclass(frozen=True, slots=True)
class Unsaved:
    """An answer that the store could not take yet.

    Attributes:
        lease: The right that the call was run by.
        result: What is to be kept.
        ttl: Seconds that it is kept.
    """

    lease: Lease
    result: bytes = field(repr=False)
    ttl: float


class Flights:
    """The flights of one process, and one thread that keeps their leases.

    Args:
        store: Where the leases are.
        lease: Seconds that a lease lasts.
        max_run: Seconds after which a lease is no longer renewed.
        clock: Seconds that only go up.
    """

    def __init__(
        self, store: GuardedStore, *, lease: float, max_run: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._lease = lease
        self._max_run = max_run
        self._clock = clock
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._flying: dict[str, Flight] = {}
        self._unsaved: dict[str, Unsaved] = {}
        self._keeper: threading.Thread | None = None
        self._draining = False

    def board(self, key: str, fingerprint: str) -> tuple[Flight, bool]:
        """Join the flight of a key, or begin it.

        Args:
            key: The call's key.
            fingerprint: What the key is used for.

        Returns:
            The flight, and whether it is the caller's to carry out.
        """
        with self._lock:
            if self._pid != os.getpid():
                # Threads do not survive a fork, and what they ran is not this process's.
                self._pid, self._flying, self._keeper = os.getpid(), {}, None
            flight = self._flying.get(key)
            if flight is not None:
                flight.future = flight.future or Future()
                return flight, False
            flight = self._flying[key] = Flight(key, fingerprint, self._clock())
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="cxfulfill-leases", daemon=True)
                self._keeper.start()
            return flight, True

    def land(self, flight: Flight, outcome: Landed | Exception) -> None:
        """End a flight: whoever waits for it gets its outcome.

        Args:
            flight: The flight.
            outcome: What it gave.
        """
        with self._lock:
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
            flight.outcome = outcome
            future = flight.future
            if self._draining:
                self._changed.notify_all()
        if future is not None:
            future.set_result(None)

    def awaited(self, flight: Flight) -> "Future[None]":
        """Give what is done when a flight has landed.

        Args:
            flight: The flight.

        Returns:
            A future without a value.
        """
        with self._lock:
            future = flight.future = flight.future or Future()
            if flight.outcome is not None and not future.done():
                future.set_result(None)
            return future

    def leave_unsaved(self, unsaved: Unsaved) -> None:
        """Keep an answer here, and try the store again later.

        Args:
            unsaved: The answer.
        """
        with self._lock:
            self._unsaved[unsaved.lease.key] = unsaved
            while len(self._unsaved) > MAX_UNSAVED:
                del self._unsaved[next(iter(self._unsaved))]

    def unsaved(self, key: str) -> Unsaved | None:
        """Give the answer that is only kept here.

        Args:
            key: The call's key.

        Returns:
            It, or None.
        """
        return self._unsaved.get(key) if self._unsaved else None

    def drain(self, seconds: float) -> bool:
        """Wait until every flight has landed and every answer is kept.

        Args:
            seconds: At most so long.

        Returns:
            Whether that is so.
        """
        with self._changed:
            self._draining = True
            landed = self._changed.wait_for(lambda: not self._flying, seconds)
            self._draining, self._keeper = False, None
            self._changed.notify_all()
        self.look_after()
        return landed and not self._unsaved

    def look_after(self) -> None:
        """Renew the leases of flights that take long, and hand over answers that the store could not take."""
        now = self._clock()
        for flight in list(self._flying.values()):
            if flight.lease and self._lease / 3 <= now - flight.started < self._max_run:
                self._renew(flight.lease)
        for key, unsaved in list(self._unsaved.items()):
            try:
                self._store.complete(unsaved.lease, unsaved.result, ttl=unsaved.ttl)
            except StoreDown:
                break
            self._unsaved.pop(key, None)

    def _renew(self, lease: Lease) -> None:
        try:
            outcome = self._store.acquire(
                lease.key, owner=lease.owner, fingerprint=lease.fingerprint, lease=self._lease
            )
        except StoreDown:
            return
        if not isinstance(outcome, Acquired):
            _log.warning("the lease of a handler that still runs was lost: another delivery may have run it too")

    def _keep(self) -> None:
        me = threading.current_thread()
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._keeper is not me, self._lease / 3):
                    return
            self.look_after()
