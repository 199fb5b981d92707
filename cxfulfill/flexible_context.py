"""What the handler of a flexible webhook is given."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cxfulfill.context import Call, adapted


@dataclass(frozen=True, kw_only=True)
class FlexibleContext(Call):
    """A flexible webhook call: method, path and the agent author's own JSON.

    CX tells neither session nor turn on these calls, unless the agent's author puts them into URL or body.

    Attributes:
        route: The path's pattern, such as ``/orders/<int:id>``.
        path: Values of the path's variables, converted as the pattern says.
        query: Values of the query; ``$session.params`` references that CX left unresolved are missing.
        body: The JSON body; None where there is none.
        parameters: Path, query, chosen headers and the members of the body, as they go into the handler's schema.
    """

    route: str
    path: Mapping[str, Any] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    parameters: Mapping[str, Any] = field(repr=False)

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry ``request_id`` and ``route``, and ``trace`` where the call belongs to one."""
        return adapted(self, route=self.route)


FlexibleHandler = (
    Callable[[FlexibleContext], Any]
    | Callable[[FlexibleContext], Awaitable[Any]]
    | Callable[[FlexibleContext, Any], Any]
    | Callable[[FlexibleContext, Any], Awaitable[Any]]
)
"""``f(ctx)`` or ``f(ctx, params)``, plain or ``async``."""
