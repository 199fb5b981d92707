"""Method, media type, size, JSON, schema, answer and probes, bytes in and bytes out."""

import logging
from collections.abc import Callable
from typing import Any

import flask
import pytest

from cxfulfill import BadRequest, Context, Forbidden, HttpError, NotFound, Reply, Unauthorized, Unavailable
from cxfulfill.errors import ContentTooLarge, MethodNotAllowed, RequestTimeout, UnsupportedMediaType
from tests.pipeline.support import (
    CANARY,
    Counted,
    Finds,
    Unreadable,
    ask,
    body_of,
    post,
    raises,
    refused,
)  # fmt: skip

METHODS = ["GET", "PUT", "DELETE", "TRACE", "OPTIONS", "HEAD", "PATCH", "CONNECT", "BREW", "post"]
TEXT = {"Content-Type": "text/plain"}
CX_STATUSES = {200, 400, 401, 403, 404, 500, 503}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a065_other_methods(method: str, strict: bool) -> None:
    result = post(Counted(strict_cx_status=strict), method=method, stream=Unreadable())
    assert (result.status, result.headers["Allow"]) == (404 if strict else 405, "POST")
    assert (result.body == b"") == (method == "HEAD")
    assert int(result.headers["Content-Length"]) > 0


@pytest.mark.parametrize(
    "value", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
              "application/json;charset=latin-1", "application/problem+json", "application/json, text/plain"],
)  # fmt: skip
@pytest.mark.parametrize("strict", [False, True])
def test_a067_and_a069_other_media_types(value: str | None, strict: bool, caplog: pytest.LogCaptureFixture) -> None:
    status = 400 if strict else 415
    request: dict[str, Any] = {"headers": {"Content-Type": value}, "stream": Unreadable()}
    result = refused(Counted(strict_cx_status=strict), caplog, status, **request)
    assert result.headers["Accept"] == "application/json"


@pytest.mark.parametrize("value", ["APPLICATION/JSON; Charset=UTF-8", 'application/json ;charset="utf-8"'])
def test_a068_json_in_other_spellings(value: str) -> None:
    assert post(Counted(), headers={"Content-Type": value}).status == 200


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity", "x"])
def test_a070_content_codings(coding: str, caplog: pytest.LogCaptureFixture) -> None:
    result = refused(Counted(), caplog, 415, headers={"Content-Encoding": coding}, stream=Unreadable())
    assert result.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("path", ["", "/", "/other", "/webhook/", "//webhook", "/WEBHOOK", "/health/", "/webhook\n"])
