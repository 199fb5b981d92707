"""The liberal reader: every real request is read, what is unknown is kept, wrong shapes are named."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from google.cloud import dialogflowcx_v3, dialogflowcx_v3beta1
from google.protobuf.descriptor import Descriptor
from pydantic import ValidationError

from cxfulfill import BadRequest, Context, Deadline, HttpRequest, Principal, WebhookRequest
from cxfulfill.protocol import request as parts
from cxfulfill.protocol.base import Incoming
from cxfulfill.protocol.sent import read_request
from tests.strategies.json_values import REQUESTS

CANARY: Final = "canary-4711"
AGENT: Final = "projects/harbour-hotel/locations/europe-west1/agents/8f2c1d5e-4b7a-4c39-9e60-2d1f7a3b5c84"
ZERO: Final = "00000000-0000-0000-0000-000000000000"

MODELS: Final[dict[str, type[Incoming]]] = {
    "WebhookRequest": WebhookRequest,
    "WebhookRequest.FulfillmentInfo": parts.FulfillmentInfo,
    "WebhookRequest.IntentInfo": parts.IntentInfo,
    "WebhookRequest.IntentInfo.IntentParameterValue": parts.IntentParameterValue,
    "WebhookRequest.SentimentAnalysisResult": parts.SentimentAnalysisResult,
    "LanguageInfo": parts.LanguageInfo,
    "PageInfo": parts.PageInfo,
    "PageInfo.FormInfo": parts.FormInfo,
    "PageInfo.FormInfo.ParameterInfo": parts.ParameterInfo,
    "SessionInfo": parts.SessionInfo,
    "ResponseMessage": parts.QueuedMessage,
}

FULL: Final[dict[str, Any]] = {
    "detectIntentResponseId": "1",
    "intentInfo": {
        "lastMatchedIntent": "i",
        "displayName": "d",
        "parameters": {CANARY: {"originalValue": "o", "resolvedValue": 9.0}},
        "confidence": 0.5,
    },
    "pageInfo": {
        "currentPage": "p",
        "displayName": "d",
        "formInfo": {
            "parameterInfo": [
                {"displayName": "d", "required": True, "state": "FILLED", "value": [1.0], "justCollected": False}
            ]
        },
    },
    "sessionInfo": {"session": "s", "parameters": {CANARY: None, "b": {"c": [1.0, "d"]}}},
    "fulfillmentInfo": {"tag": "t"},
    "messages": [
        {
            "text": {"text": ["a"]},
            "payload": {"a": 1.0},
            "outputAudioText": {"text": "a"},
            "conversationSuccess": {"metadata": {}},
            "liveAgentHandoff": {"metadata": {}},
            "endInteraction": {},
            "playAudio": {"audioUri": "u"},
            "mixedAudio": {"segments": [{"audio": "AA=="}]},
            "telephonyTransferCall": {"phoneNumber": "+14155550100"},
            "knowledgeInfoCard": {},
            "toolCall": {"tool": "t", "action": "a", "inputParameters": {}},
            "channel": "c",
            "responseType": "ENTRY_PROMPT",
        }
    ],
    "payload": {CANARY: {"caller_id": "+1"}},
    "sentimentAnalysisResult": {"score": -0.5, "magnitude": 0.5},
    "text": "a",
    "triggerIntent": "i",
    "transcript": "b",
    "triggerEvent": "e",
    "dtmfDigits": "1",
    "languageCode": "en",
    "languageInfo": {"inputLanguageCode": "en", "resolvedLanguageCode": "en", "confidenceScore": 1.0},
}
"""Every documented member; real requests hold at most one of the query's members, and one kind a message."""

Place = tuple[str | int, ...]
LEVELS: Final[list[Place]] = [
    (),
    ("intentInfo",),
    ("intentInfo", "parameters", CANARY),
    ("pageInfo",),
    ("pageInfo", "formInfo"),
    ("pageInfo", "formInfo", "parameterInfo", 0),
    ("sessionInfo",),
    ("fulfillmentInfo",),
    ("messages", 0),
    ("sentimentAnalysisResult",),
    ("languageInfo",),
]
"""The places of the parts that have documented members."""


