"""What an on-call engineer pastes: which reason codes, events and status texts of CX are in it.

Nothing of what is pasted leaves this module but numbers of statuses, and names that stand in our own tables.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from cxfulfill.cli.cx_entries import EVENTS, STATES, STATUS_TEXTS, UNREADABLE
from cxfulfill.cli.line_entries import LINES
from cxfulfill.cli.runbook import RUNBOOK
from cxfulfill.errors import BadRequest
from cxfulfill.protocol.json import loads

OWN: Final = "(own)"
"""Stands for a reason code that is in none of our tables."""

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REASON: Final = re.compile(r"\breason=\"?([a-z][a-z0-9_]{0,63})\b")
_STATUS: Final = re.compile(r"\bstatus=([1-5]\d\d)\b")
_EVENT: Final = re.compile(r"webhook\.error(?:\.[a-z-]+)?")
_OF_CX: Final = re.compile(r"\b(?:Reason|State): *(\w{1,64})")
_STATUS_OF_CX: Final = re.compile(r"HTTP status code: *([1-5]\d\d)\b")
_ALONE: Final = re.compile(r"[1-5]\d\d")


class Fact(NamedTuple):
    """Something that was recognized.

    Attributes:
        kind: ``reason``, ``event``, ``line``, ``status``, ``text``, ``state``, ``unreadable`` or ``success``.
        name: The code, event, part of a line, or name in CX's text; empty where the kind says it all.
        status: The HTTP status that stands beside it; 0 for none.
    """

    kind: str
    name: str = ""
    status: int = 0


def recognize(pasted: str) -> list[Fact]:
    """Find what is meant.

    Args:
        pasted: A code, event, status, entry of ``webhookStatuses``, log lines, a problem document, or JSON that holds
            such.

    Returns:
        What was recognized, each once, in its order.
    """
    text = pasted.strip()
    document = _parsed(text) if text[:1] in ("{", "[") else None
    facts = _of_word(text) if document is None else _of_document(document)
    found = dict.fromkeys(facts)
    if not found and document is None:
        found = dict.fromkeys(fact for line in text.splitlines() for fact in _of_line(line.strip()))
    return list(found)


def _parsed(text: str) -> Any:
    try:
        return loads(text.encode(errors="replace"))
    except BadRequest:
        return None


def _of_word(text: str) -> Iterator[Fact]:
    if text in RUNBOOK:
        yield Fact("reason", text)
    elif text in EVENTS:
        yield Fact("event", text)
    elif _ALONE.fullmatch(text):
        yield Fact("status", status=int(text))


def _of_line(line: str) -> Iterator[Fact]:
    document = _parsed(line) if line[:1] == "{" else None
    yield from _of_text(line) if document is None else _of_document(document)


def _of_document(document: Any) -> Iterator[Fact]:
    """Look through JSON: the document of a failure, an entry of ``webhookStatuses``, or what is wrapped around them."""
    if document == {} or (isinstance(document, list) and {} in document):
        yield Fact("success")
    parts = [document]
    for part in parts:  # grows as it goes
        if isinstance(part, dict):
            facts = list(_of_problem(part))
            yield from facts
            parts.extend(() if facts else part.values())
        elif isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, str):
            yield from _of_text(part)


def _of_problem(part: dict[str, Any]) -> Iterator[Fact]:
    reason, status = part.get("reason"), part.get("status")
    if isinstance(reason, str) and _CODE.fullmatch(reason):
        yield from _of_reason(reason, status if isinstance(status, int) else 0)


def _of_text(line: str) -> Iterator[Fact]:
    reason, status = _REASON.search(line), _STATUS.search(line)
    of_cx = list(_of_cx(line))
    if reason is not None:
        yield from _of_reason(reason[1], int(status[1]) if status else 0)
    elif of_cx:
        yield from of_cx
    elif parts := [part for part in LINES if part in line]:
        yield Fact("line", max(parts, key=len))
    elif event := _EVENT.search(line):
        yield from (Fact("event", name) for name in EVENTS if name == event[0])


def _of_reason(reason: str, status: int) -> Iterator[Fact]:
    if reason in RUNBOOK:
        yield Fact("reason", reason, status)
    elif 100 <= status <= 599:
        yield Fact("reason", OWN, status)


def _of_cx(line: str) -> Iterator[Fact]:
    names = _OF_CX.findall(line)
    code = _STATUS_OF_CX.search(line)
    status = int(code[1]) if code else 0
    known = [Fact("text", name, status) for name in names if name in STATUS_TEXTS]
    states = [Fact("state", name, status) for name in names if name in STATES]
    if UNREADABLE in line.lower():
        yield Fact("unreadable")
    elif known or states:
        yield (known or states)[0]
    elif status:
        yield Fact("status", status=status)
