"""The metrics of calls: what is counted, under which labels, and that no label comes from a request."""

import json
import os
import threading
from contextlib import closing
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

from cxfulfill import BadRequest, CallRecord, Context, FlexibleContext, HttpRequest, OpenTelemetry, Reply, Webhook
from cxfulfill.otel.measured import MAX_OUTCOMES, SUMS, Meters
from tests.clock import Clock
from tests.otel.support import PARENT, SESSION, TRACE, Sdk, body_of
from tests.otel.test_spans import BlockingStore
from tests.pipeline.support import CANARY, LIMIT, SOON, app_b, post, raises

HELLO = {"http.request.method": "POST", "http.route": "/webhook", "cxfulfill.tag": "hello"}
OK = {"cxfulfill.outcome": "ok", "cxfulfill.reason": "ok", "http.response.status_code": 200}


@pytest.fixture
def sdk() -> Sdk:
    return Sdk()


def outcomes(sdk: Sdk) -> dict[tuple[str, str, str], int]:
    """The numbers of calls by tag, outcome and reason."""
    return {
        (str(labels["cxfulfill.tag"]), str(labels["cxfulfill.outcome"]), str(labels["cxfulfill.reason"])): number
        for labels, number in sdk.points("cxfulfill.calls")
    }


def test_calls_are_counted_by_handler_and_outcome(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        for turn in ("t-1", "t-2", "t-2"):
            post(webhook, body_of("hello", turn))
    replayed = {"cxfulfill.outcome": "replayed", "cxfulfill.reason": "ok", "http.response.status_code": 200}
    assert sdk.points("cxfulfill.calls") == [(HELLO | OK, 2), (HELLO | replayed, 1)]


def test_every_way_that_a_call_can_go(sdk: Sdk, gate: threading.Event) -> None:
    def slow(ctx: Context) -> str:
        assert gate.wait(LIMIT)
        return "late"

    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("fails", raises(ValueError()))
        webhook.add_handler("refuses", raises(BadRequest(reason="no_room")))
        webhook.add_handler("slow", slow, timeout=SOON)
        webhook.add_handler("falls-back", slow, timeout=SOON, fallback="Later.")
        webhook.add_handler("deferred", slow, timeout=SOON, deferred=True, pending=Reply("One moment."))
        for tag in ("fails", "refuses", "slow", "slow", "falls-back", "deferred", "nobody"):
            post(webhook, body_of(tag))
        post(webhook, headers={"Authorization": None})
        gate.set()
    assert outcomes(sdk) == {
        ("fails", "failed", "internal"): 1,
        ("refuses", "refused", "no_room"): 1,
        ("slow", "failed", "deadline"): 1,
        ("slow", "failed", "in_progress"): 1,
        ("falls-back", "fallback", "deadline"): 1,
        ("deferred", "pending", "ok"): 1,
        ("", "refused", "unknown_tag"): 1,
        ("", "refused", "no_credentials"): 1,
    }


def test_a_pattern_is_one_label_whatever_tags_it_takes(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("room-*", lambda ctx: ctx.tag)
        webhook.fallback(lambda ctx: ctx.tag)
        for tag in ("room-1", "room-2", CANARY):
            post(webhook, body_of(tag))
    assert outcomes(sdk) == {("room-*", "ok", "ok"): 2, ("*", "ok", "ok"): 1}


def test_a_flexible_call_is_counted_by_method_and_pattern(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:

        @webhook.flexible("/orders/<order>", methods=["GET", "POST"])
        def order(call: FlexibleContext) -> dict[str, str]:
            return {}

        for method in ("GET", "POST"):
            post(webhook, b"", method=method, path=f"/orders/{CANARY}")
    labels = [labels for labels, _ in sdk.points("cxfulfill.calls")]
    assert [(each["http.request.method"], each["http.route"], each["cxfulfill.tag"]) for each in labels] == [
        ("GET", "/orders/<order>", ""),
        ("POST", "/orders/<order>", ""),
    ]


def test_times_and_sizes(sdk: Sdk) -> None:
    clock = Clock()

    def handler(ctx: Context) -> str:
        clock.seconds += 0.25
        return "x" * 60_000

    class Slow(BlockingStore):
        def acquire(self, *arguments: Any, **named: Any) -> Any:
            clock.seconds += 0.125
            return super().acquire(*arguments, **named)

    body = body_of("hello")
    with closing(sdk.webhook(clock=clock, idempotency=Slow())) as webhook:
        webhook.add_handler("hello", handler)
        answer = post(webhook, body)
    [(labels, duration)] = sdk.points("cxfulfill.call.duration")
    assert isinstance(duration, HistogramDataPoint)
    assert (labels, duration.count, duration.sum) == (HELLO | {"cxfulfill.outcome": "ok"}, 1, 0.375)
    [(labels, size)] = sdk.points("cxfulfill.response.size")
    assert isinstance(size, HistogramDataPoint)
    assert (labels, size.sum, size.explicit_bounds[-1]) == (HELLO, len(answer.body), 65_536)
    assert size.bucket_counts[-2] == 1, "beyond 56 KiB, and within the 64 KiB that CX takes"
    stages = {labels["cxfulfill.stage"]: value for labels, value in sdk.points("cxfulfill.stage.time")}
    assert stages == {"queue": 0, "auth": 0, "store": 0.125, "handler": 0.25}
    sizes = {labels["network.io.direction"]: value for labels, value in sdk.points("cxfulfill.io")}
    assert sizes == {"receive": len(body), "transmit": len(answer.body)}
    assert sdk.points("cxfulfill.store.errors") == [(HELLO, 0)]


def test_failed_round_trips_to_the_store_are_counted(sdk: Sdk) -> None:
    store = BlockingStore()
    store.fails = True
    with closing(sdk.webhook(idempotency=store)) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert post(webhook, body_of("hello")).status in (200, 503)
    assert sdk.points("cxfulfill.store.errors") == [(HELLO, 1)]


def test_a_measurement_points_to_its_trace(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"), headers={"Traceparent": PARENT})
    [(_, duration)] = sdk.points("cxfulfill.call.duration")
    assert [f"{exemplar.trace_id:032x}" for exemplar in duration.exemplars] == [TRACE]


def test_no_label_comes_from_a_request(sdk: Sdk) -> None:
    body = json.loads(body_of(CANARY, **{CANARY: CANARY}))
    body |= dict.fromkeys(("text", "transcript", "dtmfDigits", "languageCode"), CANARY)
    body["sessionInfo"]["session"] = f"{SESSION.rpartition('/')[0]}/{CANARY}"
    headers = {f"X-{CANARY}": CANARY, "User-Agent": CANARY, "Traceparent": CANARY, "Tracestate": f"{CANARY}=1"}
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("canary*", lambda ctx: CANARY)
        for path in ("/webhook", f"/{CANARY}"):
            for method in ("POST", "GET", f"BREW{CANARY}"):
                post(webhook, json.dumps(body).encode(), headers=headers, query=CANARY, path=path, method=method)
        post(webhook, json.dumps(body).encode(), headers={"Authorization": CANARY})
    told = [labels for name in NAMES for labels, _ in sdk.points(name)]
    assert len(told) > len(NAMES)
    assert CANARY not in json.dumps(told)


NAMES = ["cxfulfill.calls", "cxfulfill.call.duration", "cxfulfill.response.size", *{each.instrument for each in SUMS}]


def record_of(reason: str) -> CallRecord:
    return CallRecord("id", 20, 400, reason, "refused", method="POST", path="/webhook")


def test_reasons_without_end_are_one_label() -> None:
    reader = InMemoryMetricReader()
    meters = Meters(MeterProvider([reader], shutdown_on_exit=False).get_meter("own"))
    for number in range(MAX_OUTCOMES + 5):
        meters.count(record_of(f"r{number}"))
    sdk = Sdk()
    sdk.reader = reader
    told = {labels["cxfulfill.reason"]: number for labels, number in sdk.points("cxfulfill.calls")}
    assert (len(told), told["other"], told["r0"]) == (MAX_OUTCOMES + 1, 5, 1)


def test_several_webhooks_share_the_instruments(sdk: Sdk, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sdk.webhook(path="/one")) as one, closing(sdk.webhook(path="/two")) as two:
        for webhook, path in ((one, "/one"), (two, "/two")):
            webhook.add_handler("hello", lambda ctx: "Hello.")
            post(webhook, body_of("hello"), path=path)
        told = {str(labels["http.route"]): number for labels, number in sdk.points("cxfulfill.calls")}
    assert told == {"/one": 1, "/two": 1}
    assert caplog.records == []


def test_without_an_sdk_nothing_is_told_and_calls_are_answered() -> None:
    with closing(Webhook(auth=app_b(), telemetry=OpenTelemetry())) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert post(webhook, body_of("hello")).said == "Hello."


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # 3.12: of a fork beside threads
@pytest.mark.wsgi_alone
def test_a_forked_process_begins_at_nothing(sdk: Sdk) -> None:
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        post(webhook, body_of("hello"))
        child = os.fork()
        if child == 0:  # pragma: no cover - in the child process, which tells by its exit code
            post(webhook, body_of("hello", "t-2"))
            os._exit(outcomes(sdk)["hello", "ok", "ok"])
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1, "its own call, and not the parent's"


def test_a_broken_instrument_does_not_harm_the_call(sdk: Sdk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(Meters, "count", fails)
    with closing(sdk.webhook()) as webhook:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        request = HttpRequest.build("POST", "/webhook")
        assert webhook.handle(request).status == 401
        assert post(webhook, body_of("hello")).status == 200
