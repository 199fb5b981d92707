"""What may be found where in a JSON value, as far as its schema tells."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from cxfulfill.structures import structure

JsonSchema = Mapping[str, Any]


@structure
class Shape:
    """A JSON schema and the definitions that it refers to.

    Attributes:
        schema: The schema of this value.
        definitions: Schemas by the reference that means them.
    """

    schema: JsonSchema
    definitions: Mapping[str, JsonSchema]

    @classmethod
    def of(cls, schema: JsonSchema) -> Self:
        """Read a whole document.

        Args:
            schema: The document, with its definitions under ``$defs``.

        Returns:
            Its shape.
        """
        return cls(schema, {f"#/$defs/{name}": each for name, each in schema.get("$defs", {}).items()})

    @property
    def alternatives(self) -> "Iterator[Shape]":
        """The shapes that it can have: references and unions resolved."""
        if "$ref" in self.schema:
            # A reference out of the document, from a schema of the user's own, may be anything.
            yield from self.at(self.definitions.get(self.schema["$ref"], {})).alternatives
        elif "anyOf" in self.schema or "oneOf" in self.schema:
            for each in self.schema.get("anyOf") or self.schema["oneOf"]:
                yield from self.at(each).alternatives
        elif isinstance(self.schema.get("type"), list):
            yield from (self.at({**self.schema, "type": kind}) for kind in self.schema["type"])
        else:
            yield self

    @property
    def kinds(self) -> frozenset[str | None]:
        """Its types by their names in JSON Schema; None among them where it can be anything."""
        return frozenset(each.schema.get("type") for each in self.alternatives)

    def below(self, step: str | int) -> "Shape | None":
        """Take a step into it.

        Args:
            step: A member's name, or an index of a list.

        Returns:
            What may be found there; None where nothing is.
        """
        found = [shape for each in self.alternatives if (shape := _step(each, step)) is not None]
        if not found:
            return None
        return found[0] if len(found) == 1 else self.at({"anyOf": [each.schema for each in found]})

    def at(self, schema: JsonSchema) -> "Shape":
        """Give the shape of a part of the same document.

        Args:
            schema: The part.

        Returns:
            Its shape.
        """
        return Shape(schema, self.definitions)


def property_shapes(shape: Shape) -> dict[str, Shape]:
    """List what may be found under each name.

    Args:
        shape: Of an object.

    Returns:
        The members' shapes.
    """
    return {
        name: Shape(member, shape.definitions)
        for each in shape.alternatives
        for name, member in each.schema.get("properties", {}).items()
    }


def structured_names(shape: Shape) -> frozenset[str]:
    """Name the members that take lists or objects.

    Args:
        shape: Of an object.

    Returns:
        Their names.
    """
    return frozenset(name for name, each in property_shapes(shape).items() if each.kinds & {"array", "object"})


def _step(shape: Shape, step: str | int) -> Shape | None:
    schema = shape.schema
    kind = schema.get("type")
    if kind is None and "const" not in schema and "enum" not in schema:
        return shape.at({})  # anything
    if isinstance(step, str):
        found = _member(schema, step) if kind == "object" else None
    else:
        found = _item(schema, step) if kind == "array" else None
    return None if found is None else shape.at(found)


def _member(schema: JsonSchema, name: str) -> JsonSchema | None:
    members: Mapping[str, JsonSchema] = schema.get("properties", {})
    return members[name] if name in members else _others(schema.get("additionalProperties", "properties" not in schema))


def _item(schema: JsonSchema, index: int) -> JsonSchema | None:
    first: Sequence[JsonSchema] = schema.get("prefixItems", ())
    if 0 <= index < len(first):
        return first[index]
    return None if index >= schema.get("maxItems", index + 1) else _others(schema.get("items", True))


def _others(given: JsonSchema | bool) -> JsonSchema | None:
    """Read a schema that may be given as True for anything or False for nothing."""
    return given if isinstance(given, Mapping) else {} if given else None
