"""Any Reply that can be built: every message kind, and every Python value that is converted.

Strategies of values give pairs: the Python value, and the JSON value that it becomes.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel, Field

from cxfulfill import (
    ConversationSuccess,
    KnowledgeInfoCard,
    LiveAgentHandoff,
    OutputAudioText,
    Payload,
    PlayAudio,
    Reply,
    ResponseMessage,
    TelephonyTransferCall,
    Text,
    ToolCall,
)
from cxfulfill.protocol.building import MessageLike
from cxfulfill.protocol.names import AgentName
from cxfulfill.protocol.values import MAX_DEPTH
from tests.strategies.json_values import NUMBERS, TEXTS
from tests.strategies.messenger import rich_contents

Pair = tuple[Any, Any]


class Room(Enum):
    """An enum of texts, as a value and as a key."""

    SINGLE = "single room"
    DOUBLE = "double room"


class Floor(IntEnum):
    """An enum that is a number."""

    GROUND = 0
    FIRST = 1


class Guest(BaseModel):
    """A pydantic model with an alias and values that JSON does not have."""

    name: str = Field(alias="guest-name")
    arrival: date
    room: Room | None = None


@dataclass(frozen=True)
class Booking:
    """A dataclass that holds any value."""

    reference: str
    details: Any


_MAX_ITEMS: Final = 3
_CHAIN: Final = 8

_CHANNEL = st.none() | TEXTS
_VARIANTS = st.lists(TEXTS, min_size=1, max_size=_MAX_ITEMS)
_PHONES = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True)
_IDS = st.text(st.characters(categories=["L", "N"], include_characters="-_.~%@"), min_size=1, max_size=8)
_AGENTS = st.builds(AgentName, _IDS, _IDS, _IDS)
_FLOWS = st.builds(AgentName.flow, _AGENTS, _IDS)
_PAGES = st.builds(AgentName.page, _AGENTS, _IDS, _IDS | st.sampled_from(["START_PAGE", "END_SESSION"]))
_NOWHERE = st.none()
_TARGETS = st.tuples(_PAGES, _NOWHERE) | st.tuples(_NOWHERE, _FLOWS) | st.tuples(_NOWHERE, _NOWHERE)
# XML holds no control characters but tab and line ends, and two code points less at the end of a plane.
_XML_TEXTS = st.text(
    st.characters(min_codepoint=0x20, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\r\n<>&\"'{}"),
    max_size=12,
)


def _same(values: SearchStrategy[Any]) -> SearchStrategy[Pair]:
    return values.map(lambda value: (value, value))


def _iso(values: SearchStrategy[Any]) -> SearchStrategy[Pair]:
    return values.map(lambda value: (value, value.isoformat()))


def _guest(name: str, arrival: date, room: Room | None) -> Pair:
    guest = Guest.model_validate({"guest-name": name, "arrival": arrival, "room": room})
    return guest, {"guest-name": name, "arrival": arrival.isoformat(), "room": room and room.value}


_DECIMALS = st.decimals(Decimal("-1e300"), Decimal("1e300"), allow_nan=False, allow_infinity=False)
_LEAVES: SearchStrategy[Pair] = st.one_of(
    _same(st.none() | st.booleans() | NUMBERS | TEXTS),
    _iso(st.datetimes(timezones=st.none() | st.timezones(no_cache=True)) | st.dates() | st.times()),
    _DECIMALS.map(lambda value: (value, float(value))),
    st.uuids().map(lambda value: (value, str(value))),
    st.sampled_from([*Room, *Floor]).map(lambda value: (value, value.value)),
    st.builds(_guest, TEXTS, st.dates(), st.none() | st.sampled_from(Room)),
)


def _object(members: dict[Any, Pair]) -> Pair:
    python = {name: pair[0] for name, pair in members.items()}
    return python, {name.value if isinstance(name, Enum) else name: pair[1] for name, pair in members.items()}


def _containers(pairs: SearchStrategy[Pair]) -> SearchStrategy[Pair]:
    lists = st.lists(pairs, max_size=_MAX_ITEMS).map(lambda items: ([a for a, _ in items], [b for _, b in items]))
    objects = st.dictionaries(TEXTS | st.sampled_from(Room), pairs, max_size=_MAX_ITEMS).map(_object)
    bookings = st.tuples(TEXTS, pairs).map(
        lambda made: (Booking(made[0], made[1][0]), {"reference": made[0], "details": made[1][1]})
    )
    tuples = lists.map(lambda pair: (tuple(pair[0]), pair[1]))
    mappings = objects.map(lambda pair: (MappingProxyType(pair[0]), pair[1]))
    return lists | tuples | objects | mappings | bookings


@st.composite
def _chains(draw: st.DrawFn, depth: int) -> Pair:
    """A leaf so deep that its value just fits."""
    value, plain = draw(_LEAVES.filter(lambda pair: not isinstance(pair[0], Guest)))
    kinds = draw(st.lists(st.sampled_from("[({"), min_size=_CHAIN, max_size=_CHAIN))
    for level in range(depth):
        kind = kinds[level % _CHAIN]
        value = {"[": [value], "(": (value,), "{": {"a": value}}[kind]
        plain = {"a": plain} if kind == "{" else [plain]
    return value, plain


def values(depth: int = MAX_DEPTH) -> SearchStrategy[Pair]:
    """A value that may stand where ``depth`` levels of lists and objects fit, and what it becomes."""
    return st.recursive(_LEAVES, _containers, max_leaves=6) | _chains(depth)


def objects(depth: int = MAX_DEPTH) -> SearchStrategy[Pair]:
    """An object whose members may each be nested ``depth`` levels deep, and what it becomes."""
    return st.dictionaries(TEXTS, values(depth), max_size=_MAX_ITEMS).map(_object)


def _python(pairs: SearchStrategy[Pair]) -> SearchStrategy[Any]:
    return pairs.map(lambda pair: pair[0])


_STRUCTS = _python(objects(MAX_DEPTH - 1))


def messages() -> SearchStrategy[MessageLike]:
    """A message of any kind, on any channel."""
    channel = _CHANNEL
    return st.one_of(
        TEXTS,
        _VARIANTS,
        st.tuples(_VARIANTS, channel).map(lambda made: Text(*made[0], channel=made[1])),
        rich_contents(),
        st.builds(Payload, _STRUCTS | rich_contents(), channel=channel),
        st.builds(OutputAudioText, TEXTS, channel=channel),
        st.builds(
            OutputAudioText.ssml,
            st.just("<speak>{a} <s x='{b}'/></speak>"),
            channel=channel,
            a=_XML_TEXTS,
            b=_XML_TEXTS,
        ),
        st.builds(PlayAudio, TEXTS, channel=channel),
        st.builds(ConversationSuccess, st.none() | _STRUCTS, channel=channel),
        st.builds(LiveAgentHandoff, st.none() | _STRUCTS, channel=channel),
        st.builds(TelephonyTransferCall, _PHONES, channel=channel),
        st.builds(KnowledgeInfoCard, channel=channel),
        st.builds(ToolCall, TEXTS, TEXTS, st.none() | _STRUCTS, channel=channel),
        st.builds(ResponseMessage, channel=TEXTS),
    )


@st.composite
def reply_arguments(draw: st.DrawFn) -> tuple[list[MessageLike], dict[str, Any]]:
    """The messages of a Reply, and what else it is given."""
    refused = draw(st.lists(TEXTS, max_size=2))
    form = {name: value for name, value in draw(_STRUCTS).items() if name not in refused}
    parameters = {name: value for name, value in draw(_python(objects())).items() if name not in refused}
    page, flow = draw(_TARGETS)
    return draw(st.lists(messages(), max_size=_MAX_ITEMS)), {
        "parameters": draw(st.sampled_from([None, parameters])),
        "form": draw(st.sampled_from([None, form])),
        "invalid": refused,
        "payload": draw(st.none() | _python(objects())),
        "merge": draw(st.sampled_from([None, "append", "replace"])),
        "target_page": page,
        "target_flow": flow,
    }


def replies() -> SearchStrategy[Reply]:
    """A Reply with any of its parts."""
    return reply_arguments().map(lambda given: Reply(*given[0], **given[1]))
