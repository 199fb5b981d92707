"""The record of a call: its parts in every outcome, as a line and as JSON, and what must never stand in it."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from typing import Any

import pytest
from pydantic import BaseModel

from cxfulfill import (
    AllowUnauthenticated,
    CallRecord,
    CloudLoggingFormatter,
    ConfigurationError,
    Context,
    FlexibleContext,
    HttpRequest,
    LogRecords,
    NeedsIO,
    Principal,
    Reply,
    Trace,
    Unauthorized,
    Webhook,
)
from cxfulfill.flights import Flight
from cxfulfill.http import Headers
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.last_resort import TextFormatter
from cxfulfill.records import event_of
from cxfulfill.stages import Stages
from cxfulfill.testing import RecordSinkContract
from cxfulfill.traces import read_trace
from tests.clock import Clock
from tests.pipeline.support import CANARY, GOOD, LIMIT, MEMBER, SOON, Counted, Finds, app_b, body_of, post, raises

AGENT = "projects/hotel-1/locations/europe-west1/agents/0c5a2b1e-1111-4000-8000-000000000000"
SESSION = f"{AGENT}/environments/e-1/sessions/+49 30 1234"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


class Kept:
    """A sink that keeps records."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def write(self, record: CallRecord) -> None:
        self.records.append(record)

    @property
    def one(self) -> CallRecord:
        [record] = self.records
        return record


class TestKept(RecordSinkContract):
    def sink(self) -> Kept:
        return Kept()


class TestLogRecords(RecordSinkContract):
    def sink(self) -> LogRecords:
        return LogRecords()


def call(tag: str = "count", turn: str = "t-1", session: str = SESSION, **parameters: Any) -> bytes:
    return json.dumps({
        "detectIntentResponseId": turn, "fulfillmentInfo": {"tag": tag},
        "sessionInfo": {"session": session, "parameters": parameters},
    }).encode()  # fmt: skip


def recorded(auth: Any = None, body: bytes | None = None, *, handler: Any = None, **request: Any) -> CallRecord:
    """Make a call of a fresh webhook; give its record."""
    sink = Kept()
    with closing(Counted(auth, records=sink, new_id=lambda: "id-1", clock=Clock())) as webhook:
        if handler:
            webhook.add_handler("own", handler)
        post(webhook, call("own" if handler else "count") if body is None else body, **request)
    return sink.one


class Slow:
    """An authenticator that must fetch, and each step of which takes time."""

    blocking = False

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.has_keys = False

    def authenticate(self, http: HttpRequest) -> Principal:
        self.clock.seconds += 1.0
        if not self.has_keys:
            raise NeedsIO(self.fetch)
        return MEMBER

    def fetch(self) -> None:
        self.clock.seconds += 1.0
        self.has_keys = True


class SlowStore(MemoryStore):
    """A store whose round trips take time."""

    blocking = True

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.given = clock

    def acquire(self, *arguments: Any, **named: Any) -> Any:
        self.given.seconds += 0.25
        return super().acquire(*arguments, **named)

    def complete(self, *arguments: Any, **named: Any) -> bool:
        self.given.seconds += 0.5
        return super().complete(*arguments, **named)


def timed(clock: Clock, sink: Kept, handler: Any) -> Webhook:
    webhook = Webhook(auth=Slow(clock), idempotency=SlowStore(clock), records=sink, clock=clock, new_id=lambda: "id-1")
    webhook.add_handler("own", handler)
    return webhook


def test_every_part_of_a_call_that_is_well() -> None:
    clock, sink = Clock(), Kept()

    def handler(ctx: Context) -> str:
        clock.seconds += 0.125
        return "Hello."

    with closing(timed(clock, sink, handler)) as webhook:
        body = call("own")
        answer = post(webhook, body, headers={"Traceparent": PARENT})
    assert sink.one == CallRecord(
        request_id="id-1", level=logging.INFO, status=200, reason="ok", outcome="ok", event="", attempt=None,
        method="POST", path="/webhook", route="", tag="own", pattern="own", principal="member",
        agent="hotel-1/europe-west1/0c5a2b1e-1111-4000-8000-000000000000", environment="e-1",
        session=sha256(SESSION.encode()).hexdigest()[:12], ms=3875.0, auth_ms=3000.0, store_ms=750.0, handler_ms=125.0,
        bytes_in=len(body), bytes_out=len(answer.body), trace=Trace(TRACE, SPAN, True),
    )  # fmt: skip


