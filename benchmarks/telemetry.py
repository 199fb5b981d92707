"""What OpenTelemetry costs: new calls of a typed handler, without it and with a no-op exporter behind it.

The SDK's part of it is measured too: its two spans and two measurements a call, made with nothing around them.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from benchmarks import in_process, retries
from cxfulfill import CallRecord, HttpRequest, OpenTelemetry


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


def measure(rounds: int = 60, calls: int = 100) -> dict[str, list[float]]:
    """Time calls in turns, a call of its own each time.

    Returns:
        Microseconds a call by candidate.
    """
    candidates = {
        "without OpenTelemetry": in_process.typed().wsgi,
        "bare spans and measurements": in_process.typed(telemetry=bare()).wsgi,
        "all of OpenTelemetry": in_process.typed(telemetry=traced()).wsgi,
        "all of OpenTelemetry, in batches": in_process.typed(telemetry=traced(batched=True)).wsgi,
    }
    log = logging.getLogger("cxfulfill")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        return retries.in_turns(candidates, in_process.BODY, rounds, calls)
    finally:
        log.setLevel(before)