def test_a071_an_unknown_path(path: str, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(Counted(), caplog, 404, path=path, stream=Unreadable()).reason == "unknown_path"


@pytest.mark.parametrize(("strict", "status"), [(False, 413), (True, 400)])
def test_a072_and_a074_over_the_limit(strict: bool, status: int, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(max_body=100, strict_cx_status=strict)
    refused(webhook, caplog, status, headers={"Content-Length": "101"}, stream=Unreadable())
    chunked: dict[str, Any] = {"headers": {"Content-Length": None}, "wsgi.input_terminated": True}
    result = refused(webhook, caplog, status, body=b"x" * 101, **chunked)
    assert result.reason == "body_too_large"


@pytest.mark.parametrize("length", [None, str(len(body_of()))])
def test_a073_exactly_at_the_limit(length: str | None) -> None:
    request: dict[str, Any] = {"headers": {"Content-Length": length}, "wsgi.input_terminated": True}
    assert post(Counted(max_body=len(body_of())), **request).status == 200
    assert post(Counted(max_body=len(body_of()) - 1), **request).status == 413


SYNTAX = (
    b"", b" ", b"{", b"{} x", b"{}{}", b'{"a":1,}', b"{'a':1}", b"{a:1}", b"{//\n}", b'{"a":01}', b'{"a":"\n"}',
    b'{"a":NaN}', b'{"a":Infinity}', b'{"a":-Infinity}', b"\xef\xbb\xbf" + body_of(), b"\xff\xfe{\x00}\x00",
)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        *[(body, "json_syntax") for body in SYNTAX],
        *[(body, "not_an_object") for body in (b"[]", b'"x"', b"null", b"1", b"true")],
        (b'{"fulfillmentInfo":{"tag":"count"},"fulfillmentInfo":{"tag":"count"}}', "json_duplicate_member"),
        (b'{"sessionInfo":{"parameters":{"a":1,"\\u0061":1}}}', "json_duplicate_member"),
        (b'{"a":-1e400}', "json_number_out_of_range"),
        *[(b'{"a":"%b"}' % text, "json_not_utf8") for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xc3")],
        (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "json_too_deep"),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, "json_too_deep"),
        (b'{"a":"\\ud800"}', "json_lone_surrogate"),
    ],
)  # fmt: skip
def test_a078_to_a083_and_a085_strict_json(body: bytes, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    assert refused(Counted(), caplog, 400, body=body).reason == reason


def test_a084_sixty_four_levels() -> None:
    inner = b"[" * 62 + b"]" * 62
    assert post(Counted(), b'{"fulfillmentInfo":{"tag":"count"},"payload":{"deep":%b}}' % inner).status == 200


@pytest.mark.parametrize("number", [9007199254740993, -(2**63) - 1, 10**40])
def test_a087_integers_stay_exact(number: int) -> None:
    assert b'"n":%d}' % number in ask(Counted(), "echo", n=number).body


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (b"{}", "fulfillmentInfo.tag"), (b'{"fulfillmentInfo":null}', "fulfillmentInfo.tag"),
        (b'{"fulfillmentInfo":{}}', "fulfillmentInfo.tag"), (b'{"fulfillmentInfo":[]}', "fulfillmentInfo"),
        (b'{"fulfillmentInfo":{"tag":""}}', "fulfillmentInfo.tag"), (b'{"text":5}', "text"),
        (b'{"fulfillmentInfo":{"tag":5}}', "fulfillmentInfo.tag"), (b'{"messages":{}}', "messages"),
        (b'{"intentInfo":{"parameters":{"CANARY":1}}}', "intentInfo.parameters.*"),
    ],
)  # fmt: skip
def test_a088_no_tag_or_another_shape(part: bytes, place: str, caplog: pytest.LogCaptureFixture) -> None:
    detail = refused(Counted(), caplog, 400, body=part).json["detail"]
    assert detail.startswith(f"{place}: ")
    assert "CANARY" not in detail


def test_a089_unknown_members_everywhere() -> None:
    x = b'"x":{"y":[null]}'
    body = (
        b'{%b,"fulfillmentInfo":{"tag":"count",%b},"sessionInfo":{%b},"intentInfo":{%b,"parameters":{"p":{%b}}},'
        b'"pageInfo":{%b,"formInfo":{%b,"parameterInfo":[{%b}]}},"messages":[{%b}],"languageInfo":{%b},'
        b'"sentimentAnalysisResult":{%b}}' % ((x,) * 11)
    )
    assert post(Counted(), body).status == 200


def test_a090_an_unknown_tag(caplog: pytest.LogCaptureFixture) -> None:
    result = refused(Counted(), caplog, 404, body=body_of(CANARY))
    assert result.reason == "unknown_tag"
    assert CANARY not in result.body.decode()
    assert f'tag="{CANARY}"' in caplog.text


def test_a091_null_list_and_object_parameters() -> None:
    values: dict[str, Any] = {"a": None, "b": [1, {"c": None}, []], "d": {}, "": "e"}
    assert ask(Counted(), "echo", **values).json["sessionInfo"]["parameters"] == values


@pytest.mark.parametrize("part", [b"", b',"sessionInfo":null', b',"sessionInfo":{"parameters":null,"session":null}'])
def test_a092_no_session(part: bytes) -> None:
    assert post(Counted(), b'{"fulfillmentInfo":{"tag":"echo"}%b}' % part).json == {}


FRAME = len('{"fulfillmentResponse":{"messages":[{"text":{"text":[""]}}]}}')


