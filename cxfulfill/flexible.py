"""Flexible webhooks: method and path, and the agent author's own JSON both ways.

CX calls them with the chosen method, a URL in which it replaces ``$session.params.x``, and for POST, PUT and PATCH
perhaps a JSON body; of the answer's JSON it sets session parameters by JSONPath (Google's webhook page).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cxfulfill.auth.base import Authenticator
from cxfulfill.errors import ConfigurationError
from cxfulfill.handlers import place_of
from cxfulfill.registration import Key, Layer, Options

if TYPE_CHECKING:
    from cxfulfill.flexible_context import FlexibleHandler
    from cxfulfill.route import Route

F = TypeVar("F", bound="FlexibleHandler")


class FlexibleRoutes:
    """The flexible handlers of a router."""

    layer: Layer

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._closed: str | None = None

    def routes(self) -> "Iterator[Route]":
        """List the registered flexible handlers.

        Yields:
            In the order of registration.
        """
        yield from self._routes

    def flexible(
        self,
        path: str,
        *,
        methods: Iterable[str] = ("POST",),
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        response: Any = None,
        mapping: Mapping[str, str] | None = None,
        auth: Authenticator | None = None,
        timeout: float | None = None,
        fallback: Any = None,
        idempotent: bool | None = None,
        idempotency_key: Key = None,
    ) -> Callable[[F], F]:
        """Register the handler of a flexible webhook; the decorated function is returned unchanged.

        Args:
            path: The path, with variables as in Flask: ``/orders/<int:id>``.
            methods: The HTTP methods that it takes, of CX's seven. HEAD comes with GET.
            params: Type of the handler's second argument, where its annotation cannot name it. Path, query, chosen
                headers and the members of a JSON body go into it.
            headers: Parameter by request header: ``{"X-Lang": "lang"}``. Data, never a proof of who calls: a value may
                come from the session.
            response: Type of what the handler returns: anything pydantic knows, or a marshmallow ``Schema``. The answer
                is checked and dumped by it. Without it the answer is any JSON.
            mapping: What CX takes of the answer, as entered there: ``{"order_status": "$.status"}``.
            auth: Who may call this route, in place of the application's policy.
            timeout: Seconds from the arrival of the call within which it is answered, at most 30.
            fallback: The answer when time is up; without it that is 503.
            idempotent: False for one that may well run for each delivery. By default a call with ``Idempotency-Key``
                runs once, unless its method is a safe one (GET, HEAD, OPTIONS).
            idempotency_key: A key of your own: the name of a field of the parameters, a function of the context, or an
                `IdempotencyKey`.

        Returns:
            The decorator.

        Raises:
            ConfigurationError: The function is not ``f(ctx)`` or ``f(ctx, params)``, an argument is wrong, or another
                handler takes the same calls; the error names both places.
        """
        if callable(path):
            raise ConfigurationError(f'{place_of(path)}: write @flexible with a path: @flexible("/orders/<int:id>")')

        def register(function: F) -> F:
            self.add_flexible(
                path, function, methods=methods, params=params, headers=headers, response=response, mapping=mapping,
                auth=auth, timeout=timeout, fallback=fallback, idempotent=idempotent, idempotency_key=idempotency_key,
            )  # fmt: skip
            return function

        return register

    def add_flexible(
        self,
        path: str,
        function: "FlexibleHandler",
        *,
        methods: Iterable[str] = ("POST",),
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        response: Any = None,
        mapping: Mapping[str, str] | None = None,
        auth: Authenticator | None = None,
        timeout: float | None = None,
        fallback: Any = None,
        idempotent: bool | None = None,
        idempotency_key: Key = None,
    ) -> None:
        """Register the handler of a flexible webhook: the explicit twin of `flexible`, with the same arguments."""
        options = Options.read(
            function, params=params, timeout=timeout, idempotent=idempotent, idempotency_key=idempotency_key
        )
        # Nothing of it is loaded where no flexible handler is registered.
        from cxfulfill.route import Route  # noqa: PLC0415

        route = Route.read(
            path, options, self.layer, methods=methods, headers=headers, response=response, mapping=mapping, auth=auth,
            fallback=fallback,
        )  # fmt: skip
        self.add_route(route)

    def add_route(self, route: "Route") -> None:
        """Take a route over, as it is.

        Args:
            route: The route.

        Raises:
            ConfigurationError: Another one takes the same calls.
        """
        self.check_open()
        for other in self._routes:
            if other.pattern.shape == route.pattern.shape and not set(other.methods).isdisjoint(route.methods):
                raise ConfigurationError(
                    f"two handlers could answer {route.pattern.text!r}: {other.place} ({other.pattern.text!r}) and "
                    f"{route.place}; take other methods or another path"
                )
        self._routes.append(route)

    def close_registration(self, why: str) -> None:
        """Refuse further registration.

        Args:
            why: The reason, for the error.
        """
        self._closed = self._closed or why

    def check_open(self) -> None:
        """Check that something can be registered still.

        Raises:
            ConfigurationError: Registration is closed.
        """
        if self._closed:
            raise ConfigurationError(f"nothing can be registered any more: {self._closed}")
