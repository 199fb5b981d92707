"""Every place of an agent that calls a webhook."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cxfulfill.agent.flows import NOWHERE, Destination, EventHandler, Fulfillment, Page, Transition
from cxfulfill.agent.model import Agent

What = Literal["route", "event", "entry", "initial prompt", "reprompt", "knowledge"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """A place that calls a webhook.

    Attributes:
        what: What calls it.
        fulfillment: What is done there: the webhook, the tag, the presets and whether the answer is waited for.
        flow: The flow; empty for a group of routes of the agent.
        page: The page; `cxfulfill.agent.flows.START_PAGE` for the flow itself; empty for a group of routes.
        group: The group of routes; empty for none.
        intent: The route's intent; empty for none.
        condition: The route's condition; empty for none.
        event: The event; empty for none.
        parameter: The form's parameter that is asked for; empty for none.
        target: Where the route or event handler leads.
        pages: Flow and name of the pages that it is done on, as far as the export tells: of a group those that list
            it, of an event handler or a route with intent of a flow all of the flow's.
        file: The file, from the root of the export.
    """

    what: What
    fulfillment: Fulfillment
    flow: str
    page: str
    group: str = ""
    intent: str = ""
    condition: str = ""
    event: str = ""
    parameter: str = ""
    target: Destination = NOWHERE
    pages: tuple[tuple[str, str], ...]
    file: str

    @property
    def tag(self) -> str:
        """The tag."""
        return self.fulfillment.tag

    @property
    def webhook(self) -> str:
        """The webhook's name."""
        return self.fulfillment.webhook

    @property
    def place(self) -> str:
        """Where it is: ``flow > page > route``."""
        return " > ".join(part for part in (self.flow, self.page or f"group {self.group}", self._name) if part)

    @property
    def _name(self) -> str:
        match self.what:
            case "route":
                return f"route {self.intent or self.condition or 'true'}"
            case "event":
                return f"event {self.event}"
            case "reprompt":
                return f"reprompt {self.parameter} ({self.event})"
            case "initial prompt":
                return f"initial prompt {self.parameter}"
            case _:
                return self.what


def calls_of(agent: Agent) -> Iterator[Call]:
    """List the places that call a webhook.

    Args:
        agent: The agent.

    Yields:
        Them, page by page, groups of routes behind the pages.
    """
    whole = {flow.name: tuple(page.key for page in (flow.start, *flow.pages)) for flow in agent.flows}
    lists: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for page in agent.pages():
        yield from _of_page(page, whole[page.flow])
        for group in agent.listed(page):
            lists.setdefault((group.flow, group.name), []).append(page.key)
    for group in agent.group_of.values():
        pages = tuple(lists.get((group.flow, group.name), ()))
        for route in group.transitions:
            if route.fulfillment.webhook:
                yield _of_route(route, group.flow, "", pages, group.file, group.name)


def _of_page(page: Page, whole: tuple[tuple[str, str], ...]) -> Iterator[Call]:
    here = (page.key,)
    if page.entry.webhook:
        yield Call(what="entry", fulfillment=page.entry, flow=page.flow, page=page.name, pages=here, file=page.file)
    yield from _of_form(page)
    for route in page.transitions:
        if route.fulfillment.webhook:
            pages = whole if page.is_start and route.intent else here
            yield _of_route(route, page.flow, page.name, pages, page.file)
    for handler in page.handlers:
        if handler.fulfillment.webhook:
            yield _of_handler("event", handler, page, whole if page.is_start else here)
    if page.knowledge.webhook:
        yield Call(
            what="knowledge", fulfillment=page.knowledge, flow=page.flow, page=page.name,
            target=page.knowledge_target, pages=whole if page.is_start else here, file=page.file,
        )  # fmt: skip


def _of_form(page: Page) -> Iterator[Call]:
    here = (page.key,)
    for parameter in page.parameters:
        if parameter.prompt.webhook:
            yield Call(
                what="initial prompt", fulfillment=parameter.prompt, flow=page.flow, page=page.name,
                parameter=parameter.name, pages=here, file=page.file,
            )  # fmt: skip
        for handler in parameter.reprompts:
            if handler.fulfillment.webhook:
                yield _of_handler("reprompt", handler, page, here, parameter.name)


def _of_route(
    route: Transition, flow: str, page: str, pages: tuple[tuple[str, str], ...], file: str, group: str = ""
) -> Call:
    return Call(
        what="route", fulfillment=route.fulfillment, flow=flow, page=page, group=group, intent=route.intent,
        condition=route.condition, target=route.target, pages=pages, file=file,
    )  # fmt: skip


def _of_handler(
    what: What, handler: EventHandler, page: Page, pages: tuple[tuple[str, str], ...], parameter: str = ""
) -> Call:
    return Call(
        what=what, fulfillment=handler.fulfillment, flow=page.flow, page=page.name, event=handler.event,
        parameter=parameter, target=handler.target, pages=pages, file=page.file,
    )  # fmt: skip
