"""ID tokens on a real gunicorn, with keys from a real server."""

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.auth.tokens_support import K1, claims, jwk, token
from tests.server.conftest import Serve
from tests.server.oracle import MEMBERS, watching
from tests.server.wire import LIMIT, Server, Wire, call, gunicorn, head

KEYS = json.dumps({"keys": [jwk(K1, "k1")]}).encode()
THREADS = 8


class KeyServer(http.server.ThreadingHTTPServer):
    """Serves keys, or holds whoever asks for them up until it is opened."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.fetches = 0
        self.open = threading.Event()
        self.open.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what one of the tests is about."""


class Answer(http.server.BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.fetches += 1
        self.server.open.wait(LIMIT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(KEYS)))
        self.end_headers()
        self.wfile.write(KEYS)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Print nothing."""


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with KeyServer() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.open.set()
        server.shutdown()
        thread.join(LIMIT)


@pytest.fixture
def server(serve: Serve, keys: KeyServer) -> Server:
    command = gunicorn("tests.server.auth_app:app")
    server = serve(*command, SERVER_TESTS_KEYS=keys.url, CXFULFILL_THREADS=str(THREADS))
    server.until_line("Booting worker")
    return server


@pytest.fixture
def cold(serve: Serve, keys: KeyServer) -> Server:
    """A server without the shipped settings, which would fetch the keys before the first call."""
    worker = ("-k", "cxfulfill.server.worker.Worker", "--threads", str(THREADS))
    command = (sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:0", *worker, "tests.server.auth_app:app")
    server = serve(*command, SERVER_TESTS_KEYS=keys.url)
    server.until_line("Booting worker")
    return server


def bearer(**changes: Any) -> str:
    now = int(time.time())
    return f"Authorization: Bearer {token(claims(**({'iat': now - 10, 'exp': now + 3_590} | changes)))}"


def test_a_token_opens_the_webhook_and_the_keys_are_fetched_once(cold: Server, keys: KeyServer) -> None:
    assert keys.fetches == 0, "nothing is fetched at start"
    with cold.connect() as wire:
        assert [wire.ask(call(credential=bearer())).status for _ in range(3)] == [200] * 3
    assert keys.fetches == 1


def test_a_body_that_never_arrives_is_not_waited_for(server: Server, keys: KeyServer) -> None:
    now = int(time.time())
    expired = bearer(iat=now - 4_000, exp=now - 400)
    for credential, reason in (
        ("", "no_credentials"),
        ("Authorization: Bearer x", "malformed_token"),
        (expired, "token_expired"),
    ):
        with watching(server) as watched, server.connect() as wire:
            response = wire.ask(head("POST", "/webhook", "Content-Length: 1000", credential=credential))
            assert (response.status, response.json()["reason"]) == (401, reason)
            assert set(response.json()) <= MEMBERS
        assert watched.ran == []
        watched.assert_one_line(f"status=401 reason={reason} ")
        assert credential.rpartition(".")[2] not in watched.log[0] or not credential
    assert keys.fetches == 1, "for the expired one, whose signature is right, and for nothing that is malformed"


def test_a029_parallel_cold_requests_fetch_the_keys_once(cold: Server, keys: KeyServer) -> None:
    assert [response.status for response in cold.ask_at_once(call(credential=bearer()), 50)] == [200] * 50
    assert keys.fetches == 1


def test_a028_a_key_server_that_hangs(cold: Server, keys: KeyServer) -> None:
    keys.open.clear()
    with cold.connect() as waiting, cold.connect() as wire:
        waiting.send(call(credential=bearer()))
        assert wire.ask(head("GET", "/health", credential="")).status == 200
        assert wire.ask(call(path="/other")).status == 200, "other routes are served meanwhile"
        refused = waiting.response()
    assert (refused.status, refused.json()["reason"]) == (503, "keys_unavailable")
    assert refused.headers["Retry-After"] == "5"
    keys.open.set()


def test_a029_cold_requests_that_all_wait_hold_only_their_own_threads(cold: Server, keys: KeyServer) -> None:
    keys.open.clear()
    wires: list[Wire] = [cold.connect().send(call(credential=bearer())) for _ in range(THREADS - 1)]
    with cold.connect() as wire:
        assert wire.ask(call(path="/other")).status == 200
    keys.open.set()
    assert [wire.response().status for wire in wires] == [200] * len(wires)
    for wire in wires:
        wire.close()
    assert keys.fetches == 1


@pytest.mark.parametrize("framing", ["Content-Length: 900000", "Transfer-Encoding: chunked"])
def test_a077_a_refused_caller_that_goes_on_sending_holds_no_thread(server: Server, framing: str) -> None:
    stop = threading.Event()
    wires = [server.connect() for _ in range(THREADS)]

    def drip(wire: Wire) -> None:
        data = b"1\r\na\r\n" if "chunked" in framing else b"a"
        while not stop.wait(0.2):
            try:
                wire.send(data)
            except OSError:
                return

    threads = [threading.Thread(target=drip, args=(wire,)) for wire in wires]
    for wire, thread in zip(wires, threads, strict=True):
        wire.send(head("POST", "/webhook", framing, credential=""))
        thread.start()
    assert [wire.response().status for wire in wires] == [401] * THREADS
    with server.connect() as wire:
        assert wire.ask(call(path="/other")).status == 200
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive(), "their connections are closed"
    stop.set()
    for wire in wires:
        wire.close()


def test_a_small_body_of_a_refused_call_costs_no_connection(server: Server) -> None:
    with server.connect() as wire:
        for path in ("/webhook", "/unknown", "/health"):
            assert wire.ask(call(path=path, credential="")).status in (401, 404, 405)
        assert wire.ask(call(credential=bearer())).status == 200
