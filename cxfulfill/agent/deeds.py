"""What an agent may do next on a page: its routes, its event handlers, and what its form asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from cxfulfill.agent.flows import NOWHERE, Destination, EventHandler, Fulfillment, Page, Transition
from cxfulfill.agent.model import Agent


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that an agent may do.

    Attributes:
        name: The route, event or the like.
        fulfillment: What is done.
        target: Where it leads.
    """

    name: str
    fulfillment: Fulfillment
    target: Destination = NOWHERE

    @classmethod
    def of(cls, route: Transition) -> Self:
        """Give what a route does.

        Args:
            route: The route.

        Returns:
            Its deed.
        """
        return cls(f"route {route.name}", route.fulfillment, route.target)


def routes_of(agent: Agent, page: Page) -> tuple[Transition, ...]:
    """List a page's routes, with those of the groups that it lists, in CX's order.

    Args:
        agent: The agent.
        page: The page.

    Returns:
        The routes.
    """
    return (*page.transitions, *(each for group in agent.listed(page) for each in group.transitions))


def unfilled(page: Page, parameters: Mapping[str, Any]) -> str | None:
    """Find what the agent asks for.

    Args:
        page: The page.
        parameters: The session parameters.

    Returns:
        The first required parameter of its form that has no value; None where the form is filled.
    """
    return next((each.name for each in page.parameters if each.is_required and parameters.get(each.name) is None), None)


def handled(handlers: Iterable[EventHandler]) -> list[Deed]:
    """Give event handlers as deeds.

    Args:
        handlers: The handlers.

    Returns:
        What each does.
    """
    return [Deed(f"event {each.event}", each.fulfillment, each.target) for each in handlers]
