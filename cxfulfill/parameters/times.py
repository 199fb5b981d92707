"""Dates and times of day, in the parts that CX gives: ``google.type.DateTime``'s, by the look of them."""

import re
from datetime import date, datetime, time
from typing import Any, Final

from typing_extensions import override

from cxfulfill.parameters.entity import NULL, TEXT, Entity, any_of, object_of, resolved
from cxfulfill.parameters.numbers import MAX_TEXT, integer
from cxfulfill.parameters.refusals import EntityError
from cxfulfill.parameters.zones import zone_of

_is_integer: Final = float.is_integer  # unbound: it raises ``TypeError`` for what is no double
_DATE_PARTS: Final = ("year", "month", "day")
_TIME_PARTS: Final = ("hours", "minutes", "seconds", "nanos")
_PARTS: Final = _DATE_PARTS + _TIME_PARTS
_GUESSES: Final = ("future", "past")
# Neither weeks nor days of the year nor digits alone: ``fromisoformat`` takes them, but no date was said like that.
_ISO_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_OFFSET: Final = r"(?:Z|[+-][0-9:.]+)?"
_ISO_TIME: Final = rf"T?[0-9]{{2}}:[0-9]{{2}}[0-9:.,]*{_ISO_OFFSET}"
_ISO_DATE_TIME: Final = rf"{_ISO_DATE}[T ][0-9:.,]+{_ISO_OFFSET}"


def read_date(value: Any) -> date:
    """Read ``@sys.date``.

    The object with ``year``, ``month`` and ``day`` is seen in public captures. Where the year was not said, CX may
    add ``future`` and ``past`` (complete dates) and ``partial`` (what was said): their use here is inferred, and so
    is 0 for a part that was not said, which is ``google.type.Date``'s. ISO 8601 text: the ES page "System entities".

    Args:
        value: The object, ISO 8601 text (``2026-03-14``), or a ``date``. A time of day beside it is left out.

    Returns:
        The date. What is missing is taken from ``future``, else ``past``, if it agrees with every part that was said.

    Raises:
        EntityError: ``not_a_date``, ``no_such_date``, ``date_incomplete``, or ``date_without_`` and the part.
    """
    value = resolved(value)
    if isinstance(value, dict):
        return _date(_complete(value, _DATE_PARTS, "not_a_date"), "not_a_date")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return _date_from_text(_text(value, "not_a_date"))


def read_time(value: Any) -> time:
    """Read ``@sys.time``: ``hours``, ``minutes``, ``seconds``, ``nanos``, as seen in public captures.

    ISO 8601 text, which may be a date-time: inferred from ES's dates.

    Args:
        value: The object, where parts other than the hours may be missing; ISO 8601 text; or a ``time``.

    Returns:
        The time on the clock, without an offset, cut to microseconds.

    Raises:
        EntityError: ``not_a_time``, ``no_such_time`` or ``time_without_hours``.
    """
    value = resolved(value)
    if isinstance(value, dict):
        return _time(value, "not_a_time", "not_a_time")
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    return _time_from_text(_text(value, "not_a_time"))


def read_date_time(value: Any) -> datetime:
    """Read ``@sys.date-time``: the parts of a date and of a time in one object. Not documented: inferred from both.

    ``utcOffset`` (seconds, such as ``7200s``) and ``timeZone`` (``{"id": "Europe/Berlin"}``) are
    ``google.type.DateTime``'s, which has one of them at most, and inferred; so is ISO 8601 text.

    Args:
        value: The object, ISO 8601 text, or a ``datetime``.

    Returns:
        The date and time; aware if an offset or a time zone was given. The offset decides where both were.

    Raises:
        EntityError: ``not_a_date_time``, ``date_time_without_time``, or as for `read_date` and `read_time`.
    """
    value = resolved(value)
    if isinstance(value, dict):
        parts = _complete(value, _PARTS, "not_a_date_time")
        clock = _time(parts, "not_a_date_time", "date_time_without_time")
        return datetime.combine(_date(parts, "not_a_date_time"), clock, zone_of(parts))
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        raise EntityError("date_time_without_time")
    return _date_time_from_text(_text(value, "not_a_date_time"))


def write_date(value: date) -> dict[str, int]:
    """Write a date.

    Args:
        value: The date.

    Returns:
        ``year``, ``month`` and ``day``.
    """
    return {"year": value.year, "month": value.month, "day": value.day}


def write_time(value: time) -> dict[str, int]:
    """Write a time of day.

    Args:
        value: The time. An offset is left out: CX's object has no place for it.

    Returns:
        ``hours``, ``minutes``, ``seconds`` and ``nanos``.
    """
    return {"hours": value.hour, "minutes": value.minute, "seconds": value.second, "nanos": value.microsecond * 1_000}


def write_date_time(value: datetime) -> dict[str, Any]:
    """Write a date and time.

    Args:
        value: The date and time.

    Returns:
        The parts of both; ``utcOffset`` (seconds, such as ``7200s``) if it is aware, in a time zone or not.
    """
    parts: dict[str, Any] = write_date(value) | write_time(value.time())
    offset = value.utcoffset()
    if offset is not None:
        parts["utcOffset"] = f"{offset.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"
    return parts


