"""OpenTelemetry on a real gunicorn: spans that a real SDK exports, metrics that a scraper reads."""

import json
from pathlib import Path
from typing import Any

from tests.server.conftest import Serve
from tests.server.wire import CANARY, call, gunicorn, head

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_spans_are_exported_and_metrics_scraped(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.otel_app:app"), CXFULFILL_TELEMETRY="opentelemetry")
    with server.connect() as wire:
        assert wire.ask(call("plain", f"Traceparent: {PARENT}")).status == 200
        assert wire.ask(call("slow", f"Traceparent: {PARENT}")).json()["reason"] == "deadline"
        assert wire.ask(call("plain", f"Traceparent: {CANARY}", credential="Authorization: x")).status == 401
        scraped = wire.ask(head("GET", "/metrics") + b"").body.decode()
    assert server.stop() == 0
    lines = Path(f"{server.runs}.spans").read_text().splitlines()
    spans: list[dict[str, Any]] = [json.loads(line) for line in lines]
    own = [span for span in spans if span["attributes"].get("cxfulfill.outcome")]
    assert [(span["name"], span["kind"], span["attributes"]["cxfulfill.outcome"]) for span in own] == [
        ("POST /webhook", "SpanKind.SERVER", "ok"),
        ("POST /webhook", "SpanKind.SERVER", "failed"),
        ("POST /webhook", "SpanKind.SERVER", "refused"),
    ]
    assert [span["parent_id"] for span in own[:2]] == ["0x00f067aa0ba902b7"] * 2
    handlers = [span for span in spans if span["name"] == "cxfulfill.handler"]
    assert [span["parent_id"] for span in handlers] == [span["context"]["span_id"] for span in own[:2]]
    assert {span["context"]["trace_id"] for span in handlers} == {f"0x{TRACE}"}
    assert handlers[1]["end_time"] > own[1]["end_time"], "the handler went on after its deadline"
    assert 'cxfulfill_calls_total{cxfulfill_outcome="ok",cxfulfill_reason="ok",cxfulfill_tag="plain"' in scraped
    assert 'cxfulfill_reason="deadline"' in scraped
    assert "cxfulfill_call_duration_seconds_bucket{" in scraped
    assert CANARY not in scraped + "".join(lines)
    assert not [line for line in server.lines() if "Traceback" in line or "OpenTelemetry" in line]
