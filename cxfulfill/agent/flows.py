"""The flows of an exported agent: pages, routes, event handlers, forms, and what is done at each place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

START_PAGE: Final = "Start Page"
SYMBOLS: Final = frozenset(
    {
        "Start Page", "Current Page", "Previous Page", "End Flow", "End Session",
        "START_PAGE", "CURRENT_PAGE", "PREVIOUS_PAGE", "END_FLOW", "END_SESSION",
        "END_FLOW_WITH_CANCELLATION", "END_FLOW_WITH_FAILURE", "END_FLOW_WITH_HUMAN_ESCALATION",
    }
)  # fmt: skip
"""Target pages that are no page of the agent's author, in both spellings that exports have."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a route or an event handler leads; all empty where the conversation stays.

    Attributes:
        page: A page of the same flow, or one of `SYMBOLS`.
        flow: A flow.
        playbook: A playbook.
    """

    page: str = ""
    flow: str = ""
    playbook: str = ""

    def __bool__(self) -> bool:
        return bool(self.page or self.flow or self.playbook)

    def __str__(self) -> str:
        return self.page or self.flow or self.playbook


NOWHERE: Final = Destination()
"""The conversation stays on its page."""


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """What is done at a place.

    Attributes:
        webhook: The webhook that is called; empty for none.
        tag: The tag that it is called with.
        presets: Values that parameters are set to before; None removes one.
        generated: The parameters that generators write.
        has_messages: Whether the agent says something itself.
        is_partial: Whether that is said before the webhook has answered.
    """

    webhook: str = ""
    tag: str = ""
    presets: Mapping[str, Any] = field(default_factory=dict, hash=False)
    generated: tuple[str, ...] = ()
    has_messages: bool = False
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """A route.

    Attributes:
        intent: The intent that takes it; empty for none.
        condition: The condition; empty for none.
        fulfillment: What is done.
        target: Where it leads.
    """

    intent: str
    condition: str
    fulfillment: Fulfillment
    target: Destination

    @property
    def name(self) -> str:
        """How it is told from others: its intent, or its condition."""
        return self.intent or self.condition or "true"


@dataclass(frozen=True, slots=True)
class EventHandler:
    """An event handler.

    Attributes:
        event: The event.
        fulfillment: What is done.
        target: Where it leads.
    """

    event: str
    fulfillment: Fulfillment
    target: Destination


@dataclass(frozen=True, slots=True)
class FormParameter:
    """A parameter of a page's form.

    Attributes:
        name: Its name, which is that of the session parameter too.
        entity_type: Its entity type, such as ``@sys.date`` or ``@room-type``.
        is_list: Whether its value is a list.
        is_required: Whether the agent asks for it.
        has_default: Whether it has a default value.
        prompt: What is done when the agent asks for it.
        reprompts: What is done when it asks again.
    """

    name: str
    entity_type: str
    is_list: bool = False
    is_required: bool = False
    has_default: bool = False
    prompt: Fulfillment = Fulfillment()
    reprompts: tuple[EventHandler, ...] = ()


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """A group of routes that pages list.

    Attributes:
        name: Its name.
        flow: Its flow; empty for one of the agent.
        file: Its file, from the root of the export.
        transitions: Its routes.
    """

    name: str
    flow: str
    file: str
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or the start page of a flow, which has the flow's own routes and event handlers.

    Attributes:
        name: Its name; that of a start page is `START_PAGE`.
        flow: Its flow.
        id: Its id; ``START_PAGE`` for a start page.
        file: Its file, from the root of the export.
        entry: What is done on arrival.
        parameters: Its form.
        transitions: Its routes.
        handlers: Its event handlers.
        groups: The groups of its flow that it lists.
        agent_groups: The groups of the agent that it lists.
        knowledge: What is done with an answer from a data store.
        knowledge_target: Where that leads.
    """

    name: str
    flow: str
    id: str
    file: str
    entry: Fulfillment = Fulfillment()
    parameters: tuple[FormParameter, ...] = ()
    transitions: tuple[Transition, ...] = ()
    handlers: tuple[EventHandler, ...] = ()
    groups: tuple[str, ...] = ()
    agent_groups: tuple[str, ...] = ()
    knowledge: Fulfillment = Fulfillment()
    knowledge_target: Destination = Destination()

    @property
    def key(self) -> tuple[str, str]:
        """Flow and name: a page's name is unique in its flow only."""
        return self.flow, self.name

    @property
    def is_start(self) -> bool:
        """Whether it is the start page of its flow."""
        return self.id == "START_PAGE"


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow.

    Attributes:
        name: Its name.
        id: Its id.
        file: Its file, from the root of the export.
        start: Its start page.
        pages: Its other pages.
        groups: Its groups of routes.
    """

    name: str
    id: str
    file: str
    start: Page
    pages: tuple[Page, ...] = ()
    groups: tuple[RouteGroup, ...] = ()
