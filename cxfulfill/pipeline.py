"""A request's way, on one screen.

The order is a promise: nothing of the body is read before the caller has proved who it is, and nothing is parsed
that was not read whole.
"""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cxfulfill.auth.base import Principal
from cxfulfill.containment import failure_of
from cxfulfill.context import Call, Clock, Context, Deadline, with_deadline
from cxfulfill.deduplication import Deduplication
from cxfulfill.deferred import Job
from cxfulfill.errors import (
    BadRequest,
    ContentTooLarge,
    HttpError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    ParameterError,
    nearest,
    of_cx,
)
from cxfulfill.frozen import made
from cxfulfill.gate import Gate
from cxfulfill.handlers import Function, Invocation
from cxfulfill.http import METHODS, HttpRequest, HttpResponse, json_response, problem_response
from cxfulfill.keying import Told
from cxfulfill.lifecycle import Lifecycle
from cxfulfill.load import Load
from cxfulfill.protocol.sent import read_sent, session_of, tag_of
from cxfulfill.readiness import Probes
from cxfulfill.records import RecordSink
from cxfulfill.reply import encode_reply
from cxfulfill.reprompt import reprompt
from cxfulfill.runtime import Runtime
from cxfulfill.stages import Stages
from cxfulfill.structures import keyword_structure
from cxfulfill.table import Table
from cxfulfill.target import Target
from cxfulfill.telemetry import CallSpan, Record, Telemetry, reason_of
from cxfulfill.work import DeadlineExceeded, Work

if TYPE_CHECKING:
    from cxfulfill.calls import Served
    from cxfulfill.paths import Match, Paths
    from cxfulfill.recording import Recording

HEALTH_PATH: Final = "/health"
READY_PATH: Final = "/ready"
_PROBED: Final = (HEALTH_PATH, READY_PATH)

_LEAST: Final = 1.0
"""Seconds at least for a body, which is mostly there where a call has waited long, and for an error handler."""
_REPLAYED: Final = (("Idempotent-Replayed", "true"),)
_FOLDED: Final = {405: 404, 408: 400, 413: 400, 415: 400}


