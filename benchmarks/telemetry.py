"""What OpenTelemetry costs: new calls of a typed handler, without it and with a no-op exporter behind it.

The SDK's part of it is measured too: its two spans and two measurements a call, made with nothing around them.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from statistics import median
from typing import Any, Self

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from benchmarks import in_process, retries
from cxfulfill import BasicAuth, CallRecord, Context, HttpRequest, OpenTelemetry, Reply, Webhook
from cxfulfill.telemetry import Telemetry


class NoOp(SpanExporter):
    """Exports nothing."""

    def export(self, spans: Any) -> SpanExportResult:
        """Do nothing."""
        del spans
        return SpanExportResult.SUCCESS


class Bare:
    """What any instrumentation makes of a call: a span, one below it, and two measurements, all without attributes."""

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self.tracer = tracer
        self.one = meter.create_histogram("one")
        self.other = meter.create_histogram("other")
        self.trace = None

    @contextmanager
    def call(self, http: HttpRequest) -> Iterator[Self]:
        """Make the outer span."""
        with self.tracer.start_as_current_span(http.method):
            yield self

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Make the inner span."""
        return self.tracer.start_as_current_span(name)

    def end(self, record: CallRecord) -> None:
        """Measure."""
        self.one.record(record.ms)
        self.other.record(record.bytes_out)


def application(telemetry: Telemetry | None = None) -> Webhook:
    webhook = Webhook(auth=BasicAuth("cx", in_process.PASSWORD), telemetry=telemetry)

    @webhook.handler("book-room")
    def book_room(ctx: Context, stay: in_process.Stay) -> Reply:
        return Reply(in_process.TEXT, parameters=in_process.CHANGES)

    return webhook


def providers(*, batched: bool = False) -> tuple[TracerProvider, MeterProvider]:
    """Make an SDK that records every call and exports to nowhere: at once, or in batches as in production."""
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(NoOp()) if batched else SimpleSpanProcessor(NoOp()))
    return spans, MeterProvider([InMemoryMetricReader()])


def traced(*, batched: bool = False) -> OpenTelemetry:
    spans, meters = providers(batched=batched)
    return OpenTelemetry(tracer_provider=spans, meter_provider=meters)


def bare() -> Bare:
    spans, meters = providers()
    return Bare(spans.get_tracer("bare"), meters.get_meter("bare"))


def measure(rounds: int = 60, calls: int = 100) -> dict[str, float]:
    """Time calls in turns, a call of its own each time.

    Returns:
        Median microseconds a call by candidate.
    """
    candidates = {
        "without OpenTelemetry": application().wsgi,
        "bare spans and measurements": application(bare()).wsgi,
        "all of OpenTelemetry": application(traced()).wsgi,
        "all of OpenTelemetry, in batches": application(traced(batched=True)).wsgi,
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    fresh = retries.new_calls(in_process.BODY)
    logging.getLogger("cxfulfill").setLevel(logging.CRITICAL)
    for _ in range(rounds):
        bodies = list(islice(fresh, calls))
        for name, app in candidates.items():
            started = time.perf_counter()
            for body in bodies:
                in_process.call(app, body=body)
            times[name].append((time.perf_counter() - started) / calls * 1e6)
    return {name: median(values) for name, values in times.items()}
