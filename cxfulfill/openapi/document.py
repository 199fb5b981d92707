"""The description of an application: paths, operations, answers."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from cxfulfill.auth.base import Authenticator
from cxfulfill.errors import (
    STATUSES_OF_CX,
    BadRequest,
    ContentTooLarge,
    Forbidden,
    HttpError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from cxfulfill.http import WITH_BODY
from cxfulfill.openapi.inputs import Inputs
from cxfulfill.openapi.schemas import OPENAPI, PLACE, JsonSchema, Schemas, free_name
from cxfulfill.openapi.security import ways_in
from cxfulfill.openapi.tags import handler_of, request_of
from cxfulfill.parameters.answers import ModelResponse, ResponseSchema
from cxfulfill.parameters.base import Schema
from cxfulfill.protocol.response import WebhookResponse
from cxfulfill.registration import Registration
from cxfulfill.route import Route
from cxfulfill.table import Entry
from cxfulfill.target import Target
from cxfulfill.webhook import Webhook

_OF_ANY: Final[tuple[type[HttpError], ...]] = (
    BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, ContentTooLarge, InternalError, Unavailable,
)  # fmt: skip
_OF_BODIES: Final[tuple[type[HttpError], ...]] = (RequestTimeout, UnsupportedMediaType)
_WORDS: Final = re.compile(r"[A-Za-z0-9]+")
_PROBLEM: Final[JsonSchema] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
    },
    "required": ["type", "title", "status", "reason", "instance"],
}


def describe(webhook: Webhook, *, tag: str | None = None, server: str | None = None) -> dict[str, Any]:
    """Describe an application's flexible routes, or the standard calls of one tag; freezes the application.

    All standard calls come to one path by one method, for which OpenAPI has one operation: so each tag has a document
    of its own.

    Args:
        webhook: The application.
        tag: The tag; None for the flexible routes.
        server: URL that the application is served at; None leaves ``servers`` out.

    Returns:
        An OpenAPI 3.1 document, ready for ``json.dumps``.

    Raises:
        ConfigurationError: The application cannot be frozen, no handler but a fallback takes the tag in a call that
            says nothing else, or apispec is missing, by which marshmallow schemas are described:
            ``pip install 'cxfulfill[tools]'``.
    """
    document = _of_routes(webhook) if tag is None else _of_tag(webhook, tag)
    return {
        "openapi": OPENAPI,
        "info": {"title": "Flexible webhooks" if tag is None else tag, "version": "1"},
        **({} if server is None else {"servers": [{"url": server}]}),
        "paths": document.paths,
        "components": {"schemas": document.schemas.components, "securitySchemes": document.security},
    }


def _of_routes(webhook: Webhook) -> "_Document":
    strict = webhook.pipeline().strict_cx_status
    routes = [(route, Target.of(route).schema) for route in webhook.routes()]
    schemas = Schemas((schema for _, schema in routes), (route.response for route, _ in routes))
    document = _Document(webhook, schemas, strict=strict)
    for route, schema in routes:
        document.add(route, schema)
    return document


def _of_tag(webhook: Webhook, tag: str) -> "_Document":
    strict = webhook.pipeline().strict_cx_status
    entry = handler_of(webhook, tag)
    schema, answer = Target.of(entry).schema, ModelResponse(WebhookResponse)
    document = _Document(webhook, Schemas([schema], [answer]), strict=strict)
    document.add_standard(entry, tag, request_of(tag, schema, document.schemas), answer)
    return document


class _Document:
    """The description while it is made.

    Args:
        webhook: The application.
        schemas: The schemas of what is described.
        strict: Whether it answers with the statuses of CX only.

    Attributes:
        paths: Path items by path.
        security: Security schemes by name.
        schemas: The schemas.
    """

    def __init__(self, webhook: Webhook, schemas: Schemas, *, strict: bool) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self.security: dict[str, Any] = {}
        self.schemas = schemas
        self._problem = free_name("Problem", schemas.components)
        schemas.components[self._problem] = _PROBLEM
        self._webhook = webhook
        self._strict = strict
        self._templates: list[_Template] = []
        self._names: set[str] = set()

    def add(self, route: Route, schema: Schema | None) -> None:
        """Add the operations of a route."""
        template = self._template(route)
        variables = dict(zip(route.pattern.variables, template.variables, strict=True))
        inputs = Inputs(route, schema, self.schemas)
        for method in route.methods:
            self.paths[template.path][method.lower()] = {
                "operationId": self._name(f"{method.lower()} {route.pattern.filled('{name}')}"),
                **_summary(route),
                "parameters": inputs.parameters(method, variables),
                **self._body(inputs, method),
                "responses": self._responses(route.response, method),
                "security": self._ways_in(route.auth),
            }

    def add_standard(self, entry: Entry, tag: str, body: dict[str, Any], answer: ResponseSchema) -> None:
        """Add the operation of a tag."""
        self.paths[self._webhook.path] = {
            "post": {
                "operationId": self._name(tag),
                **_summary(entry),
                "parameters": [],
                "requestBody": body,
                "responses": self._responses(answer, "POST"),
                "security": self._ways_in(None),
            }
        }

    def _name(self, text: str) -> str:
        """Find a name for an operation, of the characters that names have in every language."""
        words = _WORDS.findall(text)
        name = free_name(
            "_".join(words) if words and not words[0][0].isdigit() else "_".join(["call", *words]), self._names
        )
        self._names.add(name)
        return name

    def _template(self, route: Route) -> "_Template":
        """Find the path's place: OpenAPI takes templates that differ in the names of their variables for one path."""
        shape = route.pattern.filled("{{}}")
        for known in self._templates:
            if known.shape == shape and self.paths[known.path].keys().isdisjoint(map(str.lower, route.methods)):
                return known
        variables, path = route.pattern.variables, route.pattern.filled("{{{name}}}")
        while path in self.paths:
            variables = tuple(f"{name}_" for name in variables)
            path = shape.replace("{}", "{{{}}}").format(*variables)
        self.paths[path] = {}
        self._templates.append(_Template(shape, path, variables))
        return self._templates[-1]

    def _body(self, inputs: Inputs, method: str) -> dict[str, Any]:
        body = inputs.body() if method in WITH_BODY else {}
        return {"requestBody": body} if body else {}

    def _responses(self, response: ResponseSchema | None, method: str) -> dict[str, Any]:
        good = {"application/json": {"schema": self.schemas.response(response)}}
        bad = {"application/problem+json": {"schema": {"$ref": f"{PLACE}{self._problem}"}}}
        kinds = (*_OF_ANY, *_OF_BODIES) if method in WITH_BODY else _OF_ANY
        titles = {kind.status: kind.title for kind in kinds if kind.status in STATUSES_OF_CX or not self._strict}
        found = {str(status): _response(titles[status], bad, method) for status in sorted(titles)}
        return {"200": _response(HTTPStatus.OK.phrase, good, method), **found}

    def _ways_in(self, own: Authenticator | None) -> list[dict[str, list[str]]]:
        ways = ways_in(own or self._webhook.auth)
        for way in ways:
            self.security |= way
        return [{name: [] for name in way} for way in ways]


@dataclass(frozen=True, slots=True)
class _Template:
    """A path's place in the description.

    Attributes:
        shape: The path with ``{}`` for each variable.
        path: The path with the variables' names.
        variables: The names.
    """

    shape: str
    path: str
    variables: tuple[str, ...]


def _response(description: str, content: Mapping[str, Any], method: str) -> dict[str, Any]:
    return {"description": description} | ({} if method == "HEAD" else {"content": content})


def _summary(handler: Registration) -> dict[str, str]:
    function = inspect.unwrap(handler.options.function.call)
    text = inspect.getdoc(function) if inspect.isroutine(function) else None
    return {"summary": text.partition("\n")[0]} if text else {}
