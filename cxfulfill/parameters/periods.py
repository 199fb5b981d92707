"""Periods: from a first to a last day, from one time of day to another."""

from collections.abc import Callable
from datetime import date, time
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from cxfulfill.parameters.entity import TEXT, Entity, Record, any_of, object_of, record_of, resolved, write_record
from cxfulfill.parameters.numbers import MAX_TEXT
from cxfulfill.parameters.refusals import MESSAGES, EntityError
from cxfulfill.parameters.times import DATE, TIME, read_date, read_time

_End = TypeVar("_End", date, time)


class DatePeriod(Record):
    """Days in a row: ``{"startDate": {...}, "endDate": {...}}`` in CX.

    Attributes:
        start: The first day.
        end: The last day; not before the first.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=lambda name: f"{name}Date")

    start: Annotated[date, DATE]
    end: Annotated[date, DATE]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise PydanticCustomError("period_reversed", MESSAGES["period_reversed"])
        return self


class TimePeriod(Record):
    """A part of a day: ``{"startTime": {...}, "endTime": {...}}`` in CX.

    Attributes:
        start: When it begins.
        end: When it ends; a time before the start is on the next day.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=lambda name: f"{name}Time")

    start: Annotated[time, TIME]
    end: Annotated[time, TIME]


def read_date_period(value: Any) -> DatePeriod:
    """Read ``@sys.date-period``: ``startDate`` and ``endDate``, as seen in public reports of ES, with ISO 8601 text.

    That CX has objects there is inferred; so are ``startDateTime`` and ``endDateTime``, and text with a slash,
    which is ISO 8601's.

    Args:
        value: The object, its ends in any shape that `read_date` takes; ISO 8601 text; or a ``DatePeriod``.

    Returns:
        The period.

    Raises:
        EntityError: ``not_a_date_period``, ``period_reversed``, or as for `read_date`.
    """
    value = resolved(value)
    if not isinstance(value, dict) and isinstance(value, DatePeriod):
        return value
    start, end = _ends(value, "Date", read_date, "not_a_date_period")
    if end < start:
        raise EntityError("period_reversed")
    return record_of(DatePeriod, {"start": start, "end": end})


def read_time_period(value: Any) -> TimePeriod:
    """Read ``@sys.time-period``: ``startTime`` and ``endTime``. Not documented: inferred from ``@sys.date-period``.

    ``startDateTime`` and ``endDateTime``, and ISO 8601 text with a slash, are as for `read_date_period`.

    Args:
        value: The object, its ends in any shape that `read_time` takes; ISO 8601 text; or a ``TimePeriod``.

    Returns:
        The period.

    Raises:
        EntityError: ``not_a_time_period``, or as for `read_time`.
    """
    value = resolved(value)
    if not isinstance(value, dict) and isinstance(value, TimePeriod):
        return value
    start, end = _ends(value, "Time", read_time, "not_a_time_period")
    return record_of(TimePeriod, {"start": start, "end": end})


def _ends(value: Any, kind: str, read: Callable[[Any], _End], code: str) -> tuple[_End, _End]:
    if isinstance(value, dict):
        for suffix in (kind, "DateTime"):
            start, end = value.get(f"start{suffix}"), value.get(f"end{suffix}")
            if start is not None and end is not None:
                return read(start), read(end)
    elif isinstance(value, str) and len(value) <= 2 * MAX_TEXT:
        first, slash, last = value.partition("/")
        if slash:
            return read(first), read(last)
    raise EntityError(code)


def _entity_of(kind: str, end: Entity[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = (f"start{kind}", f"end{kind}")
    given = [dict.fromkeys((f"start{suffix}", f"end{suffix}"), end.accepted) for suffix in (kind, "DateTime")]
    accepted = any_of(*(object_of(members, *members) for members in given), TEXT)
    return accepted, object_of(dict.fromkeys(names, end.written), *names)


_DATES: Final = _entity_of("Date", DATE)
_TIMES: Final = _entity_of("Time", TIME)
DATE_PERIOD: Final = Entity(read=read_date_period, write=write_record, accepted=_DATES[0], written=_DATES[1])
TIME_PERIOD: Final = Entity(read=read_time_period, write=write_record, accepted=_TIMES[0], written=_TIMES[1])
