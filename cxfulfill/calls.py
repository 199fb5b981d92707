"""From a request to the call of a flexible handler."""

from collections.abc import Collection
from dataclasses import field
from typing import Any

from cxfulfill.auth.base import Principal
from cxfulfill.collecting import is_unresolved, merge, parse_structures, read_headers, read_query, resolved
from cxfulfill.context import Deadline
from cxfulfill.errors import BadRequest, ConfigurationError, ParameterError
from cxfulfill.flexible_context import FlexibleContext
from cxfulfill.gate import Gate
from cxfulfill.http import WITH_BODY, HttpRequest
from cxfulfill.paths import Match
from cxfulfill.protocol import json
from cxfulfill.route import Route
from cxfulfill.structures import structure
from cxfulfill.target import Target


@structure
class Served:
    """A flexible handler as it is served.

    Attributes:
        route: Its registration.
        target: What its calls need.
        gate: Who may call it.
        structured: The parameters that take lists or objects.
    """

    route: Route
    target: Target
    gate: Gate
    structured: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        schema = self.target.schema
        object.__setattr__(self, "structured", schema.structured() if schema else frozenset())

    def has_body(self, http: HttpRequest, length: int | None) -> bool:
        """Tell whether a request has a body that is read.

        Args:
            http: The request.
            length: Its declared length.

        Returns:
            Whether its method comes with one, and there is one.
        """
        is_there = bool(length) or (length is None and "transfer-encoding" in http.headers)
        return http.method in WITH_BODY and is_there

    def call(
        self, http: HttpRequest, match: "Match[Served]", body: bytes, *, caller: Principal, deadline: Deadline, id_: str
    ) -> FlexibleContext:
        """Make the call of a request.

        Args:
            http: The request.
            match: What its path led to.
            body: Its body; empty where it has none.
            caller: Who calls.
            deadline: When the answer must be out.
            id_: Id of the call.

        Returns:
            The call.

        Raises:
            BadRequest: Query or body cannot be read, a parameter comes from two places, or one of the path is missing.
        """
        path = match.values
        if missing := [(name, "missing") for name, value in path.items() if is_unresolved(value)]:
            raise ParameterError(missing)
        query = read_query(http.query)
        content = resolved(json.loads(body)) if body else None
        target = self.target
        if target.schema is not None and not isinstance(content, dict | None):
            raise BadRequest(reason="not_an_object", detail="The body must be a JSON object.")
        headers = read_headers(http.headers, self.route.headers)
        members: dict[str, Any] = content if isinstance(content, dict) else {}
        synonyms = target.schema.synonyms if target.schema else {}
        places = (path, headers, parse_structures(query, self.structured), members)
        parameters = merge(places, target.names, synonyms)
        if target.names:
            parameters = {name: value for name, value in parameters.items() if name in target.names or name not in path}
        return FlexibleContext(
            http=http.redacted(self.gate.hidden),
            principal=caller,
            deadline=deadline,
            request_id=id_,
            route=self.route.pattern.text,
            path=path,
            query=query,
            body=content,
            parameters=parameters,
        )


def serve(route: Route, gate: Gate, *, taken: Collection[str]) -> Served:
    """Compile a route.

    Args:
        route: The route.
        gate: Who may call it.
        taken: The paths that are served otherwise.

    Returns:
        What serves it.

    Raises:
        ConfigurationError: Its path is taken, its callers cannot be told without a session, a chosen header is a
            credential or no parameter, or the annotation of the handler's second argument cannot be resolved.
    """
    if route.pattern.text.rstrip("/") in {path.rstrip("/") for path in taken}:
        raise ConfigurationError(f"the path {route.pattern.text} is served otherwise")
    if gate.by_session:
        raise ConfigurationError(
            "a flexible call has no session, so that neither ByEnvironment nor allowed_agents= can tell whose it is; "
            "give the route an auth= of its own"
        )
    route.check_credentials(gate.hidden)
    if "idempotency-key" in gate.hidden:
        raise ConfigurationError("Idempotency-Key is the header of flexible calls' keys and cannot hold a credential")
    target = Target.of(route)
    route.check_schema(target.schema)
    return Served(route, target, gate)
