"""Google's ID tokens: how Dialogflow CX proves by itself who it is.

CX signs on as ``service-<agent project number>@gcp-sa-dialogflow.iam.gserviceaccount.com`` with a token whose audience
is the webhook's whole URL without the query (Google's webhook page). The audience alone proves nobody: anyone can have
Google make a token for any audience, and another customer's agent can be pointed at this URL. So the e-mail address
is compared too.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cxfulfill.auth import notes
from cxfulfill.auth.base import Principal
from cxfulfill.auth.keys import KeySource
from cxfulfill.auth.outbound import split_url
from cxfulfill.auth.tokens import (
    RS256,
    SERVICE_AGENT_IN_CX,
    CompactJwt,
    WallClock,
    bearer_token,
    check_audience,
    check_times,
    invalid_token,
    not_allowed,
    read_compact,
    read_removed,
)
from cxfulfill.auth.verified import Verified, digest_of
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import HttpRequest

GOOGLE_ISSUERS: Final = frozenset({"https://accounts.google.com", "accounts.google.com"})
GOOGLE_KEYS: Final = "https://www.googleapis.com/oauth2/v3/certs"
"""Google's keys as a JWK set; ``/oauth2/v1/certs`` has the same ones as certificates."""
MAX_LIFETIME: Final = 7_200.0
"""Seconds that a token may be valid for; Google's are for one hour."""

_ACCOUNT = re.compile(r"[^\s@]+@[^\s@,;]+")


def dialogflow_service_agent(project_number: int | str) -> str:
    """Name the service account that Dialogflow calls webhooks with.

    Args:
        project_number: Number (not id) of the agent's Google Cloud project.

    Returns:
        Its e-mail address.

    Raises:
        ConfigurationError: It is no number.
    """
    text = str(project_number)
    if isinstance(project_number, bool) or not re.fullmatch(r"[1-9][0-9]{0,19}", text):
        raise ConfigurationError(
            "project_number must be the number of the agent's project, as in "
            "gcloud projects describe PROJECT --format='value(projectNumber)'"
        )
    return f"service-{text}@gcp-sa-dialogflow.iam.gserviceaccount.com"


class _GoogleCaller:
    """The claims that are asked of a token, however its signature was checked.

    Attributes:
        audiences: For whom it must be: one of these.
        service_accounts: Whose it must be: one of these.
        now: Seconds since 1970.
    """

    blocking = False
    credential_headers = frozenset({"authorization"})
    method: str

    def __init__(
        self,
        audience: str | Iterable[str],
        project_number: int | str | None,
        service_accounts: Iterable[str],
        now: WallClock,
    ) -> None:
        name = type(self).__name__
        emails = frozenset([service_accounts] if isinstance(service_accounts, str) else service_accounts)
        if (project_number is None) == (not emails):
            raise ConfigurationError(f"{name} needs either project_number= (of the agent) or service_accounts=")
        if not all(isinstance(email, str) and email.isprintable() and _ACCOUNT.fullmatch(email) for email in emails):
            raise ConfigurationError(f"{name}: service_accounts must be e-mail addresses, one each, without spaces")
        self.audiences = _audiences(name, audience)
        self.service_accounts = (
            emails if project_number is None else frozenset({dialogflow_service_agent(project_number)})
        )
        self.now = now

    def _principal(self, claims: dict[str, Any]) -> Principal:
        """Check the claims of a token whose signature is right."""
        check_times(claims, self.now(), max_lifetime=MAX_LIFETIME)
        check_audience(claims, self.audiences, several=False)
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise not_allowed("the token names no verified e-mail address")
        if email not in self.service_accounts:
            expected = notes.listed(sorted(self.service_accounts))
            raise not_allowed(
                f"the token is {notes.cut(email)}'s, and may be {expected}'s; if the former is your agent's service "
                "account, correct project_number= or service_accounts="
            )
        return Principal(email, self.method)

    def __repr__(self) -> str:
        audiences, accounts = sorted(self.audiences), sorted(self.service_accounts)
        return f"{type(self).__name__}(audience={audiences!r}, service_accounts={accounts!r})"


