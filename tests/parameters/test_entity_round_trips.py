"""What an entity writes, it reads back; and whatever comes, it is read or refused, by both libraries alike."""

import json
import string
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import marshmallow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from cxfulfill.parameters import entities, fields
from cxfulfill.parameters.entities import DatePeriod, Location, Money, Person, Quantity, TimePeriod, to_cx
from cxfulfill.parameters.refusals import MESSAGES
from cxfulfill.protocol.values import to_json_value
from tests.strategies.json_values import json_values

# CX holds every number as a double.
AMOUNTS: Final = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: Decimal(str(number)))
WORDS: Final = st.text(string.ascii_letters + "äß€ -", min_size=1).filter(str.strip)
TIMES: Final = st.times()
OFFSETS: Final = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
# Beyond 136 years a double no longer tells microseconds apart.
DURATIONS: Final = st.timedeltas(timedelta(days=-365 * 100), timedelta(days=365 * 100))
PARTS: Final = st.dictionaries(st.sampled_from(sorted(Location.model_fields)), WORDS, min_size=1)
QUANTITIES: Final = st.builds(Quantity, amount=AMOUNTS, unit=WORDS)

VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "SysDate": st.dates(),
    "SysTime": TIMES,
    "SysDateTime": st.datetimes() | st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS),
    "SysDatePeriod": st.tuples(st.dates(), st.dates()).map(
        lambda ends: DatePeriod(start=min(ends), end=max(ends))
    ),
    "SysTimePeriod": st.builds(TimePeriod, start=TIMES, end=TIMES),
    "SysDuration": DURATIONS,
    "SysUnitCurrency": st.builds(Money, amount=AMOUNTS, currency=st.from_regex("[A-Z]{3}", fullmatch=True)),
    "SysUnitLength": QUANTITIES,
    "SysNumber": st.floats(allow_nan=False, allow_infinity=False),
    "SysNumberInteger": st.integers(-(2**53), 2**53),
    "SysPercentage": AMOUNTS,
    "SysPerson": st.builds(Person, name=WORDS, original=st.none() | WORDS),
    "SysLocation": PARTS.map(lambda parts: Location(**parts)),
    "SysGeoCity": st.text(string.printable.rstrip("\v\f")),
}  # fmt: skip
ONLY_READ: Final = ("SysPhoneNumber", "SysEmail", "SysUrl", "SysAny")
NAMES: Final = [name for name in entities.__all__ if name.startswith("Sys")]
ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {name: TypeAdapter(getattr(entities, name)) for name in NAMES}
FIELDS: Final = {name: getattr(fields, name)() for name in NAMES}
MEMBERS: Final = (
    "year", "month", "day", "hours", "minutes", "nanos", "future", "past", "partial", "utcOffset", "timeZone", "id",
    "startDate", "endDate", "startDateTime", "endDateTime", "startTime", "endTime", "amount", "unit", "currency",
    "name", "city", "original", "resolved",
)  # fmt: skip
LEAVES: Final = (
    st.none() | st.booleans() | st.floats() | st.integers(-1, 3_000) | st.text(string.printable, max_size=8)
    | st.sampled_from(["day", "mo", "EUR", "5 km", "PT5M", "2026-03-14", "12:30", "Europe/Berlin", "a\0"])
)  # fmt: skip
SHAPES: Final = st.recursive(
    LEAVES, lambda inner: st.dictionaries(st.sampled_from(MEMBERS), inner) | st.lists(inner, max_size=3), max_leaves=12
)


def test_every_entity_of_more_than_text_goes_round() -> None:
    covered = {ADAPTERS[name].core_schema["function"]["function"].__self__ for name in VALUES}
    assert {ADAPTERS[name].core_schema["function"]["function"].__self__ for name in {*NAMES} - {*ONLY_READ}} == covered


@pytest.mark.parametrize("name", VALUES)
@settings(deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[name])
    sent = json.loads(ADAPTERS[name].dump_json(value))
    assert sent == json.loads(json.dumps(FIELDS[name].serialize("value", {"value": value})))
    assert to_json_value(sent) == sent
    read = ADAPTERS[name].validate_python(sent)
    assert read == value
    assert FIELDS[name].deserialize(sent) == value
    if isinstance(value, datetime):
        assert read.utcoffset() == value.utcoffset()
    if not isinstance(value, (Decimal, str, int, float)):
        assert to_cx(value) == sent
    doubles = json.loads(json.dumps(sent), parse_int=float)
    assert ADAPTERS[name].validate_python(doubles) == value


@pytest.mark.parametrize("name", [*VALUES, *ONLY_READ])
@settings(deadline=None, max_examples=40)
@given(value=SHAPES | json_values())
def test_both_libraries_agree(name: str, value: Any) -> None:
    try:
        read = ADAPTERS[name].validate_python(value)
    except ValidationError as error:
        [problem] = error.errors()
        assert problem["msg"] == MESSAGES[problem["type"]]
        if value is not None:
            with pytest.raises(marshmallow.ValidationError) as refused:
                FIELDS[name].deserialize(value)
            assert refused.value.messages == [problem["msg"]]
    else:
        if value is not None:
            assert repr(FIELDS[name].deserialize(value)) == repr(read)
        if name != "SysAny":
            sent = ADAPTERS[name].dump_python(read, mode="json")  # as doubles, which may round
            assert ADAPTERS[name].dump_python(ADAPTERS[name].validate_python(sent), mode="json") == sent


@given(value=TIMES, nanos=st.integers(0, 999))
def test_nanoseconds_are_cut(value: time, nanos: int) -> None:
    sent = to_cx(value)
    sent["nanos"] += nanos
    assert ADAPTERS["SysTime"].validate_python(sent) == value
