"""The application of the tests of start, stop and overload: a handler that takes a while, and hooks that tell of it.

Each run and each hook adds a line to the file ``$SERVER_TESTS_RUNS``.
"""

import os
import time
from pathlib import Path

from cxfulfill import BasicAuth, Context, Reply, Webhook

USERNAME = "cx"
PASSWORD = "pä:ss-of-the-server-tests"
TAKES = 0.2
"""Seconds that a call takes."""


def note(what: str) -> None:
    with Path(os.environ["SERVER_TESTS_RUNS"]).open("a") as runs:
        runs.write(f"{what} {os.getpid()}\n")


webhook = Webhook.from_env(auth=BasicAuth(USERNAME, PASSWORD))


@webhook.on_startup
def opens() -> None:
    note("opens")


@webhook.on_startup
async def opens_too() -> None:
    note("opens-too")


@webhook.on_shutdown
async def closes() -> None:
    note("closes")


@webhook.handler("work")
def work(ctx: Context) -> Reply:
    note("run")
    time.sleep(TAKES)
    return Reply(parameters={"pid": os.getpid()})
