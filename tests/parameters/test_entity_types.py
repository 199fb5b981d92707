"""The entities as parts of models, schemas and answers: composites, lists, records, phone numbers of a region."""

import copy
import math
import pickle
import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, assert_type

import marshmallow
import pytest
from marshmallow.fields import List
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from cxfulfill import ConfigurationError, Reply, TelephonyTransferCall
from cxfulfill.parameters import entities, fields
from cxfulfill.parameters.entities import (
    Composite,
    DatePeriod,
    Location,
    Money,
    Person,
    PhoneNumber,
    Quantity,
    SysAny,
    SysDate,
    SysDatePeriod,
    SysDateTime,
    SysGivenName,
    SysNumberInteger,
    SysPercentage,
    SysPhoneNumber,
    SysUnitCurrency,
    TimePeriod,
    to_cx,
)
from cxfulfill.parameters.entity import Record
from cxfulfill.parameters.refusals import MESSAGES
from cxfulfill.protocol.values import to_json_value
from tests.parameters.entity_table import (
    DAY,
    DAY_PARTS,
    DAY_WRITTEN,
    EUROS,
    EUROS_WRITTEN,
    NEXT_DAY_PARTS,
    NOON,
    NOON_WRITTEN,
    READ,
    STAY,
    STAY_WRITTEN,
)
from tests.parameters.refusal_table import LONG


class Room(BaseModel):
    """A composite entity."""

    arrival: SysDate
    price: SysUnitCurrency | None = None


class Booking(BaseModel):
    """Parameters of a handler."""

    room: Composite[Room]
    days: list[SysDate] = []
    stay: SysDatePeriod | None = None
    note: SysAny = None


class RoomSchema(marshmallow.Schema):
    """A composite entity."""

    arrival = fields.SysDate(required=True)
    price = fields.SysUnitCurrency(allow_none=True)


class BookingSchema(marshmallow.Schema):
    """Parameters of a handler."""

    room = fields.Composite(RoomSchema, required=True)
    days = List(fields.SysDate())
    stay = fields.SysDatePeriod()
    note = fields.SysAny(allow_none=True)


ROOM: Final = {"arrival": DAY_PARTS, "price": {"amount": 50.0, "currency": "EUR"}, "floor": 2.0}


@pytest.mark.parametrize("room", [ROOM, {"original": "a room", "resolved": ROOM}])
def test_composites_and_lists(room: Any) -> None:
    sent = {"room": room, "days": [DAY_PARTS, {"original": "the 15th", "resolved": NEXT_DAY_PARTS}], "note": "quiet"}
    booking = Booking.model_validate(sent)
    assert_type(booking.room.arrival, date)
    assert_type(booking.days, list[date])
    assert booking.room == Room(arrival=DAY, price=EUROS)
    assert booking.days == [DAY, date(2026, 3, 15)]
    loaded = BookingSchema().load(sent)
    assert loaded == {"room": {"arrival": DAY, "price": EUROS}, "days": booking.days, "note": "quiet"}
    written = {"arrival": DAY_WRITTEN, "price": EUROS_WRITTEN}
    assert booking.model_dump(mode="json", exclude_unset=True)["room"] == written
    assert BookingSchema().dump(loaded)["room"] == written


def test_a_list_in_a_pair() -> None:
    days: TypeAdapter[list[date]] = TypeAdapter(Composite[list[SysDate]])
    assert days.validate_python({"originalValue": "the 14th", "resolvedValue": [DAY_PARTS]}) == [DAY]


def test_places_of_refusals() -> None:
    sent = {"room": {"arrival": "soon"}, "days": [DAY_PARTS, {"month": 3.0}], "stay": 1.0}
    with pytest.raises(ValidationError) as raised:
        Booking.model_validate(sent)
    found = {(*error["loc"], error["type"]) for error in raised.value.errors()}
    assert found == {
        ("room", "arrival", "not_a_date"), ("days", 1, "date_incomplete"), ("stay", "not_a_date_period"),
    }  # fmt: skip
    with pytest.raises(marshmallow.ValidationError) as refused:
        BookingSchema().load(sent)
    assert refused.value.messages == {
        "room": {"arrival": [MESSAGES["not_a_date"]]},
        "days": {1: [MESSAGES["date_incomplete"]]},
        "stay": [MESSAGES["not_a_date_period"]],
    }


def test_composite_fields() -> None:
    assert TypeAdapter(Composite[Room]).json_schema()["type"] == "object"
    with pytest.raises(marshmallow.ValidationError, match="Unknown field"):
        fields.Composite(RoomSchema, unknown=marshmallow.RAISE).deserialize(ROOM)


