"""A schema of OpenAPI 3.1 and what it is in 3.0 take the same values, where 3.0 can say it, and never fewer."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from openapi_schema_validator.validators import OAS31Validator

from cxfulfill.openapi.lowering import lowered

NAMES = st.sampled_from(["a", "b", "c"])
# In draft 4, by which the validator of 3.0 reads numbers, 1.0 is no integer.
SCALARS = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.5, 2.5, "", "a", "bb"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
KINDS = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
TEXTS = st.fixed_dictionaries(
    {}, optional={"title": st.just("T"), "description": st.just("D"), "examples": st.just([1, 2]), "x-a": st.just(1)}
)
CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS | st.lists(KINDS, min_size=1, max_size=3, unique=True),
        "minimum": st.integers(-1, 2),
        "exclusiveMinimum": st.integers(-1, 2),
        "maximum": st.integers(0, 3),
        "exclusiveMaximum": st.integers(0, 3),
        "minLength": st.integers(0, 2),
        "maxItems": st.integers(0, 3),
        "required": st.lists(NAMES, max_size=2, unique=True),
    },
)
CHOSEN = st.fixed_dictionaries({"const": SCALARS}) | st.fixed_dictionaries(
    {"enum": st.lists(SCALARS, min_size=1, max_size=3, unique_by=repr)}
)
CHOSEN_TYPED = st.sampled_from([{"type": "string", "enum": ["a"]}, {"type": "integer", "const": 1}])
COMPONENTS: dict[str, Any] = {
    "Text": {"type": "string"},
    "Maybe": {"type": ["object", "null"], "properties": {"a": {"type": "integer"}}, "required": ["a"]},
}
REFERENCES = st.sampled_from([{"$ref": f"#/components/schemas/{name}"} for name in COMPONENTS])


def schemas(*, exact: bool) -> st.SearchStrategy[Any]:
    """Schemas; `exact` ones have nothing that 3.0 cannot say."""

    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        several = st.lists(st.just({"type": "null"}) | CHOSEN_TYPED | inner, min_size=1, max_size=3)
        optional: dict[str, st.SearchStrategy[Any]] = {
            "anyOf": several,
            "allOf": several,
            "items": inner,
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "additionalProperties": inner,
        }
        if not exact:
            optional |= {
                "oneOf": several,
                "not": inner,
                "prefixItems": several,
                "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, min_size=1, max_size=2),
                "propertyNames": inner,
                "contains": inner,
                "if": inner,
                "then": inner,
                "dependentRequired": st.just({"a": ["b"]}),
            }
        parts = st.fixed_dictionaries({}, optional=optional)
        return st.tuples(parts, CONSTRAINTS, TEXTS, CHOSEN | st.just({}), REFERENCES | st.just({})).map(
            lambda given: {name: value for part in given for name, value in part.items()}
        )

    leaf = st.tuples(CONSTRAINTS, TEXTS).map(lambda given: given[0] | given[1]) | CHOSEN | REFERENCES | st.booleans()
    return st.recursive(leaf, around, max_leaves=6)


def document(schema: Any, *, version: str) -> Any:
    components = COMPONENTS if version == "3.1" else {name: lowered(each) for name, each in COMPONENTS.items()}
    return {"allOf": [schema], "components": {"schemas": components}}


def fits(value: Any, schema: Any) -> bool:
    return bool(OAS31Validator(document(schema, version="3.1")).is_valid(value))


def fits_lowered(value: Any, schema: Any) -> bool:
    return bool(OAS30Validator(document(lowered(schema), version="3.0")).is_valid(value))


@settings(max_examples=200, deadline=None)
@given(schemas(exact=True), st.lists(VALUES, min_size=1, max_size=8))
def test_the_same_values_fit(schema: Any, values: list[Any]) -> None:
    for value in values:
        assert fits(value, schema) == fits_lowered(value, schema), (value, lowered(schema))


@settings(max_examples=200, deadline=None)
@given(schemas(exact=False), st.lists(VALUES, min_size=1, max_size=8))
def test_no_value_that_fits_is_refused(schema: Any, values: list[Any]) -> None:
    for value in values:
        if fits(value, schema):
            assert fits_lowered(value, schema), (value, lowered(schema))


@settings(max_examples=100, deadline=None)
@given(schemas(exact=False))
def test_it_is_a_schema_object(schema: Any) -> None:
    OAS30Validator.check_schema(lowered(schema))
