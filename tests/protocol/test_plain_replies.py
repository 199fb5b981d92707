"""Answers without kinds of messages, which are written without a model: the same bytes, the same refusals."""

import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from cxfulfill import Reply, ReplyError, Text, WebhookResponse
from cxfulfill.protocol.building import build
from cxfulfill.reply import is_response
from tests.strategies.json_values import TEXTS, json_values
from tests.strategies.replies import reply_arguments


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


PAGE = "projects/p/locations/l/agents/a/flows/f/pages/g"
FLOW = "projects/p/locations/l/agents/a/flows/f"
PARTS: dict[str, list[Any]] = {
    "parameters": [None, {"a": 1}, {"name": None}, {1: 2}, "a"],
    "form": [None, {}, {"day": None}, {"name": {"first": "Ada"}}, {"a": object()}, {1: "a"}, ["a"], {"\ud800": 1}],
    "invalid": [(), [], "day", ["day", "day"], ("name", "day"), [5], ["\ud800"]],
    "payload": [None, {}, {"a": [1]}, {"a": float("inf")}, ["a"], "a"],
    "merge": [None, "append", "replace", "REPLACE", ["append"], 5, ""],
    "target_page": [None, PAGE, FLOW, PAGE + "\n", "", 5],
    "target_flow": [None, FLOW, PAGE, FLOW + "/", 5],
}
"""What a Reply may be given, and what it may not."""


def by_models(*messages: Any, **given: Any) -> bytes:
    """Write an answer by models alone."""
    refused = given.get("invalid") or ()
    return build(
        messages,
        given.get("parameters") or {},
        given.get("form") or {},
        [refused] if isinstance(refused, str) else list(refused),
        given.get("merge"),
        {name: given.get(name) for name in ("payload", "target_page", "target_flow")},
    ).encode()


def outcome(write: Callable[[], bytes]) -> bytes | str:
    try:
        return write()
    except ReplyError as refused:
        return str(refused)


@given(st.sampled_from([(), ("a",), (["a", "b"], "c"), (("a", "b"),), ([],)]), st.fixed_dictionaries({}, optional={
    name: st.sampled_from(values) for name, values in PARTS.items()
}))  # fmt: skip
def test_whatever_it_is_given_is_written_or_refused_as_the_model_does(
    messages: tuple[Any, ...], given: dict[str, Any]
) -> None:
    assert outcome(lambda: Reply(*messages, **given).encode()) == outcome(lambda: by_models(*messages, **given))


@given(reply_arguments())
def test_an_answer_that_cx_takes_is_the_same_bytes_and_the_same_model(given: tuple[list[Any], dict[str, Any]]) -> None:
    messages, others = given
    reply = Reply(*messages, **others)
    written = outcome(reply.encode)

    assert written == outcome(lambda: by_models(*messages, **others)) == outcome(reply.response.encode)
    assert [type(each) for each in reply.messages if each.text] == [
        type(each) for each in Reply(*messages, Text("a"), **others).messages[:-1] if each.text
    ]


def test_names_that_are_given_once_are_read_once() -> None:
    def names() -> Any:
        yield from ("day", "guests")

    assert Reply(invalid=names()).encode() == Reply(invalid=["day", "guests"]).encode()


def test_answers_that_need_no_models_load_none() -> None:
    program = f"""
import sys
from cxfulfill import Reply
from cxfulfill.reply import encode_reply
encode_reply(None, None), encode_reply(None, "a")
Reply(["a", "b"], ("c",), parameters={{"a": 1}}, form={{"b": 2}}, invalid=["c"], payload={{"d": [3]}},
      target_page={PAGE!r}, merge="replace").encode()
Reply(target_flow={FLOW!r}).encode()
print(*(name for name in sys.modules if name.startswith("cxfulfill.protocol")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"cxfulfill.protocol.response", "cxfulfill.protocol.messages"} & set(done.stdout.split())


class Way(str, Enum):  # noqa: UP042 - StrEnum has another text
    """Whose own text is another one than what it is equal to."""

    APPEND = "append"


class Empty(Enum):
    NONE = None


class Alike(dict[str, Any]):
    """Equal to all there is."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class Incomparable(dict[str, Any]):
    def __eq__(self, other: object) -> bool:
        raise ValueError("neither true nor false")

    __hash__ = None


ODD: list[dict[str, Any]] = [
    {"merge": Way.APPEND}, {"form": {"a": Empty.NONE}}, {"payload": Alike(a=1)}, {"payload": Incomparable(a=1)},
    {"target_page": Way.APPEND}, {"invalid": [Way.APPEND]},
]  # fmt: skip


@pytest.mark.parametrize("given", ODD)
def test_what_is_nearly_a_plain_value_is_written_as_the_models_write_it(given: dict[str, Any]) -> None:
    assert outcome(lambda: Reply("a", **given).encode()) == outcome(lambda: by_models("a", **given))


def test_a_merge_is_sent_by_its_value() -> None:
    assert b'"mergeBehavior":"APPEND"' in Reply("a", merge=Way.APPEND).encode()  # type: ignore[arg-type]


def test_a_value_of_no_response_is_none_while_another_thread_loads_what_a_response_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "cxfulfill.protocol.response"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))  # as far as an import has come at its beginning
    assert not is_response({})
