"""What attackers of flexible webhooks and schemas have found: each serious finding as a test."""

import itertools
import json
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any

import flask
import pytest
from marshmallow import Schema, pre_load
from marshmallow import fields as ma
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from cxfulfill import (
    BadRequest,
    ConfigurationError,
    Context,
    FlexibleContext,
    HeaderSecret,
    ParameterError,
    Reply,
    ReplyError,
    Router,
    Webhook,
)
from cxfulfill.paths import Paths
from cxfulfill.server.flask import blueprint, create_app
from tests.pipeline.support import CANARY, Result, app_b, basic, post
from tests.pipeline.test_flexible import get, keyed, send

ONE, OTHER = "m8Rr4Yb6cNn1Hd3Gs9bb", "q7Uu2Ee5oKk8Vv6Xz4cc"
GOOD = {"Authorization": basic("cx:pä:ss")}


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with closing(Webhook(auth=app_b())) as made:
        yield made


class Payment(BaseModel):
    amount: int
    order_id: str = "o"


@pytest.mark.parametrize("own_key", [None, "order_id"])
def test_another_method_or_path_is_another_call(webhook: Webhook, own_key: str | None) -> None:
    ran: list[tuple[str, str]] = []

    @webhook.flexible("/shops/<shop>/orders", methods=["POST", "PUT"], idempotency_key=own_key)
    def pay(ctx: FlexibleContext, payment: Payment) -> str:
        ran.append((ctx.http.method, ctx.path["shop"]))
        return ctx.path["shop"]  # type: ignore[no-any-return]

    def call(shop: str, method: str) -> Result:
        return send(webhook, f"/shops/{shop}/orders", {"amount": 5}, method, headers=keyed("k"))

    assert call("a", "POST").json == "a"
    assert call("b", "POST").reason == "key_reused"
    assert call("a", "PUT").json == "a"
    assert call("a", "POST").headers["Idempotent-Replayed"] == "true"
    assert ran == [("POST", "a"), ("PUT", "a")]


def test_another_body_of_any_kind_is_another_use_of_the_key(webhook: Webhook) -> None:
    webhook.add_flexible("/bulk", lambda ctx: ctx.body)
    webhook.add_flexible("/own", lambda ctx: ctx.body, idempotency_key=lambda ctx: "k")
    for path in ("/bulk", "/own"):
        assert send(webhook, path, [1], headers=keyed("k")).json == [1]
        assert send(webhook, path, [2], headers=keyed("k")).reason == "key_reused"
        assert send(webhook, path, [1], query="a=1", headers=keyed("k")).reason == "key_reused"


CLOCK = itertools.count()


class Stamped(BaseModel):
    a: int
    at: int

    @model_validator(mode="before")
    @classmethod
    def stamp(cls, data: Any) -> Any:
        data["at"] = next(CLOCK)
        return data


class StampedSchema(Schema):
    a = ma.Integer()
    first = ma.String()

    @pre_load
    def shorten(self, data: Any, **_: Any) -> Any:
        data["first"] = data.pop("full", "Ann").split()[0] + str(next(CLOCK))
        return data


@pytest.mark.parametrize("kind", [Stamped, StampedSchema])
def test_validators_that_change_their_input_do_not_change_the_key(webhook: Webhook, kind: Any) -> None:
    ran: list[Any] = []

    def handler(ctx: Any, params: Any) -> Any:
        ran.append(params)
        return "ok"

    webhook.add_handler("t", handler, params=kind)
    webhook.add_flexible("/t", handler, params=kind)
    body = {
        "detectIntentResponseId": "r",
        "fulfillmentInfo": {"tag": "t"},
        "sessionInfo": {"session": "projects/p/locations/l/agents/a/sessions/s", "parameters": {"a": 1}},
    }
    for _ in range(2):
        assert post(webhook, json.dumps(body).encode()).status == 200
        assert send(webhook, "/t", {"a": 1, "full": "Ann Smith"}, headers=keyed("k")).status == 200
    assert len(ran) == 2
    assert send(webhook, "/t", {"a": 1, "full": "Ann Jones"}, headers=keyed("k")).reason == "key_reused"


