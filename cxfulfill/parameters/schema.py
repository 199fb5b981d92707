"""One seam over the libraries that schemas are written in.

A schema makes a handler's second argument of the call's parameters, or raises `ParameterError`. It is read once,
when the handler is registered (or, where its annotation names a type that is defined later, at freeze).
"""

import inspect
import typing
from collections.abc import Mapping
from typing import Any

from cxfulfill.errors import ConfigurationError
from cxfulfill.parameters.base import PlainSchema, Schema
from cxfulfill.parameters.marshmallow_schema import MarshmallowSchema, is_marshmallow
from cxfulfill.parameters.models import ModelSchema, is_record

_MAPPINGS = (dict, Mapping, Any, inspect.Parameter.empty)


def schema_for(kind: Any, *, is_annotation: bool = False) -> Schema:
    """Make the schema of a type.

    Args:
        kind: A pydantic model, dataclass or TypedDict, a marshmallow ``Schema`` (class or instance); ``dict``,
            ``Mapping`` or nothing for a plain ``dict``.
        is_annotation: Whether the type annotates the handler's second argument, which is never a marshmallow schema
            but what one loads.

    Returns:
        The schema. Parameters that it does not name are left to its own configuration, which by default ignores them.

    Raises:
        ConfigurationError: It is another type, or the library cannot make a schema of it.
    """
    if kind in _MAPPINGS or typing.get_origin(kind) in (dict, Mapping):
        return PlainSchema()
    if is_marshmallow(kind):
        if is_annotation:
            raise ConfigurationError(
                "a marshmallow Schema is given by params=, and the argument annotated with what it loads, such as dict"
            )
        return MarshmallowSchema(kind)
    if not is_record(kind):
        raise ConfigurationError("parameters need a pydantic model, dataclass, TypedDict, marshmallow Schema or dict")
    return ModelSchema(kind)
