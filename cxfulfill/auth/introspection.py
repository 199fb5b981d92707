"""OAuth access tokens that their issuer is asked about (RFC 7662); extra ``oauth``.

For tokens that say nothing by themselves, or that must be known to be still good. An answer is kept for a short time,
so that a conversation does not ask at every turn; what has been kept decides without any waiting.
"""

import base64
import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode

from cxfulfill.auth import notes
from cxfulfill.auth.asked import FAILURE_SECONDS, TokenAnswer, TokenQuestion
from cxfulfill.auth.base import NeedsIO, Principal
from cxfulfill.auth.client_secret import ClientSecret
from cxfulfill.auth.fetched import TIME_LIMIT
from cxfulfill.auth.oauth_claims import Demands
from cxfulfill.auth.outbound import OutboundError, check_url, send
from cxfulfill.auth.sources import Secret
from cxfulfill.auth.tokens import (
    OAUTH_IN_CX,
    SKEW,
    WallClock,
    bearer_token,
    invalid_token,
    number_claim,
    read_compact,
)
from cxfulfill.errors import BadRequest, ConfigurationError, Unauthorized, Unavailable
from cxfulfill.forks import lock_of_process
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.json import loads

if TYPE_CHECKING:
    from cachetools import LRUCache

MAX_CACHE_SECONDS: Final = 300.0
"""Seconds that an answer may be kept at most: for so long a token that its issuer took back still opens."""
INACTIVE_SECONDS: Final = 5.0
"""Seconds that it is remembered that a token is not good."""
SHORTEST_SECONDS: Final = 1.0
"""Seconds that an answer is kept at least, so that whoever asked can read it."""
MAX_ASKING: Final = 16
"""Questions that are under way at once."""
MAX_TOKENS: Final = 1_024
"""Tokens of which answers are kept; of more, the ones that were not seen for longest are forgotten."""

_CLAIMS = ("iss", "aud", "client_id", "scope", "token_type", "exp", "nbf", "cnf")
"""What is kept of an answer, since nothing else is looked at."""


