"""A tag as an OpenAPI operation."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from marshmallow import Schema
from marshmallow import fields as ma
from openapi_spec_validator import validate
from pydantic import BaseModel, ConfigDict, Field

from cxfulfill import ByEnvironment, ConfigurationError, Webhook
from cxfulfill.openapi import describe, for_tools
from tests.cases.client import BASIC, GOOD
from tests.cases.test_openapi import answer, answer_with, body, good, operation
from tests.pipeline.support import body_of, post

AGENT = "projects/p/locations/global/agents/a"


class Stay(BaseModel):
    nights: int = Field(ge=1)
    room_type: str | None = Field(None, alias="room-type")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    nights: int


@dataclass
class Optional:
    nights: int = 1


class TransferSchema(Schema):
    class Meta:
        unknown = "raise"

    phone = ma.String(required=True, data_key="phone-number")
    passengers = ma.Integer()


@pytest.fixture
def made() -> Iterator[Callable[..., Webhook]]:
    webhooks = []

    def make(**options: Any) -> Webhook:
        webhooks.append(Webhook(**{"auth": BASIC} | options))
        return webhooks[-1]

    yield make
    for webhook in webhooks:
        webhook.close()


Described = Callable[..., dict[str, Any]]


@pytest.fixture
def described(made: Callable[..., Webhook]) -> Described:
    """Describes a webhook with one handler."""

    def one(tag: str = "book-room", params: Any = None) -> dict[str, Any]:
        webhook = made()
        function: Any = answer if params is None else answer_with
        webhook.add_handler(tag, function, params=params)
        document = describe(webhook, tag=tag)
        for each in (document, for_tools(document).document):
            validate(json.loads(json.dumps(each)))
        return document

    return one


def parameters(document: dict[str, Any]) -> Any:
    schema = body(document)["properties"]["sessionInfo"]["properties"]["parameters"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def test_the_operation(described: Described) -> None:
    document = described(params=Stay)
    assert document["info"]["title"] == "book-room"
    assert document["paths"].keys() == {"/webhook"}
    found = operation(document)
    assert found["operationId"] == "book_room"
    assert "summary" not in found
    assert found["security"] == [{"BasicAuth": []}]
    assert {"200", "400", "408", "415", "503"} <= found["responses"].keys()
    assert good(document) == {"$ref": "#/components/schemas/WebhookResponse"}
    assert found["requestBody"]["required"] is True
    request = body(document)
    assert request["required"] == ["fulfillmentInfo", "sessionInfo"]
    tag = {"type": "string", "enum": ["book-room"]}
    assert request["properties"]["fulfillmentInfo"] == {
        "type": "object", "properties": {"tag": tag}, "required": ["tag"],
    }  # fmt: skip
    assert request["properties"]["sessionInfo"]["required"] == ["parameters"]
    assert list(parameters(document)["properties"]) == ["nights", "room-type"]
    assert parameters(document)["required"] == ["nights"]


def test_marshmallow(described: Described) -> None:
    found = parameters(described(params=TransferSchema))
    assert list(found["properties"]) == ["phone-number", "passengers"]
    assert found["required"] == ["phone-number"]
    assert found["additionalProperties"] is False


def test_parameters_that_may_be_left_out(described: Described) -> None:
    for params in (Optional, None, dict):
        document = described(params=params)
        assert body(document)["required"] == ["fulfillmentInfo"]
        assert "required" not in body(document)["properties"]["sessionInfo"]
    assert parameters(document) == {"type": "object"}
    assert operation(described())["summary"] == "Answer a call."
    assert parameters(described(params=Closed))["additionalProperties"] is False


@pytest.mark.parametrize(
    ("tag", "name"), [("a", "a"), ("book room!", "book_room"), ("7-nights", "call_7_nights"), ("日本", "call")]
)
def test_the_name_of_an_operation(described: Described, tag: str, name: str) -> None:
    assert operation(described(tag))["operationId"] == name


def test_names_of_routes_are_told_apart(made: Callable[..., Webhook]) -> None:
    webhook = made()
    for path in ("/a/b", "/a-b", "/a/<b>"):
        webhook.add_flexible(path, answer)
    names = [item["post"]["operationId"] for item in describe(webhook)["paths"].values()]
    assert names == ["post_a_b", "post_a_b2", "post_a_b3"]


def test_the_server(made: Callable[..., Webhook]) -> None:
    webhook = made()
    webhook.add_handler("a", answer)
    assert describe(webhook, tag="a", server="https://hotel.example")["servers"] == [{"url": "https://hotel.example"}]
    assert "servers" not in describe(webhook, tag="a")


def test_the_handler_is_the_one_that_a_call_without_a_page_reaches(made: Callable[..., Webhook]) -> None:
    webhook = made()
    webhook.add_handler("book", answer_with, params=TransferSchema, page="Collect")
    webhook.add_handler("book", answer_with, params=Stay)
    webhook.add_handler("only-here", answer, flow="f")
    webhook.fallback(answer)
    webhook.add_handler("order-*", answer_with, params=Optional)
    assert list(parameters(describe(webhook, tag="book"))["properties"]) == ["nights", "room-type"]
    assert list(parameters(describe(webhook, tag="order-7"))["properties"]) == ["nights"]
    for tag in ("only-here", "unknown"):
        with pytest.raises(
            ConfigurationError, match=rf"no handler but a fallback takes the tag '{tag}' whatever the page"
        ):
            describe(webhook, tag=tag)


@pytest.mark.parametrize(
    "options",
    [
        {"allowed_agents": [AGENT]},
        {"auth": ByEnvironment({"-": BASIC})},
    ],
)  # fmt: skip
def test_applications_that_ask_for_the_session(made: Callable[..., Webhook], options: dict[str, Any]) -> None:
    webhook = made(**options)
    webhook.add_handler("a", answer)
    with pytest.raises(ConfigurationError, match="a tool's call has no session"):
        describe(webhook, tag="a")


def test_a_call_as_described_reaches_the_handler_each_time(made: Callable[..., Webhook]) -> None:
    calls = []
    webhook = made()

    @webhook.handler("book-room")
    def book(ctx: Any, stay: Stay) -> str:
        calls.append(stay.nights)
        return "Booked."

    for _ in range(2):
        assert post(webhook, body_of("book-room", nights=2), headers={"Authorization": GOOD}).status == 200
    assert calls == [2, 2]
