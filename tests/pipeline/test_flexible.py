"""Flexible webhooks, bytes in and bytes out."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from marshmallow import Schema, fields
from pydantic import BaseModel, ConfigDict, Field

from cxfulfill import (
    BadRequest,
    FlexibleContext,
    HeaderSecret,
    HttpRequest,
    NotFound,
    ParameterError,
    Reply,
    Router,
    Unavailable,
    Webhook,
)
from tests.pipeline.support import LIMIT, SOON, Result, app_b, post


class Size(BaseModel):
    width: int
    height: int


class Fruit(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    fruit: str
    size: int | None = None
    colors: list[str] = []
    box: Size | None = None
    lang: str | None = Field(None, alias="user-lang")


class SizeSchema(Schema):
    width = fields.Integer()
    height = fields.Integer()


class FruitSchema(Schema):
    fruit = fields.String(required=True)
    size = fields.Integer(allow_none=True)
    colors = fields.List(fields.String())
    box = fields.Nested(SizeSchema)
    lang = fields.String(data_key="user-lang")


class Order(BaseModel):
    id: int
    status: str


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with closing(Webhook(auth=app_b())) as made:
        yield made


def get(webhook: Webhook, path: str, query: str = "", method: str = "GET", **options: Any) -> Result:
    return post(webhook, b"", method=method, path=path, query=query, **options)


def send(webhook: Webhook, path: str, body: Any, method: str = "POST", **options: Any) -> Result:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(webhook, data, method=method, path=path, **options)


def echo(webhook: Webhook, path: str = "/fruit", methods: Any = ("GET", "POST"), **options: Any) -> list[Any]:
    """Serve a handler that notes what it is given."""
    seen: list[Any] = []

    def handler(ctx: FlexibleContext, params: Any) -> dict[str, bool]:
        seen.append(params)
        return {"ok": True}

    webhook.add_flexible(path, handler, methods=methods, **options)
    return seen


def dumped(params: Any) -> Any:
    if isinstance(params, BaseModel):
        return params.model_dump(by_alias=False, exclude_unset=True)
    return params


def test_a_path_gives_typed_values_and_the_response_schema_dumps(webhook: Webhook) -> None:
    @webhook.flexible("/orders/<int:id>", methods=["GET"], response=Order, mapping={"order_status": "$.status"})
    def order(ctx: FlexibleContext) -> Order:
        assert ctx.path == {"id": 17}
        return Order(id=ctx.path["id"], status="shipped")

    result = get(webhook, "/orders/17")
    assert (result.status, result.json) == (200, {"id": 17, "status": "shipped"})
    assert result.headers["Content-Type"] == "application/json"
    assert get(webhook, "/orders/x").status == 404


def test_a109_a_query_gives_strings(webhook: Webhook) -> None:
    seen = echo(webhook)
    assert get(webhook, "/fruit", "f=apple&s=3&c=a%26b+c%20d").status == 200
    assert seen == [{"f": "apple", "s": "3", "c": "a&b c d"}]


@pytest.mark.parametrize("schema", [Fruit, FruitSchema])
def test_a110_lists_and_composites_in_a_query_are_json(webhook: Webhook, schema: Any) -> None:
    seen = echo(webhook, params=schema)
    colors, box = quote('["red","gréen"]'), quote('{"width": 3.0, "height": 4}')
    assert get(webhook, "/fruit", f"fruit=apple&size=3&colors={colors}&box={box}").status == 200
    assert dumped(seen[0]) == {
        "fruit": "apple", "size": 3, "colors": ["red", "gréen"], "box": {"width": 3, "height": 4}
    }  # fmt: skip


@pytest.mark.parametrize("schema", [Fruit, FruitSchema])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("size=3", ["fruit"]),
        ("fruit=a&size=many", ["size"]),
        ("fruit=a&colors=red", ["colors"]),
        ('fruit=a&colors=["red",]', ["colors"]),
        ('fruit=a&box={"width":1,"width":2,"height":3}', ["box"]),
        ("fruit=a&box=[NaN]&colors={}", ["colors", "box"]),
    ],
)
def test_what_does_not_fit_is_named_and_not_shown(
    webhook: Webhook, schema: Any, query: str, names: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    seen = echo(webhook, params=schema)
    result = get(webhook, "/fruit", query)
    assert (result.status, result.reason, seen) == (400, "invalid_parameters", [])
    assert [part.split(" ")[0] for part in result.json["detail"].split(": ")[1].split(", ")] == names
    assert "many" not in result.body.decode() + caplog.text


@pytest.mark.parametrize("schema", [Fruit, FruitSchema])
def test_path_query_headers_and_body_go_into_one_schema(webhook: Webhook, schema: Any) -> None:
    seen = echo(webhook, "/fruit/<fruit>", params=schema, headers={"X-Lang": "user-lang"})
    result = send(
        webhook,
        "/fruit/apple",
        {"colors": ["red"]},
        query="size=3",
        headers={"x-lang": "dé".encode().decode("latin-1")},
    )
    assert result.status == 200
    assert dumped(seen[0]) == {"fruit": "apple", "size": 3, "colors": ["red"], "lang": "dé"}


def test_a_parameter_from_two_places_is_refused(webhook: Webhook) -> None:
    seen = echo(webhook, "/fruit/<fruit>", params=Fruit)
    for name, body in (("fruit", {"fruit": "pear"}), ("size", {"size": 2}), ("*", {"canary": 1})):
        result = send(webhook, "/fruit/apple", body, query="size=3&canary=2")
        assert (result.status, result.reason) == (400, "conflicting_parameter")
        assert result.json["detail"] == f"A parameter comes more than once: {name}."
    assert seen == []


def test_a_query_with_a_parameter_twice_is_refused(webhook: Webhook) -> None:
    seen = echo(webhook)
    assert get(webhook, "/fruit", "f=a&f=b").reason == "repeated_parameter"
    assert get(webhook, "/fruit", "f=%ff").reason == "query_syntax"
    assert get(webhook, "/fruit", "&".join(f"f{n}=" for n in range(1_001))).reason == "query_syntax"
    assert seen == []


@pytest.mark.parametrize("schema", [Fruit, FruitSchema])
def test_unresolved_references_are_missing(webhook: Webhook, schema: Any) -> None:
    seen = echo(webhook, "/fruit/<fruit>", params=schema, headers={"X-Lang": "user-lang"})
    result = send(
        webhook, "/fruit/apple", {"size": "$session.params.size", "box": {"width": 1, "height": "$session.params.h.x"}},
        query="colors=$session.params.colors", headers={"X-Lang": "$session.params.lang"},
    )  # fmt: skip
    if schema is Fruit:
        assert result.json["detail"] == "Parameters do not fit: box (missing)."
    else:
        assert dumped(seen[0]) == {"fruit": "apple", "box": {"width": 1}}
    result = get(webhook, "/fruit/$session.params.fruit")
    assert result.json["detail"] == "Parameters do not fit: fruit (missing)."


def test_references_within_a_list_or_a_longer_text_stay_recognizable(webhook: Webhook) -> None:
    seen = echo(webhook)
    body = {"a": ["$session.params.a", "b"], "c": "Size: $session.params.size", "d": "$session.params."}
    assert send(webhook, "/fruit", body).status == 200
    assert seen == [{"a": [None, "b"], "c": "Size: $session.params.size", "d": "$session.params."}]
    assert send(webhook, "/fruit", "$session.params.everything").status == 200
    assert seen[1:] == [{}]


def test_a112_a_path_that_finds_nothing_is_logged(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    @webhook.flexible("/order", mapping={"status": "$.status", "eta": "$.eta[0].day", "all": "$"})
    def order(ctx: FlexibleContext) -> dict[str, Any]:
        return {"status": None, "eta": []}

    with caplog.at_level(logging.INFO, "cxfulfill"):
        assert send(webhook, "/order", {}).json == {"status": None, "eta": []}
    [note, line] = [record.getMessage() for record in caplog.records]
    assert note.endswith(" mapping: the answer has nothing for eta, which CX then leaves out")
    assert note.split(" ")[0] in line
    assert 'route="POST /order"' in line
    assert 'route="/order"' in note


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a113_a_method_that_is_not_configured_is_405(webhook: Webhook, method: str) -> None:
    allowed = {"GET": {"GET", "HEAD"}}.get(method, {method})
    seen = echo(webhook, methods=[method.lower()], idempotent=False)
    for other in ("POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "post"):
        before = len(seen)
        result = post(webhook, b"", method=other, path="/fruit")
        if other in allowed:
            assert (result.status, len(seen)) == (200, before + 1)
            assert result.body == (b"" if other == "HEAD" else b'{"ok":true}')
            assert result.headers["Content-Length"] == "11"
            assert result.headers.get("Allow") == ("OPTIONS" if other == "OPTIONS" else None)
        else:
            assert (result.status, result.headers["Allow"]) == (405, ", ".join(sorted(allowed)))
            assert len(seen) == before


def test_one_path_can_have_a_handler_for_each_method(webhook: Webhook) -> None:
    webhook.add_flexible("/a/<x>", lambda ctx: "got", methods=["GET"])
    webhook.add_flexible("/a/<x>", lambda ctx: "deleted", methods=["DELETE"])
    webhook.add_flexible("/a/<x>", lambda ctx: "options", methods="OPTIONS")
    assert [get(webhook, "/a/1", method=method).json for method in ("GET", "DELETE")] == ["got", "deleted"]
    assert get(webhook, "/a/1", method="OPTIONS").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"
    assert get(webhook, "/a/1", method="PUT").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_body_that_cx_does_not_send_is_not_read(webhook: Webhook, method: str) -> None:
    seen = echo(webhook, methods=[method])
    assert post(webhook, b'{"a":1}', method=method, path="/fruit", headers={"Content-Type": "text/x"}).status == 200
    assert seen == [{}]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_is_json_or_is_not_there(webhook: Webhook, method: str) -> None:
    seen = echo(webhook, methods=[method])
    for headers in ({}, {"Content-Type": None}, {"Content-Length": None}):
        assert post(webhook, b"", method=method, path="/fruit", headers=headers).status == 200
    assert seen == [{}, {}, {}]
    assert send(webhook, "/fruit", {"a": 1}, method, headers={"Content-Type": "text/plain"}).status == 415
    assert send(webhook, "/fruit", b'{"a":1,"a":2}', method).reason == "json_duplicate_member"
    assert send(webhook, "/fruit", [1], method).reason == "not_an_object"
    assert send(webhook, "/fruit", b" " * 1_048_577, method).status == 413
    assert len(seen) == 3


def test_a_handler_without_a_second_argument_takes_any_json(webhook: Webhook) -> None:
    webhook.add_flexible("/any", lambda ctx: ctx.body)
    for value in ([1, {"a": None}], "text", 5, True, {"a": 2}):
        assert send(webhook, "/any", value).json == value
    assert send(webhook, "/any", b"null").body == b"{}"


@pytest.mark.parametrize("path", ["/orders/a%2Fcancel", "/orders/a%2fcancel"])
def test_a_value_cannot_lead_to_another_path(webhook: Webhook, path: str) -> None:
    webhook.add_flexible("/orders/<id>", lambda ctx: "seen", methods=["GET"])
    webhook.add_flexible("/orders/<id>/cancel", lambda ctx: pytest.fail("cancelled"), methods=["GET"])
    result = get(webhook, "/orders/a/cancel", RAW_URI=f"{path}?a=%2f")
    assert (result.status, result.reason) == (400, "escaped_slash")
    assert get(webhook, "/orders/a", "a=%2f", RAW_URI="/orders/a?a=%2f").status == 200


def test_paths_are_utf_8(webhook: Webhook) -> None:
    webhook.add_flexible("/städte/<name>", lambda ctx: ctx.path["name"], methods=["GET"])
    assert get(webhook, "/städte/köln".encode().decode("latin-1")).json == "köln"
    result = get(webhook, "/städte/".encode().decode("latin-1") + "\xff")
    assert (result.status, result.reason) == (400, "path_not_utf8")


def test_numbers_of_thousands_of_digits_lead_nowhere(webhook: Webhook) -> None:
    webhook.add_flexible("/orders/<int:id>", lambda ctx: "seen", methods=["GET"])
    assert get(webhook, "/orders/" + "9" * 5_000).status == 404


def test_a_uuid_in_a_path_goes_into_the_schema_and_the_key(webhook: Webhook) -> None:
    @dataclass
    class Ticket:
        ticket: UUID

    seen = echo(webhook, "/tickets/<uuid:ticket>", params=Ticket, idempotency_key="ticket")
    for _ in range(2):
        assert get(webhook, "/tickets/9f2c1d77-4c60-4b1a-8a3d-9c0288f44a3d").status == 200
    assert seen == [Ticket(UUID("9f2c1d77-4c60-4b1a-8a3d-9c0288f44a3d"))]


def test_the_standard_webhook_goes_on(webhook: Webhook) -> None:
    webhook.add_handler("hello", lambda ctx: "Hello!")
    echo(webhook, "/<anything>")
    assert post(webhook, json.dumps({"fulfillmentInfo": {"tag": "hello"}}).encode()).said == "Hello!"
    assert get(webhook, "/webhook").headers["Allow"] == "POST"
    assert get(webhook, "/health").json == {"status": "ok"}


def test_a_standard_answer_for_a_flexible_webhook(webhook: Webhook) -> None:
    """Agents in the wild map ``sessionInfo.parameters.x`` of a server that answers as to a standard call."""
    mapping = {"x": "$.sessionInfo.parameters.x"}
    webhook.add_flexible("/one", lambda ctx: Reply("ignored", parameters={"x": 5}), mapping=mapping)
    assert send(webhook, "/one", {}).json["sessionInfo"]["parameters"] == {"x": 5}
    webhook_path = Webhook(auth=app_b())
    webhook_path.add_handler("t", lambda ctx: Reply(parameters={"x": ctx.parameters["y"]}))
    body = {"fulfillmentInfo": {"tag": "t"}, "sessionInfo": {"parameters": {"y": 2}}, "note": "the agent author's own"}
    assert send(webhook_path, "/webhook", body).json["sessionInfo"]["parameters"] == {"x": 2}


def test_any_json_is_an_answer_and_nothing_else(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([None, [1, {"a": None}], "text", 5, Order(id=1, status="a"), {1: 2}, {"a": object()}, float("nan")])
    webhook.add_flexible("/any", lambda ctx: next(answers))
    bodies = [send(webhook, "/any", {}).body for _ in range(5)]
    assert bodies == [b"{}", b'[1,{"a":null}]', b'"text"', b"5", b'{"id":1,"status":"a"}']
    for detail in (
        "the handler's answer has a key",
        "the handler's answer.a is of a type",
        "the handler's answer is not",
    ):
        caplog.clear()
        result = send(webhook, "/any", {})
        assert (result.status, result.reason) == (500, "refused_reply")
        assert detail in caplog.text


class OrderSchema(Schema):
    id = fields.Integer()
    status = fields.String()


@pytest.mark.parametrize("schema", [Order, OrderSchema, OrderSchema()])
def test_the_response_schema_decides(webhook: Webhook, schema: Any, caplog: pytest.LogCaptureFixture) -> None:
    answers: Any = iter([{"id": 1, "status": "new", "secret": "canary"}, Order(id=2, status="old"), {"id": "canary"}])
    webhook.add_flexible("/order", lambda ctx: next(answers), response=schema)
    assert send(webhook, "/order", {}).json == {"id": 1, "status": "new"}
    assert send(webhook, "/order", {}).json == {"id": 2, "status": "old"}
    result = send(webhook, "/order", {})
    assert (result.status, result.reason) == (500, "refused_reply")
    assert "the handler's answer" in caplog.text
    assert "canary" not in caplog.text + result.body.decode()


def test_64_kib_are_the_limit(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    webhook.add_flexible("/<int:size>", lambda ctx: "x" * ctx.path["size"])
    assert len(send(webhook, "/65534", {}).body) == 65_536
    assert send(webhook, "/65535", {}).status == 500
    assert "has 65537 bytes on the wire" in caplog.text


def test_a_route_may_have_callers_of_its_own(webhook: Webhook) -> None:
    key = HeaderSecret("X-Key", "another-long-secret-x")
    webhook.add_flexible("/a", lambda ctx: ctx.principal.name)
    webhook.add_flexible("/b", lambda ctx: [ctx.principal.name, ctx.http.headers["x-key"]], auth=key)
    good = {"Authorization": None, "X-Key": "another-long-secret-x"}
    assert (send(webhook, "/a", {}).status, send(webhook, "/a", {}, headers=good).status) == (200, 401)
    assert send(webhook, "/b", {}).status == 401
    assert send(webhook, "/b", {}, headers=good).json == ["x-key", "[redacted]"]


def test_nothing_is_read_before_the_caller_is_known(webhook: Webhook) -> None:
    seen = echo(webhook)
    result = send(webhook, "/fruit", b"{{{", headers={"Authorization": None})
    assert (result.status, seen) == (401, [])
    assert get(webhook, "/fruit", "f=1&f=2", headers={"Authorization": None}).status == 401


def test_errors_are_those_of_standard_handlers(webhook: Webhook) -> None:
    errors: Any = iter([NotFound(reason="no_order"), Unavailable(retry_after=7), BadRequest(), ValueError("canary")])

    @webhook.flexible("/order")
    def order(ctx: FlexibleContext) -> None:
        raise next(errors)

    assert [(result := send(webhook, "/order", {})).status, result.reason] == [404, "no_order"]
    assert (result := send(webhook, "/order", {})).headers["Retry-After"] == "7"
    assert send(webhook, "/order", {}).status == 400
    result = send(webhook, "/order", {})
    assert (result.status, b"canary" in result.body) == (500, False)


def test_error_handlers_and_middleware_wrap_flexible_handlers() -> None:
    inner = Router()
    webhook = Webhook(auth=app_b())
    seen: list[Any] = []

    @inner.middleware
    def noted(call: FlexibleContext) -> Any:
        seen.append(call.route)
        answer = yield
        return {**answer, "wrapped": True}

    @inner.on_error(ParameterError)
    def misfit(ctx: FlexibleContext, error: ParameterError) -> dict[str, Any]:
        return {"wrong": [name for name, _ in error.problems], "say": error.messages}

    @inner.flexible("/fruit", response=dict[str, Any])
    def fruit(ctx: FlexibleContext, fruit: Fruit) -> dict[str, str]:
        return {"fruit": fruit.fruit}

    webhook.include(inner, prefix="ignored.")
    assert send(webhook, "/fruit", {"fruit": "apple"}).json == {"fruit": "apple", "wrapped": True}
    assert send(webhook, "/fruit", {"fruit": 5}).json == {
        "wrong": ["fruit"], "say": {"fruit": "Input should be a valid string"}
    }  # fmt: skip
    assert seen == ["/fruit"]


def test_deadline_and_fallback(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    gate = threading.Event()
    webhook.add_flexible("/late", lambda ctx: gate.wait(LIMIT), timeout=SOON, fallback={"status": "unknown"})
    webhook.add_flexible("/never", lambda ctx: gate.wait(LIMIT), timeout=SOON)
    try:
        assert send(webhook, "/late", {}).json == {"status": "unknown"}
        assert send(webhook, "/never", {}).reason == "deadline"
    finally:
        gate.set()


def test_an_async_handler(webhook: Webhook) -> None:
    @webhook.flexible("/fruit/<fruit>")
    async def fruit(ctx: FlexibleContext, fruit: Fruit) -> str:
        return fruit.fruit

    assert send(webhook, "/fruit/apple", {}).json == "apple"


def keyed(key: str) -> dict[str, str | None]:
    return {"Idempotency-Key": key}


def test_idempotency_key_runs_a_call_once(webhook: Webhook) -> None:
    seen = echo(webhook, "/orders/<int:n>", methods=["POST", "GET", "PUT"])
    first, again = (send(webhook, "/orders/1", {"a": 1}, headers=keyed("k")) for _ in range(2))
    assert (first.body, "Idempotent-Replayed" in first.headers) == (again.body, False)
    assert (again.headers["Idempotent-Replayed"], len(seen)) == ("true", 1)
    for path, body in (("/orders/1", {"a": 2}), ("/orders/2", {"a": 1})):
        assert send(webhook, path, body, headers=keyed("k")).reason == "key_reused"
    assert send(webhook, "/orders/1", {"a": 2}, headers=keyed("other")).status == 200
    assert send(webhook, "/orders/1", {"a": 1}).status == 200
    assert len(seen) == 3
    for key in ("$session.params.key", '"$session.params.key"', "", " "):
        send(webhook, "/orders/1", {"a": 1}, headers=keyed(key))
    get(webhook, "/orders/1", headers=keyed("k"))
    get(webhook, "/orders/1", headers=keyed("k"))
    assert len(seen) == 9


def test_a_safe_method_keeps_answers_only_when_told_so(webhook: Webhook) -> None:
    seen = echo(webhook, methods=["GET"], idempotent=True)
    for _ in range(2):
        get(webhook, "/fruit", headers=keyed("k"))
    assert len(seen) == 1


def test_a_look_up_may_run_for_each_delivery(webhook: Webhook) -> None:
    seen = echo(webhook, idempotent=False)
    for _ in range(2):
        send(webhook, "/fruit", {}, headers=keyed("k"))
    assert len(seen) == 2


def test_a_key_of_ones_own_comes_first(webhook: Webhook) -> None:
    seen: list[str | None] = []

    @webhook.flexible("/fruit", idempotency_key=lambda ctx: ctx.parameters["order"])
    def fruit(ctx: FlexibleContext, params: dict[str, Any]) -> dict[str, Any]:
        seen.append(ctx.idempotency_key)
        return params

    for key in ("a", "b"):
        assert send(webhook, "/fruit", {"order": 5}, headers=keyed(key)).json == {"order": 5}
    assert len(seen) == 1
    assert len(str(seen[0])) == 64
    assert send(webhook, "/fruit", {}).json["detail"] == "Parameters do not fit: * (missing)."


def test_callers_and_routes_have_keys_of_their_own(webhook: Webhook) -> None:
    one, two = echo(webhook, "/one"), echo(webhook, "/two")
    key = HeaderSecret("X-Key", "another-long-secret-x")
    three = echo(webhook, "/three", auth=key)
    for path in ("/one", "/two"):
        send(webhook, path, {}, headers=keyed("k"))
    send(webhook, "/three", {}, headers={**keyed("k"), "X-Key": "another-long-secret-x", "Authorization": None})
    assert (len(one), len(two), len(three)) == (1, 1, 1)


def test_a_call_shows_nothing_of_the_request() -> None:
    nothing: Any = None
    ctx = FlexibleContext(
        http=HttpRequest.build("GET", "/a/canary"), principal=nothing, deadline=nothing, request_id="7",
        route="/a/<b>", path={"b": "canary"}, query={"c": "canary"}, body="canary", parameters={"d": "canary"},
    )  # fmt: skip
    assert "canary" not in repr(ctx)
    assert ctx.log.extra == {"request_id": "7", "route": "/a/<b>", "trace": None}