def at(value: Any, place: Place) -> Any:
    """What stands at a place of a body, or of the request that was read from it."""
    for part in place:
        if isinstance(value, Incoming):
            value = getattr(value, next(name for name, info in type(value).model_fields.items() if info.alias == part))
        else:
            value = value[part]
    return value


MEMBERS: Final[list[Place]] = [(*level, name) for level in LEVELS for name in at(FULL, level)]
"""The places of all documented members."""


def copy_of_full() -> dict[str, Any]:
    """A full request that may be changed."""
    copy: dict[str, Any] = json.loads(json.dumps(FULL))
    return copy


def replaced(place: Place, new: Any) -> dict[str, Any]:
    """A full request with another value at one place."""
    value = copy_of_full()
    at(value, place[:-1])[place[-1]] = new
    return value


def shown(place: Place) -> str:
    """A place as a refusal names it: names that the caller chose are left out."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".").replace(CANARY, "*")


def read(value: Any) -> WebhookRequest:
    """Read a body made of a JSON value."""
    return read_request(json.dumps(value).encode())


def sent_back(request: WebhookRequest) -> Any:
    """What the request says that was sent."""
    return json.loads(request.model_dump_json(by_alias=True, exclude_unset=True))


def example(name: str) -> Context:
    """The context of one of the example app's calls."""
    body = next(path for path in REQUESTS if path.stem == name).read_bytes()
    return Context(
        http=HttpRequest.build("POST", "/webhook"),
        principal=Principal("test", "none"),
        deadline=Deadline(0.0, lambda: 0.0),
        request_id="1",
        request=read_request(body),
    )


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.stem)
def test_a_real_request_comes_back_as_it_was_sent(path: Path) -> None:
    body = path.read_bytes()

    assert sent_back(read_request(body)) == json.loads(body)


def test_a_full_request_comes_back_as_it_was_sent() -> None:
    assert sent_back(read(FULL)) == FULL
    assert sent_back(read({})) == {}


def test_a_typed_turn_is_read() -> None:
    ctx = example("chat")

    assert (ctx.tag, ctx.text, ctx.language) == ("welcome", "hi, I'd like a room", "en")
    assert (ctx.event, ctx.digits, ctx.caller_id, ctx.sentiment) == (None, None, None, None)
    assert (ctx.parameters, ctx.payload, ctx.form) == ({}, {}, {})
    assert (ctx.session_id, ctx.environment) == ("dfMessenger-40718352", None)
    assert (str(ctx.agent), str(ctx.session)) == (AGENT, f"{AGENT}/sessions/dfMessenger-40718352")
    assert (ctx.page.id, ctx.page.flow_id, ctx.page.display_name) == ("START_PAGE", ZERO, "Start Page")
    assert ctx.page.sibling("END_SESSION") == f"{AGENT}/flows/{ZERO}/pages/END_SESSION"
    assert ctx.intent is not None
    assert (ctx.intent.display_name, ctx.intent.confidence) == ("Default Welcome Intent", 1.0)
    assert [message.text and message.text["text"] for message in ctx.request.messages or ()] == [
        ["Ahoy! You\u2019ve reached the Harbour Hotel."],
        ["Rooms & suites with a view of the quay, from 95 € a night."],
    ]


def test_a_booking_holds_parameters_of_every_kind() -> None:
    ctx = example("booking")

    assert ctx.tag == "book-room"
    assert ctx.parameters == {
        "check-in": {"year": 2030.0, "month": 6.0, "day": 14.0},
        "nights": 3.0,
        "guests": 2.0,
        "room-type": "double",
        "guest-name": {"name": "Ada", "original": "ada"},
    }
    assert ctx.request.messages is not None
    payload = ctx.request.messages[1].payload
    assert payload is not None
    assert [item["type"] for item in payload["richContent"][0]] == ["image", "info", "chips"]