@keyword_structure
class Pipeline:
    """The frozen parts of an application, and the way of a request through them.

    Attributes:
        path: Path of the standard webhook.
        gate: Who may call.
        probes: What answers probes.
        table: The handlers of standard calls by tag.
        routes: The handlers of flexible calls by path and method.
        deduplication: What sees to it that a call runs once; None where nothing does.
        lifecycle: Its start-up.
        load: How many calls are handled at a time.
        error_handlers: The application's own functions by exception class.
        max_body: Largest body in bytes.
        timeout: Seconds for a call before its handler is known.
        strict_cx_status: Whether transport refusals are folded into the statuses that CX documents.
        records: Takes the record of each call.
        telemetry: Traces and measures calls; None where nothing does.
        clock: Seconds that only go up.
        new_id: Makes the ids of calls.
        recording: Keeps calls and their answers in files; None where nothing does.
    """

    path: str
    gate: Gate
    probes: Probes
    table: Table[Target]
    routes: "Paths[Served]"
    deduplication: Deduplication | None
    lifecycle: Lifecycle
    load: Load
    error_handlers: dict[type[Exception], Function]
    max_body: int
    timeout: float
    strict_cx_status: bool
    records: RecordSink
    telemetry: Telemetry | None
    clock: Clock
    new_id: Callable[[], str]
    recording: "Recording | None" = None

    def handle(self, http: HttpRequest, runtime: Runtime) -> Coroutine[Any, Any, HttpResponse]:
        """Answer a request, whatever happens.

        Args:
            http: The request.
            runtime: How to wait.

        Returns:
            What gives the answer: JSON, or a problem document.
        """
        if http.path in _PROBED:
            return self._probe(http, runtime)
        if self.telemetry is None:
            return self._recorded(http, runtime, None)
        return self._traced(self.telemetry, http, runtime)

    async def _traced(self, telemetry: Telemetry, http: HttpRequest, runtime: Runtime) -> HttpResponse:
        with telemetry.call(http) as span:
            return await self._recorded(http, runtime, span)

    async def _probe(self, http: HttpRequest, runtime: Runtime) -> HttpResponse:
        try:
            return await self.probes.answer(http, runtime, ready=http.path == READY_PATH)
        except MethodNotAllowed as error:
            return self._problem(error, self.new_id())

    async def _recorded(self, http: HttpRequest, runtime: Runtime, span: CallSpan | None) -> HttpResponse:
        stages = Stages(self.clock, http.queued, span)
        record = Record(self.new_id(), http, stages, span)
        try:
            response = await self._serve(http, runtime, record)
        except BaseException as error:
            if (failure := failure_of(error)) is None:
                record.abort(self.records)
                raise
            record.error = told = of_cx(failure) if record.is_users else failure
            response = self._problem(told, record.request_id)
        record.finish(response, self.records)
        if self.recording is not None and record.call is not None:  # so that the caller is known, and let in
            await runtime.block(partial(self.recording.take, record, response))
        return response

    async def _serve(self, http: HttpRequest, runtime: Runtime, record: Record) -> HttpResponse:
        if http.path == self.path and http.method == "POST":
            match, record.path = None, self.path
        else:
            match = self._match(http, record)
        length = http.declared_length()
        if length is not None and length > self.max_body:
            raise ContentTooLarge
        gate = match.found.gate if match else self.gate
        record.is_users = True
        principal = await gate.authenticate(http, runtime, record.stages)
        record.is_users, record.principal = False, principal.name
        if self.load.limit is None:
            return await self._admitted(http, match, length, principal, runtime, record)
        with self.load.inside():
            return await self._admitted(http, match, length, principal, runtime, record)

    async def _admitted(
        self, http: HttpRequest, match: "Match[Served] | None", length: int | None, principal: Principal,
        runtime: Runtime, record: Record,
    ) -> HttpResponse:  # fmt: skip
        deadline = made(Deadline, {"at": record.stages.started + self.timeout, "clock": self.clock})
        if not self.lifecycle.is_started:
            await self.lifecycle.started(runtime, deadline)
        if match is None:
            body = await self._read(http, runtime, deadline, length)
            record.bytes_in = len(body)
            return await self._standard(http, body, principal, deadline, runtime, record)
        served = match.found
        body = await self._read(http, runtime, deadline, length) if served.has_body(http, length) else b""
        record.bytes_in = len(body)
        call = served.call(http, match, body, caller=principal, deadline=deadline, id_=record.request_id)
        response = await self._answer(call, served.target, runtime, record)
        allow = (("Allow", ", ".join(match.allowed)),) if match.allowed else ()  # RFC 9110 9.3.7
        return replace(response, headers=response.headers + allow)

    def _match(self, http: HttpRequest, record: Record) -> "Match[Served]":
        """Find the flexible handler of a request."""
        if http.path == self.path:
            record.path = self.path
            raise MethodNotAllowed("POST")
        served: Served | None = None
        try:
            match = self.routes.find(http)
            served = match.found
        except MethodNotAllowed:
            served = self.routes.leads_to(http.path, http.method)
            raise
        finally:
            if served is not None and http.method in METHODS:
                record.path = served.route.pattern.text
                record.route = f"{http.method} {record.path}"
        return match

    async def _standard(
        self, http: HttpRequest, body: bytes, principal: Principal, deadline: Deadline, runtime: Runtime,
        record: Record,
    ) -> HttpResponse:  # fmt: skip
        value, sent = read_sent(body)
        record.session = name = session_of(sent)
        if self.gate.by_session:
            record.is_users = True
            principal = await self.gate.authorize(principal, http, name, runtime, record.stages)
            record.is_users, record.principal = False, principal.name
        record.tag = tag = tag_of(sent)
        fields = {
            "http": http.redacted(self.gate.hidden), "principal": principal, "deadline": deadline, "state": {},
            "request_id": record.request_id, "idempotency_key": None, "tag": tag, "sent": sent, "_body": value,
        }  # fmt: skip
        return await self._answer(made(Context, fields), None, runtime, record)

    async def _read(self, http: HttpRequest, runtime: Runtime, deadline: Deadline, length: int | None) -> bytes:
        http.check_media_type()
        body = await runtime.read(http, self.max_body + 1, max(_LEAST, deadline.remaining()))
        if len(body) > self.max_body:
            raise ContentTooLarge
        if length is not None and len(body) != length:
            raise BadRequest(reason="incomplete_body", detail="The body ended before its declared length.")
        return body

    async def _answer(self, call: Call, target: Target | None, runtime: Runtime, record: Record) -> HttpResponse:
        handlers: Iterable[dict[type[Exception], Function]] = (self.error_handlers,)
        encoding: Callable[[Call, Any], bytes] = encode_reply
        record.call, record.is_users = call, True
        try:
            target = target or self._target(call, record.tag)
            handlers, encoding = target.error_handlers, target.encode
            record.place, record.pattern = target.invocation.function.place, target.tag
            return await self._run(call, target, runtime, record)
        except BaseException as raised:
            record.error = error = failure_of(raised)
            if error is None or (function := nearest(error, handlers)) is None:
                raise
            invocation = Invocation(function, ())
            work = Work(invocation, call, (call, error), watched=False, encoding=encoding, stages=record.stages)
            body = work.encode(await runtime.invoke(work, call.deadline.at_least(_LEAST)))
            record.outcome = "handled"
            return json_response(body)

    def _target(self, ctx: Any, tag: str) -> Target:
        if not tag:
            raise BadRequest(reason="no_tag", detail="fulfillmentInfo.tag: must be text, of a character at least.")
        target = self.table.find(ctx, tag)
        if target is None:
            raise NotFound(reason="unknown_tag", detail="No handler takes this tag.")
        return target

    async def _run(self, call: Any, target: Target, runtime: Runtime, record: Record) -> HttpResponse:
        if target.timeout != self.timeout:
            call = with_deadline(call, record.stages.started + target.timeout)
        arguments: tuple[Any, ...] = (call,)
        told = self.deduplication.keying.told(target, call) if self.deduplication and not target.cancels else None
        job = Job.of(call, target, told, self.deduplication) if target.deferral and self.deduplication else None
        if target.schema is not None and not (job and job.is_begun):
            try:
                arguments = (call, target.schema.load(call.parameters))
            except ParameterError as error:
                asked_again = reprompt(call, error) if target.reprompts else None
                if asked_again is None:
                    raise
                record.error, record.outcome = error, "reprompt"
                return json_response(asked_again)
        work = target.work(call, arguments, record.stages)
        if job is not None and self.deduplication is not None:
            body, record.outcome = await job.answer(work, self.deduplication, runtime)
            return json_response(body)
        return await self._fly(work, target, told, runtime, record)

    async def _fly(
        self, work: Work, target: Target, told: Told | None, runtime: Runtime, record: Record
    ) -> HttpResponse:
        keyed = once.keying.keyed(target, work, told) if (once := self.deduplication) and told else None
        try:
            if once is None or keyed is None:
                work.check_time()
                with self.load.running(work) as run:
                    body = run.encode(await runtime.invoke(run, run.call.deadline))
                record.answered(work.call)
                return json_response(body)
            answer, replayed, joined = await once.fly(keyed, work, work.call.deadline, runtime)
        except DeadlineExceeded as error:
            record.error = error
            if target.fallback is None:
                raise
            record.outcome = "fallback"
            return json_response(target.fallback)
        record.answered(work.call, replayed=replayed, joined=joined)
        return json_response(answer.for_turn(keyed.turn), headers=_REPLAYED if replayed else ())

    def _problem(self, error: Exception, request_id: str) -> HttpResponse:
        shown = error if isinstance(error, HttpError) else InternalError(reason=reason_of(error))
        status = _FOLDED.get(shown.status, shown.status) if self.strict_cx_status else shown.status
        return problem_response(shown, request_id, status)
