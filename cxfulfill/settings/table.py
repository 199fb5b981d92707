"""The settings that the environment may hold: one table for reading, for the documentation and for the command line."""

from collections.abc import Mapping
from typing import Final, Literal

from cxfulfill.structures import structure

PREFIX: Final = "CXFULFILL_"
SECRET_FORMS: Final = ("", "_FILE", "_SECRET")
"""Ends of the variables that say where a secret is: in the variable, in a file, in Secret Manager."""
NEXT: Final = "_NEXT"
"""What stands in front of that end for the secret that follows the current one."""
SCOPE_MARK: Final = "__"
"""What stands between the name of an environment and that of a setting: ``CXFULFILL_PROD__BASIC_PASSWORD``."""

Kind = Literal["text", "list", "flag", "number", "url", "secret", "one secret"]
"""What a value is. A ``url`` may hold a password. Of a secret there may be a next one beside it; ``one secret`` is sent
to somebody, so there is none.
"""


@structure
class Setting:
    """A setting.

    Attributes:
        name: Its variable without the prefix.
        kind: What its value is.
        keyword: The keyword of `Webhook` that it makes; ``server`` where the server reads it.
        readers: Who reads it, such as the policies of ``CXFULFILL_AUTH``.
        meaning: What it says, with its form.
        default: What it is where it is not set; empty where there is no such value.
    """

    name: str
    kind: Kind
    keyword: str
    readers: str
    meaning: str
    default: str = ""

    @property
    def text(self) -> str:
        """Its meaning and its default, for the documentation and the command line."""
        return f"{self.meaning}; {self.default} by default" if self.default else self.meaning


def _auth(name: str, kind: Kind, readers: str, meaning: str, default: str = "") -> Setting:
    return Setting(name, kind, "auth", readers, meaning, default)


_GOOGLE = "google-id-token or cloud-run-iam"
_OAUTH = "oauth-jwt or oauth-introspection"