class OAuthIntrospection:
    """An access token of your identity provider, which is asked whether it is good (RFC 7662).

    A token that the provider takes back still opens for ``cache_seconds`` at most. While the endpoint is down, calls
    are answered with 503, other than those with a token whose answer is still kept.

    Args:
        endpoint: Address of the introspection endpoint.
        client_id: This webhook's own client at the provider, not CX's.
        client_secret: Its secret: text, or a source such as ``SecretManager("projects/P/secrets/S/versions/V")``.
        issuer: Who issues the tokens. An answer that names another issuer is refused, and a JWT that does is not
            even asked about.
        audience: Whom the tokens are for, exactly, or several of which one is enough. An answer must then say so
            (``aud``).
        scopes: Scopes that a token must have, all of them: texts, or one text with spaces between.
        client_ids: Clients that may call. At least one of ``audience`` and ``client_ids`` is needed: without either,
            any token of the provider would open this webhook. An answer must always name its client
            (``client_id``).
        cache_seconds: Seconds for which a good token opens without being asked about again, from 1 to
            `MAX_CACHE_SECONDS`; never past its ``exp``.
        allow_weak: Accept a short or well-known ``client_secret``, for a trial.
        now: Seconds since 1970; given by tests.
        clock: Seconds that only go up; given by tests.

    Raises:
        ConfigurationError: One of them is missing or of no use, such as an endpoint without TLS, or the extra is not
            installed.
    """

    blocking = False
    credential_headers = frozenset({"authorization"})
    header_use = ("authorization", "access token")

    def __init__(
        self,
        *,
        endpoint: str,
        client_id: str,
        client_secret: Secret,
        issuer: str,
        audience: str | Iterable[str] = (),
        scopes: str | Iterable[str] = (),
        client_ids: str | Iterable[str] = (),
        cache_seconds: float = 30.0,
        allow_weak: bool = False,
        now: WallClock = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        name = "OAuthIntrospection"
        cache = _lru_cache()
        self.demands = Demands.of(name, issuer=issuer, audience=audience, scopes=scopes, client_ids=client_ids)
        if not self.demands.audiences and not self.demands.clients:
            raise ConfigurationError(f"{name} needs audience= or client_ids=: else any token of the issuer would do")
        if not isinstance(client_id, str) or not client_id:
            raise ConfigurationError(f"{name} needs client_id=, this webhook's own at the provider")
        if not 1 <= cache_seconds <= MAX_CACHE_SECONDS:
            raise ConfigurationError(f"{name}: cache_seconds must be from 1 to {MAX_CACHE_SECONDS:.0f}")
        self.endpoint = check_url(f"{name}: endpoint", endpoint)
        self.client_id = client_id
        self._client_secret = ClientSecret(f"{name}: client_secret", client_secret, allow_weak=allow_weak)
        self.cache_seconds = cache_seconds
        self.now = now
        self.clock = clock
        self._lock = lock_of_process(self)
        self._questions: LRUCache[bytes, TokenQuestion] = cache(MAX_TOKENS)
        self._good: LRUCache[bytes, TokenAnswer] = cache(MAX_TOKENS)  # which no stranger's tokens can crowd out
        self._down_until = -math.inf
        self._asking = threading.Semaphore(MAX_ASKING)

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept a token that its issuer says is good; see `Authenticator.authenticate`."""
        token = bearer_token(http, in_cx=OAUTH_IN_CX)
        self._check_shape(token)
        answer = self._answer(token)
        if answer.problem:
            raise Unavailable(
                reason="introspection_unavailable",
                retry_after=math.ceil(FAILURE_SECONDS),
                note=f"the introspection endpoint gave no usable answer ({answer.problem}): "
                "check endpoint=, client_id= and client_secret=",
            )
        if answer.claims is None:
            raise invalid_token("token_inactive", "the issuer says that the token is not, or no longer, good")
        return self._principal(answer.claims, http)

    def warm(self) -> None:
        """Fetch the client's secret, before the first token comes."""
        self._client_secret.fetch()

    def _check_shape(self, token: str) -> None:
        """Refuse what cannot be the issuer's, so that no token of somebody else's is sent to it."""
        # Every JSON object begins so in base64url; a token of another beginning is opaque, dots or not.
        if token.startswith(("ey", "ew")) and token.count(".") == 2:
            claims = read_compact(token).claims
            if "iss" in claims:
                self.demands.check_issuer(claims["iss"])

    def _answer(self, token: str) -> TokenAnswer:
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            good = self._good.get(key)
            if good is not None and self.clock() < good.until:
                return good
            question = self._questions.get(key)
            if question is None or question.is_over():
                if not self._may_ask():
                    return self._failure("it was down a moment ago")
                question = self._questions[key] = TokenQuestion(token, partial(self._ask, key), self.clock)
        if question.answer is None:
            raise NeedsIO(question.fetch, sends_credential=True)
        return question.answer

    def _may_ask(self) -> bool:
        """Let one caller try where the endpoint was down, and the others only once that one knows."""
        now = self.clock()
        if now < self._down_until:
            return False
        if self._down_until > -math.inf:
            self._down_until = now + TIME_LIMIT
        return True

    def _ask(self, key: bytes, token: str) -> TokenAnswer:
        if not self._asking.acquire(blocking=False):
            return self._failure("too many tokens are asked about")
        try:
            answer = self._ask_endpoint(token)
        finally:
            self._asking.release()
        if answer.claims is not None:
            with self._lock:
                self._good[key] = answer
        return answer

    def _ask_endpoint(self, token: str) -> TokenAnswer:
        try:
            secret = self._client_secret.fetch()
        except Exception as error:  # whatever its source raises, or NeedsIO once more
            return self._failure(f"client_secret could not be had, {type(error).__name__}")
        try:
            document = loads(
                send("POST", self.endpoint, headers=self._headers(secret), body=_form(token), often=True).body
            )
        except OutboundError as error:
            # Whoever comes next need not find out by itself: strangers' tokens would hold every thread meanwhile.
            self._down_until = self.clock() + FAILURE_SECONDS
            return self._failure(str(error))
        except BadRequest:
            return self._failure("not JSON")
        self._down_until = -math.inf
        return self._read(document)

    def _read(self, document: Any) -> TokenAnswer:
        active = document.get("active") if isinstance(document, dict) else None
        if not isinstance(active, bool):
            return self._failure("active is no boolean")
        claims = {name: document[name] for name in _CLAIMS if name in document} if active else None
        return TokenAnswer(self.clock() + self._keep(claims), claims)

    def _failure(self, problem: str) -> TokenAnswer:
        return TokenAnswer(self.clock() + FAILURE_SECONDS, problem=problem)

    def _keep(self, claims: dict[str, Any] | None) -> float:
        """Tell how long an answer is kept. Past the token's end it may be for a moment, and opens nothing then."""
        if claims is None:
            return min(INACTIVE_SECONDS, self.cache_seconds)
        try:
            rest = number_claim(claims, "exp") - self.now() if "exp" in claims else self.cache_seconds
        except Unauthorized:  # no such time; whoever reads the answer finds out too
            rest = 0.0
        return min(max(rest, SHORTEST_SECONDS), self.cache_seconds)

    def _headers(self, secret: str) -> dict[str, str]:
        pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}"
        return {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }

    def _principal(self, claims: dict[str, Any], http: HttpRequest) -> Principal:
        if "iss" in claims:
            self.demands.check_issuer(claims["iss"])
        if str(claims.get("token_type", "Bearer")).lower() != "bearer":
            raise invalid_token("token_type_not_allowed", "the token is not to be sent as a bearer token")
        self._check_times(claims)
        if self.demands.audiences and "aud" not in claims:
            raise invalid_token(
                "audience_missing", "the endpoint's answer has no aud: let it have one, or set client_ids= alone"
            )
        return Principal(self.demands.check_grant(claims, http), "oauth-introspection")

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self.now()
        # No allowance for the clocks at the end: an answer that is kept must open nothing past it.
        if "exp" in claims and now >= (ends := number_claim(claims, "exp")):
            raise invalid_token("token_expired", notes.ended(now - ends))
        if "nbf" in claims and now < number_claim(claims, "nbf") - SKEW:
            raise invalid_token("token_not_yet_valid", notes.TOO_EARLY)

    def __repr__(self) -> str:
        return (
            f"OAuthIntrospection({self.endpoint!r}, {self.demands!r}, client_id={self.client_id!r}, "
            f"client_secret={self._client_secret!r})"
        )


def _lru_cache() -> "type[LRUCache[Any, Any]]":
    # The public names of this package load without the extra: not everybody uses it.
    try:
        from cachetools import LRUCache  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError.for_extra("OAuthIntrospection", "oauth") from None
    return LRUCache


def _form(token: str) -> bytes:
    return urlencode({"token": token, "token_type_hint": "access_token"}).encode()
