"""What CX sends to a flexible webhook, and what it takes of the answer."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from cxfulfill import AllowUnauthenticated, HttpRequest, Webhook
from cxfulfill.http import BytesBody, Headers
from cxfulfill.simulator.findings import Finding
from cxfulfill.simulator.flexible import FlexibleSettings, flexible_settings, mapped

HOST = "https://hotel.example"


class Order(BaseModel):
    order: int
    size: float = Field(alias="the-size")
    lang: str = "en"


class Status(BaseModel):
    status: str


@pytest.fixture
def webhook() -> Webhook:
    made = Webhook(auth=AllowUnauthenticated())

    @made.flexible(
        "/orders/<int:order>", methods=["GET", "PUT"], headers={"X-Lang": "lang"}, response=Status,
        mapping={"order-status": "$.status"},
    )  # fmt: skip
    def orders(ctx: Any, order: Order) -> Any:
        return {"status": f"{order.order} {order.size} {order.lang}"}

    return made


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_route_answers_what_cx_sends(webhook: Webhook, method: str) -> None:
    settings = flexible_settings(webhook, HOST)
    assert settings.keys() == {("GET", "/orders/<int:order>"), ("PUT", "/orders/<int:order>")}
    one = settings[method, "/orders/<int:order>"]
    sent, url, headers, body = one.request({"order": 17.0, "the-size": 2.5, "lang": "de"})
    path, _, query = url.removeprefix(HOST).partition("?")
    fields = Headers({"Content-Length": str(len(body)), **headers})
    answer = webhook.handle(HttpRequest(sent, path, fields, query=query, body=BytesBody(body)))
    assert answer.status == 200
    assert mapped(answer.body, one.mapping) == ({"order-status": "17 2.5 de"}, ())


def test_a_body_goes_with_the_methods_that_have_one() -> None:
    template = '{"a": "$session.params.a"}'
    for method in ("POST", "PUT", "PATCH"):
        settings = FlexibleSettings(method=method, url=HOST, body=template)
        assert settings.request({"a": [1]}) == (method, HOST, {"Content-Type": "application/json"}, b'{"a": [1]}')
    for method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        assert FlexibleSettings(method=method, url=HOST, body=template).request({}) == (method, HOST, {}, b"")
    assert FlexibleSettings(method="POST", url=HOST).request({}) == ("POST", HOST, {}, b"")
    own = FlexibleSettings(method="POST", url=HOST, body="{}", headers={"content-type": "application/json;v=1"})
    assert own.request({})[2] == {"content-type": "application/json;v=1"}


def test_headers_are_not_shown() -> None:
    assert "canary" not in repr(FlexibleSettings(method="GET", url=HOST, headers={"X-Key": "canary"}))


ANSWER = {
    "routes": [{"legs": [{"distance": {"value": 3_321_004}}]}],
    "parts": [{"type": "city", "x": "Bern"}, {"type": "country", "x": "CH"}, {"type": "country", "x": "LI"}],
    "sessionInfo": {"parameters": {"x": None}},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.routes[0].legs[0].distance.value", 3_321_004),
        ("$.parts[?(@.type == 'city')].x", "Bern"),
        ("sessionInfo.parameters.x", None),
        ("$.routes", ANSWER["routes"]),
        ("$", ANSWER),
    ],
)
def test_a_path_that_finds_one_value(path: str, value: Any) -> None:
    assert mapped(json.dumps(ANSWER).encode(), {"$flow.it": path}) == ({"$flow.it": value}, ())


@pytest.mark.parametrize(
    ("path", "values", "severity", "part"),
    [
        ("$.missing", {}, "warning", "nothing at its path"),
        ("$.parts[?(@.type == 'country')].x", {"it": "CH"}, "warning", "several values"),
        ("$.parts[", {}, "error", "no JSONPath"),
        ("", {}, "error", "no JSONPath"),
    ],
)
def test_a_path_that_finds_something_else(path: str, values: Any, severity: str, part: str) -> None:
    taken, [finding] = mapped(json.dumps(ANSWER).encode(), {"it": path})
    assert taken == values
    assert (finding.place, finding.severity) == ("it", severity)
    assert part in finding.problem


@pytest.mark.parametrize("answer", [b"", b"<!DOCTYPE html>", b"{", b"NaN", b"\xff"])
def test_an_answer_that_is_no_json(answer: bytes) -> None:
    values, [finding] = mapped(answer, {"it": "$"})
    assert values == {}
    assert finding.severity == "error"
    assert finding.problem.startswith("the answer is no JSON (json_")


def test_numbers_are_doubles_as_cx_keeps_them() -> None:
    values, findings = mapped(b'{"a": [1, {"b": 2}, true, null], "c": 1.5}', {"it": "$"})
    assert (repr(values["it"]), findings) == ("{'a': [1.0, {'b': 2.0}, True, None], 'c': 1.5}", ())
    beyond = Finding("", "the answer has a number beyond the range of a double")
    assert mapped(b"1" + b"0" * 400, {"it": "$"}) == ({}, (beyond,))


def test_an_answer_may_have_64_kib() -> None:
    whole = json.dumps("x" * (65_536 - 2)).encode()
    assert mapped(whole, {"it": "$"})[1] == ()
    too_large = Finding("", "the answer has 65537 bytes; CX reads 65536 (64 KiB)")
    assert mapped(whole + b" ", {"it": "$"}) == ({}, (too_large,))
