"""What the Redis store adds to its client, on a real server: acquire and complete against the same two raw commands."""

import hashlib
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

from redis import Redis

from benchmarks.stores import ANSWER, LEASE, OWNER, TTL
from cxfulfill.idempotency.redis import RedisStore
from cxfulfill.idempotency.store import Acquired
from tests.servers.redis_server import RedisServer


def redis_commands(client: Redis, key: str) -> None:
    taken = client.set(f"raw:{key}", OWNER, nx=True, get=True, px=int(LEASE * 1000))
    if taken is not None or not client.set(f"raw:{key}", ANSWER, px=int(TTL * 1000)):
        raise AssertionError("every key is new")


def store_calls(store: RedisStore, key: str) -> None:
    outcome = store.acquire(key, owner=OWNER, fingerprint="", lease=LEASE)
    if not isinstance(outcome, Acquired) or not store.complete(outcome.lease, ANSWER, ttl=TTL):
        raise AssertionError("every key is new")


def measure(rounds: int = 60, calls: int = 50) -> dict[str, list[float]]:
    """Time the raw commands and the store in turns, over TCP on this machine.

    Returns:
        Microseconds for both steps, by candidate.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(RedisServer(Path(folder))) as server,
        closing(Redis.from_url(server.url)) as client,
        closing(RedisStore(server.url)) as store,
    ):
        candidates: dict[str, Callable[[str], None]] = {
            "raw Redis commands": partial(redis_commands, client),
            "RedisStore": partial(store_calls, store),
        }
        times: dict[str, list[float]] = {name: [] for name in candidates}
        numbers = count()
        for _ in range(rounds):
            keys = [hashlib.sha256(str(next(numbers)).encode()).hexdigest() for _ in range(calls)]
            for name, steps in candidates.items():
                started = time.perf_counter()
                for key in keys:
                    steps(key)
                times[name].append((time.perf_counter() - started) / calls * 1e6)
    return times
