"""The runs of one process: who waits for which, and that their leases last.

A flight is one run of a handler for one key. Whoever delivers the same call meanwhile waits for it and shares its
outcome, also a failure; a later delivery is another flight. A request may leave before; its flight goes on.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import field
from itertools import count
from typing import Final, NamedTuple

from cxfulfill.errors import Unavailable
from cxfulfill.forks import begin_in_each_process
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.circuit import StoreDown
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.store import Acquired, Completed, Lease
from cxfulfill.landing import Landing
from cxfulfill.structures import structure

MAX_UNSAVED: Final = 1_000
"""Answers that are kept in the process while the store cannot take them."""
ROUND: Final = 1.0
"""Seconds for handing answers over, between two rounds of renewals."""
IDLE_ROUNDS: Final = 12
"""Rounds without a flight after which the thread that keeps leases ends."""

_log = logging.getLogger("cxfulfill")


class InProgress(Unavailable):
    """503: an earlier delivery of the same call still runs."""

    default_reason = "in_progress"


class Aborted(Unavailable):
    """503: the worker that ran the call was ended."""

    default_reason = "aborted"


class Landed(NamedTuple):
    """What a flight gave.

    Attributes:
        answer: The answer.
        replayed: Whether it is that of an earlier delivery.
        joined: Whether that one still ran.
    """

    answer: KeptAnswer
    replayed: bool = False
    joined: bool = False


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
        further: Numbers the deliveries that join it.
        landing: What tells that it has landed; None where nobody waits for that.
    """

    # Only what differs is set for each: most flights land before anybody else has heard of them.
    lease: Lease | None = None
    outcome: Landed | Exception | None = None
    is_late = False
    further: Iterator[int] = iter(())
    landing: Landing | None = None

    def __init__(self, key: str, fingerprint: str, started: float) -> None:
        self.key = key
        self.fingerprint = fingerprint
        self.started = started


