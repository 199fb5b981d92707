"""Harbour Hotel's webhook: one handler for each thing that an answer can do, and two flexible webhooks.

Run it with ``make run``, or ``flask --app example_app.main run``; who may call is read from the environment
variables HOTEL_USERNAME and HOTEL_PASSWORD.
"""

import os
from dataclasses import dataclass
from typing import Any, Literal

from marshmallow import Schema, validate
from marshmallow import fields as ma
from pydantic import BaseModel, Field

from cxfulfill import (
    BasicAuth,
    ConfigurationError,
    Context,
    FlexibleContext,
    LiveAgentHandoff,
    OutputAudioText,
    Reply,
    Webhook,
)
from cxfulfill import TelephonyTransferCall as Transfer
from cxfulfill.parameters import fields
from cxfulfill.parameters.entities import Money, SysDate, SysNumberInteger, SysPerson, SysUnitCurrency
from cxfulfill.protocol.messenger import Chips, Image, Info, RichContent
from cxfulfill.server.flask import create_app
from example_app import hotel


def credentials() -> BasicAuth:
    """Read who may call from the environment: the user name and password of the webhook's settings in CX."""
    try:
        return BasicAuth(os.environ["HOTEL_USERNAME"], os.environ["HOTEL_PASSWORD"])
    except KeyError as error:
        raise ConfigurationError(f"set {error.args[0]}, as in the Authentication section of the CX webhook") from None


webhook = Webhook(auth=credentials())

CONFIRM_PAGE = "12f7d9c5-86ab-4e04-b3c8-5d60e1a9f27e"
"""Id of the page "Confirm booking"; CX takes ids, not display names."""


class Stay(BaseModel):
    """The session parameters of a booking: ``@sys.date``, ``@sys.number-integer``, ``@sys.person``."""

    check_in: SysDate = Field(alias="check-in")
    nights: SysNumberInteger = Field(ge=1)
    guests: SysNumberInteger = Field(ge=1, le=4)
    room_type: str = Field(alias="room-type")
    guest_name: SysPerson = Field(alias="guest-name")


@webhook.handler("welcome")
def welcome(ctx: Context) -> Reply:
    """Text variants, of which CX picks one, and rich content for the chat widget."""
    rooms = RichContent(
        [
            Info("Double room", "Harbour view, 129 euros a night", anchor="https://hotel.example/rooms/double"),
            Image("https://hotel.example/rooms/double.jpg", "A room with a view of the harbour"),
            Chips("Book a room", "My booking"),
        ]
    )
    return Reply(["Welcome to Harbour Hotel!", "Good to see you at Harbour Hotel!"], rooms)


@webhook.handler("phone-greeting")
def phone_greeting(ctx: Context) -> Reply:
    """Speech with markup; the caller's number is kept for later turns."""
    speech = OutputAudioText.ssml(
        '<speak>Harbour Hotel, good day. You call from <say-as interpret-as="telephone">{number}</say-as>. '
        "How can I help?</speak>",
        number=ctx.caller_id or "a hidden number",
    )
    return Reply(speech, parameters={"caller": ctx.caller_id})


@webhook.handler("room-info")
def room_info(ctx: Context) -> str:
    """A plain text; the question came by voice or by keyboard."""
    room_type = ctx.parameters.get("room-type")
    if room_type not in hotel.RATES:
        return "We have single rooms, double rooms and suites."
    return f"A {room_type} room is {hotel.RATES[room_type]} euros a night."


@webhook.handler("keypad-menu")
def keypad_menu(ctx: Context) -> Reply:
    """The keys of a phone: one of them transfers the call."""
    if ctx.digits == "2":
        return Reply("I put you through to the front desk.", Transfer(hotel.FRONT_DESK))
    return Reply("For the front desk, press 2.")


@dataclass(frozen=True)
class Length:
    """How long a guest wants to stay: CX sends 45.0, the handler gets 45."""

    nights: int


@webhook.handler("check-nights", page="Collect booking")
def check_nights(ctx: Context, wanted: Length) -> Reply:
    """A form parameter is refused, so that the agent asks again; or the conversation goes on to the next page."""
    if wanted.nights > hotel.MAX_NIGHTS:
        return Reply.invalidate("nights", prompt=f"We can offer {hotel.MAX_NIGHTS} nights. How many shall it be?")
    return Reply(target_page=ctx.page.sibling(CONFIRM_PAGE))


