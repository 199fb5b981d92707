"""``cxfulfill.toml``: the agent, where its webhooks are served, and how CX proves itself to them."""

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cxfulfill.agent.resources import MAX_TIMEOUT, Method
from cxfulfill.auth.outbound import check_url
from cxfulfill.cx_settings import read_url
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import CREDENTIAL_HEADERS, WITH_BODY
from cxfulfill.protocol.names import AgentName
from cxfulfill.redaction import is_private

FILE: Final = "cxfulfill.toml"

_STORED: Final = r"^projects/[^/\s]+/secrets/[^/\s]+/versions/[^/\s]+$"
_SERVICE: Final = r"^projects/[^/\s]+/locations/[^/\s]+/namespaces/[^/\s]+/services/[^/\s]+$"
_VERSION: Final = r"^projects/[^/\s]+/locations/[^/\s]+/agents/[^/\s]+/flows/[^/\s]+/versions/[^/\s]+$"
_REFERENCE: Final = re.compile(r"\$session\.params\.[\w.-]+")
_PLAIN: Final = "is in plain text here: name a secret_version or a variable, or set insecure_plaintext = true"


def _base(text: str) -> str:
    try:
        url = read_url(text)
        check_url("it", url)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None
    return url


def _https(text: str) -> str:
    try:
        return check_url("it", text)
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


def _segment(text: str) -> str:
    if not re.fullmatch(r"[^/\s]+", text):
        raise ValueError("it has no slash and no white space")
    return text


def _header(given: Any) -> Any:
    return {"value": given} if isinstance(given, str) else given


