"""A client certificate of CX's side, shown to a real server."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from cxfulfill import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.simulator.certificates import read_client_certificate
from cxfulfill.simulator.credentials import CertificateCredential
from cxfulfill.simulator.over_http import OverHttp
from cxfulfill.simulator.sending import Credential, NoAnswer, Outgoing
from cxfulfill.simulator.wrong import wrong_credential
from tests.pipeline.support import body_of
from tests.server.conftest import Serve
from tests.server.test_tls import Files, make_files, started
from tests.server.wire import LIMIT


def test_a_server_takes_the_right_certificate_alone(serve: Serve, tmp_path: Path) -> None:
    files = make_files(tmp_path)
    roots = tmp_path / "roots.pem"
    roots.write_bytes(files.authority.pem)
    server = started(serve, "tests.server.tls_app:webhook", **files.client_variables)
    transport = OverHttp(ca_certs=str(roots))

    def call(credential: Credential) -> int:
        fields = {"Content-Type": "application/json", **credential.headers("", {})}
        outgoing = Outgoing(
            method="POST",
            url=f"https://127.0.0.1:{server.port}/webhook",
            headers=Headers(fields),
            body=body_of("plain"),
            certificate=credential.certificate,
        )
        return transport.send(outgoing, LIMIT).status

    try:
        right = credential_of(files, "right")
        assert call(right) == 200
        assert call(credential_of(files, "other", "CN=Somebody Else")) == 403
        with pytest.raises(NoAnswer):
            call(wrong_credential(right))
    finally:
        transport.close()


def credential_of(files: Files, name: str, subject: str = "CN=Google LLC") -> CertificateCredential:
    identity = files.identity(subject)
    certificate = read_client_certificate(*identity.write(files.folder, name))
    assert certificate.der == identity.der
    return CertificateCredential(certificate)


def test_files_that_are_no_certificate_and_key(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    chain, key = files.identity().write(tmp_path, "one")
    other = files.identity()
    _, another_key = other.write(tmp_path, "another")
    locked = tmp_path / "locked.key"
    passphrase = BestAvailableEncryption(b"a passphrase")
    locked.write_bytes(other.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, passphrase))
    for pair in ((chain, another_key), (key, chain), (chain, tmp_path / "missing"), (tmp_path, key), (chain, locked)):
        with pytest.raises(ConfigurationError, match="the client certificate takes two PEM files"):
            read_client_certificate(*pair)
