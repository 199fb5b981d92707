"""The calls of a recorded turn, made again, and what of the recording they do not give."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cxfulfill.agent.assets import TestCase
from cxfulfill.agent.chains import OVER, Key, Step
from cxfulfill.agent.flows import START_PAGE, Page
from cxfulfill.agent.model import Agent
from cxfulfill.agent.walk import Walked, walk
from cxfulfill.cli.targets import Target
from cxfulfill.errors import CxFulfillError
from cxfulfill.simulator.changes import NOTHING, Change, Ignored, changes
from cxfulfill.simulator.pages import FormField, SessionPage
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.served import whose
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Input, Simulator
from cxfulfill.simulator.turns import Intent, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A turn, made again.

    Attributes:
        walked: The turn.
        tags: The tags that were called, in order.
        changes: What is different: recorded and now.
        failed: What went wrong with a call; empty for nothing.
        open: What the recording cannot tell of it; empty for nothing.
    """

    walked: Walked
    tags: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    failed: str = ""
    open: str = ""

    @property
    def is_different(self) -> bool:
        """Whether the application does something else now."""
        return bool(self.changes or self.failed)


class Replaying:
    """Makes the calls of test cases again.

    Args:
        agent: The agent.
        aim: What is called.
        ours: Names of the agent's webhooks that lead there.
    """

    def __init__(self, agent: Agent, aim: Target, ours: frozenset[str]) -> None:
        self._agent = agent
        self._aim = aim
        self._ours = ours

    def case(self, case: TestCase) -> Iterator[Again]:
        """Make the calls of a test case, in a session of its own.

        Args:
            case: The test case.

        Yields:
            What became of each turn.
        """
        session = Session(language=case.language or self._agent.language or "en", **whose(self._aim.webhook))
        for page in self._agent.pages():
            made = self._page(session, page)
            session.pages[made.name] = made
        self._aim.caller.credential = self._aim.credential(session.name)
        for walked in walk(self._agent, case):
            yield self._again(Simulator(session, self._aim.caller), walked)

    def _again(self, simulator: Simulator, walked: Walked) -> Again:
        if why := walked.untold or self._open(walked):
            return Again(walked=walked, open=why)
        if not any(map(self._kind, walked.steps)):
            return Again(walked=walked)
        try:
            _begin(simulator.session, self._agent, walked)
        except CxFulfillError as error:
            return Again(walked=walked, open=f"no request can be made of it: {error}")
        results: list[Result] = []
        found: list[Change] = []
        for step in walked.steps:
            if self._kind(step) != "standard":
                simulator.session.set({**step.presets, **step.taken})
                continue
            results.append(self._call(simulator, step))
            if not results[-1].ok:
                return _made(walked, results, found, failed=results[-1].verdict.sentence)
            found += self._page_changes(simulator.session, step, results[-1])
        now = simulator.session.state.parameters
        found = [*_parameter_changes(walked, results, now), *found, *_text_changes(walked, results)]
        return _made(walked, results, found)

    def _open(self, walked: Walked) -> str:
        """Tell why calls of a turn are not made, where there are any."""
        kinds = {*map(self._kind, walked.steps)} - {""}
        if "foreign" in kinds:
            return "a webhook of another application was called; its answer is not recorded"
        if kinds == {"flexible"}:
            return "a flexible webhook was called; its answer is not recorded"
        return "whether webhooks were on is not recorded" if kinds and walked.turn.uses_webhook is None else ""

    def _kind(self, step: Step) -> str:
        """Tell what a step calls: nothing, ``flexible``, ``standard``, or ``foreign``."""
        webhook = self._agent.webhook_of.get(step.fulfillment.webhook)
        if webhook is None or webhook.is_disabled:
            return ""
        if webhook.is_flexible:
            return "flexible"
        return "standard" if webhook.name in self._ours else "foreign"

    def _call(self, simulator: Simulator, step: Step) -> Result:
        session = simulator.session
        session.state = replace(session.state, ended=False)  # where an answer has ended it, unlike the recorded one
        page = session.pages[_full_name(session, self._agent, self._agent.page_of[step.page])]
        there = None if page.name == session.state.page.name else page
        return simulator.make(Input(tag=step.fulfillment.tag, parameters=step.presets, page=there))

    def _page_changes(self, session: Session, step: Step, result: Result) -> Iterator[Change]:
        """Compare where an answer has led; the next step brings the session to its own page in any case."""
        led = result.merged.transition
        if step.led_to is not None:
            if led != self._name(session, step.led_to):
                yield Change("page", " > ".join(step.led_to), self._shown(session, led) if led else NOTHING)
        elif led and led != self._name(session, step.agent_leads_to or step.page):
            yield Change("page", NOTHING, self._shown(session, led))

    def _name(self, session: Session, key: Key) -> str:
        return "" if key == OVER else _full_name(session, self._agent, self._agent.page_of[key])

    def _shown(self, session: Session, name: str) -> str:
        known = {_full_name(session, self._agent, page): page for page in self._agent.pages()}
        return " > ".join(known[name].key) if name in known else f"id {name.rpartition('/')[2]}"

    def _page(self, session: Session, page: Page) -> SessionPage:
        fields = tuple(FormField(each.name, required=each.is_required) for each in page.parameters)
        name = _full_name(session, self._agent, page)
        return SessionPage(name, page.name, fields if fields or page.is_start else None)


