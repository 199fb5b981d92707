"""What each entity reads, gives and writes, and what it refuses: one table for both libraries."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from cxfulfill.parameters.entities import DatePeriod, Location, Money, Person, Quantity, TimePeriod

DAY: Final = date(2026, 3, 14)
NOON: Final = time(12, 30)
DAY_PARTS: Final = {"year": 2026.0, "month": 3.0, "day": 14.0}
NEXT_DAY_PARTS: Final = {"year": 2026.0, "month": 3.0, "day": 15.0}
NOON_PARTS: Final = {"hours": 12.0, "minutes": 30.0, "seconds": 0.0, "nanos": 0.0}
DAY_WRITTEN: Final = {"year": 2026, "month": 3, "day": 14}
NEXT_DAY_WRITTEN: Final = {"year": 2026, "month": 3, "day": 15}
NOON_WRITTEN: Final = {"hours": 12, "minutes": 30, "seconds": 0, "nanos": 0}
MIDNIGHT_WRITTEN: Final = {"hours": 0, "minutes": 0, "seconds": 0, "nanos": 0}
STAY: Final = DatePeriod(start=DAY, end=date(2026, 3, 15))
STAY_WRITTEN: Final = {"startDate": DAY_WRITTEN, "endDate": NEXT_DAY_WRITTEN}
EVENING: Final = TimePeriod(start=time(18), end=time(23, 59))
EVENING_WRITTEN: Final = {
    "startTime": {"hours": 18, "minutes": 0, "seconds": 0, "nanos": 0},
    "endTime": {"hours": 23, "minutes": 59, "seconds": 0, "nanos": 0},
}
IN_BERLIN: Final = datetime(2026, 3, 14, 12, 30, tzinfo=timezone(timedelta(hours=1)))
EUROS: Final = Money(amount=Decimal(50), currency="EUR")
EUROS_WRITTEN: Final = {"amount": 50, "currency": "EUR"}
DOLLARS_WRITTEN: Final = {"amount": 9.99, "currency": "USD"}
HALF_HOUR: Final = {"amount": 30, "unit": "min"}

UNITS: Final = (
    "SysUnitLength", "SysUnitWeight", "SysUnitArea", "SysUnitVolume", "SysUnitSpeed", "SysUnitInformation",
    "SysTemperature", "SysAge",
)  # fmt: skip
INTEGERS: Final = ("SysNumberInteger", "SysCardinal", "SysOrdinal")
TEXTS: Final = (
    "SysGivenName", "SysLastName", "SysGeoCity", "SysGeoCountry", "SysGeoState", "SysZipCode", "SysAddress",
    "SysColor", "SysLanguage",
)  # fmt: skip


def _quantity(amount: str, unit: str) -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


READ: Final[list[tuple[str, Any, Any, Any]]] = [
    # entity, what comes, the value, what goes back
    ("SysDate", DAY_PARTS, DAY, DAY_WRITTEN),
    ("SysDate", DAY_WRITTEN, DAY, DAY_WRITTEN),
    ("SysDate", DAY_PARTS | NOON_PARTS, DAY, DAY_WRITTEN),
    ("SysDate", {"year": "2026", "month": "3.0", "day": 14}, DAY, DAY_WRITTEN),
    ("SysDate", {"month": 3.0, "day": 14.0, "future": DAY_PARTS, "past": {"year": 2025.0}}, DAY, DAY_WRITTEN),
    ("SysDate", {"year": 0.0, "month": 3.0, "day": 14.0, "future": DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"year": None, "month": 3.0, "day": 14.0, "future": {"year": 2026.0}}, DAY, DAY_WRITTEN),
    ("SysDate", {"future": DAY_PARTS, "partial": {"month": 3.0, "day": 14.0}}, DAY, DAY_WRITTEN),
    ("SysDate", {"month": 3.0, "day": 14.0, "future": None, "past": DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"month": 3.0, "day": 14.0, "future": {}, "past": DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"month": 3.0, "day": 14.0, "future": NEXT_DAY_PARTS, "past": DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"month": "3", "day": 14, "future": DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"month": 3.0, "day": 14.0, "hours": 9.0, "future": DAY_PARTS | NOON_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"future": NEXT_DAY_PARTS, "past": DAY_PARTS, "partial": {"day": 14.0}}, DAY, DAY_WRITTEN),
    ("SysDate", {"partial": DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", {"partial": DAY_PARTS, "future": NEXT_DAY_PARTS}, DAY, DAY_WRITTEN),
    ("SysDate", " 2026-03-14 ", DAY, DAY_WRITTEN),
    ("SysDate", "2026-03-14T23:59:00-05:00", DAY, DAY_WRITTEN),
    ("SysDate", datetime(2026, 3, 14, 12, 30), DAY, DAY_WRITTEN),
    ("SysTime", NOON_PARTS, NOON, NOON_WRITTEN),
    ("SysTime", DAY_PARTS | NOON_PARTS, NOON, NOON_WRITTEN),
    ("SysTime", {"hours": 9.0}, time(9), {"hours": 9, "minutes": 0, "seconds": 0, "nanos": 0}),
    ("SysTime", {"hours": 0.0, "minutes": None}, time(0), MIDNIGHT_WRITTEN),
    (
        "SysTime",
        {"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999_999_999},
        time(23, 59, 59, 999_999),
        {"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999_999_000},
    ),
    ("SysTime", "12:30", NOON, NOON_WRITTEN),
    ("SysTime", "12:30:00+02:00", NOON, NOON_WRITTEN),
    ("SysTime", "T12:30:00.0Z", NOON, NOON_WRITTEN),
    ("SysTime", "2026-03-14T12:30:00-05:00", NOON, NOON_WRITTEN),
    ("SysTime", time(12, 30, tzinfo=UTC), NOON, NOON_WRITTEN),
    ("SysTime", datetime(2026, 3, 14, 12, 30), NOON, NOON_WRITTEN),
    ("SysDateTime", DAY_PARTS | NOON_PARTS, datetime(2026, 3, 14, 12, 30), DAY_WRITTEN | NOON_WRITTEN),
    ("SysDateTime", DAY_PARTS | {"hours": 0.0}, datetime(2026, 3, 14), DAY_WRITTEN | MIDNIGHT_WRITTEN),
    (
        "SysDateTime",
        {"month": 3.0, "day": 14.0, "hours": 12.0, "future": DAY_PARTS | NOON_PARTS},
        datetime(2026, 3, 14, 12, 30),
        DAY_WRITTEN | NOON_WRITTEN,
    ),
    (
        "SysDateTime",
        {"month": 3.0, "day": 14.0, "hours": 0.0, "future": DAY_PARTS | NOON_PARTS, "past": DAY_PARTS},
        datetime(2026, 3, 14),
        DAY_WRITTEN | MIDNIGHT_WRITTEN,
    ),
    (
        "SysDateTime",
        DAY_PARTS | NOON_PARTS | {"utcOffset": "3600s"},
        IN_BERLIN,
        DAY_WRITTEN | NOON_WRITTEN | {"utcOffset": "3600s"},
    ),
    (
        "SysDateTime",
        DAY_PARTS | NOON_PARTS | {"timeZone": {"id": "Europe/Berlin"}, "utcOffset": None},
        IN_BERLIN,
        DAY_WRITTEN | NOON_WRITTEN | {"utcOffset": "3600s"},
    ),
    (
        "SysDateTime",
        DAY_PARTS | NOON_PARTS | {"timeZone": {"id": "Nowhere"}, "utcOffset": "3600s"},
        IN_BERLIN,
        DAY_WRITTEN | NOON_WRITTEN | {"utcOffset": "3600s"},
    ),
    ("SysDateTime", DAY_PARTS | {"hours": 0, "timeZone": None}, datetime(2026, 3, 14), DAY_WRITTEN | MIDNIGHT_WRITTEN),
    ("SysDateTime", "2026-03-14T12:30:00+01:00", IN_BERLIN, DAY_WRITTEN | NOON_WRITTEN | {"utcOffset": "3600s"}),
    (
        "SysDateTime",
        "2026-03-14t12:30z",
        datetime(2026, 3, 14, 12, 30, tzinfo=UTC),
        DAY_WRITTEN | NOON_WRITTEN | {"utcOffset": "0s"},
    ),
    ("SysDateTime", "2026-03-14 12:30", datetime(2026, 3, 14, 12, 30), DAY_WRITTEN | NOON_WRITTEN),
    ("SysDatePeriod", {"startDate": DAY_PARTS, "endDate": NEXT_DAY_PARTS}, STAY, STAY_WRITTEN),
    (
        "SysDatePeriod",
        {"startDateTime": DAY_PARTS | NOON_PARTS, "endDateTime": NEXT_DAY_PARTS | NOON_PARTS},
        STAY,
        STAY_WRITTEN,
    ),
    ("SysDatePeriod", {"startDate": "2026-03-14T12:00:00Z", "endDate": "2026-03-15"}, STAY, STAY_WRITTEN),
    ("SysDatePeriod", "2026-03-14/2026-03-15", STAY, STAY_WRITTEN),
    ("SysTimePeriod", EVENING_WRITTEN, EVENING, EVENING_WRITTEN),
    (
        "SysTimePeriod",
        {"startDateTime": DAY_PARTS | {"hours": 18.0}, "endDateTime": DAY_PARTS | {"hours": 23.0, "minutes": 59.0}},
        EVENING,
        EVENING_WRITTEN,
    ),
    ("SysTimePeriod", "18:00:00/23:59:00", EVENING, EVENING_WRITTEN),
    ("SysDuration", {"amount": 30.0, "unit": "min"}, timedelta(minutes=30), HALF_HOUR),
    ("SysDuration", {"amount": 1.5, "unit": "h"}, timedelta(minutes=90), {"amount": 90, "unit": "min"}),
    ("SysDuration", {"amount": 2.0, "unit": "wk"}, timedelta(days=14), {"amount": 14, "unit": "day"}),
    ("SysDuration", {"amount": 3.0, "unit": "Hours"}, timedelta(hours=3), {"amount": 3, "unit": "h"}),
    ("SysDuration", {"amount": "0.5", "unit": "s"}, timedelta(microseconds=500_000), {"amount": 0.5, "unit": "s"}),
    ("SysDuration", {"amount": 0.0, "unit": "day"}, timedelta(0), {"amount": 0, "unit": "s"}),
    ("SysDuration", "30 min", timedelta(minutes=30), HALF_HOUR),
    ("SysDuration", "1800s", timedelta(minutes=30), HALF_HOUR),
    ("SysDuration", "PT30M", timedelta(minutes=30), HALF_HOUR),
    ("SysDuration", "p1dt12h0.5s", timedelta(hours=36, microseconds=500_000), {"amount": 129_600.5, "unit": "s"}),
    ("SysUnitCurrency", {"amount": 50.0, "currency": "EUR"}, EUROS, EUROS_WRITTEN),
    ("SysUnitCurrency", {"amount": "50", "currency": "eur"}, EUROS, EUROS_WRITTEN),
    ("SysUnitCurrency", DOLLARS_WRITTEN, Money(amount=Decimal("9.99"), currency="USD"), DOLLARS_WRITTEN),
    ("SysUnitCurrency", "50 EUR", EUROS, EUROS_WRITTEN),
    *((name, {"amount": 5.0, "unit": "km"}, _quantity("5", "km"), {"amount": 5, "unit": "km"}) for name in UNITS),
    *((name, {"amount": -5.5, "unit": "C"}, _quantity("-5.5", "C"), {"amount": -5.5, "unit": "C"}) for name in UNITS),
    *((name, "5 km", _quantity("5", "km"), {"amount": 5, "unit": "km"}) for name in UNITS),
    ("SysUnitSpeed", "5 miles per hour", _quantity("5", "miles per hour"), {"amount": 5, "unit": "miles per hour"}),
    *(
        ("SysUnitArea", f"20{unit}", _quantity("20", unit), {"amount": 20, "unit": unit})
        for unit in ("m2", "m^2", "km2", "sq. ft", "kg/m2", "m²", "千米")
    ),
    ("SysUnitSpeed", {"amount": 5, "unit": "km\xa0/h"}, _quantity("5", "km\xa0/h"), {"amount": 5, "unit": "km\xa0/h"}),
    ("SysTemperature", "20 °C", _quantity("20", "°C"), {"amount": 20, "unit": "°C"}),
    ("SysUnitInformation", {"amount": 1e30, "unit": "B"}, _quantity("1e30", "B"), {"amount": 1e30, "unit": "B"}),
    ("SysNumber", 9.0, 9.0, 9.0),
    ("SysNumber", 9, 9.0, 9.0),
    ("SysNumber", 9.5, 9.5, 9.5),
    ("SysNumber", "9.5", 9.5, 9.5),
    ("SysNumber", " -2.5e3 ", -2_500.0, -2_500.0),
    ("SysNumber", Decimal("9.5"), 9.5, 9.5),
    *((name, 9.0, 9, 9) for name in INTEGERS),
    *((name, 9, 9, 9) for name in INTEGERS),
    *((name, "9", 9, 9) for name in INTEGERS),
    *((name, "9.0", 9, 9) for name in INTEGERS),
    *((name, -(2**53), -(2**53), -(2**53)) for name in INTEGERS),
    ("SysPercentage", "10%", Decimal(10), "10%"),
    ("SysPercentage", "2.5 %", Decimal("2.5"), "2.5%"),
    ("SysPercentage", "10", Decimal(10), "10%"),
    ("SysPercentage", 10.0, Decimal(10), "10%"),
    ("SysPhoneNumber", "+1 (415) 555-0100", "+14155550100", "+14155550100"),
    ("SysPhoneNumber", "0044 20/7946.0958", "+442079460958", "+442079460958"),
    ("SysPhoneNumber", "(+49) (0)30 1234567", "+49301234567", "+49301234567"),
    ("SysPhoneNumber", "+1 415 555 (0)100", "+14155550100", "+14155550100"),
    ("SysPhoneNumber", "+49/30/123456", "+4930123456", "+4930123456"),
    ("SysPhoneNumber", "(+49) 033201 / 12-345", "+4903320112345", "+4903320112345"),
    ("SysPhoneNumber", "+49 (0) 30 1234567", "+49301234567", "+49301234567"),
    ("SysEmail", " ada@example.com ", "ada@example.com", "ada@example.com"),
    ("SysUrl", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
    ("SysUrl", "HTTP://localhost:8080", "HTTP://localhost:8080", "HTTP://localhost:8080"),
    ("SysUrl", "www.example.com/rooms", "www.example.com/rooms", "www.example.com/rooms"),
    ("SysUrl", "example.co.uk", "example.co.uk", "example.co.uk"),
    ("SysPerson", {"name": "Ada"}, Person(name="Ada"), {"name": "Ada"}),
    (
        "SysPerson",
        {"name": "Ada", "original": "ada"},
        Person(name="Ada", original="ada"),
        {"name": "Ada", "original": "ada"},
    ),
    ("SysPerson", {"name": "Ada", "original": None}, Person(name="Ada"), {"name": "Ada"}),
    ("SysPerson", "Ada", Person(name="Ada"), {"name": "Ada"}),
    (
        "SysLocation",
        {"country": "", "city": "Berlin", "street-address": "Unter den Linden 1", "zip-code": None},
        Location(city="Berlin", street_address="Unter den Linden 1"),
        {"city": "Berlin", "street-address": "Unter den Linden 1"},
    ),
    ("SysLocation", "Berlin", Location(original="Berlin"), {"original": "Berlin"}),
    *((name, "Añ 1", "Añ 1", "Añ 1") for name in TEXTS),
    *((name, "", "", "") for name in TEXTS),
    *((name, "a\tb\r\nc\x85\u200d", "a\tb\r\nc\x85\u200d", "a\tb\r\nc\x85\u200d") for name in TEXTS),
    ("SysAny", [1.0, {"a": None}], [1.0, {"a": None}], [1.0, {"a": None}]),
    ("SysAny", "red", "red", "red"),
    ("SysAny", {"original": "red"}, {"original": "red"}, {"original": "red"}),
    ("SysAny", [DAY, {"price": EUROS}], [DAY, {"price": EUROS}], [DAY_WRITTEN, {"price": EUROS_WRITTEN}]),
]  # fmt: skip
