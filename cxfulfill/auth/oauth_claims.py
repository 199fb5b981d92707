"""What an OAuth access token must say to be let in, whether it was read here or by its issuer."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from cxfulfill.auth.notes import cut, lacks_scopes, listed, no_client
from cxfulfill.auth.notes import issuer as issuer_of
from cxfulfill.auth.tokens import BEARER, check_audience, invalid_token, not_allowed
from cxfulfill.errors import ConfigurationError, Forbidden
from cxfulfill.http import HttpRequest

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""A scope of RFC 6749 3.3; it also fits between the quotes of a challenge."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What is asked of every token.

    Attributes:
        issuer: Who must have issued it.
        audiences: For whom it must be: one of these. Empty where this is not asked.
        scopes: What it must allow: all of these.
        clients: To whom it must have been issued: one of these. Empty where this is not asked.
    """

    issuer: str
    audiences: tuple[str, ...]
    scopes: tuple[str, ...]
    clients: tuple[str, ...]

    @classmethod
    def of(
        cls,
        name: str,
        *,
        issuer: str,
        audience: str | Iterable[str],
        scopes: str | Iterable[str],
        client_ids: str | Iterable[str],
    ) -> Self:
        """Check the settings of a verifier.

        Args:
            name: The verifier's name, for errors.
            issuer: The issuer.
            audience: One audience or several.
            scopes: Scopes; text holds several with spaces between, as OAuth writes them.
            client_ids: One client or several.

        Returns:
            The demands.

        Raises:
            ConfigurationError: One of them is no such text.
        """
        if not isinstance(issuer, str) or not issuer.strip():
            raise ConfigurationError(f"{name} needs issuer=, exactly as it stands in the tokens' iss")
        wanted = _texts(f"{name}: scopes", scopes.split() if isinstance(scopes, str) else scopes)
        if not all(_SCOPE.fullmatch(scope) for scope in wanted):
            raise ConfigurationError(f"{name}: scopes must be scopes of OAuth: no spaces, quotes or backslashes in one")
        audiences = _texts(f"{name}: audience", audience)
        return cls(issuer, audiences, wanted, _texts(f"{name}: client_ids", client_ids))

    def check_issuer(self, issuer: object) -> None:
        """Check who issued a token.

        Args:
            issuer: The claim ``iss``.

        Raises:
            Unauthorized: It is another issuer (``issuer_not_allowed``).
        """
        if issuer != self.issuer:
            raise invalid_token(
                "issuer_not_allowed",
                f"the token is not from issuer= ({cut(self.issuer)}){issuer_of(issuer)}; if it is Google's, set the CX "
                "webhook's Authentication to third-party OAuth, or take GoogleIdToken",
            )

    def check_grant(
        self,
        claims: dict[str, Any],
        http: HttpRequest,
        *,
        client_claim: str = "client_id",
        scope_claim: str = "scope",
        relaxable: bool = False,
    ) -> str:
        """Check what a valid token is good for: audience, certificate, client and scopes.

        Args:
            claims: The claims.
            http: The request that it came with.
            client_claim: The claim that names the client.
            scope_claim: The claim that names the scopes: a list, or text with spaces between.
            relaxable: Whether these two claims are settings of the verifier.

        Returns:
            The client's name.

        Raises:
            Unauthorized: It is for somebody else, names no client, or is bound to a key that the caller did not
                prove.
            Forbidden: The client may not call, or not with these scopes.
        """
        if self.audiences:
            check_audience(claims, self.audiences, several=True)
        client = claims.get(client_claim)
        if not isinstance(client, str) or not client:
            raise invalid_token("client_missing", no_client(claims, client_claim, relaxable=relaxable))
        _check_binding(claims, http)
        if self.clients and client not in self.clients:
            raise not_allowed(f"the token was issued to {cut(client)}, and client_ids= has {listed(self.clients)}")
        self._check_scopes(claims, scope_claim, relaxable=relaxable)
        return client

    def _check_scopes(self, claims: Mapping[str, Any], claim: str, *, relaxable: bool) -> None:
        scope = claims.get(claim)
        granted = scope.split(" ") if isinstance(scope, str) else scope
        missing = [wanted for wanted in self.scopes if not isinstance(granted, list) or wanted not in granted]
        if missing:
            challenge = f'{BEARER}, error="insufficient_scope", scope="{" ".join(self.scopes)}"'
            raise Forbidden(
                reason="insufficient_scope",
                headers=[("WWW-Authenticate", challenge)],
                note=lacks_scopes(missing, claims, claim, relaxable=relaxable),
            )


def _texts(what: str, given: str | Iterable[str]) -> tuple[str, ...]:
    try:
        texts = tuple(dict.fromkeys([given] if isinstance(given, str) else given))
    except TypeError:
        texts = ("",)
    if not all(isinstance(text, str) and text.strip() == text != "" and text.isprintable() for text in texts):
        raise ConfigurationError(f"{what} must be text, or several texts, none of them empty")
    return texts


def _check_binding(claims: Mapping[str, Any], http: HttpRequest) -> None:
    """Check the certificate that a token is bound to (RFC 8705); a token bound in another way is not good here."""
    if "cnf" not in claims:
        return
    match claims["cnf"]:
        case {"x5t#S256": str(thumbprint), **others} if not others:
            certificate = http.client_certificate()
        case _:
            raise invalid_token(
                "token_bound_otherwise", "the token is bound to something else than a TLS client certificate (cnf)"
            )
    if certificate is None or thumbprint != _thumbprint(certificate):
        raise invalid_token(
            "certificate_not_proved",
            "the token is bound to a client certificate that this connection did not show: end TLS in this server, or "
            "let the issuer give out unbound tokens",
        )


def _thumbprint(certificate: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(certificate).digest()).rstrip(b"=").decode()
