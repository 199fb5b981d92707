"""What may stand in a parameter or payload: the values JSON, and so CX, can hold.

The strict writer converts the Python values that handlers commonly have at hand and refuses everything that
JSON, or the parser on the other side, would not take. A refusal names the place, never the value.
"""

import dataclasses
import re
from collections.abc import Container, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from cxfulfill.errors import ReplyError

MAX_DEPTH = 48
"""Levels of lists and objects below a member of ``sessionInfo.parameters`` or of the webhook payload.

The official parser (``google.protobuf.json_format``) stops at a recursion depth of 100 and spends two on each
level of a ``google.protobuf.Value``; 48 levels are what is left there.
"""

MAX_DOUBLE = 1.7976931348623157e308
"""The largest finite double; CX holds every number as one."""

_PLAIN = frozenset({str, bool, type(None)})
_TEXT = frozenset({str})
NAMEABLE = re.compile(r"[^\W\d][\w-]{0,63}")
"""Names that may stand in an error or a log line as they are: those of parameters, no numbers or addresses."""


def to_json_value(value: Any, *, depth: int = MAX_DEPTH) -> Any:
    """Convert a handler's value to one that JSON can hold.

    Kept as they are: ``str``, ``bool``, ``None``, ``int`` and ``float``. Converted:

    * ``datetime``, ``date``, ``time`` to ISO 8601 text;
    * ``Decimal`` to a number: an ``int`` where it is whole, else a ``float``;
    * ``UUID`` to text; ``Enum`` to its value, converted in turn;
    * pydantic models by ``model_dump(mode="json", by_alias=True)``; dataclass instances to an object of fields;
    * mappings to objects, lists and tuples to lists, each member converted.

    Args:
        value: The value.
        depth: How many levels of lists and objects may follow.

    Returns:
        A value made of ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` and ``None``.

    Raises:
        ReplyError: The value cannot be written: of another type, not finite, outside the range of a double,
            with a key that is not text, or nested too deep. Its field is the place below the value.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float or kind is int:
        return _number(value)
    if kind is dict:
        return _object(value, depth)
    if kind is list:
        return _list(value, depth)
    return _converted(value, depth)


def to_json_object(value: Mapping[Any, Any], *, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Convert a mapping whose members may each be nested ``depth`` levels deep.

    Args:
        value: The mapping, such as the session parameters of an answer.
        depth: How many levels of lists and objects may stand below each member.

    Returns:
        The object, its keys as text.

    Raises:
        ReplyError: As for `to_json_value`.
    """
    return _object(value, depth + 1)


def place(location: tuple[str | int, ...], known: Container[str]) -> str:
    """Write a place in a message, without repeating names that came with the input.

    Args:
        location: Member names and list indexes, outermost first.
        known: The names that may be shown; another one is shown as ``*``.

    Returns:
        The place, such as ``sessionInfo.parameters`` or ``messages[0].text``.
    """
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part if part in known else '*'}"
    return text.removeprefix(".")


def _number(value: float) -> int | float:
    # Compared with bounds rather than math.isfinite, which overflows on an int beyond the range of a double.
    if not -MAX_DOUBLE <= value <= MAX_DOUBLE:
        raise ReplyError("", "is not a finite number within the range of a double")
    return value


def _object(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    if depth <= 0:
        raise ReplyError("", "is nested deeper than CX's parser reads")
    if _PLAIN.issuperset(map(type, value.values())) and _TEXT.issuperset(map(type, value)) and "".join(value).isascii():
        return dict(value)
    result = {}
    for key, member in value.items():
        name = key if type(key) is str else _key(key)
        if not name.isascii():
            _check_text(name)
        try:
            result[name] = to_json_value(member, depth=depth - 1)
        except ReplyError as error:
            raise error.under(name if NAMEABLE.fullmatch(name) else "*") from None
    return result


def _list(value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    if depth <= 0:
        raise ReplyError("", "is nested deeper than CX's parser reads")
    result = []
    for index, member in enumerate(value):
        try:
            result.append(to_json_value(member, depth=depth - 1))
        except ReplyError as error:
            raise error.under(f"[{index}]") from None
    return result


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ReplyError("", "has a lone surrogate, which UTF-8 cannot hold") from None


def _key(key: object) -> str:
    if isinstance(key, Enum):
        key = key.value
    if not isinstance(key, str):
        raise ReplyError("", "has a key that is not text")
    return str(key)


def _converted(value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return to_json_value(value.value, depth=depth)
    if isinstance(value, BaseModel):
        return to_json_value(_dumped(value), depth=depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _object({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, depth)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, (list, tuple)):
        return _list(value, depth)
    return _scalar(value)


def _dumped(value: BaseModel) -> Any:
    try:
        return value.model_dump(mode="json", by_alias=True, warnings="error")
    except PydanticSerializationError:  # its text shows values
        raise ReplyError("", "is a model that holds values of other types than its own") from None


def _scalar(value: Any) -> str | int | float:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (str, UUID)):
        return str(value)
    if isinstance(value, int):
        return _number(int(value))
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, Decimal):
        return _decimal(value)
    raise ReplyError("", "is of a type that JSON cannot hold")


def _decimal(value: Decimal) -> int | float:
    if not value.is_finite():
        raise ReplyError("", "is not a finite number within the range of a double")
    number = float(value)
    _number(number)
    return int(value) if value == value.to_integral_value() else number
