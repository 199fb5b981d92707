"""From settings to authenticators: what ``CXFULFILL_AUTH`` and its friends say."""

import os
import re
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Any, Final

from cxfulfill.auth.base import AllowUnauthenticated, Authenticator
from cxfulfill.auth.combinations import AllOf, AnyOf, ByEnvironment
from cxfulfill.auth.secrets import BasicAuth, HeaderSecret
from cxfulfill.auth.sources import SecretSource
from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.table import PREFIX
from cxfulfill.settings.variables import Used, Variables

Build = Callable[[Variables], Authenticator]

_ENVIRONMENT = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*([^\s=/]+))?")


def read_settings(
    environ: Mapping[str, str] = os.environ, *, overridden: Collection[str] = ()
) -> tuple[dict[str, Any], list[Used]]:
    """Read the settings of a webhook.

    Args:
        environ: The environment.
        overridden: Keywords that are given otherwise; their variables are not read.

    Returns:
        Keywords for `Webhook`, and the variables that they came from.

    Raises:
        ConfigurationError: A variable is wrong, missing, misspelt, or nothing reads it.
    """
    variables = Variables(environ)
    found: dict[str, Any] = {}
    for keyword, read in _KEYWORDS.items():
        if keyword not in overridden:
            found[keyword] = read(variables)
    variables.check_all_used(overridden=overridden)
    return {keyword: value for keyword, value in found.items() if value is not None}, list(variables.used.values())


def read_auth(variables: Variables) -> Authenticator:
    """Build the policy.

    Args:
        variables: The variables.

    Returns:
        The authenticator.

    Raises:
        ConfigurationError: The settings do not make one; the error says what to set.
    """
    environments = variables.texts("ENVIRONMENTS")
    if not environments:
        return _policy(variables)
    policies, names = {}, set()
    for text in environments:
        named = _ENVIRONMENT.fullmatch(text)
        if not named or (named[2] is None) == (named[1] != "draft"):
            raise ConfigurationError(f"{PREFIX}ENVIRONMENTS takes names with ids: draft, prod=<id of the environment>")
        names.add(named[1].upper())  # as they stand in variables
        policies[named[2] or "draft"] = _policy(variables.within(named[1]))
    if len(policies) != len(environments) or len(names) != len(environments):
        raise ConfigurationError(f"{PREFIX}ENVIRONMENTS names an environment twice")
    return ByEnvironment(policies)


def _policy(variables: Variables) -> Authenticator:
    text = variables.needed("AUTH", f"one of {', '.join(POLICIES)}; a+b for both, a,b for either")
    alternatives = [_all_of(part, variables) for part in text.split(",")]
    return alternatives[0] if len(alternatives) == 1 else AnyOf(*alternatives)


def _all_of(text: str, variables: Variables) -> Authenticator:
    parts = [_one(name.strip(), variables) for name in text.split("+")]
    return parts[0] if len(parts) == 1 else AllOf(*parts)


def _one(name: str, variables: Variables) -> Authenticator:
    build = POLICIES.get(name)
    if build is None:
        raise ConfigurationError(f"{variables.name('AUTH')} takes {', '.join(POLICIES)}")
    try:
        return build(variables)
    except ConfigurationError as error:
        raise ConfigurationError(f"{PREFIX}AUTH={name}: {error}") from None


def _public(name: str) -> Any:
    # By name: the serving core must not load the libraries of mechanisms that nobody asked for.
    return getattr(import_module("cxfulfill"), name)


def _secret_manager(name: str) -> SecretSource:
    source: SecretSource = _public("SecretManager")(name)
    return source


def _google(variables: Variables) -> dict[str, Any]:
    variables.needed("AUDIENCE", "the webhook's URL as it stands in CX, without the query")
    accounts = variables.texts("SERVICE_ACCOUNTS")
    if not accounts:
        variables.needed("PROJECT_NUMBER", "the number of the agent's project, whose service agent may call")
    return {
        "audience": variables.texts("AUDIENCE"),
        "project_number": variables.text("PROJECT_NUMBER"),
        "service_accounts": accounts,
    }


def _google_id_token(variables: Variables) -> Authenticator:
    made: Authenticator = _public("GoogleIdToken")(**_google(variables))
    return made


def _cloud_run_iam(variables: Variables) -> Authenticator:
    confirmed = variables.flag("I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC")
    if not confirmed:
        raise ConfigurationError(f"set {PREFIX}I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC=1 if callers need run.invoker")
    made: Authenticator = _public("CloudRunIam")(**_google(variables), i_confirm_the_service_is_not_public=True)
    return made


def _basic(variables: Variables) -> Authenticator:
    credentials = variables.secret("BASIC_CREDENTIALS", _secret_manager)
    if credentials:
        return BasicAuth.from_credentials(credentials)
    username = variables.needed("BASIC_USERNAME", "the user name of the webhook's settings in CX")
    password = variables.secret("BASIC_PASSWORD", _secret_manager)
    if not password:
        raise _no_secret("BASIC_PASSWORD")
    return BasicAuth(username, password)


def _header(variables: Variables) -> Authenticator:
    value = variables.secret("HEADER_VALUE", _secret_manager)
    if not value:
        raise _no_secret("HEADER_VALUE")
    return HeaderSecret(variables.text("HEADER_NAME") or "Authorization", value)


def _no_secret(name: str) -> ConfigurationError:
    return ConfigurationError(f"set {PREFIX}{name}, or {PREFIX}{name}_FILE, or {PREFIX}{name}_SECRET")


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
    secret = variables.secret("OAUTH_CLIENT_SECRET", _secret_manager)
    if not secret:
        raise _no_secret("OAUTH_CLIENT_SECRET")
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


POLICIES: Final[Mapping[str, Build]] = {
    "google-id-token": _google_id_token,
    "cloud-run-iam": _cloud_run_iam,
    "basic": _basic,
    "header": _header,
    "oauth-jwt": _oauth_jwt,
    "oauth-introspection": _oauth_introspection,
    "mtls": _mtls,
    "none": lambda _: AllowUnauthenticated(),
}
"""What ``CXFULFILL_AUTH`` takes."""

_KEYWORDS: Final[Mapping[str, Callable[[Variables], Any]]] = {
    "auth": read_auth,
    "allowed_agents": lambda variables: variables.texts("ALLOWED_AGENTS") or None,
    "path": lambda variables: variables.text("PATH"),
    "timeout": lambda variables: variables.number("TIMEOUT"),
    "max_body": lambda variables: variables.number("MAX_BODY", int),
    "strict_cx_status": lambda variables: variables.flag("STRICT_CX_STATUS"),
}