def test_an_async_handler_and_its_failure_take_time() -> None:
    clock, sink = Clock(), Kept()

    async def handler(ctx: Context) -> str:
        clock.seconds += 0.125
        raise ValueError

    with closing(timed(clock, sink, handler)) as webhook:
        post(webhook, call("own"))
    assert (sink.one.handler_ms, sink.one.status, sink.one.outcome) == (125.0, 500, "failed")


def test_a_failure_of_an_authenticator_takes_time() -> None:
    clock, sink = Clock(), Kept()

    class Refuses(Slow):
        def authenticate(self, http: HttpRequest) -> Principal:
            super().authenticate(http)
            raise Unauthorized

    with closing(Webhook(auth=Refuses(clock), records=sink, clock=clock)) as webhook:
        post(webhook, call())
    assert (sink.one.auth_ms, sink.one.ms, sink.one.outcome) == (3000.0, 3000.0, "refused")


def test_the_session_s_check_counts_as_authentication() -> None:
    clock, sink = Clock(), Kept()

    class Checks:
        blocking = False

        def authenticate(self, http: HttpRequest) -> Principal:
            clock.seconds += 1.0
            return MEMBER

        def authorize(self, principal: Principal, session: Any) -> Principal:
            clock.seconds += 1.0
            return principal

    with closing(Counted(Checks(), records=sink, clock=clock)) as webhook:
        post(webhook, call())
    assert sink.one.auth_ms == 2000.0


def test_a_replay() -> None:
    clock, sink, ran = Clock(), Kept(), []
    with closing(timed(clock, sink, lambda ctx: ran.append(ctx.tag))) as webhook:
        for _ in range(2):
            post(webhook, call("own"))
    first, second = sink.records
    assert ran == ["own"]
    assert (first.outcome, first.is_replayed, first.store_ms) == ("ok", False, 750.0)
    assert (second.outcome, second.is_replayed, second.store_ms) == ("replayed", True, 250.0)
    assert second.attempt is None
    assert " replayed=true outcome=replayed " in str(second)


def test_a_call_that_joins_another(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    sink, entered, waits = Kept(), threading.Event(), threading.Semaphore(0)

    def handler(ctx: Context) -> str:
        entered.set()
        assert gate.wait(LIMIT)
        return "Hello."

    with closing(Webhook(auth=AllowUnauthenticated(), records=sink)) as webhook, ThreadPoolExecutor(3) as threads:
        webhook.add_handler("own", handler)
        flights = webhook.pipeline().deduplication.flights  # type: ignore[union-attr]
        board = flights.board

        def noted(key: str, fingerprint: str) -> tuple[Flight, bool]:
            flight, is_first = board(key, fingerprint)
            if not is_first:
                waits.release()
            return flight, is_first

        monkeypatch.setattr(flights, "board", noted)
        first = threads.submit(post, webhook, call("own"))
        assert entered.wait(LIMIT)
        others = [threads.submit(post, webhook, call("own")) for _ in range(2)]
        assert all(waits.acquire(timeout=LIMIT) for _ in others)
        gate.set()
        assert {each.result(LIMIT).said for each in (first, *others)} == {"Hello."}
    assert sorted(record.outcome for record in sink.records) == ["joined", "joined", "ok"]
    joined = [record for record in sink.records if record.is_replayed]
    assert {record.attempt for record in joined} == {2, 3}
    assert " replayed=true outcome=joined attempt=" in str(joined[0])


class Stay(BaseModel):
    nights: int


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"headers": {"Authorization": None}}, (401, "no_credentials", "refused", "webhook.error.rejected")),
        ({"path": "/other"}, (404, "unknown_path", "refused", "webhook.error.not-found")),
        ({"body": call("unknown")}, (404, "unknown_tag", "refused", "webhook.error.not-found")),
        ({"body": b"{"}, (400, "json_syntax", "refused", "webhook.error.bad-request")),
        ({"method": "GET"}, (405, "method_not_allowed", "refused", "webhook.error")),
        ({"handler": raises(ValueError("x"))}, (500, "internal", "failed", "webhook.error")),
        ({"handler": lambda ctx: Reply(parameters={"a": {1}})}, (500, "refused_reply", "failed", "webhook.error")),
    ],
)  # fmt: skip
def test_refusals_and_failures(request_: dict[str, Any], expected: tuple[Any, ...]) -> None:
    record = recorded(**request_)
    assert (record.status, record.reason, record.outcome, record.event) == expected
    assert record.level == (logging.ERROR if record.status >= 500 else logging.WARNING)
    assert record.path == ("" if record.reason == "unknown_path" else "/webhook")
    assert record.bytes_out > 100


