"""The groups of figures, by the names that ``python -m benchmarks`` takes."""

from collections.abc import Callable, Mapping

from benchmarks import (
    cold,
    everything_on,
    growth,
    growth_stores,
    imports,
    in_process,
    load,
    matrix,
    memory,
    parameters,
    parts,
    records,
    redis_store,
    retries,
    served,
    shutdown,
    stores,
    stores_async,
    tail,
    telemetry,
    tokens,
)
from benchmarks.report import Report, Table

THREAD = "through a thread, 1 at once"
Measured = Mapping[str, list[float]]


def _simple(
    key: str, title: str, measure: Callable[..., Measured], base: str | None, full: int, quick: int
) -> Callable[[Report], None]:
    def run(report: Report) -> None:
        report.add(Table(key, title, "us", base, dict(measure(rounds=report.choose(full, quick)))))

    return run


def _tokens(report: Report) -> None:
    measured = tokens.measure(rounds=report.choose(40, 15))
    base = "Basic and a bare RSA verification"
    both = [one + other for one, other in zip(measured["Basic"], measured["bare RSA verification"], strict=True)]
    report.add(Table("tokens", "a call with a token seen for the first time", "us", base, {base: both} | measured))


def _imports(report: Report) -> None:
    measured = imports.measure(rounds=report.choose(15, 5))
    for key, unit, position in (("time", "ms", 0), ("memory", "KiB", 1)):
        rows = {statement: [value[position] for value in values] for statement, values in measured.items()}
        report.add(Table(f"imports: {key}", f"{key} of an import", unit, "import flask", rows))


GROUPS: dict[str, Callable[[Report], None]] = {
    "everything-on": _simple(
        "everything-on", "a new call, everything on", everything_on.measure, "hand-written Flask", 40, 12
    ),
    "in-process": _simple("in-process", "a repeated call in process", in_process.measure, "hand-written Flask", 40, 12),
    "parts": parts.measure,
    "tokens": _tokens,
    "retries": _simple("retries", "one call", retries.measure, "without de-duplication", 40, 12),
    "records": _simple("records", "one call", records.measure, "without a record", 300, 60),
    "telemetry": _simple("telemetry", "one call", telemetry.measure, "without OpenTelemetry", 60, 15),
    "parameters": _simple("parameters", "typed parameters", parameters.measure, "without a type", 40, 12),
    "stores": _simple("stores", "acquire and complete", stores.measure, "raw SQLite commands", 60, 20),
    "redis": _simple("redis", "acquire and complete", redis_store.measure, "raw Redis commands", 60, 20),
    "redis-on-loop": _simple(
        "redis-on-loop", "acquire and complete, on an event loop", stores_async.measure, THREAD, 30, 8
    ),
    "imports": _imports,
    "served": _simple("served", "a call through gunicorn", served.measure, "without telemetry", 60, 20),
    "load": load.measure,
    "matrix": matrix.measure,
    "shutdown": shutdown.measure,
    "tail": tail.measure,
    "cold": cold.measure,
    "memory": memory.measure,
    "growth": growth.measure,
    "growth-stores": growth_stores.measure,
}
"""What each does, in the order of a run of all."""
