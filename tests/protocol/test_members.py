"""The table of documented members says what the models do."""

import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Strict
from pydantic_core import CoreSchema, core_schema

from cxfulfill import WebhookRequest
from cxfulfill.protocol.base import Incoming
from cxfulfill.protocol.members import KNOWN, REQUEST
from tests.protocol.test_request import MODELS


def test_the_table_is_that_of_the_models() -> None:
    assert json.dumps(REQUEST) == json.dumps(_members(WebhookRequest))  # in the same order, too


def test_all_names_of_cx_may_be_shown() -> None:
    assert {info.alias for model in MODELS.values() for info in model.model_fields.values()} == KNOWN


def _members(model: type[Incoming]) -> CoreSchema:
    fields = {}
    for name, info in model.model_fields.items():
        assert info.alias is not None
        names: list[list[str | int]] = [[info.alias], [name]]
        schema = _any_of(info.annotation)
        fields[name] = core_schema.typed_dict_field(schema, required=False, validation_alias=names)
    return core_schema.typed_dict_schema(fields, extra_behavior="ignore")


def _any_of(annotation: Any) -> CoreSchema:
    if annotation is Any:
        return core_schema.any_schema()
    kinds: list[Any] = [_schema(kind) for kind in _alternatives(annotation)]
    return core_schema.nullable_schema(kinds[0] if len(kinds) == 1 else core_schema.union_schema(kinds))


def _schema(kind: Any) -> CoreSchema:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        is_strict = any(isinstance(each, Strict) for each in arguments)
        return core_schema.bool_schema(strict=is_strict)
    if origin is list:
        return core_schema.list_schema(_members(arguments[0]))
    if origin is dict:
        inner = core_schema.any_schema() if arguments[1] is Any else _members(arguments[1])
        return core_schema.dict_schema(core_schema.str_schema(), inner)
    if issubclass(kind, Incoming):
        return _members(kind)
    plain = {str: core_schema.str_schema(), float: core_schema.float_schema(), int: core_schema.int_schema()}
    return plain[kind]


def _alternatives(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, UnionType):
        yield from (each for each in get_args(annotation) if each is not NoneType)
    else:
        yield annotation