def _complete(parts: dict[str, Any], names: tuple[str, ...], code: str) -> dict[str, Any]:
    """Give the parts, with those that are missing from the first guess that agrees on ``names``."""
    if parts.get("year") and parts.get("month") and parts.get("day"):
        return parts
    said = _said(parts)
    partial = said.get("partial")
    if isinstance(partial, dict):
        said = _said(partial) | said
    for name in _GUESSES:
        guess = said.get(name)
        if isinstance(guess, dict) and _fills(guess, said, names):
            return guess | said
    missing = [part for part in _DATE_PARTS if part not in said]
    if len(missing) == 1:
        raise EntityError(f"date_without_{missing[0]}")
    if missing:
        raise EntityError("date_incomplete" if len(missing) == 2 else code)
    return said


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is null, and 0 but for a time's parts."""
    return {name: value for name, value in parts.items() if value or (value is not None and name in _TIME_PARTS)}


def _fills(guess: dict[str, Any], said: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Tell whether a guess has what is missing of a date, and of ``names`` no other part than was said."""
    for name in names:
        part = guess.get(name)
        is_there = part or (part is not None and name in _TIME_PARTS)
        if name not in said:
            if not is_there and name in _DATE_PARTS:
                return False
        elif is_there and part != said[name] and not _agree(part, said[name]):
            return False
    return True


def _agree(one: Any, other: Any) -> bool:
    try:
        return _whole(one, "not_a_date") == _whole(other, "not_a_date")
    except EntityError:
        return False


def _date(parts: dict[str, Any], code: str) -> date:
    try:
        return date(_whole(parts["year"], code), _whole(parts["month"], code), _whole(parts["day"], code))
    except (ValueError, OverflowError):
        raise EntityError("no_such_date") from None


def _time(parts: dict[str, Any], code: str, code_if_missing: str) -> time:
    hours, minutes, seconds, nanos = (parts.get(name) for name in _TIME_PARTS)
    if hours is None:
        raise EntityError(code_if_missing if minutes is seconds is nanos is None else "time_without_hours")
    try:
        return time(
            _whole(hours, code),
            0 if minutes is None else _whole(minutes, code),
            0 if seconds is None else _whole(seconds, code),
            0 if nanos is None else _whole(nanos, code) // 1_000,
        )
    except (ValueError, OverflowError):
        raise EntityError("no_such_time") from None


def _whole(value: Any, code: str) -> int:
    if type(value) is float and value.is_integer() and value < 1e9:
        return int(value)
    return value if type(value) is int else integer(value, code)


def _text(value: Any, code: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise EntityError(code)
    return value.strip().upper()


def _date_from_text(text: str) -> date:
    try:
        if re.fullmatch(_ISO_DATE, text):
            return date.fromisoformat(text)
        if re.fullmatch(_ISO_DATE_TIME, text):
            return datetime.fromisoformat(text).date()
    except ValueError:
        raise EntityError("no_such_date") from None
    raise EntityError("not_a_date")


def _time_from_text(text: str) -> time:
    try:
        if re.fullmatch(_ISO_DATE_TIME, text):
            return datetime.fromisoformat(text).time()
        if re.fullmatch(_ISO_TIME, text):  # "2030" is a year as well
            return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise EntityError("no_such_time") from None
    raise EntityError("not_a_time")


def _date_time_from_text(text: str) -> datetime:
    try:
        if re.fullmatch(_ISO_DATE_TIME, text):
            return datetime.fromisoformat(text)
        date.fromisoformat(text if re.fullmatch(_ISO_DATE, text) else "")
    except ValueError:
        raise EntityError("not_a_date_time") from None
    raise EntityError("date_time_without_time")


_NUMBER: Final = {"type": "number"}
_GIVEN: Final = any_of(_NUMBER, TEXT, NULL)
_GUESS: Final = any_of({"type": "object"}, NULL)
_GIVEN_DATE: Final = dict.fromkeys(_DATE_PARTS, _GIVEN) | dict.fromkeys((*_GUESSES, "partial"), _GUESS)
_GIVEN_TIME: Final = dict.fromkeys(_TIME_PARTS, _GIVEN)
_GIVEN_ZONE: Final = {"utcOffset": any_of(TEXT, NULL), "timeZone": any_of(object_of({"id": TEXT}, "id"), NULL)}
_DATE: Final = dict.fromkeys(_DATE_PARTS, _NUMBER)
_TIME: Final = dict.fromkeys(_TIME_PARTS, _NUMBER)


class _Date(Entity[date]):
    """Dates, which mostly come as an object of three doubles."""

    @override
    def validate(self, value: Any) -> date:
        """See `Entity.validate`."""
        try:
            if type(value) is dict and len(value) == 3:
                year, month, day = value["year"], value["month"], value["day"]
                if _is_integer(year) and _is_integer(month) and _is_integer(day):
                    return date(int(year), int(month), int(day))  # what CX sends, at once
        except (KeyError, TypeError, ValueError, OverflowError):
            pass
        return super().validate(value)


DATE: Final = _Date(
    read=read_date,
    write=write_date,
    accepted=any_of(object_of(_GIVEN_DATE), TEXT),
    written=object_of(_DATE, *_DATE_PARTS),
)
TIME: Final = Entity(
    read=read_time,
    write=write_time,
    accepted=any_of(object_of(_GIVEN_TIME, "hours"), TEXT),
    written=object_of(_TIME, *_TIME_PARTS),
)
DATE_TIME: Final = Entity(
    read=read_date_time,
    write=write_date_time,
    accepted=any_of(object_of(_GIVEN_DATE | _GIVEN_TIME | _GIVEN_ZONE), TEXT),
    written=object_of(_DATE | _TIME | {"utcOffset": TEXT}, *_PARTS),
)
