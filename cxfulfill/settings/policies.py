"""From settings to authenticators: what ``CXFULFILL_AUTH`` and its friends say."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from cxfulfill.auth.base import AllowUnauthenticated, Authenticator, needs_another_factor
from cxfulfill.auth.combinations import AllOf, AnyOf, ByEnvironment
from cxfulfill.auth.secrets import BasicAuth, HeaderSecret
from cxfulfill.auth.sources import SecretSource
from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.table import BY_NAME, PREFIX
from cxfulfill.settings.variables import Variables
from cxfulfill.settings.wording import naming

Build = Callable[[Variables], Authenticator]

_ENVIRONMENT = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*([^\s=/]+))?")
_HOW = "a+b for both, a,b for either"


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of the agent.

    Attributes:
        name: Its name in variables.
        id: Its id in session names; ``draft`` for the draft environment.
    """

    name: str
    id: str


def read_environments(variables: Variables) -> list[Environment]:
    """Read which environments have a policy of their own.

    Args:
        variables: The variables.

    Returns:
        The environments; none where one policy is for all.

    Raises:
        ConfigurationError: One has no name or id, or there are two of one name or id.
    """
    found = [_environment(text) for text in variables.texts("ENVIRONMENTS")]
    names = {each.name.upper() for each in found}  # as they stand in variables
    if len(names) != len(found) or len({each.id for each in found}) != len(found):
        raise ConfigurationError(f"{PREFIX}ENVIRONMENTS names an environment twice")
    return found


def _environment(text: str) -> Environment:
    named = _ENVIRONMENT.fullmatch(text)
    if not named or (named[2] is None) == (named[1] != "draft"):
        raise ConfigurationError(
            f"{PREFIX}ENVIRONMENTS takes names with ids: draft, prod=<id of the environment>; a name has letters and "
            "digits only and begins with a letter, since it stands in variables"
        )
    return Environment(named[1], named[2] or "draft")


def read_auth(variables: Variables, environments: Iterable[Environment]) -> Authenticator:
    """Build the policy.

    Args:
        variables: The variables.
        environments: The environments that have a policy of their own.

    Returns:
        The authenticator.

    Raises:
        ConfigurationError: The settings do not make one; the error says what to set.
    """
    policies = {each.id: _policy(variables.within(each.name)) for each in environments}
    return _joined(f"{PREFIX}ENVIRONMENTS", ByEnvironment, policies) if policies else _policy(variables)


def _policy(variables: Variables) -> Authenticator:
    text = variables.needed("AUTH", f"one of {', '.join(POLICIES)}; {_HOW}")
    alternatives = [[name.strip() for name in part.split("+")] for part in text.split(",")]
    different = {frozenset(names) for names in alternatives}
    if len(different) != len(alternatives) or any(len(set(names)) != len(names) for names in alternatives):
        raise ConfigurationError(f"{variables.name('AUTH')} names a policy twice")
    variable, parts = variables.name("AUTH"), [_all_of(names, variables) for names in alternatives]
    policy = parts[0] if len(parts) == 1 else _joined(variable, AnyOf, *parts)
    if needs_another_factor(policy):
        raise ConfigurationError(
            f"{variable}: mtls proves that Dialogflow calls, not whose agent: join it to another factor, as in "
            f"{variable}=mtls+google-id-token, or set {variables.name('MTLS_ALLOW_ANY_DIALOGFLOW_CUSTOMER')}=1"
        )
    return policy


def _all_of(names: list[str], variables: Variables) -> Authenticator:
    parts = [_one(name, variables) for name in names]
    return parts[0] if len(parts) == 1 else _joined(variables.name("AUTH"), AllOf, *parts)


def _joined(variable: str, join: Callable[..., Authenticator], *parts: object) -> Authenticator:
    with naming(lambda _: None, f"{variable}: "):
        return join(*parts)


def _one(name: str, variables: Variables) -> Authenticator:
    if name not in POLICIES:
        close = difflib.get_close_matches(name.lower().replace("_", "-"), POLICIES, n=1)
        advice = f"; did you mean {close[0]}?" if close else ""
        raise ConfigurationError(f"{variables.name('AUTH')} takes {', '.join(POLICIES)}; {_HOW}{advice}")
    policy = POLICIES[name]

    def variable_of(keyword: str) -> str | None:
        setting = f"{policy.stem}{keyword.upper()}"
        return variables.name(setting) if setting in BY_NAME else None

    with naming(variable_of, f"{variables.name('AUTH')}={name}: "):
        return policy.build(variables)


def _public(name: str) -> Any:
    # By name: the serving core must not load the libraries of mechanisms that nobody asked for.
    return getattr(import_module("cxfulfill"), name)


def _secret_manager(name: str) -> SecretSource:
    source: SecretSource = _public("SecretManager")(name)
    return source


