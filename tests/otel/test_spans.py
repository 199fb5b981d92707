"""The spans of a call: what they are called, what they hold, and where in the trace they stand."""

import asyncio
import json
import logging
import threading
from contextlib import closing
from hashlib import sha256
from typing import Any

import pytest
from opentelemetry import context as contexts
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from cxfulfill import (
    BadRequest,
    CloudLoggingFormatter,
    ConfigurationError,
    Context,
    FlexibleContext,
    HttpRequest,
    NeedsIO,
    OpenTelemetry,
    Principal,
    Unavailable,
    Webhook,
)
from cxfulfill.idempotency.memory import MemoryStore
from tests.otel.support import PARENT, SESSION, SPAN, TRACE, Sdk, body_of, id_of, parent_of, trace_of
from tests.pipeline.support import CANARY, GOOD, LIMIT, MEMBER, SOON, Finds, app_b, post, raises


class BlockingStore(MemoryStore):
    """A store that says of itself that it does IO, and may be told to fail."""

    blocking = True
    fails = False

    def acquire(self, *arguments: Any, **named: Any) -> Any:
        if self.fails:
            raise OSError(CANARY)
        return super().acquire(*arguments, **named)


@pytest.fixture
def sdk() -> Sdk:
    return Sdk()


def test_a_call_is_a_server_span_and_its_handler_one_below(sdk: Sdk) -> None:
    with closing(sdk.webhook(new_id=lambda: "id-1")) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert post(webhook, body_of("hello"), headers={"Traceparent": PARENT}).status == 200
    spans = sdk.finished()
    assert spans.keys() == {"POST /webhook", "cxfulfill.handler"}
    call, handler = spans["POST /webhook"], spans["cxfulfill.handler"]
    assert (call.kind, parent_of(call), trace_of(call)) == (SpanKind.SERVER, SPAN, TRACE)
    assert (handler.kind, parent_of(handler)) == (SpanKind.INTERNAL, id_of(call))
    attributes = dict(call.attributes or {})
    assert isinstance(attributes.pop("cxfulfill.auth_ms"), float)
    assert attributes == {
        "http.request.method": "POST", "http.route": "/webhook", "http.response.status_code": 200,
        "cxfulfill.request_id": "id-1", "cxfulfill.principal": "cx", "cxfulfill.tag": "hello",
        "cxfulfill.outcome": "ok", "cxfulfill.agent": "hotel-1/europe-west1/0c5a2b1e", "cxfulfill.environment": "e-1",
        "cxfulfill.session": sha256(SESSION.encode()).hexdigest()[:12],
    }  # fmt: skip
    assert call.status.status_code is StatusCode.UNSET
    scope = call.instrumentation_scope
    assert scope is not None
    assert scope.name == "cxfulfill"
    assert scope.version


@pytest.mark.parametrize(
    ("headers", "trace", "span"),
    [
        ({"Traceparent": PARENT}, TRACE, SPAN),
        ({"X-Cloud-Trace-Context": f"{TRACE}/{int(SPAN, 16)};o=1"}, TRACE, SPAN),
        ({"Traceparent": PARENT, "X-Cloud-Trace-Context": f"{'1' * 32}/1;o=1"}, TRACE, SPAN),
        ({"Traceparent": CANARY, "X-Cloud-Trace-Context": f"{TRACE}/{int(SPAN, 16)};o=1"}, TRACE, SPAN),
        ({"Traceparent": CANARY}, None, ""),
        ({"X-Cloud-Trace-Context": TRACE}, None, ""),  # without a span there is nothing to stand below
        ({}, None, ""),
    ],
)
def test_the_parent_is_the_one_that_a_header_names(
    sdk: Sdk, headers: dict[str, str | None], trace: str | None, span: str
) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"), headers=headers)
    call = sdk.finished()["POST /webhook"]
    assert parent_of(call) == span
    assert (trace_of(call) == TRACE) == (trace is not None)
    assert call.kind is SpanKind.SERVER


