"""Schemas by pydantic: models, dataclasses and TypedDicts."""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, get_args

import typing_extensions
from pydantic import BaseModel, PydanticInvalidForJsonSchema, RootModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from cxfulfill.errors import ConfigurationError, ParameterError
from cxfulfill.parameters.base import UNNAMED, repeats
from cxfulfill.parameters.shapes import Shape, property_shapes

_OWN_MESSAGES: Final = frozenset(get_args(ErrorType)) - {"value_error", "assertion_error"}
_VALUES: Final = frozenset({"error", "encoding_error", "tag", "tz_actual"})
"""What pydantic puts into some of its messages that came with the call."""


def is_record(kind: Any) -> bool:
    """Tell whether a type holds named fields: a pydantic model, dataclass or TypedDict."""
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel) and not issubclass(kind, RootModel)
    is_dataclass = isinstance(kind, type) and dataclasses.is_dataclass(kind)
    return is_model or is_dataclass or typing_extensions.is_typeddict(kind)


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """Let pydantic read a type.

    Args:
        kind: Any type that it knows.

    Returns:
        What validates and dumps values of it.

    Raises:
        ConfigurationError: pydantic cannot make a schema of it.
    """
    try:
        return TypeAdapter(kind)
    except PydanticUserError as error:
        hint = (
            "take TypedDict from typing_extensions on Python 3.11" if error.code == "typed-dict-version" else error.code
        )
        raise ConfigurationError(f"pydantic cannot read the type: {hint}") from error


class ModelSchema:
    """A pydantic model, dataclass or TypedDict; see `cxfulfill.parameters.base.Schema`.

    Args:
        kind: The type.

    Raises:
        ConfigurationError: pydantic cannot make a schema of it.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.adapter = adapter_of(kind)
        self._validate = self.adapter.validator.validate_python

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields' names in Python."""
        return frozenset(self._infos())

    @cached_property
    def names(self) -> frozenset[str]:
        """The fields' names and aliases."""
        aliases = (alias for info in self._infos().values() for alias in _aliases(info))
        return self.fields | frozenset(aliases)

    def structured(self) -> frozenset[str]:
        """See `cxfulfill.parameters.base.Schema.structured`: what the type's JSON schema says."""
        try:
            shapes = property_shapes(Shape.of(self.adapter.json_schema()))
        except PydanticInvalidForJsonSchema:
            return frozenset()
        return frozenset(name for name, shape in shapes.items() if shape.kinds & {"array", "object"})

    def load(self, parameters: Mapping[str, Any]) -> Any:
        """See `cxfulfill.parameters.base.Schema.load`."""
        try:
            return self._validate(parameters)
        except ValidationError as error:
            raise self._refusal(error) from None

    def _infos(self) -> dict[str, FieldInfo]:
        kind = self.kind
        known: dict[str, FieldInfo] | None = getattr(kind, "__pydantic_fields__", None)
        if known is not None:
            return known
        defaults = {name: each.default for name, each in getattr(kind, "__dataclass_fields__", {}).items()}
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        return {
            name: defaults[name] if isinstance(defaults.get(name), FieldInfo) else FieldInfo.from_annotation(hint)
            for name, hint in hints.items()
        }

    def _refusal(self, error: ValidationError) -> ParameterError:
        problems: dict[tuple[str, str], None] = {}
        messages: dict[str, str] = {}
        for item in error.errors(include_url=False):
            # An unexpected parameter's name came with the call, every other first name is the schema's own.
            name = str(item["loc"][0]) if item["loc"] else UNNAMED
            if item["type"] == "extra_forbidden" or name not in self.names:
                name = UNNAMED
            problems[name, item["type"]] = None
            message = _message(item)
            if message is not None:
                messages.setdefault(name, message)
        return ParameterError(problems, messages)


def _aliases(info: FieldInfo) -> Iterator[str]:
    for alias in getattr(info.validation_alias, "choices", [info.validation_alias, info.alias]):
        first = getattr(alias, "path", [alias])[0]
        if first is not None:
            yield str(first)


def _message(item: ErrorDetails) -> str | None:
    context = item.get("ctx", {})
    if item["type"] in _OWN_MESSAGES and _VALUES.isdisjoint(context):
        return item["msg"]
    message = str(context["error"]) if item["type"] in ("value_error", "assertion_error") else item["msg"]
    return message if message and not repeats(message, item["input"]) else None
