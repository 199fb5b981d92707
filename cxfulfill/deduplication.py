"""One run for one call: the way of a flight, from its key to an answer that is kept."""

import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from cxfulfill.carriers import Carrier, InThread
from cxfulfill.containment import failure_of
from cxfulfill.context import Clock, Deadline
from cxfulfill.errors import Unavailable
from cxfulfill.flights import Aborted, Flight, Flights, InProgress, Landed, Unsaved
from cxfulfill.frozen import named
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.policy import Idempotency, Keyed, NearDuplicates
from cxfulfill.idempotency.store import Acquired, Completed
from cxfulfill.idempotency.urls import default_store, open_store, warn_of_memory
from cxfulfill.keying import Keying, instead, reused
from cxfulfill.late import note_done, note_late
from cxfulfill.leases import Leases
from cxfulfill.load import Load
from cxfulfill.random_ids import new_id
from cxfulfill.runtime import Runtime
from cxfulfill.stages import Blocking
from cxfulfill.structures import structure
from cxfulfill.work import DeadlineExceeded, Work

T = TypeVar("T")

FIRST_PAUSE: Final = 0.02
"""Seconds until the store is asked again whether another process has finished; each pause is longer."""
LONGEST_PAUSE: Final = 0.25
DRAIN: Final = 30.0
"""Seconds that the end of a process waits for handlers; gunicorn's own limit is a little longer."""

_log = logging.getLogger("cxfulfill")