def test_the_ways_to_answer_an_error_with_200(gate: threading.Event) -> None:
    sink = Kept()

    def waits(ctx: Context) -> None:
        assert gate.wait(LIMIT)

    with closing(Counted(records=sink)) as webhook:
        webhook.add_handler("slow", waits, timeout=SOON, fallback="Later.")
        webhook.add_handler("late", waits, timeout=SOON)
        webhook.add_handler("stay", lambda ctx, stay: None, params=Stay, on_invalid="reprompt")
        webhook.add_handler("fails", raises(KeyError("x")))
        webhook.on_error(KeyError)(lambda ctx, error: "Sorry.")
        post(webhook, call("slow"))
        post(webhook, call("late"))
        form = {"formInfo": {"parameterInfo": [{"displayName": "nights", "state": "FILLED", "value": "x"}]}}
        post(webhook, json.dumps({**json.loads(call("stay", nights="x")), "pageInfo": form}).encode())
        post(webhook, call("fails"))
        gate.set()
    told = [(each.status, each.reason, each.outcome, each.level) for each in sink.records]
    assert told == [
        (200, "deadline", "fallback", logging.WARNING),
        (503, "deadline", "failed", logging.ERROR),
        (200, "invalid_parameters", "reprompt", logging.WARNING),
        (200, "internal", "handled", logging.WARNING),
    ]
    assert all(each.handler_ms >= SOON * 1e3 * 0.5 for each in sink.records[:2])


def test_a_handler_that_still_runs_counts_until_now() -> None:
    clock = Clock()
    stages = Stages(clock)
    stages.begin()
    clock.seconds += 2.0
    assert stages.handler(clock()) == 2.0
    stages.end()
    stages.begin()  # an error handler
    clock.seconds += 1.0
    stages.end()
    assert stages.handler(clock() + 9.0) == 3.0


def test_a_flexible_call_has_its_route_and_no_session() -> None:
    sink = Kept()
    with closing(Counted(records=sink)) as webhook:

        @webhook.flexible("/orders/<int:id>", methods=["GET"])
        def order(ctx: FlexibleContext) -> dict[str, Any]:
            return {"id": ctx.path["id"]}

        post(webhook, method="GET", path="/orders/4711", query="q=4712")
        post(webhook, method="DELETE", path="/orders/4711")
    first, second = sink.records
    assert (first.route, first.path, first.method) == ("GET /orders/<int:id>", "/orders/<int:id>", "GET")
    assert (first.session, first.agent, first.tag, first.bytes_in) == ("", "", "", 0)
    assert (second.status, second.path) == (405, "/orders/<int:id>")
    assert "4711" not in f"{first} {second} {json_line(first)}"


