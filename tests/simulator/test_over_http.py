"""Calls over real connections of this machine."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.certificates import make_authority, make_server_certificate
from cxfulfill.http import Headers
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.certificates import read_client_certificate
from cxfulfill.simulator.credentials import CertificateCredential
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.over_http import MAX_ANSWER, Line, OverHttp
from cxfulfill.simulator.sending import Answer, ClientCertificate, NoAnswer, Outgoing
from tests.auth.pki import issue, make_ca
from tests.clock import Clock
from tests.pipeline.support import LIMIT

OK = b'{"fulfillmentResponse": {}}'
BODY = b'{"fulfillmentInfo": {"tag": "hello"}}'
NOW = datetime.now(UTC)


class Seen(NamedTuple):
    """A request as the server saw it."""

    method: str
    path: str
    port: int
    fields: list[tuple[str, str]]
    body: bytes
    certificate: bytes | None

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says."""

    protocol_version = "HTTP/1.1"
    seen: "Queue[Seen]"
    let_go: Event

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def do_POST(self) -> None:
        certificate = self.connection.getpeercert(True) if isinstance(self.connection, ssl.SSLSocket) else None
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fields = list(self.headers.items())
        self.seen.put(Seen(self.command, self.path, self.client_address[1], fields, body, certificate))
        match self.path.partition("?")[0]:
            case "/slow":
                self.let_go.wait(LIMIT)
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
                self.answer(302, b"", ("Location", "/webhook"))
            case "/twice":
                self.answer(401, b"{}", ("WWW-Authenticate", "Basic"), ("WWW-Authenticate", "Bearer"))
            case "/drip":
                self.drip(*self.path.partition("?")[2].split("&"))
            case _:
                self.answer(200, OK)

    def drip(self, begin: str, again: str) -> None:
        """Send a piece again and again, until nobody listens or the test is over."""
        self.close_connection = True
        try:
            self.wfile.write(unquote_to_bytes(begin))
            while not self.let_go.wait(0.01):
                self.wfile.write(unquote_to_bytes(again))
        except OSError:
            return

    def do_GET(self) -> None:
        self.do_POST()

    def do_HEAD(self) -> None:
        self.do_POST()

    def answer(self, status: int, body: bytes, *fields: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Idempotent-Replayed", "true"), ("Content-Length", str(len(body))), *fields):
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(b"" if self.command == "HEAD" else body)
        except OSError:  # the large one is not read to its end
            self.close_connection = True


class Served(NamedTuple):
    url: str
    handler: type[Handler]

    def seen(self) -> Seen:
        return self.handler.seen.get(timeout=LIMIT)

    def all_seen(self) -> list[Seen]:
        return list(self.handler.seen.queue)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Served]:
    class Own(Handler):
        pass

    Own.seen, Own.let_go = Queue(), Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a handshake that the client breaks off
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Served(f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}", Own)
    finally:
        Own.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join(LIMIT)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@contextmanager
def connected(**options: Any) -> Iterator[OverHttp]:
    transport = OverHttp(**options)
    try:
        yield transport
    finally:
        transport.close()


def post(url: str, certificate: ClientCertificate | None = None) -> Outgoing:
    return Outgoing(
        method="POST", url=url, headers=Headers({"X-Key": "key"}), body=BODY, certificate=certificate
    )  # fmt: skip


def send(outgoing: Outgoing, timeout: float = LIMIT, **options: Any) -> Answer:
    with connected(**options) as transport:
        return transport.send(outgoing, timeout)


def failure(url: str, timeout: float = LIMIT, **options: Any) -> tuple[str, str]:
    with pytest.raises(NoAnswer) as caught:
        send(post(url), timeout, **options)
    return caught.value.failure, str(caught.value)


def seconds(*ticks: float) -> Callable[[], float]:
    """A clock that goes on by itself."""
    given = iter(ticks)
    return lambda: next(given)


def test_calls_one_after_the_other_share_a_connection(served: Served) -> None:
    with connected() as transport:
        answers = [transport.send(post(f"{served.url}/webhook?a=1"), LIMIT) for _ in range(3)]
    assert {(answer.status, answer.body, answer.is_replayed) for answer in answers} == {(200, OK, True)}
    assert {(seen.path, seen.body) for seen in served.all_seen()} == {("/webhook?a=1", BODY)}
    assert len({seen.port for seen in served.all_seen()}) == 1
    assert answers[0].record is None


