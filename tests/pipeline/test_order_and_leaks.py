"""Which refusal comes first, what the probes tell, and where nothing of a call may show."""

import json
import logging
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from cxfulfill import AllOf, AnyOf, CloudLoggingFormatter, Context, Principal, Reply, ReplyError, Unauthorized
from tests.clock import Clock
from tests.pipeline.support import (
    CANARY,
    GOOD,
    MEMBER,
    Counted,
    Finds,
    Unreadable,
    app_b,
    body_of,
    post,
    raises,
    refused,
)  # fmt: skip

FAULTS: list[tuple[dict[str, Any], int]] = [
    ({"path": "/other"}, 404),
    ({"method": "GET"}, 405),
    ({"headers": {"Content-Length": "101"}}, 413),
    ({"headers": {"Authorization": None}}, 401),
    ({"headers": {"Content-Type": "text/plain"}}, 415),
    ({"body": b"{"}, 400),
    ({"body": body_of("unknown")}, 404),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_the_order_of_refusals(first: int, caplog: pytest.LogCaptureFixture) -> None:
    request: dict[str, Any] = {"headers": {}}
    for fault, _ in reversed(FAULTS[first:]):
        request |= {name: value for name, value in fault.items() if name != "headers"}
        request["headers"] |= fault.get("headers", {})
    if FAULTS[first][1] not in (400, 404) or first == 0:
        request["stream"] = Unreadable()
    refused(Counted(max_body=100), caplog, FAULTS[first][1], **request)


@pytest.mark.parametrize("strict", [False, True])
def test_a124_and_a125_health(strict: bool) -> None:
    webhook = Counted(Finds(Unauthorized("Own")), strict_cx_status=strict)
    probe: dict[str, Any] = {"path": "/health", "stream": Unreadable(), "headers": {"Authorization": None}}
    result = post(webhook, method="GET", **probe)
    assert (result.status, result.body) == (200, b'{"status":"ok"}')
    head = post(webhook, method="HEAD", **probe)
    assert (head.status, head.body, head.headers) == (200, b"", result.headers)
    for method in ("POST", "PUT", "OPTIONS", "DELETE"):
        other = post(webhook, method=method, **probe)
        assert (other.status, other.headers["Allow"]) == (404 if strict else 405, "GET, HEAD")
        assert other.headers["Content-Type"] == "application/problem+json"


class Readying(Finds):
    def __init__(self, answer: bool | Exception) -> None:
        super().__init__(MEMBER)
        self.answer = answer

    def ready(self) -> bool:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("around", [lambda part: part, lambda part: AllOf(app_b(), part), AnyOf])
@pytest.mark.parametrize(("answer", "status"), [(True, 200), (False, 503), (RuntimeError(CANARY), 503)])
def test_ready_asks_the_authenticator(answer: bool | Exception, status: int, around: Any) -> None:
    webhook = Counted(around(Readying(answer)))
    result = post(webhook, method="GET", path="/ready", stream=Unreadable(), headers={"Authorization": None})
    assert result.status == status
    assert result.json == {
        "status": "ready" if status == 200 else "not ready",
        "parts": {"handlers": True, "store": True, "auth": status == 200},
    }  # fmt: skip
    assert post(webhook, method="HEAD", path="/ready").body == b""


def test_a_webhook_without_such_an_authenticator_is_ready() -> None:
    result = post(Counted(), method="GET", path="/ready")
    assert (result.status, result.json) == (200, {"status": "ready", "parts": {"handlers": True, "store": True}})


PAGE = f"projects/p/locations/l/agents/a/flows/f/pages/{CANARY}"
EVERY_FIELD: dict[str, Any] = {
    "detectIntentResponseId": CANARY, "text": CANARY, "transcript": CANARY, "triggerIntent": CANARY,
    "triggerEvent": CANARY, "dtmfDigits": CANARY, "languageCode": CANARY, CANARY: CANARY,
    "languageInfo": {"inputLanguageCode": CANARY, "resolvedLanguageCode": CANARY, CANARY: CANARY},
    "payload": {CANARY: CANARY, "telephony": {"caller_id": CANARY}},
    "intentInfo": {"lastMatchedIntent": CANARY, "displayName": CANARY, CANARY: CANARY,
                   "parameters": {CANARY: {"originalValue": CANARY, "resolvedValue": {CANARY: CANARY}}}},
    "pageInfo": {"currentPage": PAGE, "displayName": CANARY,
                 "formInfo": {"parameterInfo": [{"displayName": CANARY, "state": CANARY, "value": CANARY}]}},
    "sessionInfo": {"session": f"projects/p/locations/l/agents/a/sessions/{CANARY}",
                    "parameters": {CANARY: CANARY, "nights": CANARY}},
    "messages": [{"text": {"text": [CANARY]}, "payload": {CANARY: CANARY}, "channel": CANARY, CANARY: CANARY}],
    "sentimentAnalysisResult": {"score": 0.5, CANARY: CANARY},
}  # fmt: skip
HEADERS = dict.fromkeys(["Cookie", "X-Any", "X-Cloud-Trace-Context", "Traceparent", "User-Agent", "Referer"], CANARY)


class Stay(BaseModel):
    nights: int


class Typed(BaseModel):
    """Parameters whose unnamed members have a type."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, int]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


def refuses(ctx: Context) -> Reply:
    return Reply(parameters={"room": {1, ctx.text}})


def built_wrongly(ctx: Context) -> Reply:
    return Reply(target_page=ctx.text)


def looks(ctx: Context) -> None:
    for shown in (repr(ctx), repr(ctx.http), repr(ctx.http.headers), repr(ctx.http.body), repr(ctx.deadline)):
        assert CANARY not in shown
        ctx.log.warning("looked at %s", shown)


@pytest.mark.parametrize("authorization", [GOOD, f"Basic {CANARY}", CANARY])
@pytest.mark.parametrize(
    ("tag", "handler", "params"),
    [("looks", looks, None), ("refuses", refuses, None), ("built", built_wrongly, None), (CANARY, None, None),
     ("fails", raises(ValueError(CANARY)), None),
     *[("typed", lambda ctx, params: None, kind) for kind in (Stay, Typed, Closed)]],
)  # fmt: skip
def test_a114_and_a115_a_canary_shows_nowhere(
    authorization: str, tag: str, handler: Any, params: Any, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = Counted()
    if handler:
        webhook.add_handler(tag, handler, params=params)
    body = json.dumps({**EVERY_FIELD, "fulfillmentInfo": {"tag": tag, CANARY: CANARY}}).encode()
    with caplog.at_level(logging.INFO):
        result = post(webhook, body, headers={**HEADERS, "Authorization": authorization}, query=f"q={CANARY}")
    shown = caplog.text.replace(f'tag="{CANARY}"', "the tag is logged by design")
    lines = [json.loads(CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "p"}).format(each)) for each in caplog.records]
    shown += str([{**line, "tag": "", "message": ""} for line in lines])
    assert CANARY not in result.body.decode() + str(result.headers) + shown
    assert len([record for record in caplog.records if record.name == "cxfulfill"]) == 1


@pytest.mark.parametrize("name", sorted(EVERY_FIELD))
@pytest.mark.parametrize("value", [[CANARY], {CANARY: [CANARY]}, CANARY, {"parameters": {CANARY: CANARY}}])
def test_a_canary_in_a_field_of_another_shape(name: str, value: Any, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"fulfillmentInfo": {"tag": "count"}, name: value}).encode()
    with caplog.at_level(logging.DEBUG):
        result = post(Counted(), body)
    assert result.status in (200, 400)
    if result.status == 400:
        assert CANARY not in result.body.decode() + caplog.text


def test_a_reply_error_shows_no_value() -> None:
    for wrong in ({"parameters": {"room": {CANARY}}}, {"target_page": CANARY}):
        with pytest.raises(ReplyError) as raised:
            Reply(**wrong)
        assert CANARY not in f"{raised.value} {raised.value!r}"


@pytest.mark.parametrize("tag", ["a\r\nstatus=200", "\u2028", "\x1b[31m", '" status=200', "\x00", "é", "x" * 10_000])
def test_a116_a_tag_is_one_line(tag: str, caplog: pytest.LogCaptureFixture) -> None:
    refused(Counted(), caplog, 404, body=body_of(tag))
    line = caplog.records[0].getMessage()
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 400
    assert line.count(" status=200") == line.count('\\" status=200')


def test_a_principal_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"):
        post(Counted(Finds(Principal("a\r\nb", "own"))))
    [record] = caplog.records
    assert 'principal="a\\r\\nb" tag="count"' in record.getMessage()


def test_a_call_that_is_well_is_one_line_at_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "cxfulfill"):
        post(Counted(new_id=lambda: "id-1", clock=Clock()))
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        'status=200 reason=ok request_id=id-1 principal="cx" tag="count" outcome=ok '
        "ms=0.0 auth_ms=0.0 store_ms=0.0 handler_ms=0.0 in=72 out=2"
    )


@pytest.mark.parametrize("headers", [{"X-Request-Id": CANARY}, {"X-Cloud-Trace-Context": "x" * 10_000}])
def test_a117_an_id_from_outside_is_ignored(headers: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    result = refused(Counted(new_id=lambda: "id-1"), caplog, 400, body=b"{", headers=headers)
    assert result.json["instance"] == "/requests/id-1"
    assert result.headers["Cache-Control"] == "no-store"
    assert result.headers["X-Content-Type-Options"] == "nosniff"
