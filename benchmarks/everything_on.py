"""The call that matters, in process: a new medium request with everything on, against the hand-written view.

What counts is processor time, of all threads: others who compute on the machine do not. By default a record writes a
line where somebody has configured `logging` to; the shipped settings do, and one candidate is as under them.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from benchmarks import app, in_process, records, workload
from cxfulfill import Webhook
from cxfulfill.server.flask import create_app

_WITH_LINES = "plain WSGI, a line a call"
Calls = Callable[[Sequence[bytes]], Any]
"""Sends requests, one after the other."""


def _wsgi(application: in_process.WsgiApp, bodies: Iterable[bytes]) -> bytes:
    credential, answer = workload.bearer(), b""
    for body in bodies:
        answer = in_process.call(application, credential, body)
    return answer


async def asgi_call(application: Callable[..., Awaitable[None]], body: bytes) -> bytes:
    """Send a request to an ASGI application.

    Args:
        application: The application.
        body: The request.

    Returns:
        The body of the answer.
    """
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/webhook", "raw_path": b"/webhook", "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80), "headers": [
            (b"host", b"localhost"), (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)), (b"authorization", workload.bearer().encode()),
        ],
    }  # fmt: skip
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    await application(scope, receive, send)
    return b"".join(sent)


async def _asgi(application: Callable[..., Awaitable[None]], bodies: Iterable[bytes]) -> bytes:
    answer = b""
    for body in bodies:
        answer = await asgi_call(application, body)
    return answer


def _in_loop(runner: asyncio.Runner, application: Callable[..., Awaitable[None]], bodies: Iterable[bytes]) -> bytes:
    return runner.run(_asgi(application, bodies))


def _asynchronous() -> Webhook:
    webhook = Webhook(auth=workload.id_token())
    webhook.add_handler("book-room", app.asynchronous)
    return webhook


def measure(rounds: int = 40, calls: int = 100) -> dict[str, list[float]]:
    """Time the candidates in turns, a call of its own each time.

    Returns:
        Microseconds a call by candidate.
    """
    times: dict[str, list[float]] = {}
    fresh = workload.fresh(workload.medium())
    log = logging.getLogger("cxfulfill")
    with asyncio.Runner() as runner, records.unhandled() as (text, _):
        logging.lastResort = text
        candidates: dict[str, Calls] = {
            "hand-written Flask": partial(_wsgi, in_process.hand_written()),
            "plain WSGI": partial(_wsgi, workload.application().wsgi),
            "create_app": partial(_wsgi, create_app(workload.application())),
            _WITH_LINES: partial(_wsgi, workload.application().wsgi),
            "ASGI": partial(_in_loop, runner, workload.application().asgi),
            "ASGI, async handler": partial(_in_loop, runner, _asynchronous().asgi),
        }
        if len({json.dumps(json.loads(send([next(fresh)])), sort_keys=True) for send in candidates.values()}) != 1:
            raise AssertionError("the candidates must give one answer")
        for _ in range(rounds):
            bodies = list(islice(fresh, calls))
            for name, send in candidates.items():
                log.setLevel(logging.INFO if name == _WITH_LINES else logging.WARNING)
                started = time.process_time()
                send(bodies)
                times.setdefault(name, []).append((time.process_time() - started) / calls * 1e6)
    return times