SecretVersion = Annotated[str, Field(pattern=_STORED)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
Base = Annotated[str, AfterValidator(_base)]
Address = Annotated[str, AfterValidator(_https)]
Segment = Annotated[str, AfterValidator(_segment)]
Name = Annotated[str, Field(min_length=1, max_length=64)]


class Table(BaseModel):
    """A table of the file; it has no other keys than these."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Basic(Table):
    """User name and password: together in a secret version (``user:password``), or each by itself."""

    secret_version: SecretVersion | None = None
    username: str | None = Field(None, pattern="^[^:]*$")
    username_env: Variable | None = None
    password: str | None = Field(None, repr=False)
    password_env: Variable | None = None
    insecure_plaintext: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_one(self, "secret_version", "password", "password_env")
        if self.secret_version is None:
            _check_one(self, "username", "username_env")
        elif self.username is not None or self.username_env is not None:
            raise ValueError("the secret version holds the user name, too: user:password")
        _check_plain(self, "password")
        return self


class Header(Table):
    """The value of a header."""

    value: str | None = Field(None, pattern=r"^[^\x00-\x1f\x7f]*$", repr=False)
    env: Variable | None = None
    secret_version: SecretVersion | None = None
    insecure_plaintext: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_one(self, "value", "env", "secret_version")
        return self


class OAuth(Table):
    """Third-party OAuth, client credentials."""

    client_id: str | None = Field(None, min_length=1)
    client_id_env: Variable | None = None
    client_secret: str | None = Field(None, repr=False)
    client_secret_env: Variable | None = None
    secret_version: SecretVersion | None = None
    token_endpoint: Address
    scopes: list[str] = []
    insecure_plaintext: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_one(self, "client_id", "client_id_env")
        _check_one(self, "client_secret", "client_secret_env", "secret_version")
        _check_plain(self, "client_secret")
        return self


class Service(Table):
    """How CX calls a web service; what is not named here is left alone."""

    basic: Basic | None = None
    headers: dict[HeaderName, Annotated[Header, BeforeValidator(_header)]] | None = None
    oauth: OAuth | None = None
    service_agent_auth: Literal["id_token", "access_token", "none"] | None = None
    service_account: str | None = Field(None, pattern=r"^[^@\s]+@[^@\s]+$")
    ca_certs: list[str] | None = None
    service_directory: str | None = Field(None, pattern=_SERVICE)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """Those of the settings that end in the header ``Authorization``."""
        named = ("basic", "oauth", "service_agent_auth", "service_account")
        in_header = ["headers.Authorization"] if "authorization" in map(str.lower, self.headers or ()) else []
        return (*(name for name in named if getattr(self, name) is not None), *in_header)

    @model_validator(mode="after")
    def _check(self) -> Self:
        # none beside another one says what the other one implies
        found = [name for name in self.mechanisms if name != "service_agent_auth" or self.service_agent_auth != "none"]
        if len(found) > 1:
            raise ValueError(f"{' and '.join(found)} end in the same header, Authorization, which has one value")
        for name, header in (self.headers or {}).items():
            secret = name.lower() in CREDENTIAL_HEADERS or is_private(name)
            is_data = header.value is None or header.insecure_plaintext or _REFERENCE.fullmatch(header.value)
            if secret and not is_data:
                raise ValueError(f"the header {name} {_PLAIN}")
        return self


class Defaults(Service):
    """What holds for each webhook that the application serves."""

    timeout: float | None = Field(None, gt=0, le=MAX_TIMEOUT)


class WebhookTable(Defaults):
    """A webhook: one that the application serves, or a flexible one at another address."""

    serves: str | None = None
    display_name: Name | None = None
    disabled: bool | None = None
    url: Address | None = None
    method: Method | None = None
    body: str | None = None
    mapping: dict[str, str] | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.serves is None) == (self.url is None):
            raise ValueError('it takes serves = "standard" or "METHOD /path" of the application, or else a url')
        if self.serves is not None:
            own = next((name for name in ("method", "body", "mapping") if getattr(self, name) is not None), None)
            if own:
                raise ValueError(f"{own} goes with url; of what the application serves it tells itself")
        elif self.method is None:
            raise ValueError("url goes with method")
        if self.body is not None:
            _check_body(self.body, self.method or "")
        return self


class EnvironmentWebhook(Service):
    """A webhook as one environment calls it."""

    url: Address | None = None


class EnvironmentTable(Table):
    """An environment of the agent, by its display name."""

    url: Base | None = None
    description: str | None = Field(None, max_length=500)
    versions: list[Annotated[str, Field(pattern=_VERSION)]] | None = Field(None, min_length=1)
    defaults: Service = Service()
    webhooks: dict[str, EnvironmentWebhook] = {}


class AgentTable(Table):
    """The agent, and where it calls the application outside of environments."""

    project: Segment
    location: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    id: Segment
    url: Base | None = None

    @property
    def name(self) -> AgentName:
        """Its name."""
        return AgentName(self.project, self.location, self.id)


class Settings(Table):
    """The file."""

    agent: AgentTable
    defaults: Defaults = Defaults()
    webhooks: dict[Name, WebhookTable] = {}
    environments: dict[Name, EnvironmentTable] = {}


def read_settings(path: Path) -> Settings:
    """Read the file.

    Args:
        path: The file.

    Returns:
        What it says.

    Raises:
        ConfigurationError: It cannot be read, is no TOML, lacks a key, or has one that is unknown or wrong.
    """
    try:
        return parse_settings(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise ConfigurationError(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path.name} is no UTF-8") from None


def parse_settings(text: str, name: str = FILE) -> Settings:
    """Read the text of the file.

    Args:
        text: The text.
        name: The file's name, for errors.

    Returns:
        What it says.

    Raises:
        ConfigurationError: As for `read_settings`.
    """
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is no TOML: {error}") from None
    except ValidationError as error:
        # A misspelt key is also missing under its right name: the key is what helps.
        found = error.errors(include_input=False, include_url=False)
        first = min(found, key=lambda each: each["type"] != "extra_forbidden")
        raise ConfigurationError(f"{name}: {_sentence(first)}") from None


def _sentence(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        return f"{place}: there is no such key"
    if error["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"


def _check_one(table: Table, *names: str) -> None:
    if sum(getattr(table, name) is not None for name in names) != 1:
        raise ValueError(f"it takes one of {', '.join(names)}")


def _check_body(body: str, method: str) -> None:
    if method not in WITH_BODY:
        raise ValueError(f"body goes with {', '.join(sorted(WITH_BODY))}")
    try:
        json.loads(body)
    except ValueError:
        raise ValueError("body must be JSON, with each reference to a parameter in quotes") from None


def _check_plain(table: Basic | OAuth, name: str) -> None:
    if getattr(table, name) is not None and not table.insecure_plaintext:
        raise ValueError(f"{name} {_PLAIN}")
