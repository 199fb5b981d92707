"""What the log says where keys could not be had, in words of our own; and what can be no source of keys at all."""

import ipaddress
import json
import logging
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from cxfulfill import ConfigurationError, GoogleIdToken, HttpKeySource, KeyDocument
from cxfulfill.auth import fetched, outbound
from cxfulfill.auth.fetched import Fetched, FetchError, Held
from cxfulfill.auth.oauth_jwt import OAuthJwt
from cxfulfill.auth.outbound import OutboundError, send
from tests.auth import oauth_support as oauth
from tests.auth.listening import Steered, listening, shaking
from tests.auth.pki import YEAR, issue, make_ca
from tests.auth.tokens_support import AUDIENCE, K1, Source, app_g, jwk, token
from tests.pipeline.support import CANARY, LIMIT, Counted, post

GOOD = {"Authorization": f"Bearer {token()}"}


def said(auth: Any, caplog: pytest.LogCaptureFixture, headers: dict[str, str] = GOOD) -> str:
    """What the warning says behind the source, and the call's own line then says too."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        result = post(Counted(auth), headers=headers)
    assert (result.status, result.reason) == (503, "keys_unavailable")
    warning, line = caplog.messages
    problem = warning.partition(": ")[2] if "://" not in warning else warning.rpartition(": ")[2]
    assert f": {problem}" in line.partition("note=")[2]
    return problem


DOCUMENTS = [
    (b"<html>", "not JSON"), (b"", "not JSON"), (b'{"a":1,"a":2}', "not JSON"),
    (b"[]", "not a JWK set or certificate map"), (b"5", "not a JWK set or certificate map"),
    (b"{}", "not a JWK set or certificate map"), (b'{"keys":5}', "not a JWK set or certificate map"),
    (b'{"issuer":"https://idp.example"}', "not a JWK set or certificate map"),
    (b'{"keys":[]}', "no usable key in it"), (b'{"keys":[{"kty":"oct","k":"AAAA","kid":"k1"}]}', "no usable key in it"),
    (b'{"k1":"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"}', "no usable key in it"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "problem"), DOCUMENTS)
def test_a_document_of_another_kind(content: bytes, problem: str, caplog: pytest.LogCaptureFixture) -> None:
    assert said(app_g(Source(content=content)), caplog) == problem
    bearer = {"Authorization": f"Bearer {oauth.token()}"}
    assert said(oauth.app_o(Source(content=content)), caplog, bearer) == problem


def test_an_issuer_s_metadata_are_not_its_keys(caplog: pytest.LogCaptureFixture) -> None:
    metadata = json.dumps({"issuer": oauth.ISSUER, "jwks_uri": f"https://{CANARY}.example/jwks"}).encode()
    problem = said(app_g(Source(content=metadata)), caplog)
    assert problem == "not a JWK set or certificate map, but the issuer's metadata: give the address in its jwks_uri"


def test_another_exception_is_named_by_its_class_only(caplog: pytest.LogCaptureFixture) -> None:
    class Own:
        def fetch(self) -> KeyDocument:
            raise ValueError(CANARY)

    assert said(GoogleIdToken(audience=AUDIENCE, project_number=123, keys=Own()), caplog) == "ValueError"


def test_our_own_problem_is_told_and_others_are_not(caplog: pytest.LogCaptureFixture) -> None:
    problems: list[Exception] = [FetchError("of our own"), OutboundError("of our own"), KeyError(CANARY)]
    for problem in problems:

        def load(problem: Exception = problem) -> Held[int]:
            raise problem

        Fetched("keys", "test", load).fetch()
    assert caplog.messages == [
        "keys could not be fetched from test: of our own", "keys could not be fetched from test: of our own",
        "keys could not be fetched from test: KeyError",
    ]  # fmt: skip


def test_a_source_that_takes_too_long_is_told_with_the_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.01)
    source = Source(gate=threading.Event())
    assert said(app_g(source), caplog) == "it took too long"
    assert source.gate
    source.gate.set()


# Over HTTP.


def problem_at(url: str) -> str:
    with pytest.raises(OutboundError) as raised:
        send("GET", url)
    return str(raised.value)


def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert problem_at(f"http://127.0.0.1:{bound.getsockname()[1]}/") == "connection refused"


def test_there_is_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, CANARY)  # a real look-up would ask the machine's resolver

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert problem_at("https://idp.example/jwks") == "no such host"


def test_a_name_that_no_host_can_have() -> None:
    assert problem_at(f"https://{'a' * 64}.example/jwks") == "no such host"


def test_there_is_no_way_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise OSError(101, CANARY)  # a machine without a network is not at hand

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert problem_at("http://127.0.0.1:9/") == "no connection"


@pytest.mark.parametrize("sends", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"no HTTP\r\n\r\n"])
def test_an_answer_that_breaks_off(sends: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4_096)
        connection.sendall(sends)

    with listening(serve) as port:
        assert problem_at(f"http://127.0.0.1:{port}/") == "connection broken off"


def test_an_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TIME_LIMIT", 0.05)
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        over.wait(LIMIT)

    with listening(serve) as port:
        problem = problem_at(f"http://127.0.0.1:{port}/")
        over.set()
    assert problem in ("it took too long", "too slow an answer")


@pytest.mark.parametrize(
    ("scheme", "sends"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        # Within a line, on a connection that is the answer's own by then.
        ("http", b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1;a"),
        ("https", b"\x16\x03\x03\x00"),  # in the midst of the handshake
    ],
)
@pytest.mark.usefixtures("steered")
def test_what_is_cut_off_here_did_not_break_off_there(scheme: str, sends: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4_096)
        connection.sendall(sends)
        Steered.made[-1].go_off()
        connection.recv(4_096)

    with listening(serve) as port:
        assert problem_at(f"{scheme}://127.0.0.1:{port}/") == "too slow an answer"


@pytest.mark.usefixtures("steered")
def test_the_time_is_over_before_there_is_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> Any:
        Steered.made[-1].go_off()
        raise socket.gaierror(socket.EAI_AGAIN, CANARY)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert problem_at("https://idp.example/jwks") == "too slow an answer"


TODAY = datetime.now(UTC)
THIS_MACHINE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("trusted", "names", "ends", "problem"),
    [
        (False, [THIS_MACHINE], TODAY + YEAR, "certificate not trusted"),
        (True, [THIS_MACHINE], TODAY - YEAR / 12, "certificate expired"),
        (True, [x509.DNSName("other.example")], TODAY + YEAR, "certificate of another host"),
        (True, [THIS_MACHINE], TODAY + YEAR, "connection broken off"),
    ],
)
def test_a_certificate_that_will_not_do(
    trusted: bool, names: list[Any], ends: datetime, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = make_ca(now=TODAY)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.write(tmp_path, "ca")[0]))
    identity = issue(ca, "CN=server", *names, begins=TODAY - YEAR / 6, ends=ends, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    with listening(shaking(identity, tmp_path)) as port:
        assert problem_at(f"https://127.0.0.1:{port}/") == problem


def test_no_tls_at_all() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4_096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(serve) as port:
        assert problem_at(f"https://127.0.0.1:{port}/") == "TLS handshake failed"


def test_the_words_are_in_the_warning(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/jwks"
        auth = GoogleIdToken(audience=AUDIENCE, project_number=123, keys=url, now=lambda: 1.8e9)
        assert said(auth, caplog) == "connection refused"
    assert f"keys could not be fetched from {url}: connection refused" in caplog.text
    assert f"no keys from {url}: connection refused" in caplog.text


# What is no source.


class Waits:
    async def fetch(self) -> KeyDocument:
        return KeyDocument(b"{}")


@pytest.mark.parametrize(
    "keys", [{"keys": []}, [], None, Path("keys.json"), open, b"x", HttpKeySource, Waits(), 5, object()]
)
def test_what_is_no_source_of_keys_does_not_start(keys: Any) -> None:
    for make in (
        lambda: GoogleIdToken(audience=AUDIENCE, project_number=123, keys=keys),
        lambda: OAuthJwt(issuer=oauth.ISSUER, audience=oauth.API, keys=keys),
    ):
        with pytest.raises(ConfigurationError, match=r"keys= must be an address .* or an object with fetch\(\)"):
            make()


def test_what_is_a_source_of_keys() -> None:
    for keys in (Source([jwk(K1, "k1")]), HttpKeySource("https://idp.example/jwks"), "https://idp.example/jwks"):
        assert GoogleIdToken(audience=AUDIENCE, project_number=123, keys=keys)
