"""The flexible routes of these tests: a schema of either library, each place of a value, each kind of value.

``/distance`` and ``/fruit`` are the examples of Google's page on flexible webhooks.
"""

from typing import Annotated, Any, Literal

from marshmallow import Schema, validate
from marshmallow import fields as ma
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from cxfulfill import BasicAuth, FlexibleContext, HeaderSecret, NotFound, Webhook
from cxfulfill.server.flask import create_app

USERNAME, PASSWORD = "cx", "3f0c-flexible-routes-9d21"
PARTNER_KEY = "partner-key-of-the-server-tests"

webhook = Webhook(auth=BasicAuth(USERNAME, PASSWORD))


class Guests(BaseModel):
    adults: int = Field(ge=1, le=9)
    children: list[int] = []


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    hotel: str = Field(max_length=40)
    floor: int = Field(le=80)
    check_in: str = Field(alias="check-in", pattern=r"^\d{4}-\d{2}-\d{2}$")
    room_types: list[Literal["single", "double"]] = Field(["single"], alias="room-types", max_length=3)
    guests: Guests | None = None
    price: float | None = Field(None, ge=0)
    breakfast: bool = False


class Found(BaseModel):
    hotel: str
    floor: int
    rooms: list[str]
    guests: Guests | None
    total: float | None = Field(serialization_alias="total-price")


@webhook.flexible("/hotels/<hotel>/floors/<int:floor>", methods=["GET"], response=Found, mapping={"room": "$.rooms[0]"})
def search(ctx: FlexibleContext, wanted: Search) -> Found:
    """Look for rooms."""
    found = {"hotel": wanted.hotel, "floor": wanted.floor, "guests": wanted.guests, "total": wanted.price}
    return Found.model_validate(found | {"rooms": wanted.room_types})


class Item(TypedDict):
    sku: Annotated[str, Field(min_length=1, max_length=20)]
    count: Annotated[int, Field(ge=1, le=1000)]


class Order(BaseModel):
    customer: str
    items: list[Item] = Field(max_length=5)
    gift: bool | None = None
    notes: dict[str, str] = {}
    parent: "Order | None" = None


class Ordered(BaseModel):
    number: int
    order: Order


@webhook.flexible("/orders", methods=["POST"], response=Ordered, mapping={"number": "$.number"})
async def place(ctx: FlexibleContext, order: Order) -> Ordered:
    """Place an order."""
    return Ordered(number=len(order.items), order=order)


class AddressSchema(Schema):
    street = ma.String(required=True, validate=validate.Length(min=1, max=60))
    zip_code = ma.String(data_key="zip-code", allow_none=True)


class CustomerSchema(Schema):
    name = ma.String(required=True)
    age = ma.Integer(validate=validate.Range(min=0, max=150))
    tags = ma.List(ma.String(validate=validate.OneOf(["vip", "new"])))
    address = ma.Nested(AddressSchema)
    number = ma.Integer(load_only=True, required=True)
    version = ma.Integer(dump_only=True)


@webhook.flexible(
    "/customers/<int:number>", methods=["PUT"], params=CustomerSchema, response=CustomerSchema,
    mapping={"street": "$.address.street"},
)  # fmt: skip
def replace(ctx: FlexibleContext, customer: dict[str, Any]) -> dict[str, Any]:
    """Replace what is known of a customer."""
    return customer | {"version": 2}


@webhook.flexible("/orders/<uuid:order>", methods=["DELETE"])
def cancel(ctx: FlexibleContext) -> dict[str, bool]:
    """Cancel an order."""
    if ctx.path["order"].int % 2:
        raise NotFound(reason="no_such_order")
    return {"cancelled": True}


class Asked(BaseModel):
    lang: Literal["en", "de"] = "en"
    visits: int
    topic: str = "hours"


@webhook.flexible(
    "/answers", methods=["GET", "OPTIONS", "PATCH"], headers={"X-Lang": "lang", "X-Visits": "visits"},
    auth=HeaderSecret("X-Partner-Key", PARTNER_KEY), response=list[str], mapping={"answer": "$[0]"},
)  # fmt: skip
def answer(ctx: FlexibleContext, asked: Asked) -> list[str]:
    """Answer a partner."""
    return [asked.lang, asked.topic]


DISTANCE = {"routes": [{"legs": [{"distance": {"text": "3,321 km", "value": 3321004}}]}]}


@webhook.flexible("/distance", methods=["GET"], mapping={"distance": "$.routes[0].legs[0].distance.value"})
def distance(ctx: FlexibleContext) -> dict[str, Any]:
    """Tell how far it is."""
    return DISTANCE


class Fruit(BaseModel):
    size: float | list[int] | dict[str, Any] = 1
    fruit: str | list[str] | dict[str, Any]


@webhook.flexible("/fruit", methods=["GET", "POST"], mapping={"fruit-there": "$.fruit", "size-there": "$.size"})
def fruit(ctx: FlexibleContext, wanted: Fruit) -> dict[str, Any]:
    """Give back what came."""
    return wanted.model_dump()


app = create_app(webhook)
