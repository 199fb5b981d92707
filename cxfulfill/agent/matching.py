"""Which handler a place of the agent reaches, as far as the export tells."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum

from cxfulfill.agent.calls import Call
from cxfulfill.agent.flows import Page
from cxfulfill.agent.model import Agent
from cxfulfill.narrowing import Narrowing
from cxfulfill.table import Entry, literal_length, matcher


class Fit(IntEnum):
    """Whether a handler takes a call."""

    NO = 0
    MAYBE = 1
    YES = 2


class Matching:
    """The handlers of an application, looked up for the places of an agent.

    Args:
        agent: The agent.
        entries: The handlers.
    """

    def __init__(self, agent: Agent, entries: Iterable[Entry]) -> None:
        self._agent = agent
        self._exact: dict[str, list[Entry]] = {}
        self._patterns: list[tuple[Callable[[str], bool], Entry]] = []
        for entry in sorted(entries, key=lambda each: each.rank, reverse=True):
            if entry.is_pattern:
                self._patterns.append((matcher(entry.tag), entry))
            else:
                self._exact.setdefault(entry.tag, []).append(entry)

    def by_tag(self, tag: str) -> Iterator[Entry]:
        """List the handlers of a tag, wherever it is called.

        Args:
            tag: The tag.

        Yields:
            The most specific ones first.
        """
        yield from self._exact.get(tag, ())
        yield from (entry for matches, entry in self._patterns if matches(tag))

    def of(self, call: Call) -> tuple[Entry, ...]:
        """List the handlers that a place may reach.

        Args:
            call: The place.

        Returns:
            The most specific ones first; none behind one that certainly takes the call.
        """
        found = []
        for entry in self.by_tag(call.tag):
            fit = self.fit(entry.narrowing, call)
            if fit:
                found.append(entry)
            if fit is Fit.YES:
                break
        return tuple(found)

    def fit(self, narrowing: Narrowing, call: Call) -> Fit:
        """Tell whether a narrowing takes the calls of a place.

        Args:
            narrowing: The narrowing.
            call: The place.

        Returns:
            Whether it does.
        """
        return min(
            self._fits_pages(narrowing, call),
            self._fits_intent(narrowing.intent, call),
            _fits_event(narrowing.event, call),
            Fit.MAYBE if narrowing.language else Fit.YES,
        )

    def _fits_pages(self, narrowing: Narrowing, call: Call) -> Fit:
        if not narrowing.page and not narrowing.flow:
            return Fit.YES
        fitting = sum(self._takes(narrowing, self._agent.page_of[key]) for key in call.pages)
        if not call.pages:
            return Fit.MAYBE  # a group that no page lists
        return Fit.YES if fitting == len(call.pages) else Fit.MAYBE if fitting else Fit.NO

    def _takes(self, narrowing: Narrowing, page: Page) -> bool:
        flow = self._agent.flow_of[page.flow]
        below = f"flows/{flow.id}/pages/{page.id}"
        return (not narrowing.page or is_named(narrowing.page, page.name, page.id, below)) and (
            not narrowing.flow or is_named(narrowing.flow, flow.id, f"flows/{flow.id}")
        )

    def _fits_intent(self, names: tuple[str, ...], call: Call) -> Fit:
        if not names:
            return Fit.YES
        intent = self._agent.intent_of.get(call.intent)
        if call.what != "route" or intent is None:
            return Fit.MAYBE
        return Fit.YES if is_named(names, intent.name, intent.id, f"intents/{intent.id}") else Fit.NO


def is_named(given: Iterable[str], *known: str) -> bool:
    """Tell whether one of several names means a thing of the agent.

    Args:
        given: Display names, ids or full names.
        known: The display name, the id, and how its full name ends.

    Returns:
        Whether one does.
    """
    return any(name in known or name.endswith(f"/{known[-1]}") for name in given)


def is_fallback(entry: Entry) -> bool:
    """Tell whether a handler takes what no other one takes."""
    return literal_length(entry.tag) == 0


def found_by_call(matching: Matching, calls: Iterable[Call]) -> Mapping[Call, tuple[Entry, ...]]:
    """Look up the handlers of many places.

    Args:
        matching: The handlers.
        calls: The places.

    Returns:
        The handlers that each may reach.
    """
    return {call: matching.of(call) for call in calls}


def _fits_event(names: tuple[str, ...], call: Call) -> Fit:
    if not names:
        return Fit.YES
    if call.what == "event":
        return Fit.YES if call.event in names else Fit.NO
    return Fit.NO if call.what == "route" and call.intent else Fit.MAYBE
