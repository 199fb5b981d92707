"""Amounts with something to count: money, lengths, weights, durations."""

import re
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import Field
from typing_extensions import override

from cxfulfill.parameters.entity import TEXT, Entity, Record, any_of, object_of, record_of, resolved, write_record
from cxfulfill.parameters.numbers import (
    AMOUNT,
    LEAST_WHOLE,
    MAX_TEXT,
    MOST_WHOLE,
    NUMBER,
    decimal,
    write_decimal,
)
from cxfulfill.parameters.refusals import EntityError
from cxfulfill.parameters.texts import is_text

_SYMBOLS: Final = "%°$€£¥₹"
_AMOUNT_AND_UNIT: Final = rf"(?s)({NUMBER})\s*(.*)"
_POWER: Final = r"(?<=[^\W\d_])\^?[23²³]\Z"


class Money(Record):
    """An amount of money.

    Attributes:
        amount: How much.
        currency: ISO 4217 code, such as ``EUR``.
    """

    amount: Annotated[Decimal, AMOUNT]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class Quantity(Record):
    """A number of something: a length, weight, area, volume, speed, temperature, age or amount of information.

    Attributes:
        amount: How many.
        unit: Of what, as CX names it, such as ``km``.
    """

    amount: Annotated[Decimal, AMOUNT]
    unit: Annotated[str, Field(min_length=1)]


def read_money(value: Any) -> Money:
    """Read ``@sys.unit-currency``: ``amount`` and ``currency``, by the ES page "System entities" and public captures.

    Text such as ``50 EUR`` is inferred.

    Args:
        value: The object, text, or ``Money``.

    Returns:
        The amount. Its currency is three letters; whether they are a currency's is not looked up.

    Raises:
        EntityError: ``not_money``, ``amount_missing``, ``currency_missing``, ``not_a_currency``, or
            ``number_too_large``.
    """
    value = resolved(value)
    if not isinstance(value, dict) and isinstance(value, Money):
        return value
    amount, currency = _amount_and_unit(value, "currency", "not_money")
    if not currency:
        raise EntityError("currency_missing")
    # Before ``upper``, which makes ASCII of some other letters, and two of one.
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha()):
        raise EntityError("not_a_currency")
    return record_of(Money, {"amount": amount, "currency": currency.upper()})


def read_quantity(value: Any) -> Quantity:
    """Read ``@sys.unit-length`` and its kin: ``amount`` and ``unit``. Not documented: inferred from currencies.

    Text such as ``5 km`` is inferred as well.

    Args:
        value: The object, text, or a ``Quantity``. In text, a unit has no digits but a final 2 or 3 (``m2``, ``m^3``).

    Returns:
        The quantity, its unit as CX sent it.

    Raises:
        EntityError: ``not_a_quantity``, ``amount_missing``, ``unit_missing``, or ``number_too_large``.
    """
    value = resolved(value)
    if not isinstance(value, dict) and isinstance(value, Quantity):
        return value
    amount, unit = _amount_and_unit(value, "unit", "not_a_quantity")
    if not unit:
        raise EntityError("unit_missing")
    return record_of(Quantity, {"amount": amount, "unit": unit})


def _amount_and_unit(value: Any, member: str, code: str) -> tuple[Decimal, str | None]:
    amount, unit = value, None
    if isinstance(value, dict):
        amount, unit = value.get("amount"), value.get(member)
        if amount is None:
            raise EntityError(code if unit is None else "amount_missing")
    elif isinstance(value, str) and len(value) <= MAX_TEXT:
        found = re.fullmatch(_AMOUNT_AND_UNIT, value.strip())
        if found is None or not _is_unit(found[2]):
            raise EntityError(code)
        amount, unit = found.groups()
    if unit is not None and not (isinstance(unit, str) and (unit.isprintable() or is_text(unit))):
        raise EntityError(code)
    return decimal(amount, code), unit


def _is_unit(text: str) -> bool:
    """Tell whether no part of the amount hides in it: "1,5 km", "1 000 km", "5 to 6 km", "5ft2in", "5½ km"."""
    words = re.sub(_POWER, "", text).split()
    if any(each.isalnum() and not each.isalpha() for word in words for each in word):
        return False
    return all(word[0].isalpha() or (word is words[0] and word[0] in _SYMBOLS) for word in words)


