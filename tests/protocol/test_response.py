"""The strict writer: the exact JSON of each part of an answer, and what cannot be built.

The sizes (``a093``, ``a094``) are cases of the attack list.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from pydantic import ValidationError

from cxfulfill import (
    ConversationSuccess,
    KnowledgeInfoCard,
    LiveAgentHandoff,
    OutputAudioText,
    Payload,
    PlayAudio,
    Reply,
    ReplyError,
    ResponseMessage,
    TelephonyTransferCall,
    Text,
    ToolCall,
    WebhookResponse,
)
from cxfulfill.protocol.json import MAX_REPLY_BYTES
from cxfulfill.reply import to_response

CANARY: Final = "canary-4711"
FLOW: Final = "projects/p/locations/l/agents/a/flows/f"
PAGE: Final = f"{FLOW}/pages/g"
NAN: Final = float("nan")

FULL: Final[dict[str, Any]] = {
    "fulfillmentResponse": {
        "messages": [
            {"text": {"text": ["a", "b"]}, "channel": "c"},
            {"payload": {"a": [1, 2.5, None, {"b": True}]}},
            {"outputAudioText": {"text": "a"}},
            {"outputAudioText": {"ssml": "<speak>a</speak>"}},
            {"conversationSuccess": {"metadata": {"a": 1}}},
            {"liveAgentHandoff": {}},
            {"playAudio": {"audioUri": "gs://b/a.wav"}},
            {"telephonyTransferCall": {"phoneNumber": "+14155550100"}},
            {"knowledgeInfoCard": {}},
            {"toolCall": {"tool": "t", "action": "a", "inputParameters": {"b": []}}},
            {},
        ],
        "mergeBehavior": "REPLACE",
    },
    "pageInfo": {
        "formInfo": {
            "parameterInfo": [
                {"displayName": "a", "required": False, "state": "INVALID"},
                {"displayName": "b", "state": "FILLED", "value": {"c": [None]}},
                {"displayName": "c", "state": "EMPTY", "value": None},
            ]
        }
    },
    "sessionInfo": {"parameters": {"a": None, "b": 9007199254740993, "c": 1.0, "é": "\U0001f600"}},
    "payload": {"a": {}},
    "targetPage": PAGE,
}


def wire(*messages: Any) -> Any:
    """The messages of an answer as they are sent."""
    return json.loads(Reply(*messages).response.encode())["fulfillmentResponse"]["messages"]


def refused(build: Callable[[], object]) -> ReplyError:
    """How something that cannot be built is refused."""
    with pytest.raises(ReplyError) as caught:
        build()
    return caught.value


def answer_with(message: Any) -> Any:
    """An answer of one message."""
    return {"fulfillmentResponse": {"messages": [message]}}


def form_with(parameter: Any) -> Any:
    """An answer that changes one form parameter."""
    return {"pageInfo": {"formInfo": {"parameterInfo": [parameter]}}}


def test_every_documented_member_is_accepted_and_sent_as_it_is() -> None:
    body = WebhookResponse.from_json(FULL).encode()

    assert repr(json.loads(body)) == repr(FULL)
    assert body == json.dumps(FULL, ensure_ascii=False, separators=(",", ":")).encode()


def test_an_empty_answer_is_an_empty_object() -> None:
    assert WebhookResponse().encode() == WebhookResponse.from_json({}).encode() == Reply().response.encode() == b"{}"


def test_only_what_is_given_is_written() -> None:
    body = Reply("a", parameters={"b": None}, form={"c": None}, invalid=["d"]).response.encode()

    assert json.loads(body) == {
        "fulfillmentResponse": {"messages": [{"text": {"text": ["a"]}}]},
        "pageInfo": {
            "formInfo": {
                "parameterInfo": [
                    {"displayName": "c", "state": "EMPTY", "value": None},
                    {"displayName": "d", "state": "INVALID"},
                ]
            }
        },
        "sessionInfo": {"parameters": {"b": None, "d": None}},
    }


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Text("a"), {"text": {"text": ["a"]}}),
        (Text("a", "b", channel="c"), {"text": {"text": ["a", "b"]}, "channel": "c"}),
        (Payload({"a": 1}), {"payload": {"a": 1}}),
        (OutputAudioText("a"), {"outputAudioText": {"text": "a"}}),
        (OutputAudioText.ssml("<speak>a</speak>"), {"outputAudioText": {"ssml": "<speak>a</speak>"}}),
        (ConversationSuccess(), {"conversationSuccess": {}}),
        (ConversationSuccess({}), {"conversationSuccess": {"metadata": {}}}),
        (LiveAgentHandoff({"a": 1}, channel="c"), {"liveAgentHandoff": {"metadata": {"a": 1}}, "channel": "c"}),
        (PlayAudio("u"), {"playAudio": {"audioUri": "u"}}),
        (TelephonyTransferCall("+14155550100"), {"telephonyTransferCall": {"phoneNumber": "+14155550100"}}),
        (KnowledgeInfoCard(), {"knowledgeInfoCard": {}}),
        (ToolCall("t", "a"), {"toolCall": {"tool": "t", "action": "a"}}),
        (ToolCall("t", "a", {"b": 1}), {"toolCall": {"tool": "t", "action": "a", "inputParameters": {"b": 1}}}),
        (ResponseMessage(), {}),
        (ResponseMessage(channel="c"), {"channel": "c"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ResponseMessage) else "",
)
def test_each_message_kind_has_its_exact_json(message: ResponseMessage, expected: Any) -> None:
    assert wire(message) == [expected]


_REFUSED: Final[list[tuple[Any, str, str]]] = [
    ({"fulfillmentText": "a"}, "WebhookResponse.fulfillmentText", "no member that CX knows"),
    ({"Payload": {}}, "WebhookResponse.Payload", "no member that CX knows"),
    ({"self": 1}, "WebhookResponse.self", "no member that CX knows"),
    ({"not a name": 1}, "WebhookResponse.*", "no member that CX knows"),
    ({"fulfillmentResponse": []}, "WebhookResponse.fulfillmentResponse", "wrong"),
    ({"fulfillmentResponse": {"messages": {}}}, "WebhookResponse.fulfillmentResponse.messages", "wrong"),
    ({"fulfillmentResponse": {"messages": [None]}}, "WebhookResponse.fulfillmentResponse.messages[0]", "wrong"),
    ({"fulfillmentResponse": {"mergeBehavior": "a"}}, "WebhookResponse.fulfillmentResponse.mergeBehavior", "wrong"),
    ({"fulfillmentResponse": {"mergeBehavior": 2}}, "WebhookResponse.fulfillmentResponse.mergeBehavior", "wrong"),
    ({"sessionInfo": {"session": "s"}}, "WebhookResponse.sessionInfo.session", "ignored"),
    ({"sessionInfo": {"parameters": []}}, "sessionInfo.parameters", "must be an object"),
    ({"sessionInfo": {"parameters": {"a": {"b": [0, NAN]}}}}, "sessionInfo.parameters.a.b[1]", "finite"),
    ({"sessionInfo": {"parameters": {"a b": {"c": 10**400}}}}, "sessionInfo.parameters.*.c", "range of a double"),
    ({"sessionInfo": {"parameters": {"a": {"b"}}}}, "sessionInfo.parameters.a", "a type that JSON cannot hold"),
    ({"sessionInfo": {"parameters": {"a": {1: 2}}}}, "sessionInfo.parameters.a", "key that is not text"),
    ({"payload": "a"}, "payload", "must be an object"),
    ({"payload": {"a": -NAN}}, "payload.a", "finite"),
    ({"pageInfo": {"currentPage": PAGE}}, "WebhookResponse.pageInfo.currentPage", "targetPage"),
    ({"pageInfo": {"displayName": "a"}}, "WebhookResponse.pageInfo.displayName", "ignored"),
    (form_with({"state": "INVALID"}), "WebhookResponse.pageInfo.formInfo.parameterInfo[0].displayName", "wrong"),
    (form_with({"displayName": "a", "state": "VALID"}), "WebhookResponse.pageInfo.formInfo.parameterInfo[0].state", ""),
    (form_with({"displayName": "a", "required": 1}), "WebhookResponse.pageInfo.formInfo.parameterInfo[0].required", ""),
    (form_with({"displayName": "a", "justCollected": True}),
     "WebhookResponse.pageInfo.formInfo.parameterInfo[0].justCollected", "ignored"),
    (form_with({"displayName": "a", "value": NAN}), "pageInfo.formInfo.parameterInfo.value", "finite"),
    ({"targetPage": PAGE, "targetFlow": FLOW}, "targetFlow", "one transition"),
    (answer_with({"text": {"text": "a"}}), "ResponseMessage.text.text", "wrong"),
    (answer_with({"text": {"text": []}}), "ResponseMessage.text.text", "at least 1"),
    (answer_with({"text": {"text": ["a", 1]}}), "ResponseMessage.text.text[1]", "wrong"),
    (answer_with({"text": {"text": ["a"], "redactedText": ["a"]}}), "ResponseMessage.text.redactedText", "no member"),
    (answer_with({"text": {"text": ["a"], "allowPlaybackInterruption": True}}),
     "ResponseMessage.text.allowPlaybackInterruption", "output only"),
    (answer_with({"text": {"text": ["a"]}, "payload": {}}), "message", "one kind only"),
    (answer_with({"endInteraction": {}}), "ResponseMessage.endInteraction", "output only"),
    (answer_with({"mixedAudio": {"segments": []}}), "ResponseMessage.mixedAudio", "output only"),
    (answer_with({"responseType": "ENTRY_PROMPT"}), "ResponseMessage.responseType", "v3beta1"),
    (answer_with({"source": "VIRTUAL_AGENT"}), "ResponseMessage.source", "no member"),
    (answer_with({"self": 1}), "ResponseMessage.self", "no member"),
    (answer_with({"channel": 1}), "ResponseMessage.channel", "wrong"),
    (answer_with({"outputAudioText": {}}), "outputAudioText", "either text or ssml"),
    (answer_with({"outputAudioText": {"text": "a", "ssml": "<speak/>"}}), "outputAudioText", "either text or ssml"),
    (answer_with({"playAudio": {}}), "ResponseMessage.playAudio.audioUri", "wrong"),
    (answer_with({"telephonyTransferCall": {}}), "ResponseMessage.telephonyTransferCall.phoneNumber", "wrong"),
    (answer_with({"knowledgeInfoCard": {"a": 1}}), "ResponseMessage.knowledgeInfoCard.a", "no member"),
    (answer_with({"toolCall": {"tool": "t"}}), "ResponseMessage.toolCall.action", "wrong"),
    (answer_with({"toolCall": {"tool": "t", "action": "a", "inputParameters": {"b": NAN}}}),
     "toolCall.inputParameters.b", "finite"),
    (answer_with({"liveAgentHandoff": {"metadata": []}}), "metadata", "must be an object"),
    (answer_with({"payload": {"a": [NAN]}}), "payload.a[0]", "finite"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "field", "problem"), _REFUSED)
def test_what_cx_would_refuse_is_refused_and_named(value: Any, field: str, problem: str) -> None:
    error = refused(lambda: WebhookResponse.from_json(value))

    assert error.field == field
    assert problem in error.problem


@pytest.mark.parametrize("value", [None, [], [FULL], "a", 1, True])
def test_an_answer_is_an_object(value: object) -> None:
    assert refused(lambda: WebhookResponse.from_json(value)).problem == "must be an object"


@pytest.mark.parametrize(
    "value",
    [
        {"targetPage": CANARY}, {"targetFlow": CANARY}, {"payload": CANARY}, {"fulfillmentResponse": CANARY},
        {"sessionInfo": {"parameters": {f"{CANARY} of a user": NAN}}}, {"payload": {"a": {CANARY}}},
        {"payload": {"a": CANARY + "\ud800"}}, {f"{CANARY} of a user": 1}, {"payload": {"\ud800": CANARY}},
        {"fulfillmentResponse": {"mergeBehavior": CANARY}}, answer_with({"text": CANARY}),
        answer_with({"outputAudioText": {"ssml": CANARY}}), answer_with({"playAudio": {"audioUri": [CANARY]}}),
        answer_with({"telephonyTransferCall": {"phoneNumber": CANARY}}), form_with({"displayName": [CANARY]}),
        form_with({"displayName": "a", "state": CANARY}),
    ],
)  # fmt: skip
def test_a_refusal_holds_no_value(value: Any) -> None:
    error = refused(lambda: WebhookResponse.from_json(value).encode())

    assert CANARY not in f"{error} {error!r} {error.args}"


@pytest.mark.parametrize(
    "name",
    [
        "", "g", "START_PAGE", FLOW, f"{FLOW}/pages/", f"{FLOW}/pages/a b", f"{FLOW}/pages/a/b", f"{PAGE}\n",
        f" {PAGE}", f"/{PAGE}", PAGE.replace("flows", "playbooks"), PAGE.replace("/l/", "//"), "projects/p/pages/g",
    ],
)  # fmt: skip
def test_a_target_page_is_a_full_page_name(name: str) -> None:
    assert refused(lambda: Reply(target_page=name)).field == "targetPage"
    assert Reply(target_page=PAGE).response.target_page == PAGE


@pytest.mark.parametrize("name", ["", "f", PAGE, f"{FLOW}/", f"{FLOW} ", "projects/p/locations/l/agents/a"])
def test_a_target_flow_is_a_full_flow_name(name: str) -> None:
    assert refused(lambda: Reply(target_flow=name)).field == "targetFlow"
    assert Reply(target_flow=FLOW).response.target_flow == FLOW


@pytest.mark.parametrize("number", ["+12", "+14155550100", "+442079460123", "+123456789012345"])
def test_a_phone_number_is_e164(number: str) -> None:
    assert wire(TelephonyTransferCall(number)) == [{"telephonyTransferCall": {"phoneNumber": number}}]


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "+1",
        "14155550100",
        "+1 415 555",
        "+1-415",
        "+0123",
        "+1234567890123456",
        "tel:+1415",
        "+1415\n",
        "+١٢٣",
    ],
)
def test_another_phone_number_is_refused(number: str) -> None:
    assert refused(lambda: TelephonyTransferCall(number)).field == "telephonyTransferCall.phoneNumber"


@pytest.mark.parametrize(
    "ssml",
    [
        "<speak/>", "<speak></speak>", "<speak>a &amp; b</speak>", ' <speak>a<break time="1s"/></speak>\n',
        '<?xml version="1.0"?><speak version="1.1"><!-- c --><p><s>a</s></p></speak>', "<speak>é \U0001f600</speak>",
    ],
)  # fmt: skip
def test_ssml_is_one_speak_element(ssml: str) -> None:
    assert wire(OutputAudioText.ssml(ssml)) == [{"outputAudioText": {"ssml": ssml}}]


@pytest.mark.parametrize(
    ("ssml", "problem"),
    [
        ("", "not well-formed"), ("a", "not well-formed"), ("<speak>", "not well-formed"),
        ("<speak>a & b</speak>", "not well-formed"), ("<speak><b></speak></b>", "not well-formed"),
        ("<speak/><speak/>", "not well-formed"), ("<speak>\x00</speak>", "not well-formed"),
        ("<speak>\ud800</speak>", "not well-formed"), ("<speak>&nbsp;</speak>", "not well-formed"),
        ("<speak><a:b/></speak", "not well-formed"), ("<Speak/>", "must be one <speak> element"),
        ("<p><speak/></p>", "one <speak> element"), ("<speak><p><speak/></p></speak>", "none inside another"),
        ('<!DOCTYPE speak><speak/>', "document type"),
        ('<!DOCTYPE s [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><speak>&b;</speak>', "document type"),
        ('<!DOCTYPE s SYSTEM "file:///etc/passwd"><speak/>', "document type"),
    ],
)  # fmt: skip
def test_other_ssml_is_refused(ssml: str, problem: str) -> None:
    error = refused(lambda: OutputAudioText.ssml(ssml.replace("{", "{{").replace("}", "}}")))

    assert error.field == "outputAudioText.ssml"
    assert problem in error.problem


def test_a_value_cannot_add_markup_to_ssml() -> None:
    message = OutputAudioText.ssml(
        "<speak><say-as format='{form}' x=\"{form}\">{what}</say-as>{{}}</speak>",
        what="</speak><speak> & {form}", form="'\"/><break/>",
    )  # fmt: skip

    assert wire(message)[0]["outputAudioText"]["ssml"] == (
        "<speak><say-as format='&#x27;&quot;/&gt;&lt;break/&gt;' x=\"&#x27;&quot;/&gt;&lt;break/&gt;\">"
        "&lt;/speak&gt;&lt;speak&gt; &amp; {form}</say-as>{}</speak>"
    )


@pytest.mark.parametrize(
    "template", ["<speak>{a}</speak>", "<speak>{}</speak>", "<speak>{0}</speak>", "<speak>{</speak>"]
)
def test_a_placeholder_without_a_value_is_refused(template: str) -> None:
    assert refused(lambda: OutputAudioText.ssml(template)).problem == "has a placeholder without a value"


def test_a093_an_answer_of_64_kib_is_sent_and_one_byte_more_is_not() -> None:
    frame = len(Reply("").response.encode())

    assert len(Reply("a" * (MAX_REPLY_BYTES - frame)).response.encode()) == MAX_REPLY_BYTES == 65_536
    error = refused(Reply("a" * (MAX_REPLY_BYTES - frame + 1)).response.encode)
    place = "fulfillmentResponse.messages[0].text.text[0]"
    assert error.problem == f"has 65537 bytes on the wire, CX reads at most 65536; most of them are in {place}"


@pytest.mark.parametrize(
    ("reply", "part"),
    [
        (Reply("Hello.", "a" * 70_000), "fulfillmentResponse.messages[1].text.text[0]"),
        (Reply(parameters={"history": [{"price": 1}] * 9_000, "nights": 3}), "sessionInfo.parameters.history"),
        (Reply(parameters={"of Ada": {"rooms": ["a" * 70_000]}}), "sessionInfo.parameters.*"),
        (Reply(payload={"by_customer": {"sk_live_51H": "a" * 70_000}}), "payload.by_customer"),
        (
            Reply(ToolCall("t", "a", {"b": {"c": "a" * 70_000}})),
            "fulfillmentResponse.messages[0].toolCall.inputParameters.b",
        ),
        (Reply(payload={"one": "a" * 33_000, "other": "a" * 33_000}), "payload"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_is_too_large_tells_the_part_that_makes_it_so(reply: Reply, part: str) -> None:
    assert refused(reply.encode).problem.endswith(f"; most of them are in {part}")
    assert refused(reply.response.encode).problem.endswith(f"; most of them are in {part}")


def test_an_answer_that_cannot_be_looked_into_tells_its_size() -> None:
    deep: Any = "a"
    for _ in range(300):
        deep = [deep]
    response = WebhookResponse(payload={})
    assert response.payload is not None
    response.payload["b"] = [deep, "a" * 70_000]  # past the checks
    assert refused(response.encode).problem.endswith("CX reads at most 65536")
    assert refused(Reply("a" * 2**21).encode).problem.endswith("CX reads at most 65536")


def test_an_answer_of_many_small_parts_tells_its_size() -> None:
    reply = Reply("a" * 22_000, parameters={"a": "a" * 22_000}, payload={"a": "a" * 22_000})
    assert refused(reply.encode).problem.endswith("CX reads at most 65536")


@pytest.mark.parametrize("character", ["é", '"', "\n", "\U0001f600"])
def test_a094_bytes_on_the_wire_are_counted(character: str) -> None:
    size = len(json.dumps(character * 40_000, ensure_ascii=False).encode())
    frame = len(Reply("").response.encode()) - len('""')

    error = refused(Reply(character * 40_000).response.encode)

    assert error.problem.startswith(f"has {frame + size} bytes")


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Reply("a", "\ud800"), "fulfillmentResponse.messages[1].text.text[0]"),
        (lambda: Reply(Text("a", channel="\udfff")), "fulfillmentResponse.messages[0].channel"),
        (lambda: Reply(Payload({"a": ["b\ud800"]})), "fulfillmentResponse.messages[0].payload.a[0]"),
        (lambda: Reply(parameters={"a": {"b": "\ud800"}}), "sessionInfo.parameters.a.b"),
        (lambda: Reply(form={"a": "\ud800"}), "pageInfo.formInfo.parameterInfo[0].value"),
        (lambda: Reply(payload={"a": "\ud800"}), "payload.a"),
    ],
)
def test_a_lone_surrogate_is_not_sent_and_its_place_is_named(build: Callable[[], Reply], field: str) -> None:
    error = refused(lambda: to_response(build()).encode())

    assert error.field == field
    assert "lone surrogate" in error.problem


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Reply(parameters={"\ud800": 1}), "sessionInfo.parameters"),
        (lambda: Reply(payload={"a": [{"b\udfff": 1}]}), "payload.a[0]"),
        (lambda: Reply(Payload(dict.fromkeys(["\ud800", "\udbff"], 1))), "payload"),
    ],
)
def test_a_name_with_a_lone_surrogate_is_not_sent_either(build: Callable[[], Reply], field: str) -> None:
    error = refused(lambda: to_response(build()).encode())

    assert error.field.endswith(field)
    assert "lone surrogate" in error.problem


def test_an_answer_keeps_nothing_of_what_it_was_made_from() -> None:
    value = json.loads(json.dumps(FULL))
    response = WebhookResponse.from_json(value)
    before = response.encode()

    value["payload"]["a"]["b"] = NAN
    value["sessionInfo"]["parameters"]["a"] = 1
    value["fulfillmentResponse"]["messages"].clear()

    assert response.encode() == before
    with pytest.raises(ValidationError, match="frozen"):
        response.payload = {}  # type: ignore[misc]


LISTED: Any = ["one", "another"]
NUMBER: Any = 5
WORD: Any = "x"


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: Text(LISTED), "text.text[0] is no text: each variant is an argument of its own, as in Text"),
        (lambda: Text("one", NUMBER), "text.text[1] is no text"),
        (lambda: Payload(WORD), "payload must be an object, or RichContent([...])"),
    ],
)
def test_what_is_no_text_and_what_is_no_payload_is_told_in_our_own_words(build: Callable[[], Any], told: str) -> None:
    with pytest.raises(ReplyError) as caught:
        build()
    assert str(caught.value).startswith(told)
