"""Standard calls of whoever is no flow of CX: the least request that reaches a tag's handler."""

from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.narrowing import Narrowing
from cxfulfill.openapi.inputs import json_body
from cxfulfill.openapi.schemas import JsonSchema, Schemas
from cxfulfill.parameters.base import Schema
from cxfulfill.table import Entry, Table
from cxfulfill.testing import make_context
from cxfulfill.webhook import Webhook

_FALLBACK: Final = "*"


def handler_of(webhook: Webhook, tag: str) -> Entry:
    """Find the handler of calls that say nothing but a tag and parameters.

    Args:
        webhook: The application.
        tag: The tag.

    Returns:
        The handler.

    Raises:
        ConfigurationError: There is none, or the application refuses calls without a session.
    """
    if webhook.pipeline().gate.by_session:
        raise ConfigurationError(
            "a tool's call has no session, so that neither ByEnvironment nor allowed_agents= can tell whose it is; "
            "give the tool a flexible route with auth= of its own"
        )
    # The fallback would take a misspelt tag as well.
    entries = [entry for entry in webhook.entries() if entry.narrowing == Narrowing() and entry.tag != _FALLBACK]
    found = Table((entry, entry) for entry in entries).find(make_context(tag), tag)
    if found is None:
        raise ConfigurationError(
            f"no handler but a fallback takes the tag {tag!r} whatever the page, flow, intent, event and language: "
            "a tool's call has none of these"
        )
    return found


def request_of(tag: str, schema: Schema | None, schemas: Schemas) -> dict[str, Any]:
    """Describe the request of such a call.

    Args:
        tag: The tag.
        schema: Schema of the handler's second argument; None where it takes none.
        schemas: The schemas of what is described.

    Returns:
        A request body object.
    """
    names = schema.wire_names() if schema else {}
    parameters: JsonSchema = {"type": "object"}
    if schema is not None and schema.fields is not None:
        parameters = schemas.parameters(schema).members(names)
    members: JsonSchema = {"fulfillmentInfo": _object({"tag": {"type": "string", "enum": [tag]}}, ["tag"])}
    needed = ["parameters"] if any(names.values()) else []
    members["sessionInfo"] = _object({"parameters": parameters}, needed)
    return json_body(_object(members, ["fulfillmentInfo", *(["sessionInfo"] if needed else [])]), required=True)


def _object(members: JsonSchema, required: list[str]) -> JsonSchema:
    return {"type": "object", "properties": members, **({"required": required} if required else {})}
