"""What is said of an answer: what CX refuses, what passes though no page says so, and what does nothing."""

import json
import subprocess
import sys
from types import MappingProxyType
from typing import Any, Final, get_args

import pytest

from cxfulfill.errors import ConfigurationError
from cxfulfill.protocol.json import MAX_REPLY_BYTES
from cxfulfill.simulator import official as official_module
from cxfulfill.simulator import schema
from cxfulfill.simulator.findings import Finding, Reading, Version
from cxfulfill.simulator.reading import read_answer

VERSIONS: Final[tuple[Version, ...]] = get_args(Version)
FLOW: Final = "projects/p/locations/l/agents/a/flows/f"
FIRST: Final = "fulfillmentResponse.messages[0]"


def read(answer: Any, version: Version = "v3") -> Reading:
    """Read an answer, given as JSON or as what it stands for, in both ways, which say the same."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    own = read_answer(body, version=version, official=False)
    assert read_answer(body, version=version, official=True) == own
    assert read_answer(body, version=version) == own
    return own


def said(answer: Any, severity: str, version: Version = "v3") -> list[str]:
    """The places, and what is said of them."""
    return [str(finding) for finding in read(answer, version).findings if finding.severity == severity]


def message(**members: Any) -> dict[str, Any]:
    """An answer of one message."""
    return {"fulfillmentResponse": {"messages": [members]}}


def parameter(**members: Any) -> dict[str, Any]:
    """An answer about one form parameter."""
    return {"pageInfo": {"formInfo": {"parameterInfo": [members]}}}


ACCEPTED: Final[dict[str, tuple[Any, Any]]] = {
    "an empty object": ({}, {}),
    "snake_case names": (
        {"session_info": {"parameters": {"a_b": "c"}}, "target_page": "p"},
        {"sessionInfo": {"parameters": {"a_b": "c"}}, "targetPage": "p"},
    ),
    "mixed spelling": (
        {"fulfillment_response": {"messages": [{"outputAudioText": {"ssml": ""}}], "merge_behavior": "REPLACE"}},
        {"fulfillmentResponse": {"messages": [{"outputAudioText": {"ssml": ""}}], "mergeBehavior": "REPLACE"}},
    ),
    "an unknown enum number": (parameter(displayName="a", state=9), parameter(displayName="a", state=9)),
    "an enum as a number": (parameter(displayName="a", state=2), parameter(displayName="a", state="INVALID")),
    "an enum as a number in a text": (
        parameter(displayName="a", state="2"),
        parameter(displayName="a", state="INVALID"),
    ),
    "an enum as a double": (parameter(displayName="a", state=2.0), parameter(displayName="a", state="INVALID")),
    "null members": (
        {"payload": None, "targetPage": None, "fulfillmentResponse": {"messages": None}},
        {"fulfillmentResponse": {}},
    ),
    "null for a value": (parameter(displayName="a", value=None), parameter(displayName="a", value=None)),
    "null for a parameter": (
        {"sessionInfo": {"parameters": {"a": None, "b": [None]}}},
        {"sessionInfo": {"parameters": {"a": None, "b": [None]}}},
    ),
    "a message of no kind": (message(), message()),
    "an empty text": (message(text={}), message(text={})),
    "a text of no variants": (message(text={"text": []}), message(text={})),
    "camel and snake": (
        {"pageInfo": {"currentPage": "a", "current_page": "b"}},
        {"pageInfo": {"currentPage": "b"}},
    ),
    "a message in camel and snake, which is merged": (
        {"sessionInfo": {"session": "s"}, "session_info": {"parameters": {"a": 1}}},
        {"sessionInfo": {"session": "s", "parameters": {"a": 1.0}}},
    ),
    "bad base64": (
        message(mixedAudio={"segments": [{"audio": "Y*Q*"}]}),
        message(mixedAudio={"segments": [{"audio": "YQ=="}]}),
    ),
    "NUL in a text": ({"targetPage": "\x00"}, {"targetPage": "\x00"}),
    "defaults, which are as none": (
        parameter(displayName="a", required=False, state=0, justCollected=False, value=0),
        parameter(displayName="a", value=0.0),
    ),
    "whole numbers, which are doubles": (
        {"payload": {"a": 2, "b": [3, True]}},
        {"payload": {"a": 2.0, "b": [3.0, True]}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ACCEPTED)
def test_it_is_accepted(name: str, version: Version) -> None:
    answer, value = ACCEPTED[name]

    reading = read(answer, version)

    # As JSON, so that a bool is no number.
    assert json.dumps(reading.value, sort_keys=True) == json.dumps(value, sort_keys=True)
    assert not said(answer, "error", version)


OTHER: Final = "is not a member of a WebhookResponse; CX refuses the whole answer"
STATES: Final = "must be one of PARAMETER_STATE_UNSPECIFIED, EMPTY, INVALID, FILLED"
NOT_FINITE: Final = "is NaN, infinite or beyond the range of a double, which cannot be written as JSON again"
TRAILING_COMMA: Final = 18 if sys.version_info >= (3, 13) else 19
"""Since 3.13 the comma is named, before what stands behind it."""
REFUSED: Final[dict[str, tuple[Any, list[str]]]] = {
    "a member of Dialogflow ES": ({"fulfillmentText": "a"}, [f"fulfillmentText: {OTHER}"]),
    "a tolerated member elsewhere": ({"source": "a"}, [f"source: {OTHER}"]),
    "redacted text elsewhere": (
        message(outputAudioText={"text": "a", "redactedText": "a"}),
        [f"{FIRST}.outputAudioText.redactedText: {OTHER}"],
    ),
    "an unknown member below": ({"sessionInfo": {"user_id": 1}}, [f"sessionInfo.user_id: {OTHER}"]),
    "an unknown member whose name is not plain": (
        {"a b": 1, "4111111111111111": 1, "": 1, "x" * 65: 1, "[a.b]": 1},
        [f"?: {OTHER}"] * 5,
    ),
    "an unknown state": (parameter(state="WRONG"), [f"pageInfo.formInfo.parameterInfo[0].state: {STATES}"]),
    "a state that is no name": (parameter(state=[]), [f"pageInfo.formInfo.parameterInfo[0].state: {STATES}"]),
    "a behaviour in small letters": (
        {"fulfillmentResponse": {"mergeBehavior": "append"}},
        ["fulfillmentResponse.mergeBehavior: must be one of MERGE_BEHAVIOR_UNSPECIFIED, APPEND, REPLACE"],
    ),
    "an enum beyond 32 bits": (
        parameter(state=2**31),
        ["pageInfo.formInfo.parameterInfo[0].state: is a number beyond 32 bits"],
    ),
    "two kinds of message": (
        message(text={"text": ["a"]}, payload={}),
        [f"{FIRST}.payload: cannot be set together with text; CX refuses the whole answer"],
    ),
    "two transitions": (
        {"targetPage": "", "targetFlow": ""},
        ["targetFlow: cannot be set together with targetPage; CX refuses the whole answer"],
    ),
    "a transition in both spellings": (
        {"targetPage": "a", "target_page": "a"},
        ["targetPage: cannot be set together with targetPage; CX refuses the whole answer"],
    ),
    "ssml and text": (
        message(outputAudioText={"ssml": "", "text": ""}),
        [f"{FIRST}.outputAudioText.text: cannot be set together with ssml; CX refuses the whole answer"],
    ),
    "a text that is a text": (message(text="hi"), [f"{FIRST}.text: must be an object"]),
    "variants that are a text": (
        message(text={"text": "hi"}),
        [f"{FIRST}.text.text: must be a list"],
    ),
    "a variant that is a number": (
        message(text={"text": ["a", 1]}),
        [f"{FIRST}.text.text[1]: must be a text"],
    ),
    "messages that are an object": (
        {"fulfillmentResponse": {"messages": {}}},
        ["fulfillmentResponse.messages: must be a list"],
    ),
    "a null message": (
        {"fulfillmentResponse": {"messages": [None]}},
        [f"{FIRST}: must be an object"],
    ),
    "a payload that is a list": ({"payload": []}, ["payload: must be an object"]),
    "parameters that are a list": ({"sessionInfo": {"parameters": []}}, ["sessionInfo.parameters: must be an object"]),
    "a bool as a text": (
        parameter(required="true"),
        ["pageInfo.formInfo.parameterInfo[0].required: must be true or false"],
    ),
    "a bool as a number": (
        parameter(required=1),
        ["pageInfo.formInfo.parameterInfo[0].required: must be true or false"],
    ),
    "a number for a text": ({"targetPage": 1}, ["targetPage: must be a text"]),
    "base64 of no length": (
        message(mixedAudio={"segments": [{"audio": "a"}]}),
        [f"{FIRST}.mixedAudio.segments[0].audio: must be base64"],
    ),
    "an empty body": (b"", ["is empty; an answer that does nothing is {}"]),
    "a body of white space": (b" \r\n", ["is empty; an answer that does nothing is {}"]),
    "null": (b"null", ["must be an object"]),
    "a number": (b"1", ["must be an object"]),
    "an answer in a list": (b"[{}]", ["must be an object"]),
    "a byte order mark": (b"\xef\xbb\xbf{}", ["starts with a byte order mark, which CX's parser does not read"]),
    "bad UTF-8": (b'{"targetPage":"\xff"}', ["is not UTF-8"]),
    "UTF-16": ("{}".encode("utf-16"), ["is not UTF-8"]),
    "text behind it": (b"{}\n{}", ["is not JSON at line 2, column 1"]),
    "a trailing comma": (b'{"targetPage":"a",}', [f"is not JSON at line 1, column {TRAILING_COMMA}"]),
    "a comment": (b"{} // a", ["is not JSON at line 1, column 4"]),
    "HTML": (b"<!DOCTYPE html>", ["is not JSON at line 1, column 1"]),
    "a member twice": (b'{"payload":{"a":1,"a":1}}', ["has a member twice in one object"]),
    "a raw control character": (b'{"targetPage":"\n"}', ["is not JSON at line 1, column 16"]),
    "a lone surrogate": (b'{"targetPage":"\\ud800"}', ["targetPage: has a lone surrogate, which UTF-8 cannot hold"]),
    "a lone surrogate in a name": (
        b'{"payload":{"\\ud800":1}}',
        ["payload.?: has a lone surrogate, which UTF-8 cannot hold"],
    ),
    "too many digits": (b'{"payload":{"a":%s}}' % (b"9" * 5000), ["has a number beyond the range of a double"]),
    "a whole number beyond a double": (
        {"payload": {"a": 10**400}},
        ["payload.a: is a number beyond the range of a double"],
    ),
    "NaN": (
        b'{"payload":{"a":[NaN]}}',
        [f"payload.a[0]: {NOT_FINITE}"],
    ),
    "a number beyond a double": (
        b'{"sessionInfo":{"parameters":{"a":-1e400}}}',
        [f"sessionInfo.parameters.a: {NOT_FINITE}"],
    ),
    "nested too deep for JSON": (b"[" * 20_000, ["is nested deeper than CX's parser reads"]),
    "too large": (
        b"{}" + b" " * (MAX_REPLY_BYTES - 1),
        [f"has {MAX_REPLY_BYTES + 1} bytes; CX reads at most {MAX_REPLY_BYTES}"],
    ),
    "several mistakes": (
        {"a": 1, "targetPage": 2, "pageInfo": 3},
        [f"a: {OTHER}", "targetPage: must be a text", "pageInfo: must be an object"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_and_the_place_is_named(name: str, version: Version) -> None:
    answer, problems = REFUSED[name]

    assert said(answer, "error", version) == problems
    assert read(answer, version).value is None


def test_the_largest_answer_is_read() -> None:
    assert read(b"{}" + b" " * (MAX_REPLY_BYTES - 2)) == Reading({})


def test_what_is_nested_too_deep_is_named_by_its_place() -> None:
    value: Any = 1
    for _ in range(50):
        value = [value]

    (problem,) = said({"payload": {"a": value}}, "error")
    assert problem.startswith("payload.a[0][0]")
    assert problem.endswith("[0]: is nested deeper than CX's parser reads")


PASSES: Final = "is in no documentation of an answer, and is known to pass"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_tolerated_members_pass_with_a_warning(version: Version) -> None:
    answer = {
        "fulfillment_response": {
            "messages": [{"text": {"text": ["a"], "redactedText": ["b"]}, "source": "VIRTUAL_AGENT"}]
        },
        "pageInfo": {"form_info": {"parameterInfo": [{"displayName": "a", "state": "VALID"}]}},
    }

    reading = read(answer, version)

    assert reading.value == {
        "fulfillmentResponse": {"messages": [{"text": {"text": ["a"]}}]},
        "pageInfo": {"formInfo": {"parameterInfo": [{"displayName": "a"}]}},
    }
    assert reading.findings == (
        Finding(f"{FIRST}.source", PASSES, "warning"),
        Finding(f"{FIRST}.text.redactedText", PASSES, "warning"),
        Finding("pageInfo.formInfo.parameterInfo[0].state", PASSES, "warning"),
    )


def test_the_response_type_is_a_member_of_v3_and_tolerated_in_v3beta1() -> None:
    answer = message(text={"text": ["a"]}, responseType="ENTRY_PROMPT")

    assert read(answer, "v3") == Reading(answer)
    assert read(answer, "v3beta1") == Reading(
        message(text={"text": ["a"]}),
        (Finding(f"{FIRST}.responseType", PASSES, "warning"),),
    )


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        (message(text={"redacted_text": "a"}), f"{FIRST}.text.redacted_text"),
        (message(payload={"a": 1}, text={"source": "a"}), f"{FIRST}.text.source"),
        ({"fulfillmentResponse": {"source": "a"}}, "fulfillmentResponse.source"),
        (parameter(source="a"), "pageInfo.formInfo.parameterInfo[0].source"),
    ],
)
def test_a_tolerated_member_is_refused_elsewhere(answer: Any, place: str) -> None:
    assert f"{place}: {OTHER}" in said(answer, "error")


IGNORED: Final = "is ignored by CX in an answer"
OUTPUT_ONLY: Final = "is written by CX alone and does nothing in an answer"
WARNED: Final[dict[str, tuple[Any, list[str]]]] = {
    "the current page": ({"pageInfo": {"currentPage": "a"}}, [f"pageInfo.currentPage: {IGNORED}"]),
    "the page's name": ({"pageInfo": {"display_name": "a"}}, [f"pageInfo.displayName: {IGNORED}"]),
    "the session": ({"sessionInfo": {"session": "a"}}, [f"sessionInfo.session: {IGNORED}"]),
    "just collected": (
        parameter(displayName="a", justCollected=True),
        [f"pageInfo.formInfo.parameterInfo[0].justCollected: {IGNORED}"],
    ),
    "the end of the interaction": (message(endInteraction={}), [f"{FIRST}.endInteraction: {OUTPUT_ONLY}"]),
    "mixed audio": (message(mixedAudio={}), [f"{FIRST}.mixedAudio: {OUTPUT_ONLY}"]),
    "interruption": (
        message(text={"text": ["a"], "allowPlaybackInterruption": True}),
        [f"{FIRST}.text.allowPlaybackInterruption: {OUTPUT_ONLY}"],
    ),
    "a message of no kind": (message(channel="a"), [f"{FIRST}: is an empty message: it says nothing"]),
    "a text without variants": (message(text={}), [f"{FIRST}.text: is an empty message: it has no text"]),
    "an audio text without text": (
        message(outputAudioText={}),
        [f"{FIRST}.outputAudioText: is an empty message: it has neither text nor ssml"],
    ),
    "a clip without a place": (message(playAudio={}), [f"{FIRST}.playAudio: is an empty message: it has no audioUri"]),
    "a call without a number": (
        message(telephonyTransferCall={}),
        [f"{FIRST}.telephonyTransferCall: is an empty message: it has no phoneNumber"],
    ),
    "a parameter without a name": (
        parameter(state="INVALID"),
        ["pageInfo.formInfo.parameterInfo[0]: has no displayName, so that CX cannot tell which parameter is meant"],
    ),
    "both spellings": (
        {"sessionInfo": {}, "session_info": {}},
        ["sessionInfo: is there in both spellings"],
    ),
    "digits that are lost": (
        {"payload": {"a": 2**53 + 1, "b": 2**53}},
        ["payload.a: is a number of more digits than CX keeps"],
    ),
    "nothing": (
        {
            "fulfillmentResponse": {
                "messages": [
                    {"conversationSuccess": {}}, {"liveAgentHandoff": {}}, {"knowledgeInfoCard": {}}, {"payload": {}},
                    {"toolCall": {"tool": "t", "action": "a"}}, {"text": {"text": [""]}},
                    {"outputAudioText": {"ssml": ""}},
                ]
            },
            "pageInfo": {"currentPage": None},
            "targetFlow": FLOW,
        },
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNED)
def test_it_passes_with_a_warning(name: str) -> None:
    answer, warnings = WARNED[name]

    assert said(answer, "warning") == warnings
    assert not said(answer, "error")


def test_no_value_is_echoed() -> None:
    secret = "s3cret-4111"
    answer = {
        "targetPage": [secret], "payload": secret, "pageInfo": {"formInfo": secret}, f"{secret}:": secret,
        "fulfillmentResponse": {"mergeBehavior": secret, "messages": [{"text": {"text": [[secret]]}}]},
        "sessionInfo": {"parameters": {f"{secret} ": float("nan")}},
    }  # fmt: skip

    reading = read(answer)

    assert len(reading.findings) == 7
    assert secret not in repr(reading)


def test_members_keep_the_order_of_the_answer() -> None:
    names = [f"n{number * 7 % 20}" for number in range(20)]
    answer = {"sessionInfo": {"parameters": {name: [{name: 1.0} for name in names] for name in names}}, "payload": {}}

    assert json.dumps(read_answer(json.dumps(answer).encode(), official=True).value) == json.dumps(answer)


def test_the_official_reading_wants_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.dialogflowcx_v3", None)

    with pytest.raises(ConfigurationError, match="pip install google-cloud-dialogflow-cx"):
        read_answer(b"{}", official=True)
    assert read_answer(b'{"target_flow":"f"}') == Reading({"targetFlow": "f"})


@pytest.fixture
def older_table(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The table as it would be had the API got a few names later."""
    messages = {name: dict(fields) for name, fields in schema.MESSAGES.items()}
    del messages["WebhookResponse"]["payload"]
    monkeypatch.setattr(schema, "MESSAGES", MappingProxyType(messages))
    monkeypatch.setitem(schema.ENUMS, "MergeBehavior", schema.ENUMS["MergeBehavior"][:2])
    schema.members.cache_clear()
    yield
    schema.members.cache_clear()


