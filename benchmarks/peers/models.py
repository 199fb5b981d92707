"""The parts of a request that a careful view reads, as pydantic models."""

from typing import Any

from pydantic import BaseModel, Field


class Date(BaseModel):
    year: int
    month: int
    day: int


class Money(BaseModel):
    amount: float
    currency: str


class Person(BaseModel):
    name: str
    original: str | None = None


class Parameters(BaseModel):
    check_in: Date = Field(alias="check-in")
    nights: int = Field(ge=1)
    guests: int
    room_type: str = Field(alias="room-type")
    budget: Money
    guest_name: Person = Field(alias="guest-name")


class Session(BaseModel):
    session: str
    parameters: Parameters


class Fulfillment(BaseModel):
    tag: str


class Intent(BaseModel):
    last_matched: str = Field(alias="lastMatchedIntent")
    display_name: str = Field(alias="displayName")
    confidence: float


class Page(BaseModel):
    current: str = Field(alias="currentPage")
    display_name: str = Field("", alias="displayName")


class Call(BaseModel):
    response_id: str = Field(alias="detectIntentResponseId")
    intent: Intent | None = Field(None, alias="intentInfo")
    page: Page = Field(alias="pageInfo")
    session: Session = Field(alias="sessionInfo")
    fulfillment: Fulfillment = Field(alias="fulfillmentInfo")
    messages: list[dict[str, Any]] = []
    text: str | None = None
    language: str = Field(alias="languageCode")


class Text(BaseModel):
    text: list[str]


class Message(BaseModel):
    text: Text


class FulfillmentResponse(BaseModel):
    messages: list[Message]


class SessionChanges(BaseModel):
    parameters: dict[str, Any]


class Answer(BaseModel):
    fulfillmentResponse: FulfillmentResponse  # noqa: N815 - as CX names it
    sessionInfo: SessionChanges  # noqa: N815


def booked() -> Answer:
    text = Text(text=["Booked, your reference is HH-20417."])
    return Answer(
        fulfillmentResponse=FulfillmentResponse(messages=[Message(text=text)]),
        sessionInfo=SessionChanges(parameters={"reference": "HH-20417", "offer": None}),
    )
