"""Requests as attackers, broken clients and slow networks frame them, against a gunicorn with the shipped settings."""

import json

import pytest

from tests.server.app import MAX_BODY
from tests.server.conftest import Serve
from tests.server.oracle import assert_hung_up, assert_problem, assert_serves, refusing, watching
from tests.server.wire import (
    BAD,
    CANARY,
    Server,
    Wire,
    call,
    call_body,
    chunk,
    gunicorn,
    head,
    until,
)

THREADS = 2
OTHER_METHODS = ("GET", "PUT", "DELETE", "TRACE", "OPTIONS", "HEAD")
CHUNKED = "Transfer-Encoding: chunked"
LAST_CHUNK = b"0\r\n\r\n"


@pytest.fixture(scope="module")
def server(serve: Serve) -> Server:
    running = serve(*gunicorn("tests.server.app:app"), CXFULFILL_THREADS=str(THREADS))
    running.until_line("Booting worker")  # the last line that is not about a request
    return running


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_a065_another_method_gets_405_and_the_one_that_is_allowed(server: Server, method: str) -> None:
    with server.connect() as wire:
        with refusing(server, 405, "method_not_allowed"):
            response = wire.ask(call(method=method), to=method)
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        if method != "HEAD":
            assert_problem(response, 405, "method_not_allowed")
        assert_serves(wire)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a066_a_method_override_is_not_heeded(server: Server, method: str) -> None:
    with watching(server) as watched, server.connect() as wire:
        response = wire.ask(call("plain", f"X-HTTP-Method-Override: {method}", f"X-Method-Override: {method}"))
    assert response.status == 200
    assert watched.ran == ["plain"]


def test_a072_a_length_over_the_limit_is_refused_before_any_byte_of_the_body_comes(server: Server) -> None:
    with server.connect() as wire:
        with refusing(server, 413, "body_too_large"):
            response = wire.ask(head("POST", "/webhook", f"Content-Length: {MAX_BODY + 1}"))
        assert_problem(response, 413, "body_too_large")
        wire.send(b" " * (MAX_BODY + 1))
        assert_serves(wire)


def test_a072_a_terabyte_is_refused_and_never_waited_for(server: Server) -> None:
    with server.connect() as wire, refusing(server, 413, "body_too_large"):
        assert_problem(wire.ask(head("POST", "/webhook", f"Content-Length: {10**12}")), 413, "body_too_large")
    with server.connect() as wire:
        assert_serves(wire)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a073_a_body_of_exactly_the_limit_is_served(server: Server, framing: str) -> None:
    body = call_body().ljust(MAX_BODY)
    if framing == "length":
        data = head("POST", "/webhook", f"Content-Length: {MAX_BODY}") + body
    else:
        data = head("POST", "/webhook", CHUNKED) + chunk(body[:1000]) + chunk(body[1000:]) + LAST_CHUNK
    with watching(server) as watched, server.connect() as wire:
        assert wire.ask(data).status == 200
        assert_serves(wire)
    assert watched.ran == ["plain", "plain"]


def test_a074_a_chunked_body_over_the_limit_is_refused(server: Server) -> None:
    with server.connect() as wire:
        with refusing(server, 413, "body_too_large"):
            response = wire.ask(head("POST", "/webhook", CHUNKED) + chunk(CANARY.encode().ljust(MAX_BODY + 1, b"x")))
        assert_problem(response, 413, "body_too_large")
        wire.send(chunk(b"the rest"), LAST_CHUNK)
        assert_serves(wire)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((CHUNKED, "Content-Length: 5"), id="length and chunked"),
        pytest.param(("Content-Length: 5", CHUNKED), id="chunked and length"),
        pytest.param(("Content-Length: 5", "Content-Length: 5"), id="two equal lengths"),
        pytest.param(("Content-Length: 5", "Content-Length: 6"), id="two lengths"),
        pytest.param(("Content-Length: +5",), id="sign"),
        pytest.param(("Content-Length: 0x5",), id="hexadecimal"),
        pytest.param(("Content-Length: 5,5",), id="list"),
    ],
)
def test_a075_ambiguous_framing_gets_400_and_the_connection_closes(server: Server, fields: tuple[str, ...]) -> None:
    assert_hung_up(server, head("POST", "/webhook", *fields) + LAST_CHUNK, 400)


