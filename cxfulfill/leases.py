"""What a flight asks of the store, on the account of its call: the right to run, and that its answer is kept."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from cxfulfill.containment import failure_of
from cxfulfill.errors import Unavailable
from cxfulfill.flights import Flight, Flights, InProgress
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.circuit import StoreDown
from cxfulfill.idempotency.guard import GuardedStore, Trip
from cxfulfill.idempotency.policy import Idempotency, Keyed
from cxfulfill.idempotency.store import Acquired, Completed, Lease, Outcome
from cxfulfill.keying import note_lease
from cxfulfill.stages import Blocking, Stages
from cxfulfill.work import Work

T = TypeVar("T")

_log = logging.getLogger("cxfulfill")


class Leases:
    """The leases of one application's calls.

    Args:
        policy: How calls are de-duplicated.
        store: Where the leases are.
        flights: What runs in this process.
    """

    def __init__(self, policy: Idempotency, store: GuardedStore, flights: Flights) -> None:
        self.policy = policy
        self.store = store
        self.flights = flights

    def begin(self, flight: Flight, acquired: Acquired | None, keyed: Keyed, work: Work) -> None:
        """Give a flight its lease.

        Args:
            flight: The flight.
            acquired: What the store said; None where it is down, and the call runs all the same.
            keyed: The call's key.
            work: The handler.
        """
        if acquired is None or acquired.took_over or keyed.collects:
            note_lease(acquired, work.call, keyed)
        flight.lease = acquired and acquired.lease

    async def acquire(
        self, key: str, owner: str, keyed: Keyed, work: Work, elsewhere: bool, where: Blocking
    ) -> Outcome | None:
        """Ask for the right to run a call.

        Args:
            key: The key to ask for: the call's, or one in its place.
            owner: Token of the attempt.
            keyed: The call's key.
            work: The handler.
            elsewhere: Whether another process had the call a moment ago.
            where: Where functions may do IO.

        Returns:
            What the store says; None where it is down and the call is to run all the same.

        Raises:
            InProgress: It is down, and another process may still run the call.
            Unavailable: It is down (``store_unavailable``).
        """
        acquire = Trip(self.store.acquire, key, owner=owner, fingerprint=keyed.fingerprint, lease=self.policy.lease)
        try:
            return await self._trip(acquire, work, where)
        except StoreDown:
            self._check_down(keyed, elsewhere)
            return None

    def acquire_here(self, key: str, owner: str, keyed: Keyed, work: Work, elsewhere: bool) -> Outcome | None:
        """Ask a store that does no IO; as `acquire`."""
        try:
            return _timed(work.stages, self.store.acquire, key, owner, keyed.fingerprint, self.policy.lease)
        except StoreDown:
            self._check_down(keyed, elsewhere)
            return None

    def _check_down(self, keyed: Keyed, elsewhere: bool) -> None:
        """Check that a call may run while the store is down."""
        if elsewhere:
            raise InProgress from None
        if self.policy.on_store_error == "fail" or keyed.needs_store:
            note = "the idempotency store is down; on_store_error='run' would run the call all the same"
            raise Unavailable(reason="store_unavailable", retry_after=2, note=note) from None

    async def keep(self, flight: Flight, keyed: Keyed, answer: KeptAnswer, work: Work, where: Blocking) -> KeptAnswer:
        """Keep an answer.

        Args:
            flight: The flight that it is of.
            keyed: The call's key.
            answer: The answer.
            work: The handler.
            where: Where functions may do IO.

        Returns:
            The one to send, which is another run's where that took the lease over and ended.
        """
        lease = flight.lease
        if lease is None:
            return answer
        try:
            result = answer.pack(self.policy.encryption)
        except BaseException as error:  # whatever the user's encryption raises: the answer is sent all the same
            if failure_of(error) is None:
                raise
            with suppress(Exception):
                _log.error("an answer could not be hidden and is not kept: %s", type(error).__name__)
            return answer
        store = self.store
        try:
            if store.blocking:
                is_kept = await self._trip(Trip(store.complete, lease, result, ttl=keyed.ttl), work, where)
            else:
                is_kept = _timed(work.stages, store.complete, lease, result, keyed.ttl)
            if is_kept:
                return answer
            with suppress(Exception):  # the handler has run: a log that fails must not lose its answer
                _log.warning("an answer came after its lease was lost; another delivery may have run the call too")
            complete = Trip(store.complete, lease, result, ttl=keyed.ttl)
            return await self._look_again(lease, complete, work, where) or answer
        except StoreDown:
            self.flights.leave_unsaved(keyed.key, lease, result, keyed.ttl)
            return answer

    async def _look_again(self, lease: Lease, complete: Trip[bool], work: Work, where: Blocking) -> KeptAnswer | None:
        key, owner, fingerprint = lease
        acquire = Trip(self.store.acquire, key, owner=owner, fingerprint=fingerprint, lease=self.policy.lease)
        outcome = await self._trip(acquire, work, where)
        if isinstance(outcome, Acquired):
            await self._trip(complete, work, where)  # nobody had taken it over: its record was lost
        if isinstance(outcome, Completed) and outcome.fingerprint == fingerprint:
            return self.unpack(outcome.result)
        return None

    async def release(self, flight: Flight, work: Work, where: Blocking) -> None:
        """Give a flight's lease back, so that a later delivery can run.

        Args:
            flight: The flight.
            work: The handler.
            where: Where functions may do IO.
        """
        lease, flight.lease = flight.lease, None
        if lease is not None:
            with suppress(StoreDown):  # it runs out by itself
                await self._trip(Trip(self.store.release, lease), work, where)

    async def _trip(self, trip: Callable[[], T], work: Work, where: Blocking) -> T:
        """Make a round trip to the store, on the account of a call."""
        stages = work.stages
        if not self.store.blocking:
            return _timed(stages, trip)
        begun = stages.clock()
        try:
            return await stages.at(where, "store").block(trip)
        except Exception:
            stages.store_errors += 1
            raise
        finally:
            stages.store += stages.clock() - begun

    def unpack(self, result: bytes) -> KeptAnswer | None:
        """Read what was kept; see `KeptAnswer.unpack`."""
        try:
            return KeptAnswer.unpack(result, self.policy.encryption)
        except BaseException as error:
            if isinstance(error, Exception) or failure_of(error) is None:
                raise
            return None  # as where the user's encryption raises an exception


def _timed(stages: Stages, verb: Callable[..., T], *arguments: Any) -> T:
    """Ask a store that does no IO, right here."""
    begun = stages.clock()
    try:
        return verb(*arguments)
    except Exception:
        stages.store_errors += 1
        raise
    finally:
        stages.store += stages.clock() - begun
