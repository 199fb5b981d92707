"""One seam over the libraries: what a schema reads, names and refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, PlainValidator
from typing_extensions import TypedDict

from cxfulfill import ConfigurationError, Context, ParameterError, Reply, Router
from cxfulfill.errors import ReplyError
from cxfulfill.parameters.answers import response_for
from cxfulfill.parameters.base import PlainSchema, UnresolvedAnnotation, repeats
from cxfulfill.parameters.base import Schema as Seam
from cxfulfill.parameters.entities import SysDate, SysGeoCity, SysNumberInteger
from cxfulfill.parameters.schema import schema_for


class Inner(BaseModel):
    size: int


class Model(BaseModel):
    nights: int
    room: str = Field(alias="room-type")
    tags: list[str] = []
    inner: Inner | None = None
    either: list[int] | str = ""


class Several(BaseModel):
    nights: int = Field(validation_alias=AliasChoices("nights-count", AliasPath("stay", "nights")))


@dataclass
class Data:
    nights: int
    room: str = Field(alias="room-type")
    tags: list[str] = field(default_factory=list)
    inner: Inner | None = None
    either: list[int] | str = ""


class Typed(TypedDict, total=False):
    nights: int
    room: Annotated[str, Field(alias="room-type")]
    tags: list[str]
    inner: Inner | None
    either: list[int] | str


class InnerSchema(Schema):
    size = fields.Integer()


class Marshmallow(Schema):
    nights = fields.Integer(required=True)
    room = fields.String(data_key="room-type", required=True)
    tags = fields.List(fields.String())
    inner = fields.Nested(InnerSchema)
    either = fields.Dict()
    shown = fields.String(dump_only=True)


KINDS: list[Any] = [Model, Data, Typed, Marshmallow, Marshmallow()]


def value_of(loaded: Any, name: str) -> Any:
    return loaded[name] if isinstance(loaded, Mapping) else getattr(loaded, name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_reads_hyphenated_names_and_doubles(kind: Any) -> None:
    schema = schema_for(kind)
    loaded = schema.load({"nights": 3.0, "room-type": "double", "tags": ["a"], "inner": {"size": 2.0}, "unknown": 1})
    assert (value_of(loaded, "nights"), value_of(loaded, "room"), value_of(loaded, "tags")) == (3, "double", ["a"])
    assert value_of(value_of(loaded, "inner"), "size") == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_tells_its_names(kind: Any) -> None:
    schema: Seam = schema_for(kind)
    assert schema.fields == frozenset({"nights", "room", "tags", "inner", "either"})
    assert schema.names == {"nights", "room-type", "tags", "inner", "either"}
    assert schema.synonyms == {}
    assert schema.structured() == {"tags", "inner", "either"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_names_each_parameter_once_and_shows_no_value(kind: Any) -> None:
    with pytest.raises(ParameterError) as raised:
        schema_for(kind).load({"nights": "canary", "room-type": 5.5, "tags": ["a", 1, 2], "inner": {"size": "canary"}})
    error = raised.value
    assert {name for name, _ in error.problems} == {"nights", "room-type", "tags", "inner"} == set(error.messages)
    assert len(error.problems) == len(set(error.problems))
    assert "canary" not in f"{error} {error.messages}"


def test_codes_of_both_libraries() -> None:
    for kind, codes in (
        (Model, {"nights": "int_parsing", "room-type": "missing", "inner": "int_parsing"}),
        (Marshmallow, {"nights": "invalid", "room-type": "missing", "inner": "invalid"}),
    ):
        with pytest.raises(ParameterError) as raised:
            schema_for(kind).load({"nights": "x", "inner": {"size": "x"}})
        assert dict(raised.value.problems) == codes


def test_aliases_in_every_form() -> None:
    schema = schema_for(Several)
    assert set(schema.names) == {"nights-count", "stay"}
    assert schema.synonyms == {}
    both = schema_for(ByBoth)
    assert set(both.names) == {"room-type", "room", "kind"}
    assert both.synonyms == {"room": "room-type", "kind": "room-type"}
    assert schema.load({"stay": {"nights": 3}}).nights == 3
    with pytest.raises(ParameterError) as raised:
        schema.load({})
    assert raised.value.problems == (("nights-count", "missing"),)


class ByBoth(BaseModel):
    model_config = ConfigDict(validate_by_name=True)

    room: str = Field(validation_alias=AliasChoices("room-type", "kind"))


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid")

    nights: int = 1


def test_a_name_that_came_with_the_call_is_not_shown() -> None:
    with pytest.raises(ParameterError) as raised:
        schema_for(Forbidding).load({"canary": 1})
    assert raised.value.problems == (("*", "extra_forbidden"),)


def test_no_schema_gives_a_copy() -> None:
    given = {"a": 1}
    schema = schema_for(dict)
    assert isinstance(schema, PlainSchema)
    loaded = schema.load(given)
    assert (loaded, loaded is given, schema.fields, schema.names, schema.structured()) == (
        given, False, None, frozenset(), frozenset()
    )  # fmt: skip


class Broken(TypedDict):
    a: "Nowhere"  # type: ignore[name-defined]  # noqa: F821


class Needy(Schema):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Marshmallow(many=True), "many=True is one for lists"),
        (Needy, "given as an instance"),
        (int, "parameters need a pydantic model"),
        (Broken, "not defined yet"),
    ],
)
def test_kinds_that_are_none(kind: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        schema_for(kind)


def test_a_marshmallow_schema_is_no_annotation() -> None:
    def handler(ctx: Context, stay: Marshmallow) -> Reply:
        return Reply()

    with pytest.raises(ConfigurationError, match="is given by params="):
        Router().add_handler("t", handler)
    Router().add_handler("t", handler, params=Marshmallow)


class Later(BaseModel):
    part: "Part"  # type: ignore[name-defined]  # noqa: F821


def test_a_model_that_is_completed_later() -> None:
    with pytest.raises(UnresolvedAnnotation):
        schema_for(Later)
    globals()["Part"] = Inner
    assert schema_for(Later).load({"part": {"size": 1}}).part == Inner(size=1)


class Opaque(BaseModel):
    what: Annotated[Any, PlainValidator(str)] = None
    call: Any = None


class Uncharted:
    """A type that JSON Schema knows nothing of."""


class Arbitrary(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    what: Uncharted | None = None


def test_types_that_json_schema_does_not_know() -> None:
    assert schema_for(Opaque).structured() == frozenset()
    assert schema_for(Arbitrary).structured() == frozenset()
    assert response_for(Arbitrary).shape().below("what") is not None


@dataclass
class Row:
    """As an object of a user's own library, not a model."""

    size: int
    id: UUID


class RowModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    size: int = Field(alias="row-size")
    id: UUID


class RowSchema(Schema):
    size = fields.Integer(data_key="row-size")
    id = fields.UUID()


@pytest.mark.parametrize("kind", [RowModel, RowSchema])
def test_responses_are_dumped_from_objects_and_dicts(kind: Any) -> None:
    number = UUID("9f2c1d77-4c60-4b1a-8a3d-9c0288f44a3d")
    expected = {"row-size": 2, "id": str(number)}
    for answer in (Row(2, number), {"size": 2, "id": number}):
        assert response_for(kind).dump(answer) == expected


UNTYPED: Any = Row
MISFITS = [
    {"size": "canary", "id": UUID(int=1)},
    UNTYPED("canary", UUID(int=1)),
    {"size": object(), "id": 5},
]


@pytest.mark.parametrize("kind", [RowModel, RowSchema])
@pytest.mark.parametrize("answer", MISFITS)
def test_answers_that_do_not_fit(kind: Any, answer: Any) -> None:
    with pytest.raises(ReplyError) as raised:
        response_for(kind).dump(answer)
    assert "the handler's answer" in str(raised.value)
    assert "canary" not in str(raised.value)


def test_an_answer_that_pydantic_cannot_write() -> None:
    with pytest.raises(ReplyError, match="cannot be dumped"):
        response_for(Any).dump({"a": object()})


@pytest.mark.parametrize(
    ("message", "value", "expected"),
    [
        ("There is no Zoe.", "zoe", True),
        ("There is no Zoe.", "Zo", False),
        ("45 nights are too many.", 45.0, True),
        ("45 nights are too many.", 45, True),
        ("4.5 nights are odd.", 4.5, True),
        ("Choose red.", {"color": ["red"]}, True),
        ("Choose a color.", {"color": ["red", None, True]}, False),
        ("Choose.", "", False),
        ("Choose.", ["x"] * 101, True),
    ],
)
def test_what_counts_as_a_repetition(message: str, value: Any, expected: bool) -> None:
    assert repeats(message, value) is expected


class Bounded(BaseModel):
    behind: SysNumberInteger = Field(ge=1, le=8)
    inside: Annotated[SysNumberInteger, Field(ge=1, le=8)]
    text: SysGeoCity = Field(max_length=5)
    day: SysDate = Field(ge=date(2030, 1, 1))


def test_constraints_hold_for_entities_wherever_they_stand() -> None:
    schema = schema_for(Bounded)
    good = {"behind": 8.0, "inside": "8", "text": "Paris", "day": {"year": 2030.0, "month": 1.0, "day": 1.0}}
    assert schema.load(good).behind == 8
    bad = {"behind": 9.0, "inside": 0.0, "text": "London", "day": "2029-12-31"}
    with pytest.raises(ParameterError) as raised:
        schema.load(bad)
    assert dict(raised.value.problems) == {
        "behind": "less_than_equal", "inside": "greater_than_equal", "text": "string_too_long",
        "day": "greater_than_equal",
    }  # fmt: skip
    assert "London" not in str(raised.value.messages)