@pytest.mark.parametrize(
    "path",
    ["/<a>-<b>-<c>.json", "/<path:a>/x/<path:b>/x/<path:c>", "/<path:a>/<b>-<c>", "/<int:a><int:b><float:c>"],
)
def test_patterns_that_take_long_to_match_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="takes too long to match"):
        Router().add_flexible(path, lambda ctx: None)
    Router().add_flexible("/<a>-<b>/<c>-<d>/<any(x,y):e><uuid:f>", lambda ctx: None)


def test_long_paths_are_not_matched(webhook: Webhook) -> None:
    webhook.add_flexible("/<a>-<b>", lambda ctx: "seen", methods=["GET"])
    assert get(webhook, "/" + "-" * 1_023).status == 200
    assert get(webhook, "/" + "-" * 1_024).status == 404
    assert get(webhook, "//a-b").status == 404


def wrong(value: str) -> str:
    raise ValueError(f"not {value}")


class Many(BaseModel):
    values: list[Annotated[str, AfterValidator(wrong)]] = []
    text: Annotated[str, AfterValidator(wrong)] = ""


def test_hundreds_of_thousands_of_errors_are_one(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook.add_flexible("/many", lambda ctx, many: None, params=Many)
    result = send(webhook, "/many", {"values": ["a"] * 1_001})
    assert result.json["detail"] == "Parameters do not fit: * (too_many_errors)."
    detail = "Parameters do not fit: values (value_error), text (value_error)."
    assert send(webhook, "/many", {"values": ["a"] * 900, "text": "b" * 1_000_000}).json["detail"] == detail


class Price(BaseModel):
    total: int


def test_an_answer_that_was_not_checked_is_refused(
    webhook: Webhook, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    def price(ctx: FlexibleContext) -> Price:
        made = Price(total=1)
        made.total = ctx.body["t"]
        return made

    webhook.add_flexible("/typed", price, response=Price)
    webhook.add_flexible("/plain", price)
    for path in ("/typed", "/plain"):
        result = send(webhook, path, {"t": CANARY})
        assert (result.status, result.reason) == (500, "refused_reply")
    assert not list(recwarn)
    assert CANARY not in caplog.text
    with pytest.raises(ReplyError, match=r"sessionInfo.parameters.p is a model that holds values of other types"):
        Reply(parameters={"p": Price.model_construct(total=CANARY)})  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["canary-joe@example.com", "4915112345678", "a b", "/a"])
def test_a_key_that_is_no_name_is_not_logged(webhook: Webhook, key: str, caplog: pytest.LogCaptureFixture) -> None:
    webhook.add_flexible("/plain", lambda ctx: {ctx.body["t"]: float("nan")})
    webhook.add_flexible("/typed", lambda ctx: {ctx.body["t"]: "text"}, response=dict[str, int])
    for path in ("/plain", "/typed"):
        assert send(webhook, path, {"t": key}).status == 500
    assert key not in caplog.text
    assert caplog.text.count("the handler's answer.* ") == 2


def test_the_path_is_in_no_repr(webhook: Webhook) -> None:
    webhook.add_flexible("/users/<name>", repr, methods=["GET"])
    assert CANARY not in get(webhook, f"/users/{CANARY}").json


def test_a_credential_of_one_route_reaches_no_other() -> None:
    webhook = Webhook(auth=HeaderSecret("X-App", ONE))
    webhook.add_flexible("/app", lambda ctx: dict(ctx.http.headers))
    webhook.add_flexible("/partner", lambda ctx: dict(ctx.http.headers), auth=HeaderSecret("X-Partner", OTHER))
    webhook.add_handler("t", lambda ctx: Reply(parameters=dict(ctx.http.headers)))
    both: dict[str, str | None] = {"X-App": ONE, "X-Partner": OTHER, "Authorization": None}
    for path in ("/app", "/partner"):
        headers = send(webhook, path, {}, headers=both).json
        assert headers["x-app"] == headers["x-partner"] == "[redacted]"
    standard = post(webhook, json.dumps({"fulfillmentInfo": {"tag": "t"}}).encode(), headers=both)
    assert standard.json["sessionInfo"]["parameters"]["x-partner"] == "[redacted]"
    webhook = Webhook(auth=HeaderSecret("X-App", ONE))
    webhook.add_flexible("/p", lambda ctx: None, auth=HeaderSecret("X-Partner", OTHER), headers={"X-App": "leak"})
    with pytest.raises(ConfigurationError, match="must not hold X-App"):
        webhook.check()
    webhook = Webhook(auth=HeaderSecret("Idempotency-Key", ONE))
    webhook.add_flexible("/p", lambda ctx: None)
    with pytest.raises(ConfigurationError, match="cannot hold a credential"):
        webhook.check()


@pytest.mark.parametrize("key", ["order-$session.params.id", "$session.params.a, $session.params.b"])
def test_a_key_with_an_unresolved_reference_is_none(webhook: Webhook, key: str) -> None:
    ran: list[int] = []

    def handler(ctx: FlexibleContext) -> int:
        ran.append(1)
        return len(ran)

    webhook.add_flexible("/header", handler)
    webhook.add_flexible("/own", handler, idempotency_key=lambda ctx: ctx.http.headers["X-Order"])
    for _ in range(2):
        send(webhook, "/header", {}, headers=keyed(key))
        send(webhook, "/own", {}, headers={"X-Order": key})
    assert len(ran) == 4


def test_a_key_made_of_a_credential_is_refused(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    webhook.add_flexible("/own", lambda ctx: 1, idempotency_key=lambda ctx: ctx.http.headers["authorization"])
    assert send(webhook, "/own", {}).status == 500
    assert "error=TypeError" in caplog.text


@pytest.mark.parametrize("kind", [dict, Annotated])
def test_doubles_are_keys_and_lists_are_none(webhook: Webhook, kind: Any) -> None:
    class Loose(BaseModel):
        id: Any

    webhook.add_flexible("/own", lambda ctx, p: 1, params=dict if kind is dict else Loose, idempotency_key="id")
    assert send(webhook, "/own", {"id": 17.0}).status == 200
    assert send(webhook, "/own", {"id": 17.0}).headers["Idempotent-Replayed"] == "true"
    others: list[Any] = [[1], True, 1.5, {}]
    for value in others:
        result = send(webhook, "/own", {"id": value})
        assert (result.status, "no_key" in result.json["detail"]) == (400, True)


class Times(Schema):
    delta = ma.TimeDelta()
    stamp = ma.DateTime(format="timestamp")


@pytest.mark.parametrize("name", ["delta", "stamp"])
def test_numbers_that_are_no_times_are_a_400(webhook: Webhook, name: str) -> None:
    webhook.add_flexible("/times", lambda ctx, times: None, params=Times)
    assert send(webhook, "/times", b'{"%s":%s}' % (name.encode(), b"9" * 400)).status == 400


@pytest.mark.parametrize("path", ["/<float:x>", "/<int:x>", "/<float(signed=True):x>"])
def test_numbers_that_no_json_holds_lead_nowhere(webhook: Webhook, path: str) -> None:
    webhook.add_flexible(path, lambda ctx: ctx.path["x"], methods=["GET"])
    number = "9" * 400 + (".5" if "float" in path else "")
    assert get(webhook, f"/{number}").status == 404
    if "signed" in path:
        assert get(webhook, f"/-{number}").status == 404


@pytest.mark.parametrize("path", ["/<int(min='a'):x>", "/<int(foo=1):x>", "/a//<x>", "//a", "/a?x=1", "/a#b", "/a%20b"])
def test_paths_that_would_fail_or_never_match_are_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no path as in Flask|matches no request"):
        Router().add_flexible(path, lambda ctx: None)


@pytest.mark.parametrize(
    ("first", "second"), [("/<x>", "/<default:y>"), ("/<x>", "/<string(length=2):y>"), ("/<int:x>", "/<int(min=3):y>")]
)
def test_patterns_that_differ_in_arguments_only_are_one(first: str, second: str) -> None:
    router = Router()
    router.add_flexible(first, lambda ctx: None)
    with pytest.raises(ConfigurationError, match="two handlers could answer"):
        router.add_flexible(second, lambda ctx: None)
    router.add_flexible("/a/<any(x,y):z>", lambda ctx: None)
    router.add_flexible("/a/<any(v,w):z>", lambda ctx: None)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": ["X-A"]},
        {"mapping": ["$.a"]},
        {"methods": None},
        {"timeout": "5"},
        {"timeout": True},
        {"headers": "X"},
    ],
)
def test_options_of_another_type_are_a_sentence(options: Any) -> None:
    with pytest.raises(ConfigurationError):
        Router().add_flexible("/a", lambda ctx: None, **options)


