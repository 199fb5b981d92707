"""Lines for Google Cloud Logging: JSON with severity, trace and the parts of a call's record."""

import json
import logging
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from cxfulfill.last_resort import NAME, Seconds
from cxfulfill.records import CallRecord
from cxfulfill.traces import Trace

_PROJECTS: Final = ("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT", "GCLOUD_PROJECT")
"""Variables that name the project, first one first; no server is asked."""
_SEVERITIES: Final = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
_OF_CALLS: Final = ("request_id", "tag", "route")
"""What the lines of ``ctx.log`` carry."""
_FAILED: Final = ("event", "detail", "handler", "note", "error", "at")
"""Parts of a record that are empty wherever all is well."""
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
        self._seconds = Seconds(lambda second: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))

    def format(self, record: logging.LogRecord) -> str:
        """Format a line.

        Args:
            record: What is logged.

        Returns:
            JSON, in ASCII and without a line end.
        """
        call = getattr(record, "call", None)
        if isinstance(call, CallRecord):
            return self._line(call, record.created, record.levelname, record.name)
        entry = {
            "severity": _severity(record.levelname),
            "message": super().format(record),
            "time": self._time(record.created),
            "logger": record.name,
        }
        line = _encode(entry | {name: str(vars(record)[name]) for name in _OF_CALLS if name in vars(record)})
        trace = getattr(record, "trace", None)
        return f"{line[:-1]}{self._traced(trace)}}}" if isinstance(trace, Trace) else line

    def format_call(self, call: CallRecord, created: float) -> str:
        """Format the record of a call as `format` does a line of the framework's logger with it.

        Args:
            call: The record.
            created: When it was written: seconds since the epoch.

        Returns:
            JSON, in ASCII and without a line end.
        """
        return self._line(call, created, logging.getLevelName(call.level), NAME)

    def _line(self, call: CallRecord, created: float, level: str, logger: str) -> str:
        # Each call has such a line. Written by hand it takes half as long as an encoder does, which wants a dict first;
        # all that is not a number goes through the encoder of `json`, or is one of this package's own words.
        status, ms, bytes_in, bytes_out = call.status, call.ms, call.bytes_in, call.bytes_out
        line = (
            f'{{"severity":"{_severity(level)}","message":{quoted(call.summary)},"time":"{self._time(created)}"'
            f',"logger":{quoted(logger)},"httpRequest":{{{_asked(call.method, call.path)}"status":{status}'
            f',"latency":"{ms / 1e3:.6f}s","requestSize":"{bytes_in}","responseSize":"{bytes_out}"}}'
            f',"request_id":{quoted(call.request_id)},"status":{status},"reason":{quoted(call.reason)},"outcome":{quoted(call.outcome)}'
            f',"replayed":{"true" if call.is_replayed else "false"},"ms":{ms:.3f},"auth_ms":{call.auth_ms:.3f}'
            f',"store_ms":{call.store_ms:.3f},"handler_ms":{call.handler_ms:.3f}'
            f',"bytes_in":{bytes_in},"bytes_out":{bytes_out}'
        )
        if call.attempt:
            line += f',"attempt":{call.attempt}'
        line += _whose(call.route, call.tag, call.principal, call.agent, call.environment)
        if call.session:
            line += f',"session":{quoted(call.session)}'
        return line + self._rare(call) + "}"

    def _rare(self, call: CallRecord) -> str:
        """Write what most records don't have."""
        line = f',"store_errors":{call.store_errors}' if call.store_errors else ""
        if call.reason != "ok":
            line += "".join(f',"{name}":{quoted(value)}' for name in _FAILED if (value := getattr(call, name)))
        if call.queue_ms:
            line += f',"queue_ms":{call.queue_ms:.3f}'
        return line if call.trace is None else line + self._traced(call.trace)

    def _traced(self, trace: Trace) -> str:
        line = f',"trace":{quoted(trace.trace_id)}'
        if self._project:
            line += f',"{_PREFIX}trace":{quoted(f"projects/{self._project}/traces/{trace.trace_id}")}'
            if trace.span_id:
                line += f',"{_PREFIX}spanId":{quoted(trace.span_id)}'
            if trace.is_sampled is not None:
                line += f',"{_PREFIX}trace_sampled":{"true" if trace.is_sampled else "false"}'
        return line

    def _time(self, created: float) -> str:
        second, rest = divmod(round(created * 1e6), 1_000_000)
        return f"{self._seconds.of(second)}.{rest:06d}+00:00"


def _severity(level: str) -> str:
    return level if level in _SEVERITIES else "DEFAULT"


@lru_cache(64)
def _asked(method: str, path: str) -> str:
    """Write the first members of Cloud Logging's HttpRequest; its URL is the path's pattern."""
    told = (("requestMethod", method), ("requestUrl", path))
    return "".join(f'"{name}":{quoted(value)},' for name, value in told if value)


@lru_cache(64)
def _whose(route: str, tag: str, principal: str, agent: str, environment: str) -> str:
    """Write what hardly changes from call to call; from memory, since each line says it."""
    told = (
        ("route", route), ("tag", tag), ("principal", principal), ("agent", agent), ("environment", environment),
    )  # fmt: skip
    return "".join(f',"{name}":{quoted(value)}' for name, value in told if value)
