"""The catalogue of errors and events is that of the code; CXFULFILL_UPDATE_DOCS=1 writes its tables anew."""

import ast
import importlib
import json
import logging
import os
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

import pytest

import cxfulfill
from cxfulfill import BasicAuth, Idempotency, Webhook, errors
from cxfulfill.cli.cx_entries import EVENTS
from cxfulfill.cli.runbook import RUNBOOK
from cxfulfill.errors import HttpError, ParameterError, Unauthorized
from cxfulfill.http import HttpRequest, HttpResponse
from cxfulfill.records import CallRecord, Outcome
from cxfulfill.stages import Stages
from cxfulfill.telemetry import Record
from cxfulfill.work import DeadlineExceeded
from tests.clock import Clock
from tests.docs.pages import ROOT, dead_links, snippets
from tests.docs.test_runbook import MODULES, Module, table
from tests.pipeline.support import basic, body_of, post

PAGE = ROOT / "docs/reference/catalogue.md"
TEXT = PAGE.read_text(encoding="utf-8")
CREDENTIAL = {"Authorization": basic("cx-agent:a-long-random-password")}
PARTS = {
    "auth": "who may call", "gate.py": "who may call",
    "calls.py": "reading a call", "collecting.py": "reading a call", "http.py": "reading a call",
    "parameters": "reading a call", "paths.py": "reading a call", "pipeline.py": "the pipeline",
    "errors.py": "the pipeline",
    "protocol": "reading a call", "readiness.py": "reading a call", "server": "reading a call",
    "deduplication.py": "retries", "flights.py": "retries", "idempotency": "retries", "keying.py": "retries",
    "leases.py": "retries",
    "deferred.py": "long work", "work.py": "deadlines", "runtime.py": "deadlines", "event_loop.py": "deadlines",
    "carriers.py": "deadlines",
    "telemetry.py": "what ends a worker", "loops.py": "overload", "pool.py": "overload",
    "lifecycle.py": "start-up", "load.py": "overload", "webhook.py": "configuration", "workers.py": "overload",
}  # fmt: skip
"""What a module is for, by the first part of its path."""


