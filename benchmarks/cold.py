"""Cold start: from the start of a server's process to its first right answer, in turns."""

import time
from pathlib import Path

from benchmarks import candidates, credentials, servers, workload
from benchmarks.report import Report, Table


def wanted(keys: Path) -> list[servers.Candidate]:
    """Give the candidates: ours as it is shipped and in other ways, and the others."""
    flask_app = candidates.gunicorn("benchmarks.app:flask_app", "-c", "python:cxfulfill.server.gunicorn")
    return [
        *candidates.peers(keys),
        candidates.ours("ours, shipped settings, Basic", candidates.SHIPPED_SETTINGS, None),
        candidates.ours("ours, shipped settings, ID token", candidates.SHIPPED_SETTINGS, keys),
        candidates.with_all_handlers(
            candidates.ours("ours, async handlers, shipped settings, Basic", candidates.SHIPPED_SETTINGS, None)
        ),
        candidates.ours("ours, create_app, shipped settings, Basic", flask_app, None),
        candidates.ours("ours, create_app, shipped settings, ID token", flask_app, keys),
        candidates.ours("ours, uvicorn, ID token", candidates.uvicorn("benchmarks.app:asgi"), keys),
    ]


def milliseconds(candidate: servers.Candidate, body: bytes) -> float:
    """Start a server, and end it once it has answered.

    Args:
        candidate: Which one.
        body: The request.

    Returns:
        Milliseconds to the first right answer.

    Raises:
        servers.NoAnswer: It gives none.
    """
    began = time.perf_counter()
    with servers.started(candidate) as server:
        return (server.first_answer(body, candidates.ANSWER) - began) * 1e3


def measure(report: Report) -> None:
    """Start all candidates in turns, after a round that does not count."""
    body = workload.medium()
    times: dict[str, list[float]] = {}
    with credentials.folder() as keys:
        left_out = report.choose((), ("create_app", "async handlers"))
        running = [each for each in wanted(keys) if not any(name in each.name for name in left_out)]
        for counts in [False] + [True] * report.choose(20, 3):
            for candidate in list(running):
                try:
                    took = milliseconds(candidate, body)
                except servers.NoAnswer as fault:
                    report.skip(str(fault))
                    running.remove(candidate)
                    continue
                if counts:
                    times.setdefault(candidate.name, []).append(took)
    report.add(Table("cold", "process start to first right answer", "ms", candidates.HAND_WRITTEN, times))
