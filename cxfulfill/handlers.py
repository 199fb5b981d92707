"""Handlers: the functions that a user writes, checked and read when they are registered."""

import inspect
import logging
import typing
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from cxfulfill.context import Call
from cxfulfill.errors import ConfigurationError
from cxfulfill.hints import underlying
from cxfulfill.parameters.base import Schema, UnresolvedAnnotation
from cxfulfill.parameters.schema import schema_for
from cxfulfill.structures import structure

if TYPE_CHECKING:
    from cxfulfill.annotations import Answer, Middleware

M = TypeVar("M", bound="Middleware")
_log = logging.getLogger("cxfulfill")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@structure
class Function:
    """A handler function and what was read of it.

    Attributes:
        call: The function.
        is_async: Whether it is ``async def``.
        place: Where it is defined, for messages.
        takes_params: Whether it takes the parameters as second argument.
        annotation: That argument's annotation, or the ``params=`` given in its stead.
        is_given: Whether it is the latter.
    """

    call: Callable[..., Any]
    is_async: bool
    place: str
    takes_params: bool
    annotation: Any
    is_given: bool = False

    def schema(self) -> Schema | None:
        """Make the schema of the second argument.

        Returns:
            The schema; None where it takes none.

        Raises:
            UnresolvedAnnotation: The annotation names a type that its module does not hold (yet).
            ConfigurationError: It is no type that holds parameters.
        """
        if not self.takes_params:
            return None
        kind = self._resolved()
        try:
            return schema_for(kind, is_annotation=not self.is_given)
        except ConfigurationError as error:
            raise type(error)(f"{self.place}: {error}") from error

    def _resolved(self) -> Any:
        if not isinstance(self.annotation, str):
            return self.annotation
        try:
            hints = typing.get_type_hints(underlying(self.call))
        except NameError as error:
            raise UnresolvedAnnotation(
                f"{self.place}: the annotation names {error.name!r}, which its module does not hold at run "
                "time; import it there, or name the type by params="
            ) from error
        name = list(inspect.signature(self.call).parameters)[1]
        return hints[name]


def read_function(function: Callable[..., Any], params: Any = None) -> Function:
    """Check a function's shape.

    Args:
        function: The function, given to a handler decorator.
        params: The type of its second argument, in place of the annotation.

    Returns:
        What was read.

    Raises:
        ConfigurationError: It is not ``f(ctx)`` or ``f(ctx, params)``.
    """
    place = place_of(function)
    if not callable(function):
        raise ConfigurationError(f"{place}: a handler must be a function")
    called = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise ConfigurationError(f"{place}: a handler returns its answer, it must not yield")
    arguments = _arguments(function, place)
    takes_params = len(arguments) == 2
    if params is not None and not takes_params:
        raise ConfigurationError(f"{place}: params= needs a handler f(ctx, params)")
    if isinstance(params, str):
        raise ConfigurationError(f"{place}: params= takes a type, not its name")
    annotation = params if params is not None or not takes_params else arguments[1].annotation
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
    return Function(function, is_async, place, takes_params, annotation, is_given=params is not None)


def read_error_handler(kind: Any, function: Callable[..., Any]) -> Function:
    """Check an error handler and what it is for.

    Args:
        kind: The exception class.
        function: The function.

    Returns:
        What was read.

    Raises:
        ConfigurationError: It is not ``f(ctx, error)``, or ``kind`` is no exception class.
    """
    check_exception_class(kind)
    try:
        read = read_function(function)
    except ConfigurationError:
        read = None
    if read is None or not read.takes_params:
        raise ConfigurationError(f"{place_of(function)}: an error handler is f(ctx, error)")
    return read


def check_exception_class(kind: Any) -> None:
    """Check the class that an error handler is for.

    Args:
        kind: The class.

    Raises:
        ConfigurationError: It is no exception class.
    """
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise ConfigurationError("on_error takes exception classes: @on_error(SoldOut)")