class GoogleIdToken(_GoogleCaller):
    """A Google ID token that is verified here, for a service that anybody can reach.

    Google's keys are fetched when the first token comes, or by `warm`.

    Args:
        audience: The webhook's whole URL without the query, exactly as it stands in CX, or several.
        project_number: Number of the agent's Google Cloud project, whose Dialogflow service agent may call.
        service_accounts: In place of ``project_number``: the e-mail addresses that may call.
        keys: Where the keys come from: an address, or a source; Google's by default.
        now: Seconds since 1970; given by tests.
        clock: Seconds that only go up; given by tests.

    Raises:
        ConfigurationError: An audience is no https URL or has a query or fragment, or not exactly one of
            ``project_number`` and ``service_accounts`` is given.
    """

    method = "google-id-token"
    header_use = ("authorization", "Google ID token")

    def __init__(
        self,
        *,
        audience: str | Iterable[str],
        project_number: int | str | None = None,
        service_accounts: Iterable[str] = (),
        keys: str | KeySource = GOOGLE_KEYS,
        now: WallClock = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from cxfulfill.auth.google_keys import SHARED  # noqa: PLC0415 - CloudRunIam verifies no signature

        super().__init__(audience, project_number, service_accounts, now)
        self.keys = SHARED.of(keys, clock)
        self._verified = Verified()

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept a token of one of the service accounts; see `Authenticator.authenticate`."""
        digest = digest_of(http.headers.get("authorization", ""))
        known = self._verified.find(digest, self.keys, self.now())
        if known is not None:
            return known
        jwt = read_compact(bearer_token(http, in_cx=SERVICE_AGENT_IN_CX))
        key_id = _check_header(jwt)
        keys = self.keys.held()  # before the look-up: with a newer set, the token is only verified once more
        verifier = self.keys.find(key_id)
        if verifier is None:
            note = f"there is no key of this id at {self.keys.shown}: is the token from somewhere else?"
            raise invalid_token("unknown_key", note)
        if not verifier.verify(jwt.signed, jwt.signature):
            raise invalid_token("bad_signature", notes.BAD_SIGNATURE)
        principal = self._principal(jwt.claims)
        self._verified.note(digest, principal, keys, since=self.now(), until=jwt.claims["exp"])
        return principal

    def warm(self) -> None:
        """Fetch the keys now, for at most 3 seconds; whether it worked, `ready` tells."""
        self.keys.warm()

    def ready(self) -> bool:
        """Tell whether keys are held; where none are, a fetch is started and not waited for."""
        return self.keys.ready()


class CloudRunIam(_GoogleCaller):
    """The ID token that Cloud Run's IAM check has verified, for a service that is not public.

    The platform checks the token's signature and puts ``SIGNATURE_REMOVED_BY_GOOGLE`` in its place (Cloud Run's
    troubleshooting page). On a public service anybody can type these words, and nothing in a request tells the one
    from the other: hence the confirmation.

    Args:
        audience: The audiences that the service accepts: the webhook's whole URL (a custom audience of the
            service), or the service's ``run.app`` URL.
        project_number: As for `GoogleIdToken`.
        service_accounts: As for `GoogleIdToken`.
        i_confirm_the_service_is_not_public: Must be True: neither ``allUsers`` nor ``allAuthenticatedUsers`` has
            the role ``run.invoker``, and the IAM check is not disabled.
        now: Seconds since 1970; given by tests.
        environ: The environment; given by tests.

    Raises:
        ConfigurationError: As for `GoogleIdToken`; there is no confirmation; or this is not Cloud Run (``K_SERVICE``
            is not set).
    """

    method = "cloud-run-iam"
    header_use = ("authorization", "Google ID token without its signature")
    without_alternative = "CloudRunIam"

    def __init__(
        self,
        *,
        audience: str | Iterable[str],
        project_number: int | str | None = None,
        service_accounts: Iterable[str] = (),
        i_confirm_the_service_is_not_public: bool = False,
        now: WallClock = time.time,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(audience, project_number, service_accounts, now)
        if i_confirm_the_service_is_not_public is not True:
            raise ConfigurationError(
                "CloudRunIam trusts the platform's check: set i_confirm_the_service_is_not_public=True if callers need "
                "the role run.invoker; for a public service take GoogleIdToken"
            )
        if not environ.get("K_SERVICE"):
            raise ConfigurationError(
                "CloudRunIam works on Cloud Run only (K_SERVICE is not set): anywhere else nobody checks the token. "
                "On your own machine take BasicAuth or GoogleIdToken"
            )

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept a token that the platform checked; see `Authenticator.authenticate`."""
        if "x-serverless-authorization" in http.headers:
            raise invalid_token(
                "unchecked_header",
                "with X-Serverless-Authorization the platform checks that header and not Authorization, which CX uses",
            )
        jwt = read_removed(bearer_token(http, in_cx=SERVICE_AGENT_IN_CX))
        _check_header(jwt)
        return self._principal(jwt.claims)


def _check_header(jwt: CompactJwt) -> str:
    if jwt.algorithm != RS256:
        raise invalid_token("algorithm_not_allowed", notes.algorithm(jwt.algorithm, "Google's tokens have RS256"))
    if jwt.type not in (None, "jwt"):
        raise invalid_token(
            "token_type_not_allowed",
            "the token's typ is not JWT, so it is no ID token; access tokens are for OAuthJwt",
        )
    if jwt.key_id is None:
        raise invalid_token("key_id_missing", notes.NO_KEY_ID)
    issuer = jwt.claims.get("iss")
    if not isinstance(issuer, str) or issuer not in GOOGLE_ISSUERS:
        whose = f"the token is not from Google's accounts service{notes.issuer(issuer)}"
        raise invalid_token("issuer_not_allowed", f"{whose}; in CX, choose {SERVICE_AGENT_IN_CX}")
    return jwt.key_id


def _audiences(name: str, given: str | Iterable[str]) -> frozenset[str]:
    audiences = frozenset([given] if isinstance(given, str) else given)
    if not audiences:
        raise ConfigurationError(f"{name} needs an audience: the webhook's URL as it stands in CX, without the query")
    for audience in audiences:
        parts = split_url(audience)
        if parts.scheme != "https" or not parts.hostname or set("?#") & set(audience):
            raise ConfigurationError(f"{name}: audience must be an https URL without query and fragment")
    return audiences
