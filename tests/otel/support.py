"""A real SDK that keeps in memory what it is given, and webhooks over it."""

import json
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Sampler

from cxfulfill import OpenTelemetry, Webhook
from tests.pipeline.support import app_b

SESSION = "projects/hotel-1/locations/europe-west1/agents/0c5a2b1e/environments/e-1/sessions/s"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def body_of(tag: str, turn: str = "t", **parameters: Any) -> bytes:
    return json.dumps({
        "detectIntentResponseId": turn, "fulfillmentInfo": {"tag": tag},
        "sessionInfo": {"session": SESSION, "parameters": parameters},
    }).encode()  # fmt: skip


class Sdk:
    """Providers of one test's own."""

    def __init__(self, sampler: Sampler | None = None, processor: SpanProcessor | None = None) -> None:
        self.kept = InMemorySpanExporter()
        self.spans = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.spans.add_span_processor(processor or SimpleSpanProcessor(self.kept))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)

    def telemetry(self) -> OpenTelemetry:
        return OpenTelemetry(tracer_provider=self.spans, meter_provider=self.meters)

    def webhook(self, **options: Any) -> Webhook:
        return Webhook(**{"auth": app_b(), "telemetry": self.telemetry(), **options})

    def finished(self) -> dict[str, ReadableSpan]:
        """The spans that have ended, by name; each once."""
        found = self.kept.get_finished_spans()
        named = {span.name: span for span in found}
        assert len(named) == len(found), [span.name for span in found]
        return named

    def points(self, instrument: str) -> list[tuple[dict[str, Any], Any]]:
        """The labels and values of an instrument; of a distribution its points."""
        data = self.reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == instrument
        ]
        points = [point for metric in metrics for point in metric.data.data_points]
        return [(dict(point.attributes or {}), getattr(point, "value", point)) for point in points]

    def shown(self) -> str:
        """All that the SDK was given, as text."""
        data = self.reader.get_metrics_data()
        return "".join(span.to_json() for span in self.kept.get_finished_spans()) + (data.to_json() if data else "")


def parent_of(span: ReadableSpan) -> str:
    """The id of the span above; empty for none."""
    return f"{span.parent.span_id:016x}" if span.parent else ""


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"