def test_the_root_is_taken_by_the_standard_webhook() -> None:
    for path in ("/", "/hook/"):
        webhook = Webhook(auth=app_b(), path=path)
        webhook.add_flexible(path, lambda ctx: None)
        with pytest.raises(ConfigurationError, match="is served otherwise"):
            webhook.check()


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")

    amount: int = 0


def test_a_body_cannot_stand_in_for_the_path(webhook: Webhook) -> None:
    webhook.add_flexible("/shops/<shop>", lambda ctx, extra: ctx.parameters, params=Extra)
    assert send(webhook, "/shops/5", {"shop": "evil"}).reason == "conflicting_parameter"
    assert send(webhook, "/shops/5", {"amount": 1}).json == {"amount": 1}


def test_a_query_is_escaped(webhook: Webhook) -> None:
    webhook.add_flexible("/q", lambda ctx: dict(ctx.query), methods=["GET"])
    for query in ("a=\xff", "a=ä"):
        assert get(webhook, "/q", query).reason == "query_syntax"


def secret(ctx: FlexibleContext) -> str:
    return f"secret of {ctx.principal.name}"


def test_the_most_specific_pattern_of_all_webhooks_wins() -> None:
    one, two = Webhook(auth=app_b()), Webhook(auth=HeaderSecret("X-Key", ONE), path="/two")
    one.add_flexible("/<name>", lambda ctx: "any", methods=["GET"])
    two.add_flexible("/secret", secret, methods=["GET"])
    two.add_flexible("/<name>/more", secret)
    client = create_app(one, two).test_client()
    assert client.get("/secret", headers=GOOD).status_code == 401
    assert client.get("/secret", headers={"X-Key": ONE}).json == "secret of x-key"
    assert client.get("/other", headers=GOOD).json == "any"
    assert client.put("/other", headers=GOOD).status_code == 405
    assert client.post("/a/more", headers={"X-Key": ONE}).json == "secret of x-key"


