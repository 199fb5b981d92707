"""Lines for Google Cloud Logging: JSON with severity, trace and the parts of a call's record."""

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from cxfulfill.records import CallRecord
from cxfulfill.traces import Trace

_PROJECTS: Final = ("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT", "GCLOUD_PROJECT")
"""Variables that name the project, first one first; no server is asked."""
_SEVERITIES: Final = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
_OF_CALLS: Final = ("request_id", "tag", "route")
"""What the lines of ``ctx.log`` carry."""
_KNOWN: Final = ("attempt", "route", "tag", "principal", "agent", "environment", "session", "store_errors")
_FAILED: Final = ("event", "detail", "handler", "note", "error", "at")
"""Parts of a record that are left out where they are empty; the latter are so wherever all is well."""
_PREFIX: Final = "logging.googleapis.com/"


def _encode(entry: dict[str, Any]) -> str:
    try:
        return to_json(entry, ensure_ascii=True).decode()
    except PydanticSerializationError:  # half a character, in somebody's message
        return json.dumps(entry)


class CloudLoggingFormatter(logging.Formatter):
    """Formats lines of any logger as JSON that Cloud Logging reads, one object a line.

    The record of a call comes with its parts as fields, with ``httpRequest``, and with the trace that it belongs to
    where the environment names the project (``GOOGLE_CLOUD_PROJECT``).

    Args:
        environ: The environment.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self._project = next((environ[name] for name in _PROJECTS if environ.get(name)), "")

    def format(self, record: logging.LogRecord) -> str:
        """Format a line.

        Args:
            record: What is logged.

        Returns:
            JSON, in ASCII and without a line end.
        """
        call = getattr(record, "call", None)
        entry: dict[str, Any] = {
            "severity": record.levelname if record.levelname in _SEVERITIES else "DEFAULT",
            "message": call.summary if isinstance(call, CallRecord) else super().format(record),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        if isinstance(call, CallRecord):
            entry |= self._call(call)
        else:
            entry |= {name: str(vars(record)[name]) for name in _OF_CALLS if name in vars(record)}
        return _encode(entry)

    def _call(self, call: CallRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "httpRequest": _http_request(call),
            "request_id": call.request_id,
            "status": call.status,
            "reason": call.reason,
            "outcome": call.outcome,
            "replayed": call.is_replayed,
            "ms": round(call.ms, 3),
            "auth_ms": round(call.auth_ms, 3),
            "store_ms": round(call.store_ms, 3),
            "handler_ms": round(call.handler_ms, 3),
            "bytes_in": call.bytes_in,
            "bytes_out": call.bytes_out,
        }
        for name in _KNOWN if call.reason == "ok" else _KNOWN + _FAILED:
            if value := getattr(call, name):
                fields[name] = value
        if call.queue_ms:
            fields["queue_ms"] = round(call.queue_ms, 3)
        return fields if call.trace is None else fields | self._traced(call.trace)

    def _traced(self, trace: Trace) -> dict[str, Any]:
        fields: dict[str, Any] = {"trace": trace.trace_id}
        if self._project:
            fields[f"{_PREFIX}trace"] = f"projects/{self._project}/traces/{trace.trace_id}"
            if trace.span_id:
                fields[f"{_PREFIX}spanId"] = trace.span_id
            if trace.is_sampled is not None:
                fields[f"{_PREFIX}trace_sampled"] = trace.is_sampled
        return fields


def _http_request(call: CallRecord) -> dict[str, Any]:
    """Make the HttpRequest of Cloud Logging; its URL is the path's pattern, and its sizes are text as int64 is."""
    told = {"requestMethod": call.method, "requestUrl": call.path}
    return {name: value for name, value in told.items() if value} | {
        "status": call.status,
        "latency": f"{call.ms / 1e3:.6f}s",
        "requestSize": str(call.bytes_in),
        "responseSize": str(call.bytes_out),
    }
