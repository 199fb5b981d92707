"""The exported agent that a command is about."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cxfulfill.agent.archive import ExportError
from cxfulfill.agent.export import Progress as Told
from cxfulfill.agent.export import read_export
from cxfulfill.agent.model import Agent

_BAR: Final = 40  # columns


def read_agent(path: Path, hint: str = "EXPORT") -> Agent:
    """Read the export of a command's argument; on a terminal a bar tells how it goes.

    Args:
        path: The zip or folder.
        hint: The argument or option that names it.

    Returns:
        The agent.

    Raises:
        click.BadParameter: It cannot be read; the sentence tells why.
    """
    try:
        with _watching() as progress, _without_collector():
            return read_export(path, progress)
    except ExportError as error:
        raise click.BadParameter(str(error), param_hint=hint) from None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python from looking for cycles: thousands of pages have none, and half of the time goes there."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _watching() -> Iterator[Told | None]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("Reading the export"), BarColumn(_BAR), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("")
        yield lambda done, total: bar.update(task, completed=done, total=total)