@pytest.mark.usefixtures("older_table")
def test_a_name_that_only_a_newer_official_release_knows_passes_there() -> None:
    body = b'{"payload":{"a":1},"fulfillmentResponse":{"mergeBehavior":"REPLACE"}}'

    reading = read_answer(body, official=True)

    newer = "is not known to this release, though it is to the installed google-cloud-dialogflow-cx"
    assert reading == Reading(
        {"fulfillmentResponse": {"mergeBehavior": "REPLACE"}, "payload": {"a": 1.0}},
        (Finding("payload", newer, "warning"), Finding("fulfillmentResponse.mergeBehavior", newer, "warning")),
    )
    assert read_answer(body, official=False).value is None
    assert read_answer(b'{"payload":{"a":1},"b":1}', official=True).value is None
    assert read_answer(b'{"payload":{"a":1},"targetPage":1}', official=True).value is None


def test_what_the_official_types_alone_refuse_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = {**schema.MESSAGES, "KnowledgeInfoCard": {"later": schema.Field("string")}}
    monkeypatch.setattr(schema, "MESSAGES", messages)
    schema.members.cache_clear()
    try:
        reading = read_answer(json.dumps(message(knowledgeInfoCard={"later": "a"})).encode(), official=True)
    finally:
        schema.members.cache_clear()

    assert reading == Reading(None, (Finding("", "is refused by the message types of google-cloud-dialogflow-cx"),))


@pytest.mark.parametrize("value", [{"b": [{"d": 1, "c": 2}]}, {"b": 1}, {"b": [1, [2]]}])
def test_what_has_no_model_stays_as_it_is(value: Any) -> None:
    assert json.dumps(official_module.ordered(value, {"a": 1, "b": [{"c": 1}]}), sort_keys=True) == json.dumps(
        value, sort_keys=True
    )


def test_the_reader_needs_no_package_of_google() -> None:
    check = (
        "import sys; from cxfulfill.simulator.reading import read_answer; read_answer(b'{}', official=False);"
        "print([name for name in sys.modules if name.split('.')[0] in ('google', 'grpc', 'proto', 'flask')])"
    )

    assert subprocess.run([sys.executable, "-c", check], capture_output=True, check=True, text=True).stdout == "[]\n"
