"""How the cost of a store grows with the keys that it holds: new keys, and look-ups of kept ones.

`MemoryStore` is bounded (10,000 records by default): here its bound is raised, to show that a larger one costs no more
a call. SQLite's file and Redis are filled beside the store, with copies of a record that the store has written.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

from benchmarks.growth import curve
from benchmarks.report import Report, Table
from benchmarks.stores import LEASE, OWNER, TTL
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.redis import RedisStore
from cxfulfill.idempotency.sqlite import SqliteStore
from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore
from tests.servers.redis_server import RedisServer

ANSWER = bytes(100)
MODEL = hashlib.sha256(b"model").hexdigest()
BYTES_A_KEY = 500
"""What a key needs at most, of memory or disk; where there is less, fewer keys are held."""
CALLS = 200
Filled = tuple[Callable[[int], IdempotencyStore], Callable[[int, int], str]]
"""What fills a store to a size and gives it, and what gives its key of a number, by size."""
_numbers = count()
_CHUNK = 20_000
FILLED = "filled:"
_COPY = """
local value = redis.call('GET', KEYS[1])
for number = ARGV[1], ARGV[2] do
    redis.call('SET', ARGV[3] .. string.format('%064x', number), value, 'PX', 86400000)
end
"""


def new_key(store: IdempotencyStore, key: str) -> None:
    """Acquire and complete."""
    outcome = store.acquire(key, owner=OWNER, fingerprint="", lease=LEASE)
    if not isinstance(outcome, Acquired) or not store.complete(outcome.lease, ANSWER, ttl=TTL):
        raise AssertionError("every key is new")


def kept_key(store: IdempotencyStore, key: str) -> None:
    """Look up what is completed."""
    if store.acquire(key, owner=OWNER, fingerprint="", lease=LEASE) != Completed("", ANSWER):
        raise AssertionError("every key is kept")


def times(store: IdempotencyStore, key_of: Callable[[int], str], size: int, rounds: int) -> tuple[float, float]:
    """Time a store with the keys that it holds.

    Args:
        store: The store.
        key_of: Gives a key that it was filled with.
        size: How many there are.
        rounds: How often.

    Returns:
        Microseconds for a new key, and for any of those kept: the least of all rounds.
    """
    any_of_them = Random(size)
    fresh: list[float] = []
    kept: list[float] = []
    for _ in range(rounds):
        keys = [hashlib.sha256(str(next(_numbers)).encode()).hexdigest() for _ in range(CALLS)]
        held = [key_of(any_of_them.randrange(size)) for _ in range(CALLS)]
        for step, values, used in ((new_key, fresh, keys), (kept_key, kept, held)):
            started = time.perf_counter()
            for key in used:
                step(store, key)
            values.append((time.perf_counter() - started) / CALLS * 1e6)
    return min(fresh), min(kept)


@contextmanager
def memory(sizes: Sequence[int]) -> Iterator[Filled]:
    """Give memory stores, filled by their own methods."""
    store = MemoryStore(max_records=max(sizes) + 1_000_000, max_bytes=2**40)

    def fill(size: int) -> IdempotencyStore:
        for number in range(len_of[0], size):
            new_key(store, f"{number:064x}")
        len_of[0] = size
        return store

    len_of = [0]
    yield fill, lambda _, number: f"{number:064x}"


@contextmanager
def sqlite(sizes: Sequence[int]) -> Iterator[Filled]:
    """Give SQLite stores, each with a file of its own."""
    with tempfile.TemporaryDirectory(prefix="cxfulfill-bench-") as folder:
        opened: list[SqliteStore] = []

        def fill(size: int) -> IdempotencyStore:
            for store in opened:
                store.close()
            file = Path(folder, "store.sqlite3")
            for old in Path(folder).iterdir():
                old.unlink()
            opened[:] = [SqliteStore(file)]
            new_key(opened[0], MODEL)
            fill_sqlite(file, size)
            return opened[0]

        yield fill, lambda size, number: f"{number * (2**60 // size):016x}"
        for store in opened:
            store.close()


def fill_sqlite(file: Path, size: int) -> None:
    """Copy the model record under keys that are spread evenly.

    Args:
        file: A file of `SqliteStore`'s.
        size: How many.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        (table,) = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] != "key"]
        listed = ", ".join(columns)
        step = 2**60 // size
        db.execute(
            f"WITH RECURSIVE numbers(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers LIMIT {size}) "
            f"INSERT INTO {table} (key, {listed}) SELECT printf('%016x', number * {step}), {listed} "
            f"FROM numbers, {table} WHERE key = ?",
            (MODEL,),
        )


@contextmanager
def redis(sizes: Sequence[int]) -> Iterator[Filled]:
    """Give a Redis store, whose server is filled further and further."""
    with (
        tempfile.TemporaryDirectory(prefix="cxfulfill-bench-") as folder,
        closing(RedisServer(Path(folder))) as server,
        closing(RedisStore(server.url)) as store,
    ):
        new_key(store, MODEL)
        (model,) = server.client.keys()
        copy = server.client.register_script(_COPY)

        def fill(size: int) -> IdempotencyStore:
            for first in range(0, size, _CHUNK):
                last = min(first + _CHUNK, size) - 1
                copy(keys=[model], args=[first, last, model.decode().removesuffix(MODEL) + FILLED])
            return store

        yield fill, lambda _, number: f"{FILLED}{number:064x}"


STORES = {"MemoryStore": (memory, 1_000_000), "SqliteStore": (sqlite, 10_000_000), "RedisStore": (redis, 10_000_000)}
"""How each is filled, and to how many keys."""


def measure(report: Report) -> None:
    """Fill each store in steps of ten."""
    for name, (made, most) in STORES.items():
        sizes = [size for size in (10**power for power in range(3, 8)) if size <= report.choose(most, 100_000)]
        room = shutil.disk_usage(tempfile.gettempdir()).free if name == "SqliteStore" else _free_memory()
        fits = [size for size in sizes if size * BYTES_A_KEY < room]
        if len(fits) < len(sizes):
            report.skip(f"{name} with {sizes[-1]:,} keys: there is too little room")
        with made(fits) as (fill, key_of):
            rounds = report.choose(30, 10)
            measured = [times(fill(size), partial(key_of, size), size, rounds) for size in fits]
        rows = {"a new key": [fresh for fresh, _ in measured], "a kept key": [kept for _, kept in measured]}
        table = Table(
            f"growth: keys, {name}", f"{name} by the keys that it holds", "us", None, rows, tuple(map(float, fits))
        )
        curve(report, table, {"a new key": f"keys, {name}", "a kept key": f"kept keys, {name}"}, linear=False)


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