def test_a076_a_header_of_nine_kilobytes_gets_431(server: Server) -> None:
    assert_hung_up(server, head(credential="Authorization: Basic " + CANARY * 700), 431)


def test_a076_a_hundred_and_one_headers_get_431(server: Server) -> None:
    usual = head().count(b"\r\n") - 2
    fields = [f"X-Field-{number}: {CANARY}" for number in range(101 - usual)]
    assert_hung_up(server, head("POST", "/webhook", *fields, "Content-Length: 0"), 431)


def test_a076_a_hundred_headers_are_served(server: Server) -> None:
    usual = call().partition(b"\r\n\r\n")[0].count(b"\r\n")
    with server.connect() as wire:
        assert wire.ask(call("plain", *(f"X-Field-{number}: 1" for number in range(100 - usual)))).status == 200


def drip(wires: list[Wire], data: bytes) -> int:
    """Send a byte a second on each connection until each has its answer; tells how many seconds that took."""
    for count, byte in enumerate(data):
        waiting = [wire for wire in wires if not wire.has_answer(1 / len(wires))]
        if not waiting:
            return count
        for wire in waiting:
            wire.send(bytes([byte]))
    raise AssertionError("the slow body was read to its end")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a077_a_body_of_a_byte_a_second_is_cut_off_and_its_thread_is_free_again(server: Server, framing: str) -> None:
    fields = ("Content-Length: 30",) if framing == "length" else (CHUNKED,)
    start, slow = (b"", b" " * 30) if framing == "length" else (b"1e\r\n", b" " * 30)
    wires = [server.connect() for _ in range(THREADS)]
    with watching(server) as watched:
        for wire in wires:
            wire.send(head("POST", "/quick", *fields), start)
        assert drip(wires, slow) < 10
        for wire in wires:
            assert_problem(wire.response(), 408, "body_too_slow")
            assert wire.closed()
            wire.close()
    assert watched.ran == []
    assert [line.partition(" request_id=")[0] for line in watched.log] == ["status=408 reason=body_too_slow"] * THREADS
    assert_all_threads_serve(server)


def assert_all_threads_serve(server: Server) -> None:
    """As many calls as the worker has threads are in their handlers at once."""
    wires = [server.connect().send(call("gated")) for _ in range(THREADS)]
    with server.gate(waiting=THREADS):
        pass
    for wire in wires:
        assert wire.response().status == 200
        wire.close()


def test_a077_what_comes_after_the_cut_is_not_taken_for_a_request(server: Server) -> None:
    smuggled = call()
    with watching(server) as watched, server.connect() as wire:
        wire.send(head("POST", "/quick", f"Content-Length: {1 + len(smuggled)}"), b" ")
        assert wire.has_answer(10)
        wire.send(smuggled)
        assert_problem(wire.response(), 408, "body_too_slow")
        assert wire.closed()
    assert watched.ran == []


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        pytest.param((f"Content-Length: {len(call_body()) + 1}",), call_body(), id="whole JSON, a byte too few"),
        pytest.param((f"Content-Length: {len(call_body())}",), call_body()[:-9], id="half of the JSON"),
        pytest.param((f"Content-Length: {len(call_body())}",), b"", id="no body at all"),
        pytest.param((CHUNKED,), chunk(call_body()), id="whole JSON, no last chunk"),
        pytest.param((CHUNKED,), chunk(call_body())[:-9], id="half a chunk"),
        pytest.param((CHUNKED,), chunk(call_body()) + b"0\r\n", id="half the last chunk"),
        pytest.param((CHUNKED,), chunk(call_body()) + b"zz\r\n", id="a chunk size that is none"),
        pytest.param((CHUNKED,), b"", id="no chunk at all"),
    ],
)
def test_a_body_that_is_cut_off_runs_no_handler(server: Server, fields: tuple[str, ...], body: bytes) -> None:
    with server.connect() as wire:
        with refusing(server, 400, "incomplete_body"):
            response = wire.send(head("POST", "/webhook", *fields), body).end().response()
        assert_problem(response, 400, "incomplete_body")
        assert wire.closed()


