"""What it costs that a retry runs nothing twice: one new call each time, remembered in memory."""

import time
from collections.abc import Iterator
from itertools import count, islice
from statistics import median

from benchmarks import in_process
from cxfulfill import BasicAuth, Context, Idempotency, Reply, Webhook

TURN = b"6c05a8e4-d391-4b7f-85c2-f16e7d3b90a4"
SESSION = b"dfMessenger-58640317"


_numbers = count()


def new_calls(body: bytes) -> Iterator[bytes]:
    """Make calls of a request, each with a turn and a session of its own."""
    if TURN not in body or SESSION not in body:
        raise AssertionError("the request has another id")
    for each in _numbers:
        number = b"%032x" % each
        yield body.replace(TURN, number).replace(SESSION, number)


def application(*, remembers: bool) -> Webhook:
    policy = Idempotency() if remembers else None
    webhook = Webhook(auth=BasicAuth("cx", in_process.PASSWORD), idempotency=policy)

    @webhook.handler("book-room")
    def book_room(ctx: Context, stay: in_process.Stay) -> Reply:
        return Reply(in_process.TEXT, parameters=in_process.CHANGES)

    return webhook


def measure(rounds: int = 40, calls: int = 200) -> dict[str, float]:
    """Time calls with and without it, in turns; each is a call of its own.

    Returns:
        Median microseconds a call by candidate.
    """
    candidates = {
        "without de-duplication": application(remembers=False).wsgi,
        "with de-duplication": application(remembers=True).wsgi,
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    fresh = new_calls(in_process.BODY)
    for _ in range(rounds):
        bodies = list(islice(fresh, calls))
        for name, app in candidates.items():
            started = time.perf_counter()
            for body in bodies:
                in_process.call(app, body=body)
            times[name].append((time.perf_counter() - started) / calls * 1e6)
    return {name: median(values) for name, values in times.items()}
