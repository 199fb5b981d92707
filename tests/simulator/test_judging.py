"""What CX makes of an answer: the rows of its pages about failures."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from cxfulfill.http import Headers
from cxfulfill.simulator.caller import Attempt, Delivery
from cxfulfill.simulator.findings import Finding, Version
from cxfulfill.simulator.judging import (
    MAX_FINDINGS,
    WEBHOOK_ID,
    WEBHOOK_NAME,
    Verdict,
    judge,
    judge_flexible,
    query_result,
)
from cxfulfill.simulator.sending import Answer, Failure, Outgoing

OUTGOING = Outgoing(method="POST", url="https://hotel.example/webhook", headers=Headers({}))
CANARY = "canary-9f2c"


def answered(body: bytes | Mapping[str, Any] = b"{}", status: int = 200, seconds: float = 0.25) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(OUTGOING, (Attempt(0.0, seconds, Answer(status=status, headers=Headers({}), body=raw)),))


def unanswered(failure: Failure, attempts: int = 1) -> Delivery:
    each = (Attempt(5.0 * number, 5.0, None, failure, "as the test says") for number in range(attempts))
    return Delivery(OUTGOING, tuple(each))


PREFIX = "Webhook call failed. Error: "
STATUSES = [
    (400, "webhook.error.bad-request", 3, "INVALID_ARGUMENT, State: URL_ERROR, Reason: ERROR_OTHER"),
    (401, "webhook.error.rejected", 16, "UNAUTHENTICATED, State: URL_ERROR, Reason: ERROR_AUTHENTICATION"),
    (403, "webhook.error.rejected", 7, "PERMISSION_DENIED, State: URL_ERROR, Reason: ERROR_OTHER"),
    (404, "webhook.error.not-found", 5, "NOT_FOUND, State: URL_ERROR, Reason: ERROR_NOT_FOUND"),
    (405, "webhook.error", 2, "UNKNOWN, State: URL_ERROR, Reason: ERROR_OTHER"),
    (413, "webhook.error", 2, "UNKNOWN, State: URL_ERROR, Reason: ERROR_OTHER"),
    (429, "webhook.error", 2, "UNKNOWN, State: URL_ERROR, Reason: ERROR_OTHER"),
    (500, "webhook.error", 13, "INTERNAL, State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx"),
    (502, "webhook.error", 14, "UNAVAILABLE, State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx"),
    (503, "webhook.error.unavailable", 14, "UNAVAILABLE, State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx"),
]


@pytest.mark.parametrize(("status", "event", "code", "text"), STATUSES)
def test_a_status_raises_an_event(status: int, event: str, code: int, text: str) -> None:
    for verdict in (judge(answered(b"", status)), judge_flexible(answered(b"", status), {"a": "$.a"})):
        assert (verdict.event, verdict.ok, verdict.answer, verdict.findings) == (event, False, None, ())
        message = f"{PREFIX}{text}, HTTP status code: {status}."
        assert verdict.webhook_status == {"code": code, "message": message}
        assert verdict.sentence == f"CX raises {event}: the status is {status}."


@pytest.mark.parametrize(
    ("status", "what"), [(201, "statuses other than 200"), (204, "statuses other than 200"), (302, "redirects")]
)
def test_a_status_of_which_no_page_tells_is_an_error_with_a_finding(status: int, what: str) -> None:
    verdict = judge(answered(b"{}", status))
    assert (verdict.event, verdict.webhook_status["code"]) == ("webhook.error", 2)
    problem = f"the status is {status}: no page says that CX takes {what}, so answer with 200 itself"
    assert verdict.findings == (Finding("", problem),)
    assert verdict.sentence == f"CX may not take the answer: {problem}."


@pytest.mark.parametrize(
    ("failure", "event", "status", "text"),
    [
        ("timeout", "webhook.error.timeout", 4, "DEADLINE_EXCEEDED, State: URL_TIMEOUT, Reason: TIMEOUT_WEB"),
        ("unreachable", "webhook.error.not-found", 14, "UNAVAILABLE, State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx"),
        (
            "tls", "webhook.error.not-found", 14,
            "UNAVAILABLE, State: URL_UNREACHABLE, Reason: UNREACHABLE_SSL_VALIDATION_FAILED",
        ),
    ],
)  # fmt: skip
def test_no_answer_raises_an_event(failure: Failure, event: str, status: int, text: str) -> None:
    for verdict in (judge(unanswered(failure)), judge_flexible(unanswered(failure), {})):
        assert (verdict.event, verdict.answer) == (event, None)
        assert verdict.webhook_status == {"code": status, "message": f"{PREFIX}{text}."}
        assert verdict.sentence.endswith(": as the test says.")
    assert judge(unanswered(failure, 3)).sentence.endswith(": as the test says, in 3 attempts.")


def test_an_answer_that_does_nothing_is_taken() -> None:
    verdict = judge(answered())
    assert (verdict.ok, verdict.event, verdict.answer, verdict.webhook_status) == (True, "", {}, {})
    assert verdict.sentence == "CX takes the answer."


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "is empty; an answer that does nothing is {}"),
        (b"<!DOCTYPE html><p>canary-9f2c", "is not JSON at line 1, column 1"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[]", "must be an object"),
        (b'{"text": "canary-9f2c"}', "text: "),
        (json.dumps({"payload": {"a": "x" * 65_536}}).encode(), "CX reads at most 65536"),
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error_in_spite_of_its_status(body: bytes, part: str) -> None:
    verdict = judge(answered(body))
    assert (verdict.event, verdict.answer) == ("webhook.error", None)
    assert verdict.webhook_status["message"] == f"{PREFIX}UNKNOWN, State: URL_ERROR, Reason: ERROR_OTHER."
    assert part in verdict.sentence
    assert verdict.sentence.startswith("CX cannot read the answer, though its status is 200: ")
    assert CANARY not in verdict.sentence


def test_an_answer_of_64_kib_is_read() -> None:
    body = json.dumps({"payload": {"a": ""}})
    full = body.replace('""', json.dumps("x" * (65_536 - len(body)))).encode()
    assert len(full) == 65_536
    assert judge(answered(full)).ok
    assert not judge(answered(full + b" ")).ok


def test_the_version_decides_which_members_there_are() -> None:
    body = {"fulfillmentResponse": {"messages": [{"text": {"text": ["a"]}, "responseType": "ENTRY_PROMPT"}]}}
    assert judge(answered(body), "v3", official=False).ok
    older = judge(answered(body), "v3beta1", official=False)
    assert [each.place for each in older.findings] == ["fulfillmentResponse.messages[0].responseType"]


def test_remarks_are_counted_and_bounded() -> None:
    message = {"text": {"text": ["a"]}, "endInteraction": {}}
    many = judge(answered({"fulfillmentResponse": {"messages": [message] * 60}}), official=False)
    assert len(many.findings) == MAX_FINDINGS + 1
    assert many.findings[-1].problem.startswith("and ")
    written: Any = {"fulfillmentResponse": {"messages": [{"endInteraction": {}}]}}
    one = judge(answered(written), official=False)
    assert (one.ok, [each.severity for each in one.findings]) == (True, ["warning"])
    assert one.sentence == "CX takes the answer. There is a remark."
    written["fulfillmentResponse"]["messages"] *= 2
    assert judge(answered(written), official=False).sentence == "CX takes the answer. There are 2 remarks."


# --- Flexible webhooks -----------------------------------------------------------------------------------------------


def test_a_flexible_answer_sets_session_parameters() -> None:
    verdict = judge_flexible(answered({"a": [1, {"b": None}]}), {"x": "$.a[0]", "y": "$.a[1].b"})
    assert verdict.answer == {"sessionInfo": {"parameters": {"x": 1.0, "y": None}}}
    assert verdict.sentence == "CX takes the answer."
    missing = judge_flexible(answered({}), {"x": "$.a", "y": "$.b"})
    assert (missing.ok, missing.answer) == (True, {"sessionInfo": {"parameters": {}}})
    assert missing.sentence == "CX takes the answer. There are 2 remarks."


def test_a_flexible_answer_that_nothing_is_taken_of_may_be_empty() -> None:
    assert judge_flexible(answered(b""), {}).ok
    assert judge_flexible(answered(b"{}"), {}).ok
    for body, mapping in ((b"", {"x": "$"}), (b"<p>", {}), (b"{}", {"x": "$["})):
        verdict = judge_flexible(answered(body), mapping)
        assert (verdict.event, verdict.answer, len(verdict.findings)) == ("webhook.error", None, 1)
        assert verdict.sentence.startswith("CX can take nothing of the answer, though its status is 200: ")


# --- Who hears of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "has_target", "is_hidden"),
    [("webhook.error", True, True), ("webhook.error", False, False), ("", True, False), ("", False, False)],
)
def test_nobody_hears_of_an_event_where_the_route_has_a_target(event: str, has_target: bool, is_hidden: bool) -> None:
    assert Verdict(event).is_hidden(has_target=has_target) is is_hidden


CALLS = [
    ("good", answered({"payload": {"a": 1}}), judge(answered({"payload": {"a": 1}}))),
    ("bad", answered(b"", 503, 12.0), judge(answered(b"", 503, 12.0))),
    ("gone", unanswered("timeout", 2), judge(unanswered("timeout", 2))),
    ("quiet", answered(seconds=0.0), judge(answered(seconds=0.0))),
]


@pytest.mark.parametrize("version", ["v3", "v3beta1"])
def test_the_caller_of_detect_intent_sees_parallel_lists(version: Version) -> None:
    members = query_result(iter(CALLS), version)
    assert members["webhookPayloads"] == [{"a": 1.0}, {}, {}, {}]
    assert [status.get("code") for status in members["webhookStatuses"]] == [None, 14, 4, None]
    assert members["webhookStatuses"][0] == {}
    more = {name: values for name, values in members.items() if name not in ("webhookPayloads", "webhookStatuses")}
    assert more == ({} if version == "v3" else {
        "webhookIds": [WEBHOOK_ID] * 4, "webhookDisplayNames": [WEBHOOK_NAME] * 4,
        "webhookLatencies": ["0.250s", "12s", "10s", "0s"], "webhookTags": ["good", "bad", "gone", "quiet"],
    })  # fmt: skip
    assert query_result([]) == {"webhookPayloads": [], "webhookStatuses": []}
