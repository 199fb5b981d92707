"""Numbers: CX sends doubles (``9.0`` for 9), and here and there a number as text."""

import math
import re
from decimal import Decimal
from typing import Any, Final

from typing_extensions import override

from cxfulfill.parameters.entity import Entity, any_of, resolved, same
from cxfulfill.parameters.refusals import EntityError
from cxfulfill.protocol.values import MAX_DOUBLE

MAX_TEXT: Final = 64
"""Characters of a number, date, time or duration as text. Longer text is refused before anything is made of it."""

MAX_INTEGER: Final = 2**53
"""The largest whole number up to which a double, and so CX, holds every one."""

LEAST_WHOLE: Final = -float(MAX_INTEGER)
MOST_WHOLE: Final = float(MAX_INTEGER)
"""The same as doubles, which are faster to compare with doubles."""

# JSON's grammar, with at most three digits of exponent: a double has no more.
NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"


def finite(value: Any, code: str) -> int | float | Decimal:
    """Read a number of any kind.

    Args:
        value: A number, or a number as text in JSON's grammar. A ``bool`` is none.
        code: The refusal's code where it is no number.

    Returns:
        The number; a ``Decimal`` where it came as text.

    Raises:
        EntityError: It is no finite number (``code``), or not in the range of a double (``number_too_large``).
    """
    if type(value) is float and -MAX_DOUBLE <= value <= MAX_DOUBLE:
        return value  # what CX sends, at once
    if isinstance(value, str):
        text = value.strip() if len(value) <= MAX_TEXT else ""
        if not re.fullmatch(NUMBER, text):
            raise EntityError(code)
        value = Decimal(text)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise EntityError(code)
    if not _is_finite(value):
        raise EntityError(code)
    if not -MAX_DOUBLE <= value <= MAX_DOUBLE:
        raise EntityError("number_too_large")
    return value


def _is_finite(value: float | Decimal) -> bool:
    # math.isfinite overflows on an int beyond the range of a double.
    return value.is_finite() if isinstance(value, Decimal) else isinstance(value, int) or math.isfinite(value)


def integer(value: Any, code: str) -> int:
    """Read a whole number.

    Args:
        value: A number or a number as text; ``9.0`` is 9.
        code: The refusal's code where it is no whole number.

    Returns:
        The number.

    Raises:
        EntityError: It is no whole number (``code``), or beyond ``MAX_INTEGER`` (``number_too_large``).
    """
    if type(value) is float and value.is_integer() and -MAX_INTEGER <= value <= MAX_INTEGER:
        return int(value)  # what CX sends, at once
    number = finite(value, code)
    whole = int(number)
    if whole != number:
        raise EntityError(code)
    if abs(whole) > MAX_INTEGER:
        raise EntityError("number_too_large")
    return whole


def decimal(value: Any, code: str) -> Decimal:
    """Read a number exactly as it is written: the double 9.99 is 9.99.

    Args:
        value: A number or a number as text.
        code: The refusal's code where it is no number.

    Returns:
        The number.

    Raises:
        EntityError: As for `finite`.
    """
    if type(value) is float and _is_whole(value):
        return Decimal(int(value))  # what CX sends, at once
    number = finite(value, code)
    if isinstance(number, float):
        return Decimal(float.__repr__(number))
    return Decimal(number)


def write_decimal(value: Decimal) -> int | float:
    """Write a number.

    Args:
        value: The number, within the range of a double.

    Returns:
        An ``int`` where it is whole, else the nearest ``float``.
    """
    number = float(value)
    return int(number) if _is_whole(number) and value == int(number) else number


def _is_whole(number: float) -> bool:
    return abs(number) <= MAX_INTEGER and number.is_integer()


def read_number(value: Any) -> float:
    """Read ``@sys.number``: a double, as seen in public captures. As text: inferred.

    Args:
        value: A number or a number as text.

    Returns:
        The number.

    Raises:
        EntityError: ``not_a_number`` or ``number_too_large``.
    """
    return float(finite(resolved(value), "not_a_number"))


def read_integer(value: Any) -> int:
    """Read ``@sys.number-integer``, ``@sys.cardinal`` and ``@sys.ordinal``.

    A double, as seen in public captures. That an ordinal is 3 for the third, and numbers as text: inferred.

    Args:
        value: A number or a number as text.

    Returns:
        The number.

    Raises:
        EntityError: ``not_an_integer`` or ``number_too_large``.
    """
    return integer(resolved(value), "not_an_integer")


def read_percentage(value: Any) -> Decimal:
    """Read ``@sys.percentage``: text such as ``10%``, or a number. Not documented: inferred.

    Args:
        value: Text with or without a percent sign, or a number.

    Returns:
        The percentage: 10 for ``10%``.

    Raises:
        EntityError: ``not_a_percentage`` or ``number_too_large``.
    """
    value = resolved(value)
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        value = value.rstrip().removesuffix("%")
    return decimal(value, "not_a_percentage")


def write_percentage(value: Decimal) -> str:
    """Write a percentage.

    Args:
        value: 10 for ``10%``.

    Returns:
        The text, such as ``10%`` or ``2.5%``.
    """
    return f"{write_decimal(value)}%"


class _Integer(Entity[int]):
    """Whole numbers, which come as doubles."""

    @override
    def validate(self, value: Any) -> int:
        """See `Entity.validate`."""
        if type(value) is float and LEAST_WHOLE <= value <= MOST_WHOLE and value.is_integer():
            return int(value)  # what CX sends, at once
        return super().validate(value)


_AS_TEXT: Final = {"type": "string", "pattern": rf"^\s*{NUMBER}\s*$"}
AMOUNT: Final = Entity(
    read=lambda value: decimal(value, "not_a_number"),
    write=write_decimal,
    accepted=any_of({"type": "number"}, _AS_TEXT),
    written={"type": "number"},
)
"""The amount of a record; it comes in no pair."""
FLOAT: Final = Entity(
    read=read_number, write=same, accepted=any_of({"type": "number"}, _AS_TEXT), written={"type": "number"}
)
INTEGER: Final = _Integer(
    read=read_integer, write=same, accepted=any_of({"type": "integer"}, _AS_TEXT), written={"type": "integer"}
)
_PERCENTAGE_TEXT: Final = {"type": "string", "pattern": rf"^\s*{NUMBER}\s*%?\s*$"}
PERCENTAGE: Final = Entity(
    read=read_percentage,
    write=write_percentage,
    accepted=any_of(_PERCENTAGE_TEXT, {"type": "number"}),
    written=_PERCENTAGE_TEXT,
)