def test_webhooks_that_come_to_share_a_path_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    one, two = Webhook(auth=app_b()), Webhook(auth=app_b(), path="/two")
    client = create_app(one, two).test_client()
    for webhook in (one, two):
        webhook.add_flexible("/late", lambda ctx: "late", methods=["GET"])
    with caplog.at_level(logging.ERROR, "cxfulfill"):
        assert client.get("/late", headers=GOOD).json == "late"
    assert "two webhooks have the path /late" in caplog.text


class Unwell:
    def authenticate(self, http: Any) -> Any:
        raise BadRequest

    def ready(self) -> bool:
        return False


def test_readiness_is_that_of_all_policies(webhook: Webhook) -> None:
    webhook.add_flexible("/a", lambda ctx: None, auth=Unwell())
    assert get(webhook, "/ready").json == {
        "status": "not ready",
        "parts": {"handlers": True, "store": True, "auth": False},
    }


def test_a_context_of_neither_kind_has_no_key(webhook: Webhook) -> None:
    webhook.add_handler("t", lambda ctx: str(isinstance(ctx, Context)))
    assert post(webhook, json.dumps({"fulfillmentInfo": {"tag": "t"}}).encode()).said == "True"


def test_what_is_annotated_for_one_kind_of_call_is_not_used_for_the_other(webhook: Webhook) -> None:
    ran: list[str] = []

    @webhook.middleware
    def of_standard(ctx: Context) -> Any:
        ran.append(ctx.tag)
        yield

    @webhook.middleware
    def of_flexible(ctx: FlexibleContext) -> Any:
        ran.append(ctx.route)
        yield

    @webhook.middleware
    def of_both(ctx: "Context | FlexibleContext") -> Any:
        ran.append("both")
        yield

    @webhook.on_error(ParameterError)
    def misfit(ctx: Context, error: ParameterError) -> Reply:
        return Reply("again")

    webhook.add_handler("t", lambda ctx, p: "standard", params=Payment)
    webhook.add_flexible("/t", lambda ctx, p: "flexible", params=Payment)
    body = {"fulfillmentInfo": {"tag": "t"}, "sessionInfo": {"parameters": {"amount": 1}}}
    assert post(webhook, json.dumps(body).encode()).said == "standard"
    assert send(webhook, "/t", {"amount": 1}).json == "flexible"
    assert ran == ["t", "both", "/t", "both"]
    assert post(webhook, b'{"fulfillmentInfo": {"tag": "t"}}').said == "again"
    assert send(webhook, "/t", {}).status == 400


