"""The right credential for an application that is at hand, and authenticators that trust the issuer of this process."""

import copy
import ipaddress
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, singledispatch
from itertools import product
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from cxfulfill.auth.asked import TokenAnswer
from cxfulfill.auth.base import AllowUnauthenticated, Authenticator
from cxfulfill.auth.combinations import DRAFT, AllOf, AnyOf, ByEnvironment
from cxfulfill.auth.google import CloudRunIam, GoogleIdToken
from cxfulfill.auth.introspection import OAuthIntrospection
from cxfulfill.auth.mtls import MutualTls
from cxfulfill.auth.oauth_jwt import OAuthJwt
from cxfulfill.auth.secrets import BasicAuth, HeaderSecret
from cxfulfill.errors import ConfigurationError, Unavailable
from cxfulfill.protocol.names import SessionName
from cxfulfill.route import Route
from cxfulfill.simulator.certificates import handed_on, self_made
from cxfulfill.simulator.credentials import (
    AccessTokenCredential,
    AllCredentials,
    BasicCredential,
    CertificateCredential,
    HeaderCredential,
    IdTokenCredential,
    NoCredential,
)
from cxfulfill.simulator.issuer import LIFETIME, LocalIssuer
from cxfulfill.simulator.sending import ClientCertificate, Credential
from cxfulfill.webhook import Webhook

_CLIENT: Final = "cx-agent"
_NO_FILE: Final = Path(os.devnull)
_EVERYBODY: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


@dataclass(frozen=True, slots=True)
class _Asked:
    issuer: LocalIssuer
    environment: str | None


def credential_for(
    webhook: Webhook, issuer: LocalIssuer, *, session: str = "", route: Route | None = None
) -> Credential:
    """Make a credential that an application accepts, for a twin of it whose authenticators are `trusting` ones.

    Secrets are the application's own. Tokens are signed at the time that the authenticator's clock shows.

    Args:
        webhook: The application.
        issuer: Who signs tokens.
        session: The session's full name, by which `ByEnvironment` decides.
        route: The flexible route that is called; None for the standard webhook.

    Returns:
        The credential.

    Raises:
        ConfigurationError: It takes an authenticator of the user's own, or a secret that cannot be had now.
    """
    auth = webhook.auth if route is None or route.auth is None else route.auth
    name = SessionName.parse_documented(session) if session else None
    return _ways(auth, _Asked(issuer, None if name is None else name.environment or DRAFT))[0]


@singledispatch
def _ways(auth: object, asked: _Asked) -> list[Credential]:
    """Give the credentials of which each lets a caller in, at least one."""
    del asked
    raise ConfigurationError(
        f"{type(auth).__name__} is an authenticator of your own, whose credential only you know: give it (credential=)"
    )


@_ways.register
def _(auth: AllowUnauthenticated, asked: _Asked) -> list[Credential]:
    del auth, asked
    return [NoCredential()]


@_ways.register
def _(auth: BasicAuth, asked: _Asked) -> list[Credential]:
    del asked
    username, _, password = _secret(auth).partition(":")
    return [BasicCredential(username, password)]


@_ways.register
def _(auth: HeaderSecret, asked: _Asked) -> list[Credential]:
    del asked
    return [HeaderCredential({auth.name: _secret(auth)})]


def _secret(auth: BasicAuth | HeaderSecret) -> str:
    try:
        return auth.secrets.one().decode()
    except Unavailable:
        raise ConfigurationError(f"no secret of {auth!r} can be had now: give the credential (credential=)") from None


@_ways.register(GoogleIdToken)
@_ways.register(CloudRunIam)
def _(auth: GoogleIdToken | CloudRunIam, asked: _Asked) -> list[Credential]:
    email, audience = min(auth.service_accounts), min(auth.audiences)
    removed = isinstance(auth, CloudRunIam)
    return [IdTokenCredential(asked.issuer.at(auth.now), email, audience, signature_removed=removed)]


@_ways.register
def _(auth: OAuthJwt, asked: _Asked) -> list[Credential]:
    demands = auth.demands
    client = next(iter(demands.clients), _CLIENT)
    claims = {auth.client_claim: client, auth.scope_claim: " ".join(demands.scopes)}
    lifetime = min(LIFETIME, auth.max_lifetime)
    return [_access_token(auth, asked, client=client, lifetime=lifetime, claims=claims)]


@_ways.register
def _(auth: OAuthIntrospection, asked: _Asked) -> list[Credential]:
    return [_access_token(auth, asked, client=next(iter(auth.demands.clients), _CLIENT))]


def _access_token(auth: OAuthJwt | OAuthIntrospection, asked: _Asked, *, client: str, **options: Any) -> Credential:
    demands = auth.demands
    return AccessTokenCredential(
        signer=asked.issuer.at(auth.now),
        issuer=demands.issuer,
        audience=next(iter(demands.audiences), "webhook"),
        client_id=client,
        scopes=demands.scopes,
        **options,
    )


