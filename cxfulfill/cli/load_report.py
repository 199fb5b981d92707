"""What ``cxfulfill load`` shows: how it goes, and the figures."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich import box
from rich.bar import Bar
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cxfulfill.cli.outline import Kind
from cxfulfill.simulator.figures import Figures, Twice
from cxfulfill.simulator.load import Plan
from cxfulfill.simulator.percentiles import Durations
from cxfulfill.simulator.printable import printable

_EVERY: Final = 5.0  # seconds between two lines where there is no terminal
_SHARES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_BAR: Final = 40  # columns
_VERDICTS: Final[Mapping[Twice, str]] = {
    "once": "ran once",
    "not_replayed": "not replayed",
    "failed": "failed",
    "unchecked": "not expected to run once",
}


@contextmanager
def watching(console: Console, plan: Plan) -> Iterator[Callable[[Figures], None]]:
    """Show how it goes: a bar on a terminal, else a line now and then.

    Args:
        console: Where to.
        plan: What is done.

    Yields:
        What takes the figures so far.
    """
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (BarColumn(_BAR), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=1.0)

        def watch(figures: Figures) -> None:
            progress.update(task, completed=_done(figures, plan), description=_state(figures))

        yield watch


def report(figures: Figures, plan: Plan, console: Console) -> None:
    """Show the figures.

    Args:
        figures: The figures.
        plan: What was done.
        console: Where to.
    """
    for line in _lines(figures, plan):
        console.print(line)
    if figures.failures:
        console.print(_failures(figures))
    if figures.durations.count:
        console.print(_latencies(figures))
        console.print(_distribution(figures.durations))


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = _EVERY

    def __call__(self, figures: Figures) -> None:
        if figures.seconds >= self._next:
            self._next = figures.seconds + _EVERY
            self._console.print(Text(f"{figures.seconds:.0f} s: {_state(figures)}"))


def _done(figures: Figures, plan: Plan) -> float:
    by_calls = figures.calls / plan.calls if plan.calls else 0.0
    return min(max(figures.seconds / plan.seconds, by_calls), 1.0)


def _state(figures: Figures) -> str:
    return f"{_number(figures.calls, 'call')}, {figures.failed} failed, {figures.rate:.1f} a second"


def _lines(figures: Figures, plan: Plan) -> Iterator[Text]:
    ended = ", interrupted" if figures.is_interrupted else ""
    yield Text(
        f"{_number(figures.calls, 'call')} in {figures.seconds:.1f} s{ended}: "
        f"{figures.rate:.1f} a second, {figures.failed} failed",
        style=(Kind.BAD if figures.failed or not figures.calls else Kind.GOOD).value,
    )
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(figures.statuses.items()))
    yield Text(f"Answers by status: {statuses or 'none'}; replayed: {figures.replayed}")
    yield Text(f"Not answered within {plan.timeout:g} s: {figures.late} ({figures.late_share:.2%})")
    if figures.twice:
        yield Text(_twice(figures))


def _twice(figures: Figures) -> str:
    parts = [f"{figures.twice[verdict]} {name}" for verdict, name in _VERDICTS.items() if figures.twice[verdict]]
    return f"{_number(figures.twice.total(), 'call')} delivered twice: {', '.join(parts)}"


def _failures(figures: Figures) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("failure")
    table.add_column("tag", overflow="fold")
    table.add_column("count", justify="right")
    for (what, tag), count in figures.failures.most_common():
        table.add_row(what, Text(printable(tag)), str(count))
    return table


def _latencies(figures: Figures) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("milliseconds", overflow="fold")
    for name in ("count", *_SHARES, "max"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = sorted(figures.by_tag.items())
    if figures.of_replays.count:
        rows.append(("(replayed)", figures.of_replays))
    for name, durations in [("all", figures.durations), *rows]:
        values = [*map(durations.percentile, _SHARES.values()), durations.longest]
        table.add_row(Text(printable(name)), str(durations.count), *map(_milliseconds, values))
    return table


def _distribution(durations: Durations) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(width=_BAR)
    table.add_column(justify="right", no_wrap=True)
    steps = durations.steps()
    most = max(step.count for step in steps)
    for step in steps:
        table.add_row(f"{step.start * 1000:g} ms", Bar(most, 0, step.count, width=_BAR), str(step.count))
    return table


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
