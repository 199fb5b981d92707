"""What must hold, in one place; ``make bench`` fails where it does not.

Each ratio is to the base of its table (see there), measured in turns in one run.
"""

from dataclasses import dataclass

from benchmarks import candidates


@dataclass(frozen=True)
class Bound:
    """What a row of a table must keep to.

    Attributes:
        table: The table's key.
        row: The row's name.
        limit: The ratio; where the table has no base, the value.
        at_least: Whether the limit is the least, and not the most.
        base: Another row than the table's base to divide by.
    """

    table: str
    row: str
    limit: float
    at_least: bool = False
    base: str | None = None

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps to it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        kind = "at least" if self.at_least else "at most"
        against = f" of {self.base}" if self.base else ""
        return f"{kind} {self.limit:.2f}{against}"


_COST = "processor time a request"

BOUNDS = (
    # The call that matters, everything on, against what people write by hand.
    Bound("everything-on", "plain WSGI", 0.60),
    Bound("everything-on", "create_app", 1.30),
    Bound("load: requests/s", candidates.SYNC, 1.10, at_least=True),
    Bound(f"load: {_COST}", candidates.UVICORN, 0.40),
    Bound(f"load: {_COST}", candidates.UVICORN, 1.00, base=candidates.GO),
    Bound(f"load 29 KB: {_COST}", candidates.UVICORN, 0.30, base=candidates.GO),
    Bound(f"load: {_COST}", candidates.ASGI, 0.58),
    Bound("cold", "ours, shipped settings, Basic", 1.25),
    Bound("cold", "ours, shipped settings, ID token", 1.50),
    Bound("memory", "ours, shipped settings, ID token", 1.40),
    Bound("tail", candidates.SYNC, 1.30),
    Bound("tail", candidates.SHIPPED, 1.30),
    Bound("tail", candidates.UVICORN, 1.30),
    # What a part may add to the least that does its work.
    Bound("in-process", "plain WSGI", 1.00),
    Bound("in-process", "create_app", 1.60),
    Bound("imports: time", "import cxfulfill", 0.80),
    Bound("tokens", "Google ID token", 1.50),
    Bound("retries", "with de-duplication", 1.15),
    Bound("records", "with a record", 1.10),
    Bound("records", "with a record as text", 1.25),
    Bound("records", "with a record as JSON", 1.25),
    Bound("telemetry", "all of OpenTelemetry", 1.25, base="bare spans and measurements"),
    Bound("served", "with JSON records", 1.10),
    Bound("served", "with OpenTelemetry", 1.25),
    Bound("parameters", "pydantic model", 1.15),
    Bound("parameters", "marshmallow schema", 2.00, base="pydantic model"),
    Bound("stores", "SqliteStore", 1.50),
    Bound("redis", "RedisStore", 1.50),
    Bound("redis-on-loop", "on the loop, 1 at once", 0.80),
    # How cost grows: the slopes of lines through the logarithms, 0 for flat and 1 for linear.
    Bound("growth: slopes", "request, 1 KB to 1 MB", 1.15),
    Bound("growth: slopes", "answer, 100 B to 60 KB", 1.15),
    Bound("growth: slopes", "tags, look-up", 0.10),
    Bound("growth: slopes", "tags, start", 1.15),
    Bound("growth: slopes", "connections, gunicorn sync", 0.15),
    Bound("growth: slopes", "connections, shipped settings", 0.15),
    Bound("growth: slopes", "connections, uvicorn", 0.15),
    Bound("growth: slopes", "keys, MemoryStore", 0.15),
    Bound("growth: slopes", "keys, SqliteStore", 0.15),
    Bound("growth: slopes", "keys, RedisStore", 0.15),
    Bound("growth: slopes", "kept keys, MemoryStore", 0.15),
    Bound("growth: slopes", "kept keys, SqliteStore", 0.15),
    Bound("growth: slopes", "kept keys, RedisStore", 0.15),
)  # fmt: skip


def of(table: str, row: str) -> list[Bound]:
    """Find the bounds of a row."""
    return [bound for bound in BOUNDS if (bound.table, bound.row) == (table, row)]
