"""The tail: what 99 % of the calls take at most at 80 % of what a server bears, with 20 % duplicates and without.

A duplicate comes right behind its first call, and so joins it, or is answered from memory. What a server bears is
measured anew in each round, since on a machine that others use it changes. Of all rounds the least p99 of each way
counts: what disturbs only adds, and a single pause of the machine makes a round's p99.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import candidates, credentials, figures, servers, workload, wrk
from benchmarks.report import Report, Table

LOAD = 0.8
CONNECTIONS = 256
NAMES = (candidates.SYNC, candidates.SHIPPED, candidates.UVICORN)
_WAYS = {"without duplicates": 0, "20 % duplicates": wrk.EVERY_FIFTH}


def constant_rate(server: servers.Server, body: bytes, *, rate: float, seconds: float, every: int) -> dict[str, Any]:
    """Call a server at a constant rate.

    Args:
        server: Which one.
        body: The request, of `workload`.
        rate: Calls a second.
        seconds: For how long.
        every: Every how many requests one is sent twice; 0 for none.

    Returns:
        What `open_loop.Generator.go` tells.

    Raises:
        RuntimeError: Calls failed.
    """
    with tempfile.TemporaryDirectory(prefix="cxfulfill-bench-") as folder:
        file = Path(folder, "request")
        file.write_bytes(wrk.raw_request(body, servers.headers(server.candidate)))
        given = {
            "port": server.port, "file": str(file), "marker": wrk.MARKER.decode(), "run": wrk.next_run(),
            "rate": rate, "seconds": seconds, "every": every, "limit": CONNECTIONS,
        }  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.open_loop"]
        done = subprocess.run(command, check=True, input=json.dumps(given), stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    if told["failed"]:
        raise RuntimeError(f"{server.candidate.name}: {told['failed']} of {told['sent']} calls failed")
    return told


def measure(report: Report) -> None:
    """Find each server's limit, and call it below that in turns, with duplicates and without."""
    body = workload.medium()
    times: dict[str, list[float]] = {}
    lateness: dict[str, list[float]] = {}
    seconds = report.choose(4.0, 1.0)
    with credentials.folder() as keys:
        names = report.choose(NAMES, NAMES[1:])
        wanted = [each for each in candidates.ours_served(keys) if each.name in names]
        with servers.all_started(wanted, body, candidates.ANSWER) as (running, faults):
            for fault in faults:
                report.skip(fault)
            for number in range(report.choose(9, 3)):
                for server in running:
                    rate = LOAD * wrk.run(server, body, seconds=1).per_second
                    for way in sorted(_WAYS, reverse=number % 2 == 0):
                        told = constant_rate(server, body, rate=rate, seconds=seconds, every=_WAYS[way])
                        name = f"{server.candidate.name}, {way}"
                        times.setdefault(name, []).append(figures.percentile(told["ms"], 0.99))
                        lateness.setdefault(name, []).append(figures.percentile(told["late_ms"], 0.99))
    report.add(Table("tail: p99", "99 % of the calls take at most, at 80 % load", "ms", None, times))
    report.add(Table("tail: generator", "99 % of the calls are sent late by at most", "ms", None, lateness))
    without, duplicated = _WAYS
    divided = {
        server.candidate.name: [
            min(times[f"{server.candidate.name}, {duplicated}"]) / min(times[f"{server.candidate.name}, {without}"])
        ]
        for server in running
    }
    report.add(Table("tail", "p99 with 20 % duplicates to p99 without", "ratio", None, divided))
