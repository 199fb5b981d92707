"""``cxfulfill cert``: what it writes is used by a real server, and believed by clients that trust its DER alone."""

import base64
import json
import re
import shlex
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from cxfulfill import ConfigurationError
from cxfulfill.certificates import host_name, make_authority, make_server_certificate, read_authority
from cxfulfill.cli import commands, main
from tests.auth.pki import issue, make_ca
from tests.server.wire import LIMIT, ROOT, Server, call, clean_environment, gunicorn, start

NOW = datetime.now(UTC)
ALL = ["ca.der", "ca.key", "ca.pem", "server.key", "server.pem"]


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(commands.cli, ["cert", *arguments])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("made") / "new folder" / "certs"
    result = run("--host", "webhook.example", "--host", "127.0.0.1", "--host", "::1", "--out", str(folder))
    return folder, result.output


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_it_writes_five_files_and_keys_for_their_owner_only(made: tuple[Path, str]) -> None:
    folder, output = made
    assert sorted(file.name for file in folder.iterdir()) == ALL
    for file in folder.iterdir():
        assert str(file) in output
        mode = stat.S_IMODE(file.stat().st_mode)
        assert mode & 0o077 == 0 if file.suffix == ".key" else mode & 0o022 == 0
        assert "PRIVATE KEY" not in output


