"""The Webhook resource of Dialogflow CX, and what of an Environment overrides it: every documented field.

Members have the names of the REST API. What was not given is not ours: it is neither compared nor written; None is
given, and says that the agent shall have nothing there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from cxfulfill.protocol.names import AgentName

Document = dict[str, Any]
"""A message as JSON of the REST API."""

MAX_TIMEOUT: Final = 30.0
"""Seconds that CX waits for a webhook at most."""

Method = Literal["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]
"""``GenericWebService.HttpMethod``."""

Seconds = Annotated[float, PlainSerializer(lambda seconds: f"{seconds:g}s")]
"""A ``google.protobuf.Duration``."""


class Message(BaseModel):
    """A message of the API."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )

    def document(self) -> Document:
        """Write it.

        Returns:
            The members that were given, None included.
        """
        return self.model_dump(exclude_unset=True)


class SecretVersionHeaderValue(Message):
    """Where the value of a header is kept."""

    secret_version: str


class OAuthConfig(Message):
    """Third-party OAuth, client credentials. CX takes the secret version, where there are both."""

    client_id: str
    client_secret: str | None = None
    secret_version_for_client_secret: str | None = None
    token_endpoint: str
    scopes: list[str] = []


class ServiceAccountAuthConfig(Message):
    """The service account whose access token is sent."""

    service_account: str


class GenericWebService(Message):
    """A web service: where it is, how it is called, what is proved to it.

    Certificates are DER in base64. Header values may hold secrets, so that nothing of this is shown by ``repr``.
    """

    uri: str
    username: str | None = None
    password: str | None = None
    secret_version_for_username_password: str | None = None
    request_headers: Mapping[str, str] = {}
    secret_versions_for_request_headers: Mapping[str, SecretVersionHeaderValue] = {}
    allowed_ca_certs: list[str] = []
    oauth_config: OAuthConfig | None = None
    service_agent_auth: Literal["NONE", "ID_TOKEN", "ACCESS_TOKEN"] | None = None
    service_account_auth_config: ServiceAccountAuthConfig | None = None
    webhook_type: Literal["STANDARD", "FLEXIBLE"] = "STANDARD"
    http_method: Method | None = None
    request_body: str | None = None
    parameter_mapping: Mapping[str, str] = {}

    def __repr_args__(self) -> Any:
        return [("uri", self.uri)]


class ServiceDirectoryConfig(Message):
    """A web service that is found through Service Directory."""

    service: str
    generic_web_service: GenericWebService


class WebhookResource(Message):
    """A Webhook; of ``generic_web_service`` and ``service_directory`` it has one."""

    name: str = ""
    display_name: str
    generic_web_service: GenericWebService | None = None
    service_directory: ServiceDirectoryConfig | None = None
    timeout: Seconds | None = None
    disabled: bool = False

    @property
    def service(self) -> GenericWebService | None:
        """The web service, wherever it is found."""
        return self.service_directory.generic_web_service if self.service_directory else self.generic_web_service


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentResource:
    """What is ours of an Environment.

    Attributes:
        display_name: Its name, by which it is found.
        description: Its description; None leaves it alone.
        versions: Names of the flow versions that run in it; None leaves them alone.
        overrides: The webhooks that are called otherwise in it, by key.
    """

    display_name: str
    description: str | None = None
    versions: tuple[str, ...] | None = None
    overrides: Mapping[str, WebhookResource] = field(default_factory=dict)

    def document(self) -> Document:
        """Write all but the overrides, which need the names of webhooks.

        Returns:
            The members that are ours.
        """
        made: Document = {"displayName": self.display_name}
        if self.description is not None:
            made["description"] = self.description
        if self.versions is not None:
            made["versionConfigs"] = [{"version": version} for version in self.versions]
        return made


@dataclass(frozen=True, slots=True)
class Desired:
    """What an agent is to have.

    Attributes:
        agent: The agent.
        webhooks: Its webhooks, by key.
        environments: Its environments.
        variables: Names of the environment variables that values come from.
    """

    agent: AgentName
    webhooks: Mapping[str, WebhookResource]
    environments: tuple[EnvironmentResource, ...] = ()
    variables: frozenset[str] = frozenset()
