"""Results in words, for terminals and test reports."""

import json
from typing import Any, Final

from cxfulfill.simulator.printable import printable
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.state import Change
from cxfulfill.simulator.tags import tag_hint
from cxfulfill.simulator.turns import Turn
from cxfulfill.webhook import Webhook

_LONGEST: Final = 200
_INSTEAD: Final = {
    "fallback": "the handler's fallback has answered: its time was up",
    "handled": "an error handler has answered",
    "lost": "on_lost has answered: nobody here has a result of the work",
    "pending": "pending has answered: the work goes on, and a later call collects it",
}
_SAID: Final = {"text": "types", "transcript": "says", "dtmf": "presses", "event": "event", "intent": "triggers"}


def told(result: Result, webhook: Webhook | None = None) -> str:
    """Tell a call: what was said and sent, what came back, and what CX makes of it.

    Args:
        result: The call.
        webhook: The application, which knows the tags; None where it runs elsewhere.

    Returns:
        Some lines.
    """
    hint = [f"  {each}" for each in tag_hint(webhook, result)]
    lines = [f"{result.called}: {_outcome(result)}", *_details(result), *hint]
    return "\n".join(map(printable, lines))


def said(turn: Turn) -> str:
    """Tell what the user does in a turn.

    Args:
        turn: The turn.

    Returns:
        A line; empty for a turn in which nothing is said.
    """
    return f"{_SAID[turn.kind]} {short(turn.shown)}" if turn.kind in _SAID else ""


def short(value: Any) -> str:
    """Write a value as JSON, cut off where it is long.

    Args:
        value: The value.

    Returns:
        One line.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def instead(result: Result) -> str:
    """Tell what has answered in the place of the handler.

    Args:
        result: The call.

    Returns:
        A line; empty where the handler itself has.
    """
    return "" if result.record is None else _INSTEAD.get(result.record.outcome, "")


def changed(change: Change) -> str:
    """Tell a change of a parameter.

    Args:
        change: The change.

    Returns:
        A line.
    """
    if change.kind == "deleted":
        return f"{change.name} deleted (was {short(change.before)})"
    was = "" if change.kind == "set" else f" (was {short(change.before)})"
    return f"{change.name} = {short(change.after)}{was}"


def _outcome(result: Result) -> str:
    parts = ["no answer" if result.status is None else f"status {result.status}"]
    parts += [f"reason {result.reason}"] * bool(result.reason)
    parts += [f"event {result.event}"] * bool(result.event)
    parts += ["answer of an earlier delivery"] * result.replayed
    attempts = len(result.delivery.attempts)
    parts += [f"{attempts} attempts"] * (attempts > 1)
    return ", ".join(parts)


def _details(result: Result) -> list[str]:
    lines = [f"  user {each}" for each in [said(result.state.turn)] if each]
    if sent := result.request.get("sessionInfo", {}).get("parameters"):
        lines.append(f"  sent {short(sent)}")
    lines += [f"  text {short(text)}" for text in result.texts]
    lines += [f"  {each}" for each in [instead(result)] if each]
    lines += [f"  session {changed(each)}" for each in result.merged.parameters]
    lines += [f"  asks again for {name}" for name in result.reprompt]
    lines += [f"  goes to {result.page}"] * bool(result.merged.transition)
    lines += [f"  {each.severity} {each}" for each in result.findings]
    lines += [f"  because {result.delivery.last.detail}"] * (result.status is None)
    record = result.record
    if record is not None and record.reason != "ok":
        lines += [f"  because {each[:1].lower()}{each[1:]}" for each in (record.detail, record.note) if each]
        lines += [f"  exception {record.error} at {record.at}"] * bool(record.error)
        lines += [f"  handler {record.handler}"] * bool(record.handler)
    return lines
