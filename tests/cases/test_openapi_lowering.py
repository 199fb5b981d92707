"""What becomes of the keywords of OpenAPI 3.1's schemas in 3.0."""

from typing import Any

import pytest

from cxfulfill.openapi.lowering import lowered

NULL = {"type": "string", "nullable": True, "enum": [None]}
REF = {"$ref": "#/components/schemas/A"}
INTEGER = {"type": "integer"}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        # Schemas that are no objects.
        (True, {}),
        (False, {"not": {}}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
        ({"additionalProperties": INTEGER}, {"additionalProperties": INTEGER}),
        # Null.
        ({"type": "null"}, NULL),
        ({"type": "null", "title": "N"}, NULL | {"title": "N"}),
        ({"type": ["integer", "null"], "minimum": 1}, {"type": "integer", "nullable": True, "minimum": 1}),
        ({"type": ["string"]}, TEXT),
        ({"anyOf": [INTEGER, {"type": "null"}], "default": None}, INTEGER | {"nullable": True, "default": None}),
        ({"anyOf": [INTEGER, TEXT, {"type": "null"}]}, {"anyOf": [INTEGER | {"nullable": True}, TEXT]}),
        (
            {"anyOf": [TEXT | {"enum": ["a"]}, {"type": "null"}]},
            {"type": "string", "enum": ["a", None], "nullable": True},
        ),
        (
            {"anyOf": [TEXT | {"enum": ["a", None]}, {"type": "null"}]},
            {"type": "string", "enum": ["a", None], "nullable": True},
        ),
        ({"anyOf": [REF, {"type": "null"}], "title": "T"}, {"anyOf": [REF, NULL], "title": "T"}),
        (
            {"anyOf": [{"type": "string", "allOf": [REF]}, {"type": "null"}]},
            {"anyOf": [{"type": "string", "allOf": [REF]}, NULL]},
        ),
        ({"anyOf": [{"type": "null"}]}, NULL),
        # Several types.
        (
            {"type": ["string", "array", "null"], "items": INTEGER},
            {"anyOf": [TEXT | {"nullable": True}, {"type": "array", "items": INTEGER}], "items": INTEGER},
        ),
        ({"type": ["array", "string"]}, {"anyOf": [{"type": "array", "items": {}}, TEXT], "items": {}}),
        (
            {"type": ["string", "integer"], "anyOf": [REF, TEXT]},
            {"anyOf": [REF, TEXT], "allOf": [{"anyOf": [TEXT, INTEGER]}]},
        ),
        # Constants, bounds, examples.
        ({"const": "a"}, {"enum": ["a"]}),
        ({"const": None, "type": "null"}, {"enum": [None], "allOf": [NULL]}),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"exclusiveMinimum": 0, "minimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"exclusiveMinimum": 0, "minimum": 1}, {"minimum": 1}),
        ({"exclusiveMaximum": 2, "maximum": 3}, {"maximum": 2, "exclusiveMaximum": True}),
        ({"examples": ["a", "b"]}, {"example": "a"}),
        ({"examples": []}, {}),
        ({"required": [], "x-of-mine": 1, "$comment": "none"}, {"x-of-mine": 1}),
        # Lists.
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"items": INTEGER}, {"items": INTEGER}),
        ({"items": False}, {"items": {"not": {}}, "maxItems": 0}),
        ({"prefixItems": [INTEGER, TEXT]}, {"items": {"anyOf": [INTEGER, TEXT, {}]}}),
        ({"prefixItems": [INTEGER, TEXT], "items": False}, {"items": {"anyOf": [INTEGER, TEXT]}, "maxItems": 2}),
        ({"prefixItems": [INTEGER, TEXT], "maxItems": 2}, {"items": {"anyOf": [INTEGER, TEXT]}, "maxItems": 2}),
        ({"prefixItems": [INTEGER], "maxItems": 2}, {"items": {"anyOf": [INTEGER, {}]}, "maxItems": 2}),
        ({"prefixItems": [REF], "items": False, "maxItems": 0}, {"items": REF, "maxItems": 0}),
        ({"prefixItems": [{"allOf": [REF]}], "items": False}, {"items": {"allOf": [REF]}, "maxItems": 1}),
        # Members.
        ({"properties": {"a": True, "b": {"const": 1}}}, {"properties": {"a": {}, "b": {"enum": [1]}}}),
        ({"patternProperties": {"^a": INTEGER}}, {}),
        ({"patternProperties": {"^a": INTEGER}, "additionalProperties": False}, {"additionalProperties": INTEGER}),
        (
            {"patternProperties": {"^a": INTEGER}, "additionalProperties": TEXT},
            {"additionalProperties": {"anyOf": [INTEGER, TEXT]}},
        ),
        # References and combinations.
        (REF, REF),
        (REF | {"description": "D"}, {"description": "D", "allOf": [REF]}),
        (REF | {"allOf": [TEXT]}, {"allOf": [REF, TEXT]}),
        ({"anyOf": [REF]}, REF),
        ({"anyOf": [REF], "minimum": 1}, {"minimum": 1, "allOf": [REF]}),
        ({"oneOf": [REF, TEXT]}, {"anyOf": [REF, TEXT]}),
        ({"anyOf": [INTEGER], "type": "number"}, {"type": "integer", "allOf": [{"type": "number"}]}),
        (
            {"anyOf": [{"additionalProperties": False}], "properties": {"a": TEXT}},
            {"properties": {"a": TEXT}, "allOf": [{"additionalProperties": False}]},
        ),
        (
            {"type": "object", "additionalProperties": False, "properties": {"a": TEXT}},
            {"type": "object", "additionalProperties": False, "properties": {"a": TEXT}},
        ),
        (
            {"anyOf": [{"properties": {"a": TEXT}}], "additionalProperties": False},
            {"additionalProperties": False, "allOf": [{"properties": {"a": TEXT}}]},
        ),
        # What must not fit.
        ({"not": {}}, {"allOf": [{"not": {}}]}),
        ({"not": True}, {"allOf": [{"not": {}}]}),
        ({"not": False}, {}),
        ({"not": {"minimum": 1}}, {"allOf": [{"not": {"minimum": 1}}]}),
        ({"not": {"contains": TEXT}}, {}),
        ({"not": {"properties": {"a": REF}}}, {}),
    ],
)  # fmt: skip
def test_each_keyword(schema: Any, expected: Any) -> None:
    assert lowered(schema) == expected
