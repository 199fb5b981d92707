"""Client certificates as proxies hand them on: a profile for each proxy, read strictly and within bounds.

Every profile takes the whole certificate and the proxy's word that it checked the chain. The names of the headers are
fixed, and the proxy must set or remove each of them on every request, or a client could send them itself.

========= ==================================================================================================
profile   what the proxy sets
========= ==================================================================================================
gcp-lb    custom request headers of the load balancer's backend service:
          ``X-Client-Cert-Present: {client_cert_present}``,
          ``X-Client-Cert-Chain-Verified: {client_cert_chain_verified}``, ``X-Client-Cert-Leaf: {client_cert_leaf}``
nginx     ``proxy_set_header X-SSL-Client-Verify $ssl_client_verify;``,
          ``proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;``
envoy     ``forward_client_cert_details: SANITIZE_SET`` and ``set_current_client_cert_details: {cert: true}``, with a
          ``validation_context`` that names the ``trusted_ca``
rfc9440   ``Client-Cert`` (RFC 9440), and only for a certificate that it verified
========= ==================================================================================================
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from cxfulfill.errors import Unauthorized

MAX_FIELD: Final = 16_384
"""Characters of a header with a certificate; the shipped gunicorn settings take 8190."""

_BYTES = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
_ESCAPED = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n((?:[A-Za-z0-9+/]{1,76}={0,2}\n)+)-----END CERTIFICATE-----\n?")
_PAIR = r'(?:By|Hash|Cert|Chain|Subject|URI|DNS)=(?:"(?:[^"\\]|\\.)*"|[^",;\\]*)'
_ELEMENT = re.compile(rf"{_PAIR}(?:;{_PAIR})*")
_PAIRS = re.compile(r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;\\]*)(?:;|$)')

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProxyProfile:
    """How a proxy hands on a certificate.

    Attributes:
        certificate_header: Lower-case name of the header with the certificate.
        read: Gives the certificate (DER) of the request's header fields; raises `Unauthorized` where there is none,
            where the proxy did not verify it, or where anything about it is odd.
    """

    certificate_header: str
    read: Callable[[Fields], bytes]


def malformed(note: str = "what stands for the certificate is not in the form that proxy= names") -> Unauthorized:
    """Make the refusal of what is no certificate.

    Args:
        note: A sentence for the log.

    Returns:
        The error: 401 ``malformed_certificate``.
    """
    return Unauthorized(reason="malformed_certificate", note=note)


def no_certificate(note: str) -> Unauthorized:
    """Make the refusal of a caller without a certificate.

    Args:
        note: A sentence for the log.

    Returns:
        The error: 401 ``no_certificate``.
    """
    return Unauthorized(reason="no_certificate", note=note)


def _not_verified(note: str) -> Unauthorized:
    return Unauthorized(reason="certificate_not_verified", note=note)


def _field(headers: Fields, name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise no_certificate(f"there is no header {name}: does the proxy set it?")
    if len(value) > MAX_FIELD:
        raise malformed(f"the header {name} is longer than {MAX_FIELD} characters")
    return value


def _gcp_lb(headers: Fields) -> bytes:
    present = _field(headers, "x-client-cert-present")
    if present == "false":
        raise no_certificate("the load balancer says that the client showed none: does its mutual TLS ask for one?")
    verified = _field(headers, "x-client-cert-chain-verified")
    # Servers join a header that comes twice with a comma, so that a client's own beside the proxy's is no "true".
    if (present, verified) != ("true", "true"):
        raise _not_verified("the load balancer did not verify the certificate; client_cert_error tells why")
    return _byte_sequence(_field(headers, "x-client-cert-leaf"))


def _nginx(headers: Fields) -> bytes:
    verified = _field(headers, "x-ssl-client-verify")
    if verified == "NONE":
        raise no_certificate("nginx says that the client showed none: is ssl_verify_client on?")
    if verified != "SUCCESS":
        raise _not_verified("nginx did not verify the certificate; $ssl_client_verify tells why")
    return _escaped_pem(_field(headers, "x-ssl-client-cert"))


def _envoy(headers: Fields) -> bytes:
    value = _field(headers, "x-forwarded-client-cert")
    if not _ELEMENT.fullmatch(value):
        raise malformed("X-Forwarded-Client-Cert must be one element: is forward_client_cert_details SANITIZE_SET?")
    pairs = _PAIRS.findall(value)
    found = {key: text.strip('"') for key, text in pairs}
    # Envoy puts names from the certificate behind these two without quoting them. What a name pretends to be is found
    # out: a key that comes twice, or a certificate whose digest is another one.
    if any([key for key, _ in pairs].count(key) != 1 for key in ("Cert", "Hash")):
        raise malformed("X-Forwarded-Client-Cert needs Cert once: set_current_client_cert_details: {cert: true}")
    certificate = _escaped_pem(found["Cert"])
    if hashlib.sha256(certificate).hexdigest() != found["Hash"].lower():
        raise malformed("X-Forwarded-Client-Cert has the Hash of another certificate")
    return certificate


def _rfc9440(headers: Fields) -> bytes:
    return _byte_sequence(_field(headers, "client-cert"))


def _byte_sequence(value: str) -> bytes:
    """Read a byte sequence (RFC 8941 3.3.5)."""
    found = _BYTES.fullmatch(value)
    if not found:
        raise malformed()
    return _base64(found[1])


def _escaped_pem(value: str) -> bytes:
    if not _ESCAPED.fullmatch(value):
        raise malformed()
    found = _PEM.fullmatch(unquote_to_bytes(value))
    if not found:
        raise malformed()
    return _base64(found[1].replace(b"\n", b"").decode())


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise malformed() from None


PROFILES: Final[Mapping[str, ProxyProfile]] = {
    "gcp-lb": ProxyProfile("x-client-cert-leaf", _gcp_lb),
    "nginx": ProxyProfile("x-ssl-client-cert", _nginx),
    "envoy": ProxyProfile("x-forwarded-client-cert", _envoy),
    "rfc9440": ProxyProfile("client-cert", _rfc9440),
}
