"""The runbook has every reason code of the code and none besides; CXFULFILL_UPDATE_DOCS=1 writes its tables anew.

Whoever adds a reason code adds a row to one of the tables in ``cxfulfill/cli``: ``advice.py`` for who may call,
``request_entries.py`` for what cannot be read, ``serving_entries.py`` for handlers, time and retries. A log line
without a code has its row in ``line_entries.py``.
"""

import ast
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import click
import pytest

from cxfulfill import errors
from cxfulfill.cli import doctor
from cxfulfill.cli.commands import cli
from cxfulfill.cli.cx_entries import EVENTS, SILENT, STATUS_TEXTS, UNREADABLE_ENTRY, CxEntry, StatusText
from cxfulfill.cli.entries import Entry
from cxfulfill.cli.line_entries import LINES
from cxfulfill.cli.runbook import RUNBOOK, SECTIONS
from cxfulfill.protocol import json
from cxfulfill.records import event_of
from cxfulfill.settings.table import PREFIX, SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/operate/runbook.md"
DOCTOR = PAGE.with_name("doctor.md")
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.HttpError) and kind is not errors.HttpError
}
SERVING = [
    path
    for path in sorted((ROOT / "cxfulfill").rglob("*.py"))
    if path.relative_to(ROOT / "cxfulfill").parts[0] not in ("cli", "openapi", "testing.py")
]
HANDED_ON = {
    "auth/combinations.py": {"reason"},  # that of one of its parts
    "auth/tokens.py": {"reason"},  # invalid_token's, looked for below
    "deferred.py": {"failure['reason']"},  # that of work which failed
    "errors.py": {"reason"},
    "protocol/json.py": {"reason"},  # its table's
}
"""Where a reason is no text in place, but one that was given or raised elsewhere."""

Found = Iterator[tuple[str, int | None]]


class Module:
    """A module, and the reason codes in it with their statuses; None where the place does not tell."""

    def __init__(self, path: Path) -> None:
        self.name = path.relative_to(ROOT / "cxfulfill").as_posix()
        self.nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        self.calls = [(called(node), node) for node in self.nodes if isinstance(node, ast.Call)]
        self.handed_on: set[str] = set()

    def codes(self, fetched: Iterable[str]) -> Found:
        for name, call in self.calls:
            given = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
            given += call.args[:1] if name == "invalid_token" else []
            status = CLASSES[name].status if name in CLASSES else 401 if name == "invalid_token" else None
            for value in given:
                yield from ((code, status) for code in self.texts(value, fetched))
        yield from self.by_default()
        yield from self.returned()

    def texts(self, value: ast.expr, fetched: Iterable[str]) -> Iterator[str]:
        match value:
            case ast.Constant(value=str(text)):
                yield text
            case ast.IfExp(body=one, orelse=other):
                yield from chain(self.texts(one, fetched), self.texts(other, fetched))
            case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(end))]):
                yield from (f"{what}{end}" for what in fetched)
            case ast.Call(func=ast.Name(id="reason_of")):
                pass  # looked for below
            case _:
                self.handed_on.add(ast.unparse(value))

    def by_default(self) -> Found:
        """Give the ``default_reason`` of each class of errors."""
        for kind in (node for node in self.nodes if isinstance(node, ast.ClassDef)):
            for line in kind.body:
                if isinstance(line, ast.Assign | ast.AnnAssign) and isinstance(line.value, ast.Constant):
                    target = line.targets[0] if isinstance(line, ast.Assign) else line.target
                    if isinstance(target, ast.Name) and target.id == "default_reason":
                        base = next((base.id for base in kind.bases if isinstance(base, ast.Name)), "")
                        known = CLASSES.get(kind.name) or CLASSES.get(base)
                        yield str(line.value.value), known.status if known else None

    def returned(self) -> Found:
        """Give what ``reason_of`` tells of errors that have no reason of their own."""
        for function in (node for node in self.nodes if isinstance(node, ast.FunctionDef)):
            if function.name == "reason_of":
                returns = (node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value)
                for part in chain.from_iterable(map(ast.walk, returns)):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value, None

    def lines(self) -> Iterator[str]:
        """Give the texts of lines that say more than what they are given."""
        for name, call in self.calls:
            if name in ("info", "warning", "error") and isinstance(call.args[0], ast.Constant):
                text = str(call.args[0].value)
                if text != "%s":
                    yield text

    def fetched(self) -> Iterator[str]:
        """Name what is fetched: its name begins the reason code for where that fails."""
        for name, call in self.calls:
            if name == "Fetched" and isinstance(call.args[0], ast.Constant):
                yield str(call.args[0].value)


def called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", None) or getattr(call.func, "attr", ""))


MODULES = [Module(path) for path in SERVING]
FETCHED = {what for module in MODULES for what in module.fetched()}
FOUND = {
    *((code, status) for module in MODULES for code, status in module.codes(FETCHED)),
    *((code, 400) for _, code, _ in json._REASONS),
    ("json_syntax", 400),
}
CODES = {code for code, _ in FOUND}


