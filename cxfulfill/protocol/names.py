"""Resource names of Dialogflow CX: parsed leniently, built strictly.

A session is ``projects/P/locations/L/agents/A/sessions/S`` or ``.../agents/A/environments/E/sessions/S``, where
``E`` of ``-`` is the draft environment. A page is ``.../agents/A/flows/F/pages/G``, an intent
``.../agents/A/intents/I``. Ids are opaque; a page id may be symbolic (``START_PAGE``, ``END_SESSION``).
"""

import re
from dataclasses import dataclass
from typing import Self

from cxfulfill.errors import ReplyError

_AGENT = r"projects/([^/]+)/locations/([^/]+)/agents/([^/]+)"
_AGENT_NAME = re.compile(_AGENT)
_SESSION_NAME = re.compile(_AGENT + r"(?:/environments/([^/]+))?/sessions/(.+)", re.DOTALL)
_PAGE_NAME = re.compile(_AGENT + r"/flows/([^/]+)(?:/pages/([^/]+))?")
_SEGMENT = re.compile(r"[^/\s\x00-\x1f\x7f]+")
_TARGET = r"projects/[^/\s]+/locations/[^/\s]+/agents/[^/\s]+/flows/[^/\s]+"
_DRAFT = "-"


def is_flow_name(name: str) -> bool:
    """Tell whether a text is the full name of a flow, as a webhook may go to.

    Args:
        name: The text.

    Returns:
        Whether it is.
    """
    return re.fullmatch(_TARGET, name) is not None


def is_page_name(name: str) -> bool:
    """Tell whether a text is the full name of a page, as a webhook may go to.

    Args:
        name: The text.

    Returns:
        Whether it is.
    """
    return re.fullmatch(rf"{_TARGET}/pages/[^/\s]+", name) is not None


def _segment(kind: str, value: str) -> str:
    if not isinstance(value, str) or not _SEGMENT.fullmatch(value):
        raise ValueError(f"the {kind} id must be text without slashes and white space")
    return value


def _target(field: str, kind: str, value: str) -> str:
    """Check an id that becomes a part of an answer, so that the log tells what is wrong with it."""
    try:
        return _segment(kind, value)
    except ValueError as error:
        raise ReplyError(field, f"cannot be built: {error}, and no display name") from None


@dataclass(frozen=True, slots=True)
class AgentName:
    """The name of an agent, and the names of what it holds.

    Attributes:
        project: Project id or number.
        location: Region, such as ``europe-west1`` or ``global``.
        agent: Agent id.
    """

    project: str
    location: str
    agent: str

    def __post_init__(self) -> None:
        for kind in ("project", "location", "agent"):
            _segment(kind, getattr(self, kind))

    def __str__(self) -> str:
        return f"projects/{self.project}/locations/{self.location}/agents/{self.agent}"

    def flow(self, flow_id: str) -> str:
        """Build the full name of a flow, as ``Reply(target_flow=)`` takes it.

        Args:
            flow_id: The flow's id, not its display name.

        Returns:
            ``projects/.../agents/.../flows/<flow_id>``.

        Raises:
            ReplyError: The id is empty or has slashes or white space.
        """
        return f"{self}/flows/{_target('targetFlow', 'flow', flow_id)}"

    def page(self, flow_id: str, page_id: str) -> str:
        """Build the full name of a page, as ``Reply(target_page=)`` takes it.

        Args:
            flow_id: The flow's id, not its display name.
            page_id: The page's id, not its display name.

        Returns:
            ``projects/.../flows/<flow_id>/pages/<page_id>``.

        Raises:
            ReplyError: An id is empty or has slashes or white space.
        """
        flow, page = _target("targetPage", "flow", flow_id), _target("targetPage", "page", page_id)
        return f"{self}/flows/{flow}/pages/{page}"

    def intent(self, intent_id: str) -> str:
        """Build the full name of an intent.

        Args:
            intent_id: The intent's id, not its display name.

        Returns:
            ``projects/.../agents/.../intents/<intent_id>``.

        Raises:
            ValueError: The id is empty or has slashes or white space.
        """
        return f"{self}/intents/{_segment('intent', intent_id)}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read the agent out of any name below it.

        Args:
            name: An agent's name, or that of a session, flow, page or intent.

        Returns:
            The agent, or None where the text holds none.
        """
        found = _AGENT_NAME.match(name)
        try:
            return cls(*found.groups()) if found else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class SessionName:
    """The name of a session.

    Attributes:
        agent: Its agent, or None where the name holds none.
        session: The session id: opaque, and chosen by the caller of detect intent.
        environment: Id of the environment; None for the draft (no environment, or ``-``).
    """

    agent: AgentName | None
    session: str
    environment: str | None = None

    def __str__(self) -> str:
        if self.agent is None:
            raise ValueError("a session's name needs an agent")
        if not self.session:
            raise ValueError("the session id must not be empty")
        part = f"/environments/{_segment('environment', self.environment)}" if self.environment else ""
        return f"{self.agent}{part}/sessions/{self.session}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a session's name.

        Args:
            name: The name; whatever does not look like one is taken as a bare session id.

        Returns:
            The parts.
        """
        found = _SESSION_NAME.fullmatch(name)
        if not found:
            return cls(AgentName.parse(name), name.rpartition("/sessions/")[2])
        *_, environment, session = found.groups()
        return cls(AgentName.parse(name), session, None if environment == _DRAFT else environment)

    @classmethod
    def parse_documented(cls, name: str) -> Self | None:
        """Read a session's name where something is decided by it.

        Args:
            name: The name.

        Returns:
            The parts, or None where the text is not of the documented form.
        """
        parsed = cls.parse(name) if _SESSION_NAME.fullmatch(name) else None
        return parsed if parsed and parsed.agent else None


@dataclass(frozen=True, slots=True)
class PageName:
    """The ids in the name of a page or flow.

    Attributes:
        agent: Its agent.
        flow: The flow's id.
        page: The page's id; None in the name of a flow.
    """

    agent: AgentName
    flow: str
    page: str | None

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Read a page's or flow's name.

        Args:
            name: The name.

        Returns:
            The parts, or None where the text is no such name.
        """
        found = _PAGE_NAME.fullmatch(name)
        agent = AgentName.parse(name)
        if not found or agent is None:
            return None
        return cls(agent, found[4], found[5])
