"""Which part of a flexible webhook's answer goes into which session parameter.

CX applies the mapping (``GenericWebService.parameterMapping``); here it is checked, so that a path that can find
nothing is found out when the module is imported and not in a conversation.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.parameters.shapes import Shape
from cxfulfill.structures import structure

_NAME: Final = r"(?:\$flow\.)?[\w-]+"
_SEGMENT: Final = r"\['(?P<name>(?:[^'\\]|\\(?s:.))*)'\]|\[(?P<index>-?\d+)\]"
_SINGULAR: Final = rf"\$(?:{_SEGMENT})*"
_ESCAPE: Final = r'\\(?s:.)|"'
_BARE: Final = r"[\w.\[\]-]+"


@structure
class SingularPath:
    """A path that finds one value at most (singular query, RFC 9535 2.3.5.1).

    Attributes:
        text: As it is entered in CX.
        steps: Names of members and indexes of lists.
    """

    text: str
    steps: tuple[str | int, ...]

    def select(self, value: Any) -> list[Any]:
        """Take what is at the path.

        Args:
            value: A value of JSON.

        Returns:
            The one value, or nothing.
        """
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(value, dict) or step not in value:
                    return []
            elif not isinstance(value, list) or not -len(value) <= step < len(value):
                return []
            value = value[step]
        return [value]


def read_mapping(given: Mapping[str, str] | None, shape: Shape | None) -> dict[str, SingularPath]:
    """Check a ``mapping=``.

    Args:
        given: Paths by the parameters that CX sets: ``{"order_status": "$.status"}``.
        shape: What the response schema says; None where there is none.

    Returns:
        The paths.

    Raises:
        ConfigurationError: A name or path is wrong, finds more than one value, or the schema has nothing there.
    """
    if not isinstance(given, Mapping | None):
        raise ConfigurationError('mapping= takes the path by parameter: {"order_status": "$.status"}')
    paths = {}
    for name, text in (given or {}).items():
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            raise ConfigurationError(f"mapping: {name!r} is no parameter's name, such as order_status or $flow.status")
        paths[name] = path = read_path(text)
        if shape is not None:
            _check(path, shape)
    return paths


def read_path(text: str) -> SingularPath:
    """Read a path.

    Args:
        text: Such as ``$.routes[0].legs[0].distance.value``.

    Returns:
        The path.

    Raises:
        ConfigurationError: It is no path of RFC 9535, or finds more than one value.
    """
    # Only who maps answers pays for the import.
    from jsonpath_rfc9535 import JSONPathError, compile  # noqa: A004, PLC0415

    if not isinstance(text, str):
        raise ConfigurationError("mapping: a path is text, such as $.status")
    try:
        query = compile(text)
    except JSONPathError as error:
        hint = f"; write $.{text}" if re.fullmatch(_BARE, text) else ""
        raise ConfigurationError(f"mapping: {text!r} is no path of RFC 9535: {error.args[0]}{hint}") from None
    # By its canonical text, the one form of a query that all releases of the library show.
    canonical = str(query)
    if not re.fullmatch(_SINGULAR, canonical):
        raise ConfigurationError(f"mapping: {text!r} may find several values; take names and single indexes only")
    return SingularPath(text, tuple(_step(found) for found in re.finditer(_SEGMENT, canonical)))


def _step(segment: re.Match[str]) -> str | int:
    """Read a segment: an index, or a name with the escapes of JSON but for its quotes."""
    name: str | None = segment["name"]
    if name is None:
        return int(segment["index"])
    told: str = json.loads(f'"{re.sub(_ESCAPE, _requoted, name)}"')
    return told


def _requoted(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])


def _check(path: SingularPath, shape: Shape) -> None:
    for step in path.steps:
        found = shape.below(step)
        if found is None:
            names = sorted({name for each in shape.alternatives for name in each.schema.get("properties", ())})
            there = f"there are {', '.join(names)}" if names else "there is nothing"
            raise ConfigurationError(f"mapping: the response schema has no {step!r} for {path.text!r}; {there}")
        shape = found
