"""Where a date and time is: an offset from UTC, or a time zone by name."""

import re
from contextlib import suppress
from datetime import timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cxfulfill.parameters.numbers import MAX_TEXT
from cxfulfill.parameters.refusals import EntityError

_OFFSET: Final = r"-?[0-9]{1,5}(?:\.[0-9]{1,9})?s"
_ZONE: Final = r"(?a)[A-Z][\w+-]*(?:/[\w+-]+)*"


def zone_of(parts: dict[str, Any]) -> tzinfo | None:
    """Read ``utcOffset`` and ``timeZone`` of a date and time.

    Args:
        parts: CX's object.

    Returns:
        The offset, else the time zone; None where neither was given.

    Raises:
        EntityError: ``not_a_date_time``: the offset is none of less than a day, or the zone is not known.
    """
    offset, zone = parts.get("utcOffset"), parts.get("timeZone")
    if offset is not None or zone is None:
        return None if offset is None else _offset(offset)
    name = zone.get("id") if isinstance(zone, dict) else None
    if isinstance(name, str) and len(name) <= MAX_TEXT and re.fullmatch(_ZONE, name):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):  # OSError: it is a directory, such as "Europe"
            return ZoneInfo(name)
    raise EntityError("not_a_date_time")


def _offset(value: Any) -> timezone:
    if isinstance(value, str) and re.fullmatch(_OFFSET, value):
        offset = timedelta(seconds=float(value[:-1]))
        if abs(offset) < timedelta(days=1):
            return timezone(offset)
    raise EntityError("not_a_date_time")
