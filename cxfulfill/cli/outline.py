"""What commands print: lines below lines, in colours on a terminal and plain anywhere else."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from cxfulfill.simulator.printable import printable

_INDENT: Final = 2


class Kind(Enum):
    """What a line is; the value is rich's style for it."""

    HEADING = "bold"
    TEXT = ""
    COMMAND = "cyan"
    GOOD = "bold green"
    BAD = "bold red"
    OPEN = "bold yellow"


@dataclass(frozen=True, slots=True)
class Line:
    """A line and those below it.

    Attributes:
        text: The line.
        kind: What it is.
        below: The lines that belong to it.
    """

    text: str
    kind: Kind = Kind.TEXT
    below: tuple["Line", ...] = ()


def heading(text: str, *below: Line) -> Line:
    """Make a heading.

    Args:
        text: The heading.
        below: What stands under it.

    Returns:
        The line.
    """
    return Line(text, Kind.HEADING, below)


def texts(*given: str) -> tuple[Line, ...]:
    """Make lines of plain text.

    Args:
        given: The texts.

    Returns:
        A line for each.
    """
    return tuple(Line(text) for text in given)


def commands(*given: str) -> tuple[Line, ...]:
    """Make lines to be pasted into a shell, which are never broken.

    Args:
        given: The commands.

    Returns:
        A line for each.
    """
    return tuple(Line(text, Kind.COMMAND) for text in given)


def show(lines: Iterable[Line], console: Console | None = None, *, depth: int = 0) -> None:
    """Print lines.

    Args:
        lines: The lines.
        console: Where to; standard output by default.
        depth: How deep they stand below others.
    """
    console = console or Console()
    for line in lines:
        _show(line, depth, console)


def _show(line: Line, depth: int, console: Console) -> None:
    text = Text(printable(line.text), style=line.kind.value)
    if console.is_terminal and line.kind is not Kind.COMMAND:
        console.print(Padding(text, (0, 0, 0, depth * _INDENT)))
    else:
        console.print(Text(" " * depth * _INDENT).append_text(text), soft_wrap=True)
    for each in line.below:
        _show(each, depth + 1, console)
