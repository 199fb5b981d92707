"""Texts, numbers and names of enums as ``google.protobuf.json_format`` takes them."""

import base64
import re
from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_ENUM: Final = 2**31


class WrongValue(ValueError):
    """A value that its member does not take; the text says why, without the value."""


class UnknownName(WrongValue):
    """A text that is no name of the enum."""


def read_text(value: Any) -> str:
    """Read a text.

    Args:
        value: The JSON value.

    Returns:
        The same.

    Raises:
        WrongValue: It is none, or none that UTF-8 can hold.
    """
    if not isinstance(value, str):
        raise WrongValue("must be a text")
    if _LONE_SURROGATE.search(value):
        raise WrongValue("has a lone surrogate, which UTF-8 cannot hold")
    return value


def read_bool(value: Any) -> bool:
    """Read a bool.

    Args:
        value: The JSON value.

    Returns:
        The same.

    Raises:
        WrongValue: It is none.
    """
    if not isinstance(value, bool):
        raise WrongValue("must be true or false")
    return value


def read_bytes(value: Any) -> str:
    """Read bytes, in either alphabet of base64 and with any padding.

    Args:
        value: The JSON value.

    Returns:
        The bytes in base64 as it is printed.

    Raises:
        WrongValue: They are none.
    """
    text = read_text(value).encode()
    try:
        return base64.b64encode(base64.urlsafe_b64decode(text + b"=" * (4 - len(text) % 4))).decode()
    except ValueError:
        raise WrongValue("must be base64") from None


def read_number(value: float) -> float:
    """Read a number of a parameter or payload, which CX keeps as a double.

    Args:
        value: The JSON value, an ``int`` or ``float``.

    Returns:
        The double.

    Raises:
        WrongValue: No double is that large, or it is NaN or infinite: CX's parser reads such a one and cannot write it.
    """
    try:
        number = float(value)
    except OverflowError:
        raise WrongValue("is a number beyond the range of a double") from None
    if not isfinite(number):
        raise WrongValue("is NaN, infinite or beyond the range of a double, which cannot be written as JSON again")
    return number


def read_enum(value: Any, names: Sequence[str]) -> str | int:
    """Read an enum.

    Args:
        value: The JSON value: a name, or a number in any form that ``int`` takes.
        names: Its names by number.

    Returns:
        The name; the number where it has none; 0 for the first, which stands for none.

    Raises:
        WrongValue: It is neither, or no number of 32 bits.
    """
    try:
        number = names.index(value) if isinstance(value, str) and value in names else int(value)
    except (TypeError, ValueError, OverflowError):
        problem = f"must be one of {', '.join(names)}"
        raise (UnknownName if isinstance(value, str) else WrongValue)(problem) from None
    if not -_MAX_ENUM <= number < _MAX_ENUM:
        raise WrongValue("is a number beyond 32 bits")
    return names[number] if 0 < number < len(names) else number
