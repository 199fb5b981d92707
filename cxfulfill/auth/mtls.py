"""Client certificates: who ended the TLS handshake vouches for the chain, this module for the name in it."""

import ipaddress
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509

from cxfulfill.auth.base import Principal
from cxfulfill.auth.proxies import PROFILES, malformed, no_certificate
from cxfulfill.auth.tokens import WallClock, not_allowed
from cxfulfill.errors import ConfigurationError, Unauthorized
from cxfulfill.http import HttpRequest

GOOGLE_CLIENT_SUBJECTS: Final = ("CN=Google LLC", "CN=*.dialogflow.com")
"""The two client identities of Dialogflow that Google documents.

``CN=Google LLC`` is issued by SSL.com: trust "SSL.com Root Certification Authority RSA" (SHA-256 fingerprint
``85:66:6A:56:2E:E0:BE:5C:E9:25:C1:D8:89:0A:6F:76:A8:7E:C1:6D:4D:7D:5F:29:EA:74:19:CF:20:12:3B:69``), to a depth of 2
at least; the intermediate certificate is sent. ``CN=*.dialogflow.com`` is the older one, issued by Google Trust
Services; Dialogflow falls back to it where the first is refused, until 2026-12-01. So says the page of Dialogflow ES;
that of CX still names the roots of Google Trust Services alone (pki.goog). Trust both roots until CX has moved.

Either certificate is Dialogflow's, not one customer's: it does not tell whose agent calls.
"""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Attributes = Mapping[x509.ObjectIdentifier, tuple[str | bytes, ...]]
"""The values of each kind of attribute of a distinguished name."""
_San = tuple[str, str]
"""Kind and name."""
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_DNS_NAME = re.compile(r"(?!(?:.*\.)?[0-9]+$)[A-Za-z0-9*_.-]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+-]*:[^\s]+")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Certificate:
    subject: _Attributes
    shown: str
    sans: tuple[_San, ...]
    begins: datetime
    ends: datetime