def test_a_client_that_hangs_up_in_its_body_runs_no_handler(server: Server) -> None:
    with refusing(server, 400, "incomplete_body"):
        before = len(server.lines())
        with server.connect() as wire:
            wire.send(head("POST", "/webhook", f"Content-Length: {len(call_body()) + 1}"), call_body())
        until(lambda: len(server.lines()) > before, "the log line of a client that hung up")


@pytest.mark.parametrize("fields", [("Content-Length: 600",), (CHUNKED,)])
def test_a_401_is_sent_before_any_byte_of_the_body_arrives(server: Server, fields: tuple[str, ...]) -> None:
    with server.connect() as wire:
        with refusing(server, 401, "bad_credentials"):
            response = wire.ask(head("POST", "/webhook", *fields, credential=BAD))
        assert_problem(response, 401, "bad_credentials")
        wire.send(b" " * 600 if fields != (CHUNKED,) else chunk(call_body()) + LAST_CHUNK)
        assert_serves(wire)


REFUSALS = [
    pytest.param(call(credential=""), 401, "no_credentials", id="no credentials"),
    pytest.param(call(credential=BAD), 401, "bad_credentials", id="wrong password"),
    pytest.param(call(path=f"/{CANARY}"), 404, "unknown_path", id="unknown path"),
    pytest.param(call("plain", f"Content-Encoding: {CANARY}"), 415, "content_encoding", id="coded"),
    pytest.param(
        call().replace(b"application/json", b"text/plain"), 415, "unsupported_media_type", id="another media type"
    ),
    pytest.param(
        head("POST", "/webhook", f"Content-Length: {len(CANARY)}") + CANARY.encode(), 400, "json_syntax", id="no JSON"
    ),
    pytest.param(head("POST", "/webhook", "Content-Length: 0"), 400, "json_syntax", id="empty body"),
    pytest.param(head("POST", "/webhook"), 400, "json_syntax", id="no length at all"),
    pytest.param(call(""), 400, "no_tag", id="no tag"),
    pytest.param(call("unheard-of"), 404, "unknown_tag", id="unknown tag"),
]


@pytest.mark.parametrize(("data", "status", "reason"), REFUSALS)
def test_the_next_request_behaves_after_a_refusal(server: Server, data: bytes, status: int, reason: str) -> None:
    with server.connect() as wire:
        with refusing(server, status, reason):
            response = wire.ask(data)
        assert_problem(response, status, reason)
        assert_serves(wire)


def test_a_handler_that_fails_shows_nothing_of_its_error(server: Server) -> None:
    with server.connect() as wire:
        with watching(server) as watched:
            response = wire.ask(call("fail"))
        assert watched.ran == ["fail"]
        watched.assert_one_line("status=500 reason=internal ")
        assert_problem(response, 500, "internal")
        assert_serves(wire)


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    chunked = head("POST", "/webhook", CHUNKED) + chunk(call_body()) + LAST_CHUNK
    with watching(server) as watched, server.connect() as wire:
        wire.send(call(), call(credential=BAD), chunked, call("unheard-of"), call())
        assert [wire.response().status for _ in range(5)] == [200, 401, 200, 404, 200]
    assert watched.ran == ["plain"] * 3


def test_a124_health_tells_nothing_but_that_it_is_well(server: Server) -> None:
    with watching(server) as watched, server.connect() as wire:
        response = wire.ask(head("GET", "/health", credential=""))
        assert wire.ask(head("HEAD", "/health", credential=""), to="HEAD").status == 200
        assert_serves(wire)
    assert response.status == 200
    assert response.body == b'{"status":"ok"}'
    assert response.headers["Content-Type"] == "application/json"
    assert "/" not in response.headers["Server"]
    watched.assert_one_line("status=200 reason=ok ")  # that of the call


def test_a125_health_takes_no_post(server: Server) -> None:
    with server.connect() as wire:
        response = wire.ask(call(path="/health", credential=""))
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "GET, HEAD"
        assert_serves(wire)


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_a126_the_probes_have_paths_that_reach_the_container(server: Server, path: str) -> None:
    assert not path.endswith("z")
    response = server.ask(head("GET", path, credential=""))
    assert response.status == 200
    assert json.loads(response.body)["status"] in ("ok", "ready")