@structure
class Unsaved:
    """An answer that the store could not take yet.

    Attributes:
        lease: The right that the call was run by.
        result: What is to be kept.
        ttl: Seconds that it is kept.
        expires: When it is dropped, in the clock's seconds.
    """

    lease: Lease
    result: bytes = field(repr=False)
    ttl: float
    expires: float


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
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without flights; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._landed = threading.Condition(self._lock)
        self._keeping = threading.Condition(self._lock)
        self._flying: dict[str, Flight] = {}
        self._unsaved: dict[str, Unsaved] = {}
        self._keeper: threading.Thread | None = None
        self._draining = 0

    def board(self, key: str, fingerprint: str) -> tuple[Flight, bool]:
        """Join the flight of a key, or begin it.

        Args:
            key: The call's key.
            fingerprint: What the key is used for.

        Returns:
            The flight, and whether it is the caller's to carry out.
        """
        mine = Flight(key, fingerprint, self._clock())
        # In one step: of many callers at once one begins it, and needs no lock for that.
        flight = self._flying.setdefault(key, mine)
        if flight is not mine:
            with self._lock:
                flight = self._flying.setdefault(key, mine)
                if flight is not mine and mine.started < flight.started + self._max_run + self._lease:
                    flight.landing = flight.landing or Landing()
                    flight.further = count(2) if flight.further is Flight.further else flight.further
                    return flight, False
                self._flying[key] = mine
        if self._keeper is None:
            self._start_keeper()
        return mine, True

    def _start_keeper(self) -> None:
        with self._lock, suppress(Exception):  # a log that fails must not lose the flight, which is in the air already
            if self._keeper is not None:
                return
            keeper = threading.Thread(target=self._keep, name="cxfulfill-leases", daemon=True)
            try:
                keeper.start()
            except RuntimeError:
                _log.warning("no thread could be started to renew leases: a handler that takes long may lose its own")
            else:
                self._keeper = keeper

    def land(self, flight: Flight, outcome: Landed | Exception) -> None:
        """End a flight: whoever waits for it gets its outcome.

        Args:
            flight: The flight.
            outcome: What it gave.
        """
        with self._lock:
            key = flight.key
            if self._flying.get(key) is flight:
                del self._flying[key]
            flight.outcome = outcome
            if flight.landing is not None:
                flight.landing.land()
            if self._draining:
                self._landed.notify_all()

    def awaited(self, flight: Flight) -> Landing:
        """Give what is done when a flight has landed.

        Args:
            flight: The flight.

        Returns:
            It, without a value.
        """
        with self._lock:
            landing = flight.landing = flight.landing or Landing()
            if flight.outcome is not None:
                landing.land()
            return landing

    def leave_unsaved(self, key: str, lease: Lease, result: bytes, ttl: float) -> None:
        """Keep an answer here, and try the store again later.

        Args:
            key: The call's key.
            lease: The right that it was run by.
            result: What is to be kept.
            ttl: Seconds that it is kept.
        """
        with self._lock:
            self._unsaved[key] = Unsaved(lease, result, ttl, self._clock() + ttl)
            while len(self._unsaved) > MAX_UNSAVED:
                del self._unsaved[next(iter(self._unsaved))]

    def unsaved(self, key: str) -> Unsaved | None:
        """Give the answer that is only kept here.

        Args:
            key: The call's key.

        Returns:
            It, or None.
        """
        found = self._unsaved.get(key) if self._unsaved else None
        return found if found is not None and self._clock() < found.expires else None

    def drain(self, seconds: float) -> bool:
        """Wait until every flight has landed and every answer is kept.

        Args:
            seconds: At most so long.

        Returns:
            Whether that is so.
        """
        self.look_after()
        with self._lock:
            self._draining += 1
            landed = self._landed.wait_for(lambda: not self._flying, seconds)
            self._draining -= 1
            self._keeper = None
            self._keeping.notify_all()
        self.look_after()
        return landed and not self._unsaved

    def look_after(self) -> None:
        """Renew the leases of flights that take long, and hand over answers that the store could not take."""
        self._renew_all()
        ends = time.monotonic() + ROUND
        for key, unsaved in list(self._unsaved.items()):
            if time.monotonic() > ends:
                break  # the leases come first, in the next round
            try:
                if self._clock() < unsaved.expires:
                    self._store.complete(unsaved.lease, unsaved.result, ttl=unsaved.ttl)
            except StoreDown:
                continue  # the store may refuse this one alone
            with self._lock:
                if self._unsaved.get(key) is unsaved:
                    del self._unsaved[key]

    def _renew_all(self) -> None:
        now = self._clock()
        for flight in list(self._flying.values()):
            lease = flight.lease
            if lease and self._lease / 3 <= now - flight.started < self._max_run:
                self._renew(lease)
                if flight.lease is not lease:
                    # Its handler ended meanwhile, perhaps before this renewal; what is complete is not released.
                    with suppress(StoreDown):
                        self._store.release(lease)

    def _renew(self, lease: Lease) -> None:
        try:
            outcome = self._store.acquire(lease.key, lease.owner, lease.fingerprint, self._lease)
        except StoreDown:
            return
        if not isinstance(outcome, Acquired | Completed):  # what is complete may be so by this very handler
            _log.warning("the lease of a handler that still runs was lost: another delivery may have run it too")

    def _keep(self) -> None:
        me, idle = threading.current_thread(), 0
        while True:
            with self._lock:
                if idle >= IDLE_ROUNDS and self._keeper is me:
                    self._keeper = None  # before the look: a flight that begins after it starts another keeper
                    if not self._flying:
                        return
                    self._keeper = me
                if self._keeping.wait_for(lambda: self._keeper is not me, self._lease / 3):
                    return
            try:
                self.look_after()
            except Exception as error:  # whatever it was, leases must go on being renewed
                _log.warning("leases could not be looked after: %s", type(error).__name__)
            idle = 0 if self._flying or self._unsaved else idle + 1
