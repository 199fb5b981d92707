"""Load over loopback: requests a second and processor time a request, of ours and of the others, in turns."""

from collections.abc import Callable
from typing import TypeVar

from benchmarks import bodies, candidates, credentials, servers, workload, wrk
from benchmarks.report import Report, Table

T = TypeVar("T")

LARGE = 29_000
"""Bytes of the large request."""


def measure(report: Report) -> None:
    """Load all candidates with the medium request, and those of the bounds with a large one."""
    with credentials.folder() as keys:
        ours = candidates.ours_served(keys)
        everyone = [*candidates.peers(keys), *ours]
        _in_turns(report, "load", everyone, workload.medium(), rounds=report.choose(7, 3))
        few = [each for each in everyone if each.name in (candidates.HAND_WRITTEN, candidates.GO, candidates.UVICORN)]
        _in_turns(report, "load 29 KB", few, bodies.sized(LARGE), rounds=report.choose(7, 2))
    if not candidates.go_ezcx():
        report.skip(f"{candidates.GO}: no command line of a server in {candidates.GO_EZCX}")


def _in_turns(report: Report, key: str, wanted: list[servers.Candidate], body: bytes, *, rounds: int) -> None:
    with servers.all_started(wanted, body, candidates.ANSWER) as (running, faults):
        for fault in faults:
            report.skip(fault)
        loads = in_turns(
            running, lambda server: wrk.run(server, body, seconds=report.choose(3, 1)), rounds, warm=not report.quick
        )
    size, base = f"{len(body) / 1000:.1f} KB, 8 connections", candidates.HAND_WRITTEN
    speeds = {name: [load.per_second for load in of_one] for name, of_one in loads.items()}
    report.add(Table(f"{key}: requests/s", f"requests/s, {size}", "1/s", base, speeds))
    costs = {name: [load.cost for load in of_one] for name, of_one in loads.items()}
    name = "processor time a request"
    report.add(Table(f"{key}: {name}", f"{name}, {size}", "us", base, costs))


def in_turns(
    running: list[servers.Server], measured: Callable[[servers.Server], T], rounds: int, *, warm: bool = True
) -> dict[str, list[T]]:
    """Measure servers in turns, A B A B.

    Args:
        running: The servers.
        measured: Measures one.
        rounds: How many values there are to be of each.
        warm: Whether a round that does not count goes first.

    Returns:
        The values by candidate.
    """
    results: dict[str, list[T]] = {server.candidate.name: [] for server in running}
    for counts in [False] * warm + [True] * rounds:
        for server in running:
            value = measured(server)
            if counts:
                results[server.candidate.name].append(value)
    return results
