"""An exported agent, as far as a webhook has to do with it. Everything goes by display names, as in the export."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cxfulfill.agent.assets import EntityType, Intent, TestCase, WebhookResource
from cxfulfill.agent.flows import Flow, Page, RouteGroup


@dataclass(frozen=True)
class Agent:
    """An exported agent.

    Attributes:
        source: The zip or folder that was read.
        root: Where ``agent.json`` is in it; empty for its top.
        name: The agent's name; that of the source where the export has none.
        language: Its default language.
        start_flow: The flow that a conversation begins in; empty where it begins in a playbook.
        flows: Its flows.
        groups: Its groups of routes, for all flows.
        webhooks: Its webhooks.
        entity_types: Its entity types.
        intents: Its intents.
        test_cases: Its test cases.
        playbooks: Names of its playbooks.
        tools: The OpenAPI documents of its tools, in YAML, as they are.
    """

    source: Path
    root: str
    name: str
    language: str
    start_flow: str
    flows: tuple[Flow, ...]
    groups: tuple[RouteGroup, ...]
    webhooks: tuple[WebhookResource, ...]
    entity_types: tuple[EntityType, ...]
    intents: tuple[Intent, ...]
    test_cases: tuple[TestCase, ...]
    playbooks: tuple[str, ...]
    tools: tuple[str, ...] = field(repr=False)

    def pages(self) -> Iterator[Page]:
        """List the pages of all flows.

        Yields:
            Of each flow its start page first.
        """
        for flow in self.flows:
            yield flow.start
            yield from flow.pages

    @cached_property
    def flow_of(self) -> Mapping[str, Flow]:
        """The flows by name."""
        return {flow.name: flow for flow in self.flows}

    @cached_property
    def page_of(self) -> Mapping[tuple[str, str], Page]:
        """The pages by flow and name."""
        return {page.key: page for page in self.pages()}

    @cached_property
    def group_of(self) -> Mapping[tuple[str, str], RouteGroup]:
        """The groups of routes by flow and name; the flow is empty for those of the agent."""
        own = [group for flow in self.flows for group in flow.groups]
        return {(group.flow, group.name): group for group in (*self.groups, *own)}

    @cached_property
    def webhook_of(self) -> Mapping[str, WebhookResource]:
        """The webhooks by name."""
        return {webhook.name: webhook for webhook in self.webhooks}

    @cached_property
    def intent_of(self) -> Mapping[str, Intent]:
        """The intents by name."""
        return {intent.name: intent for intent in self.intents}

    def listed(self, page: Page) -> tuple[RouteGroup, ...]:
        """Give the groups of routes that a page lists.

        Args:
            page: The page.

        Returns:
            Those that there are.
        """
        names = [*((page.flow, name) for name in page.groups), *(("", name) for name in page.agent_groups)]
        return tuple(self.group_of[name] for name in names if name in self.group_of)