@pytest.mark.parametrize(
    ("session", "agent", "environment"),
    [
        (f"{AGENT}/sessions/s", "hotel-1/europe-west1/0c5a2b1e-1111-4000-8000-000000000000", ""),
        (f"{AGENT}/environments/-/sessions/s", "hotel-1/europe-west1/0c5a2b1e-1111-4000-8000-000000000000", ""),
        ("projects/x.org:p/locations/l/agents/a/environments/e/sessions/s/t", "x.org:p/l/a", "e"),
        ("projects/+49 30/locations/l/agents/a/sessions/s", "", ""),
        ("projects/p\r\n/locations/l/agents/a/sessions/s", "", ""),
        (f"projects/{'p' * 65}/locations/l/agents/a/sessions/s", "", ""),
        ("projects/é/locations/l/agents/a/sessions/s", "", ""),
        ("bare", "", ""),
    ],
)  # fmt: skip
def test_agent_and_environment(session: str, agent: str, environment: str) -> None:
    record = recorded(body=call(session=session))
    assert (record.agent, record.environment) == (agent, environment)
    assert record.session == sha256(session.encode()).hexdigest()[:12]


def test_a_session_of_an_agent_that_is_not_served_is_told() -> None:
    sink = Kept()
    with closing(Counted(records=sink, allowed_agents=[AGENT.replace("hotel-1", "hotel-2")])) as webhook:
        post(webhook, call())
    assert (sink.one.status, sink.one.environment) == (403, "e-1")


@pytest.mark.parametrize("method", ["BREW", f"GET{CANARY}"])
def test_a_method_that_nothing_takes_is_not_told(method: str) -> None:
    assert recorded(method=method).method == ""


def json_line(record: CallRecord, environ: dict[str, str] | None = None) -> Any:
    line = logging.LogRecord("cxfulfill", record.level, "", 0, "%s", (record,), None)
    line.call = record
    return json.loads(CloudLoggingFormatter(environ or {}).format(line))


def test_json_of_a_call() -> None:
    record = recorded(headers={"Traceparent": PARENT})
    entry = json_line(record, {"GOOGLE_CLOUD_PROJECT": "", "GCP_PROJECT": "run-1"})
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "severity": "INFO", "logger": "cxfulfill",
        "message": 'status=200 reason=ok request_id=id-1 principal="cx" tag="count"',
        "httpRequest": {
            "requestMethod": "POST", "requestUrl": "/webhook", "status": 200, "latency": "0.000000s",
            "requestSize": str(record.bytes_in), "responseSize": str(record.bytes_out),
        },
        "request_id": "id-1", "status": 200, "reason": "ok", "outcome": "ok", "replayed": False,
        "ms": 0.0, "auth_ms": 0.0, "store_ms": 0.0, "handler_ms": 0.0,
        "bytes_in": record.bytes_in, "bytes_out": record.bytes_out, "tag": "count", "principal": "cx",
        "agent": record.agent, "environment": "e-1", "session": record.session, "trace": TRACE,
        "logging.googleapis.com/trace": f"projects/run-1/traces/{TRACE}",
        "logging.googleapis.com/spanId": SPAN, "logging.googleapis.com/trace_sampled": True,
    }  # fmt: skip


def test_json_without_a_project_a_path_and_a_span() -> None:
    entry = json_line(recorded(path="/other", method="BREW", headers={"X-Cloud-Trace-Context": TRACE}))
    assert (entry["severity"], entry["trace"], entry["event"]) == ("WARNING", TRACE, "webhook.error.not-found")
    assert entry["httpRequest"].keys() == {"status", "latency", "requestSize", "responseSize"}
    assert not [name for name in entry if name.startswith("logging.")]
    traced = json_line(recorded(headers={"X-Cloud-Trace-Context": TRACE}), {"GOOGLE_CLOUD_PROJECT": "p"})
    assert [name for name in traced if name.startswith("logging.")] == ["logging.googleapis.com/trace"]


def test_json_of_other_lines() -> None:
    formatter = CloudLoggingFormatter({})
    line = logging.LogRecord("somebody", 25, "", 0, "a\nb %s", ("c",), None)
    assert (entry := json.loads(formatter.format(line)))["message"] == "a\nb c"
    assert (entry["severity"], entry["logger"]) == ("DEFAULT", "somebody")
    assert "\n" not in formatter.format(line)
    line = logging.LogRecord("somebody", 20, "", 0, "half a character: \ud800", (), None)
    assert json.loads(formatter.format(line))["message"] == "half a character: \ud800"
    error = ValueError("own")
    line = logging.LogRecord("x", 40, "", 0, "m", (), (type(error), error, None))
    assert json.loads(formatter.format(line))["message"].endswith("ValueError: own")


