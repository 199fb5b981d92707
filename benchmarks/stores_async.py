"""What a Redis client of the server's own event loop spares: acquire and complete there against through a thread."""

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.stores import ANSWER, LEASE, OWNER, TTL
from cxfulfill.event_loop import Loop
from cxfulfill.idempotency.guard import GuardedStore, Trip
from cxfulfill.idempotency.redis import RedisStore
from cxfulfill.idempotency.store import Acquired
from cxfulfill.workers import Workers
from tests.servers.redis_server import RedisServer

AT_ONCE = (1, 16)
"""Calls that are under way at a time."""
Keys = list[str]


async def _no_body(limit: int, timeout: float) -> bytes:
    raise AssertionError("nothing is read")


async def make_calls(loop: Loop, store: GuardedStore, trip: "type[partial[object]]", keys: Keys) -> None:
    """Acquire and complete one key after the other."""
    for key in keys:
        outcome = await loop.block(trip(store.acquire, key, owner=OWNER, fingerprint="", lease=LEASE))
        if not isinstance(outcome, Acquired):
            raise TypeError("every key is new")
        await loop.block(trip(store.complete, outcome.lease, ANSWER, ttl=TTL))


@asynccontextmanager
async def serving(server: RedisServer) -> AsyncIterator[tuple[Loop, GuardedStore]]:
    workers, store = Workers(), GuardedStore(RedisStore(server.url))
    try:
        yield Loop(workers, _no_body), store
    finally:
        await asyncio.to_thread(store.close)
        await asyncio.to_thread(workers.close)


async def _measure(server: RedisServer, rounds: int, calls: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    numbers = count()
    async with serving(server) as (loop, store):
        # A plain partial is a function as any other: it runs in a thread.
        ways: dict[str, type[partial[object]]] = {"through a thread": partial, "on the loop": Trip}
        for _ in range(rounds):
            for at_once in AT_ONCE:
                for name, trip in ways.items():
                    keys = [hashlib.sha256(str(next(numbers)).encode()).hexdigest() for _ in range(calls)]
                    parts = [keys[start::at_once] for start in range(at_once)]
                    started = time.process_time()
                    await asyncio.gather(*(make_calls(loop, store, trip, part) for part in parts))
                    spent = (time.process_time() - started) / calls * 1e6
                    times.setdefault(f"{name}, {at_once} at once", []).append(spent)
    return times


def measure(rounds: int = 30, calls: int = 96) -> dict[str, list[float]]:
    """Measure both ways in turns, over TCP on this machine.

    Returns:
        Microseconds of processor time of this process and all its threads for both steps, a value a round, by way and
        calls at once.
    """
    with tempfile.TemporaryDirectory() as folder, closing(RedisServer(Path(folder))) as server:
        return asyncio.run(_measure(server, rounds, calls))
