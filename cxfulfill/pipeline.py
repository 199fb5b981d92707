"""A request's way, on one screen.

The order is a promise: nothing of the body is read before the caller has proved who it is, and nothing is parsed
that was not read whole.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from cxfulfill.auth.agents import AllowedAgents
from cxfulfill.auth.base import (
    Authenticator,
    NeedsIO,
    Principal,
    authorize,
    credential_headers,
    decides_by_session,
    identify,
    is_blocking,
    is_ready,
)
from cxfulfill.context import Clock, Context, Deadline
from cxfulfill.deduplication import Deduplication
from cxfulfill.errors import (
    BadRequest,
    ContentTooLarge,
    HttpError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Unavailable,
)
from cxfulfill.handlers import Function, Invocation
from cxfulfill.http import CREDENTIAL_HEADERS, HttpRequest, HttpResponse, json_response, problem_response
from cxfulfill.protocol.names import SessionName
from cxfulfill.protocol.request import WebhookRequest, read_request
from cxfulfill.reply import to_response
from cxfulfill.runtime import DeadlineExceeded, Runtime, Work
from cxfulfill.table import Table
from cxfulfill.target import Target
from cxfulfill.telemetry import Record, reason_of

T = TypeVar("T")
HEALTH_PATH: Final = "/health"
READY_PATH: Final = "/ready"
MAX_FETCHING: Final = 3.0
"""Seconds after which no further fetch of the authenticators is begun for a request."""
_MAX_FETCHES: Final = 16

_STATUSES_OF_CX: Final = frozenset({400, 401, 403, 404, 500, 503})
"""What an error of a handler or authenticator may have (Google's webhook page); others are the transport's."""

_REPLAYED: Final = (("Idempotent-Replayed", "true"),)
_FOLDED: Final = {405: 404, 408: 400, 413: 400, 415: 400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The frozen parts of an application, and the way of a request through them.

    Attributes:
        path: Path of the standard webhook.
        auth: Who may call.
        allowed_agents: Whose sessions are served; None for all.
        table: The handlers by tag.
        deduplication: What sees to it that a call runs once; None where nothing does.
        error_handlers: The application's own functions by exception class.
        max_body: Largest body in bytes.
        timeout: Seconds for a call before its handler is known.
        strict_cx_status: Whether transport refusals are folded into the statuses that CX documents.
        clock: Seconds that only go up.
        new_id: Makes the ids of calls.
    """

    path: str
    auth: Authenticator
    allowed_agents: AllowedAgents | None
    table: Table[Target]
    deduplication: Deduplication | None
    error_handlers: dict[type[Exception], Function]
    max_body: int
    timeout: float
    strict_cx_status: bool
    clock: Clock
    new_id: Callable[[], str]
    blocking_auth: bool = field(init=False)
    hidden: frozenset[str] = field(init=False)
    by_session: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocking_auth", is_blocking(self.auth))
        object.__setattr__(self, "hidden", CREDENTIAL_HEADERS | credential_headers(self.auth))
        object.__setattr__(self, "by_session", self.allowed_agents is not None or decides_by_session(self.auth))

    async def handle(self, http: HttpRequest, runtime: Runtime) -> HttpResponse:
        """Answer a request, whatever happens.

        Args:
            http: The request.
            runtime: How to wait.

        Returns:
            The answer: JSON, or a problem document.
        """
        if http.path in (HEALTH_PATH, READY_PATH):
            return await self._probe(http, runtime)
        record = Record(self.new_id())
        try:
            response = await self._serve(http, runtime, record)
        except Exception as error:
            record.error = error
            response = self._problem(error, record.request_id)
        record.write(response.status)
        return response

    async def _serve(self, http: HttpRequest, runtime: Runtime, record: Record) -> HttpResponse:
        started = self.clock()
        deadline = Deadline(started + self.timeout, self.clock)
        length = self._check_head(http)
        principal = await _of_cx(self._authenticate(http, runtime))
        record.principal = principal.name
        request = read_request(await self._read(http, runtime, deadline, length))
        principal = await _of_cx(self._authorize(principal, http, request, runtime))
        record.principal = principal.name
        ctx = Context(
            http=http.redacted(self.hidden),
            principal=principal,
            deadline=deadline,
            request_id=record.request_id,
            request=request,
        )
        record.tag = ctx.tag
        return await _of_cx(self._answer(ctx, started, runtime, record))

    def _check_head(self, http: HttpRequest) -> int | None:
        if http.path != self.path:
            raise NotFound(reason="unknown_path", detail="Nothing is served on this path.")
        if http.method != "POST":
            raise MethodNotAllowed("POST")
        length = http.declared_length()
        if length is not None and length > self.max_body:
            raise ContentTooLarge
        return length

    async def _authenticate(self, http: HttpRequest, runtime: Runtime) -> Principal:
        begun = self.clock()
        for _ in range(_MAX_FETCHES):
            try:
                if self.blocking_auth:
                    return await runtime.block(lambda: identify(self.auth, http))
                return identify(self.auth, http)
            except NeedsIO as need:
                fetch = need.fetch
            if self.clock() - begun >= MAX_FETCHING:
                break
            await runtime.block(fetch)
        raise Unavailable(reason="auth_not_settled")

    async def _authorize(
        self, principal: Principal, http: HttpRequest, request: WebhookRequest, runtime: Runtime
    ) -> Principal:
        if not self.by_session:
            return principal
        name = request.session_info and request.session_info.session
        session = SessionName.parse_documented(name) if name else None
        if self.allowed_agents is not None:
            self.allowed_agents.check(session, name or "")
        try:
            return authorize(self.auth, principal, session)
        except NeedsIO as need:
            fetch = need.fetch
        await runtime.block(fetch)
        try:
            return authorize(self.auth, await self._authenticate(http, runtime), session)
        except NeedsIO:
            raise Unavailable(reason="auth_not_settled") from None

    async def _read(self, http: HttpRequest, runtime: Runtime, deadline: Deadline, length: int | None) -> bytes:
        http.check_media_type()
        body = await runtime.read(http, self.max_body + 1, deadline.remaining())
        if len(body) > self.max_body:
            raise ContentTooLarge
        if length is not None and len(body) != length:
            raise BadRequest(reason="incomplete_body", detail="The body ended before its declared length.")
        return body

    async def _answer(self, ctx: Context, started: float, runtime: Runtime, record: Record) -> HttpResponse:
        handlers: Iterable[dict[type[Exception], Function]] = (self.error_handlers,)
        try:
            target = self._target(ctx)
            handlers = target.error_handlers
            return await self._run(ctx, target, started, runtime, record)
        except Exception as error:
            record.error = error
            function = _error_handler(handlers, error)
            if function is None:
                raise
            work = Work(Invocation(function, ()), ctx, (ctx, error), watched=False)
            return json_response(to_response(await runtime.invoke(work, ctx.deadline)).encode())

    def _target(self, ctx: Context) -> Target:
        if not ctx.tag:
            raise BadRequest(reason="no_tag", detail="fulfillmentInfo.tag: must be text, of a character at least.")
        target = self.table.find(ctx)
        if target is None:
            raise NotFound(reason="unknown_tag", detail="No handler takes this tag.")
        return target

    async def _run(
        self, ctx: Context, target: Target, started: float, runtime: Runtime, record: Record
    ) -> HttpResponse:
        if target.timeout != self.timeout:
            ctx = replace(ctx, deadline=Deadline(started + target.timeout, self.clock))
        arguments: tuple[Any, ...] = (ctx,) if target.schema is None else (ctx, target.schema(ctx.parameters))
        work = Work(target.invocation, ctx, arguments, target.watched)
        keyed = self.deduplication.keying.keyed(target, work) if self.deduplication and target.idempotent else None
        try:
            if self.deduplication is None or keyed is None:
                return json_response(to_response(await runtime.invoke(work, ctx.deadline)).encode())
            landed = await self.deduplication.fly(keyed, work, ctx.deadline, runtime)
        except DeadlineExceeded as error:
            record.error = error
            if target.entry.fallback is None:
                raise
            return json_response(target.entry.fallback.encode())
        record.replayed = landed.replayed
        body = landed.answer.for_turn(keyed.turn)
        return json_response(body, headers=_REPLAYED if landed.replayed else ())

    def _problem(self, error: Exception, request_id: str) -> HttpResponse:
        shown = error if isinstance(error, HttpError) else InternalError(reason=reason_of(error))
        status = _FOLDED.get(shown.status, shown.status) if self.strict_cx_status else shown.status
        return problem_response(shown, request_id, status)

    async def _probe(self, http: HttpRequest, runtime: Runtime) -> HttpResponse:
        if http.method not in ("GET", "HEAD"):
            return self._problem(MethodNotAllowed("GET", "HEAD"), self.new_id())
        if http.path == HEALTH_PATH:
            return json_response(b'{"status":"ok"}')
        parts = {"handlers": True}
        if self.deduplication is not None:
            parts["store"] = await runtime.block(self.deduplication.store.is_well)
        if hasattr(self.auth, "ready"):
            parts["auth"] = is_ready(self.auth)
        ready = all(parts.values())
        body = json.dumps({"status": "ready" if ready else "not ready", "parts": parts}).encode()
        return json_response(body, 200 if ready else Unavailable.status)


async def _of_cx(step: Awaitable[T]) -> T:
    """Run a step that is the user's code: of its errors only those with a status of CX leave as they are."""
    try:
        return await step
    except HttpError as error:
        if error.status in _STATUSES_OF_CX:
            raise
        raise InternalError(reason="undocumented_status") from error


def _error_handler(layers: Iterable[dict[type[Exception], Function]], error: Exception) -> Function | None:
    for functions in layers:
        for kind in type(error).__mro__:
            if kind in functions:
                return functions[kind]
    return None