def test_json_of_a_handler_s_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"):
        recorded(handler=lambda ctx: ctx.log.info("told"))
    [line] = caplog.records
    entry = json.loads(CloudLoggingFormatter({}).format(line))
    assert (entry["message"], entry["request_id"], entry["tag"]) == ("told", "id-1", "own")


def test_a_handler_s_line_stands_in_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"):
        recorded(handler=lambda ctx: ctx.log.info("told"), headers={"Traceparent": PARENT})
    [line] = caplog.records
    entry = json.loads(CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "p"}).format(line))
    assert (entry["message"], entry["logging.googleapis.com/trace"]) == ("told", f"projects/p/traces/{TRACE}")


def test_the_shipped_text_names_the_call_of_a_handler_s_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"):
        recorded(handler=lambda ctx: ctx.log.info("told"))
    [line] = caplog.records
    assert TextFormatter().format(line).endswith("[INFO] told request_id=id-1")
    own = logging.LogRecord("cxfulfill", logging.WARNING, __file__, 0, "request_id=%s late", ("id-1",), None)
    own.request_id = "id-1"
    assert TextFormatter().format(own).endswith("[WARNING] request_id=id-1 late"), "the framework's own lines say it"


def test_a114_no_credential_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    secrets = {"Authorization": GOOD, "Cookie": f"c={CANARY}", "Proxy-Authorization": CANARY, "X-Key": CANARY}
    for auth in (app_b(), Finds(MEMBER), Finds(RuntimeError(f"cannot take {CANARY}"))):
        for body in (call(), call("unknown"), b"{"):
            with caplog.at_level(logging.DEBUG), closing(Counted(auth)) as webhook:
                post(webhook, body, headers=secrets)
    shown = caplog.text + "".join(CloudLoggingFormatter({}).format(each) for each in caplog.records)
    assert not [secret for secret in (GOOD, GOOD.partition(" ")[2], CANARY) if secret in shown]


def test_a115_no_value_of_a_call(caplog: pytest.LogCaptureFixture) -> None:
    phone = "+49 30 901820"
    body = {**json.loads(call("own", phone=phone)), "text": f"call {phone}", "transcript": phone, "dtmfDigits": phone}
    body["sessionInfo"]["session"] = f"{AGENT}/sessions/{phone}"
    body["payload"] = {"telephony": {"caller_id": phone}}
    with caplog.at_level(logging.DEBUG), closing(Counted()) as webhook:
        webhook.add_handler("own", lambda ctx: Reply(f"Thank you, {ctx.text}"))
        post(webhook, json.dumps(body).encode(), query=f"phone={phone}", headers={"X-Phone": phone, "Referer": phone})
    assert len(caplog.records) == 2
    for line in caplog.records:
        assert phone not in line.getMessage() + CloudLoggingFormatter({}).format(line)


