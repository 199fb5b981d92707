"""A deferred handler that works until the file ``$SERVER_TESTS_GO`` is there."""

import os
import time
from pathlib import Path

from cxfulfill import BasicAuth, Context, Idempotency, Reply, Webhook
from tests.server.app import PASSWORD, USERNAME
from tests.server.wire import LIMIT

LEASE = 2.0
webhook = Webhook(
    auth=BasicAuth(USERNAME, PASSWORD), idempotency=Idempotency(os.environ["SERVER_TESTS_STORE"], lease=LEASE)
)


@webhook.handler("quote", deferred=True, pending="One moment…", on_lost="It was lost.", timeout=0.3)
def quote(ctx: Context) -> Reply:
    with Path(os.environ["SERVER_TESTS_EFFECTS"]).open("a") as effects:
        effects.write(f"{os.getpid()}\n")
    ends = time.monotonic() + LIMIT
    while not Path(os.environ["SERVER_TESTS_GO"]).exists() and time.monotonic() < ends:
        time.sleep(0.01)
    return Reply("It is 300 euros.", parameters={"price": 300})
