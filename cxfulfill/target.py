"""What a registered handler comes to, once the application is frozen."""

from collections.abc import Callable
from dataclasses import field
from typing import Any, Final, TypeVar

from cxfulfill.context import Call
from cxfulfill.deferral import Deferral
from cxfulfill.errors import ConfigurationError
from cxfulfill.handlers import Function, Invocation
from cxfulfill.hints import takes
from cxfulfill.idempotency.business import IdempotencyKey
from cxfulfill.parameters.base import Schema
from cxfulfill.registration import Registration
from cxfulfill.stages import Stages
from cxfulfill.structures import structure
from cxfulfill.work import Work

T = TypeVar("T")
DEFAULT_TIMEOUT: Final = 4.5
"""Seconds that ``ctx.deadline`` counts where no timeout is set: half a second less than CX's default of 5."""


@structure
class Target:
    """What the calls of one handler need, compiled at freeze.

    Attributes:
        schema: Schema of its second argument; None where it takes none.
        invocation: The handler with its middleware.
        timeout: Seconds from the call's arrival.
        watched: Whether a plain handler is cut off.
        error_handlers: Functions by exception class, innermost router first.
        encode: Turns what the handler returned into what is sent.
        fallback: The answer when time is up, as it is sent; None for 503.
        idempotent: Whether its calls are de-duplicated; None where nothing was said.
        key: The user's own key of its calls.
        ttl: Seconds that its answers are kept; None for the application's.
        names: The parameters that its schema names.
        conditions: What tells it from other handlers.
        tag: The tag, or pattern, that it is registered for; empty where it takes flexible calls.
        reprompts: Whether the user is asked again for form parameters that do not fit.
        deferral: How it is deferred; None where it is not.
        cancels: Whether an ``async`` handler is cancelled at the deadline.
        ends_in_time: Whether a call whose time is up is a 503, and not begun.
    """

    schema: Schema | None
    invocation: Invocation
    timeout: float
    watched: bool
    error_handlers: tuple[dict[type[Exception], Function], ...]
    encode: Callable[[Call, Any], bytes]
    fallback: bytes | None
    idempotent: bool | None
    key: IdempotencyKey | None
    ttl: float | None
    names: frozenset[str]
    conditions: str
    tag: str
    reprompts: bool
    deferral: Deferral | None
    cancels: bool = field(init=False)
    ends_in_time: bool = field(init=False)

    def __post_init__(self) -> None:
        is_cut_off = self.watched or self.invocation.function.is_async
        ends_in_time = is_cut_off and self.fallback is None and self.deferral is None
        object.__setattr__(self, "cancels", self.idempotent is False)
        object.__setattr__(self, "ends_in_time", ends_in_time)

    def work(self, call: Call, arguments: tuple[Any, ...], stages: Stages) -> Work:
        """Make what is run for a call.

        Args:
            call: The call.
            arguments: The handler's arguments.
            stages: How long the stages of the call take.

        Returns:
            It.
        """
        return Work(
            self.invocation, call, arguments, self.watched, self.encode, stages, self.cancels, self.ends_in_time
        )

    @classmethod
    def of(cls, registration: Registration, *, reprompts: bool = False, deferral: Deferral | None = None) -> "Target":
        """Compile a registration with what the routers around it add.

        Args:
            registration: The registration.
            reprompts: See the attribute.
            deferral: See the attribute.

        Returns:
            The target.

        Raises:
            ConfigurationError: The annotation of the handler's second argument cannot be resolved, or has no field
                of the name that ``idempotency_key=`` gives.
        """
        layers, options = registration.layers, registration.options
        schema = options.schema or options.function.schema()
        options.check_key(schema)
        timeout = _first_said(options.timeout, *(layer.timeout for layer in layers))
        around = (function for layer in reversed(layers) for function in layer.middlewares)
        middleware = tuple(function for function in around if takes(function, registration.kind))
        idempotent = _first_said(options.idempotent, *(layer.idempotent for layer in layers))
        if deferral is not None and idempotent is False:
            raise ConfigurationError(
                f"{registration.place}: deferred work lives in the idempotency store: a router around it "
                "says idempotent=False"
            )
        return cls(
            schema=schema,
            invocation=Invocation(options.function, middleware),
            timeout=timeout or DEFAULT_TIMEOUT,
            watched=timeout is not None or registration.fallback is not None or deferral is not None,
            error_handlers=tuple(layer.error_handlers_of(registration.kind) for layer in layers),
            encode=registration.encode,
            fallback=registration.fallback,
            idempotent=idempotent,
            key=options.key,
            ttl=options.ttl,
            names=schema.names if schema else frozenset(),
            conditions=registration.conditions,
            tag=registration.tag,
            reprompts=reprompts,
            deferral=deferral,
        )


def _first_said(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)