@pytest.mark.parametrize("tag", ["a\r\nstatus=200", "\u2028", "\x1b[31m", '" status=200', "\x00", "é", "x" * 10_000])
def test_a116_a_tag_is_one_line_in_both_forms(tag: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"), closing(Counted()) as webhook:
        post(webhook, call(tag))
    [line] = caplog.records
    for shown in (line.getMessage(), CloudLoggingFormatter({}).format(line)):
        assert shown.isascii()
        assert shown.isprintable()
        assert len(shown) < 1_500
    assert json.loads(CloudLoggingFormatter({}).format(line))["tag"] == tag[:128]


MALFORMED = [
    ("traceparent", value) for value in (
        "", "0", "x" * 10_000, f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-01-more", f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"{PARENT},{PARENT}",
        f"{PARENT}\r\nX: y", f" {PARENT}", f"{PARENT}\n", f"00-{'é' * 32}-{SPAN}-01",
    )
] + [
    ("x-cloud-trace-context", value) for value in (
        "", CANARY, "x" * 10_000, "0" * 32, f"{TRACE}/", f"{TRACE}/x", f"{TRACE}/{'1' * 21}", f"{TRACE};o=9",
        f"{TRACE}/1;o=1;x", f"{TRACE}/1\n", f"{TRACE}/{TRACE}" + "1" * 10_000,
    )
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a117_a_malformed_trace_is_ignored(name: str, value: str) -> None:
    record = recorded(headers={name: value})
    assert (record.status, record.trace, record.request_id) == (200, None, "id-1")


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"Traceparent": PARENT}, Trace(TRACE, SPAN, True)),
        ({"Traceparent": f"00-{TRACE}-{SPAN}-02"}, Trace(TRACE, SPAN, False)),
        ({"Traceparent": "x", "X-Cloud-Trace-Context": f"{TRACE}/26;o=1"}, Trace(TRACE, f"{26:016x}", True)),
        ({"Traceparent": PARENT, "X-Cloud-Trace-Context": f"{SPAN}{SPAN}/26;o=0"}, Trace(TRACE, SPAN, True)),
        ({"X-Cloud-Trace-Context": f"{TRACE.upper()};o=0"}, Trace(TRACE, "", False)),
        ({"X-Cloud-Trace-Context": f"{TRACE}/{1 << 64}"}, Trace(TRACE)),
        ({"X-Cloud-Trace-Context": f"{TRACE}/0"}, Trace(TRACE)),
        ({}, None),
    ],
)
def test_traces(headers: dict[str, str], trace: Trace | None) -> None:
    assert read_trace(Headers(headers)) == trace


def test_a_sink_that_fails_harms_no_call(caplog: pytest.LogCaptureFixture) -> None:
    class Fails:
        def write(self, record: CallRecord) -> None:
            raise ValueError(CANARY)

    with closing(Counted(records=Fails(), new_id=lambda: "id-1")) as webhook:
        assert post(webhook, call()).status == 200
    assert caplog.messages == ["request_id=id-1 its record could not be written: ValueError"]


@pytest.mark.parametrize("wrong", [Kept, object(), "text"])
def test_what_is_no_sink(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="records= needs an object with a plain method write"):
        Counted(records=wrong)


def test_an_async_sink_is_refused() -> None:
    class Async:
        async def write(self, record: CallRecord) -> None:
            raise AssertionError

    with pytest.raises(ConfigurationError, match="records="):
        Counted(records=Async())


def test_nothing_is_built_where_nothing_is_written(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "cxfulfill"):
        recorded_by_log = Counted()
        post(recorded_by_log, call())
        LogRecords().write(recorded())
    assert caplog.records == []


def test_the_contract_asks_for_a_sink() -> None:
    with pytest.raises(NotImplementedError):
        RecordSinkContract().sink()


NESTED: dict[str, Any] = {"nights": 2, "Phone": CANARY, "guests": [{"name": "A", "phone": CANARY}], "at\r\n": "\u2028"}


@pytest.mark.parametrize(
    ("redact", "shown"),
    [
        (None, dict.fromkeys(NESTED, "[redacted]")),
        (["PHONE"], NESTED | {"Phone": "[redacted]", "guests": [{"name": "A", "phone": "[redacted]"}]}),
        ([], NESTED),
    ],
)
def test_parameters_at_debug(redact: list[str] | None, shown: Any, caplog: pytest.LogCaptureFixture) -> None:
    for level, expected in ((logging.DEBUG, [shown]), (logging.INFO, [])):
        caplog.clear()
        with caplog.at_level(level, "cxfulfill"), closing(Counted(records=LogRecords(redact))) as webhook:
            post(webhook, call(**NESTED))
        lines = [line.partition(" parameters=")[2] for line in caplog.messages if " parameters=" in line]
        assert [json.loads(line) for line in lines] == expected
        assert caplog.text.isascii()


def test_parameters_of_a_flexible_call_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "cxfulfill"), closing(Counted(records=LogRecords([]))) as webhook:

        @webhook.flexible("/orders/<uuid:id>", methods=["GET"])
        def order(ctx: FlexibleContext) -> None:
            """Nothing."""

        post(webhook, method="GET", path=f"/orders/{'0' * 8}-0000-4000-8000-{'0' * 12}", query="q=" + "x" * 10_000)
    [line] = [line for line in caplog.messages if " parameters=" in line]
    assert '{"id": "00000000-0000-4000-8000-000000000000", "q": "xxx' in line
    assert len(line) < 4_200


