"""One run for one call: the way of a flight, from its key to an answer that is kept."""

import logging
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from cxfulfill.carriers import Carrier
from cxfulfill.context import Clock, Deadline
from cxfulfill.errors import Unavailable
from cxfulfill.flights import Aborted, Flight, Flights, InProgress, Landed, reused
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.circuit import StoreDown
from cxfulfill.idempotency.guard import GuardedStore, Trip
from cxfulfill.idempotency.policy import Idempotency, Keyed, NearDuplicates
from cxfulfill.idempotency.store import Acquired, Completed, Lease, Outcome
from cxfulfill.idempotency.urls import default_store, open_store, warn_of_memory
from cxfulfill.keying import Keying, instead, note_lease
from cxfulfill.late import note_done, note_late
from cxfulfill.load import Load
from cxfulfill.random_ids import new_id
from cxfulfill.runtime import Runtime
from cxfulfill.stages import Trips
from cxfulfill.work import DeadlineExceeded, Work

FIRST_PAUSE: Final = 0.02
"""Seconds until the store is asked again whether another process has finished; each pause is longer."""
LONGEST_PAUSE: Final = 0.25
DRAIN: Final = 30.0
"""Seconds that the end of a process waits for handlers; gunicorn's own limit is a little longer."""

_log = logging.getLogger("cxfulfill")


