"""Any JSON value, and values that were right before a few members of them were changed."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from cxfulfill.protocol.values import MAX_DOUBLE

REQUESTS: Final = sorted((Path(__file__).parents[2] / "example_app" / "requests").glob("*.json"))
"""Calls as CX sends them, one of each kind."""

# Lone surrogates cannot be written as UTF-8.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-int(MAX_DOUBLE), int(MAX_DOUBLE)) | st.floats(allow_nan=False, allow_infinity=False)

_PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | NUMBERS | TEXTS


def json_values() -> SearchStrategy[Any]:
    """A value of any kind, nested a few levels."""
    return st.recursive(_PLAIN, _containers, max_leaves=12)


def nested(leaf: Any, levels: int, kinds: str = "[{") -> Any:
    """A leaf below as many levels of lists and objects, which take turns as ``kinds`` tells, innermost first."""
    for level in range(levels):
        leaf = [leaf] if kinds[level % len(kinds)] == "[" else {"a": leaf}
    return leaf


def _containers(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(values, max_size=4) | st.dictionaries(TEXTS, values, max_size=4)


@st.composite
def mutated(draw: st.DrawFn, good: SearchStrategy[Any], members: SearchStrategy[tuple[str, Any]]) -> Any:
    """A good value with one to three changes: a part replaced or removed, or a member added.

    A good value is an object or a list.
    """
    value = deepcopy(draw(good))
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, draw(st.sampled_from(list(holders(value)))), members)
    return value


def holders(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """Every object and list of a value."""
    if isinstance(value, dict | list):
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from holders(part)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a value: the object or list, and the name or index."""
    return [
        (holder, key)
        for holder in holders(value)
        for key in (list(holder) if isinstance(holder, dict) else range(len(holder)))
    ]


def parts(value: Any) -> list[tuple[str, Any]]:
    """Every member of every object of a value."""
    return [(key, holder[key]) for holder, key in places(value) if isinstance(holder, dict)]


def _change(draw: st.DrawFn, holder: dict[str, Any] | list[Any], members: SearchStrategy[tuple[str, Any]]) -> None:
    name, part = draw(members)
    keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    what = draw(st.sampled_from(["add", "replace", "remove"] if keys else ["add"]))
    if what == "remove":
        del holder[draw(st.sampled_from(keys))]
    elif what == "replace":
        holder[draw(st.sampled_from(keys))] = deepcopy(part)
    elif isinstance(holder, dict):
        holder[name] = deepcopy(part)
    else:
        holder.append(deepcopy(part))


def example_requests() -> list[Any]:
    """The bodies of `REQUESTS`, parsed."""
    return [json.loads(path.read_bytes()) for path in REQUESTS]
