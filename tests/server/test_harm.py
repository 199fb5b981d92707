"""Code that raises what is no `Exception`, under real servers: the call is a 500, and its worker takes the next one."""

import sys

import pytest

from tests.server.conftest import Serve
from tests.server.oracle import assert_problem
from tests.server.wire import Server, call, gunicorn

APP = "tests.server.harm_app"
COMMANDS = {
    "gunicorn": gunicorn(f"{APP}:webhook"),
    "flask": gunicorn(f"{APP}:app"),
    "gunicorn-asgi": gunicorn("-k", "asgi", f"{APP}:asgi"),
    "uvicorn": (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", f"{APP}:asgi"),
}
ON_LOOPS = ("gunicorn-asgi", "uvicorn")
PLACES = ("validator", "key", "handler", "middleware", "on_error", "async")
KINDS = ("CancelledError", "GeneratorExit", "Panic")
ENDS = ("SystemExit", "KeyboardInterrupt")


@pytest.fixture(scope="module")
def servers(serve: Serve) -> dict[str, Server]:
    return {name: serve(*command) for name, command in COMMANDS.items()}


def pid(server: Server) -> object:
    return server.ask(call("well")).parameters["pid"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_call_is_a_500_and_the_worker_lives(servers: dict[str, Server], name: str, place: str) -> None:
    server = servers[name]
    before = pid(server)
    for kind in (*KINDS, *ENDS) if name in ON_LOOPS and place in ("validator", "key") else KINDS:
        answer = server.ask(call(f"{place}.{kind}"))
        assert (answer.status, answer.json()["reason"]) == (500, "internal"), kind
        assert_problem(answer, 500, "internal")
        assert pid(server) == before, kind
    assert not [line for line in server.lines() if "canary" in line]


@pytest.mark.parametrize("name", ON_LOOPS)
def test_other_calls_on_the_loop_live(servers: dict[str, Server], name: str) -> None:
    server = servers[name]
    with server.connect() as kept:
        assert kept.ask(call("well")).status == 200
        assert kept.ask(call("key.SystemExit")).status == 500
        assert kept.ask(call("well")).status == 200, "the connection is kept"


@pytest.mark.parametrize("name", ["gunicorn", "flask"])
def test_an_exit_in_a_plain_handler_still_ends_the_worker(servers: dict[str, Server], name: str) -> None:
    server = servers[name]
    before = pid(server)
    with server.connect() as wire:
        wire.send(call("handler.SystemExit"))
        assert wire.closed()
    assert pid(server) != before
