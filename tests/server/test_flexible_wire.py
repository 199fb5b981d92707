"""Flexible webhooks byte by byte, on a real gunicorn and on Flask's own server."""

import json
import sys
from typing import Any

import pytest

from tests.server.conftest import Serve
from tests.server.flexible_app import PASSWORD, USERNAME
from tests.server.wire import Response, Server, basic, chunk, gunicorn, head

CREDENTIAL = basic(USERNAME, PASSWORD)
HOTEL = "/hotels/k%C3%B6ln/floors/3?check-in=2030-06-14&room-types=%5B%22double%22%5D"
ORDER = json.dumps({"customer": "Ada", "items": [{"sku": "a", "count": 2.0}]}).encode()


@pytest.fixture(scope="module", params=["webhook", "app"])
def production(request: pytest.FixtureRequest, serve: Serve) -> Server:
    return serve(*gunicorn(f"tests.server.flexible_app:{request.param}"))


@pytest.fixture(scope="module", params=["gunicorn", "flask run"])
def server(request: pytest.FixtureRequest, serve: Serve) -> Server:
    if request.param == "gunicorn":
        return serve(*gunicorn("tests.server.flexible_app:app"))
    return serve(sys.executable, "-m", "flask", "--app", "tests.server.flexible_app:app", "run", "--port", "0")


def request(method: str, path: str, *fields: str, credential: str = CREDENTIAL) -> bytes:
    return head(method, path, *fields, credential=credential)


def found(response: Response) -> Any:
    assert response.status == 200, response
    return response.json()


def ask(server: Server, data: bytes, *, to: str = "POST") -> Response:
    with server.connect() as wire:
        return wire.ask(data, to=to)


def test_get_with_path_and_query(server: Server) -> None:
    answer = found(ask(server, request("GET", HOTEL)))
    assert answer == {"hotel": "köln", "floor": 3, "rooms": ["double"], "guests": None, "total-price": None}


def test_an_escaped_slash_leads_nowhere(server: Server) -> None:
    for path in ("/hotels/a%2Ffloors%2f3", HOTEL.replace("k%C3%B6ln", "a%2Fb"), "/orders%2F"):
        answer = ask(server, request("GET", path))
        assert (answer.status, answer.json()["reason"]) == (400, "escaped_slash")


def test_nobody_else_is_let_in(server: Server) -> None:
    for path in (HOTEL, "/answers", "/distance"):
        assert ask(server, request("GET", path, credential="")).status == 401
    assert ask(server, request("GET", "/answers?visits=1")).status == 401  # it has a policy of its own
    partner = "X-Partner-Key: partner-key-of-the-server-tests"
    assert found(ask(server, request("GET", "/answers", partner, "X-Visits: 1", credential=""))) == ["en", "hours"]


def test_options_and_methods_that_are_not_taken(server: Server) -> None:
    partner = "X-Partner-Key: partner-key-of-the-server-tests"
    answer = ask(server, request("OPTIONS", "/answers", partner, "X-Visits: 1", credential=""))
    assert (found(answer), answer.headers["Allow"]) == (["en", "hours"], "GET, HEAD, OPTIONS, PATCH")
    answer = ask(server, request("POST", "/answers", "Content-Length: 0"))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS, PATCH")


def test_head_has_no_body(server: Server) -> None:
    whole = ask(server, request("GET", HOTEL))
    with server.connect() as wire:
        answer = wire.ask(request("HEAD", HOTEL, "Connection: close"), to="HEAD")
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(whole.body)))
        assert wire.closed()


def test_a_body_arrives_in_chunks(production: Server) -> None:
    data = request("POST", "/orders", "Transfer-Encoding: chunked")
    answer = found(ask(production, data + chunk(ORDER[:9]) + chunk(ORDER[9:]) + chunk(b"")))
    assert answer["order"]["items"] == [{"sku": "a", "count": 2}]


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_what_is_not_read_is_not_the_next_request(production: Server, framing: str) -> None:
    """A body with GET is not read: what follows on the connection is answered for itself."""
    smuggled = request("DELETE", "/orders/9f2c1d77-4c60-4b1a-8a3d-9c0288f44a3c")
    first = request("GET", "/distance", f"Content-Length: {len(smuggled)}") + smuggled
    if framing == "chunks":
        first = request("GET", "/distance", "Transfer-Encoding: chunked") + chunk(smuggled) + chunk(b"")
    with production.connect() as wire:
        assert found(wire.ask(first))["routes"]
        assert found(wire.ask(request("GET", HOTEL)))["rooms"] == ["double"]


def test_a_body_with_get_that_does_not_end_ends_the_connection(production: Server) -> None:
    with production.connect() as wire:
        assert found(wire.ask(request("GET", "/distance", "Content-Length: 1000") + b"{"))["routes"]
        assert wire.closed()


def test_head_keeps_the_connection(production: Server) -> None:
    with production.connect() as wire:
        assert wire.ask(request("HEAD", HOTEL), to="HEAD").status == 200
        assert found(wire.ask(request("POST", "/orders", f"Content-Length: {len(ORDER)}") + ORDER))["number"] == 1
        assert found(wire.ask(request("GET", "/distance")))["routes"]
