"""What typed parameters cost: the whole call with six of them, against the same call without a type.

The application has the settings that users have, and each call is one of its own, so that none is a replay.
"""

import json
from typing import Any

from marshmallow import Schema
from marshmallow import fields as ma
from pydantic import BaseModel, Field

from benchmarks import in_process, retries
from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.parameters import fields
from cxfulfill.parameters.entities import SysDate, SysNumberInteger, SysPerson, SysUnitCurrency

SENT = {
    "check-in": {"year": 2030.0, "month": 6.0, "day": 14.0},
    "nights": 3.0,
    "guests": 2.0,
    "room-type": "double",
    "budget": {"amount": 400.0, "currency": "EUR"},
    "guest-name": {"name": "Ada", "original": "ada"},
}


class Model(BaseModel):
    check_in: SysDate = Field(alias="check-in")
    nights: SysNumberInteger = Field(ge=1)
    guests: SysNumberInteger
    room_type: str = Field(alias="room-type")
    budget: SysUnitCurrency
    guest_name: SysPerson = Field(alias="guest-name")


class Marshmallow(Schema):
    check_in = fields.SysDate(required=True, data_key="check-in")
    nights = fields.SysNumberInteger(required=True)
    guests = fields.SysNumberInteger(required=True)
    room_type = ma.String(required=True, data_key="room-type")
    budget = fields.SysUnitCurrency(required=True)
    guest_name = fields.SysPerson(required=True, data_key="guest-name")


def application(params: Any) -> Webhook:
    webhook = Webhook(auth=BasicAuth("cx", in_process.PASSWORD))

    def untyped(ctx: Context) -> Reply:
        return Reply(in_process.TEXT, parameters=in_process.CHANGES)

    def typed(ctx: Context, stay: Any) -> Reply:
        return Reply(in_process.TEXT, parameters=in_process.CHANGES)

    webhook.add_handler("book-room", untyped if params is None else typed, params=params)
    return webhook


def measure(rounds: int = 40, calls: int = 200) -> dict[str, list[float]]:
    """Time calls in turns.

    Returns:
        Microseconds a call by candidate.
    """
    request = json.loads(in_process.BODY)
    request["sessionInfo"]["parameters"] = SENT
    body = json.dumps(request).encode()
    candidates = {
        "without a type": application(None).wsgi,
        "pydantic model": application(Model).wsgi,
        "marshmallow schema": application(Marshmallow).wsgi,
    }
    return retries.in_turns(candidates, body, rounds, calls)
