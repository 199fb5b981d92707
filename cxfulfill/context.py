"""What a handler is given."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cxfulfill.auth.base import Principal
from cxfulfill.frozen import made
from cxfulfill.http import HttpRequest
from cxfulfill.pages import FormParameter, Page
from cxfulfill.protocol.names import AgentName, SessionName
from cxfulfill.protocol.sent import Sent, built, sent_of, session_of, tag_of
from cxfulfill.traces import read_trace

if TYPE_CHECKING:
    from builtins import property as kept  # nobody may set it

    from cxfulfill.protocol.request import IntentInfo, SentimentAnalysisResult, WebhookRequest
else:
    from functools import cached_property as kept

Clock = Callable[[], float]
"""Seconds that only go up, such as ``time.monotonic``."""

_NOTHING: Final[Sent] = {}
C = TypeVar("C", bound="Call")
_log = logging.getLogger("cxfulfill.handler")
_framework_log = logging.getLogger("cxfulfill")


@dataclass(frozen=True)
class Deadline:
    """The moment at which the answer must be out.

    Attributes:
        at: The moment, in the clock's seconds.
        clock: The clock.
    """

    at: float
    clock: Clock = field(repr=False)

    def at_least(self, seconds: float) -> "Deadline":
        """Give a deadline that is not over yet.

        Args:
            seconds: What it must leave.

        Returns:
            This one, or a later one.
        """
        return Deadline(max(self.at, self.clock() + seconds), self.clock)

    def remaining(self) -> float:
        """Tell how much time is left.

        Returns:
            Seconds, 0 or more.
        """
        return max(0.0, self.at - self.clock())


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call, whatever its kind.

    Attributes:
        http: The request as it came over HTTP, without credentials and body.
        principal: Who is calling.
        deadline: When the answer must be out.
        request_id: Id of the call in answers and log lines.
        state: For middleware and handler of this one call.
        idempotency_key: The same in every attempt at this call, to hand on to a payment provider and the like; None
            where the call is not de-duplicated.
    """

    http: HttpRequest
    principal: Principal
    deadline: Deadline
    request_id: str
    state: dict[str, Any] = field(default_factory=dict, repr=False)
    idempotency_key: str | None = None

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry ``request_id``, and ``trace`` where the call belongs to one."""
        return adapted(self)


@dataclass(frozen=True, kw_only=True)
class Context(Call):
    """A standard webhook call. No accessor fails when CX leaves its part out.

    Attributes:
        request: The whole WebhookRequest; its models are built when it is first looked at.
        sent: The documented members that were sent, as plain values by the names of the models' attributes.
    """

    request: "WebhookRequest" = field(repr=False)

    if TYPE_CHECKING:

        @property
        def sent(self) -> Sent:
            """See the attributes; at run time it is one."""
            ...

    else:

        def __getattr__(self, name: str) -> Any:
            """Make `request` of what was sent, or the other way round, when it is first looked at."""
            own = self.__dict__
            if name == "request" and "_body" in own:
                made = built(own["_body"])
            elif name == "sent" and "request" in own:
                made = sent_of(own["request"])
            else:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            own[name] = made
            return made

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry ``request_id`` and ``tag``, and ``trace`` where the call belongs to one."""
        return adapted(self, tag=self.tag)

    @kept
    def tag(self) -> str:
        """The tag that selected the handler."""
        return tag_of(self.sent)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The session parameters, nulls included."""
        info = self.sent.get("session_info")
        return (info.get("parameters") or {}) if info else {}

    @property
    def session(self) -> SessionName | None:
        """The session's name; None where CX sent none."""
        name = session_of(self.sent)
        return SessionName.parse(name) if name else None

    @property
    def session_id(self) -> str:
        """The session's id; empty where CX sent none."""
        session = self.session
        return session.session if session else ""

    @property
    def environment(self) -> str | None:
        """Id of the agent's environment; None for the draft."""
        session = self.session
        return session.environment if session else None

    @property
    def agent(self) -> AgentName | None:
        """The calling agent; None where no name in the request tells."""
        names = (session_of(self.sent), self.page.name)
        return next((agent for name in names if name and (agent := AgentName.parse(name))), None)

    @property
    def page(self) -> Page:
        """The current page; its names are empty where CX sent none."""
        info = self.sent.get("page_info") or _NOTHING
        return Page(info.get("current_page") or "", info.get("display_name") or "")

    @property
    def form(self) -> Mapping[str, FormParameter]:
        """The parameters of the current page's form by name."""
        form = (self.sent.get("page_info") or _NOTHING).get("form_info") or _NOTHING
        parts: list[Sent] = form.get("parameter_info") or []
        return {
            part["display_name"]: FormParameter(
                part.get("value"),
                str(part.get("state") or ""),
                bool(part.get("required")),
                bool(part.get("just_collected")),
            )
            for part in parts
            if part.get("display_name") is not None
        }

    @property
    def intent(self) -> "IntentInfo | None":
        """The intent matched last; None on event turns and on turns that fill a form."""
        return self.request.intent_info

    @property
    def text(self) -> str | None:
        """What the user typed or said."""
        text: str | None = self.sent.get("text")
        return self.sent.get("transcript") if text is None else text

    @property
    def event(self) -> str | None:
        """Name of the event that the caller triggered."""
        return self.sent.get("trigger_event")

    @property
    def digits(self) -> str | None:
        """The keys that the user pressed on the phone."""
        return self.sent.get("dtmf_digits")

    @property
    def language(self) -> str | None:
        """Language code of the query; CX may write it in lower case (``en-us``)."""
        return self.sent.get("language_code")

    @property
    def payload(self) -> Mapping[str, Any]:
        """``QueryParameters.payload`` of the detect intent call; any JSON object."""
        return self.sent.get("payload") or {}

    @property
    def caller_id(self) -> str | None:
        """The caller's number on Google's Phone Gateway (``payload.telephony.caller_id``)."""
        telephony = self.payload.get("telephony")
        number = telephony.get("caller_id") if isinstance(telephony, dict) else None
        return number if isinstance(number, str) else None

    @property
    def sentiment(self) -> "SentimentAnalysisResult | None":
        """The sentiment of the user's words, if the agent analyses it."""
        return self.request.sentiment_analysis_result


def with_deadline(call: C, at: float) -> C:
    """Give a call with another deadline.

    Args:
        call: The call.
        at: The moment, in the clock's seconds.

    Returns:
        The same call; unlike that of `dataclasses.replace`, no models of its request are built for it.
    """
    return made(type(call), {**vars(call), "deadline": Deadline(at, call.deadline.clock)})


def log_of(call: Call) -> logging.LoggerAdapter[logging.Logger]:
    """Give the logger of the framework's own lines about a call.

    Args:
        call: The call.

    Returns:
        A logger whose records carry what those of ``ctx.log`` do.
    """
    return logging.LoggerAdapter(_framework_log, call.log.extra)


def adapted(call: Call, **told: object) -> logging.LoggerAdapter[logging.Logger]:
    """Give a call's own logger.

    Args:
        call: The call.
        told: What its records carry besides the ids of call and trace.

    Returns:
        The logger.
    """
    return logging.LoggerAdapter(_log, {"request_id": call.request_id, **told, "trace": read_trace(call.http.headers)})
