"""What is taken for a secret: checked when it arrives, without ever being shown."""

import logging
import re
from typing import Final

from cxfulfill.errors import ConfigurationError

MIN_SECRET_LENGTH: Final = 16
"""Characters that a secret needs at least; 16 random ones of base64 hold 96 bits."""

_log = logging.getLogger("cxfulfill")
_UNSENDABLE = r"[\x00-\x1f\x7f\ud800-\udfff\ufeff]"
"""Control characters, what is no text, and the byte order mark that editors leave behind."""
_SCHEME = r"[A-Za-z0-9-]+ +(?=\S)"
_PLACEHOLDERS = (
    "changeme", "change-me", "change_me", "placeholder", "example", "password", "secret", "your_", "your-", "todo",
)  # fmt: skip
_NAMES_OF_SECRETS = {
    r"projects/[^/\s]+/secrets/[^/\s]+(?:/versions/[^/\s]+)?": "SecretManager",
    r"/(?:run|var|etc|mnt|secrets|tmp|home|opt|srv|app)/\S+|(?:/[a-z0-9._-]+){2,}": "FileSecret",
}
"""What is taken for a secret by mistake. Random base64 may begin with a slash too, but does not look like a path."""


def is_unsendable(value: str) -> bool:
    """Tell whether a text cannot be sent in a header as it is.

    Args:
        value: The text.

    Returns:
        Whether it has control characters, what is no text, or the byte order mark that editors leave behind.
    """
    return not value.isprintable() and re.search(_UNSENDABLE, value) is not None


def strip_newline(what: str, value: str, *, warn: bool = True) -> str:
    """Strip a newline at the end, which belongs to the file or the shell that a secret was stored from.

    Args:
        what: The setting, for the warning.
        value: The secret.
        warn: Whether to warn where there is one.

    Returns:
        The secret without it.
    """
    stripped = value.removesuffix("\n").removesuffix("\r")
    if warn and stripped != value:
        _log.warning("%s ended in a newline, which was stripped; store it without one", what)
    return stripped


def check_secret(what: str, value: str, *, allow_weak: bool) -> str:
    """Check a secret.

    Args:
        what: The setting, for the error.
        value: The secret, without a newline at its end.
        allow_weak: Accept a short or well-known one.

    Returns:
        The secret.

    Raises:
        ConfigurationError: It is no secret; the error never shows it.
    """
    if not value.strip():
        raise ConfigurationError(f"{what} is empty")
    if "\n" in value or "\r" in value:
        raise ConfigurationError(f"{what} has a newline in it; a secret is one line")
    if is_unsendable(value):
        raise ConfigurationError(f"{what} has control characters or a byte order mark")
    if value[0] in "\"'" and value[-1] == value[0]:
        raise ConfigurationError(f"{what} is in quotes; give it without them")
    # A process that starts compiles none of the patterns for a secret that is like others.
    alone = re.sub(_SCHEME, "", value, count=1) if " " in value else value
    for name, taker in _NAMES_OF_SECRETS.items():
        if "/" in alone and re.fullmatch(name, alone):
            raise ConfigurationError(f"{what} names a secret and is none: take {taker}(...), which reads it")
    weakness = "" if allow_weak else _weakness(alone)
    if weakness:
        raise ConfigurationError(
            f"{what} {weakness}: it takes {MIN_SECRET_LENGTH} random characters or more, such as from "
            "python -c 'import secrets; print(secrets.token_urlsafe(24))'"
        )
    return value


def check_ends(what: str, value: str) -> str:
    """Check that a secret that is sent in a header neither begins nor ends with a space.

    Args:
        what: The setting, for the error.
        value: The secret.

    Returns:
        The secret.

    Raises:
        ConfigurationError: It does; the error never shows it.
    """
    if value != value.strip(" "):
        raise ConfigurationError(f"{what} begins or ends with a space, which HTTP or CX may drop; store it without")
    return value


def _weakness(secret: str) -> str:
    lowered = secret.lower()
    if lowered.startswith(_PLACEHOLDERS) or (lowered.startswith("<") and lowered.endswith(">")):
        return "is a placeholder"
    if len(secret) < MIN_SECRET_LENGTH:
        return "is too short"
    return "has too few different characters" if len(set(secret)) < 5 else ""
