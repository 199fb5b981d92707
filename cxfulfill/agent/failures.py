"""Rules on what becomes of a failed call, and on time."""

from collections.abc import Iterator
from typing import Final

from cxfulfill.agent.calls import Call
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.flows import Page
from cxfulfill.agent.inspected import Inspected

_ERROR: Final = "webhook.error"
_SLOW: Final = 5.0
"""Seconds; CX's default timeout, above which work counts as slow."""


def check_failures(inspected: Inspected) -> Iterator[Finding]:
    """Check what becomes of failed and of slow calls.

    Args:
        inspected: What is checked.

    Yields:
        CX501 to CX505.
    """
    for call in inspected.calls:
        if call.target:
            problem = f"It leads to {str(call.target)!r}, whatever becomes of the call."
            yield Finding("CX501", call.place, call.tag, problem, call.file)
        if call.event == _ERROR or call.event.startswith(f"{_ERROR}."):
            yield Finding("CX503", call.place, call.tag, f"A handler of {call.event} calls a webhook.", call.file)
    yield from _uncovered(inspected)
    for call in inspected.standard_calls:
        yield from _slow(inspected, call)
    yield from _timeouts(inspected)


def _uncovered(inspected: Inspected) -> Iterator[Finding]:
    agent = inspected.agent
    told: set[tuple[str, str]] = set()
    for call in inspected.calls:
        # A call that may be made on any page of a flow is told once, as the flow's.
        pages = call.pages if call.group else ((call.flow, call.page),)
        for key in pages:
            page = agent.page_of[key]
            if key not in told and not (_catches(page) or _catches(agent.flow_of[page.flow].start)):
                told.add(key)
                problem = "Neither the page nor its flow has an event handler for webhook.error."
                yield Finding("CX502", f"{page.flow} > {page.name}", "", problem, page.file)


def _catches(page: Page) -> bool:
    return any(handler.event == _ERROR for handler in page.handlers)


def _slow(inspected: Inspected, call: Call) -> Iterator[Finding]:
    if call.fulfillment.is_partial and call.fulfillment.has_messages:
        return
    for entry in inspected.handlers[call]:
        target = inspected.targets[id(entry)]
        if entry.deferral is not None or target.timeout > _SLOW:
            how = "is deferred" if entry.deferral is not None else f"may take {target.timeout:g} seconds"
            missing = "message" if call.fulfillment.is_partial else "partial response"
            problem = f"The handler of {call.tag!r} {how}, and there is no {missing}."
            yield Finding("CX504", call.place, call.tag, problem, call.file)
            return


def _timeouts(inspected: Inspected) -> Iterator[Finding]:
    known = inspected.agent.webhook_of
    told: set[tuple[str, str]] = set()
    for call, entries in inspected.handlers.items():
        webhook = known[call.webhook]
        for entry in entries:
            timeout = inspected.targets[id(entry)].timeout
            if timeout >= webhook.timeout and (webhook.name, entry.tag) not in told:
                told.add((webhook.name, entry.tag))
                limits = f"CX waits {webhook.timeout:g} seconds, the handler of {entry.tag!r} takes up to {timeout:g}"
                yield Finding("CX505", f"webhook {webhook.name}", entry.tag, f"{limits}.", webhook.file)