def classes(kind: type[HttpError] = HttpError) -> Iterator[type[HttpError]]:
    """Give the errors of the package, each before those below it."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("cxfulfill."):
            yield each
            yield from classes(each)


def load_all() -> None:
    """Import what serves calls, so that all errors are known."""
    for module in pkgutil.walk_packages(cxfulfill.__path__, "cxfulfill."):
        if module.name.split(".")[1] not in ("cli", "simulator", "agent", "openapi", "pytest_plugin", "testing"):
            importlib.import_module(module.name)


load_all()
ERRORS = sorted(classes(), key=lambda kind: (kind.status, kind.__module__ != errors.__name__, kind.__name__))


def thrown(module: Module) -> set[str]:
    """Name the classes that a module raises as they are, without arguments."""
    raised = (node.exc for node in module.nodes if isinstance(node, ast.Raise))
    return {each.id for each in raised if isinstance(each, ast.Name)}


def raised_by(kind: type[HttpError]) -> str:
    """Name the parts of the package that raise an error."""
    names = {kind.__name__, "invalid_token"} if kind is Unauthorized else {kind.__name__}
    modules = {module.name for module in MODULES if names & ({name for name, _ in module.calls} | thrown(module))}
    return ", ".join(sorted({PARTS[name.partition("/")[0]] for name in modules})) or "-"


def place(kind: type[HttpError]) -> str:
    """Say where an error is imported from."""
    if kind.__name__ in cxfulfill.__all__ and getattr(cxfulfill, kind.__name__) is kind:
        return "`cxfulfill`"
    return "`cxfulfill.errors`" if kind.__module__ == "cxfulfill.errors" else "-"


def made(kind: type[HttpError]) -> HttpError:
    return kind([("nights", "missing")]) if issubclass(kind, ParameterError) else kind()


def answered(kind: type[HttpError]) -> Any:
    """Give what a call is answered with whose handler raises an error."""

    def fail(_: object) -> None:
        raise made(kind)

    webhook = Webhook(auth=BasicAuth("cx-agent", "a-long-random-password"))
    webhook.add_handler("fail", fail)
    result = post(webhook, body_of("fail"), headers=CREDENTIAL)
    webhook.close()
    return result


def error_rows() -> Iterator[tuple[str, ...]]:
    for kind in ERRORS:
        status = answered(kind).status
        may = "-" if place(kind) == "-" else "yes" if status == kind.status else f"no: {status}"
        row = (f"`{kind.__name__}`", place(kind), str(kind.status), f"`{kind.event}`", kind.title)
        yield (*row, f"`{kind.default_reason}`", raised_by(kind), may)


def event_rows() -> Iterator[tuple[str, ...]]:
    for event, entry in EVENTS.items():
        kinds = ", ".join(f"`{kind.__name__}`" for kind in ERRORS if kind.event == event and place(kind) != "-")
        yield f"`{event}`", entry.cause, kinds or "-"


def reason_rows() -> Iterator[tuple[str, ...]]:
    for status in sorted({entry.status for entry in RUNBOOK.values()}):
        codes = sorted(code for code, entry in RUNBOOK.items() if entry.status == status)
        event = next(entry.event for entry in RUNBOOK.values() if entry.status == status)
        yield str(status), f"`{event}`" if event else "-", ", ".join(f"`{code}`" for code in codes)


ENDS: dict[str, tuple[int, Exception | None]] = {
    "handled": (200, ConnectionError()), "reprompt": (200, ParameterError([])), "fallback": (200, DeadlineExceeded()),
    "refused": (400, errors.BadRequest()), "failed": (500, ValueError()),
}  # fmt: skip
"""Status and error of those outcomes that come of an error."""


def record_of(outcome: str) -> CallRecord:
    """Let a call end so, and give its record."""
    taken: list[CallRecord] = []

    class Sink:
        def write(self, record: CallRecord) -> None:
            taken.append(record)

    status, error = ENDS.get(outcome, (200, None))
    record = Record("6f1c", HttpRequest.build("POST", "/webhook"), Stages(Clock(), 0.0, None), None)
    record.error = error
    if outcome not in ("refused", "failed"):
        record.outcome = outcome  # type: ignore[assignment]
    record.finish(HttpResponse(status, (), b""), Sink())
    return taken[0]


def outcome_rows() -> Iterator[tuple[str, ...]]:
    for outcome in get_args(Outcome):
        record = record_of(outcome)
        assert record.outcome == outcome
        statuses = {200: "200", 400: "400 to 499", 500: "500 and above"}[record.status]
        yield f"`{outcome}`", statuses, logging.getLevelName(record.level)


TABLES: dict[str, tuple[tuple[str, ...], Callable[[], Iterable[tuple[str, ...]]]]] = {
    "errors": (
        ("class", "import from", "status", "event", "title", "reason by default", "who raises it", "a handler may"),
        error_rows,
    ),
    "events": (("event", "cause", "errors"), event_rows),
    "reasons": (("status", "event", "codes"), reason_rows),
    "outcomes": (("outcome", "status", "level"), outcome_rows),
}


def test_the_page_has_the_tables() -> None:
    expected = TEXT
    for name, (head, rows) in TABLES.items():
        before, mark, rest = expected.partition(f"<!-- {name} -->\n")
        assert mark, name
        after = re.sub(r"\A\n*(?:\|.*\n)*\n*", "", rest)
        expected = f"{before}{mark}\n{table(head, rows())}\n{after}".rstrip("\n") + "\n"
    if os.environ.get("CXFULFILL_UPDATE_DOCS"):
        PAGE.write_text(expected, encoding="utf-8")
    assert expected == TEXT or os.environ.get("CXFULFILL_UPDATE_DOCS")


def test_every_public_exception_is_on_the_page() -> None:
    public = {name for name in cxfulfill.__all__ if isinstance(kind := getattr(cxfulfill, name), type)
              and issubclass(kind, Exception)}  # fmt: skip
    others = TEXT.partition("## Other exceptions")[2].partition("\n## ")[0]
    assert public == set(re.findall(r"^\| `(\w+)` \|", others, re.MULTILINE)) | {
        kind.__name__ for kind in ERRORS if place(kind) == "`cxfulfill`"
    }


def test_the_answer_and_the_line_are_those_that_are_shown(caplog: pytest.LogCaptureFixture) -> None:
    example = snippets(PAGE)
    webhook = Webhook(
        auth=example["webhook"].auth, new_id=lambda: "6f1c", clock=Clock(), idempotency=Idempotency("memory://")
    )
    webhook.add_handler("find-room", example["find_room"])
    with caplog.at_level(logging.INFO, "cxfulfill"):
        result = post(webhook, body_of("find-room"), headers=CREDENTIAL)
    [shown] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert (result.status, list(result.json.items())) == (404, list(json.loads(shown).items()))
    [line] = re.findall(r"```text\n(.*?)\n```", TEXT, re.DOTALL)
    assert caplog.messages[-1] == line
    for each in (webhook, example["webhook"]):
        each.close()


def test_failures_carry_the_headers_that_are_named() -> None:
    named = dict(re.findall(r"`([\w-]+)` with (\d+)", TEXT))
    assert {header: int(status) for header, status in named.items()} == {
        "WWW-Authenticate": 401, "Allow": 405, "Accept-Encoding": 415, "Retry-After": 503,
    }  # fmt: skip
    webhook = Webhook(auth=BasicAuth("cx-agent", "a-long-random-password"))
    assert "WWW-Authenticate" in post(webhook, headers={"Authorization": None}).headers
    assert "Allow" in post(webhook, method="PUT", headers=CREDENTIAL).headers
    for sent, told in (("Content-Type", "Accept"), ("Content-Encoding", "Accept-Encoding")):
        refused = post(webhook, headers={**CREDENTIAL, sent: "text/plain"})
        assert (refused.status, told in refused.headers) == (415, True)
    assert refused.headers["Cache-Control"] == "no-store"
    assert "Retry-After" in answered(errors.Unavailable).headers
    webhook.close()


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
