"""Which webhooks the turns of a test case have called, as far as its recording tells. Nothing is called here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cxfulfill.agent.assets import TestCase, Turn
from cxfulfill.agent.chains import OVER, Chains, Key, Moment, Step
from cxfulfill.agent.conditions import holds
from cxfulfill.agent.deeds import Deed, handled, routes_of, unfilled
from cxfulfill.agent.flows import START_PAGE, Page
from cxfulfill.agent.model import Agent

_NO_MATCH: Final = ("sys.no-match", "sys.invalid-parameter", "sys.long-utterance")
_NO_INPUT: Final = ("sys.no-input",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A turn of a test case, and what was done in it.

    Attributes:
        number: Its number, from 1.
        turn: The turn.
        start: Where it began; None where that is not known.
        end: Where it ended; None where that is not known.
        before: The session parameters when the agent had understood the user, before any fulfillment.
        understood: Those of them that the user's words have set.
        steps: What was done, with and without a webhook; empty where that cannot be told.
        untold: Why it cannot be told; empty where it can.
    """

    number: int
    turn: Turn
    start: Key | None = None
    end: Key | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    understood: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    untold: str = ""

    @property
    def explained(self) -> frozenset[str]:
        """The parameters that something else than a webhook that answers here may have set."""
        own = (name for step in self.steps for name in (*step.presets, *step.taken, *step.fulfillment.presets))
        return frozenset((*self.understood, *own))


def walk(agent: Agent, case: TestCase) -> Iterator[Walked]:
    """Walk a test case.

    Args:
        agent: The agent.
        case: The test case.

    Yields:
        Its turns in order.
    """
    place: Key | None = (case.flow or agent.start_flow, case.page or START_PAGE)
    parameters: Mapping[str, Any] | None = {}
    for number, turn in enumerate(case.turns, 1):
        end = _end(turn)
        if turn.uses_webhook is False:
            yield Walked(number=number, turn=turn, start=place, end=end)
        else:
            yield _Walk(agent, number, turn, place, end).told(parameters)
        place, parameters = end, turn.parameters


def _end(turn: Turn) -> Key | None:
    if turn.page.upper().replace(" ", "_") == "END_SESSION":
        return OVER
    page = START_PAGE if turn.page == "START_PAGE" else turn.page
    return (turn.flow, page or START_PAGE) if turn.flow else None


