"""Import time and memory, each in a fresh interpreter."""

import subprocess
import sys

_PROBE = """
import time
def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
before, started = resident(), time.perf_counter()
{statement}
print(time.perf_counter() - started, resident() - before)
"""


def probe(statement: str) -> tuple[float, float]:
    """Run an import in an interpreter of its own.

    Returns:
        Milliseconds and KiB.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(statement=statement)], capture_output=True, check=True, text=True
    )
    seconds, kib = done.stdout.split()
    return float(seconds) * 1e3, float(kib)


def measure(rounds: int = 15) -> dict[str, list[tuple[float, float]]]:
    """Import the candidates in turns.

    Returns:
        Milliseconds and KiB by statement.
    """
    statements = ("import flask", "import cxfulfill", "from cxfulfill import Webhook")
    results: dict[str, list[tuple[float, float]]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        for statement in statements:
            results[statement].append(probe(statement))
    return results