def test_fields_can_be_subclassed() -> None:
    class Birthday(fields.SysDate):
        pass

    assert Birthday().deserialize(DAY_PARTS) == DAY
    assert Birthday.json_schema == fields.SysDate.json_schema


def test_messages_can_be_replaced() -> None:
    with pytest.raises(marshmallow.ValidationError, match="Wann"):
        fields.SysDate(error_messages={"not_a_date": "Wann?"}).deserialize("soon")


def test_parts_of_records_are_checked() -> None:
    wrong: list[tuple[type[Record], Any, str]] = [
        (DatePeriod, {"start": date(2026, 3, 15), "end": DAY}, "period_reversed"),
        (DatePeriod, {"start": "soon", "end": DAY}, "not_a_date"),
        (TimePeriod, {"start": "soon", "end": NOON}, "not_a_time"),
        (Money, {"amount": math.inf, "currency": "EUR"}, "not_a_number"),
        (Money, {"amount": 1, "currency": "euros"}, "string_pattern_mismatch"),
        (Quantity, {"amount": 1, "unit": ""}, "string_too_short"),
        (Person, {"name": " "}, "string_pattern_mismatch"),
        (Location, {"city": ""}, "not_a_location"),
    ]
    for kind, members, code in wrong:
        with pytest.raises(ValidationError) as raised:
            kind.model_validate(members)
        assert [error["type"] for error in raised.value.errors()] == [code]


def test_records_are_values() -> None:
    assert {EUROS, Money(amount=Decimal("50.00"), currency="EUR")} == {EUROS}
    assert Money.model_validate({"amount": 50.0, "currency": "EUR"}) == EUROS
    assert DatePeriod.model_validate(STAY_WRITTEN) == STAY
    with pytest.raises(ValidationError, match="frozen"):
        EUROS.amount = Decimal(1)  # type: ignore[misc]


RECORDS: Final = [row[:3] for row in READ if isinstance(row[2], Record)]


def test_every_record_is_read() -> None:
    assert {type(made) for _, _, made in RECORDS} == {DatePeriod, Location, Money, Person, Quantity, TimePeriod}


@pytest.mark.parametrize(("name", "given", "made"), RECORDS)
def test_a_record_that_was_read_is_like_one_that_was_made(name: str, given: Any, made: Record) -> None:
    read = TypeAdapter(getattr(entities, name)).validate_python(given)
    assert read is not made
    deep = (pickle.loads(pickle.dumps(read)), copy.deepcopy(read), read.model_copy(deep=True))
    for each in (read, copy.copy(read), read.model_copy(), *deep):
        assert type(each) is type(made)
        assert each == made
        assert {each: True}[made]
        assert repr(each) == repr(made)
        options: list[dict[str, Any]] = [{}, {"exclude_unset": True}, {"exclude_defaults": True}, {"by_alias": False}]
        for option in options:
            assert repr(each.model_dump(**option)) == repr(made.model_dump(**option))
            assert each.model_dump_json(**option) == made.model_dump_json(**option)
        with pytest.raises(ValidationError, match="frozen"):
            setattr(each, next(iter(type(each).model_fields)), None)


class Constrained(BaseModel):
    """Entities with constraints of their own: in front of them, and around them."""

    count: SysNumberInteger = Field(ge=1, lt=10)
    pairs: Annotated[SysNumberInteger, Field(gt=0, le=8, multiple_of=2)]
    share: SysPercentage = Field(ge=0, le=100)
    name: SysGivenName = Field(min_length=2, max_length=9, pattern="^A")
    nick: Annotated[SysGivenName, Field(min_length=2)]
    phone: SysPhoneNumber = Field(max_length=13)
    price: SysUnitCurrency


def test_json_schemas_tell_constraints() -> None:
    count = {"type": "integer", "minimum": 1, "exclusiveMaximum": 10}
    pairs = {"type": "integer", "exclusiveMinimum": 0, "maximum": 8, "multipleOf": 2}
    name = {"type": "string", "minLength": 2, "maxLength": 9, "pattern": "^A", "title": "Name"}
    nick = {"type": "string", "minLength": 2, "title": "Nick"}
    accepted = Constrained.model_json_schema()["properties"]
    assert count in accepted["count"]["anyOf"]
    assert pairs in accepted["pairs"]["anyOf"]
    assert {"type": "number", "minimum": 0, "maximum": 100} in accepted["share"]["anyOf"]
    assert (accepted["name"], accepted["nick"]) == (name, nick)
    assert "maxLength" not in accepted["phone"], "it counts in E.164, not in what was said"
    written = Constrained.model_json_schema(mode="serialization")
    assert written["properties"]["count"] == count | {"title": "Count"}
    assert written["properties"]["pairs"] == pairs | {"title": "Pairs"}
    assert (written["properties"]["name"], written["properties"]["nick"]) == (name, nick)
    assert "$defs" not in written
    assert fields.SysNumberInteger.json_schema["anyOf"][0] == {"type": "integer"}


