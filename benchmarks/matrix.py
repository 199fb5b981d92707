"""All servers and workers beside each other: quick and slow handlers, plain and ``async``, at 1, 8 and 64 connections.

This is the evidence for which worker is the default; `shutdown` is the other half of it.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from benchmarks import bodies, candidates, credentials, load, servers, workload, wrk
from benchmarks.report import Report, Table

BASE = "gunicorn sync, wsgi"
TAGS = {"quick": ("book-room", "book-room-async"), "slow": ("slow", "slow-async")}
"""The tags of a plain handler and an ``async`` one."""


def everything(keys: Path) -> Iterator[servers.Candidate]:
    """Give ours under all servers and workers, one process each, with all handlers."""
    yield from map(candidates.with_all_handlers, _under_all_servers(keys))


def _under_all_servers(keys: Path) -> Iterator[servers.Candidate]:
    workers = {
        "gunicorn sync": ("-k", "sync"),
        "gunicorn gthread 1": ("-k", "gthread", "--threads", "1"),
        "gunicorn gthread 4": ("-k", "gthread", "--threads", "4"),
        "gunicorn gthread 8": ("-k", "gthread", "--threads", "8"),
        "shipped settings": ("-c", "python:cxfulfill.server.gunicorn"),
    }
    for (name, options), application in product(workers.items(), ("app", "flask_app")):
        shown = {"app": "wsgi", "flask_app": "create_app"}[application]
        yield candidates.ours(f"{name}, {shown}", candidates.gunicorn(f"benchmarks.app:{application}", *options), keys)
    yield candidates.ours("gunicorn asgi, asgi", candidates.gunicorn("benchmarks.app:asgi", "-k", "asgi"), keys)
    shipped = candidates.gunicorn("benchmarks.app:asgi", "-c", "python:cxfulfill.server.gunicorn", "-k", "asgi")
    yield candidates.ours("shipped settings, asgi", shipped, keys)
    yield candidates.ours("uvicorn, asgi", candidates.uvicorn("benchmarks.app:asgi"), keys)


def measure(report: Report) -> None:
    """Load all of them in turns, for each kind of handler and number of connections."""
    body = workload.medium()
    with credentials.folder() as keys:
        left_out = report.choose((), ("create_app", "gthread 1", "gthread 4"))
        wanted = [each for each in everything(keys) if not any(name in each.name for name in left_out)]
        with servers.all_started(wanted, body, candidates.ANSWER) as (running, faults):
            for fault in faults:
                report.skip(fault)
            for pace, connections in product(TAGS, report.choose((1, 8, 64), (8,))):
                _beside(report, running, pace, connections)


def _beside(report: Report, running: list[servers.Server], pace: str, connections: int) -> None:
    loads: dict[str, list[wrk.Load]] = {}
    # With one slow call at a time, the last of 64 is answered after more than three seconds.
    seconds = report.choose(4 if pace == "slow" else 2, 1)
    for handler, tag in zip(report.choose(("plain", "async"), ("plain",)), TAGS[pace], strict=False):
        body = bodies.tagged(workload.medium(), tag)

        def loaded(server: servers.Server, body: bytes = body) -> wrk.Load:
            done = wrk.run(server, body, seconds=seconds, connections=connections)
            server.call(body)  # it has then answered what wrk did not wait for
            return done

        measured = load.in_turns(running, loaded, report.choose(3, 1), warm=False)
        loads |= {f"{name}, {handler}": values for name, values in measured.items()}
    key, title = f"matrix: {pace}, {connections}", f"{pace} handler, {connections} connections"
    base = f"{BASE}, plain"
    speeds = {name: [one.per_second for one in values] for name, values in loads.items()}
    report.add(Table(f"{key}: requests/s", f"requests/s, {title}", "1/s", base, speeds))
    costs = {name: [one.cost for one in values] for name, values in loads.items()}
    report.add(Table(f"{key}: processor time", f"processor time, {title}", "us", base, costs))
    late = {name: [one.p99 / 1e3 for one in values] for name, values in loads.items()}
    report.add(Table(f"{key}: p99", f"p99, {title}", "ms", base, late))
