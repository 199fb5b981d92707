"""The connections over which keys are fetched and tokens asked about."""

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cxfulfill.auth import connections
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
        yield server
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
