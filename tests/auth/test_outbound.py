"""The connections over which keys are fetched and tokens asked about."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from cxfulfill import HttpKeySource
from cxfulfill.auth import connections, outbound
from cxfulfill.auth.outbound import OutboundError, send
from tests.auth.listening import Steered
from tests.pipeline.support import LIMIT


class Server(ThreadingHTTPServer):
    """Notes the connections and the requests on them."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str, str | None]] = []
        self.connections = 0
        self.waiting = threading.Barrier(1)
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.number = self.server.connections

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.waiting.wait(LIMIT)
        self.server.asked.append((self.number, self.path, self.headers["Connection"]))
        status = 500 if self.path.startswith("/broken") else 200
        body = b"too long" * 40_000 if self.path.startswith("/long") else b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(LIMIT)


def test_each_request_has_a_connection_of_its_own() -> None:
    with serving() as server:
        for often in (False, True, True):
            assert send("POST", server.url + "/ask", body=b"token=t", often=often).body == b"{}"
        assert server.asked == [(1, "/ask", "close"), (2, "/ask", "close"), (3, "/ask", "close")]


@pytest.mark.parametrize(("path", "problem"), [("/broken", "status 500"), ("/long", "too large an answer")])
def test_what_is_no_answer_says_why(path: str, problem: str) -> None:
    with serving() as server, pytest.raises(OutboundError, match=problem):
        send("GET", server.url + path)


