"""Beside the instrumentations of Flask and WSGI that OpenTelemetry has: one server span a call, whoever makes it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import flask
import pytest
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from werkzeug.test import Client

from cxfulfill import Webhook
from cxfulfill.server.flask import blueprint, create_app
from tests.otel.support import PARENT, SPAN, Sdk, body_of, id_of, parent_of
from tests.pipeline.support import GOOD

instrument_app: Any = FlaskInstrumentor().instrument_app
WAYS = ["create_app, all of Flask", "create_app, this app", "blueprint", "WSGI middleware", "none"]


@contextmanager
def served(way: str, webhook: Webhook, sdk: Sdk) -> Iterator[Any]:
    """Serve a webhook behind an instrumentation."""
    options: dict[str, Any] = {"tracer_provider": sdk.spans, "meter_provider": sdk.meters}
    if way == "WSGI middleware":
        yield OpenTelemetryMiddleware(webhook.wsgi, **options)
    elif way == "none":
        yield webhook.wsgi
    elif way == "create_app, all of Flask":
        FlaskInstrumentor().instrument(**options)
        try:
            yield create_app(webhook)
        finally:
            FlaskInstrumentor().uninstrument()
    elif way == "create_app, this app":
        app = create_app(webhook)
        instrument_app(app, **options)
        yield app
    else:
        app = flask.Flask("own")
        instrument_app(app, **options)
        app.register_blueprint(blueprint(webhook))
        yield app


def call(app: Any, path: str = "/webhook") -> int:
    headers = {"Authorization": GOOD, "Content-Type": "application/json", "Traceparent": PARENT}
    with Client(app).post(path, data=body_of("hello"), headers=headers) as answer:  # its end is that of a span
        return answer.status_code


def server_spans(sdk: Sdk) -> list[ReadableSpan]:
    return [span for span in sdk.kept.get_finished_spans() if span.kind is SpanKind.SERVER]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_has_one_server_span(way: str) -> None:
    sdk = Sdk()
    with closing(sdk.webhook()) as webhook, served(way, webhook, sdk) as app:
        webhook.add_handler("hello", lambda ctx: "Hello.")
        assert call(app) == 200
    [server] = server_spans(sdk)
    assert parent_of(server) == SPAN
    assert (server.attributes or {})["cxfulfill.tag"] == "hello"
    handler = sdk.finished()["cxfulfill.handler"]
    assert parent_of(handler) == id_of(server)
    assert len(sdk.finished()) == 2
    assert [number for _, number in sdk.points("cxfulfill.calls")] == [1]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_nothing_takes_has_one_too(way: str) -> None:
    sdk = Sdk()
    with closing(sdk.webhook()) as webhook, served(way, webhook, sdk) as app:
        assert call(app, "/nothing") == 404
    assert len(server_spans(sdk)) == 1
