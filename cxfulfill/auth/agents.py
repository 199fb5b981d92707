"""Which agents may call: of the agents of one project, that share one credential, only the listed ones."""

from collections.abc import Iterable
from typing import Final

from cxfulfill.auth.notes import cut, listed
from cxfulfill.errors import ConfigurationError, Forbidden
from cxfulfill.protocol.names import AgentName, SessionName

_FORM: Final = "projects/P/locations/L/agents/A/sessions/S"


class AllowedAgents:
    """A list of agents, compared with the session's name segment by segment.

    The session's name is as trustworthy as the caller: it counts after authentication only.

    Args:
        names: Full names, ``projects/P/locations/L/agents/A``, as session names have them.

    Raises:
        ConfigurationError: The list is empty, or one is no such name.
    """

    def __init__(self, names: Iterable[str | AgentName]) -> None:
        given = [names] if isinstance(names, str | AgentName) else list(names)
        self.agents = frozenset(_agent(name) for name in given)
        if not self.agents:
            raise ConfigurationError("allowed_agents is empty: name an agent, or leave it out")

    def check(self, session: SessionName | None, name: str | None = None) -> None:
        """Check the agent of a call.

        Args:
            session: The session's name; None where the request has none of the documented form.
            name: The name as it was sent, for the note, which does not show it; None where that is not at hand.

        Raises:
            Forbidden: It is another agent's, or there is none (``agent_not_allowed``).
        """
        if session is None or session.agent not in self.agents:
            allowed = listed(sorted(map(str, self.agents)))
            note = f"{_whose(session, name)}; allowed_agents= has {allowed}"
            raise Forbidden(reason="agent_not_allowed", note=note)


def _whose(session: SessionName | None, name: str | None) -> str:
    if session is not None and session.agent is not None:
        return f"the session is of {cut(str(session.agent))}"
    if name is None:
        return f"the request names no session, or none of the form {_FORM}"
    return f"the session's name is not of the form {_FORM}" if name else "the request names no session"


def _agent(name: str | AgentName) -> AgentName:
    agent = AgentName.parse(str(name))
    if agent is None or str(agent) != str(name):
        raise ConfigurationError("allowed_agents takes full names: projects/P/locations/L/agents/A")
    return agent
