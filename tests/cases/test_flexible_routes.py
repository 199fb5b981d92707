"""Flexible handlers as they are registered: what is refused, when, and with which words."""

from dataclasses import dataclass
from typing import Annotated, Any

import flask
import pytest
from marshmallow import INCLUDE, RAISE, Schema, fields
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from cxfulfill import (
    AllowUnauthenticated,
    BasicAuth,
    ByEnvironment,
    ConfigurationError,
    FlexibleContext,
    HeaderSecret,
    Reply,
    Router,
    Webhook,
)
from cxfulfill.server.flask import blueprint, create_app
from cxfulfill.testing import make_flexible_context
from tests.pipeline.support import app_b, basic
from tests.pipeline.test_flexible import get, send

GOOD = {"Authorization": basic("cx:pä:ss")}


class Leg(BaseModel):
    distance: int
    steps: tuple[int, str] = (1, "")


class Trip(BaseModel):
    legs: list[Leg]
    best: Leg | None = None
    notes: dict[str, str] = Field({}, alias="user-notes")
    any: Any = None
    tree: "list[Trip]" = []


class LegSchema(Schema):
    distance = fields.Integer()
    steps = fields.Tuple((fields.Integer(), fields.String()))


class TripSchema(Schema):
    legs = fields.List(fields.Nested(LegSchema))
    best = fields.Nested(LegSchema)
    notes = fields.Dict(data_key="user-notes")
    any = fields.Raw()
    tree = fields.Nested("TripSchema", many=True)
    hidden = fields.Integer(load_only=True)


def answer(ctx: FlexibleContext) -> None:
    """A handler."""


def typed(ctx: FlexibleContext, trip: Trip) -> None:
    """A handler with a type."""


def refused(path: Any = "/a", function: Any = answer, **options: Any) -> str:
    router = Router()
    with pytest.raises(ConfigurationError) as raised:
        router.add_flexible(path, function, **options)
    assert not list(router.routes())
    return str(raised.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "orders"}, "a path starts with /"),
        ({"path": 5}, "a path starts with /"),
        ({"path": "/<x:id>"}, "is no path as in Flask: the converter 'x' does not exist"),
        ({"path": "/<id"}, "is no path as in Flask: malformed url rule"),
        ({"path": "/<id>/<id>"}, "has a variable twice"),
        ({"methods": []}, "methods= takes one or several of POST, GET"),
        ({"methods": ["TRACE"]}, "methods= takes one or several of POST, GET"),
        ({"methods": [5]}, "methods= takes one or several of POST, GET"),
        ({"methods": "HEAD", "mapping": {"a": "$.a"}}, "the answer to HEAD has no body"),
        ({"headers": {"X Lang": "lang"}}, "names of header fields"),
        ({"headers": {"authorization": "token"}}, "must not hold authorization"),
        ({"headers": {"X-Key": "key"}, "auth": HeaderSecret("X-Key", "a-long-secret-value")}, "must not hold X-Key"),
        ({"headers": {"X-A": "a", "X-B": "a"}}, "the parameter 'a' would come from two places"),
        ({"path": "/<a>", "headers": {"X-A": "a"}}, "the parameter 'a' would come from two places"),
        ({"function": typed, "headers": {"X-A": "a"}}, "names the parameter 'a', which the handler's type lacks"),
        ({"params": Trip}, "params= needs a handler"),
        ({"timeout": 31}, "timeout must be above 0"),
        ({"idempotency_key": "order"}, "idempotency_key='order' is no field"),
        ({"auth": "Basic"}, "auth"),
        ({"response": "nothing"}, "names a type that is not defined yet"),
        ({"function": lambda: None}, "a handler is f"),
    ],
)
def test_wrong_routes_say_what_is_wrong(options: dict[str, Any], words: str) -> None:
    assert words in refused(**options)


def test_errors_name_the_place() -> None:
    assert refused("nowhere").startswith("answer (")
    assert refused(function=typed, headers={"X-A": "a"}).startswith("typed (")
    with pytest.raises(ConfigurationError, match=r"write @flexible with a path"):
        Router().flexible(answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"": "$.a"}, "is no parameter's name"),
        ({5: "$.a"}, "is no parameter's name"),
        ({"session.a": "$.a"}, "is no parameter's name"),
        ({"a": 5}, "a path is text"),
        ({"a": ""}, "is no path of RFC 9535"),
        ({"a": "a.b"}, "write $.a.b"),
        ({"a": "sessionInfo.parameters.x"}, "write $.sessionInfo.parameters.x"),
        ({"a": "$.a["}, "is no path of RFC 9535"),
        ({"a": "$.a[*]"}, "may find several values"),
        ({"a": "$..a"}, "may find several values"),
        ({"a": "$.a[0,1]"}, "may find several values"),
        ({"a": "$.a[0:1]"}, "may find several values"),
        ({"a": "$.a[?@.b == 'c'].d"}, "may find several values"),
        ({"a": "$['a','b']"}, "may find several values"),
    ],
)
def test_paths_that_are_no_singular_ones_are_refused_at_import(mapping: Any, words: str) -> None:
    assert words in refused(mapping=mapping)


