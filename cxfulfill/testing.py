"""Help for tests of handlers: a handler is a plain function, and this makes what it is given."""

import json
import time
from collections.abc import Mapping
from typing import Any

from cxfulfill.auth.base import Principal
from cxfulfill.context import Context, Deadline
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.request import WebhookRequest, read_request

AGENT = "projects/test-project/locations/global/agents/test-agent"
_MEMBERS = {info.alias for info in WebhookRequest.model_fields.values() if info.alias}

PAGE = f"{AGENT}/flows/test-flow/pages/test-page"


def make_request(
    tag: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    **members: Any,
) -> WebhookRequest:
    """Make the request of a webhook call.

    Args:
        tag: The tag.
        parameters: Session parameters.
        form: Values of the current page's form parameters; None is an empty one.
        members: Further members of the request in CX's spelling, such as ``transcript="two nights"``.

    Returns:
        The request.

    Raises:
        BadRequest: A member has the wrong shape.
        TypeError: A WebhookRequest has no such member.
    """
    unknown = members.keys() - _MEMBERS
    if unknown:
        raise TypeError(f"a WebhookRequest has no member {min(unknown)}; it has {', '.join(sorted(_MEMBERS))}")
    page: dict[str, Any] = {"currentPage": PAGE, "displayName": "Test page"}
    if form is not None:
        page["formInfo"] = {"parameterInfo": [_form_parameter(name, value) for name, value in form.items()]}
    body = {
        "detectIntentResponseId": "00000000-0000-4000-8000-000000000001",
        "pageInfo": page,
        "sessionInfo": {"session": f"{AGENT}/sessions/test-session", "parameters": dict(parameters or {})},
        "fulfillmentInfo": {"tag": tag},
        "languageCode": "en",
        **members,
    }
    return read_request(json.dumps(body).encode())


def make_context(
    tag: str = "test",
    *,
    parameters: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    seconds: float = 4.5,
    **members: Any,
) -> Context:
    """Make the context of a webhook call, to call a handler with.

    Args:
        tag: The tag.
        parameters: Session parameters.
        form: Values of the current page's form parameters; None is an empty one.
        seconds: Time until the deadline.
        members: Further members of the request in CX's spelling, such as ``text="hello"``.

    Returns:
        The context.

    Raises:
        BadRequest: A member has the wrong shape.
        TypeError: A WebhookRequest has no such member.
    """
    return Context(
        http=HttpRequest.build("POST", "/webhook"),
        principal=Principal("test", "none"),
        deadline=Deadline(time.monotonic() + seconds, time.monotonic),
        request_id="00000000-0000-4000-8000-000000000002",
        request=make_request(tag, parameters=parameters, form=form, **members),
    )


def _form_parameter(name: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {"displayName": name, "required": True, "state": "EMPTY"}
    return {"displayName": name, "required": True, "state": "FILLED", "value": value}
