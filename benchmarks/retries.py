"""What it costs that a retry runs nothing twice: one new call each time, remembered in memory."""

import time
from collections.abc import Mapping
from itertools import islice

from benchmarks import in_process, workload


def in_turns(
    candidates: Mapping[str, in_process.WsgiApp], body: bytes, rounds: int, calls: int
) -> dict[str, list[float]]:
    """Time calls of applications in turns, a call of its own each time.

    Returns:
        Microseconds a call by candidate.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    fresh = workload.fresh(body)
    for _ in range(rounds):
        bodies = list(islice(fresh, calls))
        for name, app in candidates.items():
            started = time.perf_counter()
            for each in bodies:
                in_process.call(app, body=each)
            times[name].append((time.perf_counter() - started) / calls * 1e6)
    return times


def measure(rounds: int = 40, calls: int = 200) -> dict[str, list[float]]:
    """Time calls with and without it, in turns; each is a call of its own.

    Returns:
        Microseconds a call by candidate.
    """
    candidates = {
        "without de-duplication": in_process.typed(idempotency=None).wsgi,
        "with de-duplication": in_process.typed().wsgi,
    }
    return in_turns(candidates, in_process.BODY, rounds, calls)
