"""What an agent may have done in a turn: every chain of fulfillments that leads from where it began to where it ended.

A route whose condition the recording does not decide may have been taken or not; both are followed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from cxfulfill.agent.conditions import holds
from cxfulfill.agent.deeds import Deed, routes_of, unfilled
from cxfulfill.agent.flows import START_PAGE, Fulfillment, Page, Transition
from cxfulfill.agent.model import Agent

Key = tuple[str, str]
"""Flow and page."""

OVER: Final[Key] = ("", "End Session")
"""Where a conversation is that has ended."""
_LONGEST: Final = 12
"""Fulfillments in one turn."""
_MOST: Final = 5000
"""Steps that are tried for a turn."""
_REFERENCE: Final = re.compile(r"\$session\.params\.([\w-]+)")
_NOTHING: Final = Fulfillment()


@dataclass(frozen=True, slots=True)
class Step:
    """A fulfillment that is done.

    Attributes:
        place: Where it is: ``flow > page > route``.
        page: The page that the conversation is on.
        fulfillment: What is done.
        presets: What it sets before a call, as far as it can be told; None removes a parameter.
        taken: What generators or a flexible webhook have set, by the recording.
        led_to: Where a webhook's answer has led, by the recording; None for nowhere.
        agent_leads_to: Where the agent leads then; None where it stays, or the recording alone tells.
    """

    place: str
    page: Key
    fulfillment: Fulfillment
    presets: Mapping[str, Any] = field(hash=False)
    taken: Mapping[str, Any] = field(hash=False)
    led_to: Key | None = None
    agent_leads_to: Key | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A turn, between two recorded states.

    Attributes:
        start: Where it began.
        end: Where it ended.
        known: The session parameters when the agent has understood the user.
        after: The session parameters at the end.
        intent: The intent that the user's words have matched; empty for none.
    """

    start: Key
    end: Key
    known: Mapping[str, Any]
    after: Mapping[str, Any]
    intent: str = ""


@dataclass(frozen=True, slots=True)
class _Path:
    steps: tuple[Step, ...]
    known: Mapping[str, Any]
    is_open: bool = False  # whether a webhook or generator may have changed what is known


_Next = Callable[[_Path, Key], Iterator[tuple[Step, ...]]]


