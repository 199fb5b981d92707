"""Which parameters may be set where: what the ways through an agent set, up to each of its pages.

Sets of what sets a parameter are bits of integers, so that thousands of pages take no time. A parameter that was set
stays set: what removes one is not looked at.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cxfulfill.agent.flows import START_PAGE, Destination, Fulfillment, Page, Transition
from cxfulfill.agent.model import Agent
from cxfulfill.agent.types import Given, preset

Key = tuple[str, str]
Answers = Callable[[Fulfillment, Page], tuple[Iterable[Given], bool, Iterable[Key]]]
"""What the webhook of a fulfillment sets, whether it may set anything, and the pages that it may lead to."""

ANYTHING: Final = 1
"""The bit for a webhook or playbook that may have set any parameter."""
_STAY: Final = frozenset({"", "Current Page", "CURRENT_PAGE"})
_START: Final = frozenset({"Start Page", "START_PAGE"})
_BACK: Final = frozenset({"Previous Page", "PREVIOUS_PAGE"})
_END: Final = "END_FLOW"
_PAGES: Final = "\0"
"""Names the node that leads to all pages of a flow: to each from each would be the square of them."""


@dataclass(slots=True)
class _Node:
    """A page, or what stands for all pages of a flow, or for the end of one.

    Attributes:
        arrival: What may be set on arrival.
        entry: What its entry sets.
        gained: What may be set while the conversation stays.
        ways: The nodes that it leads to, with what is set on the way.
        is_reached: Whether a way leads to it.
        leads_back: Whether it leads to the page that the conversation came from.
    """

    arrival: int = 0
    entry: int = 0
    gained: int = 0
    ways: list[tuple[Key, int]] = field(default_factory=list)
    is_reached: bool = False
    leads_back: bool = False

    @property
    def inside(self) -> int:
        """What may be set while the conversation is there."""
        return self.arrival | self.entry | self.gained


class Ways:
    """The ways through an agent.

    Args:
        agent: The agent.
        answers: What webhooks do.
        wanted: The parameters that are looked at.
    """

    def __init__(self, agent: Agent, answers: Answers, wanted: Iterable[str]) -> None:
        self._agent = agent
        self._answers = answers
        self._bits: dict[Given, int] = {}
        self._makers: dict[Given, set[Key]] = {}
        self._drawn: Key | None = None
        self._wanted = frozenset(wanted)
        self._nodes = {page.key: _Node() for page in agent.pages()}
        for flow in agent.flows:
            self._nodes[flow.name, ""] = _Node()
            self._nodes[flow.name, _END] = _Node()
        for page in agent.pages():
            self._draw(page)
        self._lead_back()
        self._walk()
        self._drawn = None  # who asks makes nothing

    def given(
        self, keys: Iterable[Key], fulfillment: Fulfillment, *, on_arrival: bool, intent: str = ""
    ) -> set[Given] | None:
        """Tell what may have set parameters when a webhook is called.

        Args:
            keys: The pages that it may be called on.
            fulfillment: The fulfillment, whose presets count.
            on_arrival: Whether that is on arrival, before the page's form and routes.
            intent: The intent of the route.

        Returns:
            All that may have; None where anything may be set, or no way leads there.
        """
        reached = [node for node in map(self._nodes.__getitem__, keys) if node.is_reached]
        presets = self._presets(fulfillment)
        bits = presets | self._intent(intent)
        for node in reached:
            bits |= node.arrival if on_arrival else node.inside
        if bits & ANYTHING or not reached:
            return None
        # What only the page itself sets is not there when it is come to for the first time.
        own = set(keys) if on_arrival else set[Key]()
        return {
            given
            for given, bit in self._bits.items()
            if bits & bit and (presets & bit or not self._makers[given] <= own)
        }

    def _bit(self, given: Given) -> int:
        if given.name not in self._wanted:
            return 0
        makers = self._makers.setdefault(given, set())
        if self._drawn is not None:
            makers.add(self._drawn)
        return self._bits.setdefault(given, 2 << len(self._bits))

    def _all(self, given: Iterable[Given]) -> int:
        bits = 0
        for each in given:
            bits |= self._bit(each)
        return bits

    def _presets(self, fulfillment: Fulfillment) -> int:
        presets = (preset(name, value) for name, value in fulfillment.presets.items() if value is not None)
        return self._all((*presets, *map(Given, fulfillment.generated)))

    def _intent(self, name: str) -> int:
        intent = self._agent.intent_of.get(name)
        if intent is None:
            return 0
        return self._all(Given(each, kind, each in intent.lists) for each, kind in intent.parameters.items())

    def _effect(self, page: Page, fulfillment: Fulfillment) -> tuple[int, Iterable[Key]]:
        bits = self._presets(fulfillment)
        if not fulfillment.webhook:
            return bits, ()
        given, is_open, pages = self._answers(fulfillment, page)
        return bits | self._all(given) | (ANYTHING if is_open else 0), pages

    def _draw(self, page: Page) -> None:
        self._drawn = page.key
        node = self._nodes[page.key]
        node.entry, pages = self._effect(page, page.entry)
        node.ways += [(key, node.entry) for key in pages]
        for parameter in page.parameters:
            node.gained |= self._bit(Given(parameter.name, parameter.entity_type, parameter.is_list))
            self._step(page, node, parameter.prompt, Destination())
        for fulfillment, target in _handled(page):
            # What a flow handles, it handles on all of its pages.
            self._step(page, self._nodes[page.flow, ""] if page.is_start else node, fulfillment, target)
        self._step(page, node, page.knowledge, page.knowledge_target)
        for route in (*page.transitions, *(each for group in self._agent.listed(page) for each in group.transitions)):
            self._route(page, node, route)
        node.ways.append(((page.flow, ""), 0))

    def _route(self, page: Page, node: _Node, route: Transition) -> None:
        of_flow = page.is_start and bool(route.intent)
        where = self._nodes[page.flow, ""] if of_flow else node
        self._step(page, where, route.fulfillment, route.target, self._intent(route.intent))

    def _step(self, page: Page, node: _Node, fulfillment: Fulfillment, target: Destination, bits: int = 0) -> None:
        gained, pages = self._effect(page, fulfillment)
        gained |= bits
        node.ways += [(key, gained) for key in pages]
        node.leads_back = node.leads_back or target.page in _BACK
        key = self._key(page.flow, target)
        if key is None:
            node.gained |= gained
        else:
            node.ways.append((key, gained))

    def _key(self, flow: str, target: Destination) -> Key | None:
        """Find where a target leads; None for nowhere else, or for where nobody knows."""
        if target.flow:
            return (target.flow, START_PAGE) if target.flow in self._agent.flow_of else None
        if target.page in _START:
            return flow, START_PAGE
        if target.page == "End Flow" or target.page.startswith(_END):
            return flow, _END
        key = flow, target.page
        return None if target.page in _STAY or target.page in _BACK or key not in self._nodes else key

    def _lead_back(self) -> None:
        """Let flows end where they were begun, and what is set on a flow's behalf count on all of its pages."""
        back: set[tuple[Key, Key]] = set()
        for key, node in self._nodes.items():
            for to, _ in node.ways:
                came_from = key if key[1] else (key[0], _PAGES)
                if to[1] == START_PAGE and to[0] != key[0]:
                    back.add(((to[0], _END), came_from))
                if self._nodes[to].leads_back:
                    back.add((to, came_from))
        for flow in self._agent.flows:
            self._nodes[flow.name, _PAGES] = _Node(ways=[(page.key, 0) for page in (flow.start, *flow.pages)])
        for key, came_from in sorted(back):
            self._nodes[key].ways.append((came_from, 0))
        for each in self._agent.pages():
            self._nodes[each.key].gained |= self._nodes[each.flow, ""].gained

    def _walk(self) -> None:
        pending = list(self._begin())
        while pending:
            node = self._nodes[pending.pop()]
            for key, gained in node.ways:
                other = self._nodes[key]
                if not other.is_reached or (node.inside | gained) & ~other.arrival:
                    other.arrival |= node.inside | gained
                    other.is_reached = True
                    pending.append(key)

    def _begin(self) -> Iterator[Key]:
        """Begin where conversations do: in the first flow, and where a playbook may lead."""
        injected = {name for case in self._agent.test_cases for turn in case.turns for name in turn.injected}
        self._drawn = ("", "")  # from outside
        bits = self._all(map(Given, sorted(injected)))
        by_playbook = bool(self._agent.playbooks)
        for flow in self._agent.flows:
            if by_playbook or flow.name == self._agent.start_flow:
                node = self._nodes[flow.start.key]
                node.arrival, node.is_reached = bits | (ANYTHING if by_playbook else 0), True
                yield flow.start.key


def _handled(page: Page) -> Iterator[tuple[Fulfillment, Destination]]:
    for handler in page.handlers:
        yield handler.fulfillment, handler.target
    for parameter in page.parameters:
        for handler in parameter.reprompts:
            yield handler.fulfillment, handler.target
