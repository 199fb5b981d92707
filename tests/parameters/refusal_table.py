"""What each entity refuses, and with which code: one table for both libraries."""

from decimal import Decimal
from typing import Any, Final

from tests.parameters.entity_table import DAY, DAY_PARTS, INTEGERS, NEXT_DAY_PARTS, NOON_PARTS, TEXTS, UNITS

LONG: Final = "9" * 1_000_000
_NAN: Final = float("nan")
_INFINITY: Final = float("inf")
_NO_DATES: Final = ("20260314", "2026-W11", "2026-W11-2", "2026W112", "2026-073", "2026073", "2026-3-14", "2026-03")
_NOT_ZONES: Final[tuple[Any, ...]] = ("Europe/Berlin", False, {}, [])
_NO_ZONES: Final = ("Europe/Nowhere", "Europe", "", "../etc/passwd", "/UTC", "Europe/../UTC", "UTC\0", "A//B", LONG)
_CONTROLS: Final = ("\0", "a\0", "\x1b[31m", "a\x0bb", "a\x7f", "a\x9b", "a\ud800")
_DAY_AND_NOON: Final[dict[str, Any]] = {**DAY_PARTS, **NOON_PARTS}


def _refused(names: str | tuple[str, ...], code: str, *given: Any) -> list[tuple[str, Any, str]]:
    return [(name, each, code) for name in ([names] if isinstance(names, str) else names) for each in given]


def _amounts(unit: str, *amounts: Any) -> list[dict[str, Any]]:
    return [{"amount": amount, "unit": unit} for amount in amounts]


