"""Conditions of routes, as far as recorded parameters decide them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

_COMPARISON: Final = re.compile(
    r"""\$(?:session\.params\.(?P<name>[\w-]+)|request\.payload\.[\w.-]+)\s*(?P<sign>!=|<=|>=|=|<|>)\s*
        (?P<value>null|true|false|"[^"\\]*"|-?\d+(?:\.\d+)?)""",
    re.VERBOSE,
)
_STATUS: Final = re.compile(r"""\$page\.params\.status\s*(?P<sign>!?=)\s*"FINAL\"""")
# A run of white space is looked at from its beginning alone, else a long one takes the square of its length.
_OR: Final = re.compile(r"(?<!\s)\s++OR\s+")
_AND: Final = re.compile(r"(?<!\s)\s++AND\s+")
_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def holds(condition: str, parameters: Mapping[str, Any], *, is_filled: bool) -> bool | None:
    """Tell whether a condition holds.

    Comparisons of session parameters with a value, and of the form's status with ``FINAL``, are understood, and both
    joined by ``AND`` and ``OR``; no parentheses and no functions. A test case has no payload, so that there is nothing
    in ``$request.payload``.

    Args:
        condition: The condition; an empty one holds.
        parameters: The session parameters.
        is_filled: Whether the page's form is filled.

    Returns:
        Whether it does; None where that cannot be told.
    """
    told = (_all(part, parameters, is_filled=is_filled) for part in _OR.split(condition))
    return _joined(told, decides=True)


def _all(condition: str, parameters: Mapping[str, Any], *, is_filled: bool) -> bool | None:
    parts = _AND.split(condition)
    return _joined((_one(part.strip(), parameters, is_filled=is_filled) for part in parts), decides=False)


def _joined(told: Iterable[bool | None], *, decides: bool) -> bool | None:
    found = set(told)
    if decides in found:
        return decides
    return None if None in found else not decides


def _one(condition: str, parameters: Mapping[str, Any], *, is_filled: bool) -> bool | None:
    if condition in ("", "true", "false"):
        return condition != "false"
    if status := _STATUS.fullmatch(condition):
        return is_filled == (status["sign"] == "=")
    found = _COMPARISON.fullmatch(condition)
    if found is None:
        return None
    value, wanted = parameters.get(found["name"] or ""), json.loads(found["value"])
    if found["sign"] in _ORDERS:
        one, other = _number(value), _number(wanted)
        return None if one is None or other is None else _ORDERS[found["sign"]](one, other)
    is_same = _is_same(value, wanted)
    return None if is_same is None else is_same == (found["sign"] == "=")


def _is_same(value: Any, wanted: Any) -> bool | None:
    if value is None or wanted is None:
        return value is wanted
    if type(value) is type(wanted) or None not in (_number(value), _number(wanted)):
        # Texts that differ in case alone are left to CX.
        is_near = str(value).lower() == str(wanted).lower()
        return True if value == wanted else None if is_near else False
    return None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
