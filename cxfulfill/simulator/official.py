"""Reads an answer with Google's own message types, where they are installed."""

from collections.abc import Callable
from importlib import import_module
from itertools import zip_longest
from typing import Any

from cxfulfill.errors import CxFulfillError
from cxfulfill.simulator.findings import Version


class OfficialRefusal(CxFulfillError):
    """The official parser does not take an answer, or cannot write what it read."""


def official_parser(version: Version) -> Callable[[Any], Any] | None:
    """Find the official way to read an answer.

    Args:
        version: The API's version.

    Returns:
        A function of the JSON value of an answer; it gives the answer as in a `cxfulfill.simulator.findings.Reading`,
        its members in no particular order, or raises `OfficialRefusal`. None where the package is not installed.
    """
    # By name: whoever imports the simulator does not depend on the package.
    try:
        kind = import_module(f"google.cloud.dialogflowcx_{version}").WebhookResponse.pb()
        json_format = import_module("google.protobuf.json_format")
    except ImportError:
        return None

    def parse(answer: Any) -> Any:
        try:
            return json_format.MessageToDict(json_format.ParseDict(answer, kind()))
        except Exception:  # it lets the exceptions of a value's conversion through, not only its own
            raise OfficialRefusal from None

    return parse


def ordered(value: Any, model: Any) -> Any:
    """Put the members of a value in the order of another one, since protobuf's maps have none.

    Args:
        value: The value.
        model: One of the same structure.

    Returns:
        The value; members that the other does not have come last.
    """
    if isinstance(value, dict):
        model = model if isinstance(model, dict) else {}
        names = [*(name for name in model if name in value), *(name for name in value if name not in model)]
        return {name: ordered(value[name], model.get(name)) for name in names}
    if isinstance(value, list):
        model = model if isinstance(model, list) else []
        return [ordered(item, like) for item, like in zip_longest(value, model[: len(value)])]
    return value
