"""Who may call, as security schemes of OpenAPI.

Mechanisms are found by name: one whose extra is not installed cannot be imported here, and cannot be in an application
either.
"""

import re
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from cxfulfill.auth.base import AllowUnauthenticated, Authenticator, credential_headers
from cxfulfill.auth.combinations import AllOf, AnyOf, ByEnvironment
from cxfulfill.auth.secrets import HeaderSecret

Schemes = Mapping[str, Mapping[str, Any]]
"""Security schemes by name."""

_TOKEN: Final = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_SCHEMES: Final[Schemes] = {
    "BasicAuth": {"type": "http", "scheme": "basic"},
    "GoogleIdToken": _TOKEN,
    "CloudRunIam": _TOKEN,
    "OAuthJwt": _TOKEN,
    "OAuthIntrospection": {"type": "http", "scheme": "bearer"},
    "MutualTls": {"type": "mutualTLS"},
}
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9._-]")


def ways_in(auth: Authenticator) -> list[Schemes]:
    """Tell by what a caller proves who it is.

    Args:
        auth: Who may call.

    Returns:
        The alternatives, each with the schemes that it takes together; an empty one lets everybody in.
    """
    if isinstance(auth, AllowUnauthenticated):
        return [{}]
    if isinstance(auth, AnyOf | ByEnvironment):
        return [way for part in auth.parts for way in ways_in(part)]
    if isinstance(auth, AllOf):
        return [_together(ways) for ways in product(*map(ways_in, auth.parts))]
    if isinstance(auth, HeaderSecret):
        return [_headers(auth.name)]
    names = (kind.__name__ for kind in type(auth).__mro__ if kind.__module__.startswith("cxfulfill."))
    name = next((each for each in names if each in _SCHEMES), None)
    return [{name: _SCHEMES[name]} if name else _headers(*sorted(credential_headers(auth)) or ("Authorization",))]


def _together(ways: tuple[Schemes, ...]) -> Schemes:
    return {name: scheme for way in ways for name, scheme in way.items()}


def _headers(*names: str) -> Schemes:
    return {
        f"Header-{_NO_NAME.sub('_', name.lower())}": {"type": "apiKey", "in": "header", "name": name} for name in names
    }
