"""What a picture of an agent shows: its flows, their pages, and the tags that are called there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from cxfulfill.agent.calls import Call, calls_of
from cxfulfill.agent.flexible_rules import routes_of
from cxfulfill.agent.flows import START_PAGE, SYMBOLS, Destination, Page
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.matching import is_fallback
from cxfulfill.agent.model import Agent
from cxfulfill.agent.replies import Targets
from cxfulfill.webhook import Webhook

Key = tuple[str, str]


class State(Enum):
    """Whether a tag is handled; the value is its sign."""

    HANDLED = "✓"
    UNHANDLED = "✗"
    UNKNOWN = "•"

    @property
    def word(self) -> str:
        """The state in words."""
        return {"✓": "handled", "✗": "not handled"}.get(self.value, "not looked at")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag on a page.

    Attributes:
        text: The tag; of a flexible webhook, whose tags go nowhere, its name.
        state: Whether it is handled.
    """

    text: str
    state: State


@dataclass(frozen=True, slots=True)
class Box:
    """A page, or a group of routes that is a box of its own.

    Attributes:
        key: Flow and name.
        name: Its name.
        tags: The tags that are called there, each once.
    """

    key: Key
    name: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is shown.

    Attributes:
        name: The agent's name.
        flows: Boxes by flow, that of the beginning first; of the agent's own groups of routes under the empty name.
        ways: From box to box, each once.
        replies: The same, where a reply of the application leads.
    """

    name: str
    flows: Mapping[str, tuple[Box, ...]]
    ways: tuple[tuple[Key, Key], ...]
    replies: tuple[tuple[Key, Key], ...] = ()


def picture_of(agent: Agent, webhook: Webhook | None = None) -> Picture:
    """Tell what a picture of an agent shows.

    Args:
        agent: The agent.
        webhook: The application, to tell which tags are handled; None for an agent alone.

    Returns:
        The picture.
    """
    inspected = None if webhook is None else Inspected(agent, webhook)
    states = {} if inspected is None else _states(inspected)
    tags: dict[Key, dict[Tag, None]] = {}
    for call in calls_of(agent):
        key = (call.flow, f"group {call.group}" if call.group else call.page)
        tags.setdefault(key, {})[_tag(agent, call, states)] = None
    first = sorted(agent.flows, key=lambda flow: flow.name != agent.start_flow)
    flows: dict[str, list[Box]] = {flow.name: [] for flow in first}
    for page in agent.pages():
        flows[page.flow].append(Box(page.key, page.name, tuple(tags.pop(page.key, ()))))
    for (flow, name), found in tags.items():
        flows.setdefault(flow, []).append(Box((flow, name), name, tuple(found)))
    ways = dict.fromkeys(way for page in agent.pages() for way in _ways(agent, page))
    replies = dict.fromkeys(() if inspected is None else _replies(inspected))
    return Picture(
        agent.name,
        {name: tuple(boxes) for name, boxes in flows.items()},
        tuple(ways),
        tuple(way for way in replies if way not in ways),
    )


def _tag(agent: Agent, call: Call, states: Mapping[int, State]) -> Tag:
    webhook = agent.webhook_of.get(call.webhook)
    is_flexible = webhook is not None and webhook.is_flexible
    text = call.webhook if is_flexible or not call.tag else call.tag
    return Tag(text, states.get(id(call.fulfillment), State.UNKNOWN))


def _states(inspected: Inspected) -> Mapping[int, State]:
    """Tell by a fulfillment's ``id()`` whether its call is handled."""
    routes = {each.name: route is not None for each, route in routes_of(inspected)}
    handled = {id(call.fulfillment): routes[call.webhook] for call in inspected.calls if call.webhook in routes}
    for call, entries in inspected.handlers.items():
        handled[id(call.fulfillment)] = any(not is_fallback(each) for each in entries)
    return {key: State.HANDLED if is_handled else State.UNHANDLED for key, is_handled in handled.items()}


def _replies(inspected: Inspected) -> Iterator[tuple[Key, Key]]:
    targets = Targets(inspected.agent)
    for call, entries in inspected.handlers.items():
        if call.page:
            key = (call.flow, call.page)
            yield from ((key, each) for each in targets.of(entries, call.flow) if each != key)


def _ways(agent: Agent, page: Page) -> Iterator[tuple[Key, Key]]:
    listed = (route for group in agent.listed(page) for route in group.transitions)
    reprompts = (each for parameter in page.parameters for each in parameter.reprompts)
    targets = [each.target for each in (*page.transitions, *listed)]
    targets += [each.target for each in (*page.handlers, *reprompts)]
    targets.append(page.knowledge_target)
    for target in targets:
        key = _key(page.flow, target)
        if key in agent.page_of and key != page.key:
            yield page.key, key


def _key(flow: str, target: Destination) -> Key:
    if target.flow:
        return target.flow, START_PAGE
    return flow, "" if target.page in SYMBOLS else target.page
