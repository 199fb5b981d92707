"""The trace that a request belongs to, as the platform in front of the server names it.

A header that does not have the documented form is as good as none: nothing of it is believed, logged or sent on.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_MAX: Final = 128
"""Characters of a header that is looked at; the longest documented form has half as many."""
_W3C: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_CLOUD: Final = r"(?!0{32})([0-9a-fA-F]{32})(?:/([0-9]{1,20}))?(?:;o=([0-3]))?"


class Trace(NamedTuple):
    """A place in a trace.

    Attributes:
        trace_id: Id of the trace: 32 hexadecimal digits.
        span_id: Id of the caller's span: 16 hexadecimal digits; empty where it is not told.
        is_sampled: Whether the caller records the trace; None where it is not told.
    """

    trace_id: str
    span_id: str = ""
    is_sampled: bool | None = None


def read_trace(headers: Mapping[str, str]) -> Trace | None:
    """Read the trace of a request: ``traceparent`` (W3C Trace Context), else ``X-Cloud-Trace-Context``.

    Args:
        headers: Header fields by name in any case.

    Returns:
        The trace; None where no header holds a valid one.
    """
    value = headers.get("traceparent")
    if value and len(value) <= _MAX and (found := _W3C.fullmatch(value)):
        return Trace(found[1], found[2], bool(int(found[3], 16) & 1))
    value = headers.get("x-cloud-trace-context")
    if value and len(value) <= _MAX and (found := re.fullmatch(_CLOUD, value)):
        span = int(found[2] or 0)
        is_sampled = None if found[3] is None else bool(int(found[3]) & 1)
        return Trace(found[1].lower(), f"{span:016x}" if 0 < span < 1 << 64 else "", is_sampled)
    return None
