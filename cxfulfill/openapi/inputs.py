"""What the requests of a route hold: parameters in path, query and headers, and the JSON body."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from cxfulfill.http import WITH_BODY
from cxfulfill.openapi.schemas import JsonSchema, Parameters, Schemas
from cxfulfill.parameters.base import Schema
from cxfulfill.route import Route

_VARIABLE: Final = re.compile(r"<(?:(\w+)(?:\((.*?)\))?:)?(\w+)>")
_SEGMENT: Final = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
_CONVERTERS: Final[Mapping[str, JsonSchema]] = {
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number", "minimum": 0},
    "path": {"type": "string", "minLength": 1},
    "uuid": {"type": "string", "format": "uuid"},
}
_BOUND: Final = re.compile(r"(min|max|minlength|maxlength)\s*=\s*(-?[\d.]+)")
_BOUNDS: Final = {"min": "minimum", "max": "maximum", "minlength": "minLength", "maxlength": "maxLength"}
_STRUCTURES: Final = frozenset({"array", "object"})


class Inputs:
    """What the requests of a route hold.

    Args:
        route: The route.
        schema: Schema of its handler's second argument; None where it takes none.
        schemas: The schemas of the application.
    """

    def __init__(self, route: Route, schema: Schema | None, schemas: Schemas) -> None:
        self._route = route
        self._schema = schema
        self._schemas = schemas
        self._known = schemas.parameters(schema) if schema else Parameters({}, is_closed=False, whole=None)
        self._required = schema.wire_names() if schema else {}
        given = {*route.pattern.variables, *route.headers.values()}
        self._others = dict(schema.wire_names(given)) if schema else {}
        self._structured = schema.structured() if schema else frozenset()

    def parameters(self, method: str, variables: Mapping[str, str]) -> list[dict[str, Any]]:
        """Describe the parameters outside of the body.

        Args:
            method: The HTTP method.
            variables: What the path's variables are called in the description.

        Returns:
            Parameter objects.
        """
        query = () if method in WITH_BODY else self._query()
        return [*self._path(variables), *query, *self._headers()]

    def body(self) -> dict[str, Any]:
        """Describe the body of a request that has one.

        Returns:
            A request body object; empty where everything comes from elsewhere.
        """
        if self._schema is None:
            return json_body({}, required=False)
        if self._schema.fields is None:
            return json_body({"type": "object"}, required=False)
        if not self._others:
            return {}
        return json_body(self._known.members(self._others), required=any(self._others.values()))

    def _path(self, variables: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        for converter, arguments, name in _VARIABLE.findall(self._route.pattern.text):
            own = self._of_text(name) if name in self._known.properties else {}
            schema = _narrowed(_converted(converter, arguments), own)
            yield {"name": variables[name], "in": "path", "required": True, "schema": schema}

    def _query(self) -> Iterator[dict[str, Any]]:
        for name, is_required in self._others.items():
            head = {"name": name, "in": "query", "required": is_required}
            if name in self._structured:
                # CX writes lists and objects as JSON.
                schema = self._only(name, lambda kinds: not kinds or bool(kinds & _STRUCTURES))
                yield head | {"content": {"application/json": {"schema": schema}}}
            else:
                yield head | {"schema": self._of_text(name)}

    def _headers(self) -> Iterator[dict[str, Any]]:
        for field, name in self._route.headers.items():
            is_required = self._required.get(name, False)
            yield {"name": field, "in": "header", "required": is_required, "schema": self._of_text(name)}

    def _of_text(self, name: str) -> JsonSchema:
        """Describe what may be written as text: no null."""
        return self._only(name, lambda kinds: kinds != {"null"})

    def _only(self, name: str, takes: Callable[[frozenset[str]], bool]) -> JsonSchema:
        schema = dict(self._known.properties.get(name, {}))
        alternatives = [dict(each.schema) for each in self._schemas.shape(schema).alternatives]
        kept = [each for each in alternatives if takes(_kinds(each))]
        if len(kept) in (0, len(alternatives)):
            return schema
        around = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "$ref")}
        if around.get("default", "") is None:
            del around["default"]
        return around | (kept[0] if len(kept) == 1 else {"anyOf": kept})


def json_body(schema: JsonSchema, *, required: bool) -> dict[str, Any]:
    """Describe a JSON body.

    Args:
        schema: What it holds.
        required: Whether there has to be one.

    Returns:
        A request body object.
    """
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _kinds(schema: JsonSchema) -> frozenset[str]:
    kinds: str | Collection[str] = schema.get("type", ())
    return frozenset({kinds} if isinstance(kinds, str) else kinds)


def _converted(converter: str, arguments: str) -> JsonSchema:
    """Describe the texts that a converter of Werkzeug takes."""
    if converter == "any":
        return {"type": "string", "enum": [each.strip(" '\"") for each in arguments.split(",")]}
    schema = dict(_CONVERTERS.get(converter, _SEGMENT))
    if "signed" in arguments:
        del schema["minimum"]
    for name, value in _BOUND.findall(arguments):
        schema[_BOUNDS[name]] = float(value) if converter == "float" else int(value)
    return schema


def _narrowed(schema: JsonSchema, own: JsonSchema) -> JsonSchema:
    """Join what a path's variable can be with what the handler's schema says of it, where they speak of one type."""
    if schema.get("type") == own.get("type"):
        return schema | own
    return own if own and schema == _SEGMENT else schema
