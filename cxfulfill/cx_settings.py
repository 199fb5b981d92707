"""What an agent's author enters in CX for a flexible route: the fields of the console under Manage > Webhooks.

CX puts the value of a session parameter in place of each reference. In a URL it escapes the value, and writes lists
and objects as JSON. In a body it takes the quotes around a reference away where the value is a number, list or object
(Google's webhook page).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from cxfulfill.errors import ConfigurationError
from cxfulfill.http import SAFE, WITH_BODY
from cxfulfill.route import Route
from cxfulfill.target import Target
from cxfulfill.webhook import Webhook

_IN_PATHS: Final = "/$!&'()*+,;=:@"
"""What may stand in a path as it is, besides letters, digits and ``-._~`` (RFC 3986 3.3)."""
_NO_NAME: Final = re.compile(r"[^\w-]")
_JOINED: Final = re.compile(r"<(?:[^>:]*:)?([^>]*)>(?=[^/])")
_URL: Final = re.compile(r"https?://[^\s/?#@$]+(?:/[^\s?#$]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CxSettings:
    """What is entered for a route and method.

    Attributes:
        route: The route.
        method: The HTTP method.
        url: The URL, with references.
        headers: Values, with references, by header.
        body: The template of the JSON body; empty for none.
        names_parameters: Whether the handler's type tells what the route reads.
        takes_nothing: Whether the handler takes no parameters at all.
        is_unprotected: Whether a retry may run a call again that is no look-up.
    """

    route: Route
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    names_parameters: bool
    takes_nothing: bool
    is_unprotected: bool

    @property
    def response(self) -> Mapping[str, str]:
        """Paths into the answer by the session parameter that CX sets."""
        return {name: path.text for name, path in self.route.mapping.items()}

    @property
    def joined(self) -> tuple[str, ...]:
        """The references in the path that something else than a slash follows."""
        return tuple(reference(found[1]) for found in _JOINED.finditer(self.route.pattern.text))


def cx_settings(webhook: Webhook, base: str) -> Iterator[CxSettings]:
    """Tell what to enter for an application's flexible routes.

    Args:
        webhook: The application.
        base: The URL that it is served at, without a slash at its end.

    Yields:
        The settings, for each route and each method that CX can call it with. HEAD that only came along with GET is
        left out.
    """
    for route in webhook.routes():
        for method in route.methods:
            if method != "HEAD" or "GET" not in route.methods:
                yield _settings(route, method, base)


def _settings(route: Route, method: str, base: str) -> CxSettings:
    target = Target.of(route)
    schema = target.schema
    names = schema.wire_names({*route.pattern.variables, *route.headers.values()}) if schema else {}
    references = {name: reference(name) for name in sorted(names, key=lambda name: not names[name])}
    in_body = method in WITH_BODY
    query = "" if in_body else "&".join(f"{quote(name, safe='')}={value}" for name, value in references.items())
    path = quote(route.pattern.filled("$session.params.{name}"), safe=_IN_PATHS)
    return CxSettings(
        route=route,
        method=method,
        url=base + path + (f"?{query}" if query else ""),
        headers={header: reference(name) for header, name in route.headers.items()},
        body=json.dumps(references, indent=2, ensure_ascii=False) if references and in_body else "",
        names_parameters=schema is not None and schema.fields is not None,
        takes_nothing=schema is None,
        is_unprotected=method not in SAFE and target.key is None and target.idempotent is not False,
    )


def reference(name: str) -> str:
    """Write the reference to a session parameter.

    Args:
        name: The parameter that its value goes to.

    Returns:
        The reference, to the session parameter of the same name. What no reference can hold becomes an underscore.
    """
    return f"$session.params.{_NO_NAME.sub('_', name)}"


def read_url(text: str) -> str:
    """Check the URL that an application is served at.

    Args:
        text: The URL.

    Returns:
        The same, without a slash at its end.

    Raises:
        ConfigurationError: It is no such URL.
    """
    try:
        is_url = bool(_URL.fullmatch(text) and urlsplit(text).hostname and urlsplit(text).port != 0)
    except ValueError:
        is_url = False
    if not is_url:
        raise ConfigurationError(
            "it takes https://HOST or http://HOST, perhaps with a port and a path, and no query, fragment or user"
        )
    return text.rstrip("/")
