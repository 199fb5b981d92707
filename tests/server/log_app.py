"""The application of the tests of the log, whose servers run it in processes of their own.

How it configures logging is named by ``$SERVER_TESTS_LOGGING``; by default it does not.
"""

import logging
import os
import sys

from cxfulfill import AllowUnauthenticated, Context, Webhook

_OWN = {"stream": sys.stderr, "format": "own %(levelname)s %(name)s %(message)s"}

match os.environ.get("SERVER_TESTS_LOGGING"):
    case "root":
        logging.basicConfig(**_OWN)  # type: ignore[arg-type]
    case "root-info":
        logging.basicConfig(**_OWN, level=logging.INFO)  # type: ignore[arg-type]
    case "cxfulfill":
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(str(_OWN["format"])))
        logging.getLogger("cxfulfill").addHandler(handler)
    case "level":
        logging.getLogger("cxfulfill").setLevel(logging.ERROR)

webhook = Webhook(auth=AllowUnauthenticated())


@webhook.handler("plain")
def plain(ctx: Context) -> str:
    logging.getLogger("somebody").warning("a library warns")
    logging.getLogger("somebody").info("a library chats")
    ctx.log.info("a handler tells")
    return "Hello."
