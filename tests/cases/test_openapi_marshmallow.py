"""What marshmallow's fields write is what the description of an answer says."""

import datetime as dt
import enum
import ipaddress
import json
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from marshmallow import Schema
from marshmallow import fields as ma
from openapi_spec_validator import validate

from cxfulfill import AllowUnauthenticated, Webhook
from cxfulfill.openapi import describe, for_tools
from tests.cases.test_openapi import answer, answer_with, body, good


class Color(enum.Enum):
    RED = 1


class InnerSchema(Schema):
    price = ma.Decimal(as_string=True)


DAY = dt.datetime(2026, 1, 2, 3, 4, 5)
WRITTEN: Mapping[str, tuple[ma.Field[Any], Any]] = {
    "decimal": (ma.Decimal(), Decimal("1.50")),
    "decimal as text": (ma.Decimal(as_string=True, places=2), Decimal(-1)),
    "great decimal as text": (ma.Decimal(as_string=True), Decimal("1E+30")),
    "integer as text": (ma.Integer(as_string=True), -3),
    "float as text": (ma.Float(as_string=True), 1e-7),
    "nothing as text": (ma.Float(as_string=True, allow_none=True), None),
    "list of numbers as text": (ma.List(ma.Integer(as_string=True)), [1]),
    "numbers as text by name": (ma.Dict(keys=ma.String(), values=ma.Decimal(as_string=True)), {"a": Decimal(1)}),
    "nested": (ma.Nested(InnerSchema), {"price": Decimal(2)}),
    "many": (ma.Nested(InnerSchema, many=True), [{"price": Decimal(2)}]),
    "pluck": (ma.Pluck(InnerSchema, "price"), {"price": Decimal(2)}),
    "day and time": (ma.DateTime(), DAY),
    "timestamp": (ma.DateTime(format="timestamp"), DAY),
    "day and time of RFC 822": (ma.DateTime(format="rfc"), DAY),
    "day and time in a format": (ma.DateTime(format="%d.%m.%Y"), DAY),
    "day in a format": (ma.Date(format="%d.%m.%Y"), DAY.date()),
    "time": (ma.Time(), DAY.time()),
    "span": (ma.TimeDelta(), dt.timedelta(seconds=90)),
    "name of a member": (ma.Enum(Color), Color.RED),
    "value of a member": (ma.Enum(Color, by_value=True), Color.RED),
    "uuid": (ma.UUID(), uuid.UUID(int=7)),
    "address": (ma.IPv6(), ipaddress.IPv6Address("::1")),
    "tuple": (ma.Tuple((ma.Integer(), ma.String())), (1, "a")),
    "constant": (ma.Constant(5), None),
    "anything": (ma.Raw(), {"x": [1]}),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_an_answer_is_as_it_is_described(name: str) -> None:
    field, value = WRITTEN[name]
    schema = type("AnswerSchema", (Schema,), {"it": field})
    webhook = Webhook(auth=AllowUnauthenticated())
    webhook.add_flexible("/a", answer, methods=["POST"], response=schema)
    document = describe(webhook)
    webhook.close()

    validate(json.loads(json.dumps(document)))
    validate(json.loads(json.dumps(for_tools(document).document)))
    written = json.loads(json.dumps(schema().dump({"it": value}), default=float))
    Draft202012Validator({**good(document), "components": document["components"]}).validate(written)


def test_a_number_as_text_is_read_from_what_is_described() -> None:
    class WantedSchema(Schema):
        whole = ma.Integer(as_string=True)
        price = ma.Decimal(as_string=True, allow_none=True)

    webhook = Webhook(auth=AllowUnauthenticated())
    webhook.add_flexible("/a", answer_with, methods=["POST"], params=WantedSchema)
    taken = body(describe(webhook))["properties"]
    webhook.close()

    assert taken == {
        "whole": {"type": "string", "pattern": "^-?[0-9]+$"},
        "price": {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"},
    }
    assert WantedSchema().load({"whole": "-3", "price": "1.5E+2"}) == {"whole": -3, "price": Decimal(150)}
