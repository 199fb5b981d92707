"""Where an answer to a request of ours ends, and whom it comes from: nothing behind it answers the next request."""

import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cxfulfill.auth.connections import _shared_context, open_to
from cxfulfill.auth.outbound import OutboundError, send
from tests.auth.listening import Serve, Steered, listening, shaking
from tests.auth.pki import YEAR, issue, make_ca

OK = b"HTTP/1.1 200 OK\r\n"
TRUE, FALSE = b'{"active":true}', b'{"active":false}'
TODAY = datetime.now(UTC)


def answer(body: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *fields, b"Content-Length: %d" % len(body), b"", body))


def chunked(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def asked(connection: socket.socket) -> bool:
    """Read a request; False where there is none any more."""
    got = b""
    while not got.endswith(b"token=t"):
        part = connection.recv(4_096)
        if not part:
            return False
        got += part
    return True


def saying(first: bytes) -> Serve:
    """Answer the first request on a connection so, and the others that the token is not good."""

    def serve(connection: socket.socket) -> None:
        said = first
        with suppress(OSError):  # the client leaves without reading all of it
            while asked(connection):
                connection.sendall(said)
                said = answer(FALSE)

    return serve


def ask(url: str) -> bytes:
    return send("POST", url, body=b"token=t", often=True).body


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve over TLS, with a certificate for names."""
    ca = make_ca(now=TODAY)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.write(tmp_path, "ca")[0]))
    _shared_context.cache_clear()

    def make(serve: Serve, subject: str, *names: x509.GeneralName) -> Serve:
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        identity = issue(ca, subject, *names, begins=TODAY - YEAR / 6, ends=TODAY + YEAR, usage=usage)
        return shaking(identity, tmp_path, serve)

    return make


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def here(host: str, *arguments: Any, **options: Any) -> Any:
        del host
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here)


BEHIND = [b"x", answer(TRUE), b"HTTP/1.1 200 OK\r\nX: ", answer(TRUE, b"X: " + b"x" * 20_000)]


@pytest.mark.parametrize("make", [answer, chunked])
@pytest.mark.parametrize("behind", BEHIND)
def test_what_stands_behind_an_answer_does_not_answer_the_next_request(make: Any, behind: bytes) -> None:
    with listening(saying(make(FALSE) + behind)) as port:
        url = f"http://127.0.0.1:{port}/"
        assert [ask(url), ask(url)] == [FALSE, FALSE]


@pytest.mark.parametrize("make", [answer, chunked])
@pytest.mark.usefixtures("at_home")
def test_what_tls_holds_behind_it_does_not_either(make: Any, secure: Any) -> None:
    # All in one record, of which the reader takes 8 KiB: the second answer is in nobody's sight then.
    first = make(FALSE)
    serve = saying(first + b"x" * (8_192 - len(first)) + answer(TRUE))
    with listening(secure(serve, "CN=server", x509.DNSName("idp.example"))) as port:
        url = f"https://idp.example:{port}/"
        assert ask(url) == FALSE
        assert ask(url) == FALSE


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (b"Content-Length: 2\r\nContent-Length: 3", "connection broken off"),
        (b"Content-Length: 2, 3", "connection broken off"),
        (b"Content-Length: two", "connection broken off"),
        (b"Content-Length: -2", "connection broken off"),
        (b"Content-Length: 2\r\nTransfer-Encoding: gzip, chunked", "a coded answer"),
        (b"Transfer-Encoding: chunked, chunked", "a coded answer"),
        (b"Content-Length: 2\r\nContent-Encoding: identity\r\nContent-Encoding: gzip", "a coded answer"),
    ],
)
def test_an_answer_whose_end_is_not_clear_is_none(fields: bytes, problem: str) -> None:
    with listening(saying(OK + fields + b"\r\n\r\n{}x")) as port, pytest.raises(OutboundError, match=problem):
        ask(f"http://127.0.0.1:{port}/")


@pytest.mark.usefixtures("at_home")
def test_the_common_name_of_a_certificate_is_no_host(secure: Any) -> None:
    serve = secure(saying(answer(TRUE)), "CN=idp.example")
    with listening(serve) as port, pytest.raises(OutboundError, match="certificate of another host"):
        ask(f"https://idp.example:{port}/")


@pytest.mark.usefixtures("at_home")
def test_a_dot_at_the_end_of_a_host_is_not_in_its_certificate(secure: Any) -> None:
    with listening(secure(saying(answer(TRUE)), "CN=server", x509.DNSName("idp.example"))) as port:
        url = f"https://idp.example.:{port}/"
        assert ask(url) == TRUE


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://[::1]/jwks", "::1", 443), ("https://[2001:db8::abcd]:/jwks", "2001:db8::abcd", 443),
        ("http://[::1]/jwks", "::1", 80), ("https://[::1]:8443/jwks", "::1", 8_443),
        ("https://idp.example/jwks", "idp.example", 443), ("https://idp.example:0/jwks", "idp.example", 0),
    ],
)  # fmt: skip
def test_an_ipv6_address_ends_with_no_port(url: str, host: str, port: int) -> None:
    connection = open_to(urlsplit(url), 1.0, often=False)
    assert (connection.host, connection.port) == (host, port)


@pytest.mark.usefixtures("steered")
def test_whoever_connects_when_the_time_is_over_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, came, left = socket.socket.connect, [], threading.Event()

    def slow(sock: socket.socket, address: Any) -> None:
        connect(sock, address)
        Steered.made[-1].go_off()

    def serve(connection: socket.socket) -> None:
        came.append(connection.recv(4_096))
        left.set()

    monkeypatch.setattr(socket.socket, "connect", slow)
    with listening(serve) as port:
        with pytest.raises(OutboundError, match="too slow an answer"):
            ask(f"http://127.0.0.1:{port}/")
        assert left.wait(10)
    assert came == [b""]


@pytest.mark.usefixtures("steered")
def test_an_answer_that_is_cut_off_at_its_end_is_none() -> None:
    rest = threading.Event()

    def serve(connection: socket.socket) -> None:
        asked(connection)
        Steered.made[-1].go_off()
        connection.sendall(answer(TRUE))
        rest.set()

    with listening(serve) as port:
        with pytest.raises(OutboundError, match="too slow an answer"):
            ask(f"http://127.0.0.1:{port}/")
        assert rest.wait(10)
