"""What is read without models is what the models would have read, or refused."""

import copy
import json
import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cxfulfill import BadRequest, Context, WebhookRequest
from cxfulfill.protocol.sent import Sent, built, read_sent, sent_of, validator
from cxfulfill.testing import make_context
from tests.protocol.test_request import FULL, MODELS, example, replaced
from tests.strategies.json_values import REQUESTS, TEXTS, json_values, mutated

NAMES = st.sampled_from(
    sorted(
        {
            name
            for model in MODELS.values()
            for info in model.model_fields.items()
            for name in (info[0], info[1].alias or "")
        }
    )
)
FULL_AS_READ: Sent = sent_of(built(FULL))


def documented(request: Any) -> Any:
    """The members of models that were set, without the unknown ones."""
    if isinstance(request, list):
        return [documented(each) for each in request]
    if isinstance(request, dict):
        return {name: documented(each) for name, each in request.items()}
    if not hasattr(request, "model_fields_set"):
        return request
    names = request.model_fields_set & set(type(request).model_fields)
    return {name: documented(getattr(request, name)) for name in names}


def outcome(read: Any, value: Any) -> tuple[Any, Any]:
    """What was read, or where and why the value was refused."""
    try:
        return documented(read(value)), None
    except ValidationError as error:
        places = {(each["loc"], each["type"].replace("model_type", "dict_type")) for each in error.errors()}
        return None, places


@given(mutated(st.sampled_from([FULL, FULL_AS_READ, *map(json.loads, (p.read_text() for p in REQUESTS))]),
               st.tuples(NAMES | TEXTS, json_values())))  # fmt: skip
def test_whatever_is_sent_is_read_or_refused_as_the_models_do(value: Any) -> None:
    if not isinstance(value, dict):
        return
    assert outcome(validator().validate_python, value) == outcome(WebhookRequest.model_validate, value)


@pytest.mark.parametrize("both", [("sessionInfo", "session_info"), ("session_info", "sessionInfo")])
def test_cx_s_own_name_counts_where_a_member_has_both(both: tuple[str, str]) -> None:
    values = {"sessionInfo": {"session": "a"}, "session_info": {"session": "b"}}
    body = json.dumps({name: values[name] for name in both}).encode()

    value, sent = read_sent(body)

    assert sent == {"session_info": {"session": "a"}}
    assert documented(built(value)) == sent


@given(mutated(st.sampled_from([FULL, FULL_AS_READ]), st.tuples(NAMES | TEXTS, json_values())))
def test_what_a_request_says_that_was_sent_is_what_was_read_of_it(value: Any) -> None:
    try:
        sent = validator().validate_python(value)
    except ValidationError:
        return
    assert sent_of(built(value)) == sent


@pytest.mark.parametrize("other", [{"session": "b"}, 5])
def test_a_member_that_does_not_count_is_none_of_a_context_made_of_a_request_either(other: object) -> None:
    value, sent = read_sent(json.dumps({"sessionInfo": {"session": "a"}, "session_info": other}).encode())

    assert sent_of(built(value)) == sent


def test_a_context_made_of_a_request_tells_what_one_of_a_call_does() -> None:
    value, sent = read_sent(json.dumps(FULL).encode())
    by_hand = replace(example("form"), request=built(value))
    called = object.__new__(Context)
    called.__dict__.update({**by_hand.__dict__, "_body": value, "sent": sent})
    del called.__dict__["request"]
    names = [name for name, member in vars(Context).items() if isinstance(member, property) and name != "log"]

    assert {name: getattr(called, name) for name in names} == {name: getattr(by_hand, name) for name in names}
    assert called.request == by_hand.request
    assert called.request is called.request
    assert called == by_hand


def test_a_context_can_be_copied_before_anybody_looked_at_its_request() -> None:
    value, sent = read_sent(json.dumps(FULL).encode())
    ctx = make_context()
    called = object.__new__(Context)
    called.__dict__.update({**ctx.__dict__, "_body": value, "sent": sent})
    del called.__dict__["request"]

    copies = [copy.copy(called), copy.deepcopy(replace(called, deadline=None))]  # type: ignore[arg-type]

    assert [each.tag for each in copies] == ["t", "t"]
    assert copies[0].request == built(FULL)
    assert pickle.loads(pickle.dumps(copies[0].sent)) == sent


def test_a_context_has_no_other_attributes() -> None:
    ctx = make_context()

    with pytest.raises(AttributeError, match="'Context' object has no attribute 'request_info'"):
        _ = ctx.request_info  # type: ignore[attr-defined]


def test_a_refusal_names_the_first_member_that_is_wrong() -> None:
    with pytest.raises(BadRequest) as caught:
        read_sent(json.dumps(replaced(("pageInfo", "formInfo", "parameterInfo", 0, "required"), 1)).encode())

    assert caught.value.detail == "pageInfo.formInfo.parameterInfo[0].required: must be true or false."
