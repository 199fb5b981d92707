"""Which agents may call: of the agents of one project, that share one credential, only the listed ones."""

from collections.abc import Iterable

from cxfulfill.errors import ConfigurationError, Forbidden
from cxfulfill.protocol.names import AgentName, SessionName


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

    def check(self, session: SessionName | None) -> None:
        """Check the agent of a call.

        Args:
            session: The session's name; None where the request has none of the documented form.

        Raises:
            Forbidden: It is another agent's, or there is none (``agent_not_allowed``).
        """
        if session is None or session.agent not in self.agents:
            shown = session.agent if session and session.agent else "no agent"
            raise Forbidden(reason="agent_not_allowed", note=f"the session is of {str(shown)[:300]}")


def _agent(name: str | AgentName) -> AgentName:
    agent = AgentName.parse(str(name))
    if agent is None or str(agent) != str(name):
        raise ConfigurationError("allowed_agents takes full names: projects/P/locations/L/agents/A")
    return agent
