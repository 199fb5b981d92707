"""The user's own key of a call, such as an order's number."""

import inspect
from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal
from uuid import UUID

from cxfulfill.context import Context
from cxfulfill.errors import ConfigurationError, ParameterError

_KEYS: Final = (str, int, UUID, date, time, Decimal)


class IdempotencyKey:
    """What makes two deliveries one call, in the user's own terms.

    The same key with other parameters is refused (400, ``key_reused``).

    Args:
        source: Name of a field of the handler's parameters, or a function of the context. Where it gives None, the
            call has its default key.
        scope: ``session``: the same key in another session is another call. ``application``: it is the same one.

    Raises:
        ConfigurationError: It is neither, or there is no such scope.
    """

    def __init__(
        self, source: str | Callable[[Context], Any], *, scope: Literal["session", "application"] = "session"
    ) -> None:
        if scope not in ("session", "application"):
            raise ConfigurationError('IdempotencyKey: scope is "session" or "application"')
        if not callable(source) and not (isinstance(source, str) and source):
            raise ConfigurationError("idempotency_key= takes the name of a field, or a function of the context")
        if inspect.iscoroutinefunction(source):
            raise ConfigurationError("idempotency_key= takes a plain function, not an async one")
        self.source = source
        self.in_session = scope == "session"

    def check_field(self, names: frozenset[str] | None, place: str) -> None:
        """Check that the handler's parameters have the field.

        Args:
            names: Names of the parameters' fields; None where they can have any.
            place: Where the handler is defined, for the error.

        Raises:
            ConfigurationError: They have no such field.
        """
        if isinstance(self.source, str) and names is not None and self.source not in names:
            known = ", ".join(sorted(names)) or "none: give the handler a second argument"
            raise ConfigurationError(f"{place}: idempotency_key={self.source!r} is no field; there are {known}")

    def value(self, ctx: Context, params: Any, names: Collection[str]) -> str | None:
        """Give the key of a call.

        Args:
            ctx: The call.
            params: The handler's parameters.
            names: The parameters that the handler's schema names.

        Returns:
            The key; None where there is none.

        Raises:
            ParameterError: The function looked for a parameter that is not there.
            TypeError: It is of a type that cannot be a key.
        """
        if isinstance(self.source, str):
            found = params.get(self.source) if isinstance(params, Mapping) else getattr(params, self.source)
        else:
            try:
                found = self.source(ctx)
            except KeyError as error:
                # A name that is the schema's own may be shown; any other may be a value of the request.
                missing = error.args[0] if error.args and error.args[0] in names else "*"
                raise ParameterError([(str(missing), "missing")]) from error
        return _text(found)


def _text(found: Any) -> str | None:
    if hasattr(found, "get_secret_value"):  # pydantic's secrets, whose text is the same for all
        found = found.get_secret_value()
    if isinstance(found, Enum):
        found = found.value
    if found is None or found == "":
        return None
    if isinstance(found, bool) or not isinstance(found, _KEYS):
        raise TypeError(
            f"an idempotency key must be text, a whole number, a date or a UUID, not {type(found).__name__}"
        )
    return str(found)


def read_key(given: "str | Callable[[Context], Any] | IdempotencyKey | None") -> IdempotencyKey | None:
    """Read an ``idempotency_key=``.

    Args:
        given: What was given.

    Returns:
        The key, or None.

    Raises:
        ConfigurationError: It is none.
    """
    return given if given is None or isinstance(given, IdempotencyKey) else IdempotencyKey(given)
