"""Whatever a body holds, it is answered, refused with 400, or has no handler: it never makes a 500."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from cxfulfill import AllowUnauthenticated, Context, HttpRequest, Webhook
from tests.strategies.json_values import TEXTS, example_requests, json_values, mutated, parts
from tests.strategies.official import official_requests, printed

TAGS: Final = ("typed", "model", "echo", "all")
NAMES: Final = ("nights", "arrival", "at", "price", "stay", "rooms", "guest", "reference", "state")


@dataclass
class Guest:
    """A nested record."""

    name: str
    age: int | None = None


@dataclass
class Stay:
    """Session parameters of six types."""

    nights: int
    arrival: date
    price: Decimal
    rooms: list[float]
    guest: Guest
    state: Literal["new", "old"] | None = None


class Trip(TypedDict, total=False):
    """Session parameters, each of which may be missing."""

    nights: float
    at: datetime
    stay: timedelta
    rooms: dict[str, int]
    guest: Guest
    reference: UUID


class Room(BaseModel, extra="forbid"):
    """Session parameters of which no other may be there."""

    nights: int = Field(default=1, ge=1, multiple_of=2)
    arrival: datetime | date | None = None
    price: float | str = 0.0
    rooms: set[str] = set()
    guest: tuple[str, int] | None = None
    reference: str = Field(default="", pattern="^[a-z]*$")


def read_everything(ctx: Context) -> str:
    """Read every attribute and property of a call."""
    names = [name for name in dir(Context) if not name.startswith("_")]
    values = [getattr(ctx, name) for name in names]
    nested = [getattr(ctx.page, name) for name in dir(type(ctx.page)) if not name.startswith("_")]
    form = [getattr(part, field.name) for part in ctx.form.values() for field in fields(part)]
    return f"{len(values)} {len(nested)} {len(form)} {len(repr(ctx))}"


@pytest.fixture(scope="module")
def webhook() -> Webhook:
    """A webhook with handlers that read what was sent, and no fallback."""
    webhook = Webhook(auth=AllowUnauthenticated())

    @webhook.handler("typed")
    def typed(ctx: Context, stay: Stay) -> str:
        return f"{stay.nights:d} {stay.arrival:%Y} {stay.price} {sum(stay.rooms)} {len(stay.guest.name)} {stay.state}"

    @webhook.handler("model")
    def model(ctx: Context, room: Room) -> str:
        return f"{room.nights} {room.arrival} {len(room.rooms)}"

    @webhook.handler("echo")
    def echo(ctx: Context) -> str | None:
        return ctx.text

    @webhook.handler("all")
    def everything(ctx: Context) -> str:
        return read_everything(ctx)

    return webhook


@pytest.fixture(scope="module")
def record_webhook() -> Webhook:
    """A webhook whose handler takes a TypedDict, as pydantic reads it on every version of Python."""
    webhook = Webhook(auth=AllowUnauthenticated())

    @webhook.handler("record")
    def record(ctx: Context, trip: Trip) -> str:
        return repr(sorted(trip))

    return webhook


def status(webhook: Webhook, value: Any) -> int:
    """Post a JSON value; whatever is answered must be JSON."""
    response = webhook.handle(
        HttpRequest.build(
            "POST", "/webhook", headers={"Content-Type": "application/json"}, body=json.dumps(value).encode()
        )
    )
    json.loads(response.body)
    return response.status


def tagged(value: Any, tag: str) -> Any:
    """The value with another tag, where it can have one."""
    if isinstance(value, dict) and isinstance(value.get("fulfillmentInfo", {}), dict):
        return {**value, "fulfillmentInfo": {**value.get("fulfillmentInfo", {}), "tag": tag}}
    return value


_REQUESTS = st.sampled_from(example_requests())
_KNOWN = [part for request in example_requests() for part in parts(request)]
_members = (
    st.sampled_from(_KNOWN)
    | st.tuples(st.sampled_from([name for name, _ in _KNOWN]), json_values())
    | st.tuples(TEXTS, json_values())
)

# Near misses: texts that look like numbers, dates or durations, and numbers at the edges of those.
_NEAR: Final[list[Any]] = [
    9.0, 9, 2**63, 10**400, 1e308, 1e20, -1e20, -1, -0.0, True, None, 253402300800, -62135596801,
    "9", "9.0", "1e999", "nan", "inf", "sNaN", "-", "9" * 5000, "new", "abc", "a\x00", "{}",
    "2024-02-30", "2024-02-29", "0000-00-00", "2024-02-29T25:00:00Z", "99999-01-01", "P1D", "P99999999999999D", "-P1Y",
    "12345678-1234-5678-1234-567812345678", {"name": "a"}, {"name": 1, "age": 1e300}, {"a": 1}, {"a": "x"},
    [9.0], ["9", "nan"], [[]], ["a", 1],
]  # fmt: skip
_PARAMETERS: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(_NEAR) | json_values() for name in NAMES}
)


@given(value=json_values())
@settings(max_examples=200, deadline=None)
def test_any_json_value_is_refused_or_has_no_handler(webhook: Webhook, value: Any) -> None:
    assert status(webhook, value) in (400, 404)


@given(value=mutated(_REQUESTS, _members), tag=st.none() | st.sampled_from(TAGS))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_request_never_makes_a_500(webhook: Webhook, value: Any, tag: str | None) -> None:
    body = value if tag is None else tagged(value, tag)

    assert status(webhook, body) in (200, 400, 404)


@given(parameters=_PARAMETERS, tag=st.sampled_from(TAGS))
@settings(max_examples=400, deadline=None)
def test_any_parameters_fit_the_handlers_types_or_are_a_400(
    webhook: Webhook, parameters: Mapping[str, Any], tag: str
) -> None:
    code = status(webhook, {"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": parameters}})

    assert code in (200, 400)


@given(parameters=_PARAMETERS)
@settings(max_examples=200, deadline=None)
def test_any_parameters_fit_a_typed_dict_or_are_a_400(record_webhook: Webhook, parameters: Mapping[str, Any]) -> None:
    code = status(record_webhook, {"fulfillmentInfo": {"tag": "record"}, "sessionInfo": {"parameters": parameters}})

    assert code in (200, 400)


@pytest.mark.parametrize("version", ["v3", "v3beta1"])
@given(data=st.data(), tag=st.sampled_from(TAGS))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_official_request_never_makes_a_500(
    webhook: Webhook, version: Literal["v3", "v3beta1"], data: st.DataObject, tag: str
) -> None:
    value = json.loads(printed(data.draw(official_requests(version))))

    assert status(webhook, value) in (200, 400, 404)
    # Nothing but the parameters of a typed handler can be wrong with it.
    assert status(webhook, tagged(value, tag)) == 200 or tag in ("typed", "model")


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("request_", example_requests(), ids=lambda value: str(value["fulfillmentInfo"]["tag"]))
def test_every_real_request_is_answered_or_fits_not(webhook: Webhook, request_: Any, tag: str) -> None:
    assert status(webhook, request_) == 404
    assert status(webhook, tagged(request_, tag)) in ((200,) if tag in ("echo", "all") else (200, 400))


def test_parameters_that_fit_are_answered(webhook: Webhook) -> None:
    stay = {"nights": 2.0, "arrival": "2030-06-14", "price": "9.50", "rooms": [1.0], "guest": {"name": "Ada"}}

    assert status(webhook, {"fulfillmentInfo": {"tag": "typed"}, "sessionInfo": {"parameters": stay}}) == 200
    assert status(webhook, {"fulfillmentInfo": {"tag": "model"}}) == 200
