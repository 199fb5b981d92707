"""What CX makes of an answer: whether it takes it, the event that it raises, the status that its caller sees.

Events are those of Google's webhook page; status texts are those of public captures, which number only a timeout
(``code`` 4). The other codes are the usual ones of gRPC for the HTTP status.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cxfulfill.errors import NotFound
from cxfulfill.records import event_of
from cxfulfill.simulator.caller import Delivery
from cxfulfill.simulator.findings import Finding, Version
from cxfulfill.simulator.flexible import mapped
from cxfulfill.simulator.reading import read_answer
from cxfulfill.simulator.sending import Answer

TIMEOUT_EVENT: Final = "webhook.error.timeout"
ANY_EVENT: Final = "webhook.error"
MAX_FINDINGS: Final = 50
"""Remarks about one answer."""

_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 500: 13, 503: 14}
_NAMES: Final = {
    2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 7: "PERMISSION_DENIED",
    13: "INTERNAL", 14: "UNAVAILABLE", 16: "UNAUTHENTICATED",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What CX makes of an answer.

    Attributes:
        event: The event that it raises; empty for none.
        sentence: What happened, for people.
        webhook_status: The entry of ``QueryResult.webhookStatuses``, a ``google.rpc.Status``; empty for success.
        findings: What is to be said of the answer.
        answer: The WebhookResponse that it takes; None for none.
    """

    event: str = ""
    sentence: str = "CX takes the answer."
    webhook_status: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    answer: Mapping[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether CX takes the answer."""
        return not self.event

    def is_hidden(self, *, has_target: bool) -> bool:
        """Tell whether nobody hears of the event.

        Args:
            has_target: Whether the route that calls the webhook has a transition target.

        Returns:
            Whether the agent goes on as if nothing had happened: it fires ``webhook.error`` only where the route has
            none.
        """
        return bool(self.event) and has_target


def judge(delivery: Delivery, version: Version = "v3", *, official: bool | None = None) -> Verdict:
    """Tell what CX makes of a call.

    Args:
        delivery: The call.
        version: The API's version, whose messages answers are read as.
        official: As for `read_answer`.

    Returns:
        The verdict.
    """
    answer = delivery.answer
    if answer is None:
        return _unanswered(delivery)
    if answer.status != 200:
        return _refused(answer)
    reading = read_answer(answer.body, version=version, official=official)
    findings = _first(reading.findings)
    if reading.value is None:
        status = _status(2, "URL_ERROR", "ERROR_OTHER")
        sentence = f"CX cannot read the answer, though its status is 200: {findings[0]}."
        return Verdict(ANY_EVENT, sentence, status, findings)
    return Verdict(sentence=_taken(findings), findings=findings, answer=reading.value)


def judge_flexible(delivery: Delivery, mapping: Mapping[str, str]) -> Verdict:
    """Tell what CX makes of a flexible webhook's call.

    Args:
        delivery: The call.
        mapping: What it takes of the answer: paths by session parameter.

    Returns:
        The verdict; its ``answer`` writes the session parameters.
    """
    answer = delivery.answer
    if answer is None:
        return _unanswered(delivery)
    if answer.status != 200:
        return _refused(answer)
    values, findings = ({}, ()) if not (mapping or answer.body) else mapped(answer.body, mapping)
    if any(each.severity == "error" for each in findings):
        sentence = f"CX can take nothing of the answer, though its status is 200: {findings[0]}."
        return Verdict(ANY_EVENT, sentence, _status(2, "URL_ERROR", "ERROR_OTHER"), findings)
    written = {"sessionInfo": {"parameters": dict(values)}}
    return Verdict(sentence=_taken(findings), findings=findings, answer=written)


def query_result(calls: Iterable[tuple[str, Delivery, Verdict]], version: Version = "v3") -> dict[str, Any]:
    """Show a turn's calls as whoever called detect intent sees them in its ``QueryResult``.

    Args:
        calls: Tag, call and verdict of each, in order.
        version: The API's version; ``v3beta1`` tells of ids, names, latencies and tags too.

    Returns:
        The members about webhooks, as JSON.
    """
    given = list(calls)
    members: dict[str, Any] = {
        "webhookPayloads": [dict((verdict.answer or {}).get("payload") or {}) for _, _, verdict in given],
        "webhookStatuses": [dict(verdict.webhook_status) for _, _, verdict in given],
    }
    if version == "v3beta1":
        members |= {
            "webhookIds": [WEBHOOK_ID for _ in given],
            "webhookDisplayNames": [WEBHOOK_NAME for _ in given],
            "webhookLatencies": [_duration(delivery.seconds) for _, delivery, _ in given],
            "webhookTags": [tag for tag, _, _ in given],
        }
    return members


WEBHOOK_ID: Final = "00000000-0000-4000-8000-000000000007"
WEBHOOK_NAME: Final = "cxfulfill"
"""The webhook resource that a simulated agent calls."""


def _unanswered(delivery: Delivery) -> Verdict:
    attempts = len(delivery.attempts)
    tried = f", in {attempts} attempts" if attempts > 1 else ""
    detail = delivery.last.detail
    if delivery.last.failure == "timeout":
        status = _status(4, "URL_TIMEOUT", "TIMEOUT_WEB")
        return Verdict(TIMEOUT_EVENT, f"CX gave up: {detail}{tried}.", status)
    reason = "UNREACHABLE_SSL_VALIDATION_FAILED" if delivery.last.failure == "tls" else "UNREACHABLE_5xx"
    return Verdict(
        NotFound.event, f"CX could not reach the webhook: {detail}{tried}.", _status(14, "URL_UNREACHABLE", reason)
    )


def _refused(answer: Answer) -> Verdict:
    status = answer.status
    if 200 < status < 400:
        what = "redirects" if status >= 300 else "statuses other than 200"
        problem = f"the status is {status}: no page says that CX takes {what}, so answer with 200 itself"
        return Verdict(ANY_EVENT, f"CX may not take the answer: {problem}.", _http_status(status), _whole(problem))
    event = event_of(status) or ANY_EVENT
    return Verdict(event, f"CX raises {event}: the status is {status}.", _http_status(status))


def _whole(problem: str) -> tuple[Finding, ...]:
    return (Finding("", problem),)


def _http_status(status: int) -> dict[str, Any]:
    """Write an HTTP status as captures do: 5xx is unreachable there, 401 an error of authentication."""
    code = _CODES.get(status, 14 if status >= 500 else 2)
    if status >= 500:
        return _status(code, "URL_UNREACHABLE", "UNREACHABLE_5xx", status)
    reason = {401: "ERROR_AUTHENTICATION", 404: "ERROR_NOT_FOUND"}.get(status, "ERROR_OTHER")
    return _status(code, "URL_ERROR", reason, status)


def _status(code: int, state: str, reason: str, status: int | None = None) -> dict[str, Any]:
    http = "" if status is None else f", HTTP status code: {status}"
    text = f"Webhook call failed. Error: {_NAMES[code]}, State: {state}, Reason: {reason}{http}."
    return {"code": code, "message": text}


def _first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Keep errors before warnings, and no more of them than a person reads."""
    ordered = sorted(findings, key=lambda each: each.severity)
    more = len(ordered) - MAX_FINDINGS
    rest = (Finding("", f"and {more} more", ordered[MAX_FINDINGS].severity),) if more > 0 else ()
    return (*ordered[:MAX_FINDINGS], *rest)


def _taken(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "CX takes the answer."
    return f"CX takes the answer. There {'is a remark' if len(findings) == 1 else f'are {len(findings)} remarks'}."


def _duration(seconds: float) -> str:
    """Write a duration as protobuf's JSON does: ``0.012s``."""
    text = f"{seconds:.3f}"
    return f"{text.rstrip('0').rstrip('.')}s" if text.endswith("000") else f"{text}s"
