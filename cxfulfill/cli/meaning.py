"""``cxfulfill explain``: what a reason code, an event, a status text of CX or a log line means."""

import sys
from collections.abc import Iterator
from typing import Final

import click

from cxfulfill.cli.cx_entries import EVENTS, SILENT, STATES, STATUS_TEXTS, UNREADABLE_ENTRY, StatusText
from cxfulfill.cli.line_entries import LINES
from cxfulfill.cli.outline import Line, heading, show, texts
from cxfulfill.cli.recognized import OWN, Fact, recognize
from cxfulfill.cli.runbook import RUNBOOK, alike, codes_with
from cxfulfill.errors import HttpError
from cxfulfill.records import event_of

_MOST: Final = 1_048_576
"""Bytes of standard input that are read."""
_UNKNOWN: Final = (
    "there is no reason code, event or status text in it that is known here; those of your own application are not"
)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("what", nargs=-1, required=True)
@click.pass_context
def explain(ctx: click.Context, what: tuple[str, ...]) -> None:
    """Tell what a failed call means, and what to look at.

    WHAT is a reason code, an event (webhook.error.timeout), an HTTP status, an entry of webhookStatuses, a log line
    or a problem document; - reads standard input, perhaps many log lines. Nothing of it is printed again.

    The exit code is 2 where nothing in it is known.
    """
    # Quotes may have been forgotten: click's own error would show what came then.
    pasted = sys.stdin.buffer.read(_MOST).decode(errors="replace") if what == ("-",) else " ".join(what)
    facts = recognize(pasted)
    if not facts:
        meant = " or ".join(alike(pasted))
        click.echo(f"Error: {_UNKNOWN}{meant and f'; did you mean {meant}?'}", err=True)
        ctx.exit(2)
    show(line for fact in facts for line in _told(fact))


def _told(fact: Fact) -> Iterator[Line]:
    match fact.kind:
        case "reason":
            yield _reason(fact)
        case "event":
            yield _event(fact.name)
        case "line":
            yield heading(fact.name, *texts(f"What to look at: {LINES[fact.name]}"))
        case "text":
            yield _text(STATUS_TEXTS[fact.name], fact.status)
        case "unreadable":
            yield _text(UNREADABLE_ENTRY, 0)
        case "state":
            yield heading(f"State: {fact.name}", *texts(STATES[fact.name], *_status(fact.status)))
        case "success":
            yield heading("An empty status", *texts("The call went well: CX raised no event."))
        case _:
            yield heading(f"HTTP status {fact.status}", *texts(*_status(fact.status)))


def _reason(fact: Fact) -> Line:
    if fact.name == OWN:
        known = texts("It is a reason code of your own application, or of another release: look for it in its code.")
        return heading("A reason code that is not known here", *known, *texts(_raised(fact.status)))
    entry = RUNBOOK[fact.name]
    raised = _raised(fact.status or entry.status)
    return heading(fact.name, *texts(entry.meaning, raised, f"What to look at: {entry.look_at}"))


def _raised(status: int) -> str:
    event = event_of(status)
    return f"Status {status}: CX raises {event}." if event else f"Status {status}: CX raises no event."


def _event(name: str) -> Line:
    entry = EVENTS[name]
    codes = _codes(name)
    return heading(
        name,
        *texts(entry.meaning, f"Its cause: {entry.cause}.", f"What to look at: {entry.look_at}", *codes, SILENT),
    )


def _text(entry: StatusText, status: int) -> Line:
    raised = (f"CX raises {entry.event}.",) if entry.event else _status(status)
    return heading(entry.text, *texts(entry.meaning, *raised, f"What to look at: {entry.look_at}"))


def _status(status: int) -> tuple[str, ...]:
    """Tell what a status leads to, and what it may have been here."""
    if not status:
        return (f"CX raises the event of the HTTP status, which is not told here; {HttpError.event} for most.",)
    return (_raised(status), *_codes(status))


def _codes(wanted: int | str) -> tuple[str, ...]:
    codes = ", ".join(codes_with(wanted))
    return (f"Reason codes in the log that lead to it: {codes}",) if codes else ()
