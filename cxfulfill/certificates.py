"""Certificates for a server of one's own: a local CA, and a server certificate that CX accepts.

They follow Google's page on custom CA certificates: RSA with 2048 bits as in its example, since no page says which
other keys CX takes; the host as subject alternative name; and a key usage of ``digitalSignature`` alone for the
server. A CA must also be allowed to sign certificates (RFC 5280 4.2.1.3).
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cxfulfill.errors import ConfigurationError

AUTHORITY_DAYS: Final = 3_650
"""Days that a local CA is valid: it is entered in CX once."""
SERVER_DAYS: Final = 365
"""Days that a server certificate is valid."""

_KEY_BITS = 2_048
_CLOCKS_DIFFER = timedelta(minutes=5)
_DNS_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_MAX_DNS_NAME = 253


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key.

    Attributes:
        certificate: The certificate.
        key: Its key.
    """

    certificate: x509.Certificate
    key: RSAPrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate as DER, the form that CX takes."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM, not encrypted: a server has nobody to ask for a passphrase."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_authority(now: datetime, *, days: int = AUTHORITY_DAYS) -> Issued:
    """Make a CA.

    Args:
        now: The time, with its zone.
        days: Days that it is valid.

    Returns:
        The CA's certificate, signed by itself, and its key.
    """
    key = generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    # A name of its own, since some clients keep only one CA of a name.
    name = _name(f"cxfulfill local CA {x509.random_serial_number() % 2**32:08x}")
    builder = (
        _builder(name, name, key, now, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return Issued(builder.sign(key, SHA256()), key)


def make_server_certificate(
    authority: Issued, hosts: Sequence[str], now: datetime, *, days: int = SERVER_DAYS
) -> Issued:
    """Make a server certificate.

    Args:
        authority: The CA that signs it.
        hosts: The names and IP addresses that the server is called by.
        now: The time, with its zone.
        days: Days that it is valid.

    Returns:
        The certificate and its key.

    Raises:
        ConfigurationError: There is no host, one of them is none, or the CA ends before the certificate would.
    """
    if not hosts:
        raise ConfigurationError("a server certificate needs a host: --host webhook.example")
    names = dict.fromkeys(host_name(host) for host in hosts)
    issuer = authority.certificate
    # Certificates count in whole seconds.
    if not 1 <= days <= (issuer.not_valid_after_utc - now.replace(microsecond=0)).days:
        raise ConfigurationError(f"--days must be 1 at least, and end before the CA does: {_day(issuer)}")
    key = generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name("cxfulfill webhook server"), issuer.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return Issued(builder.sign(authority.key, SHA256()), key)


def read_authority(certificate: bytes, key: bytes) -> Issued:
    """Read a CA that `make_authority` made.

    Args:
        certificate: Its certificate as PEM.
        key: Its key as PEM.

    Returns:
        The CA.

    Raises:
        ConfigurationError: They are not a CA's certificate and its key.
    """
    try:
        found = Issued(x509.load_pem_x509_certificate(certificate), _read_key(key))
        constraints = found.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        found.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.ExtensionNotFound):
        raise ConfigurationError("ca.pem and ca.key are not those of a CA that cxfulfill cert made") from None
    if not constraints.ca or found.certificate.public_key() != found.key.public_key():
        raise ConfigurationError("ca.pem is no CA's certificate, or ca.key is not its key")
    return found


def host_name(host: str) -> x509.GeneralName:
    """Read a host as it stands in a certificate.

    Args:
        host: A DNS name, which may start with ``*.``, or an IP address.

    Returns:
        The name.

    Raises:
        ConfigurationError: It is neither.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    name = host.lower()
    # The last label of a DNS name is never a number: 10.0.0.300 is a mistyped address.
    if len(name) > _MAX_DNS_NAME or not _DNS_NAME.fullmatch(name) or name.rpartition(".")[2].isdigit():
        raise ConfigurationError(
            "a host is a DNS name (an international one in its xn-- form) or an IP address, without scheme, port "
            "and path"
        )
    return x509.DNSName(name)


def check_server_certificate(certificate: x509.Certificate, now: datetime) -> None:
    """Check what CX demands of a server's certificate and what can be seen in it.

    Args:
        certificate: The certificate.
        now: The time, with its zone.

    Raises:
        ConfigurationError: It has no subject alternative name, or is not valid now.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        named = any(isinstance(name, (x509.DNSName, x509.IPAddress)) for name in names)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        named = False
    if not named:
        raise ConfigurationError(
            "the server certificate has no subject alternative name with a host, and CX calls no server without "
            "one: cxfulfill cert --host makes one that has it"
        )
    if now >= certificate.not_valid_after_utc:
        raise ConfigurationError(f"the server certificate expired on {_day(certificate)}: renew it")
    if now < certificate.not_valid_before_utc:
        raise ConfigurationError("the server certificate is not valid yet: does this machine's clock tell the time?")


def _day(certificate: x509.Certificate) -> str:
    return certificate.not_valid_after_utc.date().isoformat()


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read_key(key: bytes) -> RSAPrivateKey:
    found = load_pem_private_key(key, password=None)
    if not isinstance(found, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return found
