"""OAuth access tokens that are JWTs (RFC 9068), verified here with their issuer's keys (extra ``oauth``).

What CX sends where its webhook's Authentication is third-party OAuth: CX asks the issuer for a token with the client
credentials of its settings. The signature proves the issuer, the audience that the token is for this webhook, and
client and scopes what the issuer lets whom do.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cxfulfill.auth.base import Principal
from cxfulfill.auth.keys import KeySource, Shared, signing_jwks
from cxfulfill.auth.oauth_claims import Demands
from cxfulfill.auth.tokens import (
    CompactJwt,
    WallClock,
    access_token_refused,
    bearer_token,
    check_times,
    decode_segment,
    invalid_token,
    looks_like_google_access_token,
    read_compact,
)
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import HttpRequest

try:
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry, Key
    from joserfc.jws import JWSRegistry
except ImportError:
    raise ConfigurationError("OAuthJwt needs the extra oauth: pip install 'cxfulfill[oauth]'") from None

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Those that can be asked for. Never a symmetric one: whoever can check such a signature can also make it."""
MAX_LIFETIME: Final = 86_400.0
"""Seconds that a token may be valid for where nothing else is set: a day."""

_MIN_KEY_BITS = 2_048
_PUBLIC = ("kty", "use", "alg", "n", "e", "crv", "x", "y")
"""What is read of a key. Private parts that a careless source publishes are left alone."""
_OF_ID_TOKENS = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "auth_time", "events"})
"""Claims of ID and logout tokens (OpenID Connect), which no access token of a client on its own behalf has."""


