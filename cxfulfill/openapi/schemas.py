"""The schemas of routes as JSON Schema: pydantic's by pydantic, marshmallow's by apispec."""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from typing import Any, Final, Literal, cast

from pydantic import TypeAdapter

from cxfulfill.errors import ConfigurationError
from cxfulfill.parameters.answers import MarshmallowResponse, ModelResponse, ResponseSchema
from cxfulfill.parameters.base import Schema
from cxfulfill.parameters.marshmallow_schema import MarshmallowSchema
from cxfulfill.parameters.models import AnythingElse, ModelSchema
from cxfulfill.parameters.shapes import Shape, property_shapes

JsonSchema = dict[str, Any]

PLACE: Final = "#/components/schemas/"
OPENAPI: Final = "3.1.0"

_WHOLE_NUMBER: Final = "^-?[0-9]+$"
_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
"""How marshmallow writes numbers as text (``as_string=True``)."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a handler's schema reads.

    Attributes:
        properties: Schema of each parameter by its name on the wire.
        is_closed: Whether any other parameter is refused.
        whole: Schema of all of them together; None where it has no name of its own.
    """

    properties: Mapping[str, JsonSchema]
    is_closed: bool
    whole: JsonSchema | None

    def members(self, names: Mapping[str, bool]) -> JsonSchema:
        """Describe an object that holds some of them, or all.

        Args:
            names: Whether it is required, by parameter.

        Returns:
            Its schema.
        """
        if self.whole is not None and self.properties.keys() == names.keys():
            return self.whole
        members: JsonSchema = {
            "type": "object", "properties": {name: self.properties.get(name, {}) for name in names}
        }  # fmt: skip
        required = [name for name, is_required in names.items() if is_required]
        if required:
            members["required"] = required
        return members | ({"additionalProperties": False} if self.is_closed else {})


class Schemas:
    """The schemas of an application.

    Args:
        inputs: Those of its handlers' parameters.
        outputs: Those of their answers.

    Attributes:
        components: What they refer to, by name. Complete once each schema has been asked for.
    """

    def __init__(self, inputs: Iterable[Schema | None], outputs: Iterable[ResponseSchema | None]) -> None:
        models: list[tuple[int, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
            *((id(each), "validation", each.adapter) for each in inputs if isinstance(each, ModelSchema)),
            *((id(each), "serialization", each.adapter) for each in outputs if isinstance(each, ModelResponse)),
        ]
        found, shared = TypeAdapter.json_schemas(
            models, ref_template=f"{PLACE}{{model}}", schema_generator=AnythingElse
        )
        self._models = {key: schema for (key, _), schema in found.items()}
        self.components: dict[str, Any] = dict(shared.get("$defs", {}))

    def parameters(self, schema: Schema) -> Parameters:
        """Describe what a handler reads.

        Args:
            schema: One of the inputs.

        Returns:
            The description.

        Raises:
            ConfigurationError: It is marshmallow's, and apispec is not installed.
        """
        if isinstance(schema, ModelSchema):
            whole = self._models[id(schema)]
            parts = [each.schema for each in self.shape(whole).alternatives]
            is_closed = any(part.get("additionalProperties") is False for part in parts)
            return Parameters(
                {name: dict(each.schema) for name, each in property_shapes(self.shape(whole)).items()}, is_closed, whole
            )
        if isinstance(schema, MarshmallowSchema):
            fields = schema.schema.load_fields
            return Parameters(self._marshmallow.described(fields)["properties"], schema.unknown == "raise", None)
        return Parameters({}, is_closed=False, whole=None)

    def response(self, schema: ResponseSchema | None) -> JsonSchema:
        """Describe an answer.

        Args:
            schema: One of the outputs.

        Returns:
            Its JSON schema.

        Raises:
            ConfigurationError: It is marshmallow's, and apispec is not installed.
        """
        if isinstance(schema, ModelResponse):
            return self._models[id(schema)]
        if isinstance(schema, MarshmallowResponse):
            one = self._marshmallow.described(schema.schema.dump_fields)
            return {"type": "array", "items": one} if schema.schema.many else one
        return {}

    def shape(self, schema: JsonSchema) -> Shape:
        """Give a schema with what it refers to.

        Args:
            schema: A schema.

        Returns:
            Its shape.
        """
        return Shape(schema, {f"{PLACE}{name}": each for name, each in self.components.items()})

    @cached_property
    def _marshmallow(self) -> "_Marshmallow":
        return _Marshmallow(self.components)


class _Marshmallow:
    """What apispec makes of marshmallow's schemas; nested ones are added to the components."""

    def __init__(self, components: dict[str, Any]) -> None:
        try:
            from apispec import APISpec  # noqa: PLC0415 - only who has such a schema needs it
            from apispec.ext.marshmallow import MarshmallowPlugin  # noqa: PLC0415
        except ImportError:
            raise ConfigurationError.for_extra("a description of marshmallow schemas", "tools") from None
        plugin = MarshmallowPlugin(schema_name_resolver=self._name)
        self._spec = APISpec("", "", OPENAPI, plugins=[plugin])
        self._converter = cast(Any, plugin.converter)
        self._converter.add_attribute_function(_of_field)
        self._components = components
        self._named: set[str] = set()

    def described(self, fields: Mapping[str, Any]) -> JsonSchema:
        # Without "required": whether a parameter is, its schema tells, and an answer may lack any field.
        schema: JsonSchema = self._converter.fields2jsonschema(fields, partial=True)
        self._components.update(self._spec.components.schemas)
        return schema

    def _name(self, schema: Any) -> str:
        kind = schema if inspect.isclass(schema) else type(schema)
        # apispec knows a schema's name only once its members are described, which may have others of the same name.
        name = free_name(kind.__name__.removesuffix("Schema") or "Schema", {*self._components, *self._named})
        self._named.add(name)
        return name


def _of_field(converter: Any, field: Any, ret: JsonSchema, **kwargs: Any) -> JsonSchema:
    """Describe fields that apispec does not know; it makes a method of this, with what it has made as ``ret``."""
    del converter, kwargs
    own: JsonSchema | None = getattr(field, "json_schema", None)
    if own:
        return dict(own)
    # A format of a user's own, and one that has no name in JSON schemas, is null there.
    for name in ("format", "pattern"):
        if name in ret and ret[name] is None:
            del ret[name]
    if not getattr(field, "as_string", False):
        return {}
    kind = ret["type"]
    return {
        "type": ["string", "null"] if "null" in kind else "string",
        "pattern": _WHOLE_NUMBER if "integer" in kind else _NUMBER,
    }


def free_name(name: str, taken: Iterable[str]) -> str:
    """Find a name for a component.

    Args:
        name: The name that it should have.
        taken: Names that others have.

    Returns:
        The name, with a number behind it where it is taken.
    """
    names: Iterator[str] = chain([name], (f"{name}{number}" for number in count(2)))
    others = set(taken)
    return next(each for each in names if each not in others)