def test_what_the_parent_does_not_record_is_not_recorded(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"), headers={"Traceparent": f"{PARENT[:-1]}0"})
        post(webhook, body_of("hello", "t-2"), headers={"X-Cloud-Trace-Context": f"{TRACE}/1"})
    assert sdk.finished() == {}
    assert sum(number for _, number in sdk.points("cxfulfill.calls")) == 2, "it is counted all the same"


def test_no_more_than_its_place_is_taken_over_of_a_caller_s_trace(sdk: Sdk) -> None:
    seen: list[Any] = []

    def handler(ctx: Context) -> None:
        seen.append((get_current_span().get_span_context().trace_state, list(contexts.get_current())))

    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", handler)
        headers = {"Traceparent": PARENT, "Tracestate": "vendor=a1", "Baggage": f"user={CANARY}"}
        post(webhook, body_of("hello"), headers=headers)
    [(state, keys)] = seen
    assert dict(state) == {}
    assert len(keys) == 1, "the span and nothing else"


def test_a_span_of_the_caller_s_own_is_the_parent(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        with sdk.spans.get_tracer("own").start_as_current_span("own"):
            post(webhook, body_of("hello"), headers={"Traceparent": PARENT})
    spans = sdk.finished()
    call = spans["POST /webhook"]
    assert (parent_of(call), call.kind) == (id_of(spans["own"]), SpanKind.INTERNAL)


@pytest.mark.parametrize("kind", ["plain", "watched", "async"])
def test_the_handler_s_own_spans_stand_below_its(sdk: Sdk, kind: str) -> None:
    tracer = sdk.spans.get_tracer("own")

    def plain(ctx: Context) -> str:
        with tracer.start_as_current_span("own"):
            return "Hello."

    async def coroutine(ctx: Context) -> str:
        await asyncio.sleep(0)
        return plain(ctx)

    with closing(sdk.webhook()) as webhook:
        timeout = LIMIT if kind == "watched" else None
        webhook.add_handler("hello", coroutine if kind == "async" else plain, timeout=timeout)
        assert post(webhook, body_of("hello")).status == 200
    spans = sdk.finished()
    assert parent_of(spans["own"]) == id_of(spans["cxfulfill.handler"])
    assert parent_of(spans["cxfulfill.handler"]) == id_of(spans["POST /webhook"])
    assert contexts.get_current() == {}


def test_a_store_that_does_io_and_keys_that_are_fetched_have_spans(sdk: Sdk) -> None:
    class Fetches:
        blocking = False
        has_keys = False

        def authenticate(self, http: HttpRequest) -> Principal:
            if not self.has_keys:
                raise NeedsIO(self.fetch)
            return MEMBER

        def fetch(self) -> None:
            self.has_keys = True

    with closing(sdk.webhook(auth=Fetches(), idempotency=BlockingStore())) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"))
    names = [span.name for span in sdk.kept.get_finished_spans()]
    assert names == ["cxfulfill.auth", "cxfulfill.store", "cxfulfill.handler", "cxfulfill.store", "POST /webhook"]
    [*stages, call] = sdk.kept.get_finished_spans()
    assert {parent_of(span) for span in stages} == {id_of(call)}
    assert {span.status.status_code for span in stages} == {StatusCode.UNSET}


def test_an_authenticator_that_asks_for_its_keys_has_not_failed(sdk: Sdk) -> None:
    class Blocks:
        """An authenticator of the user's that does not say that it does no IO."""

        has_keys = False

        def authenticate(self, http: HttpRequest) -> Principal:
            if not self.has_keys:
                raise NeedsIO(lambda: setattr(self, "has_keys", True))
            return MEMBER

    with closing(sdk.webhook(auth=Blocks())) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert post(webhook, body_of("hello")).status == 200
    assert {span.status.status_code for span in sdk.kept.get_finished_spans()} == {StatusCode.UNSET}


def test_a_store_that_is_down_is_an_error_of_its_span_without_a_text(sdk: Sdk) -> None:
    store = BlockingStore()
    store.fails = True
    with closing(sdk.webhook(idempotency=store)) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"))
    span, call = sdk.finished()["cxfulfill.store"], sdk.finished()["POST /webhook"]
    assert (span.status.status_code, dict(span.attributes or {})) == (StatusCode.ERROR, {"error.type": "StoreDown"})
    assert (call.attributes or {})["cxfulfill.store_errors"] == 1
    assert CANARY not in sdk.shown()


@pytest.mark.parametrize(
    ("error", "kind", "of_handler", "of_call"),
    [
        (ValueError(CANARY), "ValueError", StatusCode.ERROR, StatusCode.ERROR),
        (Unavailable(CANARY), "unavailable", StatusCode.ERROR, StatusCode.ERROR),
        (BadRequest(CANARY), "bad_request", StatusCode.UNSET, StatusCode.UNSET),
    ],
)
def test_a_failure_is_told_by_its_kind(
    sdk: Sdk, error: Exception, kind: str, of_handler: StatusCode, of_call: StatusCode
) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", raises(error))
        post(webhook, body_of("hello"))
    handler, call = sdk.finished()["cxfulfill.handler"], sdk.finished()["POST /webhook"]
    assert (handler.status.status_code, call.status.status_code) == (of_handler, of_call)
    assert (handler.attributes or {})["error.type"] == kind
    assert ((call.attributes or {}).get("error.type") == kind) == (of_call is StatusCode.ERROR)
    assert (handler.events, call.events) == ((), ())
    assert CANARY not in sdk.shown()


def test_a_refused_caller_has_a_span_too(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        post(webhook, headers={"Authorization": None})
    [call] = sdk.finished().values()
    attributes = call.attributes or {}
    assert (call.name, attributes["http.response.status_code"]) == ("POST /webhook", 401)
    assert (attributes["cxfulfill.reason"], attributes["cxfulfill.event"]) == (
        "no_credentials",
        "webhook.error.rejected",
    )


def test_an_unknown_method_and_path_name_no_span(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        post(webhook, method=f"BREW{CANARY}", path=f"/{CANARY}")
    [call] = sdk.finished().values()
    assert (call.name, (call.attributes or {})["http.request.method"]) == ("HTTP", "_OTHER")
    assert CANARY not in sdk.shown()


def test_a_flexible_call_is_named_by_its_pattern(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:

        @webhook.flexible("/orders/<order>", methods=["GET"])
        def order(call: FlexibleContext) -> dict[str, str]:
            return {"status": "sent"}

        post(webhook, b"", method="GET", path=f"/orders/{CANARY}")
    assert "GET /orders/<order>" in sdk.finished()
    assert CANARY not in sdk.shown()


def test_no_value_of_a_call_is_told(sdk: Sdk) -> None:
    body = json.loads(body_of("hello", **{CANARY: CANARY}))
    body |= dict.fromkeys(("text", "transcript", "dtmfDigits", "languageCode"), CANARY)
    body["sessionInfo"]["session"] = f"{SESSION.rpartition('/')[0]}/{CANARY}"
    headers = {f"X-{name}": CANARY for name in ("A", "Phone")} | {
        "User-Agent": CANARY,
        "Referer": CANARY,
        "Cookie": CANARY,
    }
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: CANARY)
        result = post(webhook, json.dumps(body).encode(), headers=headers, query=f"a={CANARY}", REMOTE_ADDR=CANARY)
        post(webhook, json.dumps(body).encode(), headers=headers | {"Authorization": CANARY})
    assert (result.status, CANARY in result.said) == (200, True)
    assert CANARY not in sdk.shown()


def test_time_in_the_server_s_queue_belongs_to_the_span(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        headers = {"Authorization": GOOD, "Content-Type": "application/json"}
        request = HttpRequest.build("POST", "/webhook", headers=headers, body=body_of("hello"))
        object.__setattr__(request, "queued", 2.0)
        webhook.handle(request)
    call, handler = sdk.finished()["POST /webhook"], sdk.finished()["cxfulfill.handler"]
    assert (call.start_time or 0) + 2_000_000_000 <= (handler.start_time or 0)
    assert (call.attributes or {})["cxfulfill.queue_ms"] == 2_000.0


def test_a_late_handler_ends_its_own_span(sdk: Sdk, gate: threading.Event) -> None:
    def slow(ctx: Context) -> str:
        assert gate.wait(LIMIT)
        return "late"

    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("slow", slow, timeout=SOON)
        assert post(webhook, body_of("slow")).status == 503
        assert sdk.finished().keys() == {"POST /webhook"}
        gate.set()
    spans = sdk.finished()
    assert parent_of(spans["cxfulfill.handler"]) == id_of(spans["POST /webhook"])


def test_a_log_line_names_the_call_s_own_span(sdk: Sdk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"), closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"), headers={"Traceparent": PARENT})
    [line] = caplog.records
    entry = json.loads(CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "p"}).format(line))
    call = sdk.finished()["POST /webhook"]
    assert entry["trace"] == TRACE
    assert entry["logging.googleapis.com/spanId"] == id_of(call) != SPAN


def test_without_a_log_line_the_call_is_traced(sdk: Sdk) -> None:
    log = logging.getLogger("cxfulfill")
    level = log.level
    log.setLevel(logging.CRITICAL)
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"))
    log.setLevel(level)
    assert "POST /webhook" in sdk.finished()


@pytest.mark.parametrize("moment", ["on_start", "on_end"])
def test_a_broken_sdk_does_not_harm_the_call(moment: str, caplog: pytest.LogCaptureFixture) -> None:
    class Breaks(SpanProcessor):
        def _fail(self, *_: object, **__: object) -> None:
            raise LookupError(CANARY)

    setattr(Breaks, moment, Breaks._fail)
    sdk = Sdk(processor=Breaks())
    with caplog.at_level(logging.INFO, "cxfulfill"), closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert post(webhook, body_of("hello")).said == "Hello."
        assert post(webhook, body_of("hello", "t-2")).said == "Hello."
    assert CANARY not in caplog.text
    assert contexts.get_current() == {}


def test_an_sdk_that_samples_nothing_is_no_trouble() -> None:
    sdk = Sdk(ALWAYS_OFF)
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", raises(ValueError()))
        assert post(webhook, body_of("hello")).status == 500
    assert sdk.finished() == {}


@pytest.mark.wsgi_alone
def test_a_worker_s_end_in_the_handler_leaves_no_span_behind(sdk: Sdk) -> None:
    with closing(sdk.webhook(auth=Finds(MEMBER))) as webhook:
        webhook.add_handler("hello", raises(SystemExit()))
        with pytest.raises(SystemExit):
            post(webhook, body_of("hello"))
    assert contexts.get_current() == {}
    handler: ReadableSpan = sdk.finished()["cxfulfill.handler"]
    assert (handler.attributes or {})["error.type"] == "SystemExit"


@pytest.mark.parametrize("given", [OpenTelemetry, "opentelemetry", object()])
def test_only_what_traces_is_taken(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"telemetry= needs an OpenTelemetry\(\)"):
        Webhook(auth=app_b(), telemetry=given)
