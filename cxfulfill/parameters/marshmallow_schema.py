"""Schemas by marshmallow. It is not imported here: whoever hands in a schema of its has done so."""

import sys
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, Final

from cxfulfill.errors import ConfigurationError, ParameterError
from cxfulfill.parameters.base import UNNAMED, repeats
from cxfulfill.parameters.shapes import JsonSchema, Shape, structured_names

_CODES: Final = {"required": "missing", "unknown": "extra_forbidden"}
"""Keys of marshmallow's messages that pydantic has another word for."""


def is_marshmallow(kind: object) -> bool:
    """Tell whether something is a marshmallow ``Schema``, class or instance."""
    base = getattr(sys.modules.get("marshmallow"), "Schema", None)
    if base is None:
        return False
    return issubclass(kind, base) if isinstance(kind, type) else isinstance(kind, base)


def instance_of(kind: Any) -> Any:
    """Give the schema itself.

    Args:
        kind: A marshmallow ``Schema``, class or instance.

    Returns:
        The instance.

    Raises:
        ConfigurationError: The class cannot be made without arguments.
    """
    if not isinstance(kind, type):
        return kind
    try:
        return kind()
    except TypeError:
        raise ConfigurationError("a Schema that takes arguments is given as an instance") from None


class MarshmallowSchema:
    """A marshmallow schema; see `cxfulfill.parameters.base.Schema`.

    Unexpected parameters are ignored, unless the schema's ``Meta`` says otherwise.

    Args:
        kind: The schema, class or instance.

    Attributes:
        schema: The schema.
        unknown: What becomes of unexpected parameters: ``exclude``, ``include`` or ``raise``.

    Raises:
        ConfigurationError: It is one for many objects, or cannot be made.
    """

    def __init__(self, kind: Any) -> None:
        self.schema = instance_of(kind)
        if self.schema.many:
            raise ConfigurationError("a Schema with many=True is one for lists; parameters are an object")
        said = hasattr(self.schema.Meta, "unknown") or self.schema.unknown != "raise"
        self.unknown = self.schema.unknown if said else "exclude"
        self._invalid: type[Exception] = sys.modules["marshmallow"].ValidationError

    @property
    def fields(self) -> frozenset[str]:
        """The names by which what is loaded has its fields."""
        return frozenset(field.attribute or name for name, field in self.schema.load_fields.items())

    @property
    def names(self) -> frozenset[str]:
        """The parameters, by ``data_key`` where a field has one."""
        return frozenset(self._fields)

    @property
    def synonyms(self) -> dict[str, str]:
        """There are none: a field has one name."""
        return {}

    def structured(self) -> frozenset[str]:
        """See `cxfulfill.parameters.base.Schema.structured`."""
        return structured_names(shape_of(self.schema, self._fields))

    def wire_names(self, given: Collection[str] = ()) -> Mapping[str, bool]:
        """See `cxfulfill.parameters.base.Schema.wire_names`: each has one name."""
        return {name: field.required for name, field in self._fields.items() if name not in given}

    def load(self, parameters: Mapping[str, Any]) -> Any:
        """See `cxfulfill.parameters.base.Schema.load`."""
        try:
            return self.schema.load(parameters, unknown=self.unknown)
        except self._invalid as error:
            raise self._refusal(error, parameters) from None
        except OverflowError:  # of a number that is no time
            raise ParameterError([(UNNAMED, "number_too_large")]) from None

    @cached_property
    def _fields(self) -> dict[str, Any]:
        return _by_key(self.schema.load_fields)

    def _refusal(self, error: Any, parameters: Mapping[str, Any]) -> ParameterError:
        problems: dict[tuple[str, str], None] = {}
        messages: dict[str, str] = {}
        found = error.messages if isinstance(error.messages, dict) else {UNNAMED: error.messages}
        for given, problem in found.items():
            name = given if given in self._fields else UNNAMED
            message, field = _first(problem, self._fields.get(name))
            code = "extra_forbidden" if message == self.schema.error_messages["unknown"] else _code(message, field)
            problems[name, code or "validator_failed"] = None
            if name != UNNAMED and message and (code or not repeats(message, parameters.get(name))):
                messages.setdefault(name, message)
        return ParameterError(problems, messages)


def _first(problem: Any, field: Any) -> tuple[str, Any]:
    """Give the first message of a field's, and the field, perhaps an inner one, that it is from."""
    while isinstance(problem, dict):
        step, problem = next(iter(problem.items()))
        field = _inner(field, step)
    message = problem[0] if isinstance(problem, list) and problem else problem
    return message if isinstance(message, str) else "", field


def _inner(field: Any, step: Any) -> Any:
    if hasattr(field, "schema"):
        members = field.schema.load_fields
        return next((each for name, each in members.items() if step in (name, each.data_key)), field)
    return getattr(field, "inner", field)


def _code(message: str, field: Any) -> str | None:
    """Find the key of a message; None where it is no fixed one of the field's but its validators' own."""
    known = getattr(field, "error_messages", {})
    key = next((key for key, text in known.items() if text == message and key != "validator_failed"), None)
    return _CODES.get(key, key) if key is not None else None


def _by_key(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name if field.data_key is None else field.data_key: field for name, field in fields.items()}


def shape_of(schema: Any, fields: Mapping[str, Any] | None = None) -> Shape:
    """Tell what may be found where in what a schema dumps.

    Args:
        schema: The marshmallow schema.
        fields: Fields by key, in place of those that it dumps.

    Returns:
        The shape.
    """
    hooks: Mapping[str, Any] = getattr(schema, "_hooks", {})
    if fields is None and hooks.get("post_dump"):
        return Shape({}, {})  # what it makes of the object nobody knows
    definitions: dict[str, JsonSchema] = {}
    members = _by_key(schema.dump_fields) if fields is None else fields
    document = {
        "type": "object", "properties": {name: _field(each, definitions) for name, each in members.items()}
    }  # fmt: skip
    return Shape({"type": "array", "items": document} if schema.many else document, definitions)


def _field(field: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
    kinds = sys.modules["marshmallow"].fields
    if isinstance(field, kinds.Nested):
        one = _nested(field.schema, definitions)
        return {"type": "array", "items": one} if field.many or field.schema.many else one
    own: JsonSchema | None = getattr(field, "json_schema", None)
    if own is not None:
        return own
    if isinstance(field, kinds.List):
        return {"type": "array", "items": _field(field.inner, definitions)}
    if isinstance(field, kinds.Tuple):
        inner = [_field(each, definitions) for each in field.tuple_fields]
        return {"type": "array", "prefixItems": inner, "maxItems": len(inner)}
    if isinstance(field, kinds.Mapping):
        return {"type": "object"}
    return {"type": "string"} if isinstance(field, _plain_kinds(kinds)) else {}


def _plain_kinds(kinds: Any) -> tuple[type, ...]:
    return (kinds.String, kinds.Number, kinds.Boolean, kinds.DateTime, kinds.TimeDelta, kinds.Enum, kinds.IP)


def _nested(schema: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Describe a nested schema once, since it may hold itself."""
    members = _by_key(schema.dump_fields)
    name = f"{type(schema).__module__}.{type(schema).__qualname__}({','.join(members)})"
    if name not in definitions:
        definitions[name] = {}
        properties = {key: _field(each, definitions) for key, each in members.items()}
        definitions[name] = {"type": "object", "properties": properties}
    return {"$ref": name}
