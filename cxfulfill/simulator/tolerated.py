"""What is in no documentation of an answer, and known to pass in the real service."""

from collections.abc import Iterator
from typing import Any, Final

from cxfulfill.simulator.findings import Finding, Version
from cxfulfill.simulator.schema import snake

_PASSES: Final = "is in no documentation of an answer, and is known to pass"
_MESSAGES: Final = ("fulfillmentResponse", "messages", "[]")
_PARAMETERS: Final = ("pageInfo", "formInfo", "parameterInfo", "[]")


def take_out(answer: Any, version: Version) -> list[Finding]:
    """Remove what no official message type knows and CX takes all the same.

    Args:
        answer: The JSON value of an answer; changed.
        version: The API's version.

    Returns:
        A warning for each.
    """
    places: list[str] = []
    for message, place in _holders(answer, _MESSAGES):
        places += _without(message, "source", place)
        if version == "v3beta1":
            places += _without(message, "responseType", place)
    for text, place in _holders(answer, (*_MESSAGES, "text")):
        places += _without(text, "redactedText", place)
    for parameter, place in _holders(answer, _PARAMETERS):
        if parameter.get("state") == "VALID":
            places += _without(parameter, "state", place)
    return [Finding(place, _PASSES, "warning") for place in places]


def _without(holder: dict[str, Any], name: str, place: str) -> list[str]:
    if name not in holder:
        return []
    del holder[name]
    return [f"{place}.{name}"]


def _holders(part: Any, path: tuple[str, ...], place: str = "") -> Iterator[tuple[dict[str, Any], str]]:
    """Find the objects at a path, by either spelling of its names."""
    if not path:
        if isinstance(part, dict):
            yield part, place
        return
    name, rest = path[0], path[1:]
    if name == "[]" and isinstance(part, list):
        for index, item in enumerate(part):
            yield from _holders(item, rest, f"{place}[{index}]")
    elif isinstance(part, dict):
        for spelling in dict.fromkeys((name, snake(name))):
            yield from _holders(part.get(spelling), rest, f"{place}.{name}" if place else name)
