"""Shared secrets: HTTP Basic (RFC 7617) and a header with a fixed value.

A shared secret proves that the caller knows it: neither which agent calls nor that the call is fresh. Values are
compared in constant time, and several are accepted while one is being replaced.
"""

import base64
import hmac
import logging
import re
from collections.abc import Iterable

from cxfulfill.auth.base import Principal
from cxfulfill.errors import ConfigurationError, Unauthorized
from cxfulfill.http import HttpRequest

MIN_SECRET_LENGTH = 16
"""Characters that a secret needs at least; 16 random ones of base64 hold 96 bits."""

_log = logging.getLogger("cxfulfill")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
_BASIC = re.compile(r"basic +([A-Za-z0-9+/]+={0,2}) *", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z0-9-]+ +(?=\S)")
_PLACEHOLDERS = (
    "changeme", "change-me", "change_me", "placeholder", "example", "password", "secret", "your_", "your-", "todo",
)  # fmt: skip
_NOT_FOR_SECRETS = frozenset(
    {
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "from",
        "user-agent", "accept-encoding", "if-modified-since", "if-none-match", "x-forwarded-for",
    }
)  # fmt: skip
"""Headers that CX does not let an agent set (webhook page), or that mean something else to HTTP."""


class BasicAuth:
    """HTTP Basic: the user name and password of the CX webhook's settings.

    Args:
        username: User name, without a colon.
        password: Password, or several of which each is accepted while one replaces another.
        allow_weak: Accept a short or well-known password, for a trial.

    Raises:
        ConfigurationError: The user name has a colon or is empty, a password is weak, a placeholder, or has
            control characters.
    """

    blocking = False
    credential_headers = frozenset({"authorization"})
    challenge = 'Basic realm="webhook", charset="UTF-8"'

    def __init__(self, username: str, password: str | Iterable[str], *, allow_weak: bool = False) -> None:
        if not username or ":" in username or _CONTROL.search(username):
            raise ConfigurationError("BasicAuth: username must be text without a colon (RFC 7617)")
        passwords = check_secrets("BasicAuth: password", password, allow_weak=allow_weak)
        self.username = username
        self._accepted = tuple(f"{username}:{value}".encode() for value in passwords)

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept the user name with any of the passwords; see `Authenticator.authenticate`."""
        header = http.headers.get("authorization")
        if header is None:
            raise Unauthorized(self.challenge, reason="no_credentials")
        found = _BASIC.fullmatch(header)
        if not found or not matches(_decode(found[1]), self._accepted):
            raise Unauthorized(self.challenge, reason="bad_credentials")
        return Principal(self.username, "basic")

    def __repr__(self) -> str:
        return f"BasicAuth({self.username!r}, password=[redacted])"


class HeaderSecret:
    """A header with a fixed value, from the CX webhook's request headers or its Secret Manager setting.

    A header whose value refers to a session parameter is data, not a secret: a user can influence it.

    Args:
        name: The header's name.
        value: Its whole value, such as ``Bearer 9f2c...``, or several of which each is accepted.
        allow_weak: Accept a short or well-known value, for a trial.

    Raises:
        ConfigurationError: The name is one that CX cannot send or a server would drop, or a value is weak, a
            placeholder, or has control characters.
    """

    blocking = False

    def __init__(self, name: str, value: str | Iterable[str], *, allow_weak: bool = False) -> None:
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _NOT_FOR_SECRETS:
            raise ConfigurationError("HeaderSecret: name must be a header that CX can send, without underscores")
        values = check_secrets("HeaderSecret: value", value, allow_weak=allow_weak)
        self.name = name
        self.credential_headers = frozenset({name.lower()})
        self._accepted = tuple(value.encode() for value in values)
        # RFC 9110 wants a challenge with each 401; there is no registered scheme for a header of one's own.
        self.challenge = 'Bearer realm="webhook"' if name.lower() == "authorization" else 'ApiKey realm="webhook"'

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept the header with any of the values; see `Authenticator.authenticate`."""
        header = http.headers.get(self.name)
        if header is None:
            raise Unauthorized(self.challenge, reason="no_credentials")
        if not matches(header.encode("latin-1", "replace"), self._accepted):
            raise Unauthorized(self.challenge, reason="bad_credentials")
        return Principal(self.name.lower(), "header")

    def __repr__(self) -> str:
        return f"HeaderSecret({self.name!r}, value=[redacted])"


def matches(given: bytes, accepted: tuple[bytes, ...]) -> bool:
    """Compare a credential with each accepted one, in a time that tells nothing about them.

    Args:
        given: What the caller sent.
        accepted: What is right.

    Returns:
        Whether it is one of them.
    """
    found = False
    for value in accepted:
        found |= hmac.compare_digest(given, value)
    return found


def check_secrets(what: str, given: str | Iterable[str], *, allow_weak: bool) -> tuple[str, ...]:
    """Check configured secrets, and strip a newline that came with one.

    Args:
        what: The setting, for the error.
        given: One secret or several.
        allow_weak: Accept short and well-known ones.

    Returns:
        The secrets.

    Raises:
        ConfigurationError: There is none, or one of them is no secret; the error never shows it.
    """
    values = (given,) if isinstance(given, str) else tuple(given or ())
    if not values or not all(isinstance(value, str) for value in values):
        raise ConfigurationError(f"{what} is missing, or no text")
    return tuple(_check_secret(what, value, allow_weak=allow_weak) for value in values)


def _check_secret(what: str, value: str, *, allow_weak: bool) -> str:
    stripped = value.removesuffix("\n").removesuffix("\r")
    if stripped != value:
        _log.warning("%s ended in a newline, which was stripped; store it without one", what)
    if not stripped.strip():
        raise ConfigurationError(f"{what} is empty")
    if _CONTROL.search(stripped):
        raise ConfigurationError(f"{what} has control characters")
    if stripped[0] in "\"'" and stripped[-1] == stripped[0]:
        raise ConfigurationError(f"{what} is in quotes; give it without them")
    bare = _SCHEME.sub("", stripped, count=1)
    if not allow_weak and _is_weak(bare):
        raise ConfigurationError(
            f"{what} is a placeholder or too short; take {MIN_SECRET_LENGTH} random characters or more, such as "
            "from python -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return stripped


def _is_weak(secret: str) -> bool:
    lowered = secret.lower()
    marked = lowered.startswith("<") and lowered.endswith(">")
    return len(secret) < MIN_SECRET_LENGTH or marked or lowered.startswith(_PLACEHOLDERS) or len(set(secret)) < 5


def _decode(text: str) -> bytes:
    # With the alphabet and the length right, b64decode has nothing left to overlook.
    return b"" if len(text) % 4 else base64.b64decode(text)
