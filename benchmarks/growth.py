"""How the cost of a call grows: with the request, the tags, the answer, and the connections.

Slopes are of lines through the logarithms: 0 is flat, 1 is linear. Where cost is to be linear at most, the upper half
of the sizes counts, since below that the part that does not grow hides the rest.
"""

import json
import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks import app, bodies, candidates, credentials, figures, in_process, parts, servers, workload, wrk
from benchmarks.report import Report, Table
from cxfulfill import Context, Reply, Webhook

REQUESTS = (1_000, 2_000, 4_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
ANSWERS = (100, 1_000, 4_000, 16_000, 32_000, 60_000)
TAGS = (10, 100, 1_000, 10_000, 100_000)
CONNECTIONS = (1, 4, 16, 64, 256)
CALLS = 50
"""Calls that a small size is timed over."""


def least(measured: Sequence[Callable[[], float]], rounds: int) -> list[float]:
    """Measure all sizes in turns, and take the least of each: what disturbs only adds."""
    values: list[list[float]] = [[] for _ in measured]
    for _ in range(rounds):
        for one, of_one in zip(measured, values, strict=True):
            of_one.append(one())
    return [min(of_one) for of_one in values]


def curve(report: Report, table: Table, slopes: dict[str, str], *, linear: bool = True) -> None:
    """Take a table of curves and the slopes of some.

    Args:
        report: Takes them.
        table: The curves.
        slopes: The names of the slopes, by curve.
        linear: Whether the upper half of the sizes counts, and not all.
    """
    report.add(table)
    first = len(table.sizes) // 2 if linear else 0
    rows = {name: [figures.slope(table.sizes[first:], table.rows[row][first:])] for row, name in slopes.items()}
    report.add(Table("growth: slopes", "slope", "", None, rows))


def _call(application: in_process.WsgiApp, body: bytes, credential: str = in_process.CREDENTIAL) -> float:
    """Tell the processor time of a call, in microseconds; each is one of its own."""
    new = workload.fresh(body)
    made = [next(new) for _ in range(max(CALLS * 3_000 // max(len(body), 3_000), 2))]
    started = time.process_time()
    for each in made:
        in_process.call(application, credential, each)
    return (time.process_time() - started) / len(made) * 1e6


def requests(report: Report) -> None:
    """Grow the request."""
    webhook, view = workload.application().wsgi, in_process.hand_written()
    sent = [bodies.sized(size) for size in REQUESTS]
    sizes = tuple(float(len(body)) for body in sent)
    rounds = report.choose(15, 3)
    rows = {
        "plain WSGI": least([partial(_call, webhook, body, workload.bearer()) for body in sent], rounds),
        "hand-written Flask": least([partial(_call, view, body) for body in sent], rounds),
        "json.loads alone": least([partial(parts.processor_us, partial(json.loads, body), 5) for body in sent], rounds),
    }
    table = Table("growth: request", "a call by the size of its request, bytes", "us", None, rows, sizes)
    curve(report, table, {"plain WSGI": "request, 1 KB to 1 MB"})


def answers(report: Report) -> None:
    """Grow the answer."""
    webhook = Webhook(auth=workload.basic())
    for size in ANSWERS:
        webhook.add_handler(f"answer-{size}", partial(_answer, text="x" * size))
    sent = [bodies.tagged(workload.medium(), f"answer-{size}") for size in ANSWERS]
    costs = least([partial(_call, webhook.wsgi, body) for body in sent], report.choose(15, 4))
    sizes = tuple(map(float, ANSWERS))
    table = Table("growth: answer", "a call by the size of its answer, bytes", "us", None, {"plain WSGI": costs}, sizes)
    curve(report, table, {"plain WSGI": "answer, 100 B to 60 KB"})


def _answer(ctx: Context, text: str) -> Reply:
    return Reply(text)


def tags(report: Report) -> None:
    """Grow the number of tags."""
    counts = report.choose(TAGS, TAGS[:4])
    starts, measured = [], []
    for number in counts:
        began = time.process_time()
        webhook = Webhook(auth=workload.basic())
        for index in range(number):
            webhook.add_handler(f"tag-{index}", app.plain)
        webhook.check()
        starts.append((time.process_time() - began) * 1e3)
        body = bodies.tagged(workload.medium(), f"tag-{number // 2}")
        measured.append(partial(_call, webhook.wsgi, body))
    costs = least(measured, report.choose(20, 6))
    sizes = tuple(map(float, counts))
    calls = Table("growth: tags", "a call by the number of tags", "us", None, {"plain WSGI": costs}, sizes)
    curve(report, calls, {"plain WSGI": "tags, look-up"}, linear=False)
    start = Table("growth: tags, start", "start by the number of tags", "ms", None, {"start": starts}, sizes)
    curve(report, start, {"start": "tags, start"})


def connections(report: Report) -> None:
    """Grow the number of connections, each with a call at a time."""
    body = workload.medium()
    counts = report.choose(CONNECTIONS, (1, 16, 256))
    names = {
        candidates.SYNC: "connections, gunicorn sync", candidates.SHIPPED: "connections, shipped settings",
        candidates.UVICORN: "connections, uvicorn",
    }  # fmt: skip
    costs: dict[str, list[float]] = {}
    speeds: dict[str, list[float]] = {}
    with credentials.folder() as keys:
        wanted = [each for each in candidates.ours_served(keys) if each.name in names]
        with servers.all_started(wanted, body, candidates.ANSWER) as (running, _):
            for server in running:
                name = server.candidate.name
                loads = _loads(server, body, counts, report)
                costs[name] = [min(load.cost for load in of_one) for of_one in loads]
                speeds[name] = [max(load.per_second for load in of_one) for of_one in loads]
    sizes = tuple(map(float, counts))
    report.add(Table("growth: connections, requests/s", "requests/s by connections", "1/s", None, speeds, sizes))
    table = Table("growth: connections", "processor time by connections", "us", None, costs, sizes)
    curve(report, table, names, linear=False)


def _loads(server: servers.Server, body: bytes, counts: Sequence[int], report: Report) -> list[list[wrk.Load]]:
    loads: list[list[wrk.Load]] = [[] for _ in counts]
    for _ in range(report.choose(4, 1)):
        for number, of_one in zip(counts, loads, strict=True):
            of_one.append(wrk.run(server, body, seconds=report.choose(2, 1), connections=number))
    return loads


def measure(report: Report) -> None:
    """Grow all of it."""
    for grow in (requests, answers, tags, connections):
        grow(report)
