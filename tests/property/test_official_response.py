"""What can be built is what Google's own parser reads, unknown fields not ignored."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, Literal

import pytest
from google.cloud import dialogflowcx_v3, dialogflowcx_v3beta1
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxfulfill import (
    LiveAgentHandoff,
    Payload,
    Reply,
    ReplyError,
    ToolCall,
    WebhookResponse,
)
from cxfulfill.protocol.messenger import CustomTemplate, RawItem, RichContent
from cxfulfill.protocol.values import MAX_DEPTH
from cxfulfill.reply import to_response
from tests.strategies.answers import ANSWERS, MEMBERS, NAMES, ODD
from tests.strategies.json_values import holders, json_values, mutated, nested, places
from tests.strategies.replies import Pair, objects, replies

Version = Literal["v3", "v3beta1"]
KINDS: Final[dict[Version, Any]] = {
    "v3": dialogflowcx_v3.WebhookResponse.pb(),
    "v3beta1": dialogflowcx_v3beta1.WebhookResponse.pb(),
}
EMPTY_IS_UNSET: Final = frozenset({"displayName", "channel", "audioUri", "tool", "action"})
"""Text members of the proto that cannot be told from unset ones where they are empty."""

slow = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def official(body: bytes | str, version: Version) -> Any:
    """The answer as Google's parser reads it, printed again."""
    return json_format.MessageToDict(json_format.Parse(body, KINDS[version]()))


def normal(value: Any) -> Any:
    """A value with its numbers as doubles, and without empty texts that the proto does not keep."""
    if isinstance(value, dict):
        kept = {name: member for name, member in value.items() if member != "" or name not in EMPTY_IS_UNSET}
        return {name: normal(member) for name, member in kept.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ("number", float(value))
    return value


def same(read: Any, sent: Any) -> bool:
    """Whether two values are the same JSON; a bool is no number."""
    return bool(normal(read) == normal(sent))


@given(reply=replies())
@slow
def test_every_reply_is_read_by_the_official_parser_as_it_was_sent(reply: Reply) -> None:
    body = to_response(reply).encode()

    for version in KINDS:
        assert same(official(body, version), json.loads(body))


@given(pair=objects())
@slow
def test_a_converted_value_arrives_as_what_it_stands_for(pair: Pair) -> None:
    value, expected = pair

    body = to_response(Reply("Hello", parameters=value, payload=value)).encode()

    read = official(body, "v3")
    assert same(read.get("sessionInfo", {}).get("parameters", {}), expected)
    assert same(read["payload"], expected)


@given(reply=replies())
@slow
def test_an_answer_as_json_is_the_same_answer(reply: Reply) -> None:
    body = to_response(reply).encode()

    assert WebhookResponse.from_json(json.loads(body)).encode() == body


BUILDERS: Final[dict[str, tuple[int, Callable[[Any], Reply]]]] = {
    "parameters": (48, lambda value: Reply(parameters={"a": value})),
    "payload": (48, lambda value: Reply(payload={"a": value})),
    "form": (47, lambda value: Reply(form={"a": value})),
    "message payload": (47, lambda value: Reply(Payload({"a": value}))),
    "metadata": (47, lambda value: Reply(LiveAgentHandoff({"a": value}))),
    "tool call": (47, lambda value: Reply(ToolCall("t", "a", {"a": value}))),
    "raw item": (44, lambda value: Reply(RichContent(RawItem({"type": "t", "a": value})))),
    "custom template": (44, lambda value: Reply(RichContent(CustomTemplate("t", value)))),
}
"""Where values stand in an answer, and how many levels of lists and objects the official parser reads there."""


@pytest.mark.parametrize("version", KINDS)
@pytest.mark.parametrize("place", BUILDERS)
@pytest.mark.parametrize("kinds", ["[", "{", "[{", "{["])
@pytest.mark.parametrize("leaf", [1, None, "a"])
def test_the_bound_of_nesting_is_that_of_the_official_parser(
    version: Version, place: str, kinds: str, leaf: Any
) -> None:
    bound, build = BUILDERS[place]

    body = to_response(build(nested(leaf, bound, kinds))).encode()

    assert same(official(body, version), json.loads(body))
    with pytest.raises(ReplyError, match="is nested deeper than CX's parser reads"):
        build(nested(leaf, bound + 1, kinds))
    innermost = nested("innermost", bound, kinds)
    text = to_response(build(innermost)).encode().decode().replace('"innermost"', '["innermost"]')
    with pytest.raises(json_format.ParseError, match="too deep"):
        official(text, version)


def test_the_bound_is_documented() -> None:
    assert MAX_DEPTH == 48


_odd_members = st.tuples(st.sampled_from(NAMES), st.sampled_from(ODD) | json_values())
_members = st.sampled_from(MEMBERS) | _odd_members


def strictly_read(answer: Any) -> bytes | None:
    """The answer, written again by the strict reader; None where it refuses."""
    try:
        return WebhookResponse.from_json(answer).encode()
    except ReplyError:
        return None


@given(answer=mutated(st.sampled_from(ANSWERS), _members))
@settings(max_examples=600, deadline=None)
def test_what_the_strict_reader_accepts_the_official_parser_accepts(answer: Any) -> None:
    """The other direction does not hold, on purpose. Google's parser takes, and the strict reader refuses:

    * members that CX ignores in an answer (``currentPage``, ``session``, ``justCollected``, a page's ``displayName``);
    * messages that are output only (``endInteraction``, ``mixedAudio``, ``allowPlaybackInterruption``) and
      ``responseType``, which v3beta1 does not know;
    * an empty list of variants, an output audio text without a source, a null beside the one kind of a message;
    * a form parameter without its name, a tool call without tool or action, an audio clip without its place;
    * enums as numbers, and the other values that protobuf converts to a field's type;
    * a page, flow or phone number of another form, and SSML that is not well-formed;
    * NaN and numbers beyond a double in a parameter or payload, which it reads and cannot print;
    * a member in both spellings at once, of which it takes the last;
    * an answer of more than 64 KiB.
    """
    body = strictly_read(answer)

    for version in KINDS if body is not None else ():
        assert same(official(body or b"", version), official(json.dumps(answer), version))


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_no_member_replaced_by_an_odd_value_is_accepted_here_alone(number: int) -> None:
    accepted = 0
    for new in ODD:
        for holder, key in places(answer := deepcopy(ANSWERS[number])):
            old, holder[key] = holder[key], new
            body = strictly_read(answer)
            if body is not None:
                accepted += 1
                assert same(official(body, "v3"), official(json.dumps(answer), "v3"))
            holder[key] = old

    assert accepted or not ANSWERS[number]


@pytest.mark.parametrize("name", [*NAMES, "newMember", ""])
@pytest.mark.parametrize("value", [None, "a", {}, [], True], ids=str)
def test_no_member_added_is_accepted_here_alone(name: str, value: Any) -> None:
    for answer in deepcopy(ANSWERS):
        for holder in holders(answer):
            if isinstance(holder, dict) and name not in holder:
                holder[name] = value
                body = strictly_read(answer)
                if body is not None:
                    assert same(official(body, "v3beta1"), official(json.dumps(answer), "v3beta1"))
                del holder[name]