def test_what_is_sent_says_who_sends_it_and_nothing_twice(served: Served) -> None:
    send(post(f"{served.url}/w%C3%BC%2Fx"))
    seen = served.seen()
    assert seen.path == "/w%C3%BC%2Fx"
    assert {name: seen.values(name) for name in ("user-agent", "x-key", "content-length", "host", "content-type")} == {
        "user-agent": ["cxfulfill-simulator"], "x-key": ["key"], "content-length": [str(len(BODY))],
        "host": [served.url.removeprefix("http://")], "content-type": [],
    }  # fmt: skip
    own = Headers({"user-agent": "mine"})
    send(Outgoing(method="POST", url=served.url, headers=own))
    seen = served.seen()
    assert (seen.values("user-agent"), seen.values("content-length"), seen.body) == (["mine"], ["0"], b"")


@pytest.mark.parametrize(("method", "body"), [("GET", OK), ("HEAD", b"")])
@pytest.mark.parametrize("line", [Line(), Line(pieces=3)])
def test_a_call_without_a_body_has_no_length(served: Served, method: str, body: bytes, line: Line) -> None:
    answer = send(Outgoing(method=method, url=f"{served.url}/webhook", headers=Headers({})), line=line)
    assert (answer.status, answer.body) == (200, body)
    seen = served.seen()
    assert (seen.method, seen.values("content-length"), seen.values("transfer-encoding")) == (method, [], [])


def test_header_fields_that_come_several_times_are_joined(served: Served) -> None:
    assert send(post(f"{served.url}/twice")).headers["WWW-Authenticate"] == "Basic, Bearer"


def test_redirects_are_not_followed_and_cx_may_not_take_them(served: Served) -> None:
    with connected() as transport:
        caller = Caller(transport, url=f"{served.url}/moved")
        delivery = caller.deliver(caller.outgoing(BODY, {}))
    verdict = judge(delivery)
    assert [seen.path for seen in served.all_seen()] == ["/moved"]
    assert (verdict.event, len(delivery.attempts)) == ("webhook.error", 1)
    assert "the status is 302: no page says that CX takes redirects" in verdict.findings[0].problem


def test_an_answer_without_end_is_not_read_to_its_end(served: Served) -> None:
    with connected() as transport:
        assert MAX_ANSWER < len(transport.send(post(f"{served.url}/large"), LIMIT).body) < 2 * MAX_ANSWER
        assert transport.send(post(f"{served.url}/webhook"), LIMIT).body == OK
    first, second = served.all_seen()
    assert first.port != second.port, "what is left of the first would be read as the second"


@pytest.mark.parametrize("path", ["broken", "no-http"])
def test_answers_that_break(served: Served, path: str) -> None:
    assert failure(f"{served.url}/{path}") == ("unreachable", "the connection broke before the answer came")
    assert len(served.all_seen()) == 1, "nothing is sent again behind the caller's back"


def test_no_answer_in_time(served: Served) -> None:
    assert failure(f"{served.url}/slow", timeout=0.1) == ("timeout", "no answer within 0.1 seconds")


def test_an_answer_that_takes_too_long_part_by_part(served: Served) -> None:
    assert failure(f"{served.url}/large", clock=seconds(0.0, LIMIT + 1))[0] == "timeout"


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        ("", "H"),
        ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
        ("HTTP/1.1 200 OK\r\nX: ", "y"),
        ("", "HTTP/1.1 100 Continue\r\n\r\n" * 100),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"),
    ],
)
def test_an_answer_that_never_ends_is_given_up_in_time(served: Served, begin: str, again: str) -> None:
    assert failure(f"{served.url}/drip?{quote(begin)}&{quote(again)}", timeout=0.2)[0] in ("timeout", "unreachable")


def test_nobody_listens() -> None:
    with serving() as gone:
        pass
    told = "no connection could be made: nothing listens there, or the name is unknown"
    assert failure(gone.url) == ("unreachable", told)


def test_a_name_that_no_resolver_takes() -> None:
    assert failure(f"http://{'a' * 64}.example/")[0] == "unreachable"


