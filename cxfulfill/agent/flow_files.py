"""Files of flows, pages and groups of routes, turned into `cxfulfill.agent.flows`."""

from collections.abc import Iterable

from cxfulfill.agent.flows import (
    START_PAGE,
    Destination,
    EventHandler,
    Flow,
    FormParameter,
    Fulfillment,
    Page,
    RouteGroup,
    Transition,
)
from cxfulfill.agent.values import Json, flag, member, members, text, texts


def read_flow(file: str, given: Json, pages: Iterable[Page], groups: Iterable[RouteGroup], name: str) -> Flow:
    """Read a flow.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        pages: Its pages.
        groups: Its groups of routes.
        name: Its name.

    Returns:
        The flow.
    """
    start = read_page(file, {**given, "name": "START_PAGE", "displayName": START_PAGE}, name, START_PAGE)
    return Flow(name=name, id=text(given, "name"), file=file, start=start, pages=tuple(pages), groups=tuple(groups))


def read_page(file: str, given: Json, flow: str, name: str) -> Page:
    """Read a page.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        flow: The name of its flow.
        name: The page's name, where the file does not tell it.

    Returns:
        The page.
    """
    knowledge = member(given, "knowledgeConnectorSettings")
    return Page(
        name=text(given, "displayName") or name,
        flow=flow,
        id=text(given, "name"),
        file=file,
        entry=_fulfillment(member(given, "entryFulfillment")),
        parameters=tuple(_parameter(each) for each in members(member(given, "form"), "parameters")),
        transitions=_transitions(given),
        handlers=_handlers(given, "eventHandlers"),
        groups=texts(given, "transitionRouteGroups"),
        agent_groups=texts(given, "agentTransitionRouteGroups"),
        knowledge=_fulfillment(member(knowledge, "triggerFulfillment")),
        knowledge_target=_destination(knowledge),
    )


def read_group(file: str, given: Json, flow: str, name: str) -> RouteGroup:
    """Read a group of routes.

    Args:
        file: Its file, from the root of the export.
        given: What is in it.
        flow: The name of its flow; empty for a group of the agent.
        name: The group's name, where the file does not tell it.

    Returns:
        The group.
    """
    return RouteGroup(text(given, "displayName") or name, flow, file, _transitions(given))


def _transitions(given: Json) -> tuple[Transition, ...]:
    return tuple(
        Transition(
            intent=text(each, "intent"),
            condition=text(each, "condition"),
            fulfillment=_fulfillment(member(each, "triggerFulfillment")),
            target=_destination(each),
        )
        for each in members(given, "transitionRoutes")
    )


def _handlers(given: Json, name: str) -> tuple[EventHandler, ...]:
    return tuple(
        EventHandler(text(each, "event"), _fulfillment(member(each, "triggerFulfillment")), _destination(each))
        for each in members(given, name)
    )


def _destination(given: Json) -> Destination:
    return Destination(text(given, "targetPage"), text(given, "targetFlow"), text(given, "targetPlaybook"))


def _parameter(given: Json) -> FormParameter:
    behavior = member(given, "fillBehavior")
    return FormParameter(
        name=text(given, "displayName"),
        entity_type=text(given, "entityType"),
        is_list=flag(given, "isList"),
        is_required=flag(given, "required"),
        has_default=given.get("defaultValue") is not None,
        prompt=_fulfillment(member(behavior, "initialPromptFulfillment")),
        reprompts=_handlers(behavior, "repromptEventHandlers"),
    )


_NOTHING = Fulfillment()


def _fulfillment(given: Json) -> Fulfillment:
    if not given:
        return _NOTHING
    presets = {text(each, "parameter"): each.get("value") for each in members(given, "setParameterActions")}
    generated = (text(each, "outputParameter") for each in members(given, "generators"))
    return Fulfillment(
        webhook=text(given, "webhook"),
        tag=text(given, "tag"),
        presets={name: value for name, value in presets.items() if name},
        generated=tuple(name for name in generated if name),
        has_messages=bool(given.get("messages") or given.get("conditionalCases")),
        is_partial=flag(given, "returnPartialResponses"),
    )
