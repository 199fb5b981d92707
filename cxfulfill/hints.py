"""What the annotations of the user's functions say."""

import functools
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

from cxfulfill.context import Call


def underlying(function: Any) -> Any:
    """Find the function that has the annotations: of a decorated one, a partial, or an object with ``__call__``.

    Args:
        function: The function.

    Returns:
        The function inside.
    """
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    return function if inspect.isroutine(function) else type(function).__call__


def takes(function: Any, kind: type[Call]) -> bool:
    """Tell whether a function is meant for a kind of call, by the annotation of its first argument.

    Args:
        function: A handler, middleware or error handler.
        kind: `Context` or `FlexibleContext`.

    Returns:
        Whether it is; also where there is no annotation, or none that says.
    """
    said = [each for each in _alternatives(_first_annotation(function)) if isinstance(each, type)]
    calls = [each for each in said if issubclass(each, Call)]
    return not calls or any(issubclass(kind, each) for each in calls)


def _first_annotation(function: Any) -> Any:
    try:
        [name, *_] = inspect.signature(function).parameters
        return _hints(underlying(function)).get(name)
    except Exception:  # whatever stands in annotations: they only help
        return None


@functools.lru_cache(maxsize=1_024)
def _hints(function: Any) -> dict[str, Any]:
    # Middleware is asked for each handler that it runs around.
    # Names that cannot be resolved yet raise, and are not kept.
    return typing.get_type_hints(function)


def _alternatives(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        yield from typing.get_args(annotation)
    else:
        yield annotation
