"""The attack cases of method, media type, size, JSON and schema, in process."""

import logging
from typing import Any

import flask
import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from cxfulfill import (
    AllOf,
    AnyOf,
    BasicAuth,
    Forbidden,
    HttpRequest,
    NotFound,
    Principal,
    Reply,
    Unauthorized,
    Unavailable,
    Webhook,
)
from cxfulfill.errors import MethodNotAllowed
from cxfulfill.server.flask import create_app
from tests.cases.client import App, Unreadable, call

TERMINATED: dict[str, Any] = {"wsgi.input_terminated": True}
METHODS = ["GET", "PUT", "DELETE", "TRACE", "OPTIONS", "HEAD", "PATCH", "BREW"]


@pytest.mark.parametrize("method", METHODS)
def test_a065_other_methods(method: str) -> None:
    app = App()
    answer = app.post(method=method, authorization=None, stream=Unreadable())
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert bool(answer.body) == (method != "HEAD")
    assert App(strict_cx_status=True).post(method=method).status == 404


def test_a066_a_method_override_is_ignored() -> None:
    assert App().post(HTTP_X_HTTP_METHOD_OVERRIDE="DELETE").status == 200


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
def test_a067_other_media_types(media_type: str | None) -> None:
    answer = App().post(CONTENT_TYPE=media_type)
    assert (answer.status, answer.headers["Accept"]) == (415, "application/json")
    assert App(strict_cx_status=True).post(CONTENT_TYPE=media_type).status == 400


@pytest.mark.parametrize(
    "media_type", ["APPLICATION/JSON; Charset=UTF-8", 'application/json;charset="utf-8"', " application/json "]
)
def test_a068_json_in_other_spellings(media_type: str) -> None:
    assert App().post(CONTENT_TYPE=media_type).status == 200


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "utf-8x"])
def test_a069_other_charsets(charset: str) -> None:
    assert App().post(CONTENT_TYPE=f"application/json; charset={charset}").status == 415


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip"])
def test_a070_content_codings(coding: str) -> None:
    answer = App().post(HTTP_CONTENT_ENCODING=coding)
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "identity")
    assert App().post(HTTP_CONTENT_ENCODING="Identity").status == 200


def test_a071_an_unknown_path() -> None:
    answer = App().post(path="/other", authorization=None, stream=Unreadable())
    assert (answer.status, answer.reason) == (404, "unknown_path")


def test_a072_declared_over_the_limit() -> None:
    answer = App(max_body=100).post(CONTENT_LENGTH="101", authorization=None, stream=Unreadable())
    assert (answer.status, answer.reason) == (413, "body_too_large")


def test_a073_exactly_at_the_limit() -> None:
    body = b'{"fulfillmentInfo":{"tag":"echo"}}'
    assert App(max_body=len(body)).post(body).status == 200
    assert App(max_body=len(body) - 1).post(body).status == 413


def test_a074_over_the_limit_without_a_length() -> None:
    app = App(max_body=100)
    answer = app.post(b"x" * 101, CONTENT_LENGTH=None, **TERMINATED)
    assert (answer.status, app.runs) == (413, [])


@pytest.mark.parametrize("length", ["+5", "0x5", "5,5", "-1", "5 ", "\u0665", "9" * 19])
def test_a075_a_length_that_is_no_row_of_digits(length: str) -> None:
    answer = App().post(CONTENT_LENGTH=length, authorization=None, stream=Unreadable())
    assert (answer.status, answer.reason) == (400, "content_length")


def test_a_body_without_length_or_end_is_no_body() -> None:
    assert App().post(CONTENT_LENGTH=None, stream=Unreadable()).reason == "json_syntax"