def test_a_name_alone_is_no_list_of_names() -> None:
    with pytest.raises(ConfigurationError, match=r'redact= takes names: \["phone"\]'):
        LogRecords("phone")


def test_events() -> None:
    assert [event_of(status) for status in (200, 400, 401, 403, 404, 405, 500, 503)] == [
        "", "webhook.error.bad-request", "webhook.error.rejected", "webhook.error.rejected",
        "webhook.error.not-found", "webhook.error", "webhook.error", "webhook.error.unavailable",
    ]  # fmt: skip


def test_body_of_is_counted() -> None:
    assert recorded(body=body_of()).bytes_in == len(body_of())


def test_parameters_that_cannot_be_written_harm_no_call(caplog: pytest.LogCaptureFixture) -> None:
    def spoils(ctx: Context) -> str:
        parameters: Any = ctx.parameters
        parameters[1] = parameters
        return "done"

    with caplog.at_level(logging.DEBUG, "cxfulfill"), closing(Counted(records=LogRecords(["phone"]))) as webhook:
        webhook.add_handler("spoils", spoils)
        body = {"fulfillmentInfo": {"tag": "spoils"}, "sessionInfo": {"parameters": {"a": 1}}}
        assert post(webhook, json.dumps(body).encode()).said == "done"
    assert "its record could not be written: RecursionError" in caplog.text


def test_the_name_of_an_exception_stays_on_its_line(caplog: pytest.LogCaptureFixture) -> None:
    odd = type("A\nstatus=200 é", (Exception,), {})
    with closing(Counted()) as webhook:
        webhook.add_handler("odd", raises(odd()))
        assert post(webhook, b'{"fulfillmentInfo": {"tag": "odd"}}').status == 500
    [line] = [message for message in caplog.messages if message.startswith("status=500")]
    assert "\n" not in line
    assert line.isascii()


class FailsToWrite(logging.Handler):
    """A handler whose collector is down."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(CANARY)


def test_a_log_that_fails_loses_no_answer() -> None:
    log, handler = logging.getLogger("cxfulfill"), FailsToWrite()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        with closing(Counted()) as webhook:
            webhook.add_handler("fails", raises(ValueError()))
            assert post(webhook, call()).status == 200
            assert post(webhook, call("fails")).status == 500
            assert webhook.runs == ["count"]
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@pytest.mark.wsgi_alone  # under ASGI a handler ends no worker
def test_a_call_whose_worker_is_ended_leaves_a_record() -> None:
    sink = Kept()
    with closing(Webhook(auth=Finds(MEMBER), records=sink)) as webhook:
        webhook.add_handler("own", raises(SystemExit()))
        with pytest.raises(SystemExit):
            post(webhook, call("own"))
    assert (sink.one.reason, sink.one.tag, sink.one.outcome) == ("aborted", "own", "failed")


def test_the_time_of_a_handler_that_was_cut_off_is_not_forgotten(gate: threading.Event) -> None:
    clock = Clock()
    stages = Stages(clock)
    stages.begin()
    clock.seconds += 3
    stages.begin()  # the error handler, beside the one that still runs
    clock.seconds += 1
    stages.end()
    stages.end()
    assert stages.handler(clock()) == 4.0


@pytest.mark.parametrize("name", ["Out status=200", 'A"b', "x=1", "line\nbreak", "é"])
def test_the_name_of_a_class_forges_no_part_of_a_line(name: str) -> None:
    error = type(name, (Exception,), {})()
    line = str(recorded(body=call("own"), handler=raises(error)))
    assert f" error={json.dumps(name)} at=" in line


@pytest.mark.parametrize("given", [{"detail": ValueError("x")}, {"note": 7}])
def test_an_error_that_is_made_wrongly_is_a_500_with_a_record(given: Any) -> None:
    def handler(ctx: Context) -> None:
        raise Unauthorized(**given)

    assert recorded(body=call("own"), handler=handler).error == "TypeError"
