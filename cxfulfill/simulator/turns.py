"""What a user, or the program that calls the agent, does in a turn."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from cxfulfill.errors import ConfigurationError

Kind = Literal["text", "transcript", "dtmf", "event", "intent", "none"]
"""What the query of a turn is; ``none`` sends a request without a query."""

MEMBERS: Final[Mapping[Kind, str]] = {
    "text": "text",
    "transcript": "transcript",
    "dtmf": "dtmfDigits",
    "event": "triggerEvent",
    "intent": "triggerIntent",
}
"""Member of the WebhookRequest by kind."""

_DIGITS: Final = re.compile(r"[0-9A-D*#]+")


@dataclass(frozen=True, slots=True)
class Intent:
    """The intent that a turn matches.

    Attributes:
        display_name: Its display name.
        name: Its id, or full name; the display name by default.
        parameters: Values by parameter: what they mean, or a pair of the user's words and what they mean.
        confidence: Of the match, 0 to 1.
    """

    display_name: str
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 1.0

    def full_name(self, agent: str) -> str:
        """Name it as requests do.

        Args:
            agent: Full name of its agent.

        Returns:
            ``projects/P/locations/L/agents/A/intents/I``.
        """
        name = self.name or self.display_name
        return name if "/" in name else f"{agent}/intents/{name}"


WELCOME: Final = Intent("Default Welcome Intent", "00000000-0000-0000-0000-000000000000")
"""The intent that a phone call begins with."""


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The sentiment of the user's words, for agents that analyse it.

    Attributes:
        score: From -1 (negative) to 1 (positive).
        magnitude: Strength, 0 or more.
    """

    score: float
    magnitude: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn.

    Attributes:
        kind: What its query is.
        value: The text, transcript, digits or event; empty for an intent, and for none.
        intent: The intent that it matches or triggers; None for events, and for turns that fill a form.
        sentiment: Its sentiment; None where the agent does not analyse it.
        payload: ``QueryParameters.payload`` of this turn, beside that of the session.

    Raises:
        ConfigurationError: The digits are no keys of a phone, or the intent to trigger is missing.
    """

    kind: Kind = "none"
    value: str = ""
    intent: Intent | None = None
    sentiment: Sentiment | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in (*MEMBERS, "none"):
            raise ConfigurationError(f"a turn's kind is one of {', '.join((*MEMBERS, 'none'))}")
        if self.kind == "dtmf" and not _DIGITS.fullmatch(self.value):
            raise ConfigurationError("digits are keys of a phone: 0 to 9, A to D, * and #, without the finish digit")
        if self.kind == "intent" and self.intent is None:
            raise ConfigurationError("a turn that triggers an intent needs the intent")

    @classmethod
    def of(cls, kind: Kind, value: str, **more: Any) -> Self:
        """Make a turn of what a person enters, where an intent is named by its display name.

        Args:
            kind: What its query is.
            value: The text, transcript, digits, event, or display name of the intent.
            more: Further attributes.

        Returns:
            The turn.

        Raises:
            ConfigurationError: As for the class.
        """
        if kind != "intent":
            return cls(kind, value, **more)
        intent = WELCOME if value in ("", WELCOME.display_name) else Intent(value)
        return cls(kind, "", **{"intent": intent, **more})

    @property
    def shown(self) -> str:
        """What a person enters for it."""
        return self.intent.display_name if self.kind == "intent" and self.intent else self.value
