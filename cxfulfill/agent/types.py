"""Whether what an entity type gives is what a handler's field reads, as far as JSON schemas tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from cxfulfill.agent.model import Agent
from cxfulfill.parameters import entities
from cxfulfill.parameters.base import Schema
from cxfulfill.parameters.entity import Entity
from cxfulfill.parameters.marshmallow_schema import MarshmallowSchema, shape_of
from cxfulfill.parameters.models import AnythingElse, ModelSchema
from cxfulfill.parameters.shapes import JsonSchema, Shape, property_shapes

_NUMBERS: Final = frozenset({"number", "integer"})
_LIST: Final[JsonSchema] = {"type": "array"}
_TEXT: Final[JsonSchema] = {"type": "string"}
_COMPOSITE: Final[JsonSchema] = {"anyOf": [_TEXT, {"type": "object"}]}
_OF_JSON: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"), (int, "number"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """Something that sets a parameter.

    Attributes:
        name: The parameter.
        kind: The entity type, or a type of JSON; empty where it is not known.
        is_list: Whether it gives a list.
    """

    name: str
    kind: str = ""
    is_list: bool = False


def bare(name: str) -> str:
    """Give a parameter's name without its scope.

    Args:
        name: Such as ``$flow.nights``.

    Returns:
        Such as ``nights``.
    """
    return name.removeprefix("$flow.").removeprefix("$session.params.")


def preset(name: str, value: Any) -> Given:
    """Tell what a preset sets.

    Args:
        name: The parameter, perhaps with its scope.
        value: The value; a text with ``$`` may become anything.

    Returns:
        What sets it.
    """
    if isinstance(value, str) and "$" in value:
        return Given(bare(name))
    return Given(bare(name), next((kind for each, kind in _OF_JSON if isinstance(value, each)), ""))


def field_shapes(schema: Schema) -> Mapping[str, Shape]:
    """Tell what the fields of a handler's parameters read.

    Args:
        schema: The schema.

    Returns:
        Shape by parameter; none where the schema names none.
    """
    if isinstance(schema, ModelSchema):
        return property_shapes(Shape.of(schema.adapter.json_schema(schema_generator=AnythingElse)))
    if isinstance(schema, MarshmallowSchema):
        loaded = schema.schema.load_fields
        fields = {name if field.data_key is None else field.data_key: field for name, field in loaded.items()}
        return property_shapes(shape_of(schema.schema, fields))
    return {}


def written(agent: Agent, given: Given) -> Shape | None:
    """Tell what CX sends of something that sets a parameter.

    Args:
        agent: The agent, which knows its own entity types.
        given: What sets it.

    Returns:
        The shape; None where it is not known.
    """
    schema = _LIST if given.is_list else _written(agent, given.kind)
    return None if schema is None else Shape.of(schema)


def _written(agent: Agent, kind: str) -> JsonSchema | None:
    if kind.startswith("@sys."):
        name = "Sys" + "".join(part.capitalize() for part in kind.removeprefix("@sys.").split("-"))
        known = get_args(getattr(entities, name, None))
        return known[1].written if len(known) == 2 and isinstance(known[1], Entity) else None
    if kind.startswith("@"):
        own = next((each for each in agent.entity_types if f"@{each.name}" == kind), None)
        # The values of a list may be composite: objects of several entities.
        return None if own is None else _COMPOSITE if own.kind == "KIND_LIST" else _TEXT
    return {"type": kind} if kind else None


def fits(read: Shape, sent: Shape) -> bool:
    """Tell whether a field may read what is sent.

    Args:
        read: What the field reads.
        sent: What CX sends.

    Returns:
        False where it certainly cannot.
    """
    return any(_alike(one.schema, other.schema) for one in read.alternatives for other in sent.alternatives)


def refused_values(read: Shape, values: tuple[str, ...]) -> tuple[str, ...]:
    """Find values of an entity type that a field does not list.

    Args:
        read: What the field reads.
        values: The values.

    Returns:
        Those that it does not list; none where it does not list any.
    """
    listed: set[Any] = set()
    for each in read.alternatives:
        options = each.schema.get("enum", [each.schema["const"]] if "const" in each.schema else None)
        if options is not None:
            listed.update(option for option in options if isinstance(option, str))
        elif each.schema.get("type") in (None, "string"):
            return ()
    return tuple(value for value in values if value not in listed)


def _alike(read: JsonSchema, sent: JsonSchema) -> bool:
    one, other = read.get("type"), sent.get("type")
    if one is None or other is None:
        return True
    if one in _NUMBERS and other in _NUMBERS:
        return True
    if one != other:
        return False
    members = sent.get("properties")
    return one != "object" or members is None or set(read.get("required", ())) <= set(members)