def test_a_body_that_breaks_off_runs_no_handler() -> None:
    app = App()
    body = b'{"fulfillmentInfo":{"tag":"echo"}}'
    assert app.post(body, CONTENT_LENGTH=str(len(body) + 1)).reason == "incomplete_body"
    assert app.post(body, stream=Unreadable()).reason == "incomplete_body"
    assert app.runs == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "json_syntax"),
        *[(body, "json_syntax") for body in ( b"{", b"{} x", b'{"a":1,}', b"{'a':1}", b"\xef\xbb\xbf{}", b"{//\n}")],
        *[(body, "not_an_object") for body in (b"[]", b'"x"', b"null", b"1")],
        *[(b'{"a":%b}' % value, "json_syntax") for value in (b"NaN", b"Infinity", b"-Infinity")],
        (b'{"a":1e400}', "json_number_out_of_range"),
        (b'{"a":1,"a":2}', "json_duplicate_member"),
        (b'{"b":{"a":1,"\\u0061":2}}', "json_duplicate_member"),
        (b'{"a":"\xff"}', "json_not_utf8"),
        (b'{"a":"\xc0\x80"}', "json_not_utf8"),
        (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", "json_too_deep"),
        (b'{"a":"\\ud800"}', "json_lone_surrogate"),
    ],
)  # fmt: skip
def test_a078_to_a085_strict_json(body: bytes, reason: str) -> None:
    app = App()
    answer = app.post(body)
    assert (answer.status, answer.reason, app.runs) == (400, reason, [])


def test_a084_sixty_four_levels() -> None:
    nested = "[" * 60 + "]" * 60
    assert App().post(f'{{"fulfillmentInfo":{{"tag":"echo"}},"payload":{{"x":{nested}}}}}').status == 200


def test_a087_large_integers_stay_exact() -> None:
    answer = App().post(call(n=9007199254740993))
    assert b'"n":9007199254740993' in answer.body


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "fulfillmentInfo.tag"),
        ({"fulfillmentInfo": None}, "fulfillmentInfo.tag"),
        ({"fulfillmentInfo": {}}, "fulfillmentInfo.tag"),
        ({"fulfillmentInfo": {"tag": ""}}, "fulfillmentInfo.tag"),
        ({"fulfillmentInfo": {"tag": 5}}, "fulfillmentInfo.tag: must be text"),
        ({"fulfillmentInfo": "echo"}, "fulfillmentInfo: must be an object"),
    ],
)
def test_a088_no_tag(body: dict[str, Any], detail: str) -> None:
    answer = App().post(body)
    assert answer.status == 400
    assert answer.json["detail"].startswith(detail)


def test_a089_unknown_members_everywhere() -> None:
    extra: dict[str, Any] = {"x": [1]}
    body = {**call(), **extra, "pageInfo": {"formInfo": {"parameterInfo": [{**extra}], **extra}, **extra}}
    assert App().post({**body, "messages": [{"source": "VIRTUAL_AGENT", **extra}]}).status == 200


def test_a090_an_unknown_tag(caplog: pytest.LogCaptureFixture) -> None:
    answer = App().post(call("no-such-tag"))
    assert (answer.status, answer.reason) == (404, "unknown_tag")
    assert b"no-such-tag" not in answer.body
    assert 'tag="no-such-tag"' in caplog.text


def test_a091_null_list_and_object_parameters() -> None:
    values: dict[str, Any] = {"a": None, "b": [1, {"c": None}], "d": {"e": "f"}}
    assert App().post(call(**values)).json["sessionInfo"]["parameters"] == values


@pytest.mark.parametrize("session", [{}, {"sessionInfo": None}, {"sessionInfo": {"parameters": None}}])
def test_a092_no_session(session: dict[str, Any]) -> None:
    assert App().post({"fulfillmentInfo": {"tag": "echo"}, **session}).json == {}


def test_a093_the_largest_answer(caplog: pytest.LogCaptureFixture) -> None:
    frame = len('{"fulfillmentResponse":{"messages":[{"text":{"text":[""]}}]}}')
    app = App()
    app.add("fits", lambda ctx: "x" * (65_536 - frame))
    app.add("over", lambda ctx: "x" * (65_537 - frame))
    fits = app.post(call("fits"))
    assert (fits.status, len(fits.body)) == (200, 65_536)
    assert app.post(call("over")).reason == "refused_reply"
    assert "65537 bytes on the wire" in caplog.text


def test_a094_bytes_count_and_not_characters() -> None:
    app = App()
    app.add("accents", lambda ctx: "é" * 40_000)
    assert app.post(call("accents")).status == 500