REFUSED: Final = [
    *_refused("SysDate", "not_a_date", "soon", "", LONG, {}, [], 20260314, True, {"a": 1.0}, NOON_PARTS),
    *_refused("SysDate", "not_a_date", *({**DAY_PARTS, "day": day} for day in (True, 1.5, _NAN, _INFINITY, "x", [1]))),
    *_refused("SysDate", "not_a_date", {"startDate": DAY_PARTS, "endDate": DAY_PARTS}),
    *_refused("SysDate", "not_a_date", *_NO_DATES, *(f"{each}T12:30" for each in _NO_DATES)),
    *_refused("SysDate", "date_without_year", {"month": 3.0, "day": 14.0}, {"partial": {"month": 3.0, "day": 14.0}}),
    *_refused("SysDate", "date_without_year", {"month": 3.0, "day": 14.0, "future": {"month": 3.0}}),
    *_refused(
        "SysDate",
        "date_without_year",
        {"month": 3.0, "day": 14.0, "future": {"year": 2027.0, "month": 5.0, "day": 20.0}},
        {"month": 3.0, "day": 14.0, "future": NEXT_DAY_PARTS, "past": {**DAY_PARTS, "month": "x"}},
        {"future": NEXT_DAY_PARTS, "partial": {"month": 3.0, "day": 14.0}},
    ),
    *_refused("SysDate", "date_incomplete", {"day": 14.0, "future": NEXT_DAY_PARTS}),
    *_refused("SysDate", "date_without_month", {"year": 2026.0, "day": 14.0}),
    *_refused("SysDate", "date_without_day", {"year": 2026.0, "month": 3.0, "day": 0.0}),
    *_refused("SysDate", "date_incomplete", {"month": 3.0}),
    *_refused("SysDate", "no_such_date", {"year": 2026.0, "month": 2.0, "day": 30.0}, "2026-02-30"),
    *_refused("SysDate", "no_such_date", *({"year": year, "month": 2.0, "day": 3.0} for year in (1e8, 2**40))),
    *_refused("SysDate", "number_too_large", {"year": 1e300, "month": 2.0, "day": 3.0}),
    *_refused("SysTime", "not_a_time", "noon", "2030", "9:30", LONG, {}, 9.0, False, DAY_PARTS),
    *_refused("SysTime", "not_a_time", *({**NOON_PARTS, "minutes": each} for each in (False, 0.5, _NAN))),
    *_refused("SysTime", "not_a_time", "2026-W11-2T12:30", "20260314T12:30", "12:30 or so", "12:3"),
    *_refused("SysTime", "time_without_hours", {"minutes": 30.0}),
    *_refused("SysTime", "no_such_time", *({**NOON_PARTS, "nanos": each} for each in (-1.0, 1e9))),
    *_refused("SysTime", "no_such_time", {"hours": 24.0}, {"hours": 2**40}, "24:00", "2026-03-14T24:30"),
    *_refused("SysDateTime", "not_a_date_time", "now", LONG, {}, 1.0, NOON_PARTS, "2026-03-14x12:30"),
    *_refused("SysDateTime", "not_a_date_time", "2026-03-14T25:00", "2026-02-30"),
    *_refused("SysDateTime", "not_a_date_time", *_NO_DATES, *(f"{each}T12:30" for each in _NO_DATES)),
    *_refused(
        "SysDateTime",
        "not_a_date_time",
        *({**_DAY_AND_NOON, "utcOffset": offset} for offset in (3600.0, "PT1H", "86400s", LONG)),
    ),
    *_refused(
        "SysDateTime",
        "not_a_date_time",
        *({**_DAY_AND_NOON, "timeZone": zone} for zone in _NOT_ZONES),
        *({**_DAY_AND_NOON, "timeZone": {"id": name}} for name in (*_NO_ZONES, None, 1.0)),
    ),
    *_refused("SysDateTime", "date_time_without_time", DAY_PARTS, "2026-03-14", DAY),
    *_refused("SysDateTime", "date_without_year", {"month": 3.0, "day": 14.0, **NOON_PARTS}),
    *_refused(
        "SysDateTime",
        "date_without_year",
        {"month": 3.0, "day": 14.0, "hours": 0.0, "future": _DAY_AND_NOON},
    ),
    *_refused("SysDateTime", "time_without_hours", {**DAY_PARTS, "minutes": 30.0}),
    *_refused("SysDateTime", "no_such_time", {**DAY_PARTS, "hours": 24.0}),
    *_refused("SysDatePeriod", "not_a_date_period", "2026-03-14", LONG, {}, 1.0, DAY_PARTS, {"startDate": DAY_PARTS}),
    *_refused("SysDatePeriod", "period_reversed", {"startDate": NEXT_DAY_PARTS, "endDate": DAY_PARTS}),
    *_refused("SysDatePeriod", "date_without_year", {"startDate": DAY_PARTS, "endDate": {"month": 3.0, "day": 15.0}}),
    *_refused("SysTimePeriod", "not_a_time_period", "12:30", LONG, {}, 1.0, NOON_PARTS),
    *_refused("SysTimePeriod", "not_a_time", "12:30/later"),
    *_refused("SysDuration", "not_a_duration", "long", LONG, {}, [], True, *_amounts("s", True, _NAN)),
    *_refused("SysDuration", "not_a_duration", "P", "PT", "P1M1", "5 moons", "5 to 6 h", "1 h 30 min"),
    *_refused("SysDuration", "not_a_duration", "1h30min", "PT5ſ"),  # noqa: RUF001
    *_refused("SysDuration", "duration_without_fixed_length", *_amounts("mo", 1.0), *_amounts("yr", 1.0)),
    *_refused("SysDuration", "duration_without_fixed_length", "2 Years", "P1Y2M", "P1M"),
    *_refused("SysDuration", "duration_too_long", *_amounts("wk", 1e9, -1e9, 1e300)),
    *_refused("SysDuration", "unit_missing", 30.0, "30", {"amount": 30.0}, *_amounts("", 1.0)),
    *_refused("SysDuration", "amount_missing", {"unit": "min"}),
    *_refused("SysUnitCurrency", "not_money", "much", LONG, {}, [], True, "1,50 EUR", "1 000 EUR", "1.5.5 EUR"),
    *_refused("SysUnitCurrency", "not_money", {"amount": "a", "currency": "EUR"}, {"amount": 1.0, "currency": 1.0}),
    *_refused("SysUnitCurrency", "amount_missing", {"currency": "EUR"}),
    *_refused("SysUnitCurrency", "currency_missing", 50.0, "50", {"amount": 50.0}),
    *_refused("SysUnitCurrency", "not_money", "50 EUR20", "5½ EUR", {"amount": 5.0, "currency": "E\0R"}),
    *_refused("SysUnitCurrency", "not_a_currency", "50 euro", "50 €", {"amount": 5.0, "currency": "£"}),
    *_refused("SysUnitCurrency", "not_a_currency", "50 ﬀa", "50 ııı", {"amount": 5.0, "currency": "ſEK"}),  # noqa: RUF001
    *_refused("SysUnitCurrency", "number_too_large", {"amount": "1e309", "currency": "EUR"}),
    *_refused(UNITS, "not_a_quantity", "far", LONG, {}, [], True, "1,5 km", *_amounts("km", _INFINITY)),
    *_refused(UNITS, "not_a_quantity", "5ft2in", "5ft 2in", "1h30min", "5km,2", "5ft-2", "5 m23", "5 ft2 in", "5 2"),
    *_refused(UNITS, "not_a_quantity", "5½ km", "5²", "5 km٣", "5 k\0m", *_amounts("k\0m", 5.0)),
    *_refused(UNITS, "amount_missing", {"unit": "km"}),
    *_refused(UNITS, "unit_missing", 5.0, "5", {"amount": 5.0}),
    *_refused("SysNumber", "not_a_number", "nine", "", LONG, "9,5", "09", "+9", ".5", "1_0", "٩", "0x9"),
    *_refused("SysNumber", "not_a_number", True, _NAN, _INFINITY, -_INFINITY, {}, [], Decimal("NaN")),
    *_refused("SysNumber", "number_too_large", "1e400", 10**400, Decimal("-1e400")),
    *_refused(INTEGERS, "not_an_integer", 9.5, "9.5", True, "nine", LONG, _NAN, {}, []),
    *_refused(INTEGERS, "number_too_large", 2**53 + 1, 1e300, "1e300", 10**400),
    *_refused("SysPercentage", "not_a_percentage", "%", "10%%", "half", LONG, f"{LONG}%", True, {}, _NAN),
    *_refused("SysPercentage", "number_too_large", "1e400%"),
    *_refused("SysPhoneNumber", "phone_number_without_country", "(415) 555-0100", "030 1234567", "110"),
    *_refused("SysPhoneNumber", "not_a_phone_number", "mine", "+1", "+0123456789", LONG, 4155550100.0, {}),
    *_refused("SysPhoneNumber", "not_a_phone_number", "+49 30 123456/78", "+49 30 123456/123457", "030 12/34/56789"),
    *_refused("SysPhoneNumber", "not_a_phone_number", "+1 415 555 0100;ext=5", "+1 415 555 ０１００"),  # noqa: RUF001
    *_refused("SysEmail", "not_an_email", *(f"a{each}@example.com" for each in _CONTROLS), "ada@\u200bexample.com"),
    *_refused("SysEmail", "not_an_email", "ada", "@x", "ada@", "a@b@c", "a da@x.y", f"{LONG}@x", 1.0, {}),
    *_refused("SysUrl", "not_a_url", *(f"https://example.com/{each}" for each in _CONTROLS), "httpſ://example.com"),  # noqa: RUF001
    *_refused("SysUrl", "not_a_url", *(f"example.com/{each}" for each in _CONTROLS)),
    *_refused("SysUrl", "not_a_url", "home", "1.5", "ftp://x.y", "javascript:alert(1)", "a b.example", {}),
    *_refused("SysUrl", "not_a_url", "https://a:b@example.com", "https://", "a@b.example", f"{LONG}.x", 1.0),
    *_refused("SysPerson", "not_a_person", "", " ", {}, {"name": ""}, {"name": 1.0}, 1.0, []),
    *_refused("SysPerson", "not_a_person", *_CONTROLS, *({"name": each} for each in _CONTROLS)),
    *_refused("SysPerson", "not_a_person", *({"name": "Ada", "original": each} for each in _CONTROLS)),
    *_refused("SysLocation", "not_a_location", *_CONTROLS, *({"city": each} for each in _CONTROLS)),
    *_refused("SysLocation", "not_a_location", "", {}, {"city": ""}, {"city": 1.0}, 1.0, [], {"x": "y"}),
    *_refused(TEXTS, "not_text", 94043.0, True, {}, [], *_CONTROLS),
]
