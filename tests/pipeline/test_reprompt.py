"""Parameters that do not fit: a 400, the user asked again, or a function of the application's."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any, Literal

import pytest
from marshmallow import Schema, ValidationError, fields, validate, validates, validates_schema
from pydantic import AfterValidator, BaseModel, Field, model_validator

from cxfulfill import ConfigurationError, Context, ParameterError, Reply, Router, Webhook
from tests.pipeline.support import CANARY, Result, app_b, post


def short(nights: int) -> int:
    if nights > 30:
        raise ValueError("We can offer 30 nights at most.")
    return nights


def repeated(name: str) -> str:
    raise ValueError(f"There is no {name}.")


class Stay(BaseModel):
    nights: Annotated[int, AfterValidator(short)]
    guests: int = Field(1, ge=1, le=4)
    room: Literal["single", "double"] = Field("single", alias="room-type")
    name: Annotated[str, AfterValidator(repeated)] | None = None

    @model_validator(mode="after")
    def fits(self) -> "Stay":
        if self.room == "single" and self.guests > 1:
            raise ValueError("A single room is for one.")
        return self


class StaySchema(Schema):
    nights = fields.Integer(required=True)
    guests = fields.Integer(validate=validate.Range(1, 4, error="Four guests at most."))
    room = fields.String(data_key="room-type", validate=validate.OneOf(["single", "double"]))
    name = fields.String()

    @validates("name")
    def known(self, value: str, data_key: str) -> None:
        raise ValidationError(f"There is no {value}.")

    @validates_schema
    def fits(self, data: Any, **_: Any) -> None:
        if data.get("room") == "single" and data.get("guests", 1) > 1:
            raise ValidationError("A single room is for one.")


def handler(ctx: Context, stay: Any) -> str:
    return "Booked."


BOTH = pytest.mark.parametrize("schema", [Stay, StaySchema])


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with closing(Webhook(auth=app_b())) as made:
        yield made


def call(
    webhook: Webhook, parameters: dict[str, Any], form: tuple[str, ...] = ("nights", "guests", "room-type", "name")
) -> Result:
    body = {
        "detectIntentResponseId": "1",
        "fulfillmentInfo": {"tag": "stay"},
        "sessionInfo": {"session": "projects/p/locations/l/agents/a/sessions/s", "parameters": parameters},
        "pageInfo": {"formInfo": {"parameterInfo": [{"displayName": name, "state": "FILLED"} for name in form]}},
    }
    return post(webhook, json.dumps(body).encode())


def asked_again(result: Result) -> tuple[list[str], list[str]]:
    assert result.status == 200, result
    answer = result.json
    names = [each["displayName"] for each in answer["pageInfo"]["formInfo"]["parameterInfo"]]
    assert {each["state"] for each in answer["pageInfo"]["formInfo"]["parameterInfo"]} == {"INVALID"}
    assert answer["sessionInfo"]["parameters"] == dict.fromkeys(names)
    messages = answer.get("fulfillmentResponse", {}).get("messages", [])
    return names, [text for message in messages for text in message["text"]["text"]]


@BOTH
def test_by_default_it_is_a_400_that_names_the_parameters(webhook: Webhook, schema: Any) -> None:
    webhook.add_handler("stay", handler, params=schema)
    result = call(webhook, {"guests": CANARY, "room-type": CANARY})
    assert (result.status, result.reason, CANARY in result.body.decode()) == (400, "invalid_parameters", False)
    for name in ("nights (missing)", "guests (", "room-type ("):
        assert name in result.json["detail"]
    assert call(webhook, {"nights": 3.0}).said == "Booked."


@BOTH
def test_the_user_is_asked_again_for_exactly_the_bad_ones(
    webhook: Webhook, schema: Any, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.add_handler("stay", handler, params=schema, on_invalid="reprompt")
    with caplog.at_level(logging.INFO, "cxfulfill"):
        names, prompts = asked_again(call(webhook, {"nights": 2.0, "guests": 9.0, "room-type": "suite"}))
    assert names == ["guests", "room-type"]
    words = (
        ["Input should be less than or equal to 4", "Input should be 'single' or 'double'"]
        if schema is Stay
        else ["Four guests at most.", "Must be one of: single, double."]
    )
    assert prompts == words
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "status=200 reason=invalid_parameters" in record.getMessage()
    assert call(webhook, {"nights": 2.0}).said == "Booked."


def test_a_validator_s_own_words_are_the_prompt(webhook: Webhook) -> None:
    webhook.add_handler("stay", handler, params=Stay, on_invalid="reprompt")
    assert asked_again(call(webhook, {"nights": 31})) == (["nights"], ["We can offer 30 nights at most."])


@BOTH
@pytest.mark.parametrize("said", ["Zoe", "zoe", 5, 5.0])
def test_a_message_that_repeats_what_the_user_said_is_not_said(webhook: Webhook, schema: Any, said: Any) -> None:
    webhook.add_handler("stay", handler, params=schema, on_invalid="reprompt")
    names, prompts = asked_again(call(webhook, {"nights": 1, "name": said}))
    assert names == ["name"]
    assert not any(str(said) in prompt for prompt in prompts)
    assert bool(prompts) == (said in (5, 5.0))  # the library's own: no text


@BOTH
@pytest.mark.parametrize(
    ("parameters", "form"),
    [
        ({"nights": 1, "guests": 9}, ("nights",)),
        ({"guests": 9}, ("guests",)),
        ({"nights": 1, "guests": 9}, ()),
        ({"nights": 1, "guests": 2}, ("nights", "guests")),
    ],
)
def test_what_asking_again_cannot_mend_is_a_400(
    webhook: Webhook, schema: Any, parameters: dict[str, Any], form: tuple[str, ...]
) -> None:
    webhook.add_handler("stay", handler, params=schema, on_invalid="reprompt")
    assert call(webhook, {"room-type": "single", **parameters}, form).reason == "invalid_parameters"


def test_error_handlers_take_over(webhook: Webhook) -> None:
    router = Router()

    @router.on_error(ParameterError)
    def misfit(ctx: Context, error: ParameterError) -> Reply:
        return Reply(*error.messages.values(), parameters=dict.fromkeys(name for name, _ in error.problems))

    router.add_handler("stay", handler, params=Stay)
    webhook.include(router)
    result = call(webhook, {"nights": 31})
    assert result.said == "We can offer 30 nights at most."
    assert result.json["sessionInfo"]["parameters"] == {"nights": None}


def test_a_reprompt_comes_before_error_handlers_and_is_not_kept(webhook: Webhook) -> None:
    webhook.on_error(ParameterError)(lambda ctx, error: "of the application")
    webhook.add_handler("stay", handler, params=Stay, on_invalid="reprompt")
    for _ in range(2):
        assert asked_again(call(webhook, {"nights": 31}))[0] == ["nights"]
    assert call(webhook, {"nights": 31}, ()).said == "of the application"


def test_on_invalid_needs_something_that_can_be_invalid() -> None:
    with pytest.raises(ConfigurationError, match="on_invalid= needs a handler"):
        Router().add_handler("stay", lambda ctx: None, on_invalid="reprompt")
    with pytest.raises(ConfigurationError, match='on_invalid is "reprompt" or None'):
        Router().add_handler("stay", handler, on_invalid="ask")  # type: ignore[arg-type]
