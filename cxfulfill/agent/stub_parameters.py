"""The parameters of a tag: what the forms, intents and presets of the places that call it set, and of which types."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from cxfulfill.agent.assets import EntityType
from cxfulfill.agent.calls import Call
from cxfulfill.agent.flows import Page
from cxfulfill.agent.identifiers import quoted, width
from cxfulfill.agent.model import Agent
from cxfulfill.agent.types import Given, preset

_FILLED: Final = re.compile(r'\$page\.params\.status\s*=\s*"FINAL"')
_EITHER: Final = re.compile(r"\bOR\b|\bNOT\b", re.IGNORECASE)
_MOST: Final = 50  # values of an entity type that a type lists
_ROOM: Final = 60  # columns for each of them
_AMOUNT: Final[Mapping[str, Any]] = {"amount": 5, "unit": "km"}
_DATE: Final[Mapping[str, Any]] = {"year": 2030, "month": 6, "day": 14}
_TEXT: Final = "example"
SYSTEM: Final[Mapping[str, tuple[str, Any]]] = {
    "@sys.address": ("SysAddress", _TEXT),
    "@sys.age": ("SysAge", {"amount": 30, "unit": "year"}),
    "@sys.any": ("SysAny", _TEXT),
    "@sys.cardinal": ("SysCardinal", 3),
    "@sys.color": ("SysColor", "red"),
    "@sys.date": ("SysDate", _DATE),
    "@sys.date-period": ("SysDatePeriod", "2030-06-14/2030-06-16"),
    "@sys.date-time": ("SysDateTime", "2030-06-14T15:00:00+01:00"),
    "@sys.duration": ("SysDuration", {"amount": 5, "unit": "min"}),
    "@sys.email": ("SysEmail", "ada@example.com"),
    "@sys.geo-city": ("SysGeoCity", _TEXT),
    "@sys.geo-country": ("SysGeoCountry", _TEXT),
    "@sys.geo-state": ("SysGeoState", _TEXT),
    "@sys.given-name": ("SysGivenName", "Ada"),
    "@sys.language": ("SysLanguage", "English"),
    "@sys.last-name": ("SysLastName", "Lovelace"),
    "@sys.location": ("SysLocation", {"city": "London"}),
    "@sys.number": ("SysNumber", 3),
    "@sys.number-integer": ("SysNumberInteger", 3),
    "@sys.ordinal": ("SysOrdinal", 3),
    "@sys.percentage": ("SysPercentage", "10%"),
    "@sys.person": ("SysPerson", {"name": "Ada"}),
    "@sys.phone-number": ("SysPhoneNumber", "+14155550100"),
    "@sys.temperature": ("SysTemperature", {"amount": 20, "unit": "C"}),
    "@sys.time": ("SysTime", "15:00:00"),
    "@sys.time-period": ("SysTimePeriod", "15:00:00/16:00:00"),
    "@sys.unit-area": ("SysUnitArea", {"amount": 5, "unit": "m2"}),
    "@sys.unit-currency": ("SysUnitCurrency", {"amount": 5, "currency": "EUR"}),
    "@sys.unit-information": ("SysUnitInformation", {"amount": 5, "unit": "GB"}),
    "@sys.unit-length": ("SysUnitLength", _AMOUNT),
    "@sys.unit-speed": ("SysUnitSpeed", {"amount": 5, "unit": "km/h"}),
    "@sys.unit-volume": ("SysUnitVolume", {"amount": 5, "unit": "l"}),
    "@sys.unit-weight": ("SysUnitWeight", {"amount": 5, "unit": "kg"}),
    "@sys.url": ("SysUrl", "https://example.com/"),
    "@sys.zip-code": ("SysZipCode", "12345"),
}
"""The types of `cxfulfill.parameters.entities` by system entity, and something that each of them reads."""
_OF_JSON: Final[Mapping[str, Any]] = {"boolean": True, "number": 3, "string": _TEXT, "array": [], "object": {}}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a tag.

    Attributes:
        given: What sets it: its name, and its kind where all places have the same.
        is_required: Whether every place has it.
        options: The values of its entity type; empty where it may have others.
    """

    given: Given
    is_required: bool
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.given.name

    @property
    def sample(self) -> Any:
        """A value of it."""
        kind = self.given.kind
        known = SYSTEM[kind][1] if kind in SYSTEM else _OF_JSON.get(kind, _TEXT)
        value = self.options[0] if self.options else known
        return [value] if self.given.is_list else value


def parameters_of(agent: Agent, calls: Iterable[Call]) -> list[Parameter]:
    """Tell what a handler of some calls may read.

    Args:
        agent: The agent.
        calls: The places that call the tag.

    Returns:
        The parameters, in the order in which they stand in the agent.
    """
    known = {f"@{each.name}": each for each in agent.entity_types}
    places = [place for call in calls for place in _places(agent, call)]
    merged: dict[str, Parameter] = {}
    for place in places:
        for name, parameter in place.items():
            merged[name] = _both(merged.get(name), parameter)
    return [
        replace(
            _typed(each, known.get(each.given.kind)),
            is_required=all(name in place and place[name].is_required for place in places),
        )
        for name, each in merged.items()
    ]


def _both(one: Parameter | None, other: Parameter) -> Parameter:
    """Join what two places say of a parameter."""
    if one is None or one.given == other.given:
        return other
    return Parameter(Given(one.name, "", one.given.is_list and other.given.is_list), is_required=False)


def _places(agent: Agent, call: Call) -> Iterator[Mapping[str, Parameter]]:
    """Give what a call has on each of its pages; one of a whole flow has no form of its own."""
    keys = ((call.flow, call.page),) if call.page else call.pages
    forms = [_form(call, agent.page_of[key]) for key in keys] or [{}]
    for form in forms:
        found = dict(form)
        intent = agent.intent_of.get(call.intent)
        for name, kind in intent.parameters.items() if intent else ():
            given = Given(name, _kind(kind), intent is not None and name in intent.lists)
            one = found.get(name)
            # A form asks for what the intent has not filled.
            found[name] = replace(_both(one, Parameter(given, False)), is_required=one is not None and one.is_required)
        for name in call.fulfillment.generated:
            found[name] = Parameter(Given(name), is_required=False)
        for name, value in call.fulfillment.presets.items():
            if value is None:
                found.pop(name, None)
            else:
                given = preset(name, value)
                found[name] = Parameter(given, is_required=bool(given.kind))
        yield {name: each for name, each in found.items() if name and not name.startswith("$")}


def _form(call: Call, page: Page) -> dict[str, Parameter]:
    is_filled = call.what == "route" and bool(_FILLED.search(call.condition)) and not _EITHER.search(call.condition)
    return {
        each.name: Parameter(Given(each.name, _kind(each.entity_type), each.is_list), is_filled and each.is_required)
        for each in page.parameters
    }


def _kind(entity_type: str) -> str:
    return f"@{entity_type.removeprefix('@')}" if entity_type else ""


def _typed(parameter: Parameter, kind: EntityType | None) -> Parameter:
    if kind is None:
        return parameter
    if kind.is_composite:
        return replace(parameter, given=replace(parameter.given, kind=""))
    is_listed = kind.kind == "KIND_MAP" and not kind.is_open and len(kind.values) <= _MOST
    fit = is_listed and all(width(quoted(value)) <= _ROOM for value in kind.values)
    return replace(parameter, options=kind.values if fit else ())
