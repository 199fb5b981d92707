"""The application of the test of recordings on a real server."""

from cxfulfill import BasicAuth, Context, Webhook
from tests.server.app import PASSWORD, USERNAME

webhook = Webhook.from_env(auth=BasicAuth(USERNAME, PASSWORD))


@webhook.handler("plain")
def plain(ctx: Context) -> str:
    return "Hello."
