"""The examples of Google's page on flexible webhooks on a real server, with the settings as they are printed for CX."""

import http.client
import json
from typing import Any

import pytest
from click.testing import CliRunner

from cxfulfill.cli.commands import cli
from cxfulfill.simulator.flexible import mapped
from cxfulfill.simulator.substitution import substituted
from tests.cases.cx_side import Settings, printed
from tests.server.conftest import Serve
from tests.server.flexible_app import DISTANCE, PARTNER_KEY, PASSWORD, USERNAME
from tests.server.wire import LIMIT, ROOT, basic, gunicorn

APP = "tests.server.flexible_app:webhook"
BASIC = basic(USERNAME, PASSWORD).partition(": ")[2]


class Cx:
    """An agent whose webhooks are set up as the command says."""

    def __init__(self, port: int, settings: dict[str, Settings]) -> None:
        self.port = port
        self.settings = settings

    def call(
        self, webhook: str, parameters: dict[str, Any], *, body: str | None = None, **secrets: str
    ) -> tuple[int, Any]:
        """Call a webhook in a session with these parameters."""
        status, answer = self.send(webhook, parameters, body=body, **secrets)
        return status, json.loads(answer)

    def send(
        self, webhook: str, parameters: dict[str, Any], *, body: str | None = None, **secrets: str
    ) -> tuple[int, bytes]:
        method, url, fields, filled = self.settings[webhook].flexible.request(parameters)
        origin = f"http://127.0.0.1:{self.port}"
        assert url.startswith(f"{origin}/")
        headers = {**fields, "Authorization": BASIC, **secrets}
        content = body.encode() if body else filled
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request(method, url.removeprefix(origin), content or None, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def turn(self, webhook: str, parameters: dict[str, Any], **secrets: str) -> dict[str, Any]:
        """Call a webhook, and give the parameters that are set by that."""
        status, answer = self.send(webhook, parameters, **secrets)
        assert status == 200, answer
        values, _ = mapped(answer, self.settings[webhook].mapping)
        return dict(values)


@pytest.fixture(scope="module")
def cx(serve: Serve) -> Cx:
    server = serve(*gunicorn(APP))
    server.until_line("Booting worker")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        url = f"http://127.0.0.1:{server.port}"
        result = CliRunner().invoke(cli, ["routes", "--app", APP, "--cx", "--url", url])
    assert result.exit_code == 0, result.output
    return Cx(server.port, printed(result.output))


def test_the_answer_of_the_page_sets_the_distance(cx: Cx) -> None:
    assert cx.call("GET /distance", {}) == (200, DISTANCE)
    assert cx.turn("GET /distance", {}) == {"distance": 3321004}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("fruit", "size"),
    [
        ("apple", 3),
        ("Äpfel & Birnen / 50% + = ?#", -2.5),
        ('"quoted" \\ and\nbroken', 1e20),
        (["red apple", "grüne Birne"], [1, 2, 3]),
        ({"name": "apple", "original": "an apple & a pear"}, {"amount": 3, "unit": "kg"}),
        ([], {}),
    ],
)
def test_fruit_and_size_arrive_as_the_session_has_them(cx: Cx, method: str, fruit: Any, size: Any) -> None:
    webhook = f"{method} /fruit"
    assert cx.turn(webhook, {"fruit": fruit, "size": size}) == {"fruit-there": fruit, "size-there": size}
    assert cx.turn(webhook, {"fruit": fruit}) == {"fruit-there": fruit, "size-there": 1}


def test_the_templates_of_the_page(cx: Cx) -> None:
    origin = f"http://127.0.0.1:{cx.port}"
    assert cx.settings["GET /fruit"].fields["URL"] == (
        f"{origin}/fruit?fruit=$session.params.fruit&size=$session.params.size"
    )
    template = cx.settings["POST /fruit"].body
    assert template.splitlines()[1:3] == ['  "fruit": "$session.params.fruit",', '  "size": "$session.params.size"']
    longer = template.replace('"$session.params.fruit"', '"Size: $session.params.size"')
    body = substituted(longer, {"size": 3}, "body")
    assert body == '{"fruit": "Size: 3", "size": 3}'
    status, answer = cx.call("POST /fruit", {}, body=body)
    assert (status, answer) == (200, {"fruit": "Size: 3", "size": 3.0})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_parameter_that_the_session_lacks_is_missing(cx: Cx, method: str) -> None:
    status, problem = cx.call(f"{method} /fruit", {"size": 3})
    assert (status, problem["reason"]) == (400, "invalid_parameters")
    assert problem["detail"] == "Parameters do not fit: fruit (missing)."


def test_path_query_and_composite_values(cx: Cx) -> None:
    webhook = "GET /hotels/<hotel>/floors/<int:floor>"
    session = {"hotel": "Zum Bären & Co", "floor": 4, "check-in": "2026-05-01", "breakfast": True}
    assert cx.turn(webhook, session) == {"room": "single"}
    session |= {"room-types": ["double"], "guests": {"adults": 2, "children": [4]}, "price": 99.5}
    assert cx.turn(webhook, session) == {"room": "double"}
    assert cx.call(webhook, session)[1] == {
        "hotel": "Zum Bären & Co", "floor": 4, "rooms": ["double"], "total-price": 99.5,
        "guests": {"adults": 2, "children": [4]},
    }  # fmt: skip


def test_a_body_for_marshmallow(cx: Cx) -> None:
    webhook = "PUT /customers/<int:number>"
    session = {"number": 7, "name": "Ada", "age": 36, "tags": ["vip"], "address": {"street": "Am Kai 1"}}
    assert cx.turn(webhook, session) == {"street": "Am Kai 1"}
    assert cx.call(webhook, session)[1] == {
        "name": "Ada", "age": 36, "tags": ["vip"], "address": {"street": "Am Kai 1"}, "version": 2,
    }  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PATCH"])
def test_headers_and_an_authentication_of_the_routes_own(cx: Cx, method: str) -> None:
    webhook = f"{method} /answers"
    secret = {"X-Partner-Key": PARTNER_KEY}
    assert cx.turn(webhook, {"lang": "de", "visits": 2}, **secret) == {"answer": "de"}
    assert cx.turn(webhook, {"visits": 2, "topic": "parking"}, **secret) == {"answer": "en"}
    assert cx.call(webhook, {"lang": "fr", "visits": 2}, **secret)[0] == 400
    assert cx.call(webhook, {"lang": "de", "visits": 2})[0] == 401


def test_every_route_and_method_is_printed_but_head_that_comes_with_get(cx: Cx) -> None:
    assert list(cx.settings) == [
        "GET /hotels/<hotel>/floors/<int:floor>", "POST /orders", "PUT /customers/<int:number>",
        "DELETE /orders/<uuid:order>", "GET /answers", "PATCH /answers", "OPTIONS /answers", "GET /distance",
        "POST /fruit", "GET /fruit",
    ]  # fmt: skip