# --- Lines -----------------------------------------------------------------------------------------------------------


def test_a_slow_line_sends_a_body_in_pieces(served: Served) -> None:
    pauses: list[float] = []
    line = Line(pieces=5, pause=0.7)
    assert send(post(f"{served.url}/webhook"), line=line, sleep=pauses.append).body == OK
    seen = served.seen()
    assert (seen.body, seen.values("content-length")) == (BODY, [str(len(BODY))])
    assert pauses == [0.7] * 4


def test_a_line_that_is_too_slow_is_given_up_while_it_sends(served: Served) -> None:
    clock = Clock()
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.seconds += seconds

    told = ("timeout", "no answer within 5 seconds")
    options = {"line": Line(pieces=10, pause=2.0), "clock": clock, "sleep": sleep}
    assert failure(f"{served.url}/webhook", 5.0, **options) == told
    assert pauses == [2.0, 2.0, 1.0], "and not a moment longer"
    assert len(served.seen().body) == 3 * 4


@pytest.mark.parametrize("pieces", [1, 4])
def test_a_line_that_is_cut_leaves_a_body_without_its_end(served: Served, pieces: int) -> None:
    told = ("unreachable", "the connection was cut while the request was sent")
    assert failure(f"{served.url}/webhook", line=Line(pieces=pieces, cut=True)) == told
    seen = served.seen()
    assert int(seen.values("content-length")[0]) == len(BODY)
    assert len(seen.body) == (len(BODY) // pieces + 1) * (pieces - 1)


@pytest.mark.parametrize("options", [{"pieces": 0}, {"pause": -1.0}, {"pause": float("nan")}])
def test_a_line_that_is_none(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="1 piece at least"):
        Line(**options)


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    """A server's, whose root is in the file ``ca``."""
    authority = make_authority(NOW)
    issued = make_server_certificate(authority, ["127.0.0.1"], NOW)
    for name, data in {"ca": authority.pem, "chain": issued.pem, "key": issued.key_pem}.items():
        (tmp_path / name).write_bytes(data)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    return made


def test_a_certificate_that_is_not_trusted(context: ssl.SSLContext) -> None:
    with serving(context) as served:
        assert failure(served.url)[0] == "tls"
        with connected() as transport:
            caller = Caller(transport, url=served.url)
            verdict = judge(caller.deliver(caller.outgoing(BODY, {})))
    assert verdict.event == "webhook.error.not-found"
    assert "UNREACHABLE_SSL_VALIDATION_FAILED" in verdict.webhook_status["message"]


def test_a_certificate_that_is_trusted(context: ssl.SSLContext, tmp_path: Path) -> None:
    with serving(context) as served:
        assert send(post(f"{served.url}/webhook"), ca_certs=str(tmp_path / "ca")).status == 200


def test_a_certificate_that_is_trusted_by_the_environment(
    context: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca"))
    with serving(context) as served:
        assert send(post(f"{served.url}/webhook")).status == 200


@pytest.mark.parametrize("name", ["none", "key", "."])
def test_roots_that_are_none(context: ssl.SSLContext, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="ca_certs takes a PEM file"):
        OverHttp(ca_certs=str(tmp_path / name))


def test_a_client_certificate_is_shown_where_a_call_has_one(context: ssl.SSLContext, tmp_path: Path) -> None:
    ca = make_ca(now=NOW)
    (tmp_path / "clients").write_text(ca.pem)
    context.load_verify_locations(tmp_path / "clients")
    context.verify_mode = ssl.CERT_REQUIRED
    identity = issue(ca, "CN=cx", begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=1))
    credential = CertificateCredential(read_client_certificate(*identity.write(tmp_path, "client")))
    with serving(context) as served, connected(ca_certs=str(tmp_path / "ca")) as transport:
        url = f"{served.url}/webhook"
        for _ in range(2):
            assert transport.send(post(url, credential.certificate), LIMIT).status == 200
        with pytest.raises(NoAnswer) as caught:
            transport.send(post(url), LIMIT)
    assert [seen.certificate for seen in served.all_seen()] == [identity.der] * 2
    assert caught.value.failure in ("tls", "unreachable")
