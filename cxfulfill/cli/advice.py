"""What each reason code of an authenticator means, and what to change, in CX or here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Advice:
    """What a reason code means.

    Attributes:
        meaning: A sentence on what was found.
        change: A sentence on what to do, with a credential that was tried too.
        in_service: A sentence on what to look at where calls in service come so; empty where that is the same.
    """

    meaning: str
    change: str
    in_service: str = ""


COPY: Final = "a copy from a log line may be cut off, redacted, or without its signature"
FROM_A_LOG: Final = (
    "If the token comes from a log line: Cloud Run's logs show tokens without it; try one with its signature."
)

ADVICE: Final[Mapping[str, Advice]] = {
    # The request as a whole
    "no_credentials": Advice(
        "The request has nothing that this check reads.",
        "Enter in CX what `cxfulfill auth explain` prints for it; if you tried a header, see that it is the one "
        "that is read.",
        "Enter in CX what `cxfulfill auth explain` prints, and see whether a proxy drops the header. "
        "One such call now and then is a stranger's.",
    ),
    "bad_credentials": Advice(
        "The header is there, and its value is not one that is accepted.",
        "Compare CX's setting with the secret that this app reads: the whole value with its scheme, case and spaces, "
        "user:password for Basic, no newline at the end; during a rotation accept the old and the new one.",
    ),
    "secret_refused": Advice(
        "The secret that this app reads is no secret that it would accept from anybody.",
        "Store another one: 16 random characters or more, without quotes and control characters.",
    ),
    "secret_unavailable": Advice(
        "The secret that this app compares with could not be read, so nobody can be let in by it.",
        "See that the secret version or file is there, and that the account of this service may read it "
        "(roles/secretmanager.secretAccessor).",
    ),
    "auth_not_settled": Advice(
        "The authenticator asked again and again for something to be fetched.",
        "Look at the authenticator's NeedsIO: what it fetches must be there, or fail, when it is asked again.",
    ),
    # Tokens
    "malformed_token": Advice(
        "This is no token in the form that is read here.",
        f"Take the whole token, three parts between dots, in one line: {COPY}.",
        "See what is calling, and whether a proxy changes Authorization.",
    ),
    "google_access_token": Advice(
        "This is one of Google's access tokens, which says nothing of whom it is for.",
        "In CX choose another kind of authentication than an access token of Google's.",
    ),
    "signature_removed_by_platform": Advice(
        "Cloud Run's IAM check has put SIGNATURE_REMOVED_BY_GOOGLE in place of the signature, so nobody can verify it.",
        f"{FROM_A_LOG} If calls come so, the service is private, and must be public for this check.",
        "The service is private: make it public, or take CloudRunIam.",
    ),
    "signature_not_removed": Advice(
        "The token still has its signature, so Cloud Run's IAM check has not passed it on.",
        "If calls come so, the service is public: take GoogleIdToken, or make it private. To try a token of CX here, "
        "put SIGNATURE_REMOVED_BY_GOOGLE in place of its third part, as the platform does.",
        "The service is public: make it private, or take GoogleIdToken.",
    ),
    "unchecked_header": Advice(
        "With X-Serverless-Authorization the platform checks that header, and not the one that is read here.",
        "Remove X-Serverless-Authorization from the CX webhook's request headers.",
    ),
    "algorithm_not_allowed": Advice(
        "The token is signed with an algorithm that is not accepted.",
        "Let the issuer sign with an accepted one.",
    ),
    "token_type_not_allowed": Advice(
        "The token's type is not that of a token for this webhook.",
        "See which kind of token was sent: ID tokens and access tokens are different things.",
    ),
    "key_id_missing": Advice(
        "The token does not name the key that it is signed with (kid).",
        "Let the issuer put kid into its tokens; without it no key is tried.",
    ),
    "unknown_key": Advice(
        "The issuer publishes no key of the token's kid.",
        "See that the token comes from the issuer whose keys are read, and is not older than its keys.",
    ),
    "keys_unavailable": Advice(
        "The issuer's keys could not be fetched, so no signature can be verified.",
        "See that this machine reaches the keys' address within 3 seconds, without a proxy in between.",
    ),
    "bad_signature": Advice(
        "The signature does not fit the token.",
        f"Take the token unchanged: {COPY}.",
        "See what is calling, and that the keys are those of the issuer that CX gets its tokens from.",
    ),
    "bad_time_claim": Advice(
        "The token's times are missing, are no numbers, or are too far apart.",
        "Let the issuer send iat and exp in seconds.",
    ),
    "token_expired": Advice(
        "The token was good once, and is not any more.",
        "Take a fresh one. What is checked behind the time was not looked at: compare aud and the caller's name above "
        "with the settings.",
        "Set this machine's clock right; if it is right, somebody sends old tokens.",
    ),
    "token_not_yet_valid": Advice(
        "The token is not good yet.",
        "Set the clocks right, this machine's or the issuer's.",
    ),
    "issuer_not_allowed": Advice(
        "The token is from another issuer.",
        "Compare iss with the issuer that is accepted, character by character.",
    ),
    "audience_not_allowed": Advice(
        "The token is for another audience.",
        "Compare aud with the audience that is accepted, character by character.",
    ),
    "audience_missing": Advice(
        "The issuer does not say whom the token is for.",
        "Let the introspection endpoint answer with aud, or set client_ids= alone.",
    ),
    "caller_not_allowed": Advice(
        "The caller proved who it is, and is not one of those that may call.",
        "If it is yours, let it be one of those that may call. If not, somebody else calls this URL.",
    ),
    "claim_missing": Advice(
        "The token lacks a claim that access tokens have (RFC 9068).",
        "Let the issuer send sub and jti, or set require_jti=False.",
    ),
    "client_missing": Advice(
        "The token names no client.",
        "Let the issuer name the client.",
    ),
    "id_token": Advice(
        "This is an ID token of your identity provider: it tells its client who signed in, and opens no API.",
        "See which token CX gets from the token endpoint: it must be an access token.",
    ),
    "insufficient_scope": Advice(
        "The token lacks a scope.",
        "Enter the scope in the CX webhook's OAuth settings, and let the identity provider grant it to CX's client.",
    ),
    "token_inactive": Advice(
        "The issuer says that the token is not, or no longer, good.",
        "Take a fresh one; see that endpoint= is that of the issuer that CX gets its tokens from.",
        "See that endpoint= is that of the issuer that CX gets its tokens from, and that CX's client is enabled there.",
    ),
    "introspection_unavailable": Advice(
        "The introspection endpoint gave no usable answer.",
        "Check endpoint=, client_id= and client_secret=, and that the endpoint answers within 3 seconds.",
    ),
    "token_bound_otherwise": Advice(
        "The token is bound to a key in a way that cannot be checked here.",
        "Let the issuer give CX's client tokens that are not bound (cnf).",
    ),
    "certificate_not_proved": Advice(
        "The token is bound to a client certificate that the connection did not show.",
        "End TLS in this server, or let the issuer give CX's client tokens that are not bound; here, --client-cert "
        "names the certificate.",
        "End TLS in this server, or let the issuer give CX's client tokens that are not bound.",
    ),
    # Client certificates
    "no_certificate": Advice(
        "There is no client certificate.",
        "Let the server ask for one (CXFULFILL_TLS_CLIENT_CA), or the proxy hand it on; here, --client-cert names the "
        "certificate of the connection, and --header what a proxy sends.",
        "Let the server ask for one (CXFULFILL_TLS_CLIENT_CA), or the proxy hand it on.",
    ),
    "malformed_certificate": Advice(
        "What stands for the client certificate is none, or is not in the form of the proxy that is configured.",
        "Compare the proxy's headers with those that cxfulfill.auth.proxies lists for proxy=.",
    ),
    "certificate_not_verified": Advice(
        "The proxy says that it did not verify the client certificate.",
        "Let the proxy trust the roots that Dialogflow's certificate comes from, and refuse what does not.",
    ),
    "certificate_expired": Advice(
        "The client certificate has ended.",
        "Dialogflow renews its own; see what is calling, and this machine's clock.",
    ),
    "certificate_not_yet_valid": Advice(
        "The client certificate is not valid yet.",
        "Set this machine's clock right.",
    ),
    "peer_not_allowed": Advice(
        "The connection is not from the proxy, so that its certificate headers are not believed.",
        "Enter the proxy's address or network in peers=; here, --peer names the connection's address.",
        "Enter the proxy's address or network in peers=; if the address is not the proxy's, somebody goes around it.",
    ),
    # The session, once the body is read
    "agent_not_allowed": Advice(
        "The session is not of an agent in allowed_agents.",
        "If the agent is yours, add its full name: projects/P/locations/L/agents/A.",
    ),
    "environment_not_allowed": Advice(
        "The credential is not that of the environment that the session runs in.",
        "In CX, give this environment its own webhook setting; here, ByEnvironment needs a policy under its id.",
        "In CX, give this environment its own webhook setting, and in ByEnvironment a policy under its id.",
    ),
    # What an authenticator of the user's own leaves at that
    "unauthorized": Advice(
        "The authenticator does not know the caller, and gives no reason code.", "Look at the class that raises it."
    ),
    "forbidden": Advice(
        "The authenticator knows the caller, does not let it in, and gives no reason code.",
        "Look at the class that raises it.",
    ),
    "unavailable": Advice(
        "The authenticator cannot tell now, and gives no reason code.", "Look at the class that raises it."
    ),
    "internal": Advice(
        "The authenticator failed, and the call is answered with 500.",
        "Look at the class that fails: it may raise Unauthorized, Forbidden, Unavailable and NeedsIO only.",
    ),
}
"""Advice by reason code: all codes of our authenticators, and those that errors have by default."""

OWN: Final = Advice("This is a reason of an authenticator of your own.", "Look at the class that raises it.")

SAID: Final = frozenset(
    {
        "google_access_token", "signature_removed_by_platform", "signature_not_removed", "unchecked_header",
        "token_inactive", "token_bound_otherwise", "certificate_not_proved",
    }
)  # fmt: skip
"""Reasons whose note says nothing that the advice does not say."""
