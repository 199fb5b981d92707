"""The application whose code raises what is no `Exception`, wherever a server runs such code."""

import asyncio
import os
from collections.abc import Generator
from typing import Any

from pydantic import BaseModel, field_validator

from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.annotations import Answer
from cxfulfill.server.flask import create_app
from tests.server.app import PASSWORD, USERNAME


class Panic(BaseException):
    """As libraries in Rust raise one."""


KINDS: dict[str, type[BaseException]] = {
    each.__name__: each for each in (asyncio.CancelledError, GeneratorExit, Panic, SystemExit, KeyboardInterrupt)
}


def harm(place: str, told: str) -> None:
    """Raise what a tag asks for at this place: ``place.Kind``."""
    where, _, kind = told.partition(".")
    if where == place:
        raise KINDS[kind]("canary")


def params_of(tag: str) -> type[BaseModel]:
    class Params(BaseModel):
        said: str

        @field_validator("said")
        @classmethod
        def check(cls, value: str) -> str:
            harm("validator", tag)
            return value

    return Params


def key(ctx: Context) -> str:
    harm("key", ctx.tag)
    return os.urandom(8).hex()


def plain(ctx: Context, params: BaseModel) -> Reply:
    harm("handler", ctx.tag)
    if ctx.tag.startswith("on_error"):
        raise ValueError
    return Reply(parameters={"pid": os.getpid()})


async def on_loop(ctx: Context) -> Reply:
    await asyncio.sleep(0)
    harm("async", ctx.tag)
    return Reply(parameters={"pid": os.getpid()})


def around(call: Any) -> Generator[None, Answer, Answer]:
    harm("middleware", call.tag)
    yield
    return None


def sorry(ctx: Context, error: ValueError) -> str:
    harm("on_error", ctx.tag)
    return "Sorry."


webhook = Webhook(auth=BasicAuth(USERNAME, PASSWORD), idempotency="memory://")
webhook.add_handler("async.*", on_loop)
webhook.add_handler("*", plain, params=params_of(""), idempotency_key=key)
for kind in KINDS:
    webhook.add_handler(f"validator.{kind}", plain, params=params_of(f"validator.{kind}"), idempotency_key=key)
webhook.middleware(around)
webhook.on_error(ValueError)(sorry)
app = create_app(webhook)
asgi = webhook.asgi
