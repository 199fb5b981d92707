"""The values of a flexible call: from path, query, headers and body into one set of parameters."""

import re
from collections.abc import Collection, Mapping
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qsl

from cxfulfill.errors import BadRequest
from cxfulfill.parameters.base import UNNAMED
from cxfulfill.protocol import json

_UNRESOLVED: Final = r"\$session\.params\.\S+"
"""A reference that stands where its value should: CX had none."""
_MAX_QUERY: Final = 1_000


def read_query(query: str) -> dict[str, str]:
    """Read a query string.

    Args:
        query: As sent: CX escapes the values that it puts in.

    Returns:
        Values by name, without unresolved references.

    Raises:
        BadRequest: It is not escaped UTF-8, has more than 1,000 values (``query_syntax``), or a name twice
            (``repeated_parameter``): which one is meant nobody can tell.
    """
    try:
        query.encode("ascii")
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MAX_QUERY)
    except ValueError:
        raise BadRequest(reason="query_syntax", detail="The query is not UTF-8, or has too many values.") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadRequest(reason="repeated_parameter", detail="The query has a parameter twice.")
    return {name: value for name, value in pairs if not is_unresolved(value)}


def read_headers(headers: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Take the chosen header fields.

    Args:
        headers: The request's fields.
        names: Parameter by the field's name.

    Returns:
        Values by parameter, without unresolved references.
    """
    found = {parameter: _text(headers[name]) for name, parameter in names.items() if name in headers}
    return {parameter: value for parameter, value in found.items() if not is_unresolved(value)}


def resolved(value: Any) -> Any:
    """Leave unresolved references out of a JSON body.

    Args:
        value: The body.

    Returns:
        The same, without the members whose value is one; in a list it is null, and so is the whole body.
    """
    if isinstance(value, dict):
        return {name: resolved(member) for name, member in value.items() if not is_unresolved(member)}
    if isinstance(value, list):
        return [resolved(member) for member in value]
    return None if is_unresolved(value) else value


def is_unresolved(value: object) -> bool:
    """Tell whether a value is a reference that CX left as it is, since the session has no such parameter.

    Args:
        value: The value.

    Returns:
        Whether it is.
    """
    return isinstance(value, str) and re.fullmatch(_UNRESOLVED, value) is not None


def mentions_reference(value: str) -> bool:
    """Tell whether a text holds such a reference: in every session that lacks the parameter it is the same.

    Args:
        value: The text.

    Returns:
        Whether it does.
    """
    return "$session.params." in value


def merge(parts: Collection[Mapping[str, Any]], known: Collection[str], synonyms: Mapping[str, str]) -> dict[str, Any]:
    """Put the values of several places together.

    Args:
        parts: The values of each place.
        known: Names that may be shown.
        synonyms: First names by other ones.

    Returns:
        All values.

    Raises:
        BadRequest: A parameter comes from two places, or by two names (``conflicting_parameter``).
    """
    merged: dict[str, Any] = {}
    seen: set[str] = set()
    for name, value in chain.from_iterable(part.items() for part in parts):
        first = synonyms.get(name, name)
        if first in seen:
            detail = f"A parameter comes more than once: {first if first in known else UNNAMED}."
            raise BadRequest(reason="conflicting_parameter", detail=detail)
        seen.add(first)
        merged[name] = value
    return merged


def parse_structures(values: dict[str, str], names: Collection[str]) -> dict[str, Any]:
    """Read the lists and objects that CX writes as JSON into a query.

    Args:
        values: Values by name.
        names: Those that take lists or objects; text that is no JSON is left for the schema to refuse.

    Returns:
        The values, the named ones parsed where they are JSON.
    """
    return {name: _structure(value) if name in names else value for name, value in values.items()}


def _structure(text: str) -> Any:
    if text != "null" and not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return resolved(json.loads(text.encode()))
    except BadRequest:
        return text


def _text(value: str) -> str:
    # Servers hand fields over as ISO 8859-1 (PEP 3333); CX writes UTF-8.
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
