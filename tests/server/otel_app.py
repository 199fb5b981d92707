"""The application of the tests of OpenTelemetry on a real server: spans to a file, metrics to be scraped."""

import os
import time

import flask
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from prometheus_client import generate_latest

from cxfulfill import BasicAuth, Context, Webhook
from cxfulfill.server.flask import create_app
from tests.server.app import PASSWORD, USERNAME

spans = TracerProvider(resource=Resource.create({"service.name": "hotel"}))
out = open(f"{os.environ['SERVER_TESTS_RUNS']}.spans", "a", encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
spans.add_span_processor(
    BatchSpanProcessor(ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(None) + "\n"))
)
trace.set_tracer_provider(spans)
metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
FlaskInstrumentor().instrument()

webhook = Webhook.from_env(auth=BasicAuth(USERNAME, PASSWORD))


@webhook.handler("plain")
def plain(ctx: Context) -> str:
    return "Hello."


@webhook.handler("slow", timeout=0.1)
def slow(ctx: Context) -> str:
    time.sleep(0.3)
    return "Late."


app = create_app(webhook)


@app.get("/metrics")
def scraped() -> flask.Response:
    return flask.Response(generate_latest(), mimetype="text/plain")
