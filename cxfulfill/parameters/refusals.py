"""Why a value is no date, no number, ...: one code and one sentence for each reason, whichever library asked."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cxfulfill.errors import CxFulfillError

MESSAGES: Final[Mapping[str, str]] = MappingProxyType({
    "not_a_date": "Please give a date with day, month and year.",
    "date_incomplete": "Please give the whole date: day, month and year.",
    "date_without_day": "Please say the day of the month as well.",
    "date_without_month": "Please say the month as well.",
    "date_without_year": "Please say the year as well.",
    "no_such_date": "Please give a date that exists in the calendar.",
    "not_a_time": "Please give a time of day with hours and minutes.",
    "time_without_hours": "Please say the hour as well.",
    "no_such_time": "Please give a time of day that exists on the clock.",
    "not_a_date_time": "Please give a date and a time of day.",
    "date_time_without_time": "Please say the time of day as well.",
    "not_a_date_period": "Please give a first and a last day.",
    "not_a_time_period": "Please say from what time until what time.",
    "period_reversed": "Please give a period that does not end before it begins.",
    "not_a_duration": "Please say how long, such as in days or hours.",
    "duration_without_fixed_length": "Please say how many weeks, days or hours.",
    "duration_too_long": "Please give a shorter length of time.",
    "not_a_number": "Please give a number.",
    "number_too_large": "Please give a smaller number.",
    "not_an_integer": "Please give a whole number.",
    "not_a_percentage": "Please give a percentage.",
    "not_money": "Please give an amount of money with its currency.",
    "currency_missing": "Please say the currency as well.",
    "not_a_currency": "Please name the currency, such as euros or US dollars.",
    "not_a_quantity": "Please give a number with its unit.",
    "amount_missing": "Please say how much.",
    "unit_missing": "Please say the unit as well.",
    "not_text": "Please say that again in words.",
    "not_an_email": "Please give an e-mail address.",
    "not_a_url": "Please give the address of a web page.",
    "not_a_phone_number": "Please give a whole phone number.",
    "phone_number_without_country": "Please give the phone number with its country code.",
    "not_a_person": "Please give a name.",
    "not_a_location": "Please name a place.",
})  # fmt: skip
"""Each code's sentence, no two alike. It can be said to the end user as it is: nothing of the value is in it."""


class EntityError(CxFulfillError):
    """A value is not of its entity. In pydantic it becomes a ``PydanticCustomError``, in marshmallow a field's error.

    Args:
        code: One of `MESSAGES`.

    Attributes:
        code: What is wrong, such as ``date_without_year``.
        message: The code's sentence; never any part of the value.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.message = MESSAGES[code]
        super().__init__(self.message)
