"""What a store adds to its client: acquire and complete against the two raw commands that do the least of it."""

import hashlib
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from cxfulfill.idempotency.sqlite import SqliteStore
from cxfulfill.idempotency.store import Acquired

ANSWER = bytes(1_000)
OWNER = "0123456789abcdef" * 2
LEASE, TTL = 15.0, 3_600.0


def raw_sqlite(folder: Path) -> sqlite3.Connection:
    """Open a table of one's own, with the same log and the same care for what is written."""
    db = sqlite3.connect(folder / "raw.sqlite3", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE calls (key TEXT PRIMARY KEY NOT NULL, expires REAL NOT NULL, result BLOB)")
    return db


def sqlite_commands(db: sqlite3.Connection, key: str) -> None:
    db.execute("INSERT OR IGNORE INTO calls (key, expires) VALUES (?, ?)", (key, time.time() + LEASE))
    db.execute("UPDATE calls SET result = ?, expires = ? WHERE key = ?", (ANSWER, time.time() + TTL, key))


def store_calls(store: SqliteStore, key: str) -> None:
    outcome = store.acquire(key, owner=OWNER, fingerprint="", lease=LEASE)
    if not isinstance(outcome, Acquired) or not store.complete(outcome.lease, ANSWER, ttl=TTL):
        raise AssertionError("every key is new")


def measure(rounds: int = 60, calls: int = 50) -> dict[str, list[float]]:
    """Time the raw commands and the store in turns, each on a file of its own in one folder.

    Returns:
        Microseconds for both steps, by candidate.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(raw_sqlite(Path(folder))) as db,
        closing(SqliteStore(Path(folder, "store.sqlite3"))) as store,
    ):
        candidates: dict[str, tuple[Callable[[Any, str], None], Any]] = {
            "raw SQLite commands": (sqlite_commands, db),
            "SqliteStore": (store_calls, store),
        }
        times: dict[str, list[float]] = {name: [] for name in candidates}
        numbers = count()
        for _ in range(rounds):
            keys = [hashlib.sha256(str(next(numbers)).encode()).hexdigest() for _ in range(calls)]
            for name, (steps, client) in candidates.items():
                started = time.perf_counter()
                for key in keys:
                    steps(client, key)
                times[name].append((time.perf_counter() - started) / calls * 1e6)
    return times
