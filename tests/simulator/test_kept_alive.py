"""Calls over real connections of this machine."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from cxfulfill.certificates import make_authority, make_server_certificate
from cxfulfill.http import Headers
from cxfulfill.simulator.kept_alive import KeptAlive
from cxfulfill.simulator.sending import NoAnswer, Outgoing


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, int, str, bytes]]
    let_go: Event

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.client_address[1], self.headers.get("X-Key", ""), body))
        match self.path.partition("?")[0]:
            case "/slow":
                self.let_go.wait(30)
                self.close_connection = True
            case "/broken":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                self.close_connection = True
            case "/no-http":
                self.wfile.write(b"what?\r\n\r\n")
                self.close_connection = True
            case "/large":
                self.answer(200, b"x" * 5_000_000)
            case "/moved":
                self.answer(302, b"", Location="/webhook")
            case _:
                self.answer(200, b'{"ok": true}')

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Idempotent-Replayed", "true")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:  # the large one is not read to its end
            self.close_connection = True


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, type[Handler]]]:
    class Own(Handler):
        pass

    Own.seen, Own.let_go = [], Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a handshake that the client breaks off
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}", Own
    finally:
        Own.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(30)


@pytest.fixture
def served() -> Iterator[tuple[str, type[Handler]]]:
    with serving() as found:
        yield found


@contextmanager
def connected(url: str, clock: Callable[[], float] | None = None) -> Iterator[KeptAlive]:
    connection = KeptAlive(url, clock=clock) if clock else KeptAlive(url)
    try:
        yield connection
    finally:
        connection.close()


def post(url: str) -> Outgoing:
    return Outgoing(method="POST", url=url, headers=Headers({"X-Key": "key"}), body=b"{}")


def failure(url: str, timeout: float = 30.0, clock: Callable[[], float] | None = None) -> str:
    with connected(url, clock) as connection, pytest.raises(NoAnswer) as caught:
        connection.send(post(url), timeout)
    return caught.value.failure


def test_calls_one_after_the_other_share_a_connection(served: tuple[str, type[Handler]]) -> None:
    url, handler = served
    with connected(url) as connection:
        answers = [connection.send(post(f"{url}/webhook?a=1"), 30.0) for _ in range(3)]
    assert {(answer.status, answer.body, answer.is_replayed) for answer in answers} == {(200, b'{"ok": true}', True)}
    assert {(path, key, body) for path, _, key, body in handler.seen} == {("/webhook?a=1", "key", b"{}")}
    assert len({port for _, port, _, _ in handler.seen}) == 1


def test_redirects_are_not_followed(served: tuple[str, type[Handler]]) -> None:
    url, handler = served
    with connected(url) as connection:
        assert connection.send(post(f"{url}/moved"), 30.0).status == 302
    assert len(handler.seen) == 1


def test_an_answer_without_end_is_not_read_to_its_end(served: tuple[str, type[Handler]]) -> None:
    url, _ = served
    with connected(url) as connection:
        assert 1_048_576 < len(connection.send(post(f"{url}/large"), 30.0).body) < 2_000_000
        assert connection.send(post(f"{url}/webhook"), 30.0).body == b'{"ok": true}'


@pytest.mark.parametrize(("path", "expected"), [("broken", "unreachable"), ("no-http", "unreachable")])
def test_answers_that_break(served: tuple[str, type[Handler]], path: str, expected: str) -> None:
    url, handler = served
    assert failure(f"{url}/{path}") == expected
    assert len(handler.seen) == 1, "nothing is sent again behind the caller's back"


def test_no_answer_in_time(served: tuple[str, type[Handler]]) -> None:
    assert failure(f"{served[0]}/slow", timeout=0.1) == "timeout"


def test_an_answer_that_takes_too_long_part_by_part(served: tuple[str, type[Handler]]) -> None:
    seconds = iter((0.0, 31.0))
    assert failure(f"{served[0]}/large", clock=lambda: next(seconds)) == "timeout"


def test_nobody_listens() -> None:
    with serving() as (url, _):
        pass
    assert failure(url) == "unreachable"


def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    issued = make_server_certificate(make_authority(now), ["127.0.0.1"], now)
    (tmp_path / "chain").write_bytes(issued.pem)
    (tmp_path / "key").write_bytes(issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    with serving(context) as (url, _):
        assert failure(url) == "tls"


def test_a_certificate_that_is_trusted_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    authority = make_authority(now)
    issued = make_server_certificate(authority, ["127.0.0.1"], now)
    for name, data in {"ca": authority.pem, "chain": issued.pem, "key": issued.key_pem}.items():
        (tmp_path / name).write_bytes(data)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca"))
    with serving(context) as (url, _), connected(url) as connection:
        assert connection.send(post(f"{url}/webhook"), 30.0).status == 200
