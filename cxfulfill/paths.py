"""Paths with variables, as in Flask: read and matched by Werkzeug's own routing."""

import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from cxfulfill.errors import BadRequest, ConfigurationError, MethodNotAllowed, NotFound
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.values import MAX_DOUBLE
from cxfulfill.structures import structure

T = TypeVar("T")
MAX_PATH: Final = 1_024
"""Characters of a path that is matched: what a pattern takes to match may grow with the square of them."""

_VARIABLE: Final = r"<([^>]*)>"
_NO_PATH: Final = r"[?#]|%[0-9A-Fa-f]{2}"
_SEPARATED: Final = 2
"""Variables of any length that may share a segment, each ``<path:>`` counted in every one."""


@structure
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
        return re.sub(_VARIABLE, lambda found: f"<{_converter(found[1])}>", self.text)

    @property
    def widest(self) -> str:
        """The pattern with ``<int:>`` as any text: Flask's own would not take 17.0."""
        return re.sub(
            _VARIABLE, lambda found: f"<{_name(found[1])}>" if _converter(found[1]) == "int" else found[0], self.text
        )

    def filled(self, value: str) -> str:
        """Put something in place of each variable.

        Args:
            value: With ``{name}`` where the variable's name goes.

        Returns:
            The path.
        """
        return re.sub(_VARIABLE, lambda found: value.format(name=_name(found[1])), self.text)


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
    literal = re.sub(_VARIABLE, "", text)
    if "//" in text or re.search(_NO_PATH, literal):
        raise ConfigurationError(f"{text!r} matches no request: a path is written without escapes, query and //")
    variables = tuple(_name(found) for found in re.findall(_VARIABLE, text))
    if len(set(variables)) < len(variables):
        raise ConfigurationError(f"{text!r} has a variable twice")
    from werkzeug.exceptions import HTTPException  # noqa: PLC0415 - see `_map`

    try:
        # The second time, arguments of converters are used: min='a' is found out only then.
        _map([(text, None, text)]).bind("", "/").match(re.sub(_VARIABLE, "1", text))
    except HTTPException:
        pass
    except (ValueError, LookupError, TypeError) as error:
        raise ConfigurationError(f"{text!r} is no path as in Flask: {error}") from None
    _check_time(text)
    return PathPattern(text, variables)


def _check_time(text: str) -> None:
    """Refuse patterns whose time to match grows with the third power of the path, which anybody can send."""
    lengths = [
        [_converter(found).partition("(")[0] for found in re.findall(_VARIABLE, segment)] for segment in text.split("/")
    ]
    anywhere = sum(kinds.count("path") for kinds in lengths)
    if any(anywhere + sum(kind not in {"path", "any", "uuid"} for kind in kinds) > _SEPARATED for kinds in lengths):
        raise ConfigurationError(
            f"{text!r} takes too long to match: at most {_SEPARATED} variables between two slashes, a <path:> counts "
            "everywhere; put a slash between them, or take them from the query"
        )


class Paths(Generic[T]):
    """The look-up by path and method, made once at freeze.

    Args:
        rows: Patterns, the methods of each, and what a look-up gives for it.
    """

    def __init__(self, rows: Iterable[tuple[str, tuple[str, ...], T]]) -> None:
        known = list(rows)
        self._adapter = _map(known).bind("", "/") if known else None

    def leads_to(self, path: str, method: str) -> T | None:
        """Tell what a request is for, whatever is to be said against it.

        Args:
            path: The path.
            method: The HTTP method.

        Returns:
            What stands for the most specific pattern, of those that take the method if there are any; None where
            nothing is on the path.
        """
        with contextlib.suppress(NotFound):
            try:
                return self._matched(path, method)[0]
            except MethodNotAllowed:  # told before the path's values are read, which may not fit
                return self._matched(path, self._allowed(path)[0])[0]
        return None

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
        if self._adapter is not None:
            _check(http)
        found, values = self._matched(http.path, http.method)
        if any(isinstance(value, int | float) and abs(value) > MAX_DOUBLE for value in values.values()):
            raise _unknown()  # no JSON can hold it
        allowed = tuple(sorted(self._allowed(http.path))) if http.method == "OPTIONS" else ()
        return Match(found, values, allowed)

    def _matched(self, path: str, method: str) -> tuple[T, Mapping[str, Any]]:
        if self._adapter is None or len(path) > MAX_PATH or path.startswith("//"):
            raise _unknown()
        from werkzeug import exceptions, routing  # noqa: PLC0415 - there is a pattern, so it is loaded already

        try:
            # Methods are told apart by case (RFC 9110 9.1).
            found: tuple[T, Mapping[str, Any]] = self._adapter.match(path, method if method.isupper() else "-")
        except exceptions.MethodNotAllowed as error:
            raise MethodNotAllowed(*sorted(error.valid_methods or ())) from None
        except (exceptions.NotFound, routing.RequestRedirect, ValueError):  # the last: a number of thousands of digits
            raise _unknown() from None
        return found

    def _allowed(self, path: str) -> list[str]:
        return list(self._adapter.allowed_methods(path)) if self._adapter else []


def _check(http: HttpRequest) -> None:
    if "%2f" in http.raw_path.lower():
        detail = "The path has an escaped slash: send such a value in the query or body."
        raise BadRequest(reason="escaped_slash", detail=detail)
    try:
        http.path.encode()
    except UnicodeEncodeError:
        raise BadRequest(reason="path_not_utf8", detail="The path is not UTF-8.") from None


def _map(rows: Iterable[tuple[str, tuple[str, ...] | None, Any]]) -> Any:
    from werkzeug.routing import IntegerConverter, Map, Rule  # noqa: PLC0415 - only who has a flexible route pays for the import

    class Whole(IntegerConverter):
        """``<int:>``, which takes 17.0 as well: CX holds every number as a double."""

        regex = r"\d+(?:\.0+)?"

        def to_python(self, value: str) -> Any:
            return super().to_python(value.partition(".")[0])

    rules = [Rule(text, methods=methods, endpoint=found) for text, methods, found in rows]
    converters = {"int": Whole}
    found = Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False, converters=converters)
    found.update()
    return found


def _unknown() -> NotFound:
    return NotFound(reason="unknown_path", detail="Nothing is served on this path.")


def _name(variable: str) -> str:
    return variable.rpartition(":")[2]


def _converter(variable: str) -> str:
    """Name the converter of a variable; with its arguments only where other ones match other paths."""
    name, brace, arguments = variable.rpartition(":")[0].partition("(")
    name = "string" if name in ("", "default") else name
    return f"{name}{brace}{arguments}" if name == "any" else name
