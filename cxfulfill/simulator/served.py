"""Whose sessions an application serves."""

from typing import Any

from cxfulfill.auth.combinations import ByEnvironment
from cxfulfill.simulator.session import AGENT
from cxfulfill.webhook import Webhook


def whose(webhook: Webhook | None) -> dict[str, Any]:
    """Choose an agent and an environment that an application serves.

    Args:
        webhook: The application; None where it is not known.

    Returns:
        The keywords ``agent`` and ``environment`` of a `Session`.
    """
    allowed = None if webhook is None else webhook.parts.allowed_agents
    auth = None if webhook is None else webhook.auth
    agent = AGENT if allowed is None else min(map(str, allowed.agents))
    return {"agent": agent, "environment": next(iter(auth.policies)) if isinstance(auth, ByEnvironment) else None}