def test_the_code_raises_what_this_test_looks_for() -> None:
    assert len(CODES) > 70
    assert {"ok", "internal", "refused_reply", "deadline", "in_progress", "keys_unavailable", "no_tag"} <= CODES
    for module in MODULES:
        assert module.handed_on <= HANDED_ON.get(module.name, set()), (
            "a reason code is made in a way that this test does not see: write it as text where it is raised"
        )
    assert 'reason, problem = "json_syntax",' in (ROOT / "cxfulfill/protocol/json.py").read_text(encoding="utf-8")


def test_every_reason_code_has_a_row() -> None:
    missing = CODES - RUNBOOK.keys()
    assert not missing, f"add a row for {sorted(missing)}; where, the docstring of this module says"


def test_every_line_without_a_code_has_a_row_and_none_is_invented() -> None:
    texts = {text for module in MODULES for text in module.lines()}
    missing = {text for text in texts if not any(part in text for part in LINES)}
    assert not missing, "add a row in cxfulfill/cli/line_entries.py"
    assert not {part for part in LINES if not any(part in text for text in texts)}


def test_no_row_is_invented() -> None:
    assert RUNBOOK.keys() <= CODES


def test_every_code_has_one_row() -> None:
    assert sum(map(len, SECTIONS.values())) == len(RUNBOOK)


def test_the_statuses_are_those_of_the_code() -> None:
    known = {code: entry.status for code, entry in RUNBOOK.items()}
    assert {code: status for code, status in FOUND if status not in (None, known.get(code, status))} == {}


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: str(kind.__name__))
def test_the_events_are_those_of_the_errors(kind: type[errors.HttpError]) -> None:
    assert event_of(kind.status) == kind.event
    assert kind.event in EVENTS
    assert event_of(200) == ""


def test_rows_are_sentences_and_each_means_something_else() -> None:
    rows: list[Entry | CxEntry | StatusText] = [
        *RUNBOOK.values(),
        *EVENTS.values(),
        *STATUS_TEXTS.values(),
        UNREADABLE_ENTRY,
    ]
    assert len({row.meaning for row in rows}) == len(rows)
    for row in rows:
        assert row.meaning.endswith(".")
        assert row.look_at.endswith((".", "?"))
        assert "|" not in row.meaning + row.look_at


def test_every_setting_that_is_named_is_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(rf"{PREFIX}\w+", text)) <= {f"{PREFIX}{setting.name}" for setting in SETTINGS}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("| --- ", "|---").replace("--- |", "---|") for cells in lines)


def tables() -> Iterator[tuple[str, str]]:
    """Make the page's tables by their marks."""
    for title, entries in SECTIONS.items():
        rows = (
            (f"`{code}`", str(row.status), f"`{row.event}`" if row.event else "-", row.meaning, row.look_at)
            for code, row in entries.items()
        )
        yield title, table(("reason", "status", "event", "what it means", "what to look at"), rows)
    lines = ((f"`{part}`", look_at) for part, look_at in LINES.items())
    yield "Lines without a reason", table(("part of the line", "what to look at"), lines)
    events = ((f"`{name}`", row.cause, row.meaning, row.look_at) for name, row in EVENTS.items())
    yield "Events", table(("event", "cause", "what it means", "what to look at"), events)
    texts = (
        (f"`{row.text}`", f"`{row.event}`" if row.event else "that of the status", row.meaning, row.look_at)
        for row in (*STATUS_TEXTS.values(), UNREADABLE_ENTRY)
    )
    yield "Texts in webhookStatuses", table(("text", "event", "what it means", "what to look at"), texts)


def test_the_page_has_the_tables() -> None:
    text = expected = PAGE.read_text(encoding="utf-8")
    for title, made in tables():
        before, heading, rest = expected.partition(f"\n## {title}\n")
        assert heading, title
        section, mark, after = rest.partition("\n## ")
        prose = re.sub(r"(?:^\|.*\n)+", "", section, flags=re.MULTILINE).strip("\n")
        expected = "".join([before, heading, "\n", prose and f"{prose}\n\n", made, mark, after])
    if os.environ.get("CXFULFILL_UPDATE_DOCS"):
        PAGE.write_text(expected, encoding="utf-8")
    assert text == expected or os.environ.get("CXFULFILL_UPDATE_DOCS")


def test_the_page_says_when_no_event_comes() -> None:
    assert SILENT in PAGE.read_text(encoding="utf-8").replace("\n", " ")


def test_the_page_of_the_doctor_has_every_check() -> None:
    rows = re.findall(r"^\| ([^|*]+?)(?: \*Class\*)? \|", DOCTOR.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) - {"check", "app"} == doctor._OF_PLACE.keys() | doctor._OF_APP.keys()


@pytest.mark.parametrize("page", [PAGE, DOCTOR], ids=lambda page: str(page.name))
def test_the_commands_are_those_that_there_are(page: Path) -> None:
    lines = re.findall(r"^\$ cxfulfill (\w+)(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert lines
    for name, rest in lines:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest.partition("#")[0])) <= known


@pytest.mark.parametrize("page", [PAGE, DOCTOR], ids=lambda page: str(page.name))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target
