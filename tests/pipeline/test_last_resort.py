"""The short way of a record to the shipped handler of last resort: its lines, and that any configuration ends it."""

import functools
import importlib.util
import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import CallRecord, CloudLoggingFormatter, LogRecords, Trace
from cxfulfill import last_resort as module
from cxfulfill.last_resort import LastResort, TextFormatter, line_of, unobserved

LOG = logging.getLogger("cxfulfill")
NOW = 1_772_360_130.25
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WELL = CallRecord(
    "6f1c", logging.INFO, 200, "ok", "ok", method="POST", path="/webhook", tag="book-room", principal="cx-agent",
    agent="hotel-1/europe-west1/0c5a", session="1905ed142a8b", ms=15.0, auth_ms=0.5, store_ms=2.0, handler_ms=12.5,
    bytes_in=291, bytes_out=76, pattern="book-*",
)  # fmt: skip
RECORDS = [
    WELL,
    WELL._replace(outcome="replayed", attempt=2, environment="e-1", queue_ms=0.25, store_errors=1),
    WELL._replace(trace=Trace(TRACE, "00f067aa0ba902b7", is_sampled=True)),
    WELL._replace(trace=Trace(TRACE), tag='é\r\n" \x00\u2028\ud800', route="GET /orders/<int:id>"),
    CallRecord("a", logging.WARNING, 401, "bad_credentials", "refused", "webhook.error.rejected", note="é", detail="d"),
    CallRecord("a", logging.ERROR, 500, "internal", "failed", "webhook.error", error="Odd\n", at="main.py:1 book"),
    CallRecord("a", 25, 200, "ok", "ok"),
]
FORMS: dict[str, Callable[[], Any]] = {
    "text": TextFormatter,
    "JSON": lambda: CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "hotel-1"}),
}


