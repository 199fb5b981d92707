"""What to change where that depends on the mechanism too: none is told to set what it does not have."""

from collections.abc import Mapping
from typing import Final

from cxfulfill.cli.advice import ADVICE, COPY, FROM_A_LOG, OWN, Advice

_STRANGER = "If not, somebody else calls this URL."
_URL = (
    "Make aud and audience= equal, character by character: it is the webhook's whole URL as it stands in CX, path "
    "included, without the query."
)
_GOOGLE = {
    "caller_not_allowed": "If it is your agent's, correct project_number=, or enter it in service_accounts=. "
    f"{_STRANGER}",
    "issuer_not_allowed": "See what CX sends: the token of service agent auth with ID token is Google's. One of your "
    "identity provider goes to OAuthJwt.",
    "audience_not_allowed": _URL,
    "google_access_token": "In CX choose service agent auth with ID token, in place of access token or of a service "
    "account.",
    "algorithm_not_allowed": "See where the token comes from: those of Google are signed with RS256 always.",
    "token_type_not_allowed": "See which kind of token was sent: CX's ID token has the typ JWT, and an access token "
    "goes to OAuthJwt.",
    "bad_time_claim": "See where the token comes from: those of Google have iat and exp, an hour apart.",
    "token_expired": "Take a fresh one: CX's ID tokens are good for an hour. What is checked behind the time was not "
    "looked at: compare aud and email above with the settings.",
}
_OAUTH = {
    "caller_not_allowed": f"If it is CX's client, enter it in client_ids=, or correct the client ID in CX. {_STRANGER}",
    "issuer_not_allowed": "Compare iss with issuer=, character by character; if it is Google's, choose third-party "
    "OAuth in CX.",
    "audience_not_allowed": "Let the provider issue tokens for audience=, to the character: CX has no field for it.",
    "google_access_token": "In CX choose third-party OAuth, with your provider's token endpoint.",
    "signature_removed_by_platform": f"{FROM_A_LOG} If calls come so, the service is private: with OAuth it must be "
    "public on Cloud Run.",
}
CHANGES: Final[Mapping[str, Mapping[str, str]]] = {
    "GoogleIdToken": _GOOGLE
    | {
        "signature_removed_by_platform": f"{FROM_A_LOG} If calls come so, the service is private: make it public and "
        "keep GoogleIdToken, or take CloudRunIam.",
    },
    "CloudRunIam": _GOOGLE
    | {
        "audience_not_allowed": f"{_URL} The service needs it among its custom audiences, too.",
    },
    "OAuthJwt": _OAUTH
    | {
        "algorithm_not_allowed": "Let the issuer sign with an accepted one, or enter its own in algorithms=.",
        "token_type_not_allowed": "See which kind of token was sent: it must be an access token (at+jwt); where the "
        "provider does not say so in its access tokens, set accept_typ_jwt=True.",
        "bad_time_claim": "Let the issuer send iat and exp in seconds; if its tokens are good for longer than a day, "
        "set max_lifetime=.",
        "client_missing": "Let the issuer send client_id, or name the claim that it sends: client_claim=.",
    },
    "OAuthIntrospection": _OAUTH
    | {
        "token_type_not_allowed": "Let the provider issue bearer tokens to CX's client.",
        "bad_time_claim": "Let the introspection endpoint answer with exp and nbf in seconds.",
        "client_missing": "Let the introspection endpoint answer with client_id.",
        "malformed_token": f"Take the whole token, in one line: {COPY}.",
    },
    "MutualTls": {
        "caller_not_allowed": f"If it is a new name of Dialogflow's, enter it in subjects= or sans=. {_STRANGER}",
    },
}
"""What to change, by class and reason code."""


def advice_for(reason: str, mechanism: str = "") -> Advice:
    """Look a reason code up.

    Args:
        reason: The code.
        mechanism: The class of ours that refused; empty for one of the user's own.

    Returns:
        Its advice; `OWN` where the code is none of ours.
    """
    advice = ADVICE.get(reason, OWN)
    change = CHANGES.get(mechanism, {}).get(reason)
    return Advice(advice.meaning, change) if change else advice