@pytest.mark.parametrize(
    ("value", "status"),
    [(None, 200), ({"a"}, 500), (object(), 500), (float("nan"), 500), ({"a": 1}, 500), (5, 500), (b"x", 500)],
)
def test_a095_what_a_handler_returns(value: object, status: int) -> None:
    app = App()
    app.add("value", lambda ctx: value)
    answer = app.post(call("value"))
    assert answer.status == status
    assert answer.json == {} if status == 200 else answer.reason == "refused_reply"
    app = App()
    app.add("inside", lambda ctx: Reply(parameters={"room": {"price": float("inf")}}))
    assert app.post(call("inside")).reason == "refused_reply"


def test_a096_an_exception_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fails(ctx: object) -> None:
        raise ValueError("db password=hunter2")

    app = App()
    app.add("fails", fails)
    with caplog.at_level(logging.INFO, "cxfulfill"):
        answer = app.post(call("fails"))
    assert (answer.status, answer.reason) == (500, "internal")
    assert b"hunter2" not in answer.body
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "error=ValueError" in record.getMessage()
    assert "test_http.py" in record.getMessage()
    assert "hunter2" not in caplog.text


def test_a097_unavailable() -> None:
    def fails(ctx: object) -> None:
        raise Unavailable("the database is down", retry_after=7, reason="no_database")

    app = App()
    app.add("fails", fails)
    answer = app.post(call("fails"))
    assert (answer.status, answer.headers["Retry-After"], answer.reason) == (503, "7", "no_database")
    assert b"database is down" not in answer.body


@pytest.mark.parametrize(("kind", "status"), [(Forbidden, 403), (NotFound, 404)])
def test_other_errors_of_a_handler(kind: type[Exception], status: int) -> None:
    def fails(ctx: object) -> None:
        raise kind("said by nobody")

    app = App()
    app.add("fails", fails)
    answer = app.post(call("fails"))
    assert answer.status == status
    assert answer.json.keys() == {"type", "title", "status", "reason", "instance"}


def test_a099_only_the_statuses_of_cx_leave() -> None:
    app = App()
    app.add("teapot", lambda ctx: flask.abort(418))
    app.add("redirect", lambda ctx: flask.redirect("/elsewhere"))
    assert app.post(call("teapot")).status == 500
    assert app.post(call("redirect")).status == 500


def test_a114_and_a115_nothing_of_a_call_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    canary = "canary-77b0"
    body = {
        **call(phone=canary), "text": canary, "payload": {"telephony": {"caller_id": canary}},
        "intentInfo": {"displayName": canary}, "messages": [{"text": {"text": [canary]}}],
    }  # fmt: skip
    app = App()
    app.add("fails", lambda ctx: Reply(parameters={"x": object()}))
    with caplog.at_level(logging.DEBUG, "cxfulfill"):
        app.post(body, HTTP_COOKIE=canary, HTTP_X_ANY=canary, QUERY_STRING=canary)
        app.post({**body, "fulfillmentInfo": {"tag": "fails"}}, HTTP_COOKIE=canary)
        app.post({**body, "pageInfo": canary})
        app.post(body, authorization=canary)
    assert len([record for record in caplog.records if "traceback" not in record.getMessage()]) == 4
    assert canary not in caplog.text


def test_a116_a_tag_with_line_ends_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    App().post(call("a\r\nstatus=200 \u2028 \x1b[31m"))
    [record] = caplog.records
    assert record.getMessage().isprintable()


def test_a124_and_a125_health() -> None:
    app = App()
    answer = app.post(method="GET", path="/health", authorization=None, stream=Unreadable())
    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert app.post(method="HEAD", path="/health").body == b""
    refused = app.post(path="/health")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_ready_tells_of_its_parts() -> None:
    class NotYet(BasicAuth):
        def ready(self) -> bool:
            return False

    assert App().post(method="GET", path="/ready").json == {"status": "ready", "parts": {"handlers": True}}
    waiting = App(NotYet("cx", "a-long-enough-password")).post(method="GET", path="/ready")
    assert waiting.status == 503
    assert waiting.json == {"status": "not ready", "parts": {"handlers": True, "auth": False}}


