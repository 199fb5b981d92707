"""The shapes that are read at once are read, and refused, just as the careful readers do it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from cxfulfill.parameters.amounts import MONEY, Money
from cxfulfill.parameters.entity import Entity, Record
from cxfulfill.parameters.numbers import INTEGER
from cxfulfill.parameters.texts import PERSON, Person
from cxfulfill.parameters.times import DATE


class Text(str):
    """Text that is not quite ``str``."""


class Double(float):
    """A number that is not quite ``float``."""


class Object(dict[str, Any]):
    """An object that is not quite ``dict``."""


ENTITIES: Final[dict[str, Entity[Any]]] = {"date": DATE, "integer": INTEGER, "money": MONEY, "person": PERSON}
PLAIN: Final[dict[str, tuple[Any, Any]]] = {
    "date": ({"year": 2030.0, "month": 6.0, "day": 14.0}, date(2030, 6, 14)),
    "integer": (3.0, 3),
    "money": ({"amount": 400.0, "currency": "EUR"}, Money(amount=Decimal(400), currency="EUR")),
    "person": ({"name": "Ada", "original": "ada"}, Person(name="Ada", original="ada")),
}
NUMBERS: Final[list[Any]] = (
    [
        0.0, -0.0, -1.0, 0.5, 1.5, 2.0, 12.0, 13.0, 14.5, 29.0, 31.0, 32.0, 2030.5, 9999.0, 1e4, 1e9, 1e16, 1e22, 1e300,
        2.0**31, 2.0**53, 2.0**53 + 2, -(2.0**53), -(2.0**53) - 2, 2.0**63, float("inf"), -float("inf"), float("nan"),
        5, 0, -1, 2**53, 2**53 + 1, 10**400, True, False, Decimal(6), Decimal("6.5"), Decimal("NaN"), Decimal("sNaN"),
        Double(6), Double(6.5), Double("inf"), "6", "6.0", "6.5", "06", "400 EUR", "1e3", "",
    ]
)  # fmt: skip
TEXTS: Final[list[Any]] = (
    [
        "EUR", "USD", "eur", "Eur", "EU", "EURO", "XXX", "ABC", "E1R",
        "\u00c4\u00d6\u00dc", "\u017f" * 3, "\u0131EU", "",
        " ", "  ", "\t", "\n", "a\tb", "a\0", "a\x7f", "\u00a0", "a\u00a0", "\u2028", "\u200b", "\ud800", " Ada ",
        Text("EUR"), Text("eur"), Text(""), Text("a\0"), Text("Ada"), b"EUR",
    ]
)  # fmt: skip
OTHERS: Final[list[Any]] = (
    [
        None, [], {}, (), [1.0], ["EUR"], {"name": "Ada"}, object(), date(2030, 6, 14), datetime(2030, 6, 14, 9),
        *(each for row in PLAIN.values() for each in row),
    ]
)  # fmt: skip
ANYTHING: Final = st.sampled_from(NUMBERS + TEXTS + OTHERS) | st.floats() | st.integers() | st.text(max_size=4)
SHAPES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "date": st.dates().map(lambda day: {"year": float(day.year), "month": float(day.month), "day": float(day.day)}),
    "integer": st.integers(-(2**53), 2**53).map(float),
    "money": st.fixed_dictionaries({
        "amount": st.integers(-(2**53), 2**53).map(float) | st.floats(),
        "currency": st.sampled_from(["EUR", "USD", "GBP", "CHF"]) | st.from_regex("[A-Z]{3}", fullmatch=True),
    }),
    "person": st.fixed_dictionaries({"name": st.text(min_size=1), "original": st.text(max_size=4)}),
}  # fmt: skip
OTHER_NAMES: Final = (
    "year", "month", "day", "future", "past", "partial", "hours", "amount", "currency", "unit", "name", "original",
    "resolved", "originalValue", "resolvedValue", "",
)  # fmt: skip
PAIRS: Final = (("original", "resolved"), ("originalValue", "resolvedValue"), ("original", "resolvedValue"))


@st.composite
def near(draw: st.DrawFn, kind: str) -> Any:
    """Give the plain shape, or what has a part or two more, less or other than it, in a pair or not."""
    value = draw(SHAPES[kind])
    if not isinstance(value, dict):
        value = draw(st.just(value) | ANYTHING)
    else:
        parts = dict(value)
        for change in draw(st.lists(st.sampled_from(["other", "other", "less", "more"]), max_size=2)):
            name = draw(st.sampled_from(OTHER_NAMES if change == "more" else tuple(value)))
            if change == "less":
                parts.pop(name, None)
            else:
                parts[name] = draw(ANYTHING)
        value = draw(st.sampled_from([parts] * 5 + [Object(parts), list(parts.items()), MappingProxyType(parts)]))
    pair = draw(st.sampled_from([None] * 5 + [*PAIRS]))
    return value if pair is None else dict(zip(pair, draw(st.permutations([draw(ANYTHING), value])), strict=True))


def outcome(read: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    """Tell what a value becomes, to the last detail, or why it is refused."""
    try:
        made = read(value)
    except PydanticCustomError as refusal:
        return refusal.type, refusal.message_template, refusal.context
    if isinstance(made, Record):
        parts = {name: (type(part), repr(part)) for name, part in vars(made).items()}
        return type(made), parts, list(vars(made)), made.model_fields_set, made.model_extra, made.__pydantic_private__
    return type(made), repr(made)


@pytest.mark.parametrize("kind", ENTITIES)
@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_a_plain_shape_and_all_near_it_are_read_as_by_the_careful_reader(kind: str, data: st.DataObject) -> None:
    entity, value = ENTITIES[kind], data.draw(near(kind))
    assert outcome(entity.validate, value) == outcome(lambda each: Entity.validate(entity, each), value)


def neighbours(plain: Any) -> Iterator[Any]:
    """Give what has just one part other than the plain shape, one less or one more, or is it in a pair."""
    each_part: list[Any] = NUMBERS + TEXTS + OTHERS
    yield from (plain, *each_part, [plain], Text(plain))
    yield from ({first: one, second: plain} for first, second in PAIRS for one in each_part)
    if isinstance(plain, dict):
        yield from (Object(plain), MappingProxyType(plain), list(plain), {**plain, None: 1.0})
        yield from (plain | {first: "it", second: one} for first, second in PAIRS for one in each_part)
        yield from (plain | {name: part} for name in (*plain, *OTHER_NAMES) for part in each_part)
        yield from ({other: plain[other] for other in plain if other != name} for name in plain)
        changed = [(name, other) for name in plain for other in OTHER_NAMES if other not in plain]
        yield from ({other if each == name else each: part for each, part in plain.items()} for name, other in changed)


@pytest.mark.parametrize("kind", ENTITIES)
def test_what_differs_in_one_part_is_read_as_by_the_careful_reader(kind: str) -> None:
    entity = ENTITIES[kind]
    for value in neighbours(PLAIN[kind][0]):
        assert outcome(entity.validate, value) == outcome(lambda each: Entity.validate(entity, each), value)


@pytest.mark.parametrize(
    "parts",
    [
        (2028.0, 2.0, 29.0), (2030.0, 2.0, 29.0), (9999.0, 12.0, 31.0), (10000.0, 1.0, 1.0), (1.0, 1.0, 1.0),
        (0.0, 6.0, 14.0), (2030.0, 0.0, 14.0), (2030.0, 6.0, 0.0), (-1.0, 1.0, 1.0), (1e300, 1.0, 1.0),
        (2.0**31, 1.0, 1.0), (2030.0, 2.0**63, 1.0), (2030.0, 4.0, 31.0), (2030.0, 4.0, -0.0),
    ],
)  # fmt: skip
def test_days_in_and_out_of_the_calendar_are_told_as_by_the_careful_reader(parts: tuple[float, ...]) -> None:
    value = dict(zip(("year", "month", "day"), parts, strict=True))
    assert outcome(DATE.validate, value) == outcome(lambda each: Entity.validate(DATE, each), value)


def test_every_three_letters_are_a_currency_as_to_the_careful_reader() -> None:
    letters = "AERSUYZae\u01311"
    for code in (one + two + three for one in letters for two in letters for three in letters):
        value = {"amount": 1.0, "currency": code}
        assert outcome(MONEY.validate, value) == outcome(lambda each: Entity.validate(MONEY, each), value)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_plain_shape_is_read_without_the_careful_reader(kind: str) -> None:
    def refuse(value: Any) -> Any:
        raise AssertionError("it was asked")

    plain, made = PLAIN[kind]
    read = replace(ENTITIES[kind], read=refuse).validate(plain)
    assert outcome(lambda _: read, None) == outcome(lambda _: made, None)
    with pytest.raises(AssertionError, match="it was asked"):
        replace(ENTITIES[kind], read=refuse).validate([plain])