class MutualTls:
    """A TLS client certificate, from gunicorn's own handshake or from a proxy that ended TLS.

    It proves that Dialogflow calls, not whose agent: combine it with another factor,
    ``AllOf(GoogleIdToken(...), MutualTls(...))``.

    Without ``proxy`` the certificate is that of the connection; gunicorn must ask for one
    (``CXFULFILL_TLS_CLIENT_CA``). With it, the certificate stands in headers, which are believed only if the
    connection comes from one of ``peers``: `cxfulfill.auth.proxies` tells which headers the proxy must set. The one
    way is never a fallback for the other. Nothing in between may replace the connection's address by that of
    ``X-Forwarded-For`` (werkzeug's ``ProxyFix``, gunicorn's ``proxy_protocol``).

    On Cloud Run every call comes from a link-local address (``169.254.0.0/16``), whether through the load balancer or
    not: only with ``--ingress internal-and-cloud-load-balancing`` is there no way around the load balancer.

    Args:
        subjects: Distinguished names (RFC 4514), such as those of `GOOGLE_CLIENT_SUBJECTS`. Of each kind of attribute
            in a name, the certificate's subject must have just these values in this order; it may have other kinds.
            So ``CN=Google LLC`` allows ``CN=Google LLC,O=Google LLC,C=US``, but no subject with two common names.
        sans: DNS names or URIs, such as ``spiffe://example/cx``, of which the certificate's subject alternative names
            must have one. ``*`` stands for itself only.
        proxy: ``gcp-lb``, ``nginx``, ``envoy`` or ``rfc9440``.
        peers: The proxy's addresses or networks.
        allow_any_dialogflow_customer: Accept a certificate as the only factor.
        now: Seconds since 1970; given by tests.

    Raises:
        ConfigurationError: No identity is given or one is none, the proxy is unknown, or its peers are missing, none,
            or everybody.
    """

    blocking = False

    def __init__(
        self,
        subjects: Iterable[str] = (),
        sans: Iterable[str] = (),
        *,
        proxy: str | None = None,
        peers: Iterable[str] = (),
        allow_any_dialogflow_customer: bool = False,
        now: WallClock = time.time,
    ) -> None:
        self.subjects = {name: _read_subject(name) for name in _texts("subjects", subjects)}
        self.sans = {_read_san(name): name for name in _texts("sans", sans)}
        if not self.subjects and not self.sans:
            raise ConfigurationError("MutualTls: give subjects= (GOOGLE_CLIENT_SUBJECTS are Dialogflow's) or sans=")
        if proxy is not None and proxy not in PROFILES:
            raise ConfigurationError(f"MutualTls: proxy must be one of {', '.join(PROFILES)}")
        self.peers = _read_peers(_texts("peers", peers))
        if (proxy is None) == bool(self.peers):
            raise ConfigurationError("MutualTls: proxy= and peers= go together: whose headers are believed, and whence")
        self._profile = PROFILES[proxy] if proxy else None
        self.proxy = proxy
        self.only_with_another_factor = not allow_any_dialogflow_customer
        self.credential_headers = frozenset({self._profile.certificate_header} if self._profile else ())
        self.now = now

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept a valid certificate with one of the names; see `Authenticator.authenticate`."""
        certificate = _parse(self._certificate(http))
        now = datetime.fromtimestamp(self.now(), UTC)
        # The handshake may lie back: a connection is kept, a session resumed, and a proxy's clock is another one.
        if now > certificate.ends:
            raise Unauthorized(reason="certificate_expired", note=f"it ended at {certificate.ends}")
        if now < certificate.begins:
            raise Unauthorized(reason="certificate_not_yet_valid", note="does this machine's clock tell the time?")
        return self._principal(certificate)

    def _certificate(self, http: HttpRequest) -> bytes:
        if self._profile is None:
            certificate = http.client_certificate()
            if certificate is None:
                raise no_certificate("does this server ask for one (CXFULFILL_TLS_CLIENT_CA)? Behind a proxy: proxy=")
            return certificate
        address = _address(http.peer)
        if address is None or not any(address in network for network in self.peers):
            raise Unauthorized(reason="peer_not_allowed", note=f"the address {http.peer[:_SHOWN]!r} is not in peers=")
        return self._profile.read(http.headers)

    def _principal(self, certificate: "_Certificate") -> Principal:
        for name, wanted in self.subjects.items():
            if all(certificate.subject.get(kind) == values for kind, values in wanted.items()):
                return Principal(name, "mtls")
        for san in certificate.sans:
            if san in self.sans:
                return Principal(self.sans[san], "mtls")
        names = ", ".join(name for _, name in certificate.sans[:3])
        raise not_allowed(
            f"the certificate's subject is {certificate.shown[:_SHOWN]}, its alternative names are "
            f"{names[:_SHOWN] or 'none'}; enter one of them if this caller is Dialogflow"
        )

    def __repr__(self) -> str:
        names = f"subjects={list(self.subjects)}, sans={list(self.sans.values())}"
        return f"MutualTls({names}, proxy={self.proxy!r}, peers={[str(network) for network in self.peers]})"


def _texts(what: str, given: Iterable[str]) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise ConfigurationError(f"MutualTls: {what} takes texts")
    return texts


def _read_subject(text: str) -> _Attributes:
    try:
        attributes = _attributes(x509.Name.from_rfc4514_string(text))
    except ValueError:
        attributes = {}
    if not attributes:
        raise ConfigurationError(
            f"MutualTls: {text!r} is no distinguished name; write it as CN=Google LLC,O=Google LLC (RFC 4514), with no "
            "space behind a comma"
        )
    return attributes


def _attributes(name: x509.Name) -> _Attributes:
    found: dict[x509.ObjectIdentifier, tuple[str | bytes, ...]] = {}
    for attribute in name:
        found[attribute.oid] = (*found.get(attribute.oid, ()), attribute.value)
    return found


def _read_san(text: str) -> _San:
    if _URI.fullmatch(text):
        return "URI", text
    if not _DNS_NAME.fullmatch(text):
        raise ConfigurationError(f"MutualTls: {text!r} is neither a DNS name nor a URI")
    return "DNS", text.lower()


def _read_peers(given: tuple[str, ...]) -> tuple[_Network, ...]:
    v4: list[ipaddress.IPv4Network] = []
    v6: list[ipaddress.IPv6Network] = []
    for text in given:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise ConfigurationError(f"MutualTls: {text!r} in peers= is no network, such as 10.0.0.0/8") from None
        if network.version == 4:
            v4.append(network)
        elif network.subnet_of(_MAPPED):
            v4.append(ipaddress.IPv4Network((network.network_address.packed[12:], network.prefixlen - 96)))
        else:
            v6.append(network)
    peers: tuple[_Network, ...] = (*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6))
    if any(network.prefixlen == 0 for network in peers):
        raise ConfigurationError("MutualTls: peers= must not be everybody: anybody could send the headers")
    return peers


def _address(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return None
    # A socket for both families shows the addresses of IPv4 within IPv6.
    return getattr(address, "ipv4_mapped", None) or address


def _parse(der: bytes) -> _Certificate:
    try:
        found = x509.load_der_x509_certificate(der)
        return _Certificate(
            subject=_attributes(found.subject),
            shown=found.subject.rfc4514_string(),
            sans=_sans(found),
            begins=found.not_valid_before_utc,
            ends=found.not_valid_after_utc,
        )
    except Exception:  # whatever the parser makes of a stranger's bytes
        raise malformed("the bytes are no X.509 certificate") from None


def _sans(certificate: x509.Certificate) -> tuple[_San, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = [("DNS", name.lower()) for name in names.get_values_for_type(x509.DNSName)]
    return (*dns, *(("URI", name) for name in names.get_values_for_type(x509.UniformResourceIdentifier)))