def test_ready_speaks_for_every_webhook_and_part() -> None:
    class NotYet(BasicAuth):
        def ready(self) -> bool:
            raise RuntimeError

    good, waiting = BasicAuth("cx", "a-long-enough-password"), NotYet("cx", "a-long-enough-password")
    webhooks = [Webhook(auth=good), Webhook(auth=AnyOf(good, AllOf(waiting)), path="/other")]
    probe = create_app(*webhooks).test_client()
    assert (probe.get("/ready").status_code, probe.get("/health").status_code) == (503, 200)
    assert create_app(webhooks[0]).test_client().get("/ready").status_code == 200


def test_a_principal_is_the_only_yes() -> None:
    class Sloppy:
        def authenticate(self, http: HttpRequest) -> Any:
            return None

    for auth in (Sloppy(), AllOf(AllowedAsIs(), Sloppy()), AnyOf(Sloppy())):
        app = App(auth)
        assert (app.post().status, app.runs) == (500, [])


class AllowedAsIs:
    blocking = False
    credential_headers = frozenset({"X-Mixed"})

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal("anybody", "test")


def test_headers_are_hidden_in_any_case() -> None:
    app = App(AllowedAsIs())
    app.add("look", lambda ctx: ctx.http.headers["x-mixed"])
    assert b"[redacted]" in app.post(call("look"), HTTP_X_MIXED="secret").body


def test_a_401_has_a_challenge_even_if_none_was_given() -> None:
    class Bare:
        def authenticate(self, http: HttpRequest) -> Principal:
            raise Unauthorized

    assert App(Bare()).post().headers["WWW-Authenticate"] == 'Bearer realm="webhook"'


def test_a_transport_status_does_not_leave_a_handler() -> None:
    def fails(ctx: object) -> None:
        raise MethodNotAllowed("POST")

    async def leaves(ctx: object) -> None:
        raise SystemExit(3)

    app = App()
    app.add("fails", fails)
    app.webhook.add_handler("leaves", leaves)
    assert app.post(call("fails")).reason == "undocumented_status"

    class Odd:
        def authenticate(self, http: HttpRequest) -> Principal:
            raise MethodNotAllowed("POST")

    assert App(Odd()).post(stream=Unreadable()).reason == "undocumented_status"
    assert [app.post(call("leaves")).status, app.post(call("leaves")).status] == [500, 500]
    app.webhook.close()


def test_names_that_came_with_the_call_are_not_repeated() -> None:
    class Extra(BaseModel):
        model_config = ConfigDict(extra="allow")
        __pydantic_extra__: dict[str, int] = Field(init=False)
        nights: int = Field(validation_alias=AliasChoices("nights", "stay"))

    app = App()
    app.webhook.add_handler("t", lambda ctx, params: None, params=Extra)
    detail = app.post(call("t", canary="x")).json["detail"]
    assert "canary" not in detail
    assert "nights (missing)" in detail


def test_the_order_of_refusals() -> None:
    app = App(max_body=100)
    wrong = {"authorization": "Basic x", "CONTENT_TYPE": "text/plain"}
    assert app.post(b"{", method="GET", CONTENT_LENGTH="101", **wrong).status == 405
    assert app.post(b"{", CONTENT_LENGTH="101", **wrong).status == 413
    assert app.post(b"{", **wrong).status == 401
    assert app.post(b"{", CONTENT_TYPE="text/plain").status == 415
    assert app.post(b"{").status == 400


def test_any_of_and_several_refusals() -> None:
    class Knows:
        blocking = False

        def __init__(self, error: Exception) -> None:
            self.error = error

        def authenticate(self, http: HttpRequest) -> Principal:
            raise self.error

    one = BasicAuth("cx", "a-long-enough-password")
    assert App(AnyOf(one, Knows(Forbidden()))).post().status == 403
    assert App(AnyOf(Knows(Forbidden()), Knows(Unavailable()))).post().status == 503
    assert App(AnyOf(one, one)).post().headers["WWW-Authenticate"] == one.challenge
