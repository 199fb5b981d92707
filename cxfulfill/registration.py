"""What every registered handler has, whatever kind of call it takes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cxfulfill.context import Call
from cxfulfill.errors import ConfigurationError
from cxfulfill.handlers import Function, read_function
from cxfulfill.hints import takes
from cxfulfill.idempotency.business import IdempotencyKey, read_options
from cxfulfill.parameters.base import Schema, UnresolvedAnnotation
from cxfulfill.structures import keyword_structure, structure

if TYPE_CHECKING:
    from cxfulfill.annotations import Middleware

MAX_TIMEOUT = 30.0
"""Seconds; the longest timeout that a CX webhook can have."""

Key = str | Callable[[Any], Any] | IdempotencyKey | None


@dataclass(eq=False, repr=False)
class Layer:
    """What a router adds to its handlers.

    Attributes:
        timeout: Seconds for handlers that name none.
        idempotent: Whether handlers that do not say so are de-duplicated.
        middlewares: Run around its handlers, outermost first.
        error_handlers: Functions ``f(ctx, error)`` by exception class.
    """

    timeout: float | None = None
    idempotent: bool | None = None
    middlewares: list["Middleware"] = field(default_factory=list)
    error_handlers: dict[type[Exception], Function] = field(default_factory=dict)

    def error_handlers_of(self, kind: type[Call]) -> dict[type[Exception], Function]:
        """Choose the error handlers that are meant for a kind of call.

        Args:
            kind: The context of its calls.

        Returns:
            Functions by exception class.
        """
        return {error: function for error, function in self.error_handlers.items() if takes(function.call, kind)}


@structure
class Options:
    """A handler's function and the options that all kinds of handlers have.

    Attributes:
        function: The handler.
        schema: Schema of its second argument; None where it takes none, and until its annotation can be resolved.
        timeout: Seconds; None leaves it to the routers around.
        idempotent: Whether its calls are de-duplicated; None leaves it to the routers around.
        key: The user's own key of its calls.
        ttl: Seconds that its answers are kept; None for the application's.
    """

    function: Function
    schema: Schema | None
    timeout: float | None
    idempotent: bool | None
    key: IdempotencyKey | None
    ttl: float | None

    @classmethod
    def read(
        cls,
        function: Callable[..., Any],
        *,
        params: Any,
        timeout: float | None,
        idempotent: bool | None,
        idempotency_key: Key,
        ttl: float | None = None,
    ) -> Self:
        """Check a function and its options.

        Args:
            function: The function.
            params: Type of its second argument, where the annotation cannot name it.
            timeout: See the attribute.
            idempotent: See the attribute.
            idempotency_key: Name of a field, or a function of the context.
            ttl: See the attribute.

        Returns:
            What was read.

        Raises:
            ConfigurationError: One of them is wrong.
        """
        read = read_function(function, params)
        key = read_options(read.place, idempotency_key, idempotent=idempotent, ttl=ttl)
        schema = None
        with suppress(UnresolvedAnnotation):  # looked at again at freeze
            schema = read.schema()
        options = cls(read, schema, check_timeout(timeout), idempotent, key, ttl)
        options.check_key(schema)
        return options

    def check_key(self, schema: Schema | None) -> None:
        """Check that the field exists which the key is named by, as far as that is known.

        Args:
            schema: The schema, once it is known.

        Raises:
            ConfigurationError: There is no such field.
        """
        if self.key is None or (schema is None and self.function.takes_params):
            return
        self.key.check_field(schema.fields if schema else frozenset(), self.function.place)


@keyword_structure
class Registration(ABC):
    """A registered handler.

    Attributes:
        options: The handler and its options.
        fallback: The answer when time is up, as it is sent.
        layers: What the routers that hold it add, innermost first.
        kind: The context of its calls.
        tag: Exact tag or pattern; empty where it takes flexible calls.
    """

    kind: ClassVar[type[Call]]
    tag: str = ""

    options: Options
    fallback: bytes | None
    layers: tuple[Layer, ...]

    def check_kind(self) -> None:
        """Check that the handler is meant for this kind of call.

        Raises:
            ConfigurationError: Its first argument is annotated with another one's context.
        """
        if not takes(self.options.function.call, self.kind):
            raise ConfigurationError(f"{self.place}: the first argument of this handler is a {self.kind.__name__}")

    @property
    def place(self) -> str:
        """Where the handler is defined."""
        return self.options.function.place

    @property
    @abstractmethod
    def conditions(self) -> str:
        """What tells it from other handlers."""

    @abstractmethod
    def encode(self, call: Call, answer: Any) -> bytes:
        """Turn what the handler returned into what is sent.

        Args:
            call: The call.
            answer: What it returned.

        Returns:
            JSON of at most 65,536 bytes.

        Raises:
            ReplyError: CX would refuse it.
        """


def check_timeout(timeout: float | None) -> float | None:
    """Check a ``timeout=``.

    Args:
        timeout: Seconds, or None.

    Returns:
        The same.

    Raises:
        ConfigurationError: It is not above 0, or above the 30 seconds that CX waits at most.
    """
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and 0 < timeout <= MAX_TIMEOUT):
        raise ConfigurationError(f"timeout must be above 0 and at most {MAX_TIMEOUT:g} seconds")
    return timeout
