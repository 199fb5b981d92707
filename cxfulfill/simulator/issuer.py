"""Who issues tokens: Google and an identity provider, stood in for by a key of this process."""

import base64
import hashlib
import json
import math
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from cxfulfill.auth.keys import KeyDocument, KeySource
from cxfulfill.auth.tokens import SIGNATURE_REMOVED, WallClock, decode_segment
from cxfulfill.errors import BadRequest
from cxfulfill.protocol.json import loads

LIFETIME: Final = 3_600
"""Seconds that a token is valid for, as Google's are."""
_GOOGLE: Final = "https://accounts.google.com"


class LocalIssuer:
    """Signs tokens with a key that is made here, and that nobody else trusts.

    Args:
        now: Seconds since 1970.

    Attributes:
        now: The same.
        key_id: Id of the key (``kid``).
    """

    def __init__(self, now: WallClock = time.time) -> None:
        self._take(generate_private_key(65_537, 2_048), now)

    def _take(self, key: RSAPrivateKey, now: WallClock, key_id: str = "") -> None:
        self.now = now
        self._key = key
        self.key_id = key_id or hashlib.sha256(str(key.public_key().public_numbers().n).encode()).hexdigest()[:16]

    def at(self, now: WallClock) -> "LocalIssuer":
        """Give the same issuer by another clock.

        Args:
            now: Seconds since 1970.

        Returns:
            The issuer, with the same key.
        """
        return self._with(self._key, now)

    def stranger(self) -> "LocalIssuer":
        """Give an issuer that pretends to be this one, for tokens that must be refused.

        Returns:
            The issuer: its key has the same id, and is another one.
        """
        return self._with(_stranger(), self.now)

    def _with(self, key: RSAPrivateKey, now: WallClock) -> "LocalIssuer":
        made = LocalIssuer.__new__(LocalIssuer)
        made._take(key, now, self.key_id)  # noqa: SLF001 - its own kind
        return made

    def jwks(self) -> Mapping[str, Any]:
        """Give the JWK set (RFC 7517) with the public key."""
        numbers = self._key.public_key().public_numbers()
        n, e = (number.to_bytes((number.bit_length() + 7) // 8) for number in (numbers.n, numbers.e))
        return {
            "keys": [
                {"kty": "RSA", "kid": self.key_id, "use": "sig", "alg": "RS256", "n": _segment(n), "e": _segment(e)}
            ]
        }

    def keys(self) -> KeySource:
        """Give the source of the public key, as authenticators take it."""
        return _Keys(json.dumps(self.jwks()).encode())

    def id_token(self, *, audience: str, email: str, lifetime: float = LIFETIME, **changes: Any) -> str:
        """Issue an ID token as Google does for a service account.

        Args:
            audience: Whom it is for: the webhook's whole URL without the query.
            email: The service account.
            lifetime: Seconds that it is valid for.
            changes: Claims in place of these; ... leaves one out.

        Returns:
            The token, signed with RS256.
        """
        account = str(int.from_bytes(hashlib.sha256(email.encode()).digest()[:8]))
        claims = {
            "iss": _GOOGLE, "aud": audience, "azp": account, "sub": account, "email": email, "email_verified": True,
        }  # fmt: skip
        return self._signed("JWT", claims | self._times(lifetime) | changes)

    def access_token(
        self,
        *,
        issuer: str,
        audience: str | Iterable[str],
        client_id: str,
        scopes: Iterable[str] = (),
        lifetime: float = LIFETIME,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Issue an access token (RFC 9068) for a client on its own behalf.

        Args:
            issuer: Who says to have issued it (``iss``).
            audience: Whom it is for, one or several.
            client_id: The client that it is issued to.
            scopes: What it allows.
            lifetime: Seconds that it is valid for.
            claims: Claims in place of these; ... leaves one out.

        Returns:
            The token, signed with RS256.
        """
        usual = {
            "iss": issuer, "aud": audience if isinstance(audience, str) else list(audience), "sub": client_id,
            "client_id": client_id, "jti": secrets.token_hex(16), "scope": " ".join(scopes),
        }  # fmt: skip
        return self._signed("at+jwt", usual | self._times(lifetime) | dict(claims or {}))

    def removed_signature(self, token: str) -> str:
        """Take a token's signature away, as Cloud Run's IAM check does.

        Args:
            token: The token.

        Returns:
            What reaches the service.
        """
        return f"{token.rpartition('.')[0]}.{SIGNATURE_REMOVED}"

    def introspect(self, token: str) -> dict[str, Any]:
        """Tell whether a token is good (RFC 7662).

        Args:
            token: The token.

        Returns:
            Its claims with ``active``; that alone where it is not from here, or has ended.
        """
        signed, _, signature = token.rpartition(".")
        try:
            self._key.public_key().verify(decode_segment(signature), signed.encode(), PKCS1v15(), SHA256())
            claims = loads(decode_segment(signed.partition(".")[2]))
        except (ValueError, InvalidSignature, BadRequest):
            return {"active": False}
        active = claims.get("exp", math.inf) > self.now()
        return {"active": True, "token_type": "Bearer", **claims} if active else {"active": False}

    def _times(self, lifetime: float) -> dict[str, Any]:
        now = int(self.now())
        return {"iat": now, "exp": now + int(lifetime)}

    def _signed(self, kind: str, claims: Mapping[str, Any]) -> str:
        header = {"alg": "RS256", "kid": self.key_id, "typ": kind}
        payload = {name: value for name, value in claims.items() if value is not ...}
        signed = ".".join(_segment(json.dumps(part).encode()) for part in (header, payload))
        return f"{signed}.{_segment(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"

    def __repr__(self) -> str:
        return f"LocalIssuer(key_id={self.key_id!r})"


@dataclass(frozen=True, slots=True)
class _Keys:
    content: bytes

    def fetch(self) -> KeyDocument:
        return KeyDocument(self.content)


@cache
def _stranger() -> RSAPrivateKey:
    return generate_private_key(65_537, 2_048)


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
