"""Checks an exported agent against the application that it calls."""

from collections.abc import Collection

from cxfulfill.agent.failures import check_failures
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.flexible_rules import check_flexible
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.model import Agent
from cxfulfill.agent.names_in_agent import check_names
from cxfulfill.agent.parameters import check_parameters
from cxfulfill.agent.replies import check_replies
from cxfulfill.agent.tags import check_tags
from cxfulfill.agent.webhook_rules import check_webhooks
from cxfulfill.errors import ConfigurationError
from cxfulfill.webhook import Webhook


def check_agent(agent: Agent, webhook: Webhook, *, chosen: Collection[str] = (), names: str = "") -> list[Finding]:
    """Check an agent.

    Args:
        agent: The agent.
        webhook: The application.
        chosen: Names of the agent's webhooks that lead to the application; none to tell by their URLs.
        names: The name of an imported module of names; empty for none.

    Returns:
        What was found, in the order of the codes, each once.

    Raises:
        ConfigurationError: A chosen webhook is not there.
    """
    missing = sorted(set(chosen) - agent.webhook_of.keys())
    if missing:
        raise ConfigurationError(f"the agent has no webhook {missing[0]!r}")
    inspected = Inspected(agent, webhook, frozenset(chosen))
    found = [
        *check_names(inspected),
        *check_tags(inspected),
        *check_parameters(inspected),
        *check_replies(inspected, names),
        *check_failures(inspected),
        *check_webhooks(inspected),
        *check_flexible(inspected),
    ]
    return sorted(dict.fromkeys(found), key=lambda each: (each.code, each.file, each.place, each.about))
