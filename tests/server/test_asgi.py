"""The webhook as an ASGI application, under a real gunicorn and a real uvicorn."""

import json
import re
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.server.app import MAX_BODY
from tests.server.conftest import Serve
from tests.server.wire import BAD, GOOD, LIMIT, Server, call, gunicorn, head, until
from tests.servers.redis_server import RedisServer

APP = "tests.server.asgi_app:app"
COMMANDS = {
    "gunicorn": gunicorn("-k", "asgi", "--asgi-disconnect-grace-period", "0", APP),
    "uvicorn": (sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", APP),
}


@pytest.fixture(scope="module", params=list(COMMANDS))
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return COMMANDS[request.param]


@pytest.fixture(scope="module")
def server(serve: Serve, command: tuple[str, ...]) -> Server:
    return serve(*command)


def test_plain_handlers_and_those_on_the_servers_loop_answer(server: Server) -> None:
    with server.connect() as wire:
        assert wire.ask(call("plain")).status == 200
        answer = wire.ask(call("loop"))
        assert (answer.status, answer.parameters["shared"]) == (200, True)
        assert wire.ask(call("plain")).status == 200, "the connection is kept"


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [
        (call("plain", credential=BAD), 401, "bad_credentials"),
        (call("plain", GOOD), 401, "bad_credentials"),
        (call("unknown"), 404, "unknown_tag"),
        (call("plain", path="/elsewhere"), 404, "unknown_path"),
        (head("GET", "/webhook"), 405, "method_not_allowed"),
        (head("POST", "/webhook", f"Content-Length: {MAX_BODY + 1}"), 413, "body_too_large"),
        (head("GET", "/orders/a%2Fb"), 400, "escaped_slash"),
    ],
)
def test_refusals_are_those_of_the_pipeline(server: Server, request_: bytes, status: int, reason: str) -> None:
    answer = server.ask(request_)
    assert (answer.status, answer.json()["reason"]) == (status, reason)


def test_a_route_has_path_and_query_and_a_head_no_body(server: Server) -> None:
    with server.connect() as wire:
        assert wire.ask(head("GET", "/orders/%C3%A4?x=%20")).json() == {"id": "ä", "query": "x=%20"}
        answer = wire.ask(head("HEAD", "/orders/17"), to="HEAD")
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(b'{"id":"17","query":""}')))


def test_a_body_that_comes_in_parts_is_read(server: Server) -> None:
    whole = call("plain")
    with server.connect() as wire:
        wire.send(whole[:-20])
        assert not wire.has_answer(0.1)
        assert wire.ask(whole[-20:]).status == 200


def turn(tag: str) -> bytes:
    """Make a call of which another delivery is a retry."""
    session = {"session": "projects/p/locations/global/agents/a/sessions/s"}
    body = json.dumps(
        {"detectIntentResponseId": f"turn-{tag}", "fulfillmentInfo": {"tag": tag}, "sessionInfo": session}
    ).encode()
    return head("POST", "/webhook", f"Content-Length: {len(body)}") + body


@pytest.mark.parametrize("tag", ["gated", "gated-async"])
def test_a_caller_that_hangs_up_stops_nothing_and_the_retry_gets_the_answer(server: Server, tag: str) -> None:
    before = server.ran().count(tag)
    with server.connect() as retry:
        wire = server.connect().send(turn(tag))
        with server.gate():
            until(lambda: server.ran().count(tag) == before + 1, "the handler")
            wire.close()
            retry.send(turn(tag))
            assert not retry.has_answer(0.1)
        answer = retry.response()
    assert (answer.status, answer.headers["Idempotent-Replayed"]) == (200, "true")
    assert server.ran().count(tag) == before + 1


def test_a_handler_cannot_end_the_server(server: Server) -> None:
    assert server.ask(call("fails")).status == 500
    assert server.ask(call("plain")).status == 200


def test_no_websocket_is_opened(server: Server) -> None:
    fields = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + "A" * 22 + "==",
    )
    with server.connect() as wire:
        assert wire.ask(head("GET", "/webhook", *fields)).status in (403, 405)


