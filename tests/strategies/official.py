"""Any WebhookRequest or WebhookResponse that the official protos can express, built from their descriptors.

Nothing here names a field: what Google adds in a later release is generated without a change. Duration,
Timestamp and Any, whose JSON is special too, do not occur in a request and have no strategy of their own.
"""

import math
from functools import cache
from typing import Any, Final, Literal

from google.cloud import dialogflowcx_v3, dialogflowcx_v3beta1
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_MESSAGE_DEPTH: Final = 5
_VALUE_DEPTH: Final = 5
_MAX_ITEMS: Final = 3

# Lone surrogates cannot be written as UTF-8, so no proto string holds one.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_INT32 = st.integers(-(2**31), 2**31 - 1)
# json_format rounds the very largest floats up when it prints them, and then refuses to read them.
_FLOATS = st.floats(-(2.0**127), 2.0**127, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])

_SCALARS: Final[dict[int, SearchStrategy[Any]]] = {
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=12),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_FLOAT: _FLOATS,
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_STRING: _TEXTS,
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
}


def official_requests(version: Literal["v3", "v3beta1"]) -> SearchStrategy[Message]:
    """Raw protobuf requests of one API version, with any fields set or left out."""
    package = dialogflowcx_v3 if version == "v3" else dialogflowcx_v3beta1
    return _messages(package.WebhookRequest.pb().DESCRIPTOR, _MESSAGE_DEPTH)


def official_responses(version: Literal["v3", "v3beta1"]) -> SearchStrategy[Message]:
    """Raw protobuf responses of one API version, with any fields set or left out."""
    package = dialogflowcx_v3 if version == "v3" else dialogflowcx_v3beta1
    return _messages(package.WebhookResponse.pb().DESCRIPTOR, _MESSAGE_DEPTH)


def printed(message: Message) -> str:
    """The message as Google's own library writes it."""
    text: str = json_format.MessageToJson(message)
    return text


@cache
def _values(depth: int) -> SearchStrategy[Value]:
    """A Value of every kind; never without a kind and never NaN, both of which cannot be printed."""
    kinds = [
        st.just(Value(null_value=NULL_VALUE)),
        st.booleans().map(lambda value: Value(bool_value=value)),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda value: Value(number_value=value)),
        _TEXTS.map(lambda value: Value(string_value=value)),
    ]
    if depth > 1:
        items = st.lists(_values(depth - 1), max_size=_MAX_ITEMS)
        kinds.append(items.map(lambda values: Value(list_value=ListValue(values=values))))
        kinds.append(_structs(depth - 1).map(lambda value: Value(struct_value=value)))
    return st.one_of(kinds)


@cache
def _structs(depth: int) -> SearchStrategy[Struct]:
    members = st.dictionaries(_TEXTS, _values(depth), max_size=_MAX_ITEMS)
    return members.map(lambda fields: Struct(fields=fields))


def _enum_numbers(enum: EnumDescriptor) -> SearchStrategy[int]:
    """Numbers of an open enum: the known ones, and any that a later release may add."""
    return st.sampled_from([value.number for value in enum.values]) | _INT32


@cache
def _messages(kind: Descriptor, depth: int) -> SearchStrategy[Message]:
    """Messages of one type, with at most ``depth`` levels of messages."""
    if kind.full_name == Value.DESCRIPTOR.full_name:
        return _values(_VALUE_DEPTH)
    if kind.full_name == Struct.DESCRIPTOR.full_name:
        return _structs(_VALUE_DEPTH)
    plain = [field for field in kind.fields if field.containing_oneof is None and _fits(field, depth)]
    parts = [st.fixed_dictionaries({}, optional={field.name: _field(field, depth) for field in plain})]
    for oneof in kind.oneofs:
        members = [field for field in oneof.fields if _fits(field, depth)]
        parts.append(st.just({}) | st.one_of([_member(field, depth) for field in members]))
    return st.tuples(*parts).map(lambda chosen: _built(kind, chosen))


def _built(kind: Descriptor, parts: tuple[dict[str, Any], ...]) -> Message:
    return GetMessageClass(kind)(**{name: value for part in parts for name, value in part.items()})


def _fits(field: FieldDescriptor, depth: int) -> bool:
    return depth > 1 or field.message_type is None


def _member(field: FieldDescriptor, depth: int) -> SearchStrategy[dict[str, Any]]:
    return _field(field, depth).map(lambda value: {field.name: value})


def _field(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        entry = message.fields_by_name
        keys, values = _single(entry["key"], depth), _single(entry["value"], depth)
        return st.dictionaries(keys, values, max_size=_MAX_ITEMS)
    one = _single(field, depth)
    return st.lists(one, max_size=_MAX_ITEMS) if field.is_repeated else one


def _single(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    if field.message_type is not None:
        return _messages(field.message_type, depth - 1)
    if field.enum_type is not None:
        return _enum_numbers(field.enum_type)
    return _SCALARS[field.type]
