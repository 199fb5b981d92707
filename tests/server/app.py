"""The application that these tests' servers serve; they run it in processes of their own.

Each handler first adds its tag to the file ``$SERVER_TESTS_RUNS``, so that a test sees which handlers ran. The
gated ones then wait until a writer has opened and closed the named pipe ``$SERVER_TESTS_GATE``.
"""

import asyncio
import os
import threading
from pathlib import Path

import flask

from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.server.flask import create_app

USERNAME = "cx"
PASSWORD = "pä:ss-of-the-server-tests"
MAX_BODY = 16_384
LEAK = "db-password-of-the-server-tests"


class Turns:
    """An asynchronous resource as users have them: made at its first use, and bound to the loop of that use."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[asyncio.Future[int]] | None = None
        self._task: asyncio.Task[None] | None = None

    async def next(self) -> int:
        if self._asked is None:
            self._asked = asyncio.Queue()
            self._task = asyncio.create_task(self._serve(self._asked))
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await self._asked.put(answer)
        return await answer

    async def _serve(self, asked: "asyncio.Queue[asyncio.Future[int]]") -> None:
        turn = 0
        while True:
            answer = await asked.get()
            turn += 1
            answer.set_result(turn)


def note(ctx: Context) -> None:
    with Path(os.environ["SERVER_TESTS_RUNS"]).open("a") as runs:
        runs.write(f"{ctx.tag}\n")


def plain(ctx: Context) -> str:
    note(ctx)
    return "Hello."


def gated(ctx: Context) -> str:
    with Path(os.environ["SERVER_TESTS_GATE"]).open() as gate:
        note(ctx)
        gate.read()
    return "Through the gate."


webhook = Webhook(auth=BasicAuth(USERNAME, PASSWORD), max_body=MAX_BODY)
webhook.add_handler("plain", plain)
webhook.add_handler("gated", gated)
webhook.add_handler("gated-watched", gated, timeout=0.2, fallback="Later.")
turns = Turns()


@webhook.handler("async")
async def on_the_loop(ctx: Context) -> Reply:
    note(ctx)
    loop = f"{os.getpid()}/{id(asyncio.get_running_loop())}"
    return Reply("Hello.", parameters={"loop": loop, "turn": await turns.next()})


@webhook.handler("async-plain")
async def without_resource(ctx: Context) -> Reply:
    note(ctx)
    return Reply(parameters={"pid": os.getpid()})


@webhook.handler("threads")
def threads(ctx: Context) -> Reply:
    note(ctx)
    return Reply(parameters={"threads": sorted(thread.name for thread in threading.enumerate())})


@webhook.handler("fail")
def fail(ctx: Context) -> str:
    note(ctx)
    raise ValueError(f"{LEAK} {ctx.parameters}")


@webhook.handler("where")
def where(ctx: Context) -> Reply:
    note(ctx)
    return Reply(parameters={"app": flask.current_app.name, "in-request": flask.has_request_context()})


quick = Webhook(auth=BasicAuth(USERNAME, PASSWORD), path="/quick", timeout=1, max_body=MAX_BODY)
quick.add_handler("plain", plain)

app = create_app(webhook, quick)


def warmed() -> flask.Flask:
    """Give the application after it has answered an async call, as with a warm-up before the fork."""
    call = {"fulfillmentInfo": {"tag": "async-plain"}}
    response = app.test_client().post("/webhook", json=call, auth=(USERNAME, PASSWORD))
    assert response.status_code == 200, response.text
    return app
