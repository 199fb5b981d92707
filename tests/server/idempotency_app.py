"""The application whose workers are killed: each effect is noted in the file ``$SERVER_TESTS_EFFECTS``."""

import os
import time
from pathlib import Path

from cxfulfill import BasicAuth, Context, Idempotency, Reply, Webhook
from tests.server.app import PASSWORD, USERNAME

WORK = 0.02
"""Seconds that an effect takes, so that workers are killed in the middle of some."""
LEASE = 2.0

webhook = Webhook(
    auth=BasicAuth(USERNAME, PASSWORD), idempotency=Idempotency(os.environ["SERVER_TESTS_STORE"], lease=LEASE)
)


def note(what: str, call: str) -> None:
    # One write that appends is whole, whoever else writes and whenever the process is killed.
    file = os.open(Path(os.environ["SERVER_TESTS_EFFECTS"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{what} {call} {os.getpid()}\n".encode())
    os.close(file)


@webhook.handler("effect")
def effect(ctx: Context) -> Reply:
    call = str(ctx.parameters["call"])
    note("begin", call)
    time.sleep(WORK)
    note("end", call)
    return Reply(f"Done, {os.urandom(8).hex()}.", parameters={"key": ctx.idempotency_key})


by_default = Webhook(auth=BasicAuth(USERNAME, PASSWORD))
by_default.add_handler("effect", effect)