def _google(variables: Variables) -> dict[str, Any]:
    variables.needed("AUDIENCE", "the webhook's URL as it stands in CX, without the query")
    audience = variables.texts("AUDIENCE")
    if variables.chosen(("PROJECT_NUMBER",), ("SERVICE_ACCOUNTS",)) == 1:
        return {"audience": audience, "service_accounts": variables.texts("SERVICE_ACCOUNTS")}
    number = variables.needed("PROJECT_NUMBER", "the number of the agent's project, whose service agent may call")
    return {"audience": audience, "project_number": number}


def _google_id_token(variables: Variables) -> Authenticator:
    made: Authenticator = _public("GoogleIdToken")(**_google(variables))
    return made


def _cloud_run_iam(variables: Variables) -> Authenticator:
    if not variables.flag("I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC"):
        variable = variables.name("I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC")
        raise ConfigurationError(f"set {variable}=1 if callers need run.invoker")
    made: Authenticator = _public("CloudRunIam")(**_google(variables), i_confirm_the_service_is_not_public=True)
    return made


def _basic(variables: Variables) -> Authenticator:
    if variables.chosen(("BASIC_CREDENTIALS",), ("BASIC_USERNAME", "BASIC_PASSWORD")) == 0:
        return BasicAuth.from_credentials(variables.secret("BASIC_CREDENTIALS", "user:password", _secret_manager))
    username = variables.needed("BASIC_USERNAME", "the user name of the webhook's settings in CX")
    return BasicAuth(username, variables.secret("BASIC_PASSWORD", "password", _secret_manager))


def _header(variables: Variables) -> Authenticator:
    value = variables.secret("HEADER_VALUE", "header value", _secret_manager)
    return HeaderSecret(variables.text("HEADER_NAME") or "Authorization", value)


def _oauth(variables: Variables) -> dict[str, Any]:
    return {
        "issuer": variables.needed("OAUTH_ISSUER", "the issuer's identifier, as in the claim iss"),
        "audience": variables.texts("OAUTH_AUDIENCE"),
        "scopes": variables.texts("OAUTH_SCOPES"),
        "client_ids": variables.texts("OAUTH_CLIENT_IDS"),
    }


def _oauth_jwt(variables: Variables) -> Authenticator:
    options = {
        "algorithms": variables.texts("OAUTH_ALGORITHMS") or None,
        "accept_typ_jwt": variables.flag("OAUTH_ACCEPT_TYP_JWT"),
        "client_claim": variables.text("OAUTH_CLIENT_CLAIM"),
        "scope_claim": variables.text("OAUTH_SCOPE_CLAIM"),
        "require_jti": variables.flag("OAUTH_REQUIRE_JTI"),
    }
    made: Authenticator = _public("OAuthJwt")(
        **_oauth(variables),
        keys=variables.needed("OAUTH_KEYS", "the address of the issuer's JWK set"),
        **_given(options),
    )
    return made


def _oauth_introspection(variables: Variables) -> Authenticator:
    secret = variables.secret("OAUTH_CLIENT_SECRET", "client secret", _secret_manager)
    made: Authenticator = _public("OAuthIntrospection")(
        **_oauth(variables),
        endpoint=variables.needed("OAUTH_ENDPOINT", "the address of the introspection endpoint"),
        client_id=variables.needed("OAUTH_CLIENT_ID", "this webhook's own client id"),
        client_secret=secret,
        **_given({"cache_seconds": variables.number("OAUTH_CACHE_SECONDS")}),
    )
    return made


def _mtls(variables: Variables) -> Authenticator:
    subjects = variables.texts("MTLS_SUBJECTS", ";")
    if "google" in subjects:
        subjects = [*(name for name in subjects if name != "google"), *_public("GOOGLE_CLIENT_SUBJECTS")]
    made: Authenticator = _public("MutualTls")(
        subjects=subjects,
        sans=variables.texts("MTLS_SANS"),
        proxy=variables.text("MTLS_PROXY"),
        peers=variables.texts("MTLS_PEERS"),
        allow_any_dialogflow_customer=bool(variables.flag("MTLS_ALLOW_ANY_DIALOGFLOW_CUSTOMER")),
    )
    return made


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy of ``CXFULFILL_AUTH``.

    Attributes:
        build: Makes it from its variables.
        stem: How these begin, behind the prefix; the rest is the keyword of its class.
    """

    build: Build
    stem: str = ""


POLICIES: Final[Mapping[str, Policy]] = {
    "google-id-token": Policy(_google_id_token),
    "cloud-run-iam": Policy(_cloud_run_iam),
    "basic": Policy(_basic, "BASIC_"),
    "header": Policy(_header, "HEADER_"),
    "oauth-jwt": Policy(_oauth_jwt, "OAUTH_"),
    "oauth-introspection": Policy(_oauth_introspection, "OAUTH_"),
    "mtls": Policy(_mtls, "MTLS_"),
    "none": Policy(lambda _: AllowUnauthenticated()),
}
"""What ``CXFULFILL_AUTH`` takes."""