@webhook.handler("book-room")
def book_room(ctx: Context, stay: Stay) -> Reply:
    """Typed parameters in, session parameters out; the offer is used up, so it is deleted."""
    guest = stay.guest_name.name
    booking = hotel.book(guest=guest, arrival=stay.check_in, nights=stay.nights, room_type=stay.room_type)
    return Reply(
        f"Booked, {guest}! Your reference is {booking.reference}; the stay is {booking.total} euros.",
        parameters={"reference": booking.reference, "total": booking.total, "offer": None},
    )


class Transfers(Schema):
    """The session parameters of a transfer: ``@sys.date-time``, ``@sys.phone-number``, ``@sys.number-integer``."""

    pickup = fields.SysDateTime(required=True)
    phone = fields.SysPhoneNumber(required=True, data_key="phone-number")
    passengers = fields.SysNumberInteger(
        load_default=1, validate=validate.Range(1, 8, error="Our cars take eight passengers. How many are you?")
    )


@webhook.handler("airport-transfer", params=Transfers, on_invalid="reprompt")
def airport_transfer(ctx: Context, transfer: dict[str, Any]) -> str:
    """The same by marshmallow; what does not fit is asked for again, with the schema's words."""
    return (
        f"A car for {transfer['passengers']} comes on {transfer['pickup']:%d %B at %H:%M}. We call {transfer['phone']}."
    )


@webhook.on_error(hotel.SoldOut)
def sold_out(ctx: Context, error: hotel.SoldOut) -> str:
    """An exception of the business becomes an answer."""
    return "I am sorry, that room is sold out. May I offer you another one?"


@webhook.handler("booking-status")
async def booking_status(ctx: Context) -> str:
    """An asynchronous look-up."""
    return f"Your booking is {await hotel.status(str(ctx.parameters.get('reference', '')))}."


@webhook.handler("loyalty-reminder", event="loyalty-reminder")
def loyalty_reminder(ctx: Context) -> Reply:
    """An event that the hotel's own system triggered; its caller gets the points back as a payload."""
    points = ctx.parameters.get("points", 0)
    return Reply(f"You have {points:.0f} points. Would you like to use them?", payload={"points": points})


@webhook.handler("human")
def human(ctx: Context) -> Reply:
    """Hand over to a person; what is known goes along."""
    return Reply(
        "One moment, a colleague takes over.", LiveAgentHandoff({"queue": "front-desk", "session": ctx.session_id})
    )


@webhook.handler("forget-me")
def forget_me(ctx: Context) -> Reply:
    """Every session parameter is deleted."""
    return Reply("Done. I have forgotten what you told me.", parameters=dict.fromkeys(ctx.parameters))


class BookingState(BaseModel):
    """What becomes of a booking."""

    reference: str
    status: Literal["confirmed", "unknown"]


@webhook.flexible(
    "/bookings/<reference>",
    methods=["GET"],
    response=BookingState,
    mapping={"booking-status": "$.status"},
)
async def booking_state(ctx: FlexibleContext) -> dict[str, str]:
    """A flexible webhook: ``GET .../bookings/$session.params.reference``."""
    reference = ctx.path["reference"]
    return {"reference": reference, "status": await hotel.status(reference)}


class Wanted(BaseModel):
    """The body of a request for quotes."""

    nights: SysNumberInteger = Field(ge=1, le=hotel.MAX_NIGHTS)
    room_types: list[str] = Field(["single", "double", "suite"], alias="room-types")
    budget: SysUnitCurrency | None = None
    lang: str = "en"


class Offer(Schema):
    """A room and its price."""

    room = ma.String(data_key="room-type")
    price = fields.SysUnitCurrency()


class Offers(Schema):
    """Rooms within the budget, the cheapest first."""

    offers = ma.List(ma.Nested(Offer))
    count = ma.Integer()


@webhook.flexible(
    "/quotes",
    headers={"X-Lang": "lang"},
    response=Offers,
    mapping={"offers": "$.offers", "best-offer": "$.offers[0].price", "best-room": "$.offers[0]['room-type']"},
)
def quotes(ctx: FlexibleContext, wanted: Wanted) -> dict[str, Any]:
    """A flexible webhook with a JSON body: the whole list, an object and a text go into session parameters."""
    rates = sorted((rate * wanted.nights, room) for room, rate in hotel.RATES.items() if room in wanted.room_types)
    most = wanted.budget.amount if wanted.budget else None
    offers = [
        {"room": room, "price": Money(amount=price, currency="EUR")}
        for price, room in rates
        if most is None or price <= most
    ]
    return {"offers": offers, "count": len(offers)}


@webhook.fallback
def not_yet(ctx: Context) -> str:
    """Every other tag."""
    return "I cannot help with that yet."


app = create_app(webhook)
