"""The selection of a mapping agrees with the RFC 9535 library, on any document and any path."""

import json
from contextlib import suppress
from typing import Any

import jsonpath_rfc9535
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import ConfigurationError
from cxfulfill.mapping import read_path

NAMES = st.sampled_from(["a", "b", "é", "a b", "0", "", "'", '"', "\\", "\n", "$"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
STEPS = st.lists(NAMES | st.integers(-4, 3), max_size=5)


def bracketed(steps: list[str | int]) -> str:
    return "$" + "".join(f"[{json.dumps(step)}]" for step in steps)


@given(DOCUMENTS, STEPS)
def test_selection_agrees_with_the_library(document: Any, steps: list[str | int]) -> None:
    path = read_path(bracketed(steps))
    assert path.steps == tuple(steps)
    assert path.select(document) == jsonpath_rfc9535.find(path.text, document).values()


@given(DOCUMENTS, st.text("$.[]'\"abc0123*:,?@ -", max_size=12))
def test_any_text_is_a_singular_path_or_a_sentence(document: Any, text: str) -> None:
    for given_text in (text, f"$.{text}", f"$[{text}]"):
        path = None
        with suppress(ConfigurationError):
            path = read_path(given_text)
        if path is not None:
            assert path.select(document) == jsonpath_rfc9535.find(given_text, document).values()
            continue
        with pytest.raises(ConfigurationError) as raised:
            read_path(given_text)
        assert str(raised.value).startswith(f"mapping: {given_text!r} ")


def test_the_documented_example() -> None:
    answer = {"routes": [{"legs": [{"distance": {"text": "3,321 km", "value": 3321004}}]}]}
    assert read_path("$.routes[0].legs[0].distance.value").select(answer) == [3321004]


@pytest.mark.parametrize(("path", "found"), [("$.a", [{"b": [1, None]}]), ("$.a.b", [[1, None]]), ("$.a.b[1]", [None])])
def test_a_value_may_be_an_object_a_list_or_null(path: str, found: list[Any]) -> None:
    assert read_path(path).select({"a": {"b": [1, None]}}) == found