def test_a_reply_takes_records_and_models() -> None:
    written = {"price": EUROS_WRITTEN, "stay": STAY_WRITTEN, "where": {"zip-code": "10117"}}
    parameters = {"price": EUROS, "stay": STAY, "where": Location(zip_code="10117")}
    assert Reply(parameters=parameters).parameters is not None
    assert repr(to_json_value(parameters)) == repr(written)
    assert to_json_value(Room(arrival=DAY, price=EUROS)) == {"arrival": DAY_WRITTEN, "price": EUROS_WRITTEN}
    assert to_json_value(to_cx(parameters)) == written


def test_to_cx() -> None:
    marker = object()
    assert to_cx([DAY, (NOON, {"a": timedelta(hours=2)}), datetime(2026, 3, 14, 12, 30)]) == [
        DAY_WRITTEN, [NOON_WRITTEN, {"a": {"amount": 2, "unit": "h"}}], DAY_WRITTEN | NOON_WRITTEN,
    ]  # fmt: skip
    assert to_cx(marker) is marker


@pytest.mark.parametrize(
    "said", ["415 555 0100", "(415) 555-0100", "+1 415 555 0100", "00 1 415 555 0100", "1-415-5550100"]
)
def test_a_region_reads_national_numbers(said: str) -> None:
    american: TypeAdapter[str] = TypeAdapter(Annotated[str, PhoneNumber(region="US")])
    assert american.validate_python({"original": said, "resolved": said}) == "+14155550100"
    assert fields.SysPhoneNumber(region="US").deserialize(said) == "+14155550100"


@pytest.mark.parametrize(
    ("region", "said", "number"),
    [
        ("DE", "030/123456", "+4930123456"),
        ("DE", "(0) 30 1234-56", "+4930123456"),
        ("IT", "06 12345678", "+390612345678"),
        ("NO", "02800", "+4702800"),
        ("US", "011 49 30 123456", "+4930123456"),
    ],
)
def test_a_region_reads_numbers_as_its_people_write_them(region: str, said: str, number: str) -> None:
    assert fields.SysPhoneNumber(region=region).deserialize(said) == number


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("DE", "110"), ("DE", "11880"), ("DE", "116117"), ("DE", "030 123456/78"), ("DE", "030/123456/78"),
        ("US", "555 0100"), ("US", "555-0100;phone-context=+44"), ("US", "My number is 4155550100"),
        ("US", "tel:4155550100"), ("US", "1-800-FLOWERS"), ("US", "++14155550100"), ("US", "٤١٥٥٥٥٠١٠٠"),
        ("US", "415 555 0100\0"), ("GB", "101"),
    ],
)  # fmt: skip
def test_a_region_refuses_what_cannot_be_called_from_abroad(region: str, said: str) -> None:
    with pytest.raises(marshmallow.ValidationError, match="Please give a whole phone number"):
        fields.SysPhoneNumber(region=region).deserialize(said)


@pytest.mark.parametrize("said", ["911", "mine", "", "555 01", "415 555 0100 ext. 5", LONG, 4155550100.0])
def test_a_region_refuses_what_is_no_number(said: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Annotated[str, PhoneNumber(region="US")]).validate_python(said)
    assert raised.value.errors()[0]["type"] == "not_a_phone_number"
    with pytest.raises(marshmallow.ValidationError, match="Please give a whole phone number"):
        fields.SysPhoneNumber(region="US").deserialize(said)


@pytest.mark.parametrize("make", [PhoneNumber, fields.SysPhoneNumber])
def test_a_region_is_checked_where_the_type_is_made(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="ISO 3166"):
        make(region="Narnia")
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'cxfulfill[phone]'")):
        make(region="US")
    assert make()


def test_a_number_that_was_read_can_be_called() -> None:
    for _, _, number, _ in (row for row in READ if row[0] == "SysPhoneNumber"):
        assert TelephonyTransferCall(number)


def test_types_for_the_type_checker() -> None:
    class Typed(BaseModel):
        day: SysDate
        at: SysDateTime
        count: SysNumberInteger
        phone: SysPhoneNumber

    typed = Typed(day=DAY, at=datetime(2026, 3, 14), count=1, phone="+14155550100")
    assert_type(typed.day, date)
    assert_type(typed.at, datetime)
    assert_type(typed.count, int)
    assert_type(typed.phone, str)
    assert_type(fields.SysDate().deserialize("2026-03-14"), date)


def test_neither_marshmallow_nor_phonenumbers_is_imported() -> None:
    program = "import sys, cxfulfill.parameters.entities; print({'marshmallow', 'phonenumbers'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
