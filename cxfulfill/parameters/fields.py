"""The system entities of CX as fields of marshmallow: ``check_in = fields.SysDate(required=True)``.

They read and write as the types of `cxfulfill.parameters.entities` do, and refuse with the same codes, which are the
keys of their error messages. A field that may be null has ``allow_none=True``, a list is
``fields.List(SysDate())``.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, TypeVar

from marshmallow import EXCLUDE
from marshmallow.fields import Field, Nested
from typing_extensions import override

from cxfulfill.parameters.amounts import DURATION, MONEY, QUANTITY, Money, Quantity
from cxfulfill.parameters.entities import ANY
from cxfulfill.parameters.entity import Entity, resolved
from cxfulfill.parameters.numbers import FLOAT, INTEGER, PERCENTAGE
from cxfulfill.parameters.periods import DATE_PERIOD, TIME_PERIOD, DatePeriod, TimePeriod
from cxfulfill.parameters.phones import PHONE_NUMBER, PhoneNumber
from cxfulfill.parameters.refusals import MESSAGES, EntityError
from cxfulfill.parameters.texts import EMAIL, LOCATION, PERSON, STRING, URL, Location, Person
from cxfulfill.parameters.times import DATE, DATE_TIME, TIME

T = TypeVar("T")

_MESSAGES: Final[dict[str, Any]] = dict(MESSAGES)


class EntityField(Field[T]):
    """A field of an entity; subclasses name theirs: ``class SysDate(EntityField[date], entity=DATE)``.

    It takes the options of every marshmallow field.

    Attributes:
        entity: The entity.
        json_schema: JSON schema of the shapes that are read, without the pair.
    """

    entity: Entity[T]
    json_schema: ClassVar[dict[str, Any]]
    default_error_messages = _MESSAGES

    def __init_subclass__(cls, entity: Entity[Any] | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if entity is not None:
            cls.entity = entity
            cls.json_schema = entity.accepted

    @override
    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> T:
        try:
            return self.entity.read(value)
        except EntityError as refusal:
            raise self.make_error(refusal.code) from None

    @override
    def _serialize(self, value: T | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else self.entity.write(value)


class SysDate(EntityField[date], entity=DATE):
    """``@sys.date``: a date."""


class SysTime(EntityField[time], entity=TIME):
    """``@sys.time``: a time of day."""


class SysDateTime(EntityField[datetime], entity=DATE_TIME):
    """``@sys.date-time``: a date and time."""


class SysDatePeriod(EntityField[DatePeriod], entity=DATE_PERIOD):
    """``@sys.date-period``: days in a row."""


class SysTimePeriod(EntityField[TimePeriod], entity=TIME_PERIOD):
    """``@sys.time-period``: a part of a day."""


class SysDuration(EntityField[timedelta], entity=DURATION):
    """``@sys.duration``: a length of time."""


class SysUnitCurrency(EntityField[Money], entity=MONEY):
    """``@sys.unit-currency``: an amount of money."""


class SysUnitLength(EntityField[Quantity], entity=QUANTITY):
    """``@sys.unit-length``: a length."""


class SysUnitWeight(EntityField[Quantity], entity=QUANTITY):
    """``@sys.unit-weight``: a weight."""


class SysUnitArea(EntityField[Quantity], entity=QUANTITY):
    """``@sys.unit-area``: an area."""


class SysUnitVolume(EntityField[Quantity], entity=QUANTITY):
    """``@sys.unit-volume``: a volume."""


class SysUnitSpeed(EntityField[Quantity], entity=QUANTITY):
    """``@sys.unit-speed``: a speed."""


class SysUnitInformation(EntityField[Quantity], entity=QUANTITY):
    """``@sys.unit-information``: an amount of information."""


class SysTemperature(EntityField[Quantity], entity=QUANTITY):
    """``@sys.temperature``: a temperature."""


class SysAge(EntityField[Quantity], entity=QUANTITY):
    """``@sys.age``: an age."""


class SysNumber(EntityField[float], entity=FLOAT):
    """``@sys.number``: a number."""


class SysNumberInteger(EntityField[int], entity=INTEGER):
    """``@sys.number-integer``: a whole number."""


class SysCardinal(EntityField[int], entity=INTEGER):
    """``@sys.cardinal``: a whole number that counts."""


class SysOrdinal(EntityField[int], entity=INTEGER):
    """``@sys.ordinal``: 3 for the third."""


class SysPercentage(EntityField[Decimal], entity=PERCENTAGE):
    """``@sys.percentage``: 10 for ``10%``."""


class SysPhoneNumber(EntityField[str], entity=PHONE_NUMBER):
    """``@sys.phone-number``: a phone number in E.164.

    Args:
        region: ISO 3166 code of the country whose national numbers are read as well. It takes the extra ``phone``.
        options: Those of every marshmallow field.

    Raises:
        ConfigurationError: The extra is missing, or it knows no such region.
    """

    def __init__(self, *, region: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.entity = PhoneNumber(region=region)


class SysEmail(EntityField[str], entity=EMAIL):
    """``@sys.email``: an e-mail address."""


class SysUrl(EntityField[str], entity=URL):
    """``@sys.url``: the address of a web page."""


class SysPerson(EntityField[Person], entity=PERSON):
    """``@sys.person``: a person."""


class SysGivenName(EntityField[str], entity=STRING):
    """``@sys.given-name``: a given name."""


class SysLastName(EntityField[str], entity=STRING):
    """``@sys.last-name``: a family name."""


class SysGeoCity(EntityField[str], entity=STRING):
    """``@sys.geo-city``: a city."""


class SysGeoCountry(EntityField[str], entity=STRING):
    """``@sys.geo-country``: a country."""


class SysGeoState(EntityField[str], entity=STRING):
    """``@sys.geo-state``: a state or province."""


class SysZipCode(EntityField[str], entity=STRING):
    """``@sys.zip-code``: a postal code."""


class SysLocation(EntityField[Location], entity=LOCATION):
    """``@sys.location``: a place."""


class SysAddress(EntityField[str], entity=STRING):
    """``@sys.address``: an address as text."""


class SysColor(EntityField[str], entity=STRING):
    """``@sys.color``: a color."""


class SysLanguage(EntityField[str], entity=STRING):
    """``@sys.language``: a language."""


class SysAny(EntityField[Any], entity=ANY):
    """``@sys.any``: anything; a pair gives its resolved value."""


class Composite(Nested):
    """A custom composite entity: ``Composite(PizzaSchema)``. A pair gives its resolved value.

    Args:
        nested: The schema of the entity's members.
        unknown: What becomes of members that the schema does not name; CX may send some, so they are left out.
        options: Those of `marshmallow.fields.Nested`.
    """

    def __init__(
        self, nested: Any, *, unknown: Literal["exclude", "include", "raise"] | None = EXCLUDE, **options: Any
    ) -> None:
        super().__init__(nested, unknown=unknown, **options)

    @override
    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        return super()._deserialize(resolved(value), attr, data, partial=partial, **kwargs)