SETTINGS: Final = (
    _auth("AUTH", "list", "any policy", "Who may call: a policy, `a+b` for both, `a,b` for either; `+` binds closer"),
    _auth("ENVIRONMENTS", "list", "any policy", "Environments of the agent with a policy each: `draft, prod=<id>`"),
    _auth("AUDIENCE", "list", _GOOGLE, "The webhook's whole URL without the query, as it stands in CX"),
    _auth("PROJECT_NUMBER", "text", _GOOGLE, "Number of the agent's project"),
    _auth("SERVICE_ACCOUNTS", "list", _GOOGLE, "In place of the project number: e-mail addresses that may call"),
    _auth("I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC", "flag", "cloud-run-iam", "`1`, where callers need `run.invoker`"),
    _auth("BASIC_USERNAME", "text", "basic", "User name"),
    _auth("BASIC_PASSWORD", "secret", "basic", "Password"),
    _auth("BASIC_CREDENTIALS", "secret", "basic", "In place of both: `user:password`, as CX reads it"),
    _auth("HEADER_NAME", "text", "header", "Name of the header", "`Authorization`"),
    _auth("HEADER_VALUE", "secret", "header", "Its whole value, such as `Bearer` and a key"),
    _auth("OAUTH_ISSUER", "text", _OAUTH, "The issuer's identifier (`iss`)"),
    _auth("OAUTH_AUDIENCE", "list", _OAUTH, "What the tokens are for (`aud`)"),
    _auth("OAUTH_SCOPES", "list", _OAUTH, "Scopes that a token must have"),
    _auth("OAUTH_CLIENT_IDS", "list", _OAUTH, "Clients that may call", "all"),
    _auth("OAUTH_KEYS", "text", "oauth-jwt", "Address of the issuer's JWK set (`jwks_uri`)"),
    _auth("OAUTH_ALGORITHMS", "list", "oauth-jwt", "Algorithms that are accepted", "`RS256,ES256`"),
    _auth("OAUTH_ACCEPT_TYP_JWT", "flag", "oauth-jwt", "`1` accepts tokens whose `typ` is `JWT` or missing", "`0`"),
    _auth("OAUTH_CLIENT_CLAIM", "text", "oauth-jwt", "Claim that names the client", "`client_id`"),
    _auth("OAUTH_SCOPE_CLAIM", "text", "oauth-jwt", "Claim that holds the scopes", "`scope`"),
    _auth("OAUTH_REQUIRE_JTI", "flag", "oauth-jwt", "`0` accepts tokens without an id", "`1`"),
    _auth("OAUTH_ENDPOINT", "text", "oauth-introspection", "Address of the introspection endpoint"),
    _auth("OAUTH_CLIENT_ID", "text", "oauth-introspection", "This webhook's own client id at the issuer"),
    _auth("OAUTH_CLIENT_SECRET", "one secret", "oauth-introspection", "Its secret"),
    _auth("OAUTH_CACHE_SECONDS", "number", "oauth-introspection", "Seconds that an answer is kept", "30"),
    _auth("MTLS_SUBJECTS", "list", "mtls", "Subjects that may call, `;` between them; `google` is Dialogflow's own"),
    _auth("MTLS_SANS", "list", "mtls", "Subject alternative names that may call"),
    _auth("MTLS_PROXY", "text", "mtls", "Whose headers bring the certificate: `gcp-lb`, `nginx`, `envoy`, `rfc9440`"),
    _auth("MTLS_PEERS", "list", "mtls", "Networks that this proxy connects from, such as `10.0.0.0/8`"),
    _auth("MTLS_ALLOW_ANY_DIALOGFLOW_CUSTOMER", "flag", "mtls", "`1` lets the certificate be the only factor", "`0`"),
    Setting("ALLOWED_AGENTS", "list", "allowed_agents", "the webhook", "`projects/P/locations/L/agents/A` each", "all"),
    Setting("STORE", "url", "idempotency", "the webhook", "Where calls are remembered: `sqlite://`, `redis://` or `firestore://`"),
    Setting("PATH", "text", "path", "the webhook", "Path of the webhook", "`/webhook`"),
    Setting("TIMEOUT", "number", "timeout", "the webhook", "Seconds for a call, at most 30"),
    Setting("MAX_BODY", "number", "max_body", "the webhook", "Largest body in bytes", "1048576"),
    Setting("MAX_IN_FLIGHT", "number", "max_in_flight", "the webhook", "Calls at a time in a worker", "no limit"),
    Setting("TELEMETRY", "text", "telemetry", "the webhook", "`opentelemetry` for traces and metrics", "none"),
    Setting("STRICT_CX_STATUS", "flag", "strict_cx_status", "the webhook", "`1` for documented statuses only", "`0`"),
    Setting("RECORD", "text", "recording", "from_env", "Folder that calls are recorded in, for development", "none"),
    Setting("RECORD_ON_CLOUD_RUN", "flag", "recording", "from_env", "`1` records there too", "`0`"),
    Setting("IGNORE_UNKNOWN", "flag", "server", "from_env", "`1` ignores variables of a newer release", "`0`"),
    Setting("THREADS", "number", "server", "the gunicorn settings", "Threads in each worker", "8"),
    Setting("LOG_FORMAT", "text", "server", "the gunicorn settings", "`text`, or `json` as on Cloud Run", "`text`"),
    Setting("TLS_CERT", "text", "server", "the gunicorn settings", "PEM file of the server's certificate"),
    Setting("TLS_KEY", "text", "server", "the gunicorn settings", "PEM file of its private key"),
    Setting("TLS_CLIENT_CA", "text", "server", "the gunicorn settings", "PEM bundle of client certificates' roots"),
    Setting("TLS_CLIENT_CERT", "text", "server", "the gunicorn settings", "`required` or `optional`", "`required`"),
)  # fmt: skip
BY_NAME: Final[Mapping[str, Setting]] = {setting.name: setting for setting in SETTINGS}
"""The settings by name."""


def variable_names(setting: str) -> tuple[str, ...]:
    """Name the forms of a setting: a secret has six, for where it is and for the one that follows it.

    Args:
        setting: The setting, without prefix.

    Returns:
        Names without prefix.
    """
    kind = BY_NAME[setting].kind
    if kind not in ("secret", "one secret"):
        return (setting,)
    follows = ("", NEXT) if kind == "secret" else ("",)
    return tuple(f"{setting}{form}{end}" for form in follows for end in SECRET_FORMS)


BY_VARIABLE: Final[Mapping[str, Setting]] = {
    name: setting for setting in SETTINGS for name in variable_names(setting.name)
}
"""The settings by the names of all their forms, without prefix."""