class OAuthJwt:
    """An access token of your identity provider, in the form of RFC 9068.

    The keys are fetched when the first token comes, or by `warm`. Some providers keep to RFC 9068 but for a detail;
    what may be relaxed has a keyword of its own, and nothing else can be.

    Args:
        issuer: The tokens' ``iss``, exactly.
        audience: Whom the tokens are for (``aud``), exactly, or several of which one is enough.
        keys: Where the issuer's keys come from: the address of its JWK set (``jwks_uri``), or a source.
        scopes: Scopes that a token must have, all of them: texts, or one text with spaces between.
        client_ids: Clients that may call; any client of the issuer where it is empty.
        algorithms: Signature algorithms that are accepted, of `ALGORITHMS`.
        max_lifetime: Seconds between ``iat`` and ``exp`` at most.
        accept_typ_jwt: Relaxed: accept also tokens whose ``typ`` is ``JWT`` or missing, in place of ``at+jwt``. An
            ID token is then told by its claims: it is for the client itself (so a client that is its own audience
            is refused too), or has claims that only such tokens have.
        client_claim: Relaxed: the claim that names the client, such as ``azp``, ``appid`` or ``cid``.
        scope_claim: Relaxed: the claim that names the scopes, such as ``scp`` or ``roles``; a list or text.
        require_jti: Relaxed with False: accept tokens without an id (``jti``).
        now: Seconds since 1970; given by tests.
        clock: Seconds that only go up; given by tests.

    Raises:
        ConfigurationError: One of them is missing or of no use, such as a symmetric algorithm.
    """

    blocking = False
    credential_headers = frozenset({"authorization"})

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Iterable[str],
        keys: str | KeySource,
        scopes: str | Iterable[str] = (),
        client_ids: str | Iterable[str] = (),
        algorithms: Iterable[str] = ("RS256", "ES256"),
        max_lifetime: float = MAX_LIFETIME,
        accept_typ_jwt: bool = False,
        client_claim: str = "client_id",
        scope_claim: str = "scope",
        require_jti: bool = True,
        now: WallClock = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.demands = Demands.of("OAuthJwt", issuer=issuer, audience=audience, scopes=scopes, client_ids=client_ids)
        if not self.demands.audiences:
            raise ConfigurationError("OAuthJwt needs audience=: without it, a token for another service would do")
        if not isinstance(keys, str) and not callable(getattr(keys, "fetch", None)):
            raise ConfigurationError("OAuthJwt: keys must be the address of the issuer's JWK set, or a source of keys")
        if not 0 < max_lifetime < math.inf:
            raise ConfigurationError("OAuthJwt: max_lifetime must be a number of seconds")
        if not all(isinstance(name, str) and name for name in (client_claim, scope_claim)):
            raise ConfigurationError("OAuthJwt: client_claim and scope_claim must be names of claims")
        self.algorithms = _algorithms(algorithms)
        self.keys = _SHARED.of(keys, clock)
        self._max_lifetime = max_lifetime
        self._accept_typ_jwt = accept_typ_jwt is True
        self._client_claim = client_claim
        self._scope_claim = scope_claim
        self._required = ("sub", "jti") if require_jti else ("sub",)
        self._now = now

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept a valid token of the issuer for this webhook; see `Authenticator.authenticate`."""
        token = bearer_token(http)
        if looks_like_google_access_token(token):
            raise access_token_refused()
        jwt = read_compact(token)
        key = self.keys.find(self._check_header(jwt))
        if key is None:
            raise invalid_token("unknown_key", "the issuer has no key of this id: do keys= and issuer= fit together?")
        if not _is_signed(jwt, key):
            raise invalid_token("bad_signature")
        return self._principal(jwt, http)

    def warm(self) -> None:
        """Fetch the keys now, for at most 3 seconds; whether it worked, `ready` tells."""
        self.keys.warm()

    def ready(self) -> bool:
        """Tell whether keys are held; where none are, a fetch is started and not waited for."""
        return self.keys.ready()

    def _check_header(self, jwt: CompactJwt) -> str:
        """Check what needs no key, so that no other token makes a fetch happen."""
        self.demands.check_issuer(jwt.claims.get("iss"))
        if jwt.algorithm not in self.algorithms:
            raise invalid_token("algorithm_not_allowed", "the token is signed with an algorithm not in algorithms=")
        if jwt.type != "at+jwt" and not (self._accept_typ_jwt and jwt.type in (None, "jwt")):
            raise invalid_token(
                "token_type_not_allowed",
                "the token's typ is not at+jwt; if it is an access token all the same, set accept_typ_jwt=True",
            )
        if jwt.key_id is None:
            raise invalid_token("key_id_missing")
        return jwt.key_id

    def _principal(self, jwt: CompactJwt, http: HttpRequest) -> Principal:
        claims = jwt.claims
        check_times(claims, self._now(), max_lifetime=self._max_lifetime)
        if not all(isinstance(claims.get(name), str) and claims[name] for name in self._required):
            raise invalid_token(
                "claim_missing", "the token lacks sub, or jti; where its issuer sends no jti, set require_jti=False"
            )
        client = claims.get(self._client_claim)
        if jwt.type != "at+jwt" and _is_for_its_client(claims, client):
            raise invalid_token(
                "id_token", "the token is for the client itself, as ID tokens are, and not an access token for an API"
            )
        name = self.demands.check_grant(claims, client=client, scope=claims.get(self._scope_claim), http=http)
        return Principal(name, "oauth-jwt")

    def __repr__(self) -> str:
        return f"OAuthJwt({self.demands!r}, keys={self.keys.source!r})"


def _algorithms(given: Iterable[str]) -> frozenset[str]:
    names = frozenset([given] if isinstance(given, str) else given)
    if not names or not names <= ALGORITHMS:
        raise ConfigurationError(f"OAuthJwt: algorithms must be of {', '.join(sorted(ALGORITHMS))}")
    return names


def _is_for_its_client(claims: Mapping[str, Any], client: object) -> bool:
    """Tell an ID token: OpenID Connect puts its client into ``aud``, while an access token's client is not its API."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    to_itself = any(name in audiences for name in (client, claims.get("azp"), claims.get("client_id")) if name)
    kind = claims.get("typ", claims.get("token_use"))  # Keycloak's and Cognito's own marks
    return to_itself or not _OF_ID_TOKENS.isdisjoint(claims) or (isinstance(kind, str) and kind.lower() == "id")


def _is_signed(jwt: CompactJwt, key: Key) -> bool:
    # The algorithm is taken from joserfc alone: its own reading of the token would be a second one beside ours.
    algorithm = JWSRegistry.algorithms[jwt.algorithm]
    try:
        algorithm.check_key(key)
        return algorithm.verify(jwt.signed, jwt.signature, key)
    except JoseError:  # a key of another kind, or one for another algorithm
        return False


def _read_keys(document: Mapping[str, Any]) -> dict[str, Key]:
    found = {}
    for key_id, jwk in signing_jwks(document).items():
        try:
            key = _read_key(jwk)
        except Exception:  # noqa: S112 - whatever is odd about one key must not cost the others
            continue
        if key is not None:
            found[key_id] = key
    return found


def _read_key(jwk: Mapping[str, Any]) -> Key | None:
    kind = jwk["kty"]
    if kind not in ("RSA", "EC", "OKP"):
        return None
    if kind == "RSA" and int.from_bytes(decode_segment(jwk["n"])).bit_length() < _MIN_KEY_BITS:
        return None
    return JWKRegistry.import_key({name: jwk[name] for name in _PUBLIC if name in jwk})


_SHARED = Shared(_read_keys)
