"""Rules on names in the agent that lead nowhere, and on what nothing leads to."""

from collections.abc import Iterator

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.flows import SYMBOLS, Destination, Page, RouteGroup, Transition
from cxfulfill.agent.inspected import Inspected


def check_names(inspected: Inspected) -> Iterator[Finding]:
    """Check the names that flows, pages and groups of routes hold.

    Args:
        inspected: What is checked.

    Yields:
        CX101 to CX108.
    """
    yield from _webhooks(inspected)
    for page in inspected.agent.pages():
        yield from _page(inspected, page)
    for group in inspected.agent.group_of.values():
        yield from _routes(inspected, group.transitions, group)
    yield from _entity_types(inspected)


def _webhooks(inspected: Inspected) -> Iterator[Finding]:
    known = inspected.agent.webhook_of
    used = set()
    for call in inspected.calls:
        used.add(call.webhook)
        if call.webhook not in known:
            problem = f"The agent has no webhook {call.webhook!r}."
            yield Finding("CX101", call.place, call.webhook, problem, call.file)
        elif not call.tag and not known[call.webhook].is_flexible:
            problem = f"The webhook {call.webhook!r} is called without a tag."
            yield Finding("CX107", call.place, call.webhook, problem, call.file)
    for webhook in inspected.agent.webhooks:
        if webhook.name not in used:
            yield Finding("CX108", f"webhook {webhook.name}", "", "No place of the agent calls it.", webhook.file)


def _page(inspected: Inspected, page: Page) -> Iterator[Finding]:
    place = f"{page.flow} > {page.name}"
    yield from _routes(inspected, page.transitions, page)
    handlers = [*page.handlers, *(each for parameter in page.parameters for each in parameter.reprompts)]
    for handler in handlers:
        where = f"{place} > event {handler.event}"
        yield from _destination(inspected, handler.target, page.flow, where, page.file)
    yield from _destination(inspected, page.knowledge_target, page.flow, f"{place} > knowledge", page.file)
    groups = inspected.agent.group_of
    listed = [*((page.flow, name) for name in page.groups), *(("", name) for name in page.agent_groups)]
    for flow, name in listed:
        if (flow, name) not in groups:
            whose = "flow" if flow else "agent"
            yield Finding("CX106", place, name, f"The {whose} has no group of routes {name!r}.", page.file)


def _routes(inspected: Inspected, transitions: tuple[Transition, ...], where: Page | RouteGroup) -> Iterator[Finding]:
    name = where.name if isinstance(where, Page) else f"group {where.name}"
    for route in transitions:
        place = " > ".join(part for part in (where.flow, name, f"route {route.name}") if part)
        if route.intent and route.intent not in inspected.agent.intent_of:
            yield Finding("CX104", place, route.intent, f"The agent has no intent {route.intent!r}.", where.file)
        yield from _destination(inspected, route.target, where.flow, place, where.file)


def _destination(inspected: Inspected, target: Destination, flow: str, place: str, file: str) -> Iterator[Finding]:
    agent = inspected.agent
    if target.page and target.page not in SYMBOLS and (flow, target.page) not in agent.page_of and flow:
        yield Finding("CX102", place, target.page, f"The flow has no page {target.page!r}.", file)
    if target.flow and target.flow not in agent.flow_of:
        yield Finding("CX103", place, target.flow, f"The agent has no flow {target.flow!r}.", file)


def _entity_types(inspected: Inspected) -> Iterator[Finding]:
    agent = inspected.agent
    known = {f"@{each.name}" for each in agent.entity_types}
    used = [
        *((f"{page.flow} > {page.name} > parameter {each.name}", each.entity_type, page.file)
          for page in agent.pages() for each in page.parameters),
        *((f"intent {intent.name} > parameter {name}", kind, intent.file)
          for intent in agent.intents for name, kind in intent.parameters.items()),
    ]  # fmt: skip
    for place, kind, file in used:
        if kind and not kind.startswith("@sys.") and f"@{kind.removeprefix('@')}" not in known:
            yield Finding("CX105", place, kind, f"The agent has no entity type {kind!r}.", file)