@pytest.mark.parametrize(
    ("text", "size"),
    [("x" * (65_536 - FRAME), 65_536), ("x" * (65_537 - FRAME), 65_537), ("é" * 40_000, 80_000 + FRAME),
     ("é" * 32_000, 64_000 + FRAME), ('"' * 32_000, 64_000 + FRAME), ("\x01" * 20_000, 120_000 + FRAME)],
    ids=str,
)  # fmt: skip
def test_a093_and_a094_bytes_of_an_answer(text: str, size: int, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    webhook.add_handler("say", lambda ctx: text)
    result = ask(webhook, "say")
    if size <= 65_536:
        assert (result.status, len(result.body), result.headers["Content-Length"]) == (200, size, str(size))
    else:
        assert (result.status, result.reason) == (500, "refused_reply")
        assert f"{size} bytes" in caplog.text


@pytest.mark.parametrize("answer", [None, {"a"}, object(), float("nan"), {}, 5, b"x", True, ["x"], CANARY.encode()])
def test_a095_what_a_handler_returns(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    webhook.add_handler("return", lambda ctx: answer)
    if answer is None:
        assert ask(webhook, "return").body == b"{}"
    else:
        assert refused(webhook, caplog, 500, level=logging.INFO, body=body_of("return")).reason == "refused_reply"
        assert f"is of type {type(answer).__name__}" in caplog.text
        assert CANARY not in caplog.text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, "\ud800", {"\ud800": 1}])
def test_a095_what_stands_in_an_answer(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    webhook.add_handler("return", lambda ctx: Reply(parameters={"room": [value]}))
    assert refused(webhook, caplog, 500, level=logging.INFO, body=body_of("return")).reason == "refused_reply"
    assert "sessionInfo.parameters.room" in caplog.text


@pytest.mark.parametrize("error", [ValueError(f"db password={CANARY}"), KeyError(CANARY), StopIteration(CANARY),
                                   RecursionError(CANARY), HttpError(CANARY), OSError(5, CANARY)])  # fmt: skip
def test_a096_an_exception_tells_nothing(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    webhook.add_handler("fail", raises(error))
    result = refused(webhook, caplog, 500, level=logging.INFO, body=body_of("fail"))
    assert result.reason == "internal"
    assert CANARY not in result.body.decode() + caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(Unavailable(CANARY, retry_after=7), 503), (BadRequest(CANARY), 400), (Forbidden(CANARY), 403),
     (NotFound(CANARY), 404), (Unauthorized("Own"), 401)],
)  # fmt: skip
def test_a097_errors_that_a_handler_means(error: HttpError, status: int, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    webhook.add_handler("fail", raises(error))
    result = refused(webhook, caplog, status, level=logging.INFO, body=body_of("fail"))
    assert CANARY not in result.body.decode() + caplog.text
    assert result.headers.get("Retry-After") == ("7" if status == 503 else None)


class Teapot(HttpError):
    status = 418


class Fine(HttpError):
    status = 200


class Unknown(HttpError):
    status = 299


OTHERS = [
    MethodNotAllowed("GET"),
    RequestTimeout(),
    ContentTooLarge(),
    UnsupportedMediaType(),
    Teapot(),
    Fine(),
    Unknown(),
]


def fails_in_handler(error: HttpError) -> Counted:
    webhook = Counted()
    webhook.add_handler("fail", raises(error))
    return webhook


def fails_in_error_handler(error: HttpError) -> Counted:
    webhook = fails_in_handler(NotFound())

    def again(ctx: Context, _: Exception) -> None:
        raise error

    webhook.on_error(NotFound)(again)
    return webhook


@pytest.mark.parametrize("build", [fails_in_handler, fails_in_error_handler])
@pytest.mark.parametrize("error", OTHERS, ids=lambda error: type(error).__name__)
def test_a099_only_the_statuses_of_cx_leave_a_handler(
    build: Callable[[HttpError], Counted], error: HttpError, caplog: pytest.LogCaptureFixture
) -> None:
    refused(build(error), caplog, 500, level=logging.INFO, body=body_of("fail"))


@pytest.mark.parametrize("error", [Teapot(), Fine(), Unknown()], ids=lambda error: type(error).__name__)
def test_a099_only_the_statuses_of_cx_leave_an_authenticator(
    error: HttpError, caplog: pytest.LogCaptureFixture
) -> None:
    refused(Counted(Finds(error)), caplog, 500, level=logging.INFO, stream=Unreadable())


@pytest.mark.parametrize("act", [lambda ctx: flask.abort(418), lambda ctx: flask.abort(flask.redirect("/x")),
                                 lambda ctx: flask.redirect("/x"), lambda ctx: ("text", 302)])  # fmt: skip
def test_a099_flasks_ways_out_are_closed(act: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    webhook.add_handler("fail", act)
    assert "Location" not in refused(webhook, caplog, 500, body=body_of("fail")).headers
