"""The OpenAPI description of flexible routes."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from marshmallow import Schema
from marshmallow import fields as ma
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from cxfulfill import (
    AllOf,
    AllowUnauthenticated,
    AnyOf,
    Authenticator,
    ConfigurationError,
    GoogleIdToken,
    HeaderSecret,
    HttpRequest,
    Principal,
    Webhook,
)
from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS, MutualTls
from cxfulfill.auth.oauth_jwt import OAuthJwt
from cxfulfill.openapi import describe
from cxfulfill.parameters import entities, fields
from tests.cases.client import BASIC

Describe = Callable[..., dict[str, Any]]
ALWAYS = ["200", "400", "401", "403", "404", "405", "413", "500", "503"]


def answer(ctx: Any) -> Any:
    """Answer a call.

    The rest is no summary.
    """
    return {}


def answer_with(ctx: Any, wanted: Any) -> Any:
    return {}


@pytest.fixture
def made() -> Iterator[Callable[..., Webhook]]:
    """Makes webhooks, which are closed afterwards."""
    webhooks = []

    def make(**options: Any) -> Webhook:
        webhooks.append(Webhook(**{"auth": BASIC} | options))
        return webhooks[-1]

    yield make
    for webhook in webhooks:
        webhook.close()


@pytest.fixture
def one(made: Callable[..., Webhook]) -> Describe:
    """Describes a webhook with one route."""

    def described(path: str = "/a", method: str = "POST", *, params: Any = None, **options: Any) -> dict[str, Any]:
        webhook = made()
        function: Any = answer if params is None else answer_with
        webhook.add_flexible(path, function, methods=[method], params=params, **options)
        return whole(describe(webhook))

    return described


def whole(document: dict[str, Any]) -> dict[str, Any]:
    """Check that a document is JSON and that what it refers to is there."""

    def references(value: Any) -> Iterator[str]:
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            if name == "$ref":
                yield member
            elif isinstance(member, dict | list):
                yield from references(member)

    assert json.loads(json.dumps(document)) == document
    found = set(references(document))
    assert found <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    return document


def operation(document: dict[str, Any]) -> dict[str, Any]:
    [item] = document["paths"].values()
    found: dict[str, Any] = next(iter(item.values()))
    return found


def parameters(document: dict[str, Any], place: str) -> dict[str, Any]:
    return {each["name"]: each for each in operation(document)["parameters"] if each["in"] == place}


def body(document: dict[str, Any]) -> Any:
    return operation(document)["requestBody"]["content"]["application/json"]["schema"]


def good(document: dict[str, Any]) -> Any:
    return operation(document)["responses"]["200"]["content"]["application/json"]["schema"]


# Paths.


def test_nothing_but_standard_handlers(made: Callable[..., Webhook]) -> None:
    webhook = made()
    webhook.add_handler("a", answer)
    document = whole(describe(webhook))
    assert document["openapi"] == "3.1.0"
    assert document["paths"] == {}
    with pytest.raises(ConfigurationError, match="frozen"):
        webhook.add_flexible("/a", answer)


@pytest.mark.parametrize(
    ("variable", "schema"),
    [
        ("x", {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}),
        ("int:x", {"type": "integer", "minimum": 0}),
        ("int(min=2, max=5):x", {"type": "integer", "minimum": 2, "maximum": 5}),
        ("int(signed=True):x", {"type": "integer"}),
        ("float:x", {"type": "number", "minimum": 0}),
        ("float(max=1.5):x", {"type": "number", "minimum": 0, "maximum": 1.5}),
        ("path:x", {"type": "string", "minLength": 1}),
        ("uuid:x", {"type": "string", "format": "uuid"}),
        ('any(a, "b"):x', {"type": "string", "enum": ["a", "b"]}),
        ("string(maxlength=3):x", {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[^/]+$"}),
    ],
)
def test_variables_of_each_converter(one: Describe, variable: str, schema: Any) -> None:
    document = one(f"/a/<{variable}>")
    assert list(document["paths"]) == ["/a/{x}"]
    assert parameters(document, "path") == {"x": {"name": "x", "in": "path", "required": True, "schema": schema}}


class Narrow(BaseModel):
    number: int = Field(ge=1, le=9)
    name: str | None = Field(max_length=3)
    flag: bool = False


def test_variables_that_the_schema_narrows(one: Describe) -> None:
    found = parameters(one("/a/<int:number>/<name>/<flag>/<other>", params=Narrow), "path")
    assert found["number"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 9, "title": "Number"}
    assert found["name"]["schema"] == {
        "type": "string", "minLength": 1, "maxLength": 3, "pattern": "^[^/]+$", "title": "Name",
    }  # fmt: skip
    assert found["flag"]["schema"]["type"] == "boolean"
    assert found["other"]["schema"]["type"] == "string"
    assert parameters(one("/a/<int:flag>", params=Narrow), "path")["flag"]["schema"]["type"] == "integer"


def test_one_path_for_routes_that_differ_in_the_names_of_variables(made: Callable[..., Webhook]) -> None:
    webhook = made()
    webhook.add_flexible("/a/<int:id>", answer, methods=["GET"])
    webhook.add_flexible("/a/<number>", answer, methods=["DELETE"])
    webhook.add_flexible("/a/<id>", answer, methods=["GET"])
    webhook.add_flexible("/a/<x>/b", answer, methods=["POST"])
    paths = whole(describe(webhook))["paths"]
    assert {path: list(item) for path, item in paths.items()} == {
        "/a/{id}": ["get", "head", "delete"],
        "/a/{id_}": ["get", "head"],
        "/a/{x}/b": ["post"],
    }
    assert [each["name"] for each in paths["/a/{id}"]["delete"]["parameters"]] == ["id"]
    assert [each["name"] for each in paths["/a/{id_}"]["get"]["parameters"]] == ["id_"]


def test_the_summary(one: Describe) -> None:
    assert operation(one())["summary"] == "Answer a call."
    assert "summary" not in operation(one(params=Narrow))


# Query, headers, body.


class Guests(TypedDict):
    adults: int


class Wanted(BaseModel):
    """What is wanted."""

    room: str
    nights: int | None = 1
    colors: list[str] = ["red"]
    guests: Guests | list[Guests] | str | None = None
    anything: Any = None
    lang: str = Field("en", alias="user-lang")
    day: entities.SysDate


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_the_query(one: Describe, method: str) -> None:
    document = one("/a/<room>", method, params=Wanted, headers={"X-Lang": "user-lang"})
    found = parameters(document, "query")
    assert list(found) == ["nights", "colors", "guests", "anything", "day"]
    assert {name for name, each in found.items() if each["required"]} == {"day"}
    assert found["nights"]["schema"] == {"type": "integer", "default": 1, "title": "Nights"}
    json_ = {name: each["content"]["application/json"]["schema"] for name, each in found.items() if "content" in each}
    assert json_["colors"]["type"] == "array"
    assert [each["type"] for each in json_["guests"]["anyOf"]] == ["object", "array"]
    assert "default" not in json_["guests"]
    assert json_["day"]["type"] == "object"
    assert json_.keys() == {"colors", "guests", "day"}
    header = {"name": "X-Lang", "in": "header", "required": False}
    assert parameters(document, "header") == {
        "X-Lang": header | {"schema": {"default": "en", "title": "User-Lang", "type": "string"}}
    }
    assert "requestBody" not in operation(document)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_the_body(one: Describe, method: str) -> None:
    document = one("/a", method, params=Wanted)
    assert body(document) == {"$ref": "#/components/schemas/Wanted"}
    assert operation(document)["requestBody"]["required"] is True
    assert operation(document)["parameters"] == []
    part = one("/a/<room>/<day>", method, params=Wanted, headers={"X-Lang": "user-lang"})
    assert body(part).keys() == {"type", "properties"}
    assert list(body(part)["properties"]) == ["nights", "colors", "guests", "anything"]
    assert operation(part)["requestBody"]["required"] is False
    assert body(one("/a/<room>", method, params=Wanted))["required"] == ["day"]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    a: int
    b: int


class ClosedSchema(Schema):
    class Meta:
        unknown = "raise"

    a = ma.Integer(required=True)
    b = ma.Integer(required=True)


@pytest.mark.parametrize("params", [Closed, ClosedSchema])
def test_a_schema_that_takes_no_other_parameters(one: Describe, params: Any) -> None:
    found = body(one("/<int:a>", params=params))
    assert found["additionalProperties"] is False
    assert found["required"] == list(found["properties"]) == ["b"]


def test_routes_that_read_any_parameter(one: Describe) -> None:
    assert body(one()) == {}
    assert body(one(params=dict)) == {"type": "object"}
    assert operation(one(params=dict))["requestBody"]["required"] is False
    assert operation(one(method="GET"))["parameters"] == []
    assert "requestBody" not in operation(one("/<int:a>/<int:b>", params=Closed))


def test_a_type_that_pydantic_cannot_describe(one: Describe) -> None:
    class Unknown:
        pass

    class Holder(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)

        unknown: Unknown
        number: int = 1

    assert one(params=Holder)["components"]["schemas"]["Holder"]["properties"]["unknown"] == {"title": "Unknown"}


# Answers.


def test_the_statuses(one: Describe) -> None:
    assert sorted(operation(one(method="GET"))["responses"]) == ALWAYS
    with_body = operation(one(method="PUT"))["responses"]
    assert sorted(with_body) == sorted([*ALWAYS, "408", "415"])
    for status, response in with_body.items():
        [media_type] = response["content"]
        assert media_type == ("application/json" if status == "200" else "application/problem+json")
        assert response["description"]
    assert good(one()) == {}
    of_head = operation(one(method="HEAD"))["responses"]
    assert sorted(of_head) == ALWAYS
    assert not any("content" in response for response in of_head.values())


def test_the_statuses_of_an_application_that_keeps_to_those_of_cx(made: Callable[..., Webhook]) -> None:
    webhook = made(strict_cx_status=True)
    webhook.add_flexible("/a", answer)
    document = describe(webhook)
    assert sorted(operation(document)["responses"]) == ["200", "400", "401", "403", "404", "500", "503"]


class Offer(BaseModel):
    room: str = Field(serialization_alias="room-type")
    day: entities.SysDate
    rest: "list[Offer]" = []


def test_what_pydantic_answers(one: Describe) -> None:
    document = one(response=list[Offer])
    assert good(document) == {"type": "array", "items": {"$ref": "#/components/schemas/Offer"}}
    offer = document["components"]["schemas"]["Offer"]
    assert offer["properties"]["room-type"]["type"] == "string"
    assert offer["properties"]["day"]["required"] == ["year", "month", "day"]


class AddressSchema(Schema):
    street = ma.String(required=True)
    twin = ma.Nested(lambda: AddressSchema())  # noqa: PLW0108 - the name is there later


class GuestSchema(Schema):
    name = ma.String(required=True, data_key="guest-name")
    age = ma.Integer(allow_none=True)
    address = ma.Nested(AddressSchema, required=True)
    stay = fields.SysDatePeriod()
    home = fields.Composite(AddressSchema)
    secret = ma.String(load_only=True)
    number = ma.Integer(dump_only=True)


def test_marshmallow(one: Describe) -> None:
    document = one(params=GuestSchema, response=GuestSchema(many=True, exclude=["home"]))
    taken = body(document)
    assert list(taken["properties"]) == ["guest-name", "age", "address", "stay", "home", "secret"]
    assert taken["required"] == ["guest-name", "address"]
    assert taken["properties"]["age"] == {"type": ["integer", "null"]}
    assert taken["properties"]["stay"] == fields.SysDatePeriod.json_schema
    address = {"$ref": "#/components/schemas/Address"}
    assert taken["properties"]["address"] == address
    given = good(document)
    assert given["type"] == "array"
    assert list(given["items"]["properties"]) == ["guest-name", "age", "address", "stay", "number"]
    nested = document["components"]["schemas"]["Address"]
    assert nested["required"] == ["street"]
    assert nested["properties"]["twin"] == address


def test_marshmallow_in_a_query(one: Describe) -> None:
    found = parameters(one("/<guest_name>", "GET", params=GuestSchema), "query")
    assert found["age"]["schema"] == {"type": "integer"}
    assert found["guest-name"]["required"] is True
    stay = found["stay"]["content"]["application/json"]["schema"]
    assert {each["type"] for each in stay["anyOf"]} == {"object"}


def test_names_that_several_schemas_have(made: Callable[..., Webhook]) -> None:
    def other() -> type[Schema]:
        class AddressSchema(Schema):
            zip_code = ma.String()

        return AddressSchema

    class Address(BaseModel):
        city: str

    class Problem(BaseModel):
        text: str

    class BothSchema(Schema):
        first = ma.Nested(AddressSchema)
        second = ma.Nested(other())

    webhook = made()
    webhook.add_flexible("/a", answer_with, params=Address, response=Problem)
    webhook.add_flexible("/b", answer_with, params=BothSchema, response=Offer)
    document = whole(describe(webhook))
    assert document["components"]["schemas"].keys() == {
        "Address", "Address2", "Address3", "Problem", "Problem2", "Offer"
    }  # fmt: skip
    problem = document["paths"]["/a"]["post"]["responses"]["400"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem2"}


def test_marshmallow_without_apispec(made: Callable[..., Webhook], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apispec", None)
    webhook = made()
    webhook.add_flexible("/a", answer, response=Offer)
    assert describe(webhook)["paths"]
    webhook = made()
    webhook.add_flexible("/a", answer, response=GuestSchema)
    with pytest.raises(ConfigurationError, match=r"needs the extra tools: pip install 'cxfulfill\[tools\]'"):
        describe(webhook)


# Who may call.


class Own:
    """An authenticator of the user's."""

    def __init__(self, *names: str) -> None:
        self.credential_headers = frozenset(names)

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal("somebody", "own")