def check_middleware(function: M) -> M:
    """Check a middleware's shape.

    Args:
        function: The function.

    Returns:
        The same.

    Raises:
        ConfigurationError: It is not a generator function of one argument.
    """
    if not inspect.isgeneratorfunction(function) or len(inspect.signature(function).parameters) != 1:
        raise ConfigurationError(f"{place_of(function)}: a middleware is a generator function m(call) with one yield")
    return function


def _arguments(function: Callable[..., Any], place: str) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise ConfigurationError(f"{place}: a handler must be a Python function") from None
    arguments = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    others = [parameter for parameter in parameters if parameter.kind not in _POSITIONAL]
    demanded = [parameter for parameter in others if parameter.default is parameter.empty]
    if len(arguments) not in (1, 2) or demanded:
        raise ConfigurationError(f"{place}: a handler is f(ctx) or f(ctx, params)")
    return arguments


def place_of(function: Any) -> str:
    """Tell where a function is defined.

    Args:
        function: The function.

    Returns:
        Such as ``book_room (main.py:12)``.
    """
    inner = inspect.unwrap(function) if callable(function) else function
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__qualname__", type(inner).__name__)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


@structure
class Invocation:
    """A handler with its middleware around it, ready to run.

    Attributes:
        function: The handler's function.
        middleware: Outermost first.
    """

    function: Function
    middleware: tuple["Middleware", ...]

    def run(self, call: Call, arguments: tuple[Any, ...]) -> Any:
        """Run a plain handler.

        Args:
            call: What the middleware is given.
            arguments: What the handler is given.

        Returns:
            The answer.
        """
        if not self.middleware:
            return self.function.call(*arguments)
        opened: _Opened = []
        try:
            _enter(self.middleware, call, opened)
            answer = self.function.call(*arguments)
        except Exception as error:
            return _leave(opened, None, error)
        except BaseException:
            _abandon(opened)
            raise
        return _leave(opened, answer, None)

    async def run_async(self, call: Call, arguments: tuple[Any, ...]) -> Any:
        """Run an ``async`` handler; as `run`, on an event loop."""
        opened: _Opened = []
        try:
            _enter(self.middleware, call, opened)
            answer = await self.function.call(*arguments)
        except Exception as error:
            return _leave(opened, None, error)
        except BaseException:
            _abandon(opened)
            raise
        return _leave(opened, answer, None)


_Opened = list[Generator[None, "Answer", "Answer"]]


def _enter(middleware: tuple["Middleware", ...], call: Call, opened: _Opened) -> None:
    for function in middleware:
        generator = function(call)
        try:
            next(generator)
        except StopIteration:
            raise ConfigurationError(f"{place_of(function)}: a middleware must yield once") from None
        opened.append(generator)


def _abandon(opened: _Opened) -> None:
    # It may be the worker's end: there is no outcome to hand to the middleware, but what it opened is closed.
    while opened:
        try:
            opened.pop().close()
        except BaseException as error:  # the others are closed too, and what has ended the call goes on
            with suppress(Exception):
                _log.warning("a middleware failed as it was closed: %s", type(error).__name__)


def _leave(opened: _Opened, answer: Any, error: Exception | None) -> Any:
    try:
        while opened:
            answer, error = _hand_over(opened.pop(), answer, error)
    except BaseException:
        _abandon(opened)
        raise
    if error is not None:
        raise error
    return answer


def _hand_over(
    generator: Generator[None, "Answer", "Answer"], answer: Any, error: Exception | None
) -> tuple[Any, Exception | None]:
    """Give a middleware the outcome, and get what it makes of it."""
    try:
        if error is None:
            generator.send(answer)
        else:
            generator.throw(error)
    except StopIteration as stop:
        return (answer, error) if stop.value is None else (stop.value, None)
    except Exception as raised:
        return answer, raised
    _abandon([generator])
    return answer, ConfigurationError("a middleware must yield only once")
