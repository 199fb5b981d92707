"""What CX puts in place of the references to session parameters in a webhook's settings (Google's webhook page).

System functions, which a header's value may have too (``$sys.func.RAND()``), are not computed here: they stay.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

from cxfulfill.errors import ConfigurationError

Place = Literal["url", "header", "body"]
"""Where a reference stands."""

_REFERENCE: Final = re.compile(r"\$session\.params\.([\w-]+)((?:\.[\w-]+)*)")
_EXACT: Final = 2**53
_NO_VALUE: Final = object()


def substituted(template: str, parameters: Mapping[str, Any], into: Place) -> str:
    """Put the values of session parameters in place of the references to them.

    A reference is ``$session.params.NAME``, or ``$session.params.NAME.FIELD`` for a member of a composite value; one
    without a value stays. In a URL values are escaped, and lists and objects are JSON. In a body a number, list or
    object takes the quotes around its reference away; within longer text it is written out.

    Args:
        template: The text with references; for a body, JSON.
        parameters: The session parameters.
        into: Where it stands.

    Returns:
        The text.

    Raises:
        ConfigurationError: The template of a body is no JSON.
    """
    if into == "body":
        try:
            body = json.loads(template)
        except (ValueError, RecursionError):
            raise ConfigurationError("the template of a body must be JSON, with each reference in quotes") from None
        return json.dumps(_filled(body, parameters))
    return _written(template, parameters, escaped=into == "url")


def _written(template: str, parameters: Mapping[str, Any], *, escaped: bool = False) -> str:
    def value_of(found: re.Match[str]) -> str:
        value, rest = _value(found, parameters)
        if value is _NO_VALUE:
            return found[0]
        return (quote(_text(value), safe="") if escaped else _text(value)) + rest

    return _REFERENCE.sub(value_of, template)


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(member, parameters) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, parameters) for member in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        found, rest = _value(whole, parameters)
        if found is not _NO_VALUE and not rest:
            return found
    return _written(value, parameters)


def _value(found: re.Match[str], parameters: Mapping[str, Any]) -> tuple[Any, str]:
    """Give the value of a reference, and what is text behind it: a value that is no object has no members."""
    value, rest = parameters.get(found[1], _NO_VALUE), found[2]
    while rest and isinstance(value, Mapping):
        name, dot, behind = rest[1:].partition(".")
        value, rest = value.get(name, _NO_VALUE), dot + behind
    return value, rest


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    # Every number is a double in CX; Google's page writes 3 where one is whole.
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return json.dumps(int(value) if is_whole else value, ensure_ascii=False)