GOOGLE = GoogleIdToken(audience="https://hotel.example/a", project_number=1)
HEADER = HeaderSecret("X-Key", "4d1f-a-random-secret-77")
API_KEY = {"type": "apiKey", "in": "header"}
TOKEN = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class Derived(GoogleIdToken):
    """One of the user's that is one of ours."""


@pytest.mark.parametrize(
    ("auth", "security", "schemes"),
    [
        (BASIC, [{"BasicAuth": []}], {"BasicAuth": {"type": "http", "scheme": "basic"}}),
        (HEADER, [{"Header-x-key": []}], {"Header-x-key": API_KEY | {"name": "X-Key"}}),
        (GOOGLE, [{"GoogleIdToken": []}], {"GoogleIdToken": TOKEN}),
        (
            Derived(audience="https://hotel.example/a", project_number=1),
            [{"GoogleIdToken": []}],
            {"GoogleIdToken": TOKEN},
        ),
        (
            OAuthJwt(issuer="https://id.example", audience="a", keys="https://id.example/keys"),
            [{"OAuthJwt": []}],
            {"OAuthJwt": TOKEN},
        ),
        (
            AnyOf(HEADER, AllOf(MutualTls(subjects=GOOGLE_CLIENT_SUBJECTS), GOOGLE)),
            [{"Header-x-key": []}, {"MutualTls": [], "GoogleIdToken": []}],
            {
                "Header-x-key": API_KEY | {"name": "X-Key"},
                "MutualTls": {"type": "mutualTLS"},
                "GoogleIdToken": TOKEN,
            },
        ),
        (AllowUnauthenticated(), [{}], {}),
        (
            Own("x-b", "X-A"),
            [{"Header-x-a": [], "Header-x-b": []}],
            {"Header-x-a": API_KEY | {"name": "x-a"}, "Header-x-b": API_KEY | {"name": "x-b"}},
        ),
        (Own(), [{"Header-authorization": []}], {"Header-authorization": API_KEY | {"name": "Authorization"}}),
    ],
)
def test_who_may_call(
    made: Callable[..., Webhook], auth: Authenticator, security: list[Any], schemes: dict[str, Any]
) -> None:
    of_the_app = made(auth=auth)
    of_the_app.add_flexible("/a", answer)
    of_the_route = made()
    of_the_route.add_flexible("/a", answer, auth=auth)
    for webhook in (of_the_app, of_the_route):
        document = whole(describe(webhook))
        assert operation(document)["security"] == security
        assert document["components"]["securitySchemes"] == schemes