class Aliased(BaseModel):
    model_config = ConfigDict(validate_by_name=True)

    order_id: int = Field(alias="order-id")


class OnlyAlias(BaseModel):
    order_id: int = Field(alias="order-id")


class OnlyDataKey(Schema):
    order_id = fields.Integer(data_key="order-id", required=True)


@pytest.mark.parametrize("kind", [OnlyAlias, OnlyDataKey])
def test_a_variable_that_no_parameter_is_read_by_is_refused(kind: Any) -> None:
    words = "the path's variable 'order_id' is a field, but not the name that its parameter is read by"
    assert words in refused("/<order_id>", lambda ctx, params: None, params=kind)


def test_two_names_of_one_parameter_are_one_parameter() -> None:
    webhook = Webhook(auth=app_b())
    webhook.add_flexible("/<int:order_id>", lambda ctx, order: order.order_id, params=Aliased, methods=["GET", "POST"])
    assert get(webhook, "/5").json == 5
    for result in (send(webhook, "/5", {"order-id": 7}), get(webhook, "/5", "order-id=7")):
        assert (result.status, result.reason) == (400, "conflicting_parameter")
        assert result.json["detail"] == "A parameter comes more than once: order-id."


class Listed(BaseModel):
    either: Annotated[Any, WithJsonSchema({"type": ["array", "null"]})] = None


def test_a_json_schema_with_several_types() -> None:
    webhook = Webhook(auth=app_b())
    webhook.add_flexible(
        "/a", lambda ctx, listed: listed.either, params=Listed, methods=["GET"], response=Listed | list[int],
        mapping={"x": "$.either[0]"},
    )  # fmt: skip
    assert get(webhook, "/a", "either=[1]").json == [1]


@pytest.mark.parametrize("schema", [Trip, TripSchema])
def test_a_mapping_fits_the_response_schema(schema: Any) -> None:
    paths = (
        "$", "$.legs", "$.legs[0].distance", "$['legs'][-1]", "$.best.distance", "$['user-notes'].a", "$.any.a[0].b",
        "$.tree[0].tree[1].legs[2].distance", "$.legs[0].steps[1]",
    )  # fmt: skip
    Router().add_flexible("/a", answer, response=schema, mapping={f"p{n}": path for n, path in enumerate(paths)})
    for path, words in (
        ("$.status", "no 'status' for '$.status'; there are any, best, legs, tree, user-notes"),
        ("$.notes", "no 'notes'"),
        ("$.hidden", "no 'hidden'"),
        ("$.legs.distance", "no 'distance' for '$.legs.distance'; there is nothing"),
        ("$.legs[0].distance.value", "no 'value'"),
        ("$.best[0]", "no 0 for"),
        ("$.tree[0].tree[1].leg", "no 'leg'"),
        ("$.legs[0].steps[2]", "no 2 for"),
        ("$[0]", "no 0 for"),
    ):
        assert words in refused(response=schema, mapping={"x": path})


def test_mappings_into_lists_dicts_and_texts() -> None:
    Router().add_flexible("/a", answer, response=list[Leg], mapping={"x": "$[0].distance"})
    Router().add_flexible("/a", answer, response=TripSchema(many=True), mapping={"x": "$[0].legs"})
    Router().add_flexible("/a", answer, response=dict[str, int], mapping={"x": "$.anything", "$flow.y": "$"})
    Router().add_flexible("/a", answer, response=Any, mapping={"x": "$.a[0]"})
    for kind in (str, dict[str, int], list[int]):
        assert "there is nothing" in refused(response=kind, mapping={"x": "$[0].a"})