def _full_name(session: Session, agent: Agent, page: Page) -> str:
    flow = agent.flow_of[page.flow]
    return session.page_name(page.id or page.name, flow.id or flow.name)


def _begin(session: Session, agent: Agent, walked: Walked) -> None:
    """Bring a session to where a turn began, and begin it."""
    key = walked.start or ("", START_PAGE)
    page = session.pages[_full_name(session, agent, agent.page_of[key])]
    session.state = replace(session.state, parameters={}, ended=False)
    session.set({name: value for name, value in walked.before.items() if name not in walked.understood})
    session.goto(page)
    session.begin(_turn(agent, walked))
    form = {each.display_name for each in page.form or ()}
    session.set({name: value for name, value in walked.understood.items() if name not in form})
    session.collect({name: value for name, value in walked.understood.items() if name in form})


def _turn(agent: Agent, walked: Walked) -> Turn:
    turn = walked.turn
    found = agent.intent_of.get(turn.intent)
    intent = None
    if found is not None:
        values = {name: walked.before[name] for name in found.parameters if name in walked.before}
        intent = Intent(found.name, found.id, values)
    elif turn.intent:
        intent = Intent(turn.intent)
    if turn.event:
        return Turn("event", turn.event, intent)
    return Turn("dtmf", turn.digits, intent) if turn.digits else Turn("text", turn.text or "", intent)


def _made(walked: Walked, results: list[Result], found: list[Change], failed: str = "") -> Again:
    return Again(walked=walked, tags=tuple(each.tag for each in results), changes=tuple(found), failed=failed)


def _parameter_changes(walked: Walked, results: list[Result], now: Mapping[str, Any]) -> Iterator[Change]:
    """Compare parameters that a handler sets, and those that nothing else explains."""
    recorded = walked.turn.parameters or {}
    is_set = {change.name for each in results for change in each.merged.parameters}
    for name in sorted(is_set | ({*recorded, *walked.before} - walked.explained)):
        for change in _changes(recorded.get(name), now.get(name)):
            inner = change.place if change.place.startswith("[") else f".{change.place}"
            yield Change(f"parameter {name}{inner if change.place else ''}", change.before, change.after)


def _changes(before: Any, after: Any) -> list[Change]:
    """Compare values; null is as good as none."""
    if before is None or after is None:
        one, other = (NOTHING if value is None else value for value in (before, after))
        return [] if one is other else [Change("", one, other)]
    return changes(before, after, Ignored(()))


def _text_changes(walked: Walked, results: list[Result]) -> Iterator[Change]:
    """Compare texts; which variant CX has taken does not matter."""
    left = list(walked.turn.texts)
    if not left:
        return
    new: list[str] = []
    for message in (each for result in results for each in result.messages):
        variants = (message.get("text") or {}).get("text") or []
        said = next((each for each in variants if each in left), None)
        if said is not None:
            left.remove(said)
        else:
            new += variants[:1]
    # What the agent itself says is among the recorded texts, and not to be told from the rest.
    gone = [] if any(step.fulfillment.has_messages for step in walked.steps) else left
    for at in range(max(len(new), len(gone))):
        yield Change("text", *(each[at] if at < len(each) else NOTHING for each in (gone, new)))
