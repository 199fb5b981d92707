"""Work that takes longer than CX waits: begun by one call, collected by a later one.

The first call begins a flight under the key of a job, and waits for it as long as its deadline allows. Then it answers
``pending`` and the job's id in a session parameter. The next call with that parameter looks for the job, in this
process or in the store, so that any worker and machine can answer.
"""

import hashlib
import os
from dataclasses import replace
from functools import partial
from typing import Any, Final

from cxfulfill.context import Call, Context
from cxfulfill.deduplication import Deduplication
from cxfulfill.deferral import Deferral, parameter_of, with_parameter
from cxfulfill.errors import BadRequest, Forbidden, HttpError, InternalError, NotFound, Unavailable
from cxfulfill.flights import InProgress
from cxfulfill.handlers import Invocation
from cxfulfill.idempotency.keys import job_key
from cxfulfill.idempotency.policy import BUSINESS_TTL, Keyed
from cxfulfill.keying import Told
from cxfulfill.protocol import json
from cxfulfill.protocol.sent import session_of, turn_of
from cxfulfill.records import Outcome
from cxfulfill.runtime import Runtime
from cxfulfill.structures import structure
from cxfulfill.target import Target
from cxfulfill.work import DeadlineExceeded, Work

_FAILED: Final = b'{"failed":'
_KINDS: Final[dict[int, type[HttpError]]] = {
    kind.status: kind for kind in (BadRequest, Forbidden, NotFound, Unavailable)
}  # fmt: skip
_ID_DIGITS: Final = 32


@structure
class Job:
    """A call of a deferred handler, and the job that it begins or collects.

    Attributes:
        deferral: How the handler is deferred.
        parameter: The session parameter that holds the job's id.
        id: The job's id.
        is_begun: Whether an earlier call has begun it.
        keyed: What its result is found by.
    """

    deferral: Deferral
    parameter: str
    id: str
    is_begun: bool
    keyed: Keyed

    @classmethod
    def of(cls, ctx: Call, target: Target, told: Told | None, deduplication: Deduplication) -> "Job | None":
        """Find the job of a call.

        Args:
            ctx: The call.
            target: Its handler.
            told: What the call is told by.
            deduplication: Where jobs live.

        Returns:
            The job; None where the handler is not deferred, or the call has no session to find it by again.
        """
        if target.deferral is None or not isinstance(ctx, Context):
            return None
        session = session_of(ctx.sent)
        if not session:
            return None
        parameter = parameter_of(ctx.tag)
        given = ctx.parameters.get(parameter)
        is_begun = isinstance(given, str) and given != ""
        # A retry of the first call finds the job that the call has begun; without a key each call begins its own.
        own = told.default if told and told.default else os.urandom(32).hex()
        id_ = str(given) if is_begun else hashlib.sha256(f"job {own}".encode()).hexdigest()[:_ID_DIGITS]
        key = job_key(
            deduplication.keying.application, ctx.principal, session, id_, handler=f"{ctx.tag} {target.conditions}"
        )
        turn = turn_of(ctx.sent)
        keyed = Keyed(key, "", target.ttl or BUSINESS_TTL, turn, needs_store=True, collects=is_begun)
        return cls(target.deferral, parameter, id_, is_begun, keyed)

    async def answer(self, work: Work, deduplication: Deduplication, runtime: Runtime) -> tuple[bytes, Outcome]:
        """Answer the call: with the result, or ``pending``.

        Args:
            work: The handler, for the call that begins the job.
            deduplication: Where jobs live.
            runtime: How to wait.

        Returns:
            The answer, and what it is: ``ok`` for the result, ``pending``, or ``lost`` for that of ``on_lost=``.

        Raises:
            Unavailable: The work was lost (``job_lost``), or the store is down.
            HttpError: It has failed.
            Exception: What the handler raised, where that is known in this process.
        """
        object.__setattr__(work.call, "idempotency_key", self.keyed.key)  # as for calls that are not deferred
        failure = partial(_failure, work.call.request_id)
        kept = replace(work, failure=failure, encoding=partial(self._encode, work))
        try:
            landed = await deduplication.fly(
                self.keyed, self._collecting(kept) if self.is_begun else kept, work.call.deadline, runtime
            )
        except (DeadlineExceeded, InProgress):
            return self.deferral.meanwhile(self.parameter, self.id), "pending"
        body = landed.answer.body
        if body.startswith(_FAILED):
            raise _failed(body)
        if not self.is_begun:
            return body, "ok"
        return with_parameter(json.loads(body), self.parameter, None), "ok" if landed.replayed else "lost"

    def _collecting(self, work: Work) -> Work:
        """Make what runs where nobody has the job any more: it was lost."""
        lost = self.deferral.lost
        if lost is None:
            lost = replace(work.invocation.function, call=_is_lost, is_async=False, takes_params=False)
        return replace(work, invocation=Invocation(lost, ()), arguments=(work.call,))

    def _encode(self, work: Work, _: Call, answer: Any) -> bytes:
        """Encode an answer that leaves room for the removal of the parameter."""
        body = work.encode(answer)
        with_parameter(json.loads(body), self.parameter, None)
        return body


def _is_lost(_: Any) -> None:
    raise Unavailable(reason="job_lost", note="nobody here has a result of this job; on_lost= decides what is said")


def _failure(request_id: str, error: Exception) -> bytes:
    """Write down that work has failed: a code and a status, nothing of the error's text."""
    shown = error if isinstance(error, HttpError) else InternalError()
    return _FAILED + json.dumps({"reason": shown.reason, "status": shown.status, "call": request_id}) + b"}"


def _failed(body: bytes) -> HttpError:
    failure = json.loads(body)["failed"]
    kind = _KINDS.get(failure["status"], InternalError)
    note = f"deferred work had failed; the lines with request_id={failure['call']} tell more"
    return kind(reason=failure["reason"], note=note)
