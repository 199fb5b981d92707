"""What typed parameters cost: the whole call with six of them, against the same call without a type.

The application has the settings that users have, and each call is one of its own, so that none is a replay.
"""

from typing import Any

from marshmallow import Schema
from marshmallow import fields as ma

from benchmarks import in_process, retries, workload
from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.parameters import fields


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
    candidates = {
        "without a type": application(None).wsgi,
        "pydantic model": application(workload.Booking).wsgi,
        "marshmallow schema": application(Marshmallow).wsgi,
    }
    return retries.in_turns(candidates, workload.medium(), rounds, calls)
