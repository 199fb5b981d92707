"""JSON Schema as OpenAPI 3.0 has it: an older dialect, without null as a type, constants, tuples and much else.

Whatever fits a schema fits what becomes of it. The other way round it is the same, but for what the older dialect
cannot say: places of a tuple's items, patterns of members' names, that exactly one alternative fits, and conditions.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from cxfulfill.openapi.schemas import JsonSchema

_TEXTS: Final = frozenset({"title", "description", "default", "example", "deprecated", "readOnly", "writeOnly"})
_SAME: Final = _TEXTS | {
    "format", "pattern", "minLength", "maxLength", "multipleOf", "minimum", "maximum", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "required", "enum", "discriminator", "externalDocs", "xml",
}  # fmt: skip
_BOUNDS: Final = (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min))
_NULL: Final[JsonSchema] = {"type": "string", "nullable": True, "enum": [None]}
"""Null and nothing else: ``nullable`` adds null to a type, and only there (OpenAPI 3.0.3)."""
_NOTHING: Final[JsonSchema] = {"not": {}}


def lowered(schema: JsonSchema | bool) -> JsonSchema:
    """Say a schema in the dialect of OpenAPI 3.0.

    Args:
        schema: A schema of OpenAPI 3.1; its references stay as they are.

    Returns:
        A schema object.
    """
    if isinstance(schema, bool):
        return {} if schema else dict(_NOTHING)
    if "$ref" in schema:
        return _reference(schema)
    found = {name: value for name, value in schema.items() if name in _SAME or name.startswith("x-")}
    found |= _bounds(schema) | _example(schema) | _constant(schema) | _items(schema) | _members(schema)
    if not found.get("required", True):
        del found["required"]
    all_of = [*map(lowered, schema.get("allOf", ())), *_excluded(schema)]
    for name in ("anyOf", "oneOf"):
        if name in schema:
            found, all_of = _joined(found, all_of, _alternatives(schema[name]))
    if "type" in schema:
        found, all_of = _joined(found, all_of, _kinds(schema["type"], found))
    return found | ({"allOf": all_of} if all_of else {})


def _reference(schema: JsonSchema) -> JsonSchema:
    """Put what stands beside a reference around it: there it would be ignored."""
    reference = {"$ref": schema["$ref"]}
    around = lowered({name: value for name, value in schema.items() if name != "$ref"})
    return {**around, "allOf": [reference, *around.get("allOf", ())]} if around else reference


def _bounds(schema: JsonSchema) -> JsonSchema:
    found: JsonSchema = {}
    for name, exclusive, narrower in _BOUNDS:
        if exclusive in schema:
            bound = schema[exclusive]
            found[name] = narrower(bound, schema.get(name, bound))
            found |= {exclusive: True} if found[name] == bound else {}
    return found


def _example(schema: JsonSchema) -> JsonSchema:
    examples = schema.get("examples")
    return {"example": examples[0]} if isinstance(examples, list) and examples else {}


def _constant(schema: JsonSchema) -> JsonSchema:
    return {"enum": [schema["const"]]} if "const" in schema else {}


def _items(schema: JsonSchema) -> JsonSchema:
    """Describe the items of a list, which 3.0 wants to be told: in a tuple, each may be what one of them may be."""
    places, rest = schema.get("prefixItems", []), schema.get("items", True)
    if not places and rest is not False:
        return {"items": lowered(rest)} if "items" in schema or "array" in _names(schema.get("type", ())) else {}
    limit = schema.get("maxItems", len(places) + 1)
    if rest is not False and limit > len(places):
        return {"items": _any_of([*places, rest])}
    return {"items": _any_of(places), "maxItems": min(len(places), limit)}


def _members(schema: JsonSchema) -> JsonSchema:
    found: JsonSchema = {}
    if "properties" in schema:
        found["properties"] = {name: lowered(each) for name, each in schema["properties"].items()}
    others = schema.get("additionalProperties", True)
    patterns = schema.get("patternProperties", {})
    if patterns and others is not True:
        found["additionalProperties"] = _any_of([*patterns.values(), *([others] if others is not False else [])])
    elif not patterns and "additionalProperties" in schema:
        found["additionalProperties"] = others if isinstance(others, bool) else lowered(others)
    return found


def _excluded(schema: JsonSchema) -> list[JsonSchema]:
    """Keep what must not fit, where it is the same in both: if it took more than before, more would be refused."""
    if "not" not in schema:
        return []
    given = {} if schema["not"] is True else schema["not"]
    is_same = given is not False and lowered(given) == given and "$ref" not in json.dumps(given)
    return [{"not": given}] if is_same else []


def _alternatives(given: Iterable[JsonSchema | bool]) -> list[JsonSchema]:
    """Lower alternatives; null becomes a part of one of the others, where that is possible."""
    schemas = list(given)
    others = [lowered(each) for each in schemas if not _is_null(each)]
    if len(others) == len(schemas):
        return others
    taker = next((each for each in others if _may_be_nullable(each)), None)
    if taker is None:
        return [*others, dict(_NULL)]
    taker["nullable"] = True
    if None not in taker.get("enum", [None]):
        taker["enum"] = [*taker["enum"], None]
    return others


def _is_null(schema: JsonSchema | bool) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _may_be_nullable(schema: JsonSchema) -> bool:
    return "type" in schema and "anyOf" not in schema and "allOf" not in schema


def _kinds(kinds: str | list[str], found: JsonSchema) -> list[JsonSchema]:
    """Name the types; what a value of each type has to be besides stays where it is."""
    names = _names(kinds)
    others = [name for name in names if name != "null"]
    if not others:
        return [dict(_NULL)]
    # A list's items are described beside its type.
    lists = {"items": found.get("items", {})} if len(others) > 1 else {}
    alternatives = [{"type": name, **(lists if name == "array" else {})} for name in others]
    if "null" in names:
        alternatives[0]["nullable"] = True
    return alternatives


def _names(kinds: str | Iterable[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _any_of(schemas: Iterable[JsonSchema | bool]) -> JsonSchema:
    given = list(schemas)
    found, all_of = _joined({}, [], _alternatives(given)) if given else (dict(_NOTHING), [])
    return {"allOf": all_of} if all_of else found


def _joined(
    found: JsonSchema, all_of: list[JsonSchema], alternatives: list[JsonSchema]
) -> tuple[JsonSchema, list[JsonSchema]]:
    """Add alternatives to a schema: in it where nothing is in the way, else beside it."""
    if len(alternatives) > 1:
        one: JsonSchema = {"anyOf": alternatives}
    else:
        one = alternatives[0]
    if "$ref" in one and not found and not all_of:
        return one, all_of
    if "$ref" in one or _interferes(one, found):
        return found, [*all_of, one]
    below = one.get("allOf", [])
    return {name: value for name, value in one.items() if name != "allOf"} | found, [*all_of, *below]


def _interferes(one: JsonSchema, other: JsonSchema) -> bool:
    """Tell whether two schemas cannot be one: they share a keyword, or what one calls the rest the other names."""
    is_shared = bool((one.keys() & other.keys()) - _TEXTS)
    return is_shared or any(
        "properties" in this and "additionalProperties" in that for this, that in ((one, other), (other, one))
    )
