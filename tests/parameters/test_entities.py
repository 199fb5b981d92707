"""Both libraries read every shape of every entity to one value, refuse with one code, and write CX's shape."""

import functools
import re
import time as clock
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from typing import Any, Final, get_args

import marshmallow
import pytest
from marshmallow.fields import Field
from pydantic import TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from cxfulfill.parameters import entities, fields
from cxfulfill.parameters.entities import EntityError
from cxfulfill.parameters.refusals import MESSAGES
from tests.parameters.entity_table import DAY, READ
from tests.parameters.refusal_table import LONG, REFUSED

NAMES: Final = [name for name in entities.__all__ if name.startswith("Sys")]
every_entity = pytest.mark.parametrize("name", NAMES)


@functools.cache
def adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(entities, name))


def field(name: str, **options: Any) -> Field[Any]:
    made: Field[Any] = getattr(fields, name)(**options)
    return made


def refusals(name: str, given: Any) -> Iterator[tuple[str, str]]:
    """Give each library's code and message."""
    with pytest.raises(ValidationError) as raised:
        adapter(name).validate_python(given)
    [error] = raised.value.errors()
    yield error["type"], error["msg"]
    with pytest.raises(marshmallow.ValidationError) as refused:
        field(name).deserialize(given)
    [message] = refused.value.messages
    yield next(code for code, text in MESSAGES.items() if text == message), message


def accepts(name: str, given: Any) -> bool:
    with suppress(ValidationError):
        adapter(name).validate_python(given)
        return True
    return False


def same(one: Any, other: Any) -> bool:
    return bool(one == other) and type(one) is type(other)


def ids(row: Any) -> str:
    return re.sub(r"\W+", "-", str(row)[:60])


def test_the_table_has_every_entity() -> None:
    assert {row[0] for row in READ} == set(NAMES)
    assert {row[0] for row in REFUSED} == set(NAMES) - {"SysAny"}
    assert {row[2] for row in REFUSED} == MESSAGES.keys()


def test_both_libraries_have_the_same_entities() -> None:
    kinds = {
        name for name, kind in vars(fields).items() if isinstance(kind, type) and kind.__module__ == fields.__name__
    }
    assert kinds == {*NAMES, "Composite", "EntityField"}


@pytest.mark.parametrize(("name", "given", "value", "written"), READ, ids=ids)
def test_read_and_write(name: str, given: Any, value: Any, written: Any) -> None:
    pydantic, marshmallowed = adapter(name), field(name)
    pairs = [{"original": "said", "resolved": given}, {"originalValue": "said", "resolvedValue": given}]
    for shape in (given, *pairs, value, written):
        expected = written if name == "SysAny" and shape is written else value
        assert same(pydantic.validate_python(shape), expected)
        assert same(marshmallowed.deserialize(shape), expected)
    assert same(pydantic.dump_python(value, mode="json"), written)
    assert same(marshmallowed.serialize("value", {"value": value}), written)


@pytest.mark.parametrize(("name", "given", "code"), REFUSED, ids=ids)
def test_refuse(name: str, given: Any, code: str) -> None:
    for shape in (given, {"original": "said", "resolved": given}):
        for refusal in refusals(name, shape):
            assert refusal == (code, MESSAGES[code])


@every_entity
def test_no_message_holds_a_canary(name: str) -> None:
    canary = "zq7canary"
    keys = "year,month,day,hours,startDate,endDate,startTime,endTime,amount,unit,currency,name,city,utcOffset,timeZone"
    everywhere = dict.fromkeys(keys.split(","), canary)
    for given in (canary, f"5 {canary} 5", [canary], {canary: canary}, everywhere, {"amount": canary}):
        if not accepts(name, given):
            assert not any(canary in message for _, message in refusals(name, given))


def test_codes_and_messages_are_unmistakable() -> None:
    assert len(set(MESSAGES.values())) == len(MESSAGES)
    assert MESSAGES.keys().isdisjoint(get_args(ErrorType))
    assert all(re.fullmatch("[a-z_]+", code) for code in MESSAGES)
    assert all(re.fullmatch(r"Please [^{}]+\.", message) for message in MESSAGES.values())
    assert str(EntityError("not_a_date")) == MESSAGES["not_a_date"]


@every_entity
def test_long_text_takes_no_time(name: str) -> None:
    started = clock.perf_counter()
    for given in (LONG, f"{LONG} km", {"amount": LONG, "unit": "s", "currency": "EUR"}, {"year": LONG, "hours": LONG}):
        accepts(name, given)
    assert clock.perf_counter() - started < 1


@every_entity
def test_null_is_refused_unless_it_is_allowed(name: str) -> None:
    optional: TypeAdapter[Any] = TypeAdapter(getattr(entities, name) | None)
    assert optional.validate_python(None) is None
    assert optional.dump_python(None, mode="json") is None
    assert field(name, allow_none=True).deserialize(None) is None
    assert field(name, allow_none=True).serialize("value", {"value": None}) is None
    with pytest.raises(marshmallow.ValidationError, match="may not be null"):
        field(name).deserialize(None)
    if name != "SysAny":
        with pytest.raises(ValidationError):
            adapter(name).validate_python(None)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether a value fits what of JSON Schema the entities use."""
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    known: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float),
    }  # fmt: skip
    kinds = schema.get("type", list(known))
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind == "integer" and isinstance(value, (int, float)) and float(value).is_integer():
            return True
        if isinstance(value, known.get(kind, ())):
            members = schema.get("properties", {})
            return all(name in value for name in schema.get("required", ())) and (
                re.search(schema.get("pattern", ""), value) is not None
                if isinstance(value, str)
                else all(fits(value[name], members[name]) for name in members if name in value)
                if isinstance(value, dict)
                else True
            )
    return False


@pytest.mark.parametrize(("name", "given", "value", "written"), READ, ids=ids)
def test_json_schemas_say_what_is_read_and_written(name: str, given: Any, value: Any, written: Any) -> None:
    accepted, dumped = adapter(name).json_schema(), adapter(name).json_schema(mode="serialization")
    assert fits(written, accepted)
    assert fits(written, dumped)
    python = isinstance(given, (date, time, Decimal)) or (isinstance(given, list) and DAY in given)
    assert python or fits(given, accepted)


@every_entity
def test_json_schemas_tell_who_takes_objects(name: str) -> None:
    accepted = adapter(name).json_schema()
    kinds = {shape["type"] for shape in accepted.get("anyOf", [accepted])}
    kind = getattr(fields, name)
    assert kind.json_schema == accepted
    has_objects = any(isinstance(row[3], dict) for row in READ if row[0] == name)
    assert ("object" in kinds) == (name == "SysAny" or has_objects)
    accepted.clear()
    assert adapter(name).json_schema() == kind.json_schema, "a schema that is given away is a copy"
