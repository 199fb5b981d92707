"""OAuth access tokens that are JWTs (RFC 9068), verified here with their issuer's keys (extra ``oauth``).

What CX sends where its webhook's Authentication is third-party OAuth: CX asks the issuer for a token with the client
credentials of its settings. The signature proves the issuer, the audience that the token is for this webhook, and
client and scopes what the issuer lets whom do.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cxfulfill.auth import notes
from cxfulfill.auth.base import Principal
from cxfulfill.auth.keys import KeySource, Shared, signing_jwks
from cxfulfill.auth.oauth_claims import Demands
from cxfulfill.auth.tokens import (
    OAUTH_IN_CX,
    CompactJwt,
    WallClock,
    bearer_token,
    check_times,
    decode_segment,
    invalid_token,
    read_compact,
)
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import HttpRequest

if TYPE_CHECKING:
    from joserfc.jwa import JWSAlgModel
    from joserfc.jwk import Key

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
        ConfigurationError: One of them is missing or of no use, such as a symmetric algorithm, or the extra is not
            installed.
    """

    blocking = False
    credential_headers = frozenset({"authorization"})
    header_use = ("authorization", "access token")

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
        self._jose = _jose()
        self.demands = Demands.of("OAuthJwt", issuer=issuer, audience=audience, scopes=scopes, client_ids=client_ids)
        if not self.demands.audiences:
            raise ConfigurationError("OAuthJwt needs audience=: without it, a token for another service would do")
        if not 0 < max_lifetime < math.inf:
            raise ConfigurationError("OAuthJwt: max_lifetime must be a number of seconds")
        if not all(isinstance(name, str) and name for name in (client_claim, scope_claim)):
            raise ConfigurationError("OAuthJwt: client_claim and scope_claim must be names of claims")
        self.algorithms = _algorithms(algorithms)
        self.keys = _SHARED.of(keys, clock)
        self.max_lifetime = max_lifetime
        self._accept_typ_jwt = accept_typ_jwt is True
        self.client_claim = client_claim
        self.scope_claim = scope_claim
        self._required = ("sub", "jti") if require_jti else ("sub",)
        self.now = now

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept a valid token of the issuer for this webhook; see `Authenticator.authenticate`."""
        jwt = read_compact(bearer_token(http, in_cx=OAUTH_IN_CX))
        key = self.keys.find(self._check_header(jwt))
        if key is None:
            note = f"there is no key of this id at {self.keys.shown}: do keys= and issuer= fit together?"
            raise invalid_token("unknown_key", note)
        if not self._jose.is_signed(jwt, key):
            raise invalid_token("bad_signature", notes.BAD_SIGNATURE)
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
            ours = f"algorithms= has {', '.join(sorted(self.algorithms))}"
            raise invalid_token("algorithm_not_allowed", notes.algorithm(jwt.algorithm, ours))
        if jwt.type != "at+jwt" and not (self._accept_typ_jwt and jwt.type in (None, "jwt")):
            raise invalid_token(
                "token_type_not_allowed",
                "the token's typ is not at+jwt; if it is an access token all the same, set accept_typ_jwt=True",
            )
        if jwt.key_id is None:
            raise invalid_token("key_id_missing", notes.NO_KEY_ID)
        return jwt.key_id

    def _principal(self, jwt: CompactJwt, http: HttpRequest) -> Principal:
        claims = jwt.claims
        check_times(claims, self.now(), max_lifetime=self.max_lifetime, adjustable=True)
        missing = [name for name in self._required if not isinstance(claims.get(name), str) or not claims[name]]
        if missing:
            hint = "; where its issuer sends none, set require_jti=False" if "jti" in missing else ""
            raise invalid_token("claim_missing", f"the token lacks {' and '.join(missing)}{hint}")
        if jwt.type != "at+jwt" and _is_for_its_client(claims, claims.get(self.client_claim)):
            raise invalid_token(
                "id_token", "the token is for the client itself, as ID tokens are, and not an access token for an API"
            )
        name = self.demands.check_grant(
            claims, http, client_claim=self.client_claim, scope_claim=self.scope_claim, relaxable=True
        )
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


class _Jose(NamedTuple):
    """What is used of joserfc. Only its algorithms: its own reading of a token would be a second one beside ours."""

    algorithms: Mapping[str, "JWSAlgModel"]
    import_key: Callable[[Any], "Key"]
    error: type[Exception]

    def is_signed(self, jwt: CompactJwt, key: "Key") -> bool:
        algorithm = self.algorithms[jwt.algorithm]
        try:
            algorithm.check_key(key)
            return algorithm.verify(jwt.signed, jwt.signature, key)
        except self.error:  # a key of another kind, or one for another algorithm
            return False


def _jose() -> _Jose:
    # The public names of this package load without the extra: not everybody uses it.
    try:
        from joserfc.errors import JoseError  # noqa: PLC0415
        from joserfc.jwk import JWKRegistry  # noqa: PLC0415
        from joserfc.jws import JWSRegistry  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError.for_extra("OAuthJwt", "oauth") from None
    return _Jose(JWSRegistry.algorithms, JWKRegistry.import_key, JoseError)


def _read_keys(document: Mapping[str, Any]) -> "dict[str, Key]":
    found = {}
    import_key = _jose().import_key
    for key_id, jwk in signing_jwks(document).items():
        try:
            key = _read_key(jwk, import_key)
        except Exception:  # noqa: S112 - whatever is odd about one key must not cost the others
            continue
        if key is not None:
            found[key_id] = key
    return found


def _read_key(jwk: Mapping[str, Any], import_key: "Callable[[Any], Key]") -> "Key | None":
    kind = jwk["kty"]
    if kind not in ("RSA", "EC", "OKP"):
        return None
    if kind == "RSA" and int.from_bytes(decode_segment(jwk["n"])).bit_length() < _MIN_KEY_BITS:
        return None
    return import_key({name: jwk[name] for name in _PUBLIC if name in jwk})


_SHARED = Shared(_read_keys)
