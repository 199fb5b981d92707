"""Schemas by pydantic: models, dataclasses and TypedDicts."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, Final, get_args

import typing_extensions
from pydantic import AliasPath, BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind
from pydantic_core import CoreSchema, ErrorDetails
from pydantic_core.core_schema import ErrorType

from cxfulfill.errors import ConfigurationError, ParameterError
from cxfulfill.parameters.base import UNNAMED, UnresolvedAnnotation, repeats
from cxfulfill.parameters.refusals import MESSAGES
from cxfulfill.parameters.shapes import Shape, property_shapes, structured_names

_FIXED_MESSAGES: Final = frozenset({*MESSAGES, *get_args(ErrorType)}) - {"value_error", "assertion_error"}
MAX_ERRORS: Final = 1_000
"""Errors of one call that are told apart: of a list of wrong values there can be hundreds of thousands."""
_VALUES: Final = frozenset({"error", "encoding_error", "tag", "tz_actual"})
"""What pydantic puts into some of its messages that came with the call."""


def is_record(kind: Any) -> bool:
    """Tell whether a type holds named fields: a pydantic model, dataclass or TypedDict."""
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel) and not kind.__pydantic_root_model__
    is_dataclass = isinstance(kind, type) and dataclasses.is_dataclass(kind)
    return is_model or is_dataclass or typing_extensions.is_typeddict(kind)


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """Let pydantic read a type.

    Args:
        kind: Any type that it knows.

    Returns:
        What validates and dumps values of it.

    Raises:
        UnresolvedAnnotation: It names a type that is not defined yet.
        ConfigurationError: pydantic cannot make a schema of it.
    """
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
    except PydanticUserError as error:
        hint = (
            "take TypedDict from typing_extensions on Python 3.11" if error.code == "typed-dict-version" else error.code
        )
        raise ConfigurationError(f"pydantic cannot read the type: {hint}") from error
    if not adapter.pydantic_complete and not adapter.rebuild(raise_errors=False):
        raise UnresolvedAnnotation("the type names a type that is not defined yet")
    return adapter


class AnythingElse(GenerateJsonSchema):
    """JSON schemas in which a type that pydantic cannot describe may be anything."""

    ignored_warning_kinds: set[JsonSchemaWarningKind] = {"non-serializable-default"}  # noqa: RUF012 - the base's

    def handle_invalid_for_json_schema(self, schema: CoreSchema, error_info: str) -> dict[str, Any]:
        """Describe a type of which pydantic cannot tell what it takes; see pydantic."""
        del schema, error_info
        return {}


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
        """The names that its fields are read by: aliases, where there are any."""
        return frozenset(name for whole, parts in self._names_of_fields() for name in (*whole, *parts))

    @cached_property
    def synonyms(self) -> dict[str, str]:
        """See `cxfulfill.parameters.base.Schema.synonyms`."""
        return {name: whole[0] for whole, _ in self._names_of_fields() for name in whole[1:]}

    def structured(self) -> frozenset[str]:
        """See `cxfulfill.parameters.base.Schema.structured`: what the type's JSON schema says."""
        return structured_names(self._shape()).union(*(parts for _, parts in self._names_of_fields()))

    def wire_names(self, given: Collection[str] = ()) -> Mapping[str, bool]:
        """See `cxfulfill.parameters.base.Schema.wire_names`: what the type's JSON schema says."""
        names = property_shapes(self._shape(by_alias=False))
        found: dict[str, bool] = {}
        for (wire, required), name in zip(self._required().items(), names, strict=True):
            wire_name = _origin(self._infos().get(name)) or wire
            if wire_name not in given and not (self._takes_names and name in given):
                found[wire_name] = required or found.get(wire_name, False)
        return found

    def load(self, parameters: Mapping[str, Any]) -> Any:
        """See `cxfulfill.parameters.base.Schema.load`."""
        try:
            return self._validate(parameters)
        except ValidationError as error:
            raise self._refusal(error) from None

    @property
    def _takes_names(self) -> bool:
        config = getattr(self.kind, "model_config", None) or getattr(self.kind, "__pydantic_config__", {})
        return bool(config.get("validate_by_name") or config.get("populate_by_name"))

    def _names_of_fields(self) -> Iterator[tuple[list[str], list[str]]]:
        """List for each field the parameters that it is, and those out of which it takes a part."""
        for name, info in self._infos().items():
            given = getattr(info.validation_alias, "choices", [info.validation_alias or info.alias])
            whole = [alias for alias in given if isinstance(alias, str)]
            parts = [str(alias.path[0]) for alias in given if isinstance(alias, AliasPath)]
            by_name = [name] if self._takes_names or not (whole or parts) else []
            yield list(dict.fromkeys(whole + by_name)), parts

    def _shape(self, **options: Any) -> Shape:
        return Shape.of(self.adapter.json_schema(schema_generator=AnythingElse, **options))

    def _required(self) -> dict[str, bool]:
        return {
            name: name in each.schema.get("required", ())
            for each in self._shape().alternatives
            for name in each.schema.get("properties", ())
        }

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
        if error.error_count() > MAX_ERRORS:
            return ParameterError([(UNNAMED, "too_many_errors")])
        problems: dict[tuple[str, str], None] = {}
        messages: dict[str, str] = {}
        for item in error.errors(include_url=False):
            # An unexpected parameter's name came with the call, every other first name is the schema's own.
            name = str(item["loc"][0]) if item["loc"] else UNNAMED
            if item["type"] == "extra_forbidden" or name not in self.names:
                name = UNNAMED
            problems[name, item["type"]] = None
            message = _message(item) if name not in messages else None
            if message is not None:
                messages[name] = message
        return ParameterError(problems, messages)


def _origin(info: FieldInfo | None) -> str:
    """Name the parameter out of which a field takes a part; empty where it takes a whole one."""
    alias = info.validation_alias if info else None
    return str(alias.path[0]) if isinstance(alias, AliasPath) else ""


def _message(item: ErrorDetails) -> str | None:
    context = item.get("ctx", {})
    if item["type"] in _FIXED_MESSAGES and _VALUES.isdisjoint(context):
        return item["msg"]
    message = str(context["error"]) if item["type"] in ("value_error", "assertion_error") else item["msg"]
    return message if message and not repeats(message, item["input"]) else None
