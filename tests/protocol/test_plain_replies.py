"""Answers of texts and parameters, which are written without a model: the same bytes, the same refusals."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from cxfulfill import Reply, ReplyError, Text, WebhookResponse
from tests.strategies.json_values import TEXTS, json_values


def through_models(*texts: list[str], parameters: dict[str, Any] | None = None) -> bytes:
    members: dict[str, Any] = {}
    if texts:
        members["fulfillmentResponse"] = {"messages": [{"text": {"text": list(each)}} for each in texts]}
    if parameters:
        members["sessionInfo"] = {"parameters": parameters}
    return WebhookResponse.from_json(members).encode()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(), through_models()),
        (Reply("Hello"), through_models(["Hello"])),
        (Reply("Grüß Gott 🙂", ["a", "b"]), through_models(["Grüß Gott 🙂"], ["a", "b"])),
        (Reply("a", parameters={}), through_models(["a"])),
        (Reply(parameters={"n": 1.5, "none": None}), through_models(parameters={"n": 1.5, "none": None})),
        (Reply("a", parameters={"big": 2**60}), through_models(["a"], parameters={"big": 2**60})),
    ],
)
def test_the_bytes_are_those_of_the_model(reply: Reply, expected: bytes) -> None:
    assert reply.encode() == expected == reply.response.encode()


def test_the_model_is_there_all_the_same() -> None:
    reply = Reply("a", ["b", "c"], parameters={"n": 1})
    assert reply.messages == (Text("a"), Text("b", "c"))
    assert reply.texts == [["a"], ["b", "c"]]
    assert reply.parameters == {"n": 1}
    assert reply == Reply(Text("a"), Text("b", "c"), parameters={"n": 1})
    assert hash(reply) == hash(Reply(Text("a"), Text("b", "c"), parameters={"n": 1}))
    assert Reply() == Reply()


def test_what_is_changed_afterwards_is_not_sent() -> None:
    variants, parameters = ["a"], {"list": [1]}
    reply = Reply(variants, parameters=parameters)
    variants.append("b")
    parameters["list"].append(2)
    assert reply.encode() == through_models(["a"], parameters={"list": [1]})


@pytest.mark.parametrize("variants", ["\ud800", ["a", "b\udfff"]])
def test_a_text_that_utf_8_cannot_hold_is_named(variants: str | list[str]) -> None:
    with pytest.raises(ReplyError) as refused:
        Reply(variants).encode()
    assert refused.value.field.startswith("fulfillmentResponse.messages[0].text.text")


def test_such_a_parameter_is_named() -> None:
    with pytest.raises(ReplyError) as refused:
        Reply("a", parameters={"name": "\ud800"}).encode()
    assert refused.value.field.endswith("parameters.name")


@pytest.mark.parametrize("parameters", [{"a": object()}, {"a": float("nan")}, {1: "a"}, ["a"], "a"])
def test_parameters_that_cx_would_refuse_are_refused_as_before(parameters: Any) -> None:
    with pytest.raises(ReplyError) as refused:
        Reply("a", parameters=parameters)
    assert refused.value.field.startswith("sessionInfo.parameters")


class _Pairs:
    def items(self) -> list[tuple[str, int]]:
        return [("a", 1)]


class _Items(BaseModel):
    items: list[int] = [1]


@pytest.mark.parametrize("parameters", [_Pairs(), _Items()])
def test_parameters_that_are_no_mapping_are_refused_whatever_their_items_are(parameters: Any) -> None:
    with pytest.raises(ReplyError, match=r"sessionInfo\.parameters must be an object"):
        Reply("a", parameters=parameters)


def test_what_is_sent_is_what_a_look_at_it_shows() -> None:
    """Middleware may write into the lists and objects of an answer."""
    reply = Reply("a", parameters={"names": ["b"]})
    reply.parameters["names"].append("c")
    reply.texts[0].append("d")
    assert reply.encode() == reply.response.encode() == through_models(["a", "d"], parameters={"names": ["b", "c"]})


def test_an_answer_that_is_too_large_is_refused() -> None:
    with pytest.raises(ReplyError):
        Reply("a" * 65_536).encode()


@given(st.dictionaries(TEXTS, json_values(), max_size=4))
def test_any_parameters_are_written_as_the_model_writes_them(parameters: dict[str, Any]) -> None:
    assert Reply("a", parameters=parameters).encode() == through_models(["a"], parameters=parameters)
