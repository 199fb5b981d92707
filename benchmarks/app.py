"""The application that the servers of the benchmarks serve, in a module that imports no more than a user's own would.

``app`` is the plain WSGI application, ``flask_app`` Flask's, ``asgi`` the ASGI application. The environment says who
may call: ``BENCHMARK_AUTH`` is ``basic`` or ``id-token``, and the folder ``BENCHMARK_CREDENTIALS`` tells of the keys.
It has one plain handler, as the others have; with ``BENCHMARK_HANDLERS=async`` it is ``async``, and with ``all`` there
are slow and ``async`` ones besides. Both bring an event loop.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from cxfulfill import Authenticator, BasicAuth, Context, Reply, Webhook
from cxfulfill.parameters.entities import SysDate, SysNumberInteger, SysPerson, SysUnitCurrency

AUTH, CREDENTIALS, WHICH = "BENCHMARK_AUTH", "BENCHMARK_CREDENTIALS", "BENCHMARK_HANDLERS"
KEYS = "keys.url"
"""The file of the folder that tells where the keys are."""
USER, PASSWORD = "cx", "in-process-benchmark"
AUDIENCE, PROJECT = "https://hotel.example/webhook", 123456
TEXT = "Booked, your reference is HH-20417."
CHANGES = {"reference": "HH-20417", "offer": None}
SLOW = 0.05
"""Seconds that a slow handler waits."""


class Booking(BaseModel):
    """The six session parameters."""

    check_in: SysDate = Field(alias="check-in")
    nights: SysNumberInteger = Field(ge=1)
    guests: SysNumberInteger
    room_type: str = Field(alias="room-type")
    budget: SysUnitCurrency
    guest_name: SysPerson = Field(alias="guest-name")


def plain(ctx: Context, booking: Booking) -> Reply:
    return Reply(TEXT, parameters=CHANGES)


async def asynchronous(ctx: Context, booking: Booking) -> Reply:
    return Reply(TEXT, parameters=CHANGES)


def slow(ctx: Context, booking: Booking) -> Reply:
    time.sleep(SLOW)
    return Reply(TEXT, parameters=CHANGES)


async def slow_asynchronous(ctx: Context, booking: Booking) -> Reply:
    import asyncio  # the largest import of all, and nobody else's here

    await asyncio.sleep(SLOW)
    return Reply(TEXT, parameters=CHANGES)


HANDLERS: dict[str, Callable[[Context, Booking], Any]] = {
    "book-room": plain, "book-room-async": asynchronous, "slow": slow, "slow-async": slow_asynchronous,
}  # fmt: skip


def _authenticator() -> Authenticator:
    if os.environ.get(AUTH, "basic") == "basic":
        return BasicAuth(USER, PASSWORD)
    from cxfulfill import GoogleIdToken  # a user of Basic would not import it

    keys = Path(os.environ[CREDENTIALS], KEYS).read_text(encoding="utf-8")
    return GoogleIdToken(audience=AUDIENCE, project_number=PROJECT, keys=keys)


webhook = Webhook(auth=_authenticator())
_which = os.environ.get(WHICH)
for tag in HANDLERS if _which == "all" else ("book-room",):
    webhook.add_handler(tag, asynchronous if _which == "async" else HANDLERS[tag])
app = webhook.wsgi


def __getattr__(name: str) -> Any:
    if name == "asgi":
        return webhook.asgi  # only those who serve it pay for an event loop, or for Flask
    if name != "flask_app":
        raise AttributeError(name)
    from cxfulfill.server.flask import create_app

    return create_app(webhook)