def test_two_handlers_for_one_call_are_refused() -> None:
    router = Router()
    router.add_flexible("/orders/<int:id>", answer, methods=["GET", "POST"])
    for path, methods in (("/orders/<int:number>", ["POST"]), ("/orders/<int:id>", ["head"])):
        with pytest.raises(ConfigurationError, match=r"answer \(.*typed \(.*take other methods"):
            router.add_flexible(path, typed, methods=methods)
    router.add_flexible("/orders/<id>", answer)
    router.add_flexible("/orders/<int:id>", answer, methods=["DELETE"])
    other = Router()
    other.add_flexible("/orders/<string:id>", typed)
    with pytest.raises(ConfigurationError, match="two handlers could answer"):
        router.include(other)


def test_registration_ends() -> None:
    webhook, router = Webhook(auth=app_b()), Router()
    webhook.include(router)
    for closed in (router, webhook):
        webhook.check()
        with pytest.raises(ConfigurationError, match="nothing can be registered any more"):
            closed.add_flexible("/a", answer)


@pytest.mark.parametrize("path", ["/webhook", "/health", "/ready", "/webhook/"])
def test_a_path_that_is_taken(path: str) -> None:
    webhook = Webhook(auth=app_b())
    webhook.add_flexible(path, answer)
    with pytest.raises(ConfigurationError, match=r"answer \(.*is served otherwise"):
        webhook.check()


def test_who_calls_cannot_be_told_by_a_session_that_is_not_there() -> None:
    agent = "projects/p/locations/l/agents/a"
    environments = ByEnvironment({"draft": BasicAuth("cx", "a-long-secret-value")})
    for options in ({"auth": app_b(), "allowed_agents": [agent]}, {"auth": environments}):
        webhook = Webhook(**options)
        webhook.add_flexible("/a", answer, auth=app_b())
        webhook.check()
        webhook = Webhook(**options)
        webhook.add_flexible("/a", answer)
        with pytest.raises(ConfigurationError, match=r"has no session.*auth= of its own"):
            webhook.check()
    webhook = Webhook(auth=app_b())
    webhook.add_flexible("/a", answer, auth=environments)
    with pytest.raises(ConfigurationError, match="has no session"):
        webhook.check()


def test_a_credential_of_the_application_is_no_data() -> None:
    webhook = Webhook(auth=HeaderSecret("X-Key", "a-long-secret-value"))
    webhook.add_flexible("/a", answer, headers={"x-key": "key"})
    with pytest.raises(ConfigurationError, match="must not hold x-key"):
        webhook.check()


def late(ctx: FlexibleContext, fruit: "LateFruit") -> None:  # type: ignore[name-defined]  # noqa: F821
    """A handler whose type is defined later."""


def test_a_type_that_is_defined_later_is_checked_at_freeze() -> None:
    webhook = Webhook(auth=app_b())
    webhook.add_flexible("/a", late, headers={"X-Lang": "lang"})
    with pytest.raises(ConfigurationError, match="LateFruit"):
        webhook.check()
    globals()["LateFruit"] = Leg
    with pytest.raises(ConfigurationError, match="the parameter 'lang'"):
        webhook.check()


def test_a_fallback_is_checked_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"answer \(.*fallback=: .*does not fit the response schema"):
        Router().add_flexible("/a", answer, timeout=1, response=Trip, fallback={"legs": "none"})
    with pytest.raises(ConfigurationError, match="bytes on the wire"):
        Router().add_flexible("/a", answer, timeout=1, fallback="x" * 70_000)


def served() -> Webhook:
    webhook = Webhook(auth=app_b())
    webhook.add_handler("hello", lambda ctx: "Hello!")
    webhook.add_flexible("/orders/<id>", lambda ctx: ctx.path["id"], methods=["GET", "DELETE"])
    webhook.add_flexible("/orders/<id>/notes/", lambda ctx: [ctx.body, flask.current_app.name])
    return webhook


def test_create_app_serves_flexible_paths_and_leaves_the_rest_to_flask() -> None:
    app = create_app(served(), import_name="hotel")
    app.add_url_rule("/about", view_func=lambda: "about us")
    client = app.test_client()
    assert client.get("/orders/5", headers=GOOD).json == "5"
    assert client.get("/orders/k%C3%B6ln", headers=GOOD).json == "köln"
    assert client.head("/orders/5", headers=GOOD).headers["Content-Length"] == "3"
    assert client.get("/orders/5").status_code == 401
    assert client.put("/orders/5", headers=GOOD).headers["Allow"] == "DELETE, GET, HEAD"
    assert client.post("/orders/5/notes", headers=GOOD, json={"a": 1}).json == [{"a": 1}, "hotel"]
    assert client.get("/about").text == "about us"
    assert b'"reason": "unknown_path"' in client.get("/nowhere").data


