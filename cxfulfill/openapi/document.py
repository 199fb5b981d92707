"""The description of an application's flexible routes: paths, operations, answers."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

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
from cxfulfill.openapi.inputs import Inputs
from cxfulfill.openapi.schemas import OPENAPI, PLACE, JsonSchema, Schemas, free_name
from cxfulfill.openapi.security import ways_in
from cxfulfill.parameters.base import Schema
from cxfulfill.route import WITH_BODY, Route
from cxfulfill.target import Target
from cxfulfill.webhook import Webhook

_OF_ANY: Final[tuple[type[HttpError], ...]] = (
    BadRequest, Unauthorized, Forbidden, NotFound, MethodNotAllowed, ContentTooLarge, InternalError, Unavailable,
)  # fmt: skip
_OF_BODIES: Final[tuple[type[HttpError], ...]] = (RequestTimeout, UnsupportedMediaType)
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


def describe(webhook: Webhook) -> dict[str, Any]:
    """Describe an application's flexible routes; freezes the application.

    Args:
        webhook: The application.

    Returns:
        An OpenAPI 3.1 document, ready for ``json.dumps``. It has no ``servers``: where the application is served, it
        cannot tell.

    Raises:
        ConfigurationError: The application cannot be frozen, or apispec is missing, by which marshmallow schemas are
            described: ``pip install 'cxfulfill[tools]'``.
    """
    strict = webhook.pipeline().strict_cx_status
    routes = [(route, Target.of(route).schema) for route in webhook.routes()]
    schemas = Schemas((schema for _, schema in routes), (route.response for route, _ in routes))
    problem = free_name("Problem", schemas.components)
    schemas.components[problem] = _PROBLEM
    document = _Document(webhook, schemas, problem, strict=strict)
    for route, schema in routes:
        document.add(route, schema)
    return {
        "openapi": OPENAPI,
        "info": {"title": "Flexible webhooks", "version": "1"},
        "paths": document.paths,
        "components": {"schemas": schemas.components, "securitySchemes": document.security},
    }


class _Document:
    """The description while it is made.

    Args:
        webhook: The application.
        schemas: Its schemas.
        problem: Name of the problem document's schema.
        strict: Whether it answers with the statuses of CX only.

    Attributes:
        paths: Path items by path.
        security: Security schemes by name.
    """

    def __init__(self, webhook: Webhook, schemas: Schemas, problem: str, *, strict: bool) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self.security: dict[str, Any] = {}
        self._problem = problem
        self._webhook = webhook
        self._schemas = schemas
        self._strict = strict
        self._templates: list[_Template] = []

    def add(self, route: Route, schema: Schema | None) -> None:
        """Add the operations of a route."""
        template = self._template(route)
        variables = dict(zip(route.pattern.variables, template.variables, strict=True))
        inputs = Inputs(route, schema, self._schemas)
        for method in route.methods:
            self.paths[template.path][method.lower()] = {
                **_summary(route),
                "parameters": inputs.parameters(method, variables),
                **self._body(inputs, method),
                "responses": self._responses(route, method),
                "security": self._ways_in(route),
            }

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

    def _responses(self, route: Route, method: str) -> dict[str, Any]:
        good = {"application/json": {"schema": self._schemas.response(route.response)}}
        bad = {"application/problem+json": {"schema": {"$ref": f"{PLACE}{self._problem}"}}}
        kinds = (*_OF_ANY, *_OF_BODIES) if method in WITH_BODY else _OF_ANY
        titles = {kind.status: kind.title for kind in kinds if kind.status in STATUSES_OF_CX or not self._strict}
        found = {str(status): _response(titles[status], bad, method) for status in sorted(titles)}
        return {"200": _response(HTTPStatus.OK.phrase, good, method), **found}

    def _ways_in(self, route: Route) -> list[dict[str, list[str]]]:
        ways = ways_in(route.auth or self._webhook.auth)
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


def _summary(route: Route) -> dict[str, str]:
    function = inspect.unwrap(route.options.function.call)
    text = inspect.getdoc(function) if inspect.isroutine(function) else None
    return {"summary": text.partition("\n")[0]} if text else {}
