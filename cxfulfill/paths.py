"""Paths with variables, as in Flask: read and matched by Werkzeug's own routing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from cxfulfill.errors import BadRequest, ConfigurationError, MethodNotAllowed, NotFound
from cxfulfill.http import HttpRequest

T = TypeVar("T")
_VARIABLE: Final = re.compile(r"<([^>]*)>")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A path with variables.

    Attributes:
        text: As it was given: ``/orders/<int:id>``.
        variables: Names of the variables, in order.
    """

    text: str
    variables: tuple[str, ...]

    @property
    def shape(self) -> str:
        """The pattern without the names of its variables: two of one shape match the same paths."""
        return _VARIABLE.sub(lambda found: f"<{_converter(found[1])}>", self.text)

    def filled(self, value: str) -> str:
        """Put something in place of each variable.

        Args:
            value: With ``{name}`` where the variable's name goes.

        Returns:
            The path.
        """
        return _VARIABLE.sub(lambda found: value.format(name=_name(found[1])), self.text)


class Match(NamedTuple, Generic[T]):
    """What a path leads to.

    Attributes:
        found: What stands for the pattern.
        values: The values of its variables.
        allowed: The methods that the path takes.
    """

    found: T
    values: Mapping[str, Any]
    allowed: tuple[str, ...]


def read_pattern(text: str) -> PathPattern:
    """Read a pattern.

    Args:
        text: The pattern.

    Returns:
        The same, checked.

    Raises:
        ConfigurationError: It does not start with a slash, or is no pattern of Flask's.
    """
    if not isinstance(text, str) or not text.startswith("/"):
        raise ConfigurationError("a path starts with /")
    variables = tuple(_name(found) for found in _VARIABLE.findall(text))
    if len(set(variables)) < len(variables):
        raise ConfigurationError(f"{text!r} has a variable twice")
    try:
        _map([(text, None, text)])
    except (ValueError, LookupError) as error:
        raise ConfigurationError(f"{text!r} is no path as in Flask: {error}") from None
    return PathPattern(text, variables)


class Paths(Generic[T]):
    """The look-up by path and method, made once at freeze.

    Args:
        rows: Patterns, the methods of each, and what a look-up gives for it.
    """

    def __init__(self, rows: Iterable[tuple[str, tuple[str, ...], T]]) -> None:
        known = list(rows)
        self._adapter = _map(known).bind("", "/") if known else None

    def takes(self, path: str) -> bool:
        """Tell whether there is something on a path, whatever the method.

        Args:
            path: The path.

        Returns:
            Whether there is.
        """
        return self._adapter is not None and bool(self._adapter.allowed_methods(path))

    def find(self, http: HttpRequest) -> Match[T]:
        """Find what a request is for.

        Args:
            http: The request.

        Returns:
            What was found.

        Raises:
            BadRequest: The path is not UTF-8, or has an escaped slash, by which a value could lead to another path.
            NotFound: Nothing is on this path.
            MethodNotAllowed: Something is, for other methods.
        """
        if self._adapter is None:
            raise _unknown()
        from werkzeug import exceptions, routing  # noqa: PLC0415 - there is a pattern, so it is loaded already

        _check(http)
        method = http.method if http.method.isupper() else "-"  # methods are told apart by case (RFC 9110 9.1)
        try:
            found, values = self._adapter.match(http.path, method)
        except exceptions.MethodNotAllowed as error:
            raise MethodNotAllowed(*sorted(error.valid_methods or ())) from None
        except (exceptions.NotFound, routing.RequestRedirect, ValueError):  # the last: a number of thousands of digits
            raise _unknown() from None
        allowed = tuple(sorted(self._adapter.allowed_methods(http.path))) if http.method == "OPTIONS" else ()
        return Match(found, values, allowed)


def _check(http: HttpRequest) -> None:
    if "%2f" in http.raw_path.lower():
        detail = "The path has an escaped slash: send such a value in the query or body."
        raise BadRequest(reason="escaped_slash", detail=detail)
    try:
        http.path.encode()
    except UnicodeEncodeError:
        raise BadRequest(reason="path_not_utf8", detail="The path is not UTF-8.") from None


def _map(rows: Iterable[tuple[str, tuple[str, ...] | None, Any]]) -> Any:
    from werkzeug.routing import Map, Rule  # noqa: PLC0415 - only who has a flexible route pays for the import

    rules = [Rule(text, methods=methods, endpoint=found) for text, methods, found in rows]
    found = Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)
    found.update()
    return found


def _unknown() -> NotFound:
    return NotFound(reason="unknown_path", detail="Nothing is served on this path.")


def _name(variable: str) -> str:
    return variable.rpartition(":")[2]


def _converter(variable: str) -> str:
    return variable.rpartition(":")[0] or "string"
