"""Options that several commands have."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """Seconds, more than 0.

    Args:
        longest: At most so many.
    """

    def __init__(self, longest: float) -> None:
        super().__init__(0, longest, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number; click calls it."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):  # which is in each of click's ranges
            self.fail("it is a number of seconds", param, ctx)
        return number


def with_options(options: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    """Give a command options.

    Args:
        options: Options of click, in the order of the command's help.

    Returns:
        The decorator.
    """

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