def test_many_ask_at_once() -> None:
    with serving() as server:
        server.waiting = threading.Barrier(6)
        asking = [threading.Thread(target=send, args=("GET", server.url)) for _ in range(6)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(LIMIT)
        assert len({number for number, _, _ in server.asked}) == 6


def test_the_certificates_that_are_trusted_are_read_once_for_those_who_ask_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[ssl.SSLContext] = []
    make = ssl.create_default_context

    def noted() -> ssl.SSLContext:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", noted)
    connections._shared_context.cache_clear()
    with serving() as server:  # which speaks no TLS
        for often in (False, False, True, True):
            with pytest.raises(OutboundError):
                send("GET", server.url.replace("http:", "https:"), often=often)
    assert len(made) == 3
    connections._shared_context.cache_clear()


def test_an_address_is_sent_in_ascii() -> None:
    with serving() as server:
        send("GET", server.url + "/schlüssel%20a?käse=[1]")
        send("GET", server.url)
        assert [path for _, path, _ in server.asked] == ["/schl%C3%BCssel%20a?k%C3%A4se=[1]", "/"]


def test_a_host_of_ascii_needs_no_tables_of_other_letters() -> None:
    script = """
import sys
from cxfulfill.auth.outbound import OutboundError, send
send("GET", sys.argv[1])
try:
    send("GET", sys.argv[1].replace("http:", "https:"))
except OutboundError:
    print(sorted({"encodings.idna", "stringprep"} & sys.modules.keys()))
"""
    with serving() as server:
        told = subprocess.run([sys.executable, "-c", script, server.url], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


# A host of several addresses.

HOST = "http://localhost/"
TCP = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
Connect = Callable[[socket.socket, Any], None]


@contextmanager
def dead() -> Iterator[Any]:
    """An address that never answers: the queue before it is full."""
    with ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        with suppress(TimeoutError):
            while True:
                held.enter_context(socket.create_connection(server.getsockname(), 0.2))
        yield (*TCP, server.getsockname())


@contextmanager
def refusing() -> Iterator[Any]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield (*TCP, bound.getsockname())


@contextmanager
def of_no_known_family() -> Iterator[Any]:
    yield (9_999, *TCP[1:], ())


def resolve_to(monkeypatch: pytest.MonkeyPatch, *found: Any, meanwhile: Callable[[], object] = lambda: None) -> None:
    def resolve(*_: object) -> list[Any]:
        meanwhile()
        return list(found)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


class Clock:
    """Time that passes only while addresses do not answer, none of which does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.limits: list[float] = []
        monkeypatch.setattr(connections, "time", self)
        monkeypatch.setattr(socket.socket, "connect", lambda sock, address: self.wait(sock.gettimeout()))

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.limits.append(seconds)
        self.now += seconds
        raise TimeoutError


@pytest.mark.parametrize("first", [dead, refusing, of_no_known_family])
def test_an_address_that_fails_keeps_no_keys_from_being_fetched_from_the_second(
    first: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server, first() as failing:
        living = (*TCP, server.server_address)
        resolve_to(monkeypatch, failing, *[living] * 7)  # so many that the first one's share is soon over
        assert HttpKeySource(HOST).fetch().content == b"{}"
        assert server.connections == 1


def test_what_is_connected_has_the_whole_limit_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        resolve_to(monkeypatch, *[(*TCP, server.server_address)] * 2)
        connection = connections.open_to(urlsplit(HOST), LIMIT, often=False)
        connection.connect()
        assert connection.sock.gettimeout() == LIMIT
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()


def test_the_last_address_tells_why_there_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as last, of_no_known_family() as first:
        resolve_to(monkeypatch, first, last)
        with pytest.raises(OutboundError, match="connection refused"):
            send("GET", HOST)


def test_addresses_that_are_all_dead_take_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, limits = socket.socket.connect, []

    def noted(sock: socket.socket, address: Any) -> None:
        limits.append(sock.gettimeout() or 0.0)
        connect(sock, address)

    with dead() as address:
        resolve_to(monkeypatch, *[address] * 4)
        monkeypatch.setattr(outbound, "TIME_LIMIT", 0.2)
        monkeypatch.setattr(socket.socket, "connect", noted)
        with pytest.raises(OutboundError, match=r"took too long|too slow"):
            send("GET", HOST)
    assert 0.0 not in limits
    assert sum(limits) <= 0.2


@pytest.mark.parametrize("count", [1, 2, 4, 20])
def test_each_address_has_its_share_of_the_time(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    resolve_to(monkeypatch, *[(*TCP, ("127.0.0.1", 9))] * count)
    with pytest.raises(OutboundError, match="took too long"):
        send("GET", HOST)
    assert len(clock.limits) == count
    assert clock.limits[0] == outbound.TIME_LIMIT / min(count, 8)
    assert sum(clock.limits) == pytest.approx(outbound.TIME_LIMIT)


def test_when_resolving_took_all_the_time_nothing_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def take_long() -> None:
        clock.now += outbound.TIME_LIMIT

    resolve_to(monkeypatch, (*TCP, ("127.0.0.1", 9)), meanwhile=take_long)
    with pytest.raises(OutboundError, match="took too long"):
        send("GET", HOST)
    assert clock.limits == []


@pytest.mark.usefixtures("steered")
def test_what_is_cut_off_while_it_resolves_connects_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def cut() -> None:
        Steered.made[-1].go_off()

    resolve_to(monkeypatch, *[(*TCP, ("127.0.0.1", 9))] * 2, meanwhile=cut)
    with pytest.raises(OutboundError, match="too slow an answer"):
        send("GET", HOST)
    assert clock.limits == []


@pytest.mark.usefixtures("steered")
def test_what_is_cut_off_while_it_connects_connects_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, tried, too_late = socket.socket.connect, [], []

    def noted(sock: socket.socket, address: Any) -> None:
        tried.append(address)
        threading.Timer(0.05, Steered.made[-1].go_off).start()
        try:
            connect(sock, address)
        except TimeoutError:
            too_late.append(address)
            raise

    with dead() as address:
        resolve_to(monkeypatch, address, address)
        monkeypatch.setattr(outbound, "TIME_LIMIT", LIMIT)
        monkeypatch.setattr(socket.socket, "connect", noted)
        with pytest.raises(OutboundError, match="too slow an answer"):
            send("GET", HOST)
    assert len(tried) == 1
    assert not too_late, "it was not the limit that ended it"


@pytest.mark.parametrize("connect", [socket.socket.connect, lambda sock, address: None])
def test_what_was_cut_off_before_it_connects_is_no_connection(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        resolve_to(monkeypatch, *[(*TCP, server.server_address)] * 2)
        connection = connections.open_to(urlsplit(HOST), LIMIT, often=False)

        def cut_first(sock: socket.socket, address: Any) -> None:
            connection.cut()
            connect(sock, address)

        monkeypatch.setattr(socket.socket, "connect", cut_first)
        with pytest.raises(TimeoutError):
            connection.connect()
        assert connection.sock.fileno() == -1
