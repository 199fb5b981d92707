"""What a new project can be asked for: who may call it, and where it remembers calls. Each with its settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cxfulfill.settings.table import BY_NAME, PREFIX


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment that a project sets.

    Attributes:
        setting: The setting, without prefix.
        example: Its value in ``.env.example``; empty where only the user knows one.
        service: Its value in ``cloudrun.yaml``, where that is another one.
        kept_as: How the name of its secret on Google Cloud ends; empty where it is none.
        test: The Python expression that makes a value for tests; empty where the example is one.
        how: How to come by a value.
        yours: Whether its value in ``cloudrun.yaml`` is an example that the user has to change.
    """

    setting: str
    example: str = ""
    service: str = ""
    kept_as: str = ""
    test: str = ""
    how: str = ""
    yours: bool = False

    @property
    def name(self) -> str:
        """The variable."""
        return f"{PREFIX}{self.setting}"

    @property
    def about(self) -> str:
        """What it says."""
        return BY_NAME[self.setting].text.replace("`", "").rstrip(".")


@dataclass(frozen=True, slots=True)
class Auth:
    """Who may call a project.

    Attributes:
        variables: Its settings.
        is_private: Whether callers of the service need ``roles/run.invoker``.
        extra: The extra that it needs; empty for none.
        behind_balancer: Whether only a load balancer reaches the service.
    """

    variables: tuple[Variable, ...]
    is_private: bool = False
    extra: str = ""
    behind_balancer: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """Where a project remembers calls.

    Attributes:
        variables: Its settings.
        extra: The extra that it needs; empty for none.
        shared: Whether all instances share it; else there may be one.
    """

    variables: tuple[Variable, ...]
    extra: str = ""
    shared: bool = False


_SECRET: Final = "secrets.token_urlsafe(24)"  # noqa: S105 - that makes one
_MAKE: Final = "python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
_NUMBER: Final = Variable(
    "PROJECT_NUMBER",
    "123456789012",
    "%AGENT_PROJECT_NUMBER%",
    how="Printed by: gcloud projects describe PROJECT --format='value(projectNumber)'",
)
_ISSUER: Final = (
    Variable("OAUTH_ISSUER", "https://login.example/", yours=True),
    Variable("OAUTH_AUDIENCE", "https://webhook.example/webhook", yours=True),
)


def _policy(name: str) -> Variable:
    return Variable("AUTH", name)


def _audience(service: str = "") -> Variable:
    return Variable("AUDIENCE", "https://webhook.example/webhook", service, yours=not service)


_RUN_URL: Final = "https://%SERVICE%-%PROJECT_NUMBER%.%REGION%.run.app/webhook"

AUTHS: Final[Mapping[str, Auth]] = {
    "google-id-token": Auth((_policy("google-id-token"), _audience(_RUN_URL), _NUMBER)),
    "cloud-run-iam": Auth(
        (
            _policy("cloud-run-iam"),
            _audience(_RUN_URL),
            _NUMBER,
            Variable("I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC", "1"),
        ),
        is_private=True,
    ),
    "basic": Auth(
        (
            _policy("basic"),
            Variable("BASIC_USERNAME", "cx-agent"),
            Variable("BASIC_PASSWORD", kept_as="password", test=_SECRET, how=f"Made by: {_MAKE}"),
        ),
    ),
    "header": Auth(
        (
            _policy("header"),
            Variable("HEADER_NAME", "Authorization"),
            Variable(
                "HEADER_VALUE",
                kept_as="header",
                test=f'f"Bearer {{{_SECRET}}}"',
                how=f"Bearer and a key, which is made by: {_MAKE}",
            ),
        ),
    ),
    "oauth-jwt": Auth(
        (
            _policy("oauth-jwt"),
            *_ISSUER,
            Variable("OAUTH_KEYS", "https://login.example/.well-known/jwks.json", yours=True),
        ),
        extra="oauth",
    ),
    "oauth-introspection": Auth(
        (
            _policy("oauth-introspection"),
            *_ISSUER,
            Variable("OAUTH_ENDPOINT", "https://login.example/introspect", yours=True),
            Variable("OAUTH_CLIENT_ID", "%SERVICE%-webhook", yours=True),
            Variable("OAUTH_CLIENT_SECRET", kept_as="client-secret", test=_SECRET, how="The issuer gives it."),
        ),
        extra="oauth",
    ),
    "mtls": Auth(
        (
            _policy("mtls+google-id-token"),
            _audience(),
            _NUMBER,
            Variable("MTLS_SUBJECTS", "google"),
            Variable("MTLS_PROXY", "gcp-lb"),
            Variable("MTLS_PEERS", "169.254.0.0/16"),
        ),
        behind_balancer=True,
    ),
}
"""What ``--auth`` takes; the names are those of ``CXFULFILL_AUTH``."""

STORES: Final[Mapping[str, Store]] = {
    "memory": Store(()),
    "sqlite": Store((Variable("STORE", "sqlite:///calls.sqlite3", "sqlite:////var/lib/webhook/calls.sqlite3"),)),
    "redis": Store((Variable("STORE", "redis://127.0.0.1:6379/0", kept_as="store"),), extra="redis", shared=True),
    "firestore": Store(
        (Variable("STORE", "firestore://my-project/%SERVICE%-calls", "firestore://%PROJECT_ID%/%SERVICE%-calls"),),
        extra="firestore",
        shared=True,
    ),
}
"""What ``--store`` takes; the names are those of the stores' URLs."""
