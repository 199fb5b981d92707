"""Rules on tags and handlers."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cxfulfill.agent.calls import Call
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.matching import is_fallback, is_named
from cxfulfill.agent.sources import file_and_line
from cxfulfill.registration import Registration
from cxfulfill.table import Entry

_LOOSE: Final = re.compile(r"[\W_]+")


def check_tags(inspected: Inspected) -> Iterator[Finding]:
    """Check that calls reach handlers, and that handlers are called.

    Args:
        inspected: What is checked.

    Yields:
        CX201 to CX206.
    """
    meant = _spellings(inspected)
    for call, entries in inspected.handlers.items():
        yield from _call(inspected, call, entries, meant)
    yield from _idle(inspected)
    for entry in inspected.entries:
        yield from _narrowing(inspected, entry)


def of_handler(code: str, registration: Registration, about: str, problem: str) -> Finding:
    """Make a finding about a handler.

    Args:
        code: The rule's code.
        registration: The handler.
        about: See `Finding`.
        problem: See `Finding`.

    Returns:
        The finding.
    """
    function = registration.options.function.call
    file, line = file_and_line(function)
    name = getattr(function, "__qualname__", type(function).__name__)
    return Finding(code, f"handler {name}", about, problem, file, line, is_in_app=True)


def _spellings(inspected: Inspected) -> Mapping[str, str]:
    """Give for each tag without a handler of its own the spelling that is likely meant."""
    counts = Counter(call.tag for call in inspected.standard_calls)
    handled = {entry.tag for entry in inspected.entries if not entry.is_pattern}
    alike: dict[str, list[str]] = {}
    for tag in sorted({*counts, *handled}, key=lambda tag: (tag not in handled, -counts[tag], tag)):
        alike.setdefault(_LOOSE.sub("", tag.casefold()) or tag, []).append(tag)
    return {tag: first for first, *others in alike.values() for tag in others if tag not in handled}


def _call(inspected: Inspected, call: Call, entries: tuple[Entry, ...], meant: Mapping[str, str]) -> Iterator[Finding]:
    if any(not is_fallback(entry) for entry in entries):
        return
    known = [entry for entry in inspected.matching.by_tag(call.tag) if not is_fallback(entry)]
    if call.tag in meant:
        code, problem = "CX204", f"The tag is {call.tag!r} here, and {meant[call.tag]!r} elsewhere."
    elif known:
        code, problem = "CX205", f"No handler of the tag {call.tag!r} takes a call from here: see {known[0].place}."
    elif entries:
        code, problem = "CX202", f"The tag {call.tag!r} has no handler but the fallback."
    else:
        code, problem = "CX201", f"The tag {call.tag!r} has no handler."
    yield Finding(code, call.place, call.tag, problem, call.file)


def _idle(inspected: Inspected) -> Iterator[Finding]:
    reached = {id(entry) for entries in inspected.handlers.values() for entry in entries} | inspected.reached_otherwise
    # Places that other agents or other webhooks call are not known here; a wrong tag is told at its place.
    for entry in inspected.entries:
        if id(entry) not in reached and not is_fallback(entry):
            yield of_handler("CX203", entry, entry.tag, _why_idle(inspected, entry))


def _why_idle(inspected: Inspected, entry: Entry) -> str:
    """Tell why nothing calls a handler: only a tag of another webhook may be called as it is."""
    others = {each.webhook for each in inspected.calls if each.tag == entry.tag} & inspected.agent.webhook_of.keys()
    if others and not others & inspected.ours:
        names = " and ".join(map(repr, sorted(others)))
        return f"The agent calls {entry.tag!r} by {names} alone, which does not lead to the application."
    return f"No place of the agent calls {entry.tag!r} so that it is meant."


def _narrowing(inspected: Inspected, entry: Entry) -> Iterator[Finding]:
    agent, narrowing = inspected.agent, entry.narrowing
    pages = [(page.name, page.id, f"flows/{agent.flow_of[page.flow].id}/pages/{page.id}") for page in agent.pages()]
    flows = [(flow.id, f"flows/{flow.id}") for flow in agent.flows]
    intents = [(intent.name, intent.id, f"intents/{intent.id}") for intent in agent.intents]
    events = [(handler.event,) for page in agent.pages() for handler in page.handlers]
    known: dict[str, Sequence[tuple[str, ...]]] = {"page": pages, "flow": flows, "intent": intents, "event": events}
    for kind, things in known.items():
        for name in getattr(narrowing, kind):
            if not any(is_named((name,), *thing) for thing in things):
                what = "no event handler for" if kind == "event" else f"no {kind}"
                yield of_handler(
                    "CX206", entry, f"{kind} {name}", f"The agent has {what} {name!r}, which {kind}= names."
                )
