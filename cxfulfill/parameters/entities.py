"""The system entities of CX as types for pydantic: ``check_in: SysDate`` is a ``date``.

Each reads every shape in which CX sends its entity, alone or in a pair of original and resolved value, and is
dumped as JSON in CX's shape. A field that may be null is ``SysDate | None``, a list is ``list[SysDate]``.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator

from cxfulfill.parameters.amounts import DURATION, MONEY, QUANTITY, Money, Quantity, write_duration
from cxfulfill.parameters.entity import Entity, Record, any_of, resolved, same, write_record
from cxfulfill.parameters.numbers import FLOAT, INTEGER, PERCENTAGE
from cxfulfill.parameters.periods import DATE_PERIOD, TIME_PERIOD, DatePeriod, TimePeriod
from cxfulfill.parameters.phones import PHONE_NUMBER, PhoneNumber
from cxfulfill.parameters.refusals import EntityError
from cxfulfill.parameters.texts import EMAIL, LOCATION, PERSON, STRING, URL, Location, Person
from cxfulfill.parameters.times import DATE, DATE_TIME, TIME, write_date, write_date_time, write_time

__all__ = [
    "Composite",
    "DatePeriod",
    "EntityError",
    "Location",
    "Money",
    "Person",
    "PhoneNumber",
    "Quantity",
    "SysAddress",
    "SysAge",
    "SysAny",
    "SysCardinal",
    "SysColor",
    "SysDate",
    "SysDatePeriod",
    "SysDateTime",
    "SysDuration",
    "SysEmail",
    "SysGeoCity",
    "SysGeoCountry",
    "SysGeoState",
    "SysGivenName",
    "SysLanguage",
    "SysLastName",
    "SysLocation",
    "SysNumber",
    "SysNumberInteger",
    "SysOrdinal",
    "SysPercentage",
    "SysPerson",
    "SysPhoneNumber",
    "SysTemperature",
    "SysTime",
    "SysTimePeriod",
    "SysUnitArea",
    "SysUnitCurrency",
    "SysUnitInformation",
    "SysUnitLength",
    "SysUnitSpeed",
    "SysUnitVolume",
    "SysUnitWeight",
    "SysUrl",
    "SysZipCode",
    "TimePeriod",
    "to_cx",
]

T = TypeVar("T")

_WRITERS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (Record, write_record),
    (datetime, write_date_time),  # which is a date as well
    (date, write_date),
    (time, write_time),
    (timedelta, write_duration),
)


def to_cx(value: Any) -> Any:
    """Give a value in the shape that CX expects, such as for ``Reply(parameters=...)``.

    Args:
        value: A ``date``, ``time``, ``datetime``, ``timedelta``, or a value of this module, such as ``Money``; a
            list, tuple or dict of such values.

    Returns:
        The shape, which the value's entity reads; lists and dicts member by member; anything else unchanged.
    """
    if isinstance(value, dict):
        return {key: to_cx(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_cx(member) for member in value]
    write = next((write for kind, write in _WRITERS if isinstance(value, kind)), same)
    return write(value)


ANY: Final = Entity[Any](
    read=resolved,
    write=to_cx,
    accepted=any_of(*({"type": kind} for kind in ("object", "array", "string", "number", "boolean", "null"))),
    written={},
)

SysDate = Annotated[date, DATE]
SysTime = Annotated[time, TIME]
SysDateTime = Annotated[datetime, DATE_TIME]
SysDatePeriod = Annotated[DatePeriod, DATE_PERIOD]
SysTimePeriod = Annotated[TimePeriod, TIME_PERIOD]
SysDuration = Annotated[timedelta, DURATION]
SysUnitCurrency = Annotated[Money, MONEY]
SysUnitLength = Annotated[Quantity, QUANTITY]
SysUnitWeight = Annotated[Quantity, QUANTITY]
SysUnitArea = Annotated[Quantity, QUANTITY]
SysUnitVolume = Annotated[Quantity, QUANTITY]
SysUnitSpeed = Annotated[Quantity, QUANTITY]
SysUnitInformation = Annotated[Quantity, QUANTITY]
SysTemperature = Annotated[Quantity, QUANTITY]
SysAge = Annotated[Quantity, QUANTITY]
SysNumber = Annotated[float, FLOAT]
SysNumberInteger = Annotated[int, INTEGER]
SysCardinal = Annotated[int, INTEGER]
SysOrdinal = Annotated[int, INTEGER]
SysPercentage = Annotated[Decimal, PERCENTAGE]
SysPhoneNumber = Annotated[str, PHONE_NUMBER]
SysEmail = Annotated[str, EMAIL]
SysUrl = Annotated[str, URL]
SysPerson = Annotated[Person, PERSON]
SysGivenName = Annotated[str, STRING]
SysLastName = Annotated[str, STRING]
SysGeoCity = Annotated[str, STRING]
SysGeoCountry = Annotated[str, STRING]
SysGeoState = Annotated[str, STRING]
SysZipCode = Annotated[str, STRING]
SysLocation = Annotated[Location, LOCATION]
SysAddress = Annotated[str, STRING]
SysColor = Annotated[str, STRING]
SysLanguage = Annotated[str, STRING]
SysAny = Annotated[Any, ANY]
Composite = Annotated[T, BeforeValidator(resolved)]
"""A custom composite entity, or anything else that may come in a pair: ``Composite[Pizza]``."""