def test_the_end_waits_for_calls_and_runs_the_hooks_on_the_servers_loop(serve: Serve, command: tuple[str, ...]) -> None:
    server = serve(*command)
    until(lambda: [line.split()[0] for line in server.ran()] == ["opens", "opens-too"], "start-up")
    with server.connect() as wire:
        wire.send(call("gated"))
        with server.gate():
            until(lambda: "gated" in server.ran(), "the handler")
            server.process.send_signal(signal.SIGTERM)
        assert wire.response().status == 200
    server.process.wait(LIMIT)
    assert server.ran()[-1].split()[0] == "closes"
    assert not [line for line in server.lines() if "Traceback" in line]


def test_the_end_does_not_wait_for_connections_on_which_nobody_asks(serve: Serve, command: tuple[str, ...]) -> None:
    server = serve(*command)
    with server.connect() as kept, server.connect() as silent:
        assert kept.ask(call("plain")).status == 200
        server.process.send_signal(signal.SIGTERM)
        assert kept.closed()
        assert silent.closed()
        server.process.wait(LIMIT)
    assert server.ran()[-1].split()[0] == "closes"
    assert not [line for line in server.lines() if "Forcing close" in line]


def test_a_call_on_a_kept_connection_is_answered_after_the_signal(serve: Serve) -> None:
    server = serve(*COMMANDS["gunicorn"])
    with server.connect() as kept, server.connect() as silent, server.connect() as gated:
        assert kept.ask(call("plain")).status == 200
        gated.send(call("gated"))
        with server.gate():
            until(lambda: "gated" in server.ran(), "the handler")
            server.process.send_signal(signal.SIGTERM)
            assert kept.ask(call("plain")).status == 200
            assert kept.closed()
            assert silent.closed()
        assert gated.response().status == 200
    server.process.wait(LIMIT)


def test_a_store_that_is_asked_on_the_loop_is_closed_with_it(
    serve: Serve, command: tuple[str, ...], tmp_path: Path
) -> None:
    with closing(RedisServer(tmp_path)) as redis:
        server = serve(*command, TEST_STORE=redis.url, PYTHONWARNINGS="default")
        with server.connect() as wire:
            first, second = wire.ask(turn("loop")), wire.ask(turn("loop"))
        assert (first.status, first.body, second.headers["Idempotent-Replayed"]) == (200, second.body, "true")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(LIMIT)
    assert server.ran()[-1].split()[0] == "closes"
    assert not [line for line in server.lines() if re.search("Traceback|ResourceWarning|never awaited", line)]


@pytest.mark.parametrize(("arguments", "warns"), [((), False), (("--threads", "3"), True)])
def test_the_shipped_settings_cause_no_warning_of_threads(
    serve: Serve, arguments: tuple[str, ...], warns: bool
) -> None:
    server = serve(*COMMANDS["gunicorn"], *arguments)
    assert any("does not use threads" in line for line in server.lines()) is warns
    server.process.send_signal(signal.SIGHUP)
    until(lambda: sum(line.startswith("opens-too") for line in server.ran()) == 2, "the new worker")
    with server.connect() as kept:
        assert kept.ask(call("plain")).status == 200
        server.process.send_signal(signal.SIGTERM)
        assert kept.closed(), "the new worker is of the same kind"
    server.process.wait(LIMIT)


def test_gunicorn_takes_the_webhook_itself(serve: Serve) -> None:
    server = serve(*gunicorn("-k", "asgi", "tests.server.asgi_app:webhook"))
    answer = server.ask(call("loop"))
    assert (answer.status, answer.parameters["shared"]) == (200, True)


def test_an_asgi_server_that_is_given_a_wsgi_application_says_what_to_give_it(serve: Serve) -> None:
    command = COMMANDS["uvicorn"][:-1]
    server = serve(*command, "tests.server.asgi_app:webhook")
    told = "TypeError: a Webhook is a WSGI application; ASGI servers take its asgi, such as main:webhook.asgi"
    with server.connect() as wire:
        wire.send(call("loop"))  # uvicorn answers by itself, with or without a length
        server.until_line(told)
    assert serve(*command, "tests.server.asgi_app:webhook.asgi").ask(call("loop")).status == 200
