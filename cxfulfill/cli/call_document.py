"""What became of a call, as JSON for programs."""

from typing import Any

from cxfulfill.cli.call_report import stage_times
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.state import Change


def document(result: Result, again: Result | None = None) -> dict[str, Any]:
    """Tell a call.

    Args:
        result: What became of it.
        again: What became of its second delivery; None where there was none.

    Returns:
        Plain JSON values.
    """
    merged, verdict = result.merged, result.verdict
    members: dict[str, Any] = {
        "tag": result.tag, "ok": result.ok, "status": result.status, "event": result.event, "reason": result.reason,
        "sentence": verdict.sentence, "webhookStatus": dict(verdict.webhook_status), "replayed": result.replayed,
        "ms": _ms(result.delivery.seconds), "texts": result.texts, "messages": result.messages,
        "parameters": list(map(_change, merged.parameters)), "form": list(map(_change, merged.form)),
        "reprompt": result.reprompt, "page": {"name": result.page_name, "displayName": result.page},
        "transition": merged.transition, "ended": result.ended, "payload": merged.payload,
        "session": {"parameters": result.parameters}, "request": result.request,
        "findings": [
            {"severity": each.severity, "place": each.place, "problem": each.problem}
            for each in result.findings
        ],
        "attempts": [
            {"ms": _ms(each.seconds), "failure": each.failure, "detail": each.detail}
            for each in result.delivery.attempts
        ],
    }  # fmt: skip
    if result.record is not None:
        members["stages"] = {name: _ms(value / 1000) for name, value in stage_times(result.record).items()}
    return members if again is None else {**members, "again": document(again)}


def _change(change: Change) -> dict[str, Any]:
    return {"name": change.name, "kind": change.kind, "before": change.before, "after": change.after}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
