"""Values that people type: ``NAME=VALUE``, where the value is JSON or else plain text."""

from collections.abc import Iterable
from typing import Any, Final

from cxfulfill.errors import BadRequest, ConfigurationError, ReplyError
from cxfulfill.protocol.json import loads
from cxfulfill.simulator.turns import Turn
from cxfulfill.simulator.values import as_cx

_JSON: Final = ("{", "[", '"')
"""What a value begins with that is meant to be JSON."""


def named_value(text: str) -> tuple[str, Any]:
    """Read a name and a value.

    Args:
        text: ``NAME=VALUE``, such as ``nights=3``, ``room-type=double`` or ``dates={"year": 2030}``.

    Returns:
        Both.

    Raises:
        ConfigurationError: It is of another form, or begins as JSON and is none.
    """
    name, mark, value = text.partition("=")
    name = name.strip()
    if not mark or not name:
        raise ConfigurationError('write NAME=VALUE, such as nights=3, room-type=double or tags=["a","b"]')
    return name, _value(name, value.strip())


def values_of(given: Iterable[str]) -> dict[str, Any]:
    """Read several of them; the last one of a name counts.

    Args:
        given: ``NAME=VALUE`` each.

    Returns:
        Values by name.

    Raises:
        ConfigurationError: As for `named_value`.
    """
    return dict(map(named_value, given))


def checked_turn(kind: Any, value: str) -> Turn:
    """Make a turn of what a person has typed.

    Args:
        kind: Its kind.
        value: What is typed.

    Returns:
        The turn.

    Raises:
        ConfigurationError: It is none, or has characters that no request can hold.
    """
    _sendable("it", value)
    return Turn.of(kind, value)


def _value(name: str, text: str) -> Any:
    _sendable(name, text)
    try:
        value = loads(text.encode())
    except BadRequest as error:
        if text.startswith(_JSON):
            raise ConfigurationError(f"{name}: the value begins as JSON and is none ({error.reason})") from None
        return text
    try:
        return as_cx({name: value})[name]
    except ReplyError as error:
        raise ConfigurationError(str(error)) from None


def _sendable(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} is no UTF-8 text") from None
