"""Files of webhooks. They may hold passwords and tokens in plain text: what is made of them has none."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cxfulfill.agent.assets import WebhookResource
from cxfulfill.agent.values import Json, flag, member, pairs, seconds, text

DEFAULT_TIMEOUT: Final = 5.0
"""Seconds that CX waits where nothing else was set."""
AUTHORIZATION: Final = "authorization"
BASIC: Final = "Basic"
FIXED: Final = "a fixed value"
OPAQUE: Final = "access token"
ID_TOKENS: Final = ("Google ID token", "Google ID token without its signature")
OF_GOOGLE: Final = "Google access token"

_REFERENCE: Final = re.compile(r"\$(?:session\.params|sys\.func|flow)\.[\w.$-]+")
_OPEN: Final = re.compile(rf"(?:[A-Za-z]+ )?(?:{_REFERENCE.pattern})")
"""A value that is a reference, perhaps behind the name of a scheme."""
_SECRET_NAME: Final = re.compile(
    r"auth(?!or)|authoriz|token|secret|passw|credential|api[-_]?key|signature|cookie", re.IGNORECASE
)
_MEMBER: Final = re.compile(r'"(?P<name>[^"\\]*)"(?P<colon>\s*:\s*)"(?P<value>(?:[^"\\]|\\.)*)"')
_HIDDEN: Final = "..."


def read_webhook(file: str, given: Json, name: str) -> WebhookResource:
    """Read a webhook.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        name: Its name, where the file does not tell it.

    Returns:
        The webhook, without its secrets.
    """
    directory = member(given, "serviceDirectory")
    service = member(given, "genericWebService") or member(directory, "genericWebService")
    headers = {key: value for key, value in pairs(service, "requestHeaders").items() if isinstance(value, str)}
    kept = pairs(service, "secretVersionsForRequestHeaders")
    sends = frozenset(_proofs(service, headers, kept))
    is_flexible = text(service, "webhookType") == "FLEXIBLE"
    return WebhookResource(
        name=text(given, "displayName") or name,
        id=text(given, "name"),
        file=file,
        url=without_secrets(text(service, "uri")),
        is_flexible=is_flexible,
        method=(text(service, "httpMethod") or "POST") if is_flexible else "POST",
        body=body_without_secrets(text(service, "requestBody")) if is_flexible else "",
        mapping=_mapping(service) if is_flexible else {},
        headers=tuple(sorted({*headers, *kept}, key=str.lower)),
        sends=sends,
        has_credential=any(_SECRET_NAME.search(name) for name, _ in sends),
        in_the_clear=tuple(_in_the_clear(service, headers, kept)),
        timeout=seconds(given, "timeout") or DEFAULT_TIMEOUT,
        is_disabled=flag(given, "disabled"),
        uses_service_directory=bool(directory),
    )


def _mapping(service: Json) -> dict[str, str]:
    return {name: path for name, path in pairs(service, "parameterMapping").items() if isinstance(path, str)}


def without_secrets(url: str) -> str:
    """Take what may be secret out of a URL.

    Args:
        url: The URL.

    Returns:
        It without user and fragment, and with ``...`` for every value of its query that is no reference; empty for one
        that cannot be read.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    query = "&".join(_shown(each) for each in parts.query.split("&") if each)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment="").geturl()


def body_without_secrets(body: str) -> str:
    """Take out of the template of a body what looks like a secret.

    Args:
        body: The template.

    Returns:
        It with ``...`` for each.
    """
    return _MEMBER.sub(_hidden, body)


def _hidden(found: re.Match[str]) -> str:
    return f'"{found["name"]}"{found["colon"]}"{_HIDDEN}"' if _is_secret(found["name"], found["value"]) else found[0]


def _is_secret(name: str, value: str) -> bool:
    return bool(value and _SECRET_NAME.search(name)) and not _OPEN.fullmatch(value)


def _shown(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return parameter if not equals or not value or _REFERENCE.fullmatch(value) else f"{name}={_HIDDEN}"


def _proofs(service: Json, headers: Mapping[str, str], kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Tell what the webhook proves itself with: of what lands in Authorization, CX sends one."""
    for name in {*headers, *kept}:
        if name.lower() != AUTHORIZATION:
            yield name.lower(), FIXED
    fixed = {name: value for name, value in headers.items() if name.lower() == AUTHORIZATION}
    if fixed or any(name.lower() == AUTHORIZATION for name in kept):
        yield AUTHORIZATION, FIXED
        yield from ((AUTHORIZATION, BASIC) for value in fixed.values() if value.lower().startswith("basic "))
    elif text(service, "username") or text(service, "password") or text(service, "secretVersionForUsernamePassword"):
        yield AUTHORIZATION, BASIC
    elif member(service, "oauthConfig"):
        yield AUTHORIZATION, OPAQUE
    elif member(service, "serviceAccountAuthConfig"):
        yield AUTHORIZATION, OF_GOOGLE
    else:
        yield from _service_agent(text(service, "serviceAgentAuth"))


def _service_agent(kind: str) -> Iterator[tuple[str, str]]:
    """Tell what the service agent proves itself with: an ID token, unless another thing was chosen."""
    if kind == "ACCESS_TOKEN":
        yield AUTHORIZATION, OF_GOOGLE
    elif kind != "NONE":
        yield from ((AUTHORIZATION, each) for each in ID_TOKENS)


def _in_the_clear(service: Json, headers: Mapping[str, str], kept: Mapping[str, Any]) -> Iterator[str]:
    if text(service, "password") and not text(service, "secretVersionForUsernamePassword"):
        yield "password"
    oauth = member(service, "oauthConfig")
    if text(oauth, "clientSecret") and not text(oauth, "secretVersionForClientSecret"):
        yield "client secret"
    covered = {name.lower() for name in kept}
    for name, value in sorted(headers.items()):
        if _is_secret(name, value) and name.lower() not in covered:
            yield f"header {name}"
    for found in _MEMBER.finditer(text(service, "requestBody")):
        if _is_secret(found["name"], found["value"]):
            yield f"{found['name']} in the body"
    yield from _in_url(text(service, "uri"))


def _in_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if "@" in parts.netloc:
        yield "user of the URL"
    for each in parts.query.split("&"):
        name, _, value = each.partition("=")
        if _is_secret(name, value):
            yield f"{name} in the URL"
