"""Memory: what all processes of a server hold after 500 calls of their own, their shared parts counted once (PSS)."""

from itertools import islice

from benchmarks import bounds, candidates, cold, credentials, servers, workload
from benchmarks.report import Report, Table

CALLS = 500


def mebibytes(candidate: servers.Candidate) -> float:
    """Start a server, call it, and look at its memory.

    Args:
        candidate: Which one.

    Returns:
        MiB.

    Raises:
        servers.NoAnswer: It does not answer.
    """
    with servers.started(candidate) as server:
        server.first_answer(workload.medium(), candidates.ANSWER)
        for body in islice(workload.fresh(workload.medium()), CALLS):
            server.call(body)
        return server.pss_kib() / 1024


def measure(report: Report) -> None:
    """Look at all candidates in turns, one alone at a time: servers that run side by side share memory."""
    sizes: dict[str, list[float]] = {}
    with credentials.folder() as keys:
        wanted = cold.wanted(keys)
        if report.quick:
            wanted = [each for each in wanted if bounds.of("memory", each.name) or each.name == candidates.HAND_WRITTEN]
        for _ in range(report.choose(5, 1)):
            for candidate in wanted:
                try:
                    sizes.setdefault(candidate.name, []).append(mebibytes(candidate))
                except servers.NoAnswer as fault:
                    sizes.pop(candidate.name)
                    report.skip(str(fault))
    report.add(Table("memory", f"memory (PSS) after {CALLS} calls", "MiB", candidates.HAND_WRITTEN, sizes))