@dataclass(frozen=True, slots=True)
class Deduplication:
    """The parts of one application that see to it that a call runs once.

    Attributes:
        policy: How.
        keying: What makes two deliveries one call.
        store: Where.
        flights: What runs in this process.
        load: How many of its calls run, and wait, at a time.
    """

    policy: Idempotency
    keying: Keying
    store: GuardedStore
    flights: Flights
    load: Load

    @classmethod
    def of(cls, policy: Idempotency, path: str, clock: Clock, load: Load) -> "Deduplication":
        """Open the store and put the parts together.

        Args:
            policy: The policy.
            path: The webhook's path, which names the application where the policy does not.
            clock: Seconds that only go up.
            load: How many calls run, and wait, at a time.

        Returns:
            The parts.

        Raises:
            ConfigurationError: The store cannot be opened.
        """
        given = policy.given_store
        if given is None:
            given = default_store()
        given = open_store(given) if isinstance(given, str) else given
        warn_of_memory(given)
        store = GuardedStore(given, clock=clock)
        flights = Flights(store, lease=policy.lease, max_run=policy.max_run, clock=clock)
        return cls(policy, Keying(policy, policy.application or path, NearDuplicates(clock)), store, flights, load)

    def close(self) -> None:
        """Wait for what runs, hand over what is not kept yet, and close the store."""
        self.flights.drain(DRAIN)
        self.store.close()

    async def fly(self, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Answer a call: by its flight, or by that of an earlier delivery.

        Args:
            keyed: The call's key.
            work: The handler.
            deadline: When the answer must be out.
            runtime: How to wait.

        Returns:
            The answer.

        Raises:
            BadRequest: The key was used for something else (``key_reused``).
            DeadlineExceeded: The handler did not answer in time; it goes on.
            Unavailable: An earlier delivery did not (``in_progress``), or the store is down (``store_unavailable``).
            Exception: What the handler raised.
        """
        while True:
            flight, is_first = self.flights.board(keyed.key, keyed.fingerprint)
            if flight.fingerprint != keyed.fingerprint:
                raise reused()
            if is_first:
                return await self._first(flight, keyed, work, deadline, runtime)
            work.stages.attempt = work.stages.attempt or next(flight.further)
            with self.load.waiting():
                if not await runtime.land(self.flights.awaited(flight), deadline):
                    raise InProgress
            outcome = flight.outcome
            if isinstance(outcome, Landed):
                return Landed(outcome.answer, replayed=True, joined=True)
            # The first one gave up waiting for another process; this one may have more time.
            if isinstance(outcome, InProgress) and deadline.remaining() > 0:
                continue
            raise outcome or Aborted()

    async def _running(self, flight: Flight, work: Work, runtime: Runtime) -> AbstractContextManager[Work]:
        """Count a flight as a run, or end it where there are too many."""
        try:
            return self.load.running(work)
        except Unavailable as error:
            await self._give_up(flight, error, self._trips(runtime, work))
            raise

    async def _first(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        # A job's result takes no place of a run; something runs only where the job was lost.
        landed = await self._claimed(flight, keyed, work, runtime) if keyed.collects else None
        if landed is not None:
            return landed
        with await self._running(flight, work, runtime) as run:
            landed = None if keyed.collects else await self._claimed(flight, keyed, run, runtime)
            return landed or await self._begin(flight, keyed, run, deadline, runtime)

    async def _claimed(self, flight: Flight, keyed: Keyed, work: Work, runtime: Runtime) -> Landed | None:
        """Claim the call, or end its flight: with the answer that there is, or with what went wrong."""
        try:
            with self.load.waiting() if keyed.collects else nullcontext():
                landed = await self._claim(flight, keyed, work, runtime)
        except BaseException as error:
            await self._give_up(flight, error, self._trips(runtime, work))
            raise
        if landed is not None:
            self.flights.land(flight, landed)
        return landed

    async def _begin(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Run the handler, and wait for it."""
        try:
            work.check_time()  # not before: an answer that is kept is given all the same
            await runtime.launch(work, partial(self._carry_out, flight, keyed, work))
        except BaseException as error:
            await self._give_up(flight, error, self._trips(runtime, work))
            raise
        if flight.outcome is None and not await runtime.land(self.flights.awaited(flight), deadline):
            flight.is_late = True  # before its outcome is looked at once more: see `_fail`
            if flight.outcome is None:
                raise DeadlineExceeded
        if isinstance(flight.outcome, Landed):
            return flight.outcome
        raise flight.outcome or Aborted()

    async def _claim(self, flight: Flight, keyed: Keyed, work: Work, runtime: Runtime) -> Landed | None:
        """Get the right to run, or the answer that there is; None to run."""
        unsaved = self.flights.unsaved(keyed.key)
        if unsaved is not None and (kept := self._unpack(unsaved.result)):
            if unsaved.lease.fingerprint != keyed.fingerprint:
                raise reused()
            return Landed(kept, replayed=True)
        key, owner, pause, trips = keyed.key, new_id(), FIRST_PAUSE, self._trips(runtime, work)
        while True:
            outcome = await self._acquire(key, owner, keyed, trips, elsewhere=pause > FIRST_PAUSE)
            if outcome is None or isinstance(outcome, Acquired):
                flight.lease = note_lease(outcome, work.call, keyed)
                return None
            if outcome.fingerprint != keyed.fingerprint:
                raise reused()
            if isinstance(outcome, Completed):
                if answer := self._unpack(outcome.result):
                    return Landed(answer, replayed=True)
                key = instead(key, keyed.key)
            else:
                with self.load.waiting_elsewhere(work):
                    await _wait_for_another(pause, work.call.deadline, runtime)
                pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _acquire(self, key: str, owner: str, keyed: Keyed, trips: Trips, *, elsewhere: bool) -> Outcome | None:
        """Ask the store; None where it is down and the call is to run all the same."""
        acquire = Trip(self.store.acquire, key, owner=owner, fingerprint=keyed.fingerprint, lease=self.policy.lease)
        try:
            return await trips.make(acquire)
        except StoreDown:
            if elsewhere:
                raise InProgress from None
            if self.policy.on_store_error == "fail" or keyed.needs_store:
                note = "the idempotency store is down; on_store_error='run' would run the call all the same"
                raise Unavailable(reason="store_unavailable", retry_after=2, note=note) from None
            return None

    async def _give_up(self, flight: Flight, error: BaseException, trips: Trips) -> None:
        """End a flight that did not begin, or whose worker is ended in this very thread."""
        if flight.outcome is not None:
            return
        if isinstance(error, Exception):  # nothing has run
            await self._release(flight, trips)
        self.flights.land(flight, error if isinstance(error, Exception) else Aborted())

    async def _carry_out(self, flight: Flight, keyed: Keyed, work: Work, carrier: Carrier) -> None:
        """Run the handler where it runs, keep its answer, and land; no request can stop this."""
        # Where the worker is ended, nobody knows what the handler has done: its lease is left to run out.
        outcome: Landed | Exception | None = None
        try:
            try:
                body = work.encode(await carrier.invoke(work))
            except Exception as error:
                outcome = error
                await self._fail(flight, keyed, work, error, self._trips(carrier, work))
            else:
                outcome = Landed(KeptAnswer(keyed.turn, body))
                outcome = Landed(await self._keep(flight, keyed, outcome.answer, self._trips(carrier, work)))
        finally:
            self._land(flight, outcome or Aborted(), work)

    async def _fail(self, flight: Flight, keyed: Keyed, work: Work, error: Exception, trips: Trips) -> None:
        """Give the lease back, or keep the failure of deferred work that nobody has waited for."""
        if work.failure is not None:
            self.flights.land(flight, error)  # from here on, whoever leaves has seen it
        if work.failure is None or not flight.is_late:
            await self._release(flight, trips)
        else:
            await self._keep(flight, keyed, KeptAnswer(keyed.turn, work.failure(error)), trips)

    def _land(self, flight: Flight, outcome: Landed | Exception, work: Work) -> None:
        self.flights.land(flight, outcome)
        if not flight.is_late:
            return
        error = outcome if isinstance(outcome, Exception) else None
        if work.failure is not None and error is None:
            note_done(work.call)
        else:
            note_late(work.call, error, is_kept=True)

    async def _keep(self, flight: Flight, keyed: Keyed, answer: KeptAnswer, trips: Trips) -> KeptAnswer:
        """Keep an answer; gives the one to send, which is another run's where that took the lease over and ended."""
        lease = flight.lease
        if lease is None:
            return answer
        try:
            result = answer.pack(self.policy.encryption)
        except Exception as error:  # whatever the user's encryption raises: the answer is sent all the same
            with suppress(Exception):
                _log.error("an answer could not be hidden and is not kept: %s", type(error).__name__)
            return answer
        complete = Trip(self.store.complete, lease, result, ttl=keyed.ttl)
        try:
            if await trips.make(complete):
                return answer
            with suppress(Exception):  # the handler has run: a log that fails must not lose its answer
                _log.warning("an answer came after its lease was lost; another delivery may have run the call too")
            return await self._look_again(lease, complete, trips) or answer
        except StoreDown:
            self.flights.leave_unsaved(keyed.key, lease, result, keyed.ttl)
            return answer

    async def _look_again(self, lease: Lease, complete: Trip[bool], trips: Trips) -> KeptAnswer | None:
        key, owner, fingerprint = lease
        acquire = Trip(self.store.acquire, key, owner=owner, fingerprint=fingerprint, lease=self.policy.lease)
        outcome = await trips.make(acquire)
        if isinstance(outcome, Acquired):
            await trips.make(complete)  # nobody had taken it over: its record was lost
        if isinstance(outcome, Completed) and outcome.fingerprint == fingerprint:
            return self._unpack(outcome.result)
        return None

    async def _release(self, flight: Flight, trips: Trips) -> None:
        lease, flight.lease = flight.lease, None
        if lease is not None:
            with suppress(StoreDown):  # it runs out by itself
                await trips.make(Trip(self.store.release, lease))

    def _trips(self, where: Carrier | Runtime, work: Work) -> Trips:
        return Trips(work.stages.at(where, "store") if self.store.blocking else None, work.stages)

    def _unpack(self, result: bytes) -> KeptAnswer | None:
        return KeptAnswer.unpack(result, self.policy.encryption)


async def _wait_for_another(pause: float, deadline: Deadline, runtime: Runtime) -> None:
    """Wait a while for the process that runs the call."""
    remaining = deadline.remaining()
    if remaining <= 0:
        raise InProgress
    await runtime.pause(min(pause, remaining))
