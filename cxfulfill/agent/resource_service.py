"""From the settings to the web service of a webhook: what holds for all, for one, and for one in an environment."""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxfulfill.agent.resource_settings import Basic, Header, OAuth, Service
from cxfulfill.agent.resources import (
    GenericWebService,
    OAuthConfig,
    SecretVersionHeaderValue,
    ServiceAccountAuthConfig,
    ServiceDirectoryConfig,
)
from cxfulfill.errors import ConfigurationError

_NOTHING: Mapping[str, Any] = {
    "username": None,
    "password": None,
    "secret_version_for_username_password": None,
    "oauth_config": None,
    "service_agent_auth": None,
    "service_account_auth_config": None,
}
"""All that ends in the header ``Authorization``: who sets one of it sets the others to nothing."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where values come from that the file does not hold.

    Attributes:
        variables: The environment's variables; None writes a reference in place of each value.
        folder: What paths of files are relative to.
        asked: The variables that were asked for.
    """

    variables: Mapping[str, str] | None = field(default_factory=lambda: os.environ, repr=False)
    folder: Path = field(default_factory=Path)
    asked: set[str] = field(default_factory=set, init=False)

    def variable(self, name: str) -> str:
        """Give the value of a variable.

        Args:
            name: Its name.

        Returns:
            The value, or ``${NAME}``.

        Raises:
            ConfigurationError: It is not set, empty, or no line of text.
        """
        self.asked.add(name)
        if self.variables is None:
            return reference_to(name)
        value = self.variables.get(name, "")
        if not value:
            raise ConfigurationError(f"the variable {name} is not set")
        if not value.isprintable():
            raise ConfigurationError(f"the variable {name} holds a control character, such as a line end")
        return value

    def certificates(self, paths: list[str]) -> list[str]:
        """Read certificates.

        Args:
            paths: Files in PEM, with one or several, or in DER.

        Returns:
            Each in DER, as base64.

        Raises:
            ConfigurationError: A file cannot be read, or has no certificate.
        """
        return [each for path in paths for each in _certificates(self.folder / path, path)]


def reference_to(variable: str) -> str:
    """Write what stands for the value of a variable where values are not shown.

    Args:
        variable: The variable.

    Returns:
        The reference, as of a shell.
    """
    return f"${{{variable}}}"


def layered(*layers: Service) -> Service:
    """Lay settings over each other.

    Args:
        layers: The settings, the weakest first. One that names a mechanism for the header ``Authorization`` takes away
            those of weaker ones; headers are joined.

    Returns:
        The settings that hold.
    """
    joined: dict[str, Any] = {}
    for layer in layers:
        if layer.mechanisms:
            joined |= {"basic": None, "oauth": None, "service_agent_auth": None, "service_account": None}
            if "headers" in joined:
                others = joined["headers"].items()
                joined["headers"] = {name: value for name, value in others if name.lower() != "authorization"}
        given = {name: getattr(layer, name) for name in Service.model_fields if getattr(layer, name) is not None}
        if layer.headers is not None:
            given["headers"] = _renamed(joined.get("headers", {}), layer.headers)
        joined |= given
    return Service.model_construct(**joined)


def service_of(
    settings: Service, sources: Sources, *, uri: str, **called: Any
) -> Mapping[str, GenericWebService | ServiceDirectoryConfig]:
    """Make the web service of a webhook.

    Args:
        settings: The settings that hold for it.
        sources: Where values come from.
        uri: Its URL.
        called: What the application or a template says: type, method, body, mapping, and headers with references.

    Returns:
        The member of `WebhookResource` that has it.

    Raises:
        ConfigurationError: A variable or file is missing.
    """
    own = called.pop("request_headers", None)
    parts: dict[str, Any] = {"uri": uri, **called, **_proof(settings, sources)}
    if own or settings.headers is not None:
        parts |= _headers(own or {}, settings.headers or {}, sources)
    if settings.ca_certs is not None:
        parts["allowed_ca_certs"] = sources.certificates(settings.ca_certs)
    made = GenericWebService(**parts)
    if settings.service_directory is None:
        return {"generic_web_service": made}
    return {"service_directory": ServiceDirectoryConfig(service=settings.service_directory, generic_web_service=made)}


def _proof(settings: Service, sources: Sources) -> dict[str, Any]:
    """What CX proves itself with in the header ``Authorization``."""
    parts: dict[str, Any] = dict(_NOTHING) if settings.mechanisms else {}
    if settings.basic is not None:
        parts |= _basic(settings.basic, sources)
    if settings.oauth is not None:
        parts["oauth_config"] = _oauth(settings.oauth, sources)
    if settings.service_agent_auth is not None:
        parts["service_agent_auth"] = settings.service_agent_auth.upper()
    if settings.service_account is not None:
        parts["service_account_auth_config"] = ServiceAccountAuthConfig(service_account=settings.service_account)
    return parts


def _renamed(weaker: Mapping[str, Header], stronger: Mapping[str, Header]) -> dict[str, Header]:
    names = {name.lower() for name in stronger}
    return {**{name: value for name, value in weaker.items() if name.lower() not in names}, **stronger}


def _basic(basic: Basic, sources: Sources) -> dict[str, Any]:
    if basic.secret_version is not None:
        return {"secret_version_for_username_password": basic.secret_version}
    return {
        "username": _either(basic.username, basic.username_env, sources),
        "password": _either(basic.password, basic.password_env, sources),
    }


def _oauth(oauth: OAuth, sources: Sources) -> OAuthConfig:
    secret: dict[str, Any] = (
        {"secret_version_for_client_secret": oauth.secret_version}
        if oauth.secret_version is not None
        else {"client_secret": _either(oauth.client_secret, oauth.client_secret_env, sources)}
    )
    return OAuthConfig(
        client_id=_either(oauth.client_id, oauth.client_id_env, sources),
        token_endpoint=oauth.token_endpoint,
        scopes=list(oauth.scopes),
        **secret,
    )


def _headers(own: Mapping[str, str], given: Mapping[str, Header], sources: Sources) -> dict[str, Any]:
    """Join the headers that a route reads with those of the settings, which win."""
    names = {name.lower() for name in given}
    plain = {name: value for name, value in own.items() if name.lower() not in names}
    kept = {}
    for name, header in given.items():
        if header.secret_version is not None:
            kept[name] = SecretVersionHeaderValue(secret_version=header.secret_version)
        else:
            plain[name] = _either(header.value, header.env, sources)
    return {"request_headers": plain, "secret_versions_for_request_headers": kept}


def _either(value: str | None, variable: str | None, sources: Sources) -> str:
    return sources.variable(variable) if variable is not None else value or ""


def _certificates(path: Path, shown: str) -> list[str]:
    # Only who trusts a CA of their own pays for the import.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"ca_certs: {shown} cannot be read: {error.strerror}") from None
    try:
        is_pem = b"-----BEGIN" in content
        found = x509.load_pem_x509_certificates(content) if is_pem else [x509.load_der_x509_certificate(content)]
    except ValueError:
        raise ConfigurationError(f"ca_certs: {shown} has no certificate in PEM or DER") from None
    return [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in found]
