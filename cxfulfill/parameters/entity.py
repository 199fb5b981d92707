"""What an entity is to both libraries: a reader, a writer, and JSON schemas of what they take and give."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from cxfulfill.built import Built
from cxfulfill.parameters.refusals import EntityError
from cxfulfill.structures import structure

T = TypeVar("T")
JsonSchema = dict[str, Any]

TEXT: Final[JsonSchema] = {"type": "string"}
NULL: Final[JsonSchema] = {"type": "null"}

# Pydantic's names, which it leaves in the JSON schema where the constraint is put around the entity.
_NUMBER_BOUNDS: Final = {
    "ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum", "multiple_of": "multipleOf",
}  # fmt: skip
_TEXT_BOUNDS: Final = {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"}
_NUMBERS: Final = ("number", "integer")


@structure
class Entity(Generic[T]):
    """A kind of value: how it is read from what CX sends, and written back. Pydantic takes it as an annotation.

    Where CX mostly sends one shape, a subclass may read that shape in ``validate`` at once: just as ``read`` does.

    Attributes:
        read: From any shape of the value, in a pair or not, to the value; raises `EntityError`.
        write: From the value to CX's shape, which ``read`` takes.
        accepted: JSON schema of the shapes that are read. The pair of original and resolved value is not among
            them, since every entity may come in one.
        written: JSON schema of the shape that is written.
    """

    read: Callable[[Any], T]
    write: Callable[[T], Any]
    accepted: JsonSchema
    written: JsonSchema

    def validate(self, value: Any) -> T:
        """Read a value for pydantic.

        Args:
            value: What came.

        Returns:
            The value.

        Raises:
            PydanticCustomError: It is not of this entity; its type is the refusal's code.
        """
        try:
            return self.read(value)
        except EntityError as refusal:
            raise PydanticCustomError(refusal.code, refusal.message) from None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        writer = core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none")
        # Pydantic puts the constraints of ``= Field(ge=1)`` in front of this: they are in the type's own schema.
        return core_schema.no_info_before_validator_function(self.validate, handler(source), serialization=writer)

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        shape = deepcopy(self.written if handler.mode == "serialization" else self.accepted)
        if self.accepted == self.written == TEXT:  # nothing is made of it, unlike of a phone number
            return shape | _bounds(handler(schema), ("string",), _TEXT_BOUNDS)
        numbers = [each for each in shape.get("anyOf", [shape]) if each.get("type") in _NUMBERS]
        if numbers:
            bounds = _bounds(handler(schema), _NUMBERS, _NUMBER_BOUNDS)
            for each in numbers:
                each.update(bounds)
        return shape


def _bounds(schema: JsonSchema, kinds: tuple[str, ...], names: dict[str, str]) -> JsonSchema:
    """Give the constraints of the alternative that is of one of the kinds, such as those of ``= Field(ge=1)``."""
    given: JsonSchema = next((each for each in schema.get("anyOf", [schema]) if each.get("type") in kinds), {})
    renamed = {names.get(name, name): value for name, value in (schema | given).items()}
    return {name: renamed[name] for name in names.values() if name in renamed}


class Record(Built):
    """A value of several parts: frozen, hashable, equal if its parts are. Dumped as JSON, it has CX's shape."""

    model_config = ConfigDict(
        frozen=True,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )


R = TypeVar("R", bound=Record)
_new: Final = object.__new__
# Found once, for speed; a record's own ``__setattr__`` refuses, since it is frozen.
_set_parts: Final = BaseModel.__dict__["__dict__"].__set__
_set_names: Final = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_extra: Final = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private: Final = BaseModel.__dict__["__pydantic_private__"].__set__


def record_of(kind: type[R], parts: dict[str, Any]) -> R:
    """Make a record of parts that are checked already: ``model_construct``, many times as fast.

    Args:
        kind: The record's class.
        parts: Every part by name. They become the record's own.

    Returns:
        The record.
    """
    record = _new(kind)
    _set_parts(record, parts)
    _set_names(record, {*parts})
    _set_extra(record, None)
    _set_private(record, None)
    return record


def write_record(record: Record) -> dict[str, Any]:
    """Give a record in CX's shape.

    Args:
        record: Any.

    Returns:
        A JSON object.
    """
    return record.model_dump(mode="json")


def same(value: Any) -> Any:
    """Write what has CX's shape already.

    Args:
        value: Text or a number.

    Returns:
        It, unchanged.
    """
    return value


def resolved(value: Any) -> Any:
    """Take the resolved value out of a pair.

    Sources: the page "Parameters" of CX (an object with ``original`` and ``resolved`` is a composite value), and the
    reference of ``IntentParameterValue`` (``originalValue`` and ``resolvedValue``).

    Args:
        value: Any. A pair is an object that has both members, of either spelling.

    Returns:
        The resolved value of a pair; anything else unchanged.
    """
    if isinstance(value, dict):
        if "resolved" in value and "original" in value:
            return value["resolved"]
        if "resolvedValue" in value and "originalValue" in value:
            return value["resolvedValue"]
    return value


def any_of(*shapes: JsonSchema) -> JsonSchema:
    """Join alternatives.

    Args:
        shapes: JSON schemas.

    Returns:
        The JSON schema that takes any of them.
    """
    return {"anyOf": list(shapes)}


def object_of(members: dict[str, JsonSchema], *required: str) -> JsonSchema:
    """Describe an object.

    Args:
        members: The JSON schema of each member that is known. Others are ignored when they are read.
        required: The members that must be there.

    Returns:
        The object's JSON schema.
    """
    return {"type": "object", "properties": members} | ({"required": list(required)} if required else {})
