"""Help for tests: of handlers, which are plain functions and get what `make_context` makes, and of one's own parts.

A contract is a class of tests that every implementation must pass. Subclass it in a test module and say what it is
about: ``class TestTeamHeader(AuthenticatorContract): ...``.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

from cxfulfill.auth.base import Principal
from cxfulfill.context import Context, Deadline
from cxfulfill.flexible_context import FlexibleContext
from cxfulfill.http import Headers, HttpRequest
from cxfulfill.loading import load_webhook
from cxfulfill.protocol.request import WebhookRequest
from cxfulfill.protocol.sent import read_request

if "pytest" in sys.modules:
    # So that an assertion of a contract that fails shows the values.
    sys.modules["pytest"].register_assert_rewrite("cxfulfill.auth.contract", "cxfulfill.idempotency.contract")

from cxfulfill.auth.contract import AuthenticatorContract, KeySourceContract, SecretSourceContract, settled
from cxfulfill.idempotency.contract import StoreContract
from cxfulfill.idempotency.contract_on_loop import StoreOnLoopContract
from cxfulfill.record_contract import RecordSinkContract
from cxfulfill.simulator import wire
from cxfulfill.simulator.credentials import (
    AllCredentials,
    BasicCredential,
    CertificateCredential,
    HeaderCredential,
    IdTokenCredential,
    NoCredential,
    OAuthCredential,
)
from cxfulfill.simulator.cx import Cx
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.in_process import InWsgi
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.over_http import Line, OverHttp
from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.session import AGENT, Session
from cxfulfill.simulator.token_endpoint import TokenEndpoint
from cxfulfill.simulator.turns import Intent, Sentiment, Turn

__all__ = [
    "AllCredentials",
    "AuthenticatorContract",
    "BasicCredential",
    "CertificateCredential",
    "Cx",
    "FlexibleSettings",
    "HeaderCredential",
    "IdTokenCredential",
    "InWsgi",
    "Intent",
    "KeySourceContract",
    "Line",
    "LocalIssuer",
    "NoCredential",
    "OAuthCredential",
    "OverHttp",
    "RecordSinkContract",
    "Result",
    "SecretSourceContract",
    "Sentiment",
    "Session",
    "SessionPage",
    "StoreContract",
    "StoreOnLoopContract",
    "TokenEndpoint",
    "Turn",
    "load_webhook",
    "make_context",
    "make_flexible_context",
    "make_request",
    "settled",
]

_MEMBERS = {info.alias for info in WebhookRequest.model_fields.values() if info.alias}

PAGE = f"{AGENT}/flows/test-flow/pages/test-page"


def make_request(
    tag: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    form: Mapping[str, Any] | None = None,
    **members: Any,
) -> WebhookRequest:
    """Make the request of a webhook call, with the members and values that CX sends.

    Args:
        tag: The tag.
        parameters: Session parameters. Dates and other values of Python become CX's, and numbers are doubles.
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
    session = Session(
        session_id="test-session",
        page=SessionPage.of(PAGE, "Test page", form),
        parameters=parameters,
        new_id=lambda: "00000000-0000-4000-8000-000000000001",
    )
    return read_request(wire.dumps({**session.request(tag), **members}))


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
        request=make_request(tag, parameters=parameters, form=form, **members),
        **_of_any_call(seconds),
    )


def make_flexible_context(
    path: Mapping[str, Any] | None = None,
    *,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    route: str = "/test",
    method: str = "POST",
    seconds: float = 4.5,
) -> FlexibleContext:
    """Make the context of a flexible webhook call, to call a handler with.

    Args:
        path: Values of the path's variables.
        query: Values of the query.
        body: The JSON body.
        headers: The request's header fields.
        route: The path's pattern.
        method: The HTTP method.
        seconds: Time until the deadline.

    Returns:
        The context. Its parameters are those of path, query and body; headers are only chosen by a route.
    """
    members = body if isinstance(body, dict) else {}
    return FlexibleContext(
        http=HttpRequest(method, route, Headers(headers or {})),
        route=route,
        path=dict(path or {}),
        query=dict(query or {}),
        body=body,
        parameters={**(path or {}), **(query or {}), **members},
        **_of_any_call(seconds),
    )


def _of_any_call(seconds: float) -> dict[str, Any]:
    return {
        "principal": Principal("test", "none"),
        "deadline": Deadline(time.monotonic() + seconds, time.monotonic),
        "request_id": "00000000-0000-4000-8000-000000000002",
    }
