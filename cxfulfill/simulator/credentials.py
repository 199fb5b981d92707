"""What CX proves itself with: each kind of authentication that a webhook's settings know."""

import base64
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from cxfulfill.auth.outbound import OutboundError, check_url, send
from cxfulfill.errors import BadRequest, ConfigurationError
from cxfulfill.protocol.json import loads
from cxfulfill.simulator.issuer import LIFETIME, LocalIssuer
from cxfulfill.simulator.sending import ClientCertificate, Credential, NoAnswer
from cxfulfill.simulator.substitution import substituted

_PART_OF_LIFE: Final = 0.9
"""Part of a token's lifetime for which it is used."""


class _Kept:
    """Tokens by what they are for, each used until shortly before its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, float, float]] = {}

    def get(self, key: str, now: float, make: Callable[[], tuple[str, float]]) -> str:
        """Give a token; where there is none, ``make`` gives one and its lifetime in seconds."""
        with self._lock:
            token, begins, ends = self._tokens.get(key, ("", 0.0, 0.0))
            if not begins <= now < ends:
                token, lifetime = make()
                self._tokens[key] = (token, now, now + lifetime * _PART_OF_LIFE)
            return token


class _WithoutCertificate:
    @property
    def certificate(self) -> ClientCertificate | None:
        """See `Credential`: none."""
        return None


@dataclass(frozen=True)
class NoCredential(_WithoutCertificate):
    """No authentication."""

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`: none."""
        del url, parameters
        return {}


@dataclass(frozen=True)
class BasicCredential(_WithoutCertificate):
    """User name and password (RFC 7617).

    Attributes:
        username: The user name.
        password: The password.
    """

    username: str
    password: str = field(repr=False)

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`."""
        del url, parameters
        pair = base64.b64encode(f"{self.username}:{self.password}".encode())
        return {"Authorization": f"Basic {pair.decode()}"}


@dataclass(frozen=True)
class HeaderCredential(_WithoutCertificate):
    """Header fields with values that are entered in CX, which may refer to session parameters.

    Attributes:
        fields: Values by name.
    """

    fields: Mapping[str, str]

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`; UTF-8 is given as the bytes' Latin-1 text, which is what HTTP libraries write."""
        del url
        values = {name: substituted(value, parameters, "header") for name, value in self.fields.items()}
        return {name: value.encode().decode("latin-1") for name, value in values.items()}

    def __repr__(self) -> str:
        return f"HeaderCredential({list(self.fields)})"


@dataclass(frozen=True)
class IdTokenCredential(_WithoutCertificate):
    """The ID token of a service account, as CX's service agent sends it.

    Attributes:
        issuer: Who issues the tokens, and by which clock.
        email: The service account.
        audience: Whom the tokens are for; None for the webhook's whole URL without the query, as CX has it.
        signature_removed: Whether the token comes through the IAM check of Cloud Run.
    """

    issuer: LocalIssuer
    email: str
    audience: str | None = None
    signature_removed: bool = field(default=False, kw_only=True)
    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False, compare=False)

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`."""
        del parameters
        audience = self.audience or url.partition("#")[0].partition("?")[0]

        def make() -> tuple[str, float]:
            return self.issuer.id_token(audience=audience, email=self.email), LIFETIME

        token = self._kept.get(audience, self.issuer.now(), make)
        return _bearer(self.issuer.removed_signature(token) if self.signature_removed else token)


@dataclass(frozen=True, kw_only=True)
class AccessTokenCredential(_WithoutCertificate):
    """An access token (RFC 9068) that CX would get by third-party OAuth, without the way to a token endpoint.

    Attributes:
        signer: Who signs the tokens, and by which clock.
        issuer: Who says to have issued them (``iss``).
        audience: Whom they are for.
        client_id: The client that they are issued to.
        scopes: What they allow.
        lifetime: Seconds that one is valid for.
        claims: Claims in place of those, or further ones.
    """

    signer: LocalIssuer
    issuer: str
    audience: str
    client_id: str
    scopes: tuple[str, ...] = ()
    lifetime: float = LIFETIME
    claims: Mapping[str, Any] = field(default_factory=dict)
    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False, compare=False)

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`."""
        del url, parameters
        return _bearer(self._kept.get("", self.signer.now(), self._issued))

    def _issued(self) -> tuple[str, float]:
        token = self.signer.access_token(
            issuer=self.issuer, audience=self.audience, client_id=self.client_id, scopes=self.scopes,
            lifetime=self.lifetime, claims=self.claims,
        )  # fmt: skip
        return token, self.lifetime


@dataclass(frozen=True)
class OAuthCredential(_WithoutCertificate):
    """Third-party OAuth: a token of the client credentials grant (RFC 6749 4.4), used until shortly before its end.

    The request to the token endpoint is a form of its own: none of the webhook's headers goes there.

    Attributes:
        token_endpoint: Its URL, whose query is kept; http for this machine alone.
        client_id: The client.
        client_secret: Its secret, which is sent in the form.
        scopes: What is asked for.
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: The token endpoint is no https URL.
    """

    token_endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: Iterable[str] = ()
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, kw_only=True)
    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_url("OAuthCredential: token_endpoint", self.token_endpoint)
        object.__setattr__(self, "scopes", tuple(self.scopes))

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`.

        Raises:
            NoAnswer: The token endpoint gave no token.
        """
        del url, parameters
        return _bearer(self._kept.get("", self.clock(), self._granted))

    def _granted(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        if self.scopes:
            form["scope"] = " ".join(self.scopes)
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            received = send("POST", self.token_endpoint, headers=fields, body=urlencode(form).encode())
            answer = loads(received.body)
        except OutboundError as error:
            raise _no_token(str(error)) from None
        except BadRequest:
            raise _no_token("no JSON") from None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or str(answer.get("token_type")).lower() != "bearer":
            raise _no_token("no bearer token in it")
        lifetime = answer.get("expires_in", 0)
        return token, float(lifetime) if isinstance(lifetime, int | float) else 0.0


@dataclass(frozen=True)
class CertificateCredential:
    """A TLS client certificate.

    Attributes:
        certificate: The certificate, and where its key is.
    """

    certificate: ClientCertificate

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`: none."""
        del url, parameters
        return {}


@dataclass(frozen=True, init=False)
class AllCredentials:
    """Several credentials with one call, such as a certificate and a token.

    Args:
        parts: The credentials.

    Attributes:
        parts: The credentials.
        certificate: The certificate of the one that has one.

    Raises:
        ConfigurationError: Two have a certificate.
    """

    parts: tuple[Credential, ...]
    certificate: ClientCertificate | None = field(repr=False)

    def __init__(self, *parts: Credential) -> None:
        found = {id(part.certificate): part.certificate for part in parts if part.certificate is not None}
        if len(found) > 1:
            raise ConfigurationError("AllCredentials: a connection shows one client certificate")
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "certificate", next(iter(found.values()), None))

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Credential.headers`.

        Raises:
            ConfigurationError: Two want different values in one header.
        """
        joined: dict[str, tuple[str, str]] = {}
        for part in self.parts:
            for name, value in part.headers(url, parameters).items():
                _, other = joined.setdefault(name.lower(), (name, value))
                if other != value:
                    raise ConfigurationError(f"AllCredentials: CX sends one value in the header {name}")
        return dict(joined.values())


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _no_token(problem: str) -> NoAnswer:
    return NoAnswer("unreachable", f"the token endpoint gave no token: {problem}")
