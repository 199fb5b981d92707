"""What is different between two JSON values."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from cxfulfill.http import REDACTED
from cxfulfill.redaction import Redaction
from cxfulfill.simulator.state import same

Place = tuple[str | int, ...]
"""Names of members and numbers of items, from the outermost."""
NOTHING: Final = ...
"""What stands where there is no value."""
_ANY: Final = "*"
_PLAIN: Final = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Change:
    """A value that is another one, is new or is gone.

    Attributes:
        place: Where, such as ``sessionInfo.parameters.total``; empty for the whole.
        before: The value; ... for none.
        after: The value now; ... for none.
    """

    place: str
    before: Any
    after: Any


class Ignored:
    """Places that are not looked at, and all below them.

    Args:
        paths: Paths such as ``sessionInfo.parameters.reference`` or ``messages[0].text``; ``*`` is any one step.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = [tuple(step.rstrip("]") for step in path.replace("[", ".").split(".")) for path in paths]

    def __contains__(self, place: Place) -> bool:
        """Tell whether a place is one of them."""
        return any(
            len(path) == len(place) and all(step in (_ANY, str(own)) for step, own in zip(path, place, strict=True))
            for path in self._paths
        )


def changes(before: Any, after: Any, ignored: Ignored) -> list[Change]:
    """Compare a value of a recording with one of now.

    Args:
        before: The recorded value; what is redacted in it may be anything.
        after: The value now.
        ignored: Places that are not looked at.

    Returns:
        What is different; 3 and 3.0 are not.
    """
    # What the recording has left out of the value of then, it would leave out of that of now.
    real = {place for place, _, _ in _differences(before, Redaction().value(after), (), ignored)}
    found = _differences(before, after, (), ignored)
    return [Change(_shown(place), old, new) for place, old, new in found if place in real]


def _differences(before: Any, after: Any, place: Place, ignored: Ignored) -> Iterator[tuple[Place, Any, Any]]:
    if place in ignored:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from _differences(before.get(name, NOTHING), after.get(name, NOTHING), (*place, name), ignored)
    elif isinstance(before, list) and isinstance(after, list):
        for index, (old, new) in enumerate(zip_longest(before, after, fillvalue=NOTHING)):
            yield from _differences(old, new, (*place, index), ignored)
    elif not _same(before, after):
        yield place, before, after


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, str) and isinstance(after, str) and REDACTED in before:
        return _is_filled(before.split(REDACTED), after)
    return same(before, after)


def _is_filled(kept: list[str], text: str) -> bool:
    """Tell whether a text is these parts in order, with anything between them; in one go, unlike a pattern."""
    first, *between, last = kept
    place = len(first)
    for part in between:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return text.startswith(first) and text.endswith(last) and place + len(last) <= len(text)


def _shown(place: Place) -> str:
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text