class Chains:
    """The chains of a turn.

    Args:
        agent: The agent.
        moment: The turn.

    Attributes:
        is_cut: Whether there were too many to try all.
        in_playbook: Whether one leads to a playbook, and could not be followed.
    """

    def __init__(self, agent: Agent, moment: Moment) -> None:
        self._agent = agent
        self._moment = moment
        self._tried = 0
        self.is_cut = False
        self.in_playbook = False

    def of(self, first: Iterable[Deed | None], *, asks: bool) -> list[tuple[Step, ...]]:
        """List them.

        Args:
            first: What the user's input may have set off; None for values of a form, and no fulfillment.
            asks: Whether the agent asks for the form's next parameter then.

        Returns:
            The steps of each chain that ends where the turn did; only of those in which the fewest answers of webhooks
            have led to another page, since that alone lets any page be reached from any other.
        """
        begun = _Path((), self._moment.known)
        after = self._settle if asks else self._ended
        found: list[tuple[Step, ...]] = []
        for deed in first:
            start = self._moment.start
            found += after(begun, start) if deed is None else self._do(begun, start, deed, after)
        led = [sum(step.led_to is not None for step in each) for each in found]
        return [each for each, count in zip(found, led, strict=True) if count == min(led)]

    def _do(self, path: _Path, key: Key, deed: Deed, then: _Next) -> Iterator[tuple[Step, ...]]:
        self._tried += 1
        step = self._step(path, key, deed)
        if any((each.place, each.fulfillment) == (step.place, step.fulfillment) for each in path.steps):
            return  # nothing is done twice in a turn
        if len(path.steps) >= _LONGEST or self._tried > _MOST:
            self.is_cut = True
            return
        for target, arrives in self._targets(key, deed):
            if target is None:
                yield from then(_after(path, step), key)
            else:
                path_then = _after(path, replace(step, agent_leads_to=target))
                yield from self._arrive(path_then, target) if arrives else self._settle(path_then, target)
                if target[0] != key[0] and deed.target.flow:
                    yield from self._carried(path_then, target)
        if self._may_lead(deed.fulfillment):
            for target in self._answered(key, deed):
                yield from self._arrive(_after(path, replace(step, led_to=target)), target)

    def _targets(self, key: Key, deed: Deed) -> Iterator[tuple[Key | None, bool]]:
        """Tell where the agent may go, and whether that is an arrival; None where it stays."""
        target, flow = deed.target, key[0]
        if target.playbook:
            self.in_playbook = True
        elif target.flow:
            yield (target.flow, START_PAGE), True
        elif (flow, target.page) in self._agent.page_of:
            yield (flow, target.page), True
        else:
            yield from self._symbol(key, target.page.upper().replace(" ", "_"))

    def _symbol(self, key: Key, name: str) -> Iterator[tuple[Key | None, bool]]:
        if name == "":
            yield None, False
        elif name == "CURRENT_PAGE":  # whether its entry is done again is documented nowhere
            yield from ((None, False), (key, True))
        elif name == "START_PAGE":
            yield (key[0], START_PAGE), True
        elif name == "END_SESSION":
            yield OVER, True
        elif name == "PREVIOUS_PAGE" or name.startswith("END_FLOW"):
            # Who had begun the flow, and what was before, is not kept: the recording tells where that was.
            yield self._moment.end, False

    def _may_lead(self, fulfillment: Fulfillment) -> bool:
        webhook = self._agent.webhook_of.get(fulfillment.webhook)
        return webhook is not None and not webhook.is_flexible and not webhook.is_disabled

    def _answered(self, key: Key, deed: Deed) -> Iterator[Key]:
        """Tell where a webhook's answer may have led: to the end, or to the start of its flow."""
        end = self._moment.end
        own = {target for target, _ in self._targets(key, deed)}
        for target in dict.fromkeys((end, (end[0], START_PAGE))):
            if target in self._agent.page_of and target not in own and target != key:
                yield target

    def _arrive(self, path: _Path, key: Key) -> Iterator[tuple[Step, ...]]:
        page = self._agent.page_of.get(key)
        if page is None or page.entry == _NOTHING:
            yield from self._settle(path, key)
        else:
            yield from self._do(path, key, Deed("entry", page.entry), self._settle)

    def _carried(self, path: _Path, key: Key) -> Iterator[tuple[Step, ...]]:
        """Take the routes of the intent in the flow that it has led to: CX may carry it over."""
        for route in self._routes(key, self._moment.intent) if self._moment.intent else ():
            if self._holds(path, self._agent.page_of[key], route.condition) is not False:
                yield from self._do(path, key, Deed.of(route), self._settle)

    def _settle(self, path: _Path, key: Key, skipped: int = 0) -> Iterator[tuple[Step, ...]]:
        """Take the page's routes that have no intent, in order."""
        page = self._agent.page_of.get(key)
        for at, route in enumerate(self._routes(key)[skipped:], skipped + 1):
            is_met = self._holds(path, page, route.condition) if page is not None else False
            if is_met is not False:
                yield from self._do(path, key, Deed.of(route), partial(self._settle, skipped=at))
            if is_met:
                return
        yield from self._ask(path, key)

    def _routes(self, key: Key, intent: str = "") -> list[Transition]:
        page = self._agent.page_of.get(key)
        return [] if page is None else [each for each in routes_of(self._agent, page) if each.intent == intent]

    def _ask(self, path: _Path, key: Key) -> Iterator[tuple[Step, ...]]:
        page = self._agent.page_of.get(key)
        missing = None if page is None else unfilled(page, self._moment.after)
        prompt = _NOTHING
        if page is not None and missing is not None:
            prompt = next(each.prompt for each in page.parameters if each.name == missing)
        if prompt == _NOTHING:
            yield from self._ended(path, key)
        else:
            yield from self._do(path, key, Deed(f"initial prompt {missing}", prompt), self._ended)

    def _ended(self, path: _Path, key: Key) -> Iterator[tuple[Step, ...]]:
        if key == self._moment.end:
            yield path.steps

    def _holds(self, path: _Path, page: Page, condition: str) -> bool | None:
        versions = (path.known, self._moment.after) if path.is_open else (path.known,)
        told = {holds(condition, each, is_filled=unfilled(page, each) is None) for each in versions}
        return told.pop() if len(told) == 1 else None

    def _step(self, path: _Path, key: Key, deed: Deed) -> Step:
        fulfillment, after = deed.fulfillment, self._moment.after
        webhook = self._agent.webhook_of.get(fulfillment.webhook)
        names = [*fulfillment.generated, *(webhook.mapping if webhook is not None and webhook.is_flexible else ())]
        presets: dict[str, Any] = {}
        for name, value in fulfillment.presets.items():
            given = _value(value, {**path.known, **presets})
            if given is not ...:
                presets[name] = given
            elif name in after:
                presets[name] = after[name]
        taken = {name: after[name] for name in names if name in after}
        return Step(" > ".join((*key, deed.name)), key, fulfillment, presets, taken)


def _after(path: _Path, step: Step) -> _Path:
    changed = {**path.known, **step.presets}
    known = {name: value for name, value in changed.items() if value is not None}
    is_open = path.is_open or bool(step.fulfillment.webhook or step.fulfillment.generated)
    return _Path((*path.steps, step), known, is_open)


def _value(value: Any, known: Mapping[str, Any]) -> Any:
    """Work out a preset; ... where it is an expression that cannot be."""
    if not isinstance(value, str):
        return ... if "$" in str(value) else value
    if found := _REFERENCE.fullmatch(value):
        return known.get(found[1])
    return ... if "$" in value else value
