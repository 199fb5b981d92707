"""The user's own key of a call, such as an order's number."""

import inspect
from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal
from uuid import UUID

from cxfulfill.context import Call
from cxfulfill.errors import ConfigurationError, ParameterError
from cxfulfill.http import REDACTED

LONGEST_TTL: Final = 2_592_000.0
"""Seconds that an answer can be kept at most (30 days)."""
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
        self, source: str | Callable[[Any], Any], *, scope: Literal["session", "application"] = "session"
    ) -> None:
        if scope not in ("session", "application"):
            raise ConfigurationError('IdempotencyKey: scope is "session" or "application"')
        if not callable(source) and not (isinstance(source, str) and source):
            raise ConfigurationError("idempotency_key= takes the name of a field, or a function of the context")
        if callable(source) and (inspect.iscoroutinefunction(source) or not takes(source, 1)):
            raise ConfigurationError("idempotency_key= takes a plain function of the context, not an async one")
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

    def value(self, ctx: Call, params: Any, names: Collection[str]) -> str | None:
        """Give the key of a call.

        Args:
            ctx: The call.
            params: The handler's parameters.
            names: The parameters that the handler's schema names.

        Returns:
            The key; None where there is none.

        Raises:
            ParameterError: The function looked for a parameter that is not there, or the field's value is no key.
            TypeError: The function gave something that cannot be a key.
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
        try:
            return _text(found)
        except TypeError:
            if not isinstance(self.source, str):
                raise
            raise ParameterError([(self.source if self.source in names else "*", "no_key")]) from None


def takes(function: object, arguments: int) -> bool:
    """Tell whether something is a function that can be called with so many arguments.

    Args:
        function: What stands for one.
        arguments: How many.

    Returns:
        Whether it is.
    """
    if not callable(function) or isinstance(function, type):
        return False
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    return True


def _text(found: Any) -> str | None:
    if hasattr(found, "get_secret_value"):  # pydantic's secrets, whose text is the same for all
        found = found.get_secret_value()
    if isinstance(found, Enum):
        found = found.value
    if isinstance(found, float) and found.is_integer():
        found = int(found)  # CX holds every number as a double
    if found is None or found == "":
        return None
    if found == REDACTED:
        raise TypeError("an idempotency key must not be made of a credential, which reads the same for all")
    if isinstance(found, bool) or not isinstance(found, _KEYS):
        raise TypeError(
            f"an idempotency key must be text, a whole number, a date or a UUID, not {type(found).__name__}"
        )
    return str(found)


def check_idempotent(place: str, idempotent: bool | None) -> bool | None:
    """Check an ``idempotent=``.

    Args:
        place: Where it stands, for the error.
        idempotent: What was given.

    Returns:
        The same.

    Raises:
        ConfigurationError: It is not True, False or None.
    """
    if idempotent is not None and not isinstance(idempotent, bool):
        raise ConfigurationError(f"{place}: idempotent is True, False or None")
    return idempotent


def read_options(
    place: str,
    given: "str | Callable[[Any], Any] | IdempotencyKey | None",
    *,
    idempotent: bool | None,
    ttl: float | None,
) -> IdempotencyKey | None:
    """Read what a handler says of its idempotency.

    Args:
        place: Where the handler is defined, for the error.
        given: ``idempotency_key=``.
        idempotent: ``idempotent=``.
        ttl: ``ttl=``.

    Returns:
        The key, or None.

    Raises:
        ConfigurationError: One of them is wrong, or they contradict each other.
    """
    check_idempotent(place, idempotent)
    is_time = isinstance(ttl, int | float) and not isinstance(ttl, bool) and 1 <= ttl <= LONGEST_TTL
    if ttl is not None and not is_time:
        raise ConfigurationError(f"{place}: ttl is a number of seconds from 1 to {LONGEST_TTL:.0f}")
    if idempotent is False and (given is not None or ttl is not None):
        raise ConfigurationError(f"{place}: idempotent=False leaves nothing for idempotency_key= and ttl=")
    try:
        return given if given is None or isinstance(given, IdempotencyKey) else IdempotencyKey(given)
    except ConfigurationError as error:
        raise ConfigurationError(f"{place}: {error}") from None
