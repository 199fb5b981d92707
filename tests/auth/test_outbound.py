"""The connections over which keys are fetched and tokens asked about."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cxfulfill.auth import outbound
from cxfulfill.auth.outbound import OutboundError, send
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

    def kept(self) -> int:
        """Tell how many connections to it are kept."""
        return len(outbound._kept(os.getpid()).get(("http", f"127.0.0.1:{self.server_address[1]}"), ()))


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
        # Ends the connection without a word of it, as a server does that has waited for long enough.
        self.close_connection = self.close_connection or self.path.startswith("/leaves")

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(LIMIT)
        for connection in outbound._kept(os.getpid()).pop(("http", server.url.removeprefix("http://")), ()):
            connection.close()


def ask(server: Server, path: str) -> None:
    assert send("POST", server.url + path, body=b"token=t", keep=True).body == b"{}"


def test_a_server_that_is_asked_again_and_again_is_asked_on_one_connection() -> None:
    with serving() as server:
        for path in ("/a", "/b", "/c"):
            ask(server, path)
        assert server.asked == [(1, "/a", "keep-alive"), (1, "/b", "keep-alive"), (1, "/c", "keep-alive")]


def test_a_connection_that_nobody_asks_on_again_is_not_kept() -> None:
    with serving() as server:
        assert send("GET", server.url + "/keys").body == b"{}"
        assert send("GET", server.url + "/keys").body == b"{}"
        assert server.asked == [(1, "/keys", "close"), (2, "/keys", "close")]
        assert server.kept() == 0


def test_a_connection_that_the_server_has_ended_is_not_used_again() -> None:
    with serving() as server:
        ask(server, "/leaves")
        (kept,) = outbound._kept(os.getpid())["http", server.url.removeprefix("http://")]
        kept.sock.recv(1)  # until its end has arrived
        ask(server, "/b")
        assert [(number, path) for number, path, _ in server.asked] == [(1, "/leaves"), (2, "/b")]
        assert server.kept() == 1


@pytest.mark.parametrize(("path", "problem"), [("/broken", "status 500"), ("/long", "too large an answer")])
def test_a_connection_whose_answer_is_not_read_to_its_end_is_not_used_again(path: str, problem: str) -> None:
    with serving() as server:
        with pytest.raises(OutboundError, match=problem):
            ask(server, path)
        ask(server, "/b")
        assert server.asked[-1][0] == 2


def test_those_who_ask_at_once_have_connections_of_their_own_and_four_are_kept() -> None:
    with serving() as server:
        server.waiting = threading.Barrier(6)
        asking = [threading.Thread(target=ask, args=(server, "/a")) for _ in range(6)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join(LIMIT)
        assert len({number for number, _, _ in server.asked}) == 6
        assert server.kept() == 4


def test_an_address_is_sent_in_ascii() -> None:
    with serving() as server:
        send("GET", server.url + "/schlüssel%20a?käse=[1]")
        send("GET", server.url)
        assert [path for _, path, _ in server.asked] == ["/schl%C3%BCssel%20a?k%C3%A4se=[1]", "/"]