def made(form: str = "JSON", stream: Any = None) -> LastResort:
    formatter = FORMS[form]()
    handler = LastResort(formatter, formatter.format_call)
    handler.setStream(io.StringIO() if stream is None else stream)
    return handler


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[LastResort]:
    """The handler of an application that configures nothing."""
    handler = made()
    monkeypatch.setattr(LOG, "parent", None)  # pytest has handlers of its own above, wherever a logger propagates to
    monkeypatch.setattr(logging, "lastResort", handler)
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setattr(time, "time_ns", lambda: int(NOW * 1_000_000_000))
    before = LOG.level
    LOG.setLevel(logging.INFO)
    yield handler
    LOG.setLevel(before)


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("form", FORMS)
def test_the_line_is_that_of_logging(
    form: str, record: CallRecord, handler: LastResort, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for is_short in (True, False):
        if not is_short:
            monkeypatch.setattr(logging, "getLogRecordFactory", lambda: None)  # asked by the short way alone
        monkeypatch.setattr(logging, "lastResort", own := made(form))
        assert (unobserved(record.level) is own) is is_short
        LogRecords().write(record)
        lines.append(own.stream.getvalue())  # type: ignore[attr-defined]
    assert lines[0] == lines[1]
    assert lines[0].endswith("\n")
    assert lines[0].count("\n") == 1


class Refuses(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False


def patched(self: logging.Logger, record: logging.LogRecord) -> None:
    """What tools that watch an application put in the place of `Logger.callHandlers`."""


CONFIGURED: dict[str, Callable[[pytest.MonkeyPatch, LastResort], object]] = {
    "handler": lambda patch, _: patch.setattr(LOG, "handlers", [logging.NullHandler()]),
    "root": lambda patch, _: patch.setattr(LOG, "parent", logging.root),
    "filter": lambda patch, _: patch.setattr(LOG, "filters", [Refuses()]),
    "factory": lambda patch, _: patch.setattr(logging, "_logRecordFactory", type("Own", (logging.LogRecord,), {})),
    "patched": lambda patch, _: patch.setattr(logging.Logger, "callHandlers", patched),
    "patched format": lambda patch, _: patch.setattr(logging.Formatter, "format", patched),
    "patched filter": lambda patch, _: patch.setattr(logging.Filterer, "filter", patched),
    "patched logger": lambda patch, _: patch.setitem(vars(LOG), "handle", patched),
    "patched handler": lambda patch, handler: patch.setitem(vars(handler), "emit", patched),
    "processes": lambda patch, _: patch.setattr(logging, "logProcesses", False),
    "no last resort": lambda patch, _: patch.setattr(logging, "lastResort", None),
    "another": lambda patch, _: patch.setattr(logging, "lastResort", logging.StreamHandler()),
    "its filter": lambda _, handler: handler.addFilter(Refuses()),
    "its level": lambda _, handler: handler.setLevel(logging.WARNING),
    "its formatter": lambda _, handler: handler.setFormatter(logging.Formatter("own %(message)s")),
}


@pytest.mark.parametrize("how", CONFIGURED)
def test_whoever_configures_logging_ends_the_short_way(
    how: str, handler: LastResort, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unobserved(logging.INFO) is handler
    with monkeypatch.context() as patch:
        CONFIGURED[how](patch, handler)
        assert unobserved(logging.INFO) is None


def test_a_filter_and_a_formatter_of_the_handler_are_asked(handler: LastResort) -> None:
    handler.setFormatter(logging.Formatter("own %(levelname)s"))
    LogRecords().write(WELL)
    handler.addFilter(Refuses())
    LogRecords().write(WELL)
    assert handler.stream.getvalue() == "own INFO\n"  # type: ignore[attr-defined]


def test_a_tool_that_patches_logging_sees_the_line(handler: LastResort, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(logging.Logger, "callHandlers", lambda _, line: seen.append(line))
    LogRecords().write(WELL)
    assert [line.call for line in seen] == [WELL]
    assert handler.stream.getvalue() == ""  # type: ignore[attr-defined]


def test_a_tool_that_came_first_and_names_its_wrapper_as_python_s(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped = functools.wraps(logging.Logger.callHandlers)(lambda *_: None)
    monkeypatch.setattr(logging.Logger, "callHandlers", wrapped)
    spec = importlib.util.spec_from_file_location("imported_later", module.__file__)
    assert spec is not None
    assert spec.loader is not None
    later = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(later)
    formatter = TextFormatter()
    monkeypatch.setattr(logging, "lastResort", later.LastResort(formatter, formatter.format_call))
    monkeypatch.setattr(LOG, "parent", None)
    assert later.unobserved(logging.INFO) is None


@pytest.mark.parametrize("is_told", [True, False])
def test_an_error_of_writing_is_told_as_logging_tells_it(
    is_told: bool, handler: LastResort, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", is_told)
    handler.stream.close()
    LogRecords().write(WELL)
    assert ("--- Logging error ---" in capsys.readouterr().err) is is_told
    assert handler.lock is not None
    assert handler.lock.acquire(blocking=False)
    handler.lock.release()


def test_an_endless_recursion_is_not_told_but_raised(handler: LastResort, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(text: str) -> None:
        raise RecursionError

    monkeypatch.setattr(handler.stream, "write", endless)
    with pytest.raises(RecursionError):
        LogRecords().write(WELL)


def test_what_is_switched_off_is_not_written(handler: LastResort, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LOG, "disabled", True)
        LogRecords().write(WELL)
    logging.disable(logging.INFO)
    try:
        LogRecords().write(WELL)
    finally:
        logging.disable(logging.NOTSET)
    assert handler.stream.getvalue() == ""  # type: ignore[attr-defined]


def test_a_second_is_told_anew_when_it_is_over() -> None:
    formatter = CloudLoggingFormatter({})
    lines = [formatter.format_call(WELL, NOW + after) for after in (0, 0.5, 0.75 - 1e-7, 1, 0)]
    assert [json.loads(line)["time"] for line in lines] == [
        "2026-03-01T10:15:30.250000+00:00",
        "2026-03-01T10:15:30.750000+00:00",
        "2026-03-01T10:15:31.000000+00:00",
        "2026-03-01T10:15:31.250000+00:00",
        "2026-03-01T10:15:30.250000+00:00",
    ]


@given(st.lists(st.text(st.characters()), min_size=9, max_size=9))
def test_any_text_is_one_line_of_json(texts: list[str]) -> None:
    names = ("request_id", "reason", "tag", "principal", "agent", "environment", "session", "note", "route")
    told = dict(zip(names, texts, strict=True))
    record = WELL._replace(**told)  # type: ignore[arg-type]
    line = CloudLoggingFormatter({}).format(line_of(record))
    entry = json.loads(line)
    kept = {name: text for name, text in told.items() if text or name in ("request_id", "reason")}
    if record.reason == "ok":
        kept.pop("note", None)
    assert kept.items() <= entry.items()
    assert entry["message"] == record.summary
    assert line.isascii()
    assert "\n" not in line


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_shipped_settings_take_the_short_way(form: str) -> None:
    program = "import cxfulfill.server.gunicorn; from cxfulfill.last_resort import unobserved; print(unobserved(20))"
    environ = {**os.environ, "CXFULFILL_LOG_FORMAT": form}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout == "<LastResort <stderr> (NOTSET)>\n"
