"""What the console shows of calls, as JSON: see `cxfulfill.simulator.page_inputs.Backend.state`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cxfulfill.http import CREDENTIAL_HEADERS, REDACTED
from cxfulfill.protocol.json import MAX_REPLY_BYTES
from cxfulfill.records import CallRecord
from cxfulfill.simulator.caller import Attempt
from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Outgoing
from cxfulfill.simulator.state import Change

_OF_RECORD: Final = (
    "queue_ms", "auth_ms", "store_ms", "handler_ms", "bytes_in", "bytes_out", "outcome", "reason", "detail", "note"
)  # fmt: skip


def shown_page(page: SessionPage) -> dict[str, Any]:
    """Show a page.

    Args:
        page: The page.

    Returns:
        JSON values.
    """
    form = page.form
    fields = [
        {"name": each.display_name, "state": each.state, "value": each.value, "required": each.required}
        for each in form or ()
    ]
    return {"name": page.name, "display_name": page.display_name, "form": fields if form else None}


def shown_call(result: Result) -> dict[str, Any]:
    """Show a call: what was sent, what came back, and what CX makes of it.

    Args:
        result: The call.

    Returns:
        JSON values.
    """
    verdict, delivery, merged = result.verdict, result.delivery, result.merged
    last = delivery.last.answer
    moved = result.before.page.name != result.state.page.name
    return {
        "status": result.status,
        "failure": delivery.last.failure,
        "ok": result.ok,
        "event": verdict.event,
        "event_hidden_if_route_has_target": verdict.is_hidden(has_target=True),
        "sentence": verdict.sentence,
        "webhook_status": dict(verdict.webhook_status),
        "findings": [
            {"severity": each.severity, "place": each.place, "problem": each.problem} for each in result.findings
        ],
        "messages": result.messages,
        "changes": _changes(merged.parameters),
        "form_changes": _changes(merged.form),
        "page_change": {"from": result.before.page.display_name, "to": result.page} if moved else None,
        "reprompt": result.reprompt,
        "replayed": result.replayed,
        "request": shown_request(delivery.outgoing),
        "answer": {
            "headers": {} if last is None else dict(last.headers),
            "body": "" if last is None else _shown_body(last.body),
        },
        "ms": round(delivery.seconds * 1e3, 1),
        "attempts": [_attempt(each) for each in delivery.attempts],
    }


def shown_request(outgoing: Outgoing) -> dict[str, Any]:
    """Show a request, without the values of its credentials.

    Args:
        outgoing: The request.

    Returns:
        JSON values.
    """
    hidden = outgoing.secret | CREDENTIAL_HEADERS
    fields = {name: REDACTED if name in hidden else value for name, value in outgoing.headers.items()}
    body = outgoing.body.decode(errors="backslashreplace")
    return {"method": outgoing.method, "url": outgoing.url, "headers": fields, "body": body}


def _shown_body(body: bytes) -> str:
    """Show what CX reads of an answer, which is all of it but for one that is too large."""
    more = len(body) - MAX_REPLY_BYTES
    text = body[:MAX_REPLY_BYTES].decode(errors="backslashreplace")
    return text if more <= 0 else f"{text}\n[{more} bytes more]"


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "kind": each.kind, "before": each.before, "after": each.after} for each in changes
    ]  # fmt: skip


def _attempt(attempt: Attempt) -> dict[str, Any]:
    answer = attempt.answer
    return {
        "offset_ms": round(attempt.begun * 1e3, 1),
        "ms": round(attempt.seconds * 1e3, 1),
        "status": None if answer is None else answer.status,
        "failure": attempt.failure,
        "replayed": answer is not None and answer.is_replayed,
        "record": None if answer is None or answer.record is None else _record(answer.record),
    }


def _record(record: CallRecord) -> Mapping[str, Any]:
    return {name: _rounded(getattr(record, name)) for name in _OF_RECORD}


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value