_SECOND: Final = 1_000_000
_UNITS: Final = MappingProxyType({
    "ms": 1_000, "millisecond": 1_000, "milliseconds": 1_000,
    "s": _SECOND, "sec": _SECOND, "second": _SECOND, "seconds": _SECOND,
    "min": 60 * _SECOND, "minute": 60 * _SECOND, "minutes": 60 * _SECOND,
    "h": 3_600 * _SECOND, "hr": 3_600 * _SECOND, "hour": 3_600 * _SECOND, "hours": 3_600 * _SECOND,
    "d": 86_400 * _SECOND, "day": 86_400 * _SECOND, "days": 86_400 * _SECOND,
    "wk": 604_800 * _SECOND, "week": 604_800 * _SECOND, "weeks": 604_800 * _SECOND,
})  # fmt: skip
"""Units of a duration, in microseconds."""
_VARIABLE_UNITS: Final = frozenset(
    {"mo", "month", "months", "yr", "year", "years", "quarter", "quarters", "decade", "decades", "century", "centuries"}
)
_WRITTEN_UNITS: Final = ("day", "h", "min")
_COUNT: Final = r"([0-9]+(?:\.[0-9]+)?)"
_ISO_UNITS: Final = ("yr", "mo", "wk", "day", "h", "min", "s")
_ISO_DURATION: Final = (
    rf"(?ia)P(?=[0-9T])(?:{_COUNT}Y)?(?:{_COUNT}M)?(?:{_COUNT}W)?(?:{_COUNT}D)?"
    rf"(?:T(?=[0-9])(?:{_COUNT}H)?(?:{_COUNT}M)?(?:{_COUNT}S)?)?"
)


def read_duration(value: Any) -> timedelta:
    """Read ``@sys.duration``: ``amount`` and ``unit``, as public code for ES reads it.

    Spellings of the units, text such as ``30 min``, and ISO 8601 text such as ``PT30M`` are inferred.

    Args:
        value: The object, text, or a ``timedelta``.

    Returns:
        The duration, to the nearest microsecond.

    Raises:
        EntityError: ``not_a_duration``, ``duration_without_fixed_length`` (months, years), ``duration_too_long``,
            ``amount_missing``, ``unit_missing``, or ``number_too_large``.
    """
    value = resolved(value)
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        counts = re.fullmatch(_ISO_DURATION, value.strip())
        if counts is not None:
            given = zip(counts.groups(), _ISO_UNITS, strict=True)
            return _timedelta(sum((_microseconds(Decimal(count), unit) for count, unit in given if count), Decimal(0)))
    amount, unit = _amount_and_unit(value, "unit", "not_a_duration")
    if not unit:
        raise EntityError("unit_missing")
    return _timedelta(_microseconds(amount, unit.lower()))


def write_duration(value: timedelta) -> dict[str, Any]:
    """Write a duration.

    Args:
        value: The duration.

    Returns:
        ``amount`` and ``unit``: in days, hours or minutes where that is whole, else in seconds.
    """
    for unit in _WRITTEN_UNITS:
        length = timedelta(microseconds=_UNITS[unit])
        if value and not value % length:
            return {"amount": value // length, "unit": unit}
    return {"amount": write_decimal(Decimal(str(value.total_seconds()))), "unit": "s"}


def _microseconds(amount: Decimal, unit: str) -> Decimal:
    if unit in _VARIABLE_UNITS:
        raise EntityError("duration_without_fixed_length")
    if unit not in _UNITS:
        raise EntityError("not_a_duration")
    return amount * _UNITS[unit]


def _timedelta(microseconds: Decimal) -> timedelta:
    try:
        return timedelta(microseconds=int(microseconds.to_integral_value(ROUND_HALF_EVEN)))
    except OverflowError:
        raise EntityError("duration_too_long") from None


_NUMBER_AND_UNIT: Final = {"type": "string", "pattern": rf"^\s*{NUMBER}\s*(?:[^\W\d_]|[{_SYMBOLS}])\D*[23]?\s*$"}


def _described(member: str) -> dict[str, Any]:
    return object_of({"amount": AMOUNT.accepted, member: TEXT}, "amount", member)


def _written(member: str) -> dict[str, Any]:
    return object_of({"amount": AMOUNT.written, member: TEXT}, "amount", member)


class _Money(Entity[Money]):
    """Money, which comes as an object of a double and a code."""

    @override
    def validate(self, value: Any) -> Money:
        """See `Entity.validate`."""
        try:
            if type(value) is dict and len(value) == 2:
                amount, currency = value["amount"], value["currency"]
                is_code = type(currency) is str and len(currency) == 3 and currency.isascii() and currency.isalpha()
                if is_code and type(amount) is float and amount.is_integer() and LEAST_WHOLE <= amount <= MOST_WHOLE:
                    return record_of(Money, {"amount": Decimal(int(amount)), "currency": currency.upper()})
        except KeyError:
            pass
        return super().validate(value)


MONEY: Final = _Money(
    read=read_money,
    write=write_record,
    accepted=any_of(_described("currency"), _NUMBER_AND_UNIT),
    written=_written("currency"),
)
QUANTITY: Final = Entity(
    read=read_quantity,
    write=write_record,
    accepted=any_of(_described("unit"), _NUMBER_AND_UNIT),
    written=_written("unit"),
)
DURATION: Final = Entity(
    read=read_duration, write=write_duration, accepted=any_of(_described("unit"), TEXT), written=_written("unit")
)