def test_the_certificate_is_as_cx_wants_it(made: tuple[Path, str]) -> None:
    folder, _ = made
    server, ca = certificate(folder / "server.pem"), certificate(folder / "ca.pem")
    server.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["webhook.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    usage = server.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not any((usage.key_encipherment, usage.content_commitment, usage.key_cert_sign, usage.key_agreement))
    assert list(server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    for each, days in ((server, 365), (ca, 3650)):
        assert abs(each.not_valid_after_utc - NOW - timedelta(days=days)) < timedelta(hours=1)
        key = each.public_key()
        assert isinstance(key, RSAPublicKey)
        assert key.key_size == 2048
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)


def test_the_der_is_the_ca_in_the_form_that_cx_takes(made: tuple[Path, str]) -> None:
    folder, output = made
    der = (folder / "ca.der").read_bytes()
    assert x509.load_der_x509_certificate(der) == certificate(folder / "ca.pem")
    [line] = [line for line in output.splitlines() if "allowedCaCerts" in line]
    [encoded] = json.loads(f"{{{line.strip()}}}")["allowedCaCerts"]
    assert base64.b64decode(encoded, validate=True) == der


@pytest.fixture(scope="module")
def server(made: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gunicorn with the variables of the line that the command prints."""
    [line] = re.findall(r"Start the server:\n  (.*)\n", made[1])
    *variables, program, option, settings, application = shlex.split(line)
    assert (program, option, settings) == ("gunicorn", "-c", "python:cxfulfill.server.gunicorn")
    assert application == "main:app"
    environment = dict(variable.split("=", 1) for variable in variables)
    folder = tmp_path_factory.mktemp("server")
    running = start(*gunicorn("tests.server.app:app"), folder=folder, cwd=ROOT, **environment)
    yield running
    running.stop()


def client(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=(folder / "ca.der").read_bytes())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("name", ["webhook.example", "127.0.0.1"])
def test_a_client_that_trusts_the_der_alone_is_served(made: tuple[Path, str], server: Server, name: str) -> None:
    with server.connect(client(made[0]), name) as wire:
        assert wire.ask(call()).status == 200


def test_a_client_of_another_name_or_another_root_is_not_served(
    made: tuple[Path, str], server: Server, tmp_path: Path
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        server.connect(client(made[0]), "other.example")
    (tmp_path / "ca.der").write_bytes(make_authority(NOW).der)
    with pytest.raises(ssl.SSLCertVerificationError):
        server.connect(client(tmp_path), "webhook.example")
    assert server.ran() == ["plain"] * len(server.ran())


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "server.key").write_text("precious")
    (tmp_path / "ca.pem").symlink_to(tmp_path / "server.key")
    result = run("--host", "a.example", "--out", str(tmp_path), code=1)
    assert "not overwritten" in result.output
    assert str(tmp_path / "server.key") in result.output
    assert (tmp_path / "server.key").read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ca.pem", "server.key"]


def test_a_certificate_is_renewed_with_the_same_ca(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = made
    result = run("--host", "a.example", "--ca", str(folder), "--out", str(tmp_path), "--days", "30")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["server.key", "server.pem"]
    certificate(tmp_path / "server.pem").verify_directly_issued_by(certificate(folder / "ca.pem"))
    assert "CX needs no change" in result.output
    assert "allowedCaCerts" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ([], "Missing option '--host'", 2),
        (["--host", "a.example", "--days", "0"], "0 is not in the range", 2),
        (["--host", "a.example", "--days", "3651"], "3651 is not in the range", 2),
        (["--host", "https://a.example"], "without scheme", 1),
        (["--host", "a.example", "--ca", "nowhere"], "cannot be read (No such file or directory)", 1),
        (["--host", "a.example", "--out", "file/certs"], "cannot be written (Not a directory)", 1),
    ],
)
def test_a_wrong_argument_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    result = run(*arguments, code=code)
    assert message in result.output
    assert isinstance(result.exception, SystemExit)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_ca_is_read_with_its_own_key_only() -> None:
    authority, other = make_authority(NOW), make_authority(NOW)
    server = make_server_certificate(authority, ["a.example"], NOW)
    assert read_authority(authority.pem, authority.key_pem).certificate == authority.certificate
    assert authority.certificate.subject != other.certificate.subject
    elliptic = make_ca(now=NOW)
    elliptic_key = elliptic.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pair, message in (
        ((authority.pem, other.key_pem), "not its key"), ((server.pem, server.key_pem), "no CA"),
        ((b"", authority.key_pem), "not those"), ((authority.pem, b""), "not those"),
        ((elliptic.pem.encode(), elliptic_key), "not those"),
        ((issue(elliptic, "CN=x").pem.encode(), authority.key_pem), "not those"),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match=message):
            read_authority(*pair)
    assert "key" not in repr(authority).partition("certificate")[2]


@pytest.mark.parametrize(
    "host", ["a", "A.Example", "xn--bcher-kva.example", "*.a.example", "a1.2b", "10.0.0.1", "fe80::1"]
)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert str(host_name(host).value) == host.lower()


@pytest.mark.parametrize(
    "host",
    ["", " ", ".", "a..b", "a.", "-a.b", "a-.b", "a_b", "bücher.example", "a.example:443", "a/b", "*", "a.*.b",
     "10.0.0.300", "[::1]", "a b", "a,b", "a\n", "a" * 64, ".".join(["a" * 60] * 5)],
)  # fmt: skip
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ConfigurationError, match="a host is a DNS name"):
        host_name(host)


def test_a_server_certificate_needs_a_host_and_days_within_the_ca() -> None:
    authority = make_authority(NOW, days=10)
    made = make_server_certificate(authority, ["a.example", "A.example"], NOW, days=10).certificate
    assert len(list(made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)) == 1
    with pytest.raises(ConfigurationError, match="needs a host"):
        make_server_certificate(authority, [], NOW, days=10)
    for days in (0, -1, 11, 10**12):
        with pytest.raises(ConfigurationError, match="before the CA does"):
            make_server_certificate(authority, ["a.example"], NOW, days=days)


def command(*arguments: str, program: tuple[str, ...] = ("-m", "cxfulfill.cli")) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *arguments], cwd=ROOT, env=clean_environment(), timeout=LIMIT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_the_module_is_the_command() -> None:
    done = command("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: cxfulfill " in done.stdout
    assert re.search(r"cert +Make a server certificate", done.stdout)
    assert command("certs").returncode == 2


def test_without_click_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from cxfulfill.cli import main; main()"
    done = command(program=("-c", program))
    assert (done.returncode, done.stderr) == (1, "cxfulfill needs click: pip install 'cxfulfill[tools]'\n")


@pytest.mark.parametrize(
    ("name", "error"), [("rich.table", SystemExit), ("app", ModuleNotFoundError), (None, ModuleNotFoundError)]
)
def test_a_command_that_lacks_a_module(
    monkeypatch: pytest.MonkeyPatch, name: str | None, error: type[BaseException]
) -> None:
    def lacks(**_: object) -> None:
        raise ModuleNotFoundError("no module", name=name)

    monkeypatch.setattr(commands, "cli", lacks)
    with pytest.raises(error) as raised:
        main()
    if error is SystemExit:
        assert str(raised.value) == "cxfulfill needs rich: pip install 'cxfulfill[tools]'"


def test_a_command_is_imported_when_it_is_run() -> None:
    program = "import sys, cxfulfill.cli.commands; print(*sys.modules)"
    loaded = command(program=("-c", program)).stdout.split()
    assert "click" in loaded
    assert not [name for name in loaded if name == "cxfulfill.cli.cert" or name.startswith("cryptography")]
