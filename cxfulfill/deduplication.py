"""One run for one call: the way of a flight, from its key to an answer that is kept."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic_core import to_jsonable_python

from cxfulfill.context import Clock, Context, Deadline
from cxfulfill.errors import BadRequest, Unavailable
from cxfulfill.flights import Flight, Flights, InProgress, Landed, Unsaved
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.guard import GuardedStore, StoreDown
from cxfulfill.idempotency.keys import business_key, fingerprint
from cxfulfill.idempotency.policy import BUSINESS_TTL, Idempotency, Keyed, NearDuplicates, new_owner
from cxfulfill.idempotency.store import Acquired, Completed, Lease
from cxfulfill.idempotency.urls import default_store, open_store, warn_of_memory
from cxfulfill.reply import to_response
from cxfulfill.runtime import Carrier, DeadlineExceeded, Runtime, Work
from cxfulfill.target import Target

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
        application: Name that keeps its calls apart from those of others in the same store.
        store: Where.
        flights: What runs in this process.
        near: Calls that are nearly alike.
    """

    policy: Idempotency
    application: str
    store: GuardedStore
    flights: Flights
    near: NearDuplicates

    @classmethod
    def of(cls, policy: Idempotency, path: str, clock: Clock) -> "Deduplication":
        """Open the store and put the parts together.

        Args:
            policy: The policy.
            path: The webhook's path, which names the application where the policy does not.
            clock: Seconds that only go up.

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
        return cls(policy, policy.application or path, store, flights, NearDuplicates(clock))

    def close(self) -> None:
        """Wait for what runs, hand over what is not kept yet, and close the store."""
        self.flights.drain(DRAIN)
        self.store.close()

    def keyed(self, target: Target, work: Work) -> Keyed | None:
        """Make the key of a call, and tell it to the handler.

        Args:
            target: The handler.
            work: The handler with the call and its arguments.

        Returns:
            The key; None where the request has nothing to tell it by.

        Raises:
            ParameterError: The user's own key needs a parameter that is not there.
        """
        ctx: Any = work.call
        keyed = self._own_key(target, ctx, work.arguments[-1]) or self._default_key(target, ctx)
        if keyed is not None:
            # Nobody has seen the context yet: it is still being made.
            object.__setattr__(ctx, "idempotency_key", keyed.key)
        return keyed

    def _own_key(self, target: Target, ctx: Context, params: Any) -> Keyed | None:
        own = target.entry.key
        value = None if own is None else own.value(ctx, params)
        if own is None or value is None:
            return None
        key = business_key(self.application, ctx.principal, ctx, value, in_session=own.in_session)
        used_for = fingerprint(to_jsonable_python(params)) if target.schema is not None else ""
        turn = ctx.request.detect_intent_response_id or ""
        return Keyed(key, used_for, target.entry.ttl or BUSINESS_TTL, turn)

    def _default_key(self, target: Target, ctx: Context) -> Keyed | None:
        key = self.policy.key(self.application, ctx.principal, ctx)
        if key is None:
            return None
        self.near.note(ctx, key)
        return Keyed(key, "", target.entry.ttl or self.policy.ttl, ctx.request.detect_intent_response_id or "")

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
                raise _reused()
            if is_first:
                return await self._first(flight, keyed, work, deadline, runtime)
            if not await runtime.land(self.flights.awaited(flight), deadline):
                raise InProgress
            outcome = flight.outcome
            if isinstance(outcome, Landed):
                return Landed(outcome.body, replayed=True)
            # The first one gave up waiting for another process; this one may have more time.
            if isinstance(outcome, InProgress) and deadline.remaining() > 0:
                continue
            raise _failure(outcome)

    async def _first(self, flight: Flight, keyed: Keyed, work: Work, deadline: Deadline, runtime: Runtime) -> Landed:
        try:
            landed = await self._claim(flight, keyed, deadline, runtime)
            if landed is None:
                await runtime.launch(work, partial(self._carry_out, flight, keyed, work))
        except BaseException as error:
            await self._give_up(flight, error, runtime)
            raise
        if landed is not None:
            self.flights.land(flight, landed)
            return landed
        if flight.outcome is None and not await runtime.land(self.flights.awaited(flight), deadline):
            flight.is_late = True
            raise DeadlineExceeded
        if isinstance(flight.outcome, Landed):
            return flight.outcome
        raise _failure(flight.outcome)

    async def _claim(self, flight: Flight, keyed: Keyed, deadline: Deadline, runtime: Runtime) -> Landed | None:
        """Get the right to run, or the answer that there is; None to run."""
        unsaved = self.flights.unsaved(keyed.key)
        if unsaved is not None and (kept := self._unpack(unsaved.result)):
            return Landed(kept.for_turn(keyed.turn), replayed=True)
        key, owner, pause = keyed.key, new_owner(), FIRST_PAUSE
        store, lease = self.store, self.policy.lease
        while True:
            acquire = partial(store.acquire, key, owner=owner, fingerprint=keyed.fingerprint, lease=lease)
            try:
                outcome = await runtime.block(acquire) if store.blocking else acquire()
            except StoreDown:
                self._do_without_store()
                return None
            if isinstance(outcome, Acquired):
                flight.lease = outcome.lease if not outcome.took_over else _noted(outcome)
                return None
            if outcome.fingerprint != keyed.fingerprint:
                raise _reused()
            if isinstance(outcome, Completed):
                if answer := self._unpack(outcome.result):
                    return Landed(answer.for_turn(keyed.turn), replayed=True)
                key = _instead(key, keyed.key)
            else:
                await _wait_for_another(pause, deadline, runtime)
                pause = min(pause * 1.5, LONGEST_PAUSE)

    def _do_without_store(self) -> None:
        if self.policy.on_store_error == "fail":
            note = "the idempotency store is down; on_store_error='run' would run the call all the same"
            raise Unavailable(reason="store_unavailable", retry_after=2, note=note) from None
        _log.warning("the idempotency store is down: a call runs without it, and a retry may run it again")

    async def _give_up(self, flight: Flight, error: BaseException, runtime: Runtime) -> None:
        """End a flight that did not begin, or whose worker is ended in this very thread."""
        if flight.outcome is not None:
            return
        if flight.lease is not None and isinstance(error, Unavailable):  # no thread was free: nothing has run
            await self._release(flight.lease, runtime)
        self.flights.land(flight, error if isinstance(error, Exception) else _aborted())

    async def _carry_out(self, flight: Flight, keyed: Keyed, work: Work, carrier: Carrier) -> None:
        """Run the handler where it runs, keep its answer, and land; no request can stop this."""
        try:
            body = to_response(await carrier.invoke(work)).encode()
        except Exception as error:
            if flight.lease is not None:
                await self._release(flight.lease, carrier)
            self._land(flight, error, work)
        except BaseException:
            # The worker is ended. What the handler has done so far nobody knows: its lease is left to run out.
            self._land(flight, _aborted(), work)
            raise
        else:
            answer = KeptAnswer(keyed.turn, body)
            if flight.lease is not None:
                answer = await self._keep(flight.lease, answer, keyed.ttl, carrier)
            self._land(flight, Landed(answer.for_turn(keyed.turn)), work)

    def _land(self, flight: Flight, outcome: Landed | Exception, work: Work) -> None:
        self.flights.land(flight, outcome)
        if flight.is_late:
            how = f"with {type(outcome).__name__}" if isinstance(outcome, Exception) else "well"
            _log.warning("request_id=%s handler ended %s after its deadline", work.call.request_id, how)

    async def _keep(self, lease: Lease, answer: KeptAnswer, ttl: float, carrier: Carrier) -> KeptAnswer:
        """Keep an answer; gives the one to send, which is another run's where that took the lease over and ended."""
        result = answer.pack(self.policy.encryption)
        complete = partial(self.store.complete, lease, result, ttl=ttl)
        try:
            if await carrier.block(complete) if self.store.blocking else complete():
                return answer
            _log.warning("an answer came after its lease was lost; another delivery may have run the call too")
            look = partial(self._look_again, lease, complete)
            other = await carrier.block(look) if self.store.blocking else look()
        except StoreDown:
            self.flights.leave_unsaved(Unsaved(lease, result, ttl))
            return answer
        return other or answer

    def _look_again(self, lease: Lease, complete: Callable[[], bool]) -> KeptAnswer | None:
        outcome = self.store.acquire(
            lease.key, owner=lease.owner, fingerprint=lease.fingerprint, lease=self.policy.lease
        )
        if isinstance(outcome, Acquired):
            complete()  # nobody had taken it over: its record was lost
        return self._unpack(outcome.result) if isinstance(outcome, Completed) else None

    async def _release(self, lease: Lease, carrier: "Carrier | Runtime") -> None:
        release = partial(self.store.release, lease)
        try:
            await carrier.block(release) if self.store.blocking else release()
        except StoreDown:
            return  # it runs out by itself

    def _unpack(self, result: bytes) -> KeptAnswer | None:
        return KeptAnswer.unpack(result, self.policy.encryption)


async def _wait_for_another(pause: float, deadline: Deadline, runtime: Runtime) -> None:
    """Wait a while for the process that runs the call."""
    remaining = deadline.remaining()
    if remaining <= 0:
        raise InProgress
    await runtime.pause(min(pause, remaining))


def _instead(key: str, first: str) -> str:
    """Give the key in place of one whose answer cannot be read: it counts as nothing, and the call runs again, once."""
    if key != first:
        raise Unavailable(reason="answer_unreadable")
    return f"{first}r"


def _noted(acquired: Acquired) -> Lease:
    if acquired.took_over:
        _log.warning("a call runs again: whoever ran it before did not end in its lease, and may have had effects")
    return acquired.lease


def _reused() -> BadRequest:
    return BadRequest(reason="key_reused", detail="This idempotency key was used for other parameters.")


def _aborted() -> Unavailable:
    return Unavailable(reason="aborted")


def _failure(outcome: object) -> Exception:
    return outcome if isinstance(outcome, Exception) else _aborted()
