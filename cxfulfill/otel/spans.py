"""The spans of a call: that of the server, and those of its stages."""

import logging
import time
from contextlib import suppress
from typing import Any, Final, Self

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from cxfulfill.auth.base import NeedsIO
from cxfulfill.errors import HttpError
from cxfulfill.http import HttpRequest
from cxfulfill.otel.measured import Meters
from cxfulfill.records import CallRecord
from cxfulfill.traces import Trace, read_trace

_log = logging.getLogger("cxfulfill")
_told: set[str] = set()
_NAME: Final = "HTTP"
"""A call's name until its path is known."""
_OTHER: Final = "_OTHER"
"""A method that is none of the known ones (semantic conventions of HTTP)."""
_PARTS: Final = tuple((f"cxfulfill.{name}", name) for name in (
    "request_id", "tag", "outcome", "event", "attempt", "principal", "agent", "environment", "session", "queue_ms",
    "auth_ms", "store_errors",
))  # fmt: skip
"""Parts of a record that a call's span holds where they are not empty."""


class TracedCall:
    """One call. Its block makes its span the current one.

    Args:
        tracer: Makes spans.
        meters: Counts the call when it is over.
        http: The request.
    """

    __slots__ = ("_http", "_is_own", "_meters", "_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, meters: Meters, http: HttpRequest) -> None:
        self._tracer = tracer
        self._meters = meters
        self._http = http
        self._span: Span | None = None
        self._is_own = False
        self._token: Any = None

    def __enter__(self) -> Self:
        try:
            current = get_current_span()
            if current.is_recording() and getattr(current, "kind", None) is SpanKind.SERVER:
                self._span = current  # an instrumentation of Flask or WSGI has begun it for this very request
            else:
                self._span = self._start(current)
        except Exception as error:
            _note(error)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._token is not None:
                contexts.detach(self._token)
            if self._is_own and self._span is not None:
                self._span.end()
        except Exception as error:
            _note(error)

    @property
    def trace(self) -> Trace | None:
        """See `cxfulfill.telemetry.CallSpan`."""
        found = None if self._span is None else self._span.get_span_context()
        if found is None or not found.is_valid:
            return None
        return Trace(f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled)

    def stage(self, name: str) -> "Stage":
        """Make the span of a stage; see `cxfulfill.stages.Spans`."""
        return Stage(self._tracer, f"cxfulfill.{name}")

    def end(self, record: CallRecord) -> None:
        """Tell what became of the call; see `cxfulfill.telemetry.CallSpan`."""
        try:
            self._meters.count(record)
        except Exception as error:
            _note(error)
        try:
            if self._span is not None and self._span.is_recording():
                self._describe(self._span, record)
        except Exception as error:
            _note(error)

    def _start(self, current: Span) -> Span:
        http = self._http
        context, kind = _parent(http, current)
        started = time.time_ns() - int(http.queued * 1e9) if http.queued else None
        span = self._tracer.start_span(_NAME, context, kind, start_time=started)
        self._is_own = True
        self._token = contexts.attach(set_span_in_context(span, context))
        return span

    def _describe(self, span: Span, record: CallRecord) -> None:
        attributes: dict[str, Any] = {}
        for attribute, part in _PARTS:
            if value := getattr(record, part):
                attributes[attribute] = value
        if record.reason != "ok":
            attributes["cxfulfill.reason"] = record.reason
        if self._is_own:
            attributes["http.request.method"] = record.method or _OTHER
            attributes["http.response.status_code"] = record.status
            if record.path:
                attributes["http.route"] = record.path
                span.update_name(f"{record.method or _NAME} {record.path}")
            if record.status >= 500:
                attributes["error.type"] = record.error or record.reason
                span.set_status(StatusCode.ERROR)
        span.set_attributes(attributes)


class Stage:
    """The span of one stage; its block makes it the current one.

    Args:
        tracer: Makes spans.
        name: The span's name.
    """

    __slots__ = ("_name", "_span", "_token", "_tracer")

    def __init__(self, tracer: Tracer, name: str) -> None:
        self._tracer = tracer
        self._name = name
        self._span: Span | None = None
        self._token: Any = None

    def __enter__(self) -> None:
        try:
            self._span = self._tracer.start_span(self._name)
            self._token = contexts.attach(set_span_in_context(self._span))
        except Exception as error:
            _note(error)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            if self._token is not None:
                contexts.detach(self._token)
            if self._span is not None:
                if error is not None and not isinstance(error, NeedsIO):  # which is how an authenticator asks
                    _describe_error(self._span, error)
                self._span.end()
        except Exception as failure:
            _note(failure)


def _describe_error(span: Span, error: BaseException) -> None:
    known = error if isinstance(error, HttpError) else None
    span.set_attribute("error.type", known.reason if known else type(error).__qualname__)
    if known is None or known.status >= 500:
        span.set_status(StatusCode.ERROR)  # without a text: it could be that of somebody's exception


def _parent(http: HttpRequest, current: Span) -> tuple[Context | None, SpanKind]:
    """Find what a call's span stands below, and what it is to it."""
    if current.get_span_context().is_valid:
        return None, SpanKind.INTERNAL
    found = read_trace(http.headers)
    if found is None or not found.span_id:
        return None, SpanKind.SERVER
    flags = TraceFlags(TraceFlags.SAMPLED if found.is_sampled else TraceFlags.DEFAULT)
    parent = SpanContext(int(found.trace_id, 16), int(found.span_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(parent)), SpanKind.SERVER


def _note(error: Exception) -> None:
    """Note what the application's OpenTelemetry SDK raised: it must not harm a call."""
    name = type(error).__name__
    if name not in _told:  # once: a broken exporter would fill the log
        _told.add(name)
        with suppress(Exception):
            _log.error("OpenTelemetry failed with %s; calls go on without", name)
            _log.debug("traceback of OpenTelemetry", exc_info=True)
