"""A coroutine whose first step is taken by who begins it, and not only when an event loop has time for it."""

from asyncio import isfuture
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class Begun(Coroutine[Any, Any, T]):
    """A coroutine that is begun at once. A task may go on with it, or whoever awaits it: what it waits for is theirs.

    Most coroutines of a call have nothing to wait for, and are over with their first step.

    Args:
        coroutine: The coroutine.

    Attributes:
        is_begun: Whether its first step was taken.
        is_over: Whether it has ended in it.
    """

    __slots__ = ("_coroutine", "_error", "_is_at_first", "_result", "_waits_for", "is_begun", "is_over")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self.is_begun = self.is_over = self._is_at_first = False
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Take the first step."""
        self.is_begun = self._is_at_first = True
        try:
            self._waits_for = self._coroutine.send(None)
        except StopIteration as ended:
            self.is_over, self._result = True, ended.value
        except BaseException as error:  # it is told to who fetches the result, or goes on with it
            self.is_over, self._error = True, error

    def result(self) -> T:
        """Give the result of one that is over. Whoever goes on with it is not told of its error any more."""
        error, self._error = self._error, None
        if error is None:
            result: T = self._result
            return result
        self._result = None
        try:
            raise error
        finally:
            del error  # or its traceback would hold it, and it its traceback

    def send(self, value: Any) -> Any:
        """Go on; what the first step waits for is handed on first."""
        if not self._is_at_first:
            self.is_begun = True
            return self._coroutine.send(value)
        self._is_at_first = False
        if not self.is_over:
            return self._waits_for
        if self._error is None:
            raise StopIteration(self._result)
        return self.result()

    def throw(self, error: Any, *others: Any) -> Any:
        """Throw an error in: the cancellation of a task that has not seen yet what the first step waits for."""
        if self._is_at_first:
            self._is_at_first = False
            if self.is_over:
                raise error
            # As a task does it, which is then woken by its end; by the message a scope of anyio knows its own.
            if isfuture(self._waits_for) and self._waits_for.cancel(*error.args):
                return self._waits_for
        return self._coroutine.throw(error, *others)

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __next__(self) -> Any:
        return self.send(None)

    def __iter__(self) -> "Begun[T]":
        return self

    def __await__(self) -> Generator[Any, Any, T]:
        return self  # it has all that one has

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)  # such as `cr_frame`, by which debuggers and anyio tell its state