@_ways.register
def _(auth: MutualTls, asked: _Asked) -> list[Credential]:
    del asked
    certificate = self_made(auth.subjects, auth.sans, auth.now())
    if auth.proxy is not None:
        return [HeaderCredential(handed_on(auth.proxy, certificate))]
    der = certificate.public_bytes(Encoding.DER)
    return [CertificateCredential(ClientCertificate(der, chain=_NO_FILE, key=_NO_FILE))]


@_ways.register
def _(auth: AnyOf, asked: _Asked) -> list[Credential]:
    return _possible(partial(_ways, part, asked) for part in auth.parts)


@_ways.register
def _(auth: AllOf, asked: _Asked) -> list[Credential]:
    return _possible(partial(_joined, parts) for parts in product(*(_ways(part, asked) for part in auth.parts)))


@_ways.register
def _(auth: ByEnvironment, asked: _Asked) -> list[Credential]:
    policy = auth.policies.get(asked.environment or "")
    if policy is None:
        raise ConfigurationError(
            "ByEnvironment has no policy for this session's environment: give a session's full name of one that it has "
            "(session=), or the credential (credential=)"
        )
    return _ways(policy, asked)


def _possible(attempts: Iterable[Callable[[], list[Credential]]]) -> list[Credential]:
    found: list[Credential] = []
    problems: list[ConfigurationError] = []
    for attempt in attempts:
        try:
            found += attempt()
        except ConfigurationError as error:
            problems.append(error)
    if not found:
        raise problems[0]
    return found


def _joined(parts: tuple[Credential, ...]) -> list[Credential]:
    joined = AllCredentials(*parts)
    joined.headers("", {})  # two that want one header never go together
    return [joined]


@singledispatch
def _twin(auth: Any, issuer: LocalIssuer) -> Any:
    del issuer
    return auth


def trusting(auth: Authenticator, issuer: LocalIssuer) -> Authenticator:
    """Make a twin of an authenticator that trusts the issuer of this process in place of its own.

    The given one is left as it is. What checks no token of an issuer is its own twin, and so is an authenticator of
    the user's own. A `MutualTls` behind a proxy believes its headers from every address, so that the request needs
    one (``peer``).

    Args:
        auth: The authenticator.
        issuer: Who signs tokens.

    Returns:
        The twin, for tests alone.
    """
    twin: Authenticator = _twin(auth, issuer)
    return twin


@_twin.register(GoogleIdToken)
@_twin.register(OAuthJwt)
def _(auth: GoogleIdToken | OAuthJwt, issuer: LocalIssuer) -> Authenticator:
    twin: Any = copy.copy(auth)
    twin.keys = auth.keys.over(issuer.keys())
    if isinstance(auth, OAuthJwt):
        twin.algorithms = frozenset({"RS256"})
    trusted: Authenticator = twin
    return trusted


@_twin.register
def _(auth: OAuthIntrospection, issuer: LocalIssuer) -> Authenticator:
    return _AskedHere(auth, issuer.at(auth.now))


@_twin.register
def _(auth: MutualTls, issuer: LocalIssuer) -> Authenticator:
    del issuer
    twin = copy.copy(auth)
    twin.peers = _EVERYBODY if auth.proxy else ()
    return twin


@_twin.register(AnyOf)
@_twin.register(AllOf)
def _(auth: AnyOf | AllOf, issuer: LocalIssuer) -> Authenticator:
    twin = copy.copy(auth)
    twin.parts = tuple(_twin(part, issuer) for part in auth.parts)
    return twin


@_twin.register
def _(auth: ByEnvironment, issuer: LocalIssuer) -> Authenticator:
    twins = {id(part): _twin(part, issuer) for part in auth.parts}
    twin = copy.copy(auth)
    twin.parts = tuple(twins.values())
    twin.policies = {name: twins[id(policy)] for name, policy in auth.policies.items()}
    return twin


class _AskedHere(OAuthIntrospection):
    """Asks the issuer of this process, without a socket."""

    def __init__(self, auth: OAuthIntrospection, issuer: LocalIssuer) -> None:
        demands = auth.demands
        super().__init__(
            endpoint=auth.endpoint, client_id=auth.client_id, client_secret="never sent", allow_weak=True,  # noqa: S106
            issuer=demands.issuer, audience=demands.audiences, scopes=demands.scopes, client_ids=demands.clients,
            cache_seconds=auth.cache_seconds, now=auth.now, clock=auth.clock,
        )  # fmt: skip
        self._issuer = issuer

    def _ask_endpoint(self, token: str) -> TokenAnswer:
        return self._read(self._issuer.introspect(token))
