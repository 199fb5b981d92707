"""The Python framework for Dialogflow CX webhook fulfillment."""

from cxfulfill.auth.base import (
    AllOf,
    AllowUnauthenticated,
    AnyOf,
    Authenticator,
    Principal,
)
from cxfulfill.auth.secrets import BasicAuth, HeaderSecret
from cxfulfill.context import Call, Clock, Context, Deadline, FormParameter, Page
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
from cxfulfill.handlers import Answer, Handler, Middleware
from cxfulfill.http import HttpRequest, HttpResponse
from cxfulfill.protocol.messages import (
    ConversationSuccess,
    KnowledgeInfoCard,
    LiveAgentHandoff,
    OutputAudioText,
    Payload,
    PlayAudio,
    ResponseMessage,
    TelephonyTransferCall,
    Text,
    ToolCall,
)
from cxfulfill.protocol.messenger import RichContent
from cxfulfill.protocol.request import WebhookRequest
from cxfulfill.protocol.response import WebhookResponse
from cxfulfill.reply import Reply
from cxfulfill.routing import Router
from cxfulfill.webhook import Webhook

__version__ = "0.1.0"

__all__ = [
    "AllOf",
    "AllowUnauthenticated",
    "Answer",
    "AnyOf",
    "Authenticator",
    "BadRequest",
    "BasicAuth",
    "Call",
    "Clock",
    "ConfigurationError",
    "Context",
    "ConversationSuccess",
    "CxFulfillError",
    "Deadline",
    "Forbidden",
    "FormParameter",
    "Handler",
    "HeaderSecret",
    "HttpError",
    "HttpRequest",
    "HttpResponse",
    "KnowledgeInfoCard",
    "LiveAgentHandoff",
    "Middleware",
    "NotFound",
    "OutputAudioText",
    "Page",
    "ParameterError",
    "Payload",
    "PlayAudio",
    "Principal",
    "Reply",
    "ReplyError",
    "ResponseMessage",
    "RichContent",
    "Router",
    "TelephonyTransferCall",
    "Text",
    "ToolCall",
    "Unauthorized",
    "Unavailable",
    "Webhook",
    "WebhookRequest",
    "WebhookResponse",
]
