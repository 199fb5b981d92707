"""Descriptions for playbook tools: OpenAPI 3.0, without what tools lack."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel, Field

from cxfulfill import AllOf, AllowUnauthenticated, AnyOf, HeaderSecret, Webhook
from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS, MutualTls
from cxfulfill.openapi import ForTools, describe, for_tools
from tests.cases.client import BASIC
from tests.cases.test_openapi import GuestSchema, Offer, Wanted, answer, answer_with, body, good, operation, whole

HEADER = HeaderSecret("X-Key", "4d1f-a-random-secret-77")
CERTIFICATE = MutualTls(subjects=GOOGLE_CLIENT_SUBJECTS, allow_any_dialogflow_customer=True)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(9, gt=0, lt=10, examples=[9])


class Dog(BaseModel):
    kind: Literal["dog"]
    friends: "list[Cat | Dog]" = []


class Everything(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    maybe: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    pair: tuple[int, str] = (1, "a")
    prices: dict[Literal["a", "b"], Decimal | None] = {}
    codes: dict[Annotated[str, Field(pattern="^[a-z]$")], int] = {}
    day: date | None = None
    raw: bytes = b""
    nothing: None = None
    one: Literal["a", 1] | None = None
    dog: Dog | None = Field(None, description="The other one.")


class Search(BaseModel):
    size: int | None = None
    colors: list[str] = []


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook(auth=BASIC)
    yield webhook
    webhook.close()


def made(webhook: Webhook) -> ForTools:
    """Make both descriptions, and have them validated."""
    document = describe(webhook, server="https://hotel.example")
    validate(json.loads(json.dumps(document)))
    tools = for_tools(document)
    validate(whole(tools.document))
    assert tools.document["openapi"] == "3.0.3"
    assert tools.document["servers"] == document["servers"]
    return tools


@pytest.mark.parametrize("params", [Wanted, GuestSchema, Everything])
def test_bodies_and_answers(webhook: Webhook, params: Any) -> None:
    webhook.add_flexible("/a", answer_with, methods=["POST"], params=params, response=list[Offer])
    tools = made(webhook)
    assert tools.remarks == ()
    text = json.dumps(tools.document)
    assert '"const"' not in text
    assert '"null"' not in text
    assert '"nullable": true' in text
    assert body(tools.document)
    assert good(tools.document) == {"type": "array", "items": {"$ref": "#/components/schemas/Offer"}}


def test_lists_and_objects_outside_of_the_body(webhook: Webhook) -> None:
    webhook.add_flexible("/search", answer_with, methods=["GET"], params=Search)
    webhook.add_flexible("/wanted/<room>", answer_with, methods=["GET"], params=Wanted)
    webhook.add_flexible("/health-of-it", answer, methods=["GET"])
    tools = made(webhook)
    assert {path: list(item) for path, item in tools.document["paths"].items()} == {
        "/search": ["get"], "/health-of-it": ["get"],
    }  # fmt: skip
    [size] = tools.document["paths"]["/search"]["get"]["parameters"]
    assert (size["name"], size["schema"]["type"]) == ("size", "integer")
    assert tools.remarks == (
        "The parameter colors of GET /search is left out: it takes a list or an object.",
        "GET /wanted/{room} is left out: it needs day, a list or an object, which a tool sends in a body only.",
    )


def test_head(webhook: Webhook) -> None:
    webhook.add_flexible("/a", answer, methods=["HEAD"])
    assert made(webhook).document["paths"] == {}


def test_an_answer_without_a_body(webhook: Webhook) -> None:
    webhook.add_flexible("/a", answer)
    document = describe(webhook)
    operation(document)["responses"]["204"] = {"description": "Nothing"}
    assert operation(for_tools(document).document)["responses"]["204"] == {"description": "Nothing"}


@pytest.mark.parametrize(
    ("auth", "security", "is_told"),
    [
        (HEADER, [{"Header-x-key": []}], False),
        (AllowUnauthenticated(), [{}], False),
        (CERTIFICATE, None, True),
        (AllOf(CERTIFICATE, HEADER), [{"Header-x-key": []}], True),
        (AnyOf(CERTIFICATE, HEADER), [{"Header-x-key": []}], True),
    ],
)
def test_client_certificates(webhook: Webhook, auth: Any, security: list[Any] | None, is_told: bool) -> None:
    webhook.add_flexible("/a", answer, auth=auth)
    tools = made(webhook)
    assert operation(tools.document).get("security") == security
    assert "MutualTls" not in tools.document["components"]["securitySchemes"]
    told = ("Client certificates are left out, which OpenAPI 3.0 does not know.",)
    assert tools.remarks == (told if is_told else ())
