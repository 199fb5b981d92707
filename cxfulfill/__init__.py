"""The Python framework for Dialogflow CX webhook fulfillment.

The public names are loaded when they are first used: ``import cxfulfill`` alone costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxfulfill.annotations import Answer, Handler, Middleware
    from cxfulfill.auth.base import AllowUnauthenticated, Authenticator, NeedsIO, Principal
    from cxfulfill.auth.combinations import AllOf, AnyOf, ByEnvironment
    from cxfulfill.auth.fetched import Gone
    from cxfulfill.auth.google import CloudRunIam, GoogleIdToken, dialogflow_service_agent
    from cxfulfill.auth.introspection import OAuthIntrospection
    from cxfulfill.auth.keys import HttpKeySource, KeyDocument, KeySource
    from cxfulfill.auth.mtls import GOOGLE_CLIENT_SUBJECTS, MutualTls
    from cxfulfill.auth.oauth_jwt import OAuthJwt
    from cxfulfill.auth.secret_manager import SecretManager
    from cxfulfill.auth.secrets import BasicAuth, HeaderSecret
    from cxfulfill.auth.sources import EnvironmentSecret, FetchedSecret, FileSecret, SecretSource
    from cxfulfill.cloud_logging import CloudLoggingFormatter
    from cxfulfill.context import Call, Clock, Context, Deadline
    from cxfulfill.errors import (
        BadRequest,
        ConfigurationError,
        CxFulfillError,
        Forbidden,
        HttpError,
        NotFound,
        ParameterError,
        ReplyError,
        Unauthorized,
        Unavailable,
    )
    from cxfulfill.flexible_context import FlexibleContext, FlexibleHandler
    from cxfulfill.http import HttpRequest, HttpResponse
    from cxfulfill.idempotency.business import IdempotencyKey
    from cxfulfill.idempotency.policy import Idempotency
    from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease, StoreOnLoop
    from cxfulfill.log_lines import LogRecords
    from cxfulfill.otel import OpenTelemetry
    from cxfulfill.pages import FormParameter, Page
    from cxfulfill.protocol.kinds import (
        ConversationSuccess,
        KnowledgeInfoCard,
        LiveAgentHandoff,
        OutputAudioText,
        PlayAudio,
        TelephonyTransferCall,
        ToolCall,
    )
    from cxfulfill.protocol.messages import Payload, ResponseMessage, Text
    from cxfulfill.protocol.request import WebhookRequest
    from cxfulfill.protocol.response import WebhookResponse
    from cxfulfill.records import CallRecord, RecordSink
    from cxfulfill.reply import Reply
    from cxfulfill.routing import Router
    from cxfulfill.traces import Trace
    from cxfulfill.webhook import Webhook

__version__ = "0.1.0"

__all__ = [
    "GOOGLE_CLIENT_SUBJECTS",
    "Acquired",
    "AllOf",
    "AllowUnauthenticated",
    "Answer",
    "AnyOf",
    "Authenticator",
    "BadRequest",
    "BasicAuth",
    "ByEnvironment",
    "Call",
    "CallRecord",
    "Clock",
    "CloudLoggingFormatter",
    "CloudRunIam",
    "Completed",
    "ConfigurationError",
    "Context",
    "ConversationSuccess",
    "CxFulfillError",
    "Deadline",
    "EnvironmentSecret",
    "FetchedSecret",
    "FileSecret",
    "FlexibleContext",
    "FlexibleHandler",
    "Forbidden",
    "FormParameter",
    "Gone",
    "GoogleIdToken",
    "Handler",
    "HeaderSecret",
    "HttpError",
    "HttpKeySource",
    "HttpRequest",
    "HttpResponse",
    "Idempotency",
    "IdempotencyKey",
    "IdempotencyStore",
    "InProgress",
    "KeyDocument",
    "KeySource",
    "KnowledgeInfoCard",
    "Lease",
    "LiveAgentHandoff",
    "LogRecords",
    "Middleware",
    "MutualTls",
    "NeedsIO",
    "NotFound",
    "OAuthIntrospection",
    "OAuthJwt",
    "OpenTelemetry",
    "OutputAudioText",
    "Page",
    "ParameterError",
    "Payload",
    "PlayAudio",
    "Principal",
    "RecordSink",
    "Reply",
    "ReplyError",
    "ResponseMessage",
    "Router",
    "SecretManager",
    "SecretSource",
    "StoreOnLoop",
    "TelephonyTransferCall",
    "Text",
    "ToolCall",
    "Trace",
    "Unauthorized",
    "Unavailable",
    "Webhook",
    "WebhookRequest",
    "WebhookResponse",
    "dialogflow_service_agent",
]

_HOMES = {
    "cxfulfill.annotations": (
        "Answer",
        "Handler",
        "Middleware",
    ),
    "cxfulfill.auth.base": (
        "AllowUnauthenticated",
        "Authenticator",
        "NeedsIO",
        "Principal",
    ),
    "cxfulfill.auth.combinations": (
        "AllOf",
        "AnyOf",
        "ByEnvironment",
    ),
    "cxfulfill.auth.fetched": ("Gone",),
    "cxfulfill.auth.google": (
        "CloudRunIam",
        "GoogleIdToken",
        "dialogflow_service_agent",
    ),
    "cxfulfill.auth.introspection": ("OAuthIntrospection",),
    "cxfulfill.auth.keys": (
        "HttpKeySource",
        "KeyDocument",
        "KeySource",
    ),
    "cxfulfill.auth.mtls": (
        "GOOGLE_CLIENT_SUBJECTS",
        "MutualTls",
    ),
    "cxfulfill.auth.oauth_jwt": ("OAuthJwt",),
    "cxfulfill.auth.secret_manager": ("SecretManager",),
    "cxfulfill.auth.secrets": (
        "BasicAuth",
        "HeaderSecret",
    ),
    "cxfulfill.auth.sources": (
        "EnvironmentSecret",
        "FetchedSecret",
        "FileSecret",
        "SecretSource",
    ),
    "cxfulfill.cloud_logging": ("CloudLoggingFormatter",),
    "cxfulfill.context": (
        "Call",
        "Clock",
        "Context",
        "Deadline",
    ),
    "cxfulfill.errors": (
        "BadRequest",
        "ConfigurationError",
        "CxFulfillError",
        "Forbidden",
        "HttpError",
        "NotFound",
        "ParameterError",
        "ReplyError",
        "Unauthorized",
        "Unavailable",
    ),
    "cxfulfill.flexible_context": ("FlexibleContext", "FlexibleHandler"),
    "cxfulfill.http": (
        "HttpRequest",
        "HttpResponse",
    ),
    "cxfulfill.idempotency.business": ("IdempotencyKey",),
    "cxfulfill.idempotency.policy": ("Idempotency",),
    "cxfulfill.idempotency.store": (
        "Acquired",
        "Completed",
        "IdempotencyStore",
        "InProgress",
        "Lease",
        "StoreOnLoop",
    ),
    "cxfulfill.log_lines": ("LogRecords",),
    "cxfulfill.otel": ("OpenTelemetry",),
    "cxfulfill.pages": (
        "FormParameter",
        "Page",
    ),
    "cxfulfill.protocol.kinds": (
        "ConversationSuccess",
        "KnowledgeInfoCard",
        "LiveAgentHandoff",
        "OutputAudioText",
        "PlayAudio",
        "TelephonyTransferCall",
        "ToolCall",
    ),
    "cxfulfill.protocol.messages": (
        "Payload",
        "ResponseMessage",
        "Text",
    ),
    "cxfulfill.protocol.request": ("WebhookRequest",),
    "cxfulfill.protocol.response": ("WebhookResponse",),
    "cxfulfill.records": (
        "CallRecord",
        "RecordSink",
    ),
    "cxfulfill.reply": ("Reply",),
    "cxfulfill.routing": ("Router",),
    "cxfulfill.traces": ("Trace",),
    "cxfulfill.webhook": ("Webhook",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
