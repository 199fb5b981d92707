"""A WebhookRequest as the bytes that CX sends.

Captures show the output of Java's protobuf printer with Gson's escaping: every number is a double with a point, ``= < >
& '`` are escaped, lists of objects begin on their member's line, other characters are raw.
"""

import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any, Final

from cxfulfill.errors import ReplyError

_ESCAPED: Final = re.compile("[=<>&'\u2028\u2029]")
_INDENT: Final = "  "


def dumps(value: Any) -> bytes:
    """Write a value as CX does.

    Args:
        value: Objects, lists, texts, numbers, booleans and None.

    Returns:
        UTF-8 JSON.

    Raises:
        ReplyError: A text has a lone surrogate, or it is nested beyond all bounds: CX could not send it.
    """
    try:
        return _text(value, "").encode()
    except UnicodeEncodeError:
        raise ReplyError("the request", "has a text with a lone surrogate") from None
    except RecursionError:
        raise ReplyError("the request", "is nested too deep") from None


def number(value: float) -> str:
    """Write a number as Java's ``Double.toString`` does: ``9.0``, ``0.5``, ``1.25E7``.

    Args:
        value: A finite number.

    Returns:
        Its text.
    """
    text = repr(float(value))
    mantissa, _, exponent = text.partition("e")
    if not exponent and (value == 0 or 1e-3 <= abs(value) < 1e7):
        return text
    sign, digits, power = _scientific(mantissa, int(exponent or 0))
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{power}"


def _scientific(mantissa: str, exponent: int) -> tuple[str, str, int]:
    """Give sign, significant digits and power of ten of a number that is not 0."""
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    return sign, digits.rstrip("0"), exponent + len(whole) - 1 - leading


def _text(value: Any, indent: str) -> str:
    if isinstance(value, str):
        return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", encode_basestring(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return _object(value, indent)
    if isinstance(value, Sequence):
        return f"[{', '.join(_text(item, indent) for item in value)}]"
    return number(value)


def _object(members: Mapping[str, Any], indent: str) -> str:
    inner = indent + _INDENT
    lines = ",\n".join(f"{inner}{_text(str(name), inner)}: {_text(value, inner)}" for name, value in members.items())
    return f"{{\n{lines}\n{indent}}}" if lines else f"{{\n{indent}}}"