def test_a_call_is_read() -> None:
    ctx = example("phone")

    assert (ctx.tag, ctx.caller_id, ctx.text) == ("phone-greeting", "+442079460123", None)
    assert (ctx.session_id, ctx.environment) == ("0817KdWq3pRTa6xZbUuYt1Vng", None)
    assert ctx.request.trigger_intent == f"{AGENT}/intents/{ZERO}"
    assert ctx.payload == {"telephony": {"caller_id": "+442079460123"}}


def test_a_spoken_turn_is_read() -> None:
    ctx = example("transcript")

    assert (ctx.tag, ctx.text, ctx.language) == ("room-info", "what does a double room look like", "en-gb")
    assert ctx.intent is not None
    assert ctx.intent.parameters is not None
    value = ctx.intent.parameters["room-type"]
    assert (value.original_value, value.resolved_value) == ("double room", "double")


def test_pressed_keys_are_read() -> None:
    ctx = example("dtmf")

    assert (ctx.tag, ctx.digits, ctx.text) == ("keypad-menu", "2", None)
    assert ctx.request.messages is not None
    assert ctx.request.messages[0].output_audio_text == {
        "ssml": "<speak>Press <emphasis>1</emphasis> for rooms, 2 for bookings &amp; changes.</speak>"
    }


def test_an_event_is_read() -> None:
    ctx = example("event")

    assert (ctx.tag, ctx.event, ctx.intent, ctx.text) == ("loyalty-reminder", "loyalty-reminder", None, None)
    assert ctx.parameters["points"] == 1250.0


def test_a_form_is_read() -> None:
    form = example("form").form

    assert list(form) == ["check-in", "nights", "guests"]
    assert [(part.value, part.state, part.required, part.just_collected) for part in list(form.values())[1:]] == [
        (45.0, "FILLED", True, True),
        (2.0, "FILLED", True, False),
    ]


def test_sentiment_and_nulls_are_read() -> None:
    ctx = example("handoff")

    assert ctx.sentiment is not None
    assert (ctx.sentiment.score, ctx.sentiment.magnitude) == (-0.6, 0.6)
    assert ctx.parameters["special-request"] is None


@pytest.mark.parametrize("package", [dialogflowcx_v3, dialogflowcx_v3beta1], ids=["v3", "v3beta1"])
def test_every_field_of_the_official_request_has_an_attribute(package: Any) -> None:
    found: dict[str, Descriptor] = {}
    _collect(package.WebhookRequest.pb().DESCRIPTOR, found)

    assert found.keys() == MODELS.keys()
    for name, kind in found.items():
        attributes = {field: info.alias for field, info in MODELS[name].model_fields.items()}
        if package is dialogflowcx_v3beta1:
            attributes.pop("response_type", None)
        assert attributes == {field.name: field.json_name for field in kind.fields}


def _collect(kind: Descriptor, found: dict[str, Descriptor]) -> None:
    found[kind.full_name.partition(".v3")[2].partition(".")[2]] = kind
    if kind.name == "ResponseMessage":
        return  # its content stays as it was sent
    for field in kind.fields:
        part = field.message_type
        if part is not None and part.GetOptions().map_entry:
            part = part.fields_by_name["value"].message_type
        if part is not None and not part.full_name.startswith("google.protobuf."):
            _collect(part, found)


def test_unknown_members_are_kept_at_every_level() -> None:
    value = copy_of_full()
    for level in LEVELS:
        at(value, level).update({"newMember": {"at": [*level]}, "self": 1, "model_config": None, "__class__": "x"})

    request = read(value)

    assert sent_back(request) == value
    for level in LEVELS:
        assert at(request, level).model_extra == {
            "newMember": {"at": [*level]}, "self": 1, "model_config": None, "__class__": "x",
        }  # fmt: skip


def test_the_parts_of_a_message_and_of_values_keep_what_they_hold() -> None:
    message = read(replaced(("messages", 0, "text"), {"text": ["a"], "redactedText": ["b"]})).messages

    assert message is not None
    assert message[0].text == {"text": ["a"], "redactedText": ["b"]}