def test_create_app_with_several_webhooks() -> None:
    other = Webhook(auth=AllowUnauthenticated(), path="/other")
    other.add_flexible("/fruit", lambda ctx: "fruit", methods=["GET"])
    client = create_app(served(), other).test_client()
    assert client.get("/fruit").json == "fruit"
    assert client.get("/orders/5", headers=GOOD).json == "5"
    other.close_registration("")
    third = Webhook(auth=app_b(), path="/third")
    third.add_flexible("/orders/<string:number>", answer)
    with pytest.raises(ConfigurationError, match="two webhooks have the path /orders/<string>"):
        create_app(served(), third)
    with pytest.raises(ConfigurationError, match="two webhooks have the path /webhook"):
        create_app(Webhook(auth=app_b()), served())


def test_an_application_that_cannot_be_frozen_says_so_for_every_path() -> None:
    webhook = Webhook(auth=app_b())
    webhook.add_flexible("/health", answer)
    assert create_app(webhook).test_client().get("/orders").status_code == 500


@pytest.mark.parametrize("prefix", [None, "/api", "/api/"])
def test_a_blueprint_serves_flexible_paths(prefix: str | None) -> None:
    app = flask.Flask("site")
    app.register_blueprint(blueprint(served()), url_prefix=prefix)
    client, base = app.test_client(), (prefix or "").rstrip("/")
    assert client.get(f"{base}/orders/5", headers=GOOD).json == "5"
    assert client.get(f"{base}/orders/5/", headers=GOOD).json == "5"
    assert client.options(f"{base}/orders/5", headers=GOOD).headers["Allow"] == "DELETE, GET, HEAD"
    assert client.post(f"{base}/orders/5/notes", headers=GOOD, json={"a": 1}).json == [{"a": 1}, "site"]
    hello = client.post(f"{base}/webhook", headers=GOOD, json={"fulfillmentInfo": {"tag": "hello"}})
    assert hello.status_code == 200


def test_a_blueprint_s_prefix_has_no_variables() -> None:
    with pytest.raises(ConfigurationError, match="no variables in its url_prefix"):
        flask.Flask("site").register_blueprint(blueprint(served()), url_prefix="/<lang>")


def test_a_handler_is_called_by_itself() -> None:
    def order(ctx: FlexibleContext, body: dict[str, Any]) -> list[Any]:
        return [
            ctx.path["id"],
            ctx.query["lang"],
            ctx.http.headers["x-lang"],
            ctx.parameters,
            ctx.deadline.remaining() > 0,
        ]

    ctx = make_flexible_context({"id": 5}, query={"lang": "en"}, body={"a": 1}, headers={"X-Lang": "de"})
    assert order(ctx, ctx.body) == [5, "en", "de", {"id": 5, "lang": "en", "a": 1}, True]
    assert (ctx.route, ctx.http.method, make_flexible_context(body=[1]).parameters) == ("/test", "POST", {})


class Strict(Schema):
    class Meta:
        unknown = RAISE

    fruit = fields.String(required=True)


class Open(Schema):
    class Meta:
        unknown = INCLUDE

    fruit = fields.String(required=True)


@dataclass
class Plain:
    fruit: str


def test_unknown_parameters_are_ignored_unless_the_schema_says_otherwise() -> None:
    webhook = Webhook(auth=app_b())

    def handler(ctx: FlexibleContext, params: Any) -> Any:
        return params

    kinds: list[Any] = [Plain, Strict, Open, Open(unknown="exclude")]
    for number, kind in enumerate(kinds):
        webhook.add_flexible(f"/{number}/<x>", handler, params=kind)
    body = {"fruit": "apple", "canary": 1}
    assert send(webhook, "/0/1", body).json == {"fruit": "apple"}
    assert send(webhook, "/1/1", body).json["detail"] == "Parameters do not fit: * (extra_forbidden)."
    assert send(webhook, "/1/1", {"fruit": "apple"}).json == {"fruit": "apple"}  # x is for ctx.path
    assert send(webhook, "/2/1", body).json == body
    assert send(webhook, "/3/1", body).json == {"fruit": "apple"}
    assert get(webhook, "/0/1").status == 405


def test_a_reply_may_be_a_fallback() -> None:
    router = Router()
    router.add_flexible("/a", answer, timeout=1, fallback=Reply("later"))
    [route] = router.routes()
    assert route.fallback == b'{"fulfillmentResponse":{"messages":[{"text":{"text":["later"]}}]}}'
