"""TLS that gunicorn ends: client certificates, the body's deadline, and what is refused at start."""

import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from cxfulfill.certificates import Issued, make_authority, make_server_certificate
from cxfulfill.errors import ConfigurationError
from cxfulfill.server import tls
from cxfulfill.server.tls import check_settings, connection_context, renew
from tests.auth.pki import Identity, issue, make_ca
from tests.server.conftest import Serve
from tests.server.oracle import assert_problem, refusing, watching
from tests.server.test_framing import CHUNKED, drip
from tests.server.wire import LIMIT, ROOT, Server, call, clean_environment, gunicorn, head, until

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
ANONYMOUS = call(credential="")
HELLO = {"fulfillmentResponse": {"messages": [{"text": {"text": ["Hello."]}}]}}
CX = "CN=Google LLC,O=Google LLC,L=Mountain View,C=US"


@dataclass(frozen=True)
class Files:
    """A server's certificate and its key, and the root of its clients, as files."""

    folder: Path
    authority: Issued
    client_ca: Identity

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        return self.folder / "server.key"

    @property
    def variables(self) -> dict[str, Any]:
        return {"CXFULFILL_TLS_CERT": str(self.certificate), "CXFULFILL_TLS_KEY": str(self.key)}

    @property
    def client_variables(self) -> dict[str, Any]:
        return {**self.variables, "CXFULFILL_TLS_CLIENT_CA": str(self.folder / "clients.pem")}

    def renew(self) -> Issued:
        server = make_server_certificate(self.authority, ["127.0.0.1", "webhook.example"], NOW)
        self.certificate.write_bytes(server.pem)
        self.key.write_bytes(server.key_pem)
        return server

    def identity(self, subject: str = CX, ca: Identity | None = None, **options: Any) -> Identity:
        return issue(ca or self.client_ca, subject, **{"begins": NOW - 9 * DAY, "ends": NOW + DAY, **options})

    def client(self, identity: Identity | None = None) -> ssl.SSLContext:
        """Make a client that trusts the server's CA alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.authority.der)
        if identity:
            context.load_cert_chain(*identity.write(self.folder, "client"))
        return context


def make_files(folder: Path) -> Files:
    made = Files(folder, make_authority(NOW), make_ca(now=NOW))
    made.renew()
    made.client_ca.write(folder, "clients")
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("tls"))


def started(serve: Serve, target: str, **environment: Any) -> Server:
    running = serve(*gunicorn(target), **environment)
    running.until_line("Booting worker")  # the last line that is not about a request
    return running


@pytest.fixture(scope="module")
def required(serve: Serve, files: Files) -> Server:
    return started(serve, "tests.server.tls_app:webhook", **files.client_variables)


@pytest.fixture(scope="module")
def optional(serve: Serve, files: Files) -> Server:
    variables = {**files.client_variables, "CXFULFILL_TLS_CLIENT_CERT": "optional"}
    return started(serve, "tests.server.tls_app:webhook", **variables)


@pytest.fixture(params=["required", "optional"])
def either(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="module")
def server(serve: Serve, files: Files) -> Server:
    """One that asks for no client certificates, with a single thread."""
    return started(serve, "tests.server.app:app", CXFULFILL_THREADS="1", **files.variables)


@pytest.mark.parametrize("subject", [CX, "CN=*.dialogflow.com"])
def test_a_client_of_the_right_ca_and_subject(either: Server, files: Files, subject: str) -> None:
    with watching(either) as watched, either.connect(files.client(files.identity(subject))) as wire:
        for _ in range(2):
            assert wire.ask(ANONYMOUS).json() == HELLO
    assert watched.ran == ["plain", "plain"]
    assert all(f'principal="{subject.partition(",")[0]}"' in line for line in watched.log)


def test_a056_another_client_of_the_same_ca(either: Server, files: Files) -> None:
    with refusing(either, 403, "caller_not_allowed"):
        response = either.ask(ANONYMOUS, files.client(files.identity("CN=Somebody Else")))
    assert_problem(response, 403, "caller_not_allowed")
    assert "Somebody" not in response.body.decode()


def test_a058_no_certificate_where_it_is_optional(optional: Server, files: Files) -> None:
    pretended = ["X-SSL-Client-Verify: SUCCESS", f"X-SSL-Client-Cert: {files.identity().escaped_pem}"]
    with optional.connect(files.client()) as wire:
        for request in (ANONYMOUS, call("plain", *pretended, credential="")):
            with refusing(optional, 401, "no_certificate"):
                response = wire.ask(request)
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="webhook"'


def test_a058_the_body_is_not_waited_for(optional: Server, files: Files) -> None:
    with optional.connect(files.client()) as wire:
        assert wire.ask(head("POST", "/webhook", "Content-Length: 600", credential="")).status == 401


def is_refused(server: Server, client: ssl.SSLContext) -> bool:
    """With TLS 1.3 a client learns only when it reads that its certificate was refused."""
    try:
        with server.connect(client) as wire:
            return wire.send(ANONYMOUS).closed()
    except (ssl.SSLError, ConnectionError):
        return True


Kind = Callable[[Files], Identity | None]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(lambda files: None, id="no certificate"),
        pytest.param(lambda files: files.identity(ca=make_ca(now=NOW)), id="another CA of the same name"),
        pytest.param(lambda files: files.identity(usage=ExtendedKeyUsageOID.SERVER_AUTH), id="a server's"),
        pytest.param(lambda files: files.identity(ends=NOW - DAY), id="expired"),
    ],
)
def test_the_handshake_refuses_what_is_no_client_certificate(
    required: Server, files: Files, kind: Kind, version: ssl.TLSVersion
) -> None:
    client = files.client(kind(files))
    client.minimum_version = client.maximum_version = version
    before, logged = required.ran(), len(required.lines())
    assert is_refused(required, client)
    assert required.ran() == before
    until(
        lambda: any("Invalid request from ip=127.0.0.1: [SSL: " in line for line in required.lines()[logged:]), "a line"
    )
    assert required.ask(ANONYMOUS, files.client(files.identity())).status == 200


def test_the_optional_certificate_is_verified_too(optional: Server, files: Files) -> None:
    assert is_refused(optional, files.client(files.identity(ca=make_ca(now=NOW))))


def test_a_resumed_session_keeps_its_certificate(optional: Server, files: Files) -> None:
    with optional.connect(context := files.client(files.identity())) as wire:
        assert wire.ask(ANONYMOUS).status == 200
        session = wire.socket.session  # type: ignore[attr-defined]
    again = socket.create_connection(("127.0.0.1", optional.port), LIMIT)
    with context.wrap_socket(again, server_hostname="127.0.0.1", session=session) as resumed:
        assert resumed.session_reused
        resumed.sendall(ANONYMOUS)
        assert resumed.recv(12) == b"HTTP/1.1 200"


def test_a_server_that_asks_for_no_certificate_knows_none(serve: Serve, files: Files) -> None:
    client = files.client(files.identity())
    assert serve(*gunicorn("tests.server.tls_app:webhook"), **files.variables).ask(ANONYMOUS, client).status == 401
    assert serve(*gunicorn("tests.server.tls_app:webhook")).ask(ANONYMOUS).status == 401


def test_no_plain_text_is_answered_on_a_port_with_tls(server: Server, files: Files) -> None:
    with server.connect() as wire:
        assert wire.send(call()).closed()
    assert server.ask(call(), files.client()).json() == HELLO


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a077_a_slow_body_over_tls_gets_an_encrypted_408(server: Server, files: Files, framing: str) -> None:
    fields, start = (("Content-Length: 30",), b"") if framing == "length" else ((CHUNKED,), b"1e\r\n")
    with watching(server) as watched, server.connect(files.client()) as wire:
        wire.send(head("POST", "/quick", *fields), start)
        assert drip([wire], b" " * 30) < 10
        # In plain text this would be no TLS record, and an error here.
        assert_problem(wire.response(), 408, "body_too_slow")
        assert wire.closed()
    assert watched.ran == []
    watched.assert_one_line("status=408 reason=body_too_slow ")
    assert server.ask(call(), files.client()).json() == HELLO, "the server's only thread is not free"


def test_a077_a_body_that_never_begins_over_tls(server: Server, files: Files) -> None:
    with server.connect(files.client()) as wire:
        assert_problem(wire.ask(head("POST", "/quick", "Content-Length: 30")), 408, "body_too_slow")
        assert wire.closed()


def test_a_renewed_certificate_is_read_at_sighup_and_not_before(serve: Serve, tmp_path: Path) -> None:
    files = make_files(tmp_path)
    server = serve(*gunicorn("tests.server.app:app"), **files.variables)

    def served() -> bytes | None:
        with server.connect(files.client()) as wire:
            assert wire.ask(call()).json() == HELLO
            certificate: bytes | None = wire.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
            return certificate

    first = served()
    files.certificate.write_text("half of the new certificate")
    assert served() == first
    renewed = files.renew().der
    assert served() == first
    server.process.send_signal(signal.SIGHUP)
    until(lambda: served() == renewed, "the renewed certificate")
    assert server.stop() == 0


def test_a_bad_certificate_at_sighup_leaves_the_one_of_before(serve: Serve, tmp_path: Path) -> None:
    files = make_files(tmp_path)
    server = started(serve, "tests.server.app:app", **files.client_variables, CXFULFILL_TLS_CLIENT_CERT="optional")
    client = files.client(files.identity())

    def served() -> tuple[Any, bytes | None]:
        with server.connect(client) as wire:
            pid = wire.ask(call("async-plain")).parameters["pid"]
            return pid, wire.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]

    def until_another(pid: Any) -> tuple[Any, bytes | None]:
        until(lambda: served()[0] != pid, "a new worker")
        return served()

    pid, first = served()
    good = files.certificate.read_bytes()
    spoiled = [
        (files.certificate, "half of the new certificate", "CXFULFILL_TLS_CERT must be a PEM file"),
        (files.certificate, files.authority.pem.decode(), "CXFULFILL_TLS_KEY is not the key of CXFULFILL_TLS_CERT"),
        (files.key, "", "CXFULFILL_TLS_KEY must be a PEM file"),
        (files.folder / "clients.pem", "", "CXFULFILL_TLS_CLIENT_CA names no PEM file"),
    ]
    for file, content, sentence in spoiled:
        before = file.read_bytes()
        file.write_text(content)
        server.process.send_signal(signal.SIGHUP)
        server.until_line(f"[ERROR] TLS goes on with the files of before: {sentence}")
        pid, certificate = until_another(pid)
        assert certificate == first
        # A worker that dies later is replaced by one that has never seen the files either.
        os.kill(pid, signal.SIGKILL)
        pid, certificate = until_another(pid)
        assert certificate == first
        file.write_bytes(before)
    assert files.certificate.read_bytes() == good
    renewed = files.renew().der
    server.process.send_signal(signal.SIGHUP)
    until(lambda: served()[1] == renewed, "the renewed certificate")
    assert sum("[ERROR] TLS" in line for line in server.lines()) == len(spoiled)
    assert server.stop() == 0


def refused_at_start(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        gunicorn(*arguments, "tests.server.app:app"), cwd=ROOT, env=clean_environment() | environment, timeout=LIMIT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Listening" not in done.stderr
    [sentence] = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    return sentence


def without_san(files: Files, folder: Path) -> dict[str, str]:
    certificate, key = files.identity("CN=127.0.0.1").write(folder, "no-san")
    return {"CXFULFILL_TLS_CERT": str(certificate), "CXFULFILL_TLS_KEY": str(key)}


def test_a_certificate_without_san_is_refused_at_start(files: Files, tmp_path: Path) -> None:
    sentence = refused_at_start(**without_san(files, tmp_path))
    assert sentence.startswith("Error: CXFULFILL_TLS_CERT: the server certificate has no subject alternative name")


def test_flags_are_checked_as_the_environment_is(files: Files, tmp_path: Path) -> None:
    certificate, key = without_san(files, tmp_path).values()
    assert "no subject alternative name" in refused_at_start("--certfile", certificate, "--keyfile", key)


def test_a_variable_for_client_certificates_takes_two_values(files: Files) -> None:
    sentence = refused_at_start(**files.client_variables, CXFULFILL_TLS_CLIENT_CERT="yes")
    assert sentence == "Error: CXFULFILL_TLS_CLIENT_CERT takes required or optional"


@pytest.mark.parametrize("variable", ["CXFULFILL_TLS_KEY", "CXFULFILL_TLS_CLIENT_CA", "CXFULFILL_TLS_CLIENT_CERT"])
def test_a_variable_of_tls_needs_the_certificate(files: Files, variable: str) -> None:
    values = {**files.client_variables, "CXFULFILL_TLS_CLIENT_CERT": "optional"}
    sentence = refused_at_start(**{variable: values[variable]})
    assert sentence == f"Error: set CXFULFILL_TLS_CERT to the PEM file of the server's certificate: {variable} is set"


def test_a_certificate_alone_needs_the_key(files: Files) -> None:
    sentence = refused_at_start(CXFULFILL_TLS_CERT=str(files.certificate))
    assert sentence == (
        "Error: set CXFULFILL_TLS_KEY to the PEM file of the key: the file of CXFULFILL_TLS_CERT has none"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CXFULFILL_THREADS", "abc"), ("CXFULFILL_THREADS", "0"), ("CXFULFILL_THREADS", "2.5"),
     ("CXFULFILL_THREADS", "9" * 5_000), ("WEB_CONCURRENCY", "0")],
)  # fmt: skip
def test_counts_of_workers_and_threads(variable: str, value: str) -> None:
    assert refused_at_start(**{variable: value}) == f"Error: {variable} must be a whole number from 1 to 9999"


def test_an_empty_variable_is_refused_as_everywhere() -> None:
    assert refused_at_start(CXFULFILL_TLS_CERT="") == "Error: CXFULFILL_TLS_CERT is empty: set it, or unset it"


def test_ciphers_that_openssl_does_not_know_are_refused_at_start(files: Files) -> None:
    variables = {name: str(value) for name, value in files.variables.items()}
    assert "gunicorn's settings make no TLS (SSLError)" in refused_at_start("--ciphers", "nonsense", **variables)


def test_a123_gunicorns_reloader_is_refused() -> None:
    assert "flask --app main run --debug" in refused_at_start("--reload")


def test_without_tls_nothing_of_it_is_imported() -> None:
    program = "import sys, cxfulfill.server.gunicorn; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert "cxfulfill.server.gunicorn" in loaded
    assert not [name for name in loaded if name == "cxfulfill.server.tls" or name.startswith("cryptography")]


def check(
    certificate: Path | None, key: Path | None, client_ca: Path | None = None, client_certificates: int = 0
) -> None:
    first, second, third = [str(file) if file else None for file in (certificate, key, client_ca)]
    check_settings(first, second, third, client_certificates, now=lambda: NOW)


def test_right_files_pass_the_check(files: Files, tmp_path: Path) -> None:
    check(files.certificate, files.key)
    check(files.certificate, files.key, files.folder / "clients.pem", 2)
    together = tmp_path / "together.pem"
    together.write_bytes(files.key.read_bytes() + files.certificate.read_bytes() + files.authority.pem)
    check(together, None)


def test_files_that_do_not_belong_together(files: Files, tmp_path: Path) -> None:
    other = make_server_certificate(files.authority, ["a.example"], NOW)
    (tmp_path / "other.key").write_bytes(other.key_pem)
    with pytest.raises(ConfigurationError, match="is not the key of"):
        check(files.certificate, tmp_path / "other.key")


@pytest.mark.parametrize("content", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_files_that_are_none_of_it(files: Files, tmp_path: Path, content: str) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text(content)
    for pair in ((bad, files.key), (bad, None)):
        with pytest.raises(ConfigurationError, match=r"^CXFULFILL_TLS_CERT must be a PEM file with a certificate$"):
            check(*pair)
    for key in (bad, files.certificate):
        with pytest.raises(
            ConfigurationError, match=r"^CXFULFILL_TLS_KEY must be a PEM file with the certificate's key"
        ):
            check(files.certificate, key)
    with pytest.raises(ConfigurationError, match=r"^set CXFULFILL_TLS_KEY"):
        check(files.certificate, None)
    with pytest.raises(ConfigurationError, match="CXFULFILL_TLS_CLIENT_CA names no PEM file"):
        check(files.certificate, files.key, bad, 2)


def test_files_that_are_not_there(files: Files, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for path in (gone, tmp_path, Path("a\0b")):
        with pytest.raises(ConfigurationError, match=r"^CXFULFILL_TLS_CERT names no file that can be read$"):
            check(path, files.key)
        with pytest.raises(ConfigurationError, match=r"^CXFULFILL_TLS_KEY names no file that can be read$"):
            check(files.certificate, path)
    for folder in (gone, tmp_path):
        with pytest.raises(ConfigurationError, match="names no PEM file"):
            check(files.certificate, files.key, folder, 2)


def test_a_key_in_place_of_its_files_name_is_not_shown(files: Files) -> None:
    key = files.key.read_text()
    with pytest.raises(ConfigurationError) as raised:
        check_settings(str(files.certificate), key, None, 0)
    assert key[40:80] not in str(raised.value)


def test_an_encrypted_key_is_refused_and_not_asked_about(files: Files, tmp_path: Path) -> None:
    identity = files.identity("CN=x", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    certificate, key = identity.write(tmp_path, "server")
    key.write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x" * 9)))
    with pytest.raises(ConfigurationError, match="not encrypted"):
        check(certificate, key)


def test_a_certificate_that_only_openssl_reads(files: Files, tmp_path: Path) -> None:
    # The first byte of the version's integer: OpenSSL reads version 0x7F+1, RFC 5280 knows three.
    identity = files.identity("CN=x")
    _, key = identity.write(tmp_path, "server")
    der = identity.der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x7f", 1)
    odd = tmp_path / "odd.pem"
    odd.write_text(ssl.DER_cert_to_PEM_cert(der))
    with pytest.raises(ConfigurationError, match="RFC 5280"):
        check(odd, key)


SAN = x509.DNSName("webhook.example")


@pytest.mark.parametrize(
    ("sans", "options", "message"),
    [
        ([], {}, "no subject alternative name"),
        ([x509.UniformResourceIdentifier("https://webhook.example"), x509.RFC822Name("a@b.example")], {}, "no subject"),
        ([SAN], {"ends": NOW}, "expired on"),
        ([SAN], {"begins": NOW + DAY / 24}, "not valid yet"),
        ([SAN], {}, None),
        ([x509.IPAddress(ipaddress.ip_address("::1"))], {}, None),
    ],
)
def test_what_cx_would_refuse(
    files: Files, tmp_path: Path, sans: list[x509.GeneralName], options: dict[str, Any], message: str | None
) -> None:
    begins_ends = {"begins": NOW - DAY, "ends": NOW + DAY, **options}
    pair = issue(files.client_ca, "CN=webhook.example", *sans, **begins_ends).write(tmp_path, "server")
    if message is None:
        check(*pair)
        return
    with pytest.raises(ConfigurationError, match=message):
        check(*pair)


@pytest.mark.parametrize(("client_ca", "reqs"), [("clients.pem", 0), (None, 1), (None, 2)])
def test_settings_for_client_certificates_go_together(files: Files, client_ca: str | None, reqs: int) -> None:
    with pytest.raises(ConfigurationError, match="client certificates"):
        check(files.certificate, files.key, files.folder / client_ca if client_ca else None, reqs)


def test_no_connection_is_older_than_tls_1_2() -> None:
    def make(minimum: ssl.TLSVersion) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = minimum
        return made

    try:
        first = connection_context(lambda: make(ssl.TLSVersion.MINIMUM_SUPPORTED))
        assert first.minimum_version == ssl.TLSVersion.TLSv1_2
        assert connection_context(lambda: make(ssl.TLSVersion.TLSv1_3)) is first
        renew(lambda: connection_context(lambda: make(ssl.TLSVersion.TLSv1_3)))
        strict = connection_context(lambda: make(ssl.TLSVersion.TLSv1_2))
        assert strict.minimum_version == ssl.TLSVersion.TLSv1_3
    finally:
        tls._kept.clear()


def test_a_small_key_is_told_apart(files: Files, tmp_path: Path) -> None:
    key = generate_private_key(65_537, 1_024)
    name = x509.Name.from_rfc4514_string("CN=webhook.example")
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - DAY, NOW + DAY, [])
    certificate, file = tmp_path / "small.pem", tmp_path / "small.key"
    certificate.write_bytes(built.sign(key, SHA256()).public_bytes(Encoding.PEM))
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ConfigurationError, match=r"^CXFULFILL_TLS_CERT is refused by OpenSSL: EE_KEY_TOO_SMALL$"):
        check(certificate, file)
