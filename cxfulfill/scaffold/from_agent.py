"""The handlers, tests and names of a new project, from the agent that it is for."""

from dataclasses import dataclass
from typing import Any

from cxfulfill.agent.model import Agent
from cxfulfill.agent.names_module import names_module
from cxfulfill.agent.stub_module import Module
from cxfulfill.agent.stub_tests import add_tests
from cxfulfill.agent.stubs import add_handlers, tags_of
from cxfulfill.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class FromAgent:
    """What an agent gives to a project.

    Attributes:
        handlers: The module ``handlers``.
        tests: The module of its tests.
        names: The module ``names``.
        tag: A tag that the agent calls.
        parameters: Samples of what it sends with it.
    """

    handlers: str
    tests: str
    names: str
    tag: str
    parameters: dict[str, Any]


def from_agent(agent: Agent) -> FromAgent:
    """Write what an agent gives.

    Args:
        agent: The agent.

    Returns:
        Its modules.

    Raises:
        ConfigurationError: The agent calls no webhook with a tag.
    """
    tags = tags_of(agent)
    if not tags:
        raise ConfigurationError("the agent calls no webhook with a tag, so there is no handler to begin with")
    handlers = Module("", "What the webhook does for each tag that the agent calls.")
    add_handlers(handlers, tags)
    # A module that is there already: the project's conftest.py has the webhook, which is the whole one.
    tests = Module('"""Tests of the handlers, by calls as Dialogflow CX makes them."""\n', "")
    add_tests(tests, tags, handlers, "handlers")
    first = tags[0]
    samples = {each.name: each.sample for each in first.parameters if each.is_required}
    return FromAgent(handlers.source(), tests.source(), names_module(agent), first.tag, samples)
