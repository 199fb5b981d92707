"""What a registered handler comes to, once the application is frozen."""

from dataclasses import dataclass
from typing import Final

from cxfulfill.handlers import Function, Invocation
from cxfulfill.parameters.schema import Schema
from cxfulfill.table import Entry

DEFAULT_TIMEOUT: Final = 4.5
"""Seconds that ``ctx.deadline`` counts where no timeout is set: half a second less than CX's default of 5."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the calls of one handler need, compiled at freeze.

    Attributes:
        entry: The handler's registration.
        schema: Schema of its second argument; None where it takes none.
        invocation: The handler with its middleware.
        timeout: Seconds from the call's arrival.
        watched: Whether a plain handler is cut off.
        error_handlers: Functions by exception class, innermost router first.
        idempotent: Whether its calls are de-duplicated.
        names: The session parameters that its schema names.
        conditions: What tells it from other handlers of its tag.
    """

    entry: Entry
    schema: Schema | None
    invocation: Invocation
    timeout: float
    watched: bool
    error_handlers: tuple[dict[type[Exception], Function], ...]
    idempotent: bool
    names: frozenset[str]
    conditions: str

    @classmethod
    def of(cls, entry: Entry) -> "Target":
        """Compile an entry with what the routers around it add.

        Args:
            entry: The entry.

        Returns:
            The target.

        Raises:
            ConfigurationError: The annotation of the handler's second argument cannot be resolved, or has no field
                of the name that ``idempotency_key=`` gives.
        """
        layers = entry.layers
        if entry.key is not None:
            entry.key.check_field(entry.function.names()[0], entry.function.place)
        schema = entry.schema
        if schema is None and entry.function.takes_params:
            schema = entry.function.schema()
        said = [entry.idempotent, *(layer.idempotent for layer in layers)]
        timeouts = [entry.timeout, *(layer.timeout for layer in layers)]
        timeout = next((value for value in timeouts if value is not None), None)
        middleware = tuple(function for layer in reversed(layers) for function in layer.middlewares)
        return cls(
            entry=entry,
            schema=schema,
            invocation=Invocation(entry.function, middleware),
            timeout=timeout or DEFAULT_TIMEOUT,
            watched=timeout is not None or entry.fallback is not None,
            error_handlers=tuple(layer.error_handlers for layer in layers),
            names=entry.function.names()[1],
            conditions=f"{entry.tag} {entry.narrowing}",
            idempotent=next((value for value in said if value is not None), True),
        )
