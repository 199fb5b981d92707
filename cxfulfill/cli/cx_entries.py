"""Runbook: what CX itself says of a failed call: its events, and the texts in ``webhookStatuses``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SILENT: Final = (
    "An event handler on page or flow runs only where the route that called the webhook has no transition target; "
    "without one in reach the failure is silent."
)


@dataclass(frozen=True, slots=True)
class CxEntry:
    """What CX says.

    Attributes:
        cause: What leads to it.
        meaning: A sentence on what it means.
        look_at: A sentence on what to look at.
    """

    cause: str
    meaning: str
    look_at: str


@dataclass(frozen=True, slots=True)
class StatusText:
    """A text in ``webhookStatuses``.

    Attributes:
        text: The text as CX writes it behind ``Webhook call failed.``, without an HTTP status code.
        event: The event; empty where it is that of the HTTP status code.
        meaning: A sentence on what it means.
        look_at: A sentence on what to look at.
    """

    text: str
    event: str
    meaning: str
    look_at: str


_REACH: Final = (
    "Open the URL as it stands in CX from outside; look at DNS, the certificate and its names, and whether the service "
    "is up."
)
_OUR_LINE: Final = "Find the log line of the same time: its reason says more."

EVENTS: Final[Mapping[str, CxEntry]] = {
    "webhook.error.timeout": CxEntry(
        "the webhook's timeout in CX has passed",
        "No answer came in time; the handler may have run all the same.",
        "Compare the timeout in CX (5 seconds by default, 30 at most) with timeout= and with the calls' duration; on "
        "Cloud Run, look for cold starts. With a timeout= below that of CX the user gets a fallback= instead.",
    ),
    "webhook.error.bad-request": CxEntry("400", "The webhook could not understand the call.", _OUR_LINE),
    "webhook.error.rejected": CxEntry(
        "401, 403",
        "The webhook did not let the call in, or the platform before it.",
        f"{_OUR_LINE} No line: the platform refused it, such as Cloud Run without run.invoker. "
        "`cxfulfill auth explain` says what to enter in CX.",
    ),
    "webhook.error.not-found": CxEntry(
        "404, or the URL cannot be reached",
        "There is no such path or tag, or nobody answered at all.",
        f"{_OUR_LINE} No line: {_REACH[0].lower()}{_REACH[1:]}",
    ),
    "webhook.error.unavailable": CxEntry(
        "503",
        "The webhook could not do the work now, or the platform has no instance for it.",
        f"{_OUR_LINE} No line: the platform or proxy answered; look at its own log, and at the limits of instances and "
        "memory.",
    ),
    "webhook.error": CxEntry(
        "any other status, an answer that CX cannot read, or no handler for the finer event",
        "The call failed in another way, or the agent has no handler for the event that says more.",
        f"{_OUR_LINE} A 200 there: CX could not read the answer; a proxy may have changed it.",
    ),
}
"""By event."""

STATUS_TEXTS: Final[Mapping[str, StatusText]] = {
    "TIMEOUT_WEB": StatusText(
        "Error: DEADLINE_EXCEEDED, State: URL_TIMEOUT, Reason: TIMEOUT_WEB",
        "webhook.error.timeout",
        "No answer came within the webhook's timeout in CX.",
        EVENTS["webhook.error.timeout"].look_at,
    ),
    "ERROR_NOT_FOUND": StatusText(
        "State: URL_ERROR, Reason: ERROR_NOT_FOUND",
        "webhook.error.not-found",
        "The answer was 404.",
        "Compare URL and tag in CX with what `cxfulfill routes` lists.",
    ),
    "ERROR_AUTHENTICATION": StatusText(
        "State: URL_ERROR, Reason: ERROR_AUTHENTICATION",
        "webhook.error.rejected",
        "The caller was not let in.",
        EVENTS["webhook.error.rejected"].look_at,
    ),
    "ERROR_OTHER": StatusText(
        "State: URL_ERROR, Reason: ERROR_OTHER",
        "",
        "The answer was an error; the HTTP status code says which.",
        _OUR_LINE,
    ),
    "UNREACHABLE_5xx": StatusText(
        "State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx",
        "",
        "The answer was of the statuses from 500 on, which CX calls unreachable; the HTTP status code says which.",
        EVENTS["webhook.error.unavailable"].look_at,
    ),
    "UNREACHABLE_SSL_VALIDATION_FAILED": StatusText(
        "State: URL_UNREACHABLE, Reason: UNREACHABLE_SSL_VALIDATION_FAILED",
        "webhook.error.not-found",
        "CX does not trust the server's certificate, so nothing was sent.",
        "Look at the certificate's end, its names (a subject alternative name is needed) and its chain; for one of "
        "your own CA, enter that CA in the CX webhook's certificates.",
    ),
}
"""By the ``Reason`` in it."""

STATES: Final[Mapping[str, str]] = {
    "URL_TIMEOUT": "No answer came in time.",
    "URL_ERROR": "The answer was an error.",
    "URL_UNREACHABLE": f"No answer, or one of the statuses from 500 on. {_REACH}",
}
"""What the ``State`` in it means, where its ``Reason`` is none of those."""

UNREADABLE: Final = "failed to parse webhook json response"
"""In lower case: what CX says of an answer that is not a WebhookResponse."""
UNREADABLE_ENTRY: Final = StatusText(
    "Failed to parse webhook JSON response",
    "webhook.error",
    "The answer came, and CX could not read it as a WebhookResponse.",
    "Look at what was sent: a proxy's error page, or the answer of a route of another kind (flexible, standard) than "
    "the webhook in CX.",
)
