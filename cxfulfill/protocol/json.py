"""Strict JSON in, safe JSON out.

Parsing is done by jiter, the parser behind pydantic: UTF-8 only, no byte order mark, no duplicate members, no
``NaN`` or ``Infinity``, no lone surrogates, exact integers, and a fixed bound of 200 levels of nesting. jiter
reads a number beyond the range of a double as infinity; that is refused here.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from math import inf
from typing import Any, Final

import jiter

from cxfulfill.errors import BadRequest, ReplyError
from cxfulfill.protocol.values import NAMEABLE

MAX_REPLY_BYTES: Final = 65_536
"""The largest answer that CX reads, in bytes on the wire (64 KiB, Google's webhook page)."""

_MOST_LOOKED_INTO: Final = 2**21
"""Bytes of an answer that is too large up to which it is told what makes it so."""
_FREE: Final = ("parameters", "payload", "metadata", "inputParameters", "value")

_REASONS: Final = (
    ("Detected duplicate key", "json_duplicate_member", "has a member twice in one object"),
    ("recursion limit", "json_too_deep", "is nested too deep"),
    ("invalid unicode code point", "json_not_utf8", "is not UTF-8"),
    ("unexpected end of hex escape", "json_lone_surrogate", "has a lone surrogate"),
    ("lone leading surrogate", "json_lone_surrogate", "has a lone surrogate"),
    ("number out of range", "json_number_out_of_range", "has a number out of range"),
)
_TO_ZEROS: Final = bytes.maketrans(b"E+123456789", b"e0000000000")
_MANY_ZEROS: Final = b"0" * 200
_LONGEST_MANTISSA: Final = 402
"""Digits of a number, and a point, without so many in a row."""
_IN_FRONT_OF_NUMBERS: Final = b" \t\n\r[,:"
_MAX_LOOKS: Final = 16
_POSITION = re.compile(r"at line (\d+) column (\d+)$")

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def loads(data: bytes) -> Any:
    """Parse the body of a request.

    Args:
        data: The body, at most as large as the application allows.

    Returns:
        The value: ``dict``, ``list``, ``str``, ``int`` (exact), ``float`` (finite), ``bool`` or ``None``.

    Raises:
        BadRequest: It is not strict JSON. The reason is ``json_syntax``, ``json_duplicate_member``,
            ``json_too_deep``, ``json_not_utf8``, ``json_lone_surrogate`` or ``json_number_out_of_range``; the
            detail gives line and column, never a part of the body.
    """
    try:
        value = jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
    except ValueError as error:
        raise _refusal(str(error)) from None
    if _may_overflow(data) and _overflows(value):
        raise BadRequest(reason="json_number_out_of_range", detail="The body has a number out of range.")
    return value


def dumps(value: Any) -> bytes:
    """Encode a value as UTF-8 JSON without white space.

    Args:
        value: A value that `cxfulfill.protocol.values.to_json_value` made.

    Returns:
        The bytes.

    Raises:
        ReplyError: A text in it has a lone surrogate, which UTF-8 cannot hold; the error names the place.
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        raise _surrogate_error(value) from None


def bounded(body: bytes, what: str, *, is_free: bool = False) -> bytes:
    """Check that an answer is one that CX reads whole.

    Args:
        body: The answer.
        what: What it is, for the error.
        is_free: Whether it is of the user's own form, and not of CX's.

    Returns:
        The same.

    Raises:
        ReplyError: It has more than 65,536 bytes; the error names the part that most of them are in.
    """
    if len(body) > MAX_REPLY_BYTES:
        problem = f"has {len(body)} bytes on the wire, CX reads at most {MAX_REPLY_BYTES}"
        part = ""
        if len(body) <= _MOST_LOOKED_INTO:
            with suppress(ValueError):  # it is nested deeper than jiter reads
                part = _largest(jiter.from_json(body), len(body) // 2, is_free=is_free)
        raise ReplyError(what, f"{problem}; most of them are in {part}" if part else problem)
    return body


def _refusal(message: str) -> BadRequest:
    reason, problem = "json_syntax", "is not JSON"
    for start, code, words in _REASONS:
        if message.startswith(start):
            reason, problem = code, words
    position = _POSITION.search(message)
    where = f" at line {position[1]}, column {position[2]}" if position else ""
    return BadRequest(reason=reason, detail=f"The body {problem}{where}.")


def _may_overflow(data: bytes) -> bool:
    """Tell whether a number could be beyond the range of a double, by its text alone.

    That takes an exponent of three digits, or hundreds of digits in a row. Ids have such parts too, but in a text.
    """
    zeros = data.translate(_TO_ZEROS)
    at = zeros.find(b"0e000")
    for _ in range(_MAX_LOOKS):
        if at < 0:
            return _MANY_ZEROS in zeros
        before = zeros[max(0, at - _LONGEST_MANTISSA) : at + 1].rstrip(b"0.").removesuffix(b"-")
        if not before or before[-1] in _IN_FRONT_OF_NUMBERS:
            return True
        at = zeros.find(b"0e000", at + 5)
    return True


def _overflows(value: Any) -> bool:
    """Tell whether a number was beyond the range of a double, which jiter reads as infinity."""
    parts = [value]
    for part in parts:  # grows as it goes: every member of every object and list is looked at once
        kind = type(part)
        if kind is dict:
            parts.extend(part.values())
        elif kind is list:
            parts.extend(part)
        elif kind is float and part in (inf, -inf):
            return True
    return False


def _largest(value: Any, size: int, *, is_free: bool) -> str:
    """Tell the place of the part that has more than so many bytes, such as ``payload.cards``.

    What is inside a member of an object of free form is not told: it is data, and so may its names be.
    """
    for name, member in _members(value):
        if len(dumps(member)) > size:
            inner = "" if is_free else _largest(member, size, is_free=name in _FREE)
            return ReplyError(inner, "").under(name).field
    return ""


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    """Give the members of an object or a list, by the names that may stand in an error."""
    if isinstance(value, dict):
        return ((key if NAMEABLE.fullmatch(key) else "*", member) for key, member in value.items())
    return ((f"[{index}]", member) for index, member in enumerate(value if isinstance(value, list) else ()))


def _surrogate_error(value: Any) -> ReplyError:
    for name, member in _members(value):
        try:
            _encode(member).encode()
        except UnicodeEncodeError:
            return _surrogate_error(member).under(name)
    return ReplyError("", "has a lone surrogate, which UTF-8 cannot hold")