@structure
class Deduplication:
    """The parts of one application that see to it that a call runs once.

    Attributes:
        policy: How.
        keying: What makes two deliveries one call.
        store: Where.
        flights: What runs in this process.
        load: How many of its calls run, and wait, at a time.
        leases: What a flight asks of the store.
    """

    policy: Idempotency
    keying: Keying
    store: GuardedStore
    flights: Flights
    load: Load
    leases: Leases

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
        name = str.__str__(policy.application or path)  # of a kind of text, such as a member of a `StrEnum`, its text
        keying = Keying(policy, name, NearDuplicates(clock))
        return cls(policy, keying, store, flights, load, Leases(policy, store, flights))

    def close(self) -> None:
        """Wait for what runs, hand over what is not kept yet, and close the store."""
        self.flights.drain(DRAIN)
        self.store.close()

    def fly(self, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Coroutine[Any, Any, Landed]:
        """Answer a call: by its flight, or by that of an earlier delivery.

        Args:
            keyed: The call's key.
            work: The handler.
            deadline: When the answer must be out.
            runtime: How to wait.

        Returns:
            What gives the answer; it is to be awaited at once.

        Raises:
            BadRequest: The key was used for something else (``key_reused``).
            DeadlineExceeded: The handler did not answer in time; it goes on.
            Unavailable: An earlier delivery did not (``in_progress``), or the store is down (``store_unavailable``).
            Exception: What the handler raised.
        """
        flight, is_first = self.flights.board(keyed.key, keyed.fingerprint)
        if not is_first:
            return self._join(flight, keyed, work, deadline, runtime)
        if self.load.limit is not None or keyed.collects:
            return self._counted(flight, keyed, work, deadline, runtime)
        return self._run(flight, keyed, work, deadline, runtime)

    async def _join(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Wait for the flight of an earlier delivery."""
        while True:
            if flight.fingerprint != keyed.fingerprint:
                raise reused()
            work.stages.attempt = work.stages.attempt or next(flight.further)
            with self.load.waiting():
                if not await runtime.land(self.flights.awaited(flight), deadline):
                    raise InProgress
            outcome = flight.outcome
            if isinstance(outcome, Landed):
                return Landed(outcome.answer, replayed=True, joined=True)
            # The first one gave up waiting for another process; this one may have more time.
            if not isinstance(outcome, InProgress) or deadline.remaining() <= 0:
                raise outcome or Aborted()
            flight, is_first = self.flights.board(keyed.key, keyed.fingerprint)
            if is_first:
                return await self._counted(flight, keyed, work, deadline, runtime)

    async def _counted(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Carry a flight out that may count as a run, or be one of a job."""
        # A job's result takes no place of a run; something runs only where the job was lost.
        landed = await self._collect(flight, keyed, work, runtime) if keyed.collects else None
        if landed is not None:
            return landed
        try:
            running = self.load.running(work)
        except Unavailable as error:
            await self._give_up(flight, error, work, runtime)
            raise
        with running as run:
            return await self._run(flight, keyed, run, deadline, runtime)

    async def _collect(self, flight: Flight, keyed: Keyed, work: Work, runtime: Runtime) -> Landed | None:
        """Claim a job, or end its flight: with the result that there is, or with what went wrong."""
        try:
            with self.load.waiting():
                landed = await self._claim(flight, keyed, work, runtime)
        except BaseException as error:
            await self._give_up(flight, error, work, runtime)
            raise
        if landed is not None:
            self.flights.land(flight, landed)
        return landed

    async def _run(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Claim the call, where it is not one of a job; run the handler, and wait for it."""
        try:
            landed = None if keyed.collects else await self._claim(flight, keyed, work, runtime)
            if landed is None:
                if work.ends_in_time:
                    work.check_time()  # not before: an answer that is kept is given all the same
                carrier = runtime.here(work)
                if carrier is None:
                    runtime.launch(work, partial(self._carry_out, flight, keyed, work))
                else:
                    await self._carry_out(flight, keyed, work, carrier)
        except BaseException as error:
            await self._give_up(flight, error, work, runtime)
            raise
        if landed is not None:
            self.flights.land(flight, landed)
        elif flight.outcome is None:
            await self._wait(flight, work, deadline, runtime)
        if isinstance(flight.outcome, Landed):
            return flight.outcome
        raise flight.outcome or Aborted()

    async def _wait(self, flight: Flight, work: Work, deadline: Deadline, runtime: Runtime) -> None:
        """Wait for a handler: until the deadline where it is cut off, else as long as it takes."""
        try:
            if await runtime.land(self.flights.awaited(flight), deadline if work.is_cut_off else None):
                return
        except BaseException:
            flight.is_late = True  # the caller has left: nobody waits for it here
            raise
        flight.is_late = True  # before its outcome is looked at once more: see `_fail`
        if flight.outcome is None:
            raise DeadlineExceeded

    async def _claim(self, flight: Flight, keyed: Keyed, work: Work, runtime: Runtime) -> Landed | None:
        """Get the right to run, or the answer that there is; None to run."""
        unsaved = self.flights.unsaved(keyed.key)
        if unsaved is not None and (landed := self._of_unsaved(unsaved, keyed)):
            return landed
        leases, key, owner, pause = self.leases, keyed.key, new_id(), FIRST_PAUSE
        while True:
            if self.store.blocking:
                outcome = await leases.acquire(key, owner, keyed, work, pause > FIRST_PAUSE, runtime)
            else:
                outcome = leases.acquire_here(key, owner, keyed, work, pause > FIRST_PAUSE)
            if outcome is None or isinstance(outcome, Acquired):
                leases.begin(flight, outcome, keyed, work)
                return None
            if outcome.fingerprint != keyed.fingerprint:
                raise reused()
            if isinstance(outcome, Completed):
                if answer := self.leases.unpack(outcome.result):
                    return Landed(answer, replayed=True)
                key = instead(key, keyed.key)
            else:
                with self.load.waiting_elsewhere(work):
                    await _wait_for_another(pause, work.call.deadline, runtime)
                pause = min(pause * 1.5, LONGEST_PAUSE)

    def _of_unsaved(self, unsaved: Unsaved, keyed: Keyed) -> Landed | None:
        """Read an answer that is only kept here."""
        kept = self.leases.unpack(unsaved.result)
        if kept is not None and unsaved.lease.fingerprint != keyed.fingerprint:
            raise reused()
        return kept and Landed(kept, replayed=True)

    async def _give_up(self, flight: Flight, error: BaseException, work: Work, where: Blocking) -> None:
        """End a flight that did not begin, or whose worker is ended in this very thread."""
        if flight.outcome is not None:
            return
        try:
            if isinstance(error, Exception):  # nothing has run
                await self.leases.release(flight, work, where)
        finally:  # also where the caller leaves meanwhile
            # Whoever has joined a caller that left has run nothing either, and may try for itself.
            self.flights.land(flight, error if isinstance(error, Exception) else InProgress())

    async def _carry_out(self, flight: Flight, keyed: Keyed, work: Work, carrier: Carrier) -> None:
        """Run the handler where it runs, keep its answer, and land; no request can stop this."""
        # Where the worker is ended, nobody knows what the handler has done: its lease is left to run out.
        outcome: Landed | Exception | None = None
        try:
            try:
                said = carrier.call(work) if isinstance(carrier, InThread) else await carrier.invoke(work)
                answer = named(KeptAnswer, (keyed.turn, work.encoding(work.call, said)))
            except BaseException as error:
                outcome = failure_of(error)
                if outcome is None:
                    raise
                await self._fail(flight, keyed, work, outcome, carrier)
            else:
                outcome = named(Landed, (answer, False, False))
                kept = await self.leases.keep(flight, keyed, answer, work, carrier)
                if kept is not answer:
                    outcome = Landed(kept)
        finally:
            outcome = outcome or Aborted()
            self.flights.land(flight, outcome)
            if flight.is_late:
                _note_late(outcome, work)

    async def _fail(self, flight: Flight, keyed: Keyed, work: Work, error: Exception, where: Blocking) -> None:
        """Give the lease back, or keep the failure of deferred work that nobody has waited for."""
        if work.failure is not None:
            self.flights.land(flight, error)  # from here on, whoever leaves has seen it
        if work.failure is None or not flight.is_late:
            await self.leases.release(flight, work, where)
        else:
            await self.leases.keep(flight, keyed, KeptAnswer(keyed.turn, work.failure(error)), work, where)


def _note_late(outcome: Landed | Exception, work: Work) -> None:
    error = outcome if isinstance(outcome, Exception) else None
    if work.failure is not None and error is None:
        note_done(work.call)
    else:
        note_late(work.call, error, is_kept=True)


async def _wait_for_another(pause: float, deadline: Deadline, runtime: Runtime) -> None:
    """Wait a while for the process that runs the call."""
    remaining = deadline.remaining()
    if remaining <= 0:
        raise InProgress
    await runtime.pause(min(pause, remaining))
