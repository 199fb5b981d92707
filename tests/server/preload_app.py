"""The application of the tests of ``--preload``: what is done in each process, it notes."""

import json
import logging
import os
from pathlib import Path

from cxfulfill import AnyOf, BasicAuth, Context, GoogleIdToken, KeyDocument, Reply, Webhook
from tests.auth.tokens_support import K1, jwk

USERNAME = "cx"
PASSWORD = "pä:ss-of-the-server-tests"
logging.getLogger("cxfulfill").setLevel(logging.ERROR)


def note(what: str) -> None:
    with Path(os.environ["SERVER_TESTS_RUNS"]).open("a") as runs:
        runs.write(f"{what} {os.getpid()}\n")


class Source:
    """Gives keys, and notes which process has asked."""

    def fetch(self) -> KeyDocument:
        note("fetches")
        return KeyDocument(json.dumps({"keys": [jwk(K1, "k1")]}).encode())


google = GoogleIdToken(audience="https://wh.example/cx", project_number=123, keys=Source())
webhook = Webhook(auth=AnyOf(BasicAuth(USERNAME, PASSWORD), google))
webhook.on_startup(lambda: note("starts"))


@webhook.handler("plain")
def plain(ctx: Context) -> Reply:
    note("runs")
    return Reply("plain")


note("loads")
