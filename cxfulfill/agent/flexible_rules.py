"""Rules on flexible webhooks: whether URL, method, body and response configuration fit a route of the application."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from cxfulfill.agent.assets import WebhookResource
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.tags import of_handler
from cxfulfill.agent.webhook_rules import check_proofs
from cxfulfill.auth.one_header import ways_of
from cxfulfill.errors import BadRequest, ConfigurationError
from cxfulfill.http import WITH_BODY
from cxfulfill.mapping import read_mapping
from cxfulfill.protocol import json
from cxfulfill.route import Route
from cxfulfill.target import Target

_MANY: Final = re.compile(r"\?|\*|\.\.|,|:")


def check_flexible(inspected: Inspected) -> Iterator[Finding]:
    """Check the agent's flexible webhooks that lead to the application.

    Args:
        inspected: What is checked.

    Yields:
        CX701 to CX706, and CX602 and CX603 of them.
    """
    reached = set(inspected.reached_otherwise)
    for webhook, route in routes_of(inspected):
        if inspected.tags_of(webhook):
            yield from check_proofs(webhook, ways_of(inspected.webhook.auth))
            continue
        if route is None:
            yield _finding("CX701", webhook, "", "The application has no route for the path of its URL.")
            continue
        reached.add(id(route))
        yield from check_proofs(webhook, ways_of(route.auth or inspected.webhook.auth))
        yield from _fits(webhook, route)
    for route in inspected.routes:
        if id(route) not in reached:
            yield of_handler("CX706", route, route.conditions, f"No webhook of the agent calls {route.conditions}.")


def routes_of(inspected: Inspected) -> Iterator[tuple[WebhookResource, Route | None]]:
    """Find the route that each flexible webhook calls, by its path.

    Args:
        inspected: What is checked.

    Yields:
        The webhooks that lead to the application, and the route of each; None where there is none.
    """
    for webhook in inspected.flexible():
        yield webhook, inspected.route_of(webhook)


def _fits(webhook: WebhookResource, route: Route) -> Iterator[Finding]:
    if webhook.method not in route.methods:
        taken = ", ".join(route.methods)
        yield _finding("CX702", webhook, webhook.method, f"It calls with {webhook.method}; the route takes {taken}.")
        return
    body = _body(webhook)
    if body is None:
        yield _finding("CX705", webhook, "", "The request body cannot be read as a JSON object.")
    else:
        for name in _missing(webhook, route, set(body)):
            yield _finding(
                "CX703", webhook, name, f"The route {route.conditions} requires {name!r}, which is not sent."
            )
    yield from _mapped(webhook, route)


def _body(webhook: WebhookResource) -> dict[str, Any] | None:
    """Read the template of the body; None where it is no JSON object."""
    if not webhook.body.strip() or webhook.method not in WITH_BODY:
        return {}
    try:
        value = json.loads(webhook.body.encode())
    except BadRequest:
        return None
    return value if isinstance(value, dict) else None


def _missing(webhook: WebhookResource, route: Route, body: set[str]) -> Iterator[str]:
    schema = Target.of(route).schema
    if schema is None:
        return
    query = {each.partition("=")[0] for each in urlsplit(webhook.url).query.split("&")}
    sent = {name.lower() for name in webhook.headers}
    by_header = {parameter for header, parameter in route.headers.items() if header.lower() in sent}
    there = {*query, *body, *by_header, *route.pattern.variables}
    there |= {schema.synonyms[name] for name in there if name in schema.synonyms}
    yield from (name for name, required in schema.wire_names(route.pattern.variables).items()
                if required and name not in there)  # fmt: skip


def _mapped(webhook: WebhookResource, route: Route) -> Iterator[Finding]:
    shape = route.response.shape() if route.response is not None else None
    for name, path in webhook.mapping.items():
        if _MANY.search(path):
            continue  # filters and slices find what only an answer tells
        # CX takes a path without its beginning as well.
        full = path if path.startswith("$") else f"$.{path}"
        try:
            read_mapping({"x": full}, shape)
        except ConfigurationError as error:
            told = str(error).removeprefix("mapping: ")
            yield _finding("CX704", webhook, name, f"The response configuration of {name!r} finds nothing: {told}.")


def _finding(code: str, webhook: WebhookResource, about: str, problem: str) -> Finding:
    return Finding(code, f"webhook {webhook.name}", about, problem, webhook.file)
