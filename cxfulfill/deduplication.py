"""One run for one call: the way of a flight, from its key to an answer that is kept."""

import logging
from functools import partial
from typing import Final, TypeVar

from cxfulfill.carriers import Carrier
from cxfulfill.context import Clock, Deadline
from cxfulfill.errors import Unavailable
from cxfulfill.flights import Aborted, Flight, Flights, InProgress, Landed, reused
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.policy import Idempotency, Keyed, NearDuplicates
from cxfulfill.idempotency.store import Acquired, Completed
from cxfulfill.idempotency.urls import default_store, open_store, warn_of_memory
from cxfulfill.keying import Keying, instead
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

    async def _first(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        if self.load.limit is not None or keyed.collects:
            return await self._counted(flight, keyed, work, deadline, runtime)
        landed = await self._claimed(flight, keyed, work, runtime)
        return landed or await self._begin(flight, keyed, work, deadline, runtime)

    async def _counted(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Carry a flight out that counts as a run, or is one of a job."""
        # A job's result takes no place of a run; something runs only where the job was lost.
        landed = await self._claimed(flight, keyed, work, runtime) if keyed.collects else None
        if landed is not None:
            return landed
        try:
            running = self.load.running(work)
        except Unavailable as error:
            await self._give_up(flight, error, work, runtime)
            raise
        with running as run:
            landed = None if keyed.collects else await self._claimed(flight, keyed, run, runtime)
            return landed or await self._begin(flight, keyed, run, deadline, runtime)

    async def _claimed(self, flight: Flight, keyed: Keyed, work: Work, runtime: Runtime) -> Landed | None:
        """Claim the call, or end its flight: with the answer that there is, or with what went wrong."""
        try:
            if keyed.collects:
                with self.load.waiting():
                    landed = await self._claim(flight, keyed, work, runtime)
            else:
                landed = await self._claim(flight, keyed, work, runtime)
        except BaseException as error:
            await self._give_up(flight, error, work, runtime)
            raise
        if landed is not None:
            self.flights.land(flight, landed)
        return landed

    async def _begin(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        """Run the handler, and wait for it."""
        try:
            if work.ends_in_time:
                work.check_time()  # not before: an answer that is kept is given all the same
            await runtime.launch(work, partial(self._carry_out, flight, keyed, work))
        except BaseException as error:
            await self._give_up(flight, error, work, runtime)
            raise
        if flight.outcome is None:
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
        if unsaved is not None and (kept := self.leases.unpack(unsaved.result)):
            if unsaved.lease.fingerprint != keyed.fingerprint:
                raise reused()
            return Landed(kept, replayed=True)
        key, owner, pause = keyed.key, new_id(), FIRST_PAUSE
        while True:
            outcome = await self.leases.acquire(key, owner, keyed, work, runtime, elsewhere=pause > FIRST_PAUSE)
            if outcome is None or isinstance(outcome, Acquired):
                self.leases.begin(flight, outcome, keyed, work)
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
                body = work.encoding(work.call, await carrier.invoke(work))
            except Exception as error:
                outcome = error
                await self._fail(flight, keyed, work, error, carrier)
            else:
                outcome = Landed(KeptAnswer(keyed.turn, body))
                kept = await self.leases.keep(flight, keyed, outcome.answer, work, carrier)
                outcome = outcome if kept is outcome.answer else Landed(kept)
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