def test_a_handler_is_annotated_with_its_own_context() -> None:
    def standard(ctx: Context) -> None: ...

    def flexible(ctx: FlexibleContext) -> None: ...

    untyped: Any = Router()
    with pytest.raises(ConfigurationError, match=r"standard.*is a FlexibleContext"):
        untyped.add_flexible("/a", standard)
    with pytest.raises(ConfigurationError, match=r"flexible.*is a Context"):
        untyped.add_handler("a", flexible)


def test_a_standard_answer_does_not_pass_for_another_type(webhook: Webhook) -> None:
    webhook.on_error(ParameterError)(lambda ctx, error: Reply("again"))
    webhook.add_flexible("/t", lambda ctx, p: 1, params=Payment, response=int)
    assert send(webhook, "/t", {}).reason == "refused_reply"


def test_a_variable_of_the_path_is_always_needed(webhook: Webhook) -> None:
    webhook.add_flexible("/bookings/<reference>", lambda ctx: ctx.path["reference"], methods=["GET"])
    result = get(webhook, "/bookings/$session.params.reference")
    assert result.json["detail"] == "Parameters do not fit: reference (missing)."


def test_doubles_in_a_path_are_whole_numbers(webhook: Webhook) -> None:
    webhook.add_flexible("/orders/<int(max=20):n>", lambda ctx: ctx.path["n"], methods=["GET"])
    app = flask.Flask("site")
    app.register_blueprint(blueprint(webhook), url_prefix="/api")
    for number in ("17", "17.0", "17.00"):
        assert get(webhook, f"/orders/{number}").json == 17
        assert app.test_client().get(f"/api/orders/{number}", headers=GOOD).json == 17
    assert [get(webhook, f"/orders/{number}").status for number in ("17.5", "x", "21", "17.")] == [404] * 4


def test_a_wrong_method_on_a_path_whose_values_do_not_fit_is_405(webhook: Webhook) -> None:
    webhook.add_flexible("/orders/<int(max=20):n>", lambda ctx: ctx.path["n"], methods=["GET"])
    refused = post(webhook, b"", path="/orders/21")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert Paths([("/orders/<int(max=20):n>", ("GET",), webhook)]).leads_to("/orders/21", "POST") is None


def test_null_and_references_in_a_query_are_those_of_a_body(webhook: Webhook) -> None:
    class Lists(BaseModel):
        colors: list[str | None] | None = []

    webhook.add_flexible("/q", lambda ctx, lists: lists.colors, params=Lists, methods=["GET"])
    assert get(webhook, "/q", "colors=null").json == {}
    assert get(webhook, "/q", 'colors=["$session.params.x","a"]').json == [None, "a"]


def test_a_payment_without_its_key_is_told_of(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    class Optional(BaseModel):
        order_id: str | None = None

    webhook.add_flexible("/pay", lambda ctx, p: 1, params=Optional, idempotency_key="order_id")
    assert send(webhook, "/pay", {}).status == 200
    assert "idempotency_key= gave nothing: a retry may run this call again" in caplog.text


def test_the_log_names_route_method_and_handler(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    webhook.add_flexible("/a/<x>", lambda ctx: object())
    webhook.add_handler("t", lambda ctx: object())  # type: ignore[arg-type]
    assert get(webhook, "/a/1").status == 405
    assert post(webhook, b"", method="BREW", path="/a/1").status == 405
    assert send(webhook, "/a/1", {}).status == 500
    post(webhook, b'{"fulfillmentInfo": {"tag": "t"}}')
    wrong_method, unknown_method, refused, standard = [record.getMessage() for record in caplog.records]
    assert 'route="GET /a/<x>"' in wrong_method
    assert "route" not in unknown_method
    assert "BREW" not in unknown_method
    assert 'route="POST /a/<x>"' in refused
    for line in (refused, standard):
        assert 'handler="test_the_log_names_route_method_and_handler.<locals>.<lambda>' in line
