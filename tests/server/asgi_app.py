"""The application that these tests' ASGI servers serve: plain and ``async`` handlers, a route, and hooks."""

import asyncio
import os

from cxfulfill import BasicAuth, Context, FlexibleContext, Reply, Webhook
from tests.server.app import MAX_BODY, PASSWORD, USERNAME, gated, note, plain
from tests.server.load_app import note as note_line

webhook = Webhook(
    auth=BasicAuth(USERNAME, PASSWORD),
    max_body=MAX_BODY,
    timeout=20,
    idempotency=os.environ.get("TEST_STORE", "memory://"),
)
webhook.add_handler("plain", plain)
webhook.add_handler("gated", gated)
loops: list[asyncio.AbstractEventLoop] = []


@webhook.on_startup
def opens() -> None:
    note_line("opens")


@webhook.on_startup
async def opens_too() -> None:
    loops.append(asyncio.get_running_loop())
    note_line("opens-too")


@webhook.on_shutdown
async def closes() -> None:
    note_line("closes" if asyncio.get_running_loop() is loops[0] else "closes-elsewhere")


@webhook.handler("loop")
async def loop(ctx: Context) -> Reply:
    return Reply(parameters={"shared": asyncio.get_running_loop() is loops[0], "pid": os.getpid()})


@webhook.handler("gated-async")
async def gated_async(ctx: Context) -> str:
    return await asyncio.to_thread(gated, ctx)


@webhook.handler("fails")
async def fails(ctx: Context) -> str:
    note(ctx)
    raise SystemExit("no handler ends the server")


@webhook.flexible("/orders/<id>", methods=["GET", "HEAD"])
async def order(ctx: FlexibleContext) -> dict[str, str]:
    return {"id": ctx.path["id"], "query": ctx.http.query}


app = webhook.asgi