@pytest.mark.parametrize("place", MEMBERS, ids=shown)
def test_any_member_may_be_null(place: Place) -> None:
    value = replaced(place, None)

    request = read(value)

    assert at(request, place) is None
    assert sent_back(request) == value


@pytest.mark.parametrize("place", MEMBERS, ids=shown)
def test_any_member_may_be_missing(place: Place) -> None:
    value = copy_of_full()
    del at(value, place[:-1])[place[-1]]

    request = read(value)

    assert at(request, place) is None
    assert sent_back(request) == value


@pytest.mark.parametrize("place", [place for place in MEMBERS if place[-1] in ("state", "responseType")], ids=shown)
@pytest.mark.parametrize("value", ["VALID", "SOMETHING_NEW", "", 3, 70_000])
def test_an_enum_is_kept_as_it_was_sent(place: Place, value: str | int) -> None:
    request = read(replaced(place, value))

    assert at(request, place) == value
    assert sent_back(request) == replaced(place, value)


@pytest.mark.parametrize(("number", "kind"), [(9.0, float), (9, int), (-0.0, float), (2**53 + 1, int)])
def test_a_number_keeps_its_kind_where_any_value_may_stand(number: float, kind: type) -> None:
    for place in (
        ("sessionInfo", "parameters", CANARY),
        ("intentInfo", "parameters", CANARY, "resolvedValue"),
        ("pageInfo", "formInfo", "parameterInfo", 0, "value"),
        ("payload", CANARY),
        ("messages", 0, "payload", "a"),
    ):
        found = at(read(replaced(place, number)), place)

        assert type(found) is kind
        assert repr(found) == repr(number)


@pytest.mark.parametrize("number", [1, 1.0, "1", "1.0"])
def test_a_confidence_may_be_written_as_any_number(number: Any) -> None:
    assert at(read(replaced(("intentInfo", "confidence"), number)), ("intentInfo", "confidence")) == 1.0


def test_snake_case_is_tolerated() -> None:
    snake = read(FULL).model_dump(by_alias=False, exclude_unset=True)

    assert "detect_intent_response_id" in snake
    assert sent_back(read(snake)) == FULL


_WRONG: Final[dict[type, tuple[str, list[Any]]]] = {
    str: ("text", [5, 1.5, True, [CANARY], {CANARY: 1}]),
    float: ("a number", [CANARY, [CANARY], {}]),
    bool: ("true or false", ["true", 1, 0.0, CANARY, []]),
    list: ("a list", [CANARY, 5, {CANARY: 1}, True]),
    dict: ("an object", [CANARY, 5, [CANARY], True]),
}
_ENUM: Final = ("text or a whole number", [1.5, [CANARY], {CANARY: 1}])


def _wrong_shapes() -> list[tuple[Place, Any, str]]:
    items: list[Place] = [
        ("messages", 0), ("pageInfo", "formInfo", "parameterInfo", 0), ("intentInfo", "parameters", CANARY),
    ]  # fmt: skip
    cases = []
    for place in MEMBERS + items:
        if place[-1] in ("value", "resolvedValue"):
            continue  # any value may stand there
        shape, values = _ENUM if place[-1] in ("state", "responseType") else _WRONG[type(at(FULL, place))]
        cases += [(place, value, f"{shown(place)}: must be {shape}.") for value in values]
    return cases


@pytest.mark.parametrize(("place", "value", "detail"), _wrong_shapes())
def test_a_wrong_shape_is_refused_and_named_without_the_input(place: Place, value: Any, detail: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read(replaced(place, value))

    error = caught.value
    assert (error.reason, error.detail) == ("wrong_shape", detail)
    assert CANARY not in f"{error} {error!r} {error.args} {error.headers}"


@pytest.mark.parametrize("body", ["[]", "[{}]", '"x"', '""', "null", "1", "1.5", "true"])
def test_a079_a_body_that_is_not_an_object_is_refused(body: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_request(body.encode())

    assert caught.value.reason == "not_an_object"


def test_a_request_and_its_parts_are_frozen() -> None:
    request = read(FULL)

    for level in LEVELS:
        with pytest.raises(ValidationError, match="frozen"):
            at(request, level).text = "x"
