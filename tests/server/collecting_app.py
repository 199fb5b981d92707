"""An application that tells how Python's garbage collector is set: while it is loaded, and in a call."""

import gc
import os

from cxfulfill import BasicAuth, Context, Reply, Webhook
from tests.server.app import PASSWORD, USERNAME

webhook = Webhook(auth=BasicAuth(USERNAME, PASSWORD))
loading = gc.get_threshold()[0]
if "OWN_THRESHOLD" in os.environ:
    gc.set_threshold(int(os.environ["OWN_THRESHOLD"]))


@webhook.handler("plain")
def plain(ctx: Context) -> Reply:
    seen = {"loading": loading, "serving": gc.get_threshold()[0], "on": gc.isenabled(), "left": gc.get_freeze_count()}
    return Reply(parameters=seen)
