"""Running a coroutine that never suspends."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose verbs never suspend.

    Args:
        coroutine: The coroutine.

    Returns:
        Its result.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine suspended in a runtime that cannot wait for it")
