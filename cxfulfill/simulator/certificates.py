"""Client certificates: one in files, one with a name that an application accepts, and how a proxy hands it on."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.sending import ClientCertificate

_VALID: Final = timedelta(days=1)


def read_client_certificate(chain: Path, key: Path) -> ClientCertificate:
    """Read a client certificate.

    Args:
        chain: PEM file of the certificate and, behind it, those that signed it.
        key: PEM file of its private key, without a passphrase.

    Returns:
        The certificate.

    Raises:
        ConfigurationError: They are no such files, or do not belong together.
    """
    import ssl  # noqa: PLC0415 - only who shows a certificate pays for the import

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(chain, key, password="")
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    except (OSError, ValueError):
        raise ConfigurationError(
            "the client certificate takes two PEM files: the certificate, and its private key without a passphrase"
        ) from None
    return ClientCertificate(certificate.public_bytes(Encoding.DER), chain, key)


def self_made(subjects: Iterable[str], sans: Iterable[tuple[str, str]], now: float) -> x509.Certificate:
    """Make a certificate that nobody signed: for an application that is called without a handshake.

    Args:
        subjects: Distinguished names (RFC 4514), of which it gets the first.
        sans: Kind (``DNS`` or ``URI``) and name, of which it gets the first where there is no subject.
        now: Seconds since 1970, about which it is valid for a day each way.

    Returns:
        The certificate.
    """
    key = generate_private_key(SECP256R1())
    subject = next(iter(subjects), None)
    name = x509.Name.from_rfc4514_string(subject or "CN=client")
    when = datetime.fromtimestamp(now, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(when - _VALID)
        .not_valid_after(when + _VALID)
    )
    if subject is None:
        kind, text = next(iter(sans))
        san = x509.UniformResourceIdentifier(text) if kind == "URI" else x509.DNSName(text)
        builder = builder.add_extension(x509.SubjectAlternativeName([san]), critical=False)
    return builder.sign(key, SHA256())


def handed_on(proxy: str, certificate: x509.Certificate) -> Mapping[str, str]:
    """Make the header fields by which a proxy says that it verified a certificate.

    Args:
        proxy: Its profile, one of `cxfulfill.auth.proxies.PROFILES`.
        certificate: The certificate.

    Returns:
        Values by name.
    """
    der, pem = (certificate.public_bytes(encoding) for encoding in (Encoding.DER, Encoding.PEM))
    sequence = f":{base64.b64encode(der).decode()}:"
    if proxy == "gcp-lb":
        verified = {"X-Client-Cert-Present": "true", "X-Client-Cert-Chain-Verified": "true"}
        return {**verified, "X-Client-Cert-Leaf": sequence}
    if proxy == "rfc9440":
        return {"Client-Cert": sequence}
    escaped = quote(pem, safe="")
    if proxy == "nginx":
        return {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-Cert": escaped}
    digest = hashlib.sha256(der).hexdigest()
    return {"X-Forwarded-Client-Cert": f'Hash={digest};Cert="{escaped}"'}