class _Walk:
    def __init__(self, agent: Agent, number: int, turn: Turn, start: Key | None, end: Key | None) -> None:
        self._agent = agent
        self._turn = turn
        self._number = number
        self._start = start
        self._end = end

    def told(self, parameters: Mapping[str, Any] | None) -> Walked:
        """Walk the turn, from these parameters; None where they are not known."""
        why = self._missing(parameters)
        page = self._agent.page_of.get(self._start or OVER)
        if why or page is None or self._end is None or parameters is None or self._turn.parameters is None:
            return self._walked(untold=why)
        given = {**parameters, **self._turn.injected}
        given = {name: value for name, value in given.items() if value is not None}
        understood = self._understood(page, given, self._turn.parameters)
        known = {**given, **understood}
        first, asks = self._first(page, known, understood)
        chains = Chains(self._agent, Moment(page.key, self._end, known, self._turn.parameters, self._turn.intent))
        steps, untold = self._chosen(chains, chains.of(first, asks=asks))
        return self._walked(before=known, understood=understood, steps=steps, untold=untold)

    def _walked(self, **more: Any) -> Walked:
        return Walked(number=self._number, turn=self._turn, start=self._start, end=self._end, **more)

    def _missing(self, parameters: Mapping[str, Any] | None) -> str:
        turn = self._turn
        if self._start is None or parameters is None:
            return "the turn before it has no page, or no session parameters, in the recording"
        if self._end is None or turn.parameters is None:
            return "its page, or its session parameters, are not in the recording"
        if self._start == OVER:
            return "the session was over before it"
        for key in (self._start, self._end):
            if key != OVER and key not in self._agent.page_of:
                return f"the agent has no page {' > '.join(key)}"
        if turn.text is None and not (turn.event or turn.digits or turn.intent):
            return "the recording does not tell what the user did"
        return ""

    def _understood(self, page: Page, given: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """Tell what the user's words have set: parameters of the form and of the intent that are new."""
        if self._turn.event:
            return {}
        intent = self._agent.intent_of.get(self._turn.intent)
        names = {*(each.name for each in page.parameters), *(intent.parameters if intent else ())}
        new = (name for name in after if name in names and (name not in given or given[name] != after[name]))
        return {name: after[name] for name in new}

    def _first(
        self, page: Page, known: Mapping[str, Any], understood: Mapping[str, Any]
    ) -> tuple[list[Deed | None], bool]:
        """Tell what the input may have set off, and whether the form goes on behind it."""
        turn, flow = self._turn, self._agent.flow_of[page.flow]
        if turn.event:
            found = _first_level(handled(each for each in one.handlers if each.event == turn.event)
                                 for one in (page, flow.start))  # fmt: skip
            return [*found], True
        if turn.intent:
            return [*self._routes(page, known)], True
        if understood:
            return [None], True
        reasons = _NO_MATCH if turn.text or turn.digits else _NO_INPUT
        asked = unfilled(page, known)
        levels = [
            *(one.reprompts for one in page.parameters if one.name == asked), page.handlers, flow.start.handlers,
        ]  # fmt: skip
        found = _first_level(handled(each for each in level if each.event.startswith(reasons)) for level in levels)
        return [*found] or [None], False

    def _routes(self, page: Page, known: Mapping[str, Any]) -> Iterator[Deed]:
        """List the routes of the intent, up to the first whose condition holds."""
        start = self._agent.flow_of[page.flow].start
        scopes = (page,) if page.is_start else (page, start)
        is_filled = unfilled(page, known) is None
        for route in (each for scope in scopes for each in routes_of(self._agent, scope)):
            if route.intent != self._turn.intent:
                continue
            is_met = holds(route.condition, known, is_filled=is_filled)
            if is_met is not False:
                yield Deed.of(route)
            if is_met:
                return

    def _chosen(self, chains: Chains, found: list[tuple[Step, ...]]) -> tuple[tuple[Step, ...], str]:
        """Take the chain, where all that are possible make the same calls."""
        if chains.is_cut:
            return (), "more ways lead through it than can be tried"
        calls = {tuple((each.fulfillment.webhook, each.fulfillment.tag) for each in self._calls(one)) for one in found}
        if len(calls) > 1:
            told = sorted(" and ".join(tag for _, tag in each) or "no call" for each in calls)
            return (), f"several fulfillments may have run: {'; '.join(told)}"
        if found:
            return max(found, key=self._fit), ""
        if chains.in_playbook:
            return (), "it goes on in a playbook"
        start, end = (" > ".join(key or OVER) for key in (self._start, self._end))
        return (), f"no way of the agent leads from where it began, {start}, to where it ended, {end}"

    def _calls(self, steps: tuple[Step, ...]) -> Iterator[Step]:
        """List the steps that call a standard webhook; a flexible one is not called again."""
        known = self._agent.webhook_of
        for step in steps:
            webhook = known.get(step.fulfillment.webhook)
            if webhook is not None and not webhook.is_disabled and not webhook.is_flexible:
                yield step

    def _fit(self, steps: tuple[Step, ...]) -> tuple[int, int]:
        """Tell how much of the recorded parameters the agent's own doing explains: with presets, without calls."""
        after = self._turn.parameters or {}
        presets = {name: value for step in steps for name, value in step.presets.items()}
        right = sum(1 if after.get(name) == value else -1 for name, value in presets.items())
        return right, sum(len(step.taken) for step in steps)


def _first_level(levels: Iterator[list[Deed]]) -> list[Deed]:
    return next(filter(None, levels), [])
