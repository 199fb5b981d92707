"""What was sent of a request, as plain values: read from JSON in a quarter of the time that the models take.

The models are what `ctx.request` gives; they are only built when somebody looks at it.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import SchemaValidator, ValidationError

from cxfulfill.errors import BadRequest
from cxfulfill.forks import load
from cxfulfill.protocol import json
from cxfulfill.protocol.members import KNOWN, REQUEST
from cxfulfill.protocol.values import place

if TYPE_CHECKING:
    from cxfulfill.protocol.request import WebhookRequest

Sent = dict[str, Any]
"""The documented members that were sent, by the names of the models' attributes, however deep."""


def read_sent(body: bytes) -> tuple[dict[str, Any], Sent]:
    """Read the body of a standard webhook call.

    Args:
        body: The body: JSON.

    Returns:
        All that was sent, as JSON, and the documented members of it.

    Raises:
        BadRequest: It is not strict JSON (see `cxfulfill.protocol.json.loads`), not an object
            (``not_an_object``), or a documented member has another shape (``wrong_shape``, which names it).
    """
    value = json.loads(body)
    if not isinstance(value, dict):
        raise BadRequest(reason="not_an_object", detail="The body is not a JSON object.")
    try:
        return value, validator().validate_python(value)
    except ValidationError as error:
        raise _refusal(error) from None


def read_request(body: bytes) -> "WebhookRequest":
    """Read the body of a standard webhook call; as `read_sent`, but as models."""
    return built(read_sent(body)[0])


def built(value: dict[str, Any]) -> "WebhookRequest":
    """Build the models of a request.

    Args:
        value: All that was sent, as `read_sent` gives it.

    Returns:
        The request.
    """
    # Most handlers never look at it.
    request: WebhookRequest = load("cxfulfill.protocol.request").WebhookRequest.model_validate(value)
    return request


def sent_of(part: BaseModel) -> Sent:
    """Tell what a request, or a part of one, says that was sent.

    Args:
        part: The request.

    Returns:
        Its members that were set.
    """
    # Not by `model_dump`: of a member that was sent by both its names it tells the one that does not count.
    return {name: _plain(getattr(part, name)) for name in type(part).model_fields if name in part.model_fields_set}


def turn_of(sent: Sent) -> str:
    """Tell the ``detectIntentResponseId``, which all calls of one turn share.

    Args:
        sent: What was sent.

    Returns:
        The id; empty where none was sent.
    """
    return sent.get("detect_intent_response_id") or ""


def session_of(sent: Sent) -> str:
    """Tell the full name of the session.

    Args:
        sent: What was sent.

    Returns:
        The name; empty where none was sent.
    """
    info = sent.get("session_info")
    return (info.get("session") or "") if info else ""


def tag_of(sent: Sent) -> str:
    """Tell the tag.

    Args:
        sent: What was sent.

    Returns:
        The tag; empty where none was sent.
    """
    info = sent.get("fulfillment_info")
    return (info.get("tag") or "") if info else ""


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return sent_of(value)
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


@cache
def validator() -> SchemaValidator:
    """Make what reads documented members: it takes and refuses what the models do.

    Returns:
        It; the same each time.
    """
    return SchemaValidator(REQUEST)


def _refusal(error: ValidationError) -> BadRequest:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    location, kind = first["loc"], first["type"].partition("_")[0]
    if kind == "string" and location[-1] == "str":
        # The members of a union (text or number) stand in the location by their type's name.
        location, kind = location[:-1], "int"
    return BadRequest(reason="wrong_shape", detail=f"{place(location, KNOWN)}: {_expected(kind)}.")


def _expected(kind: str) -> str:
    shapes = {"dict": "an object", "list": "a list", "string": "text"}
    shapes |= {"float": "a number", "bool": "true or false", "int": "text or a whole number"}
    return f"must be {shapes[kind]}" if kind in shapes else "is of another shape"
