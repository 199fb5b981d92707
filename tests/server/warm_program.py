"""A process that is made warm, answers its first calls, and tells which modules these have loaded.

``python -m tests.server.warm_program INTERFACE AUTH``; it loads nothing of the tests, which have loaded much.
"""

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

import cxfulfill
from cxfulfill import AllowUnauthenticated, Context, FlexibleContext, Reply, Text, Webhook
from cxfulfill.parameters.entities import SysDate, SysPerson, SysUnitCurrency

NOW, CLOCK = 1_800_000_000.0, 5.0
PASSWORD = "correct-horse-battery"
SESSION = "projects/p/locations/l/agents/a/sessions/s"
TAGS = ("plain", "reply", "typed", "late", "async", "deferred")


class Stay(BaseModel):
    day: SysDate
    guest: SysPerson | None = None
    budget: SysUnitCurrency = Field(alias="a-budget")


@dataclass
class Order:
    id: int


def authenticator(kind: str) -> Any:
    made = KINDS[kind]()
    return cxfulfill.AnyOf(KINDS["HeaderSecret"](), made) if kind == "AnyOf" else made


def _google() -> Any:
    times: dict[str, Any] = {"now": lambda: NOW, "clock": lambda: CLOCK}
    return cxfulfill.GoogleIdToken(**GOOGLE, keys=os.environ["KEYS_URL"], **times)


def _in_front_of_google() -> Any:
    certificate = cxfulfill.MutualTls(
        subjects=["CN=Google LLC"], proxy="rfc9440", peers=["127.0.0.1"],
        now=lambda: float(os.environ["CERTIFICATE_NOW"]),
    )  # fmt: skip
    return cxfulfill.AllOf(certificate, _google())


def _introspection() -> Any:
    return cxfulfill.OAuthIntrospection(
        endpoint=os.environ["ENDPOINT_URL"], client_id=os.environ["CLIENT"], client_secret=os.environ["SECRET"],
        issuer=os.environ["ISSUER"], audience=os.environ["API"], now=lambda: NOW, clock=lambda: CLOCK,
    )  # fmt: skip


GOOGLE: dict[str, Any] = {"audience": "https://wh.example/cx", "project_number": 123}
KINDS: dict[str, Callable[[], Any]] = {
    "none": AllowUnauthenticated,
    "BasicAuth": lambda: cxfulfill.BasicAuth("cx", PASSWORD),
    "HeaderSecret": lambda: cxfulfill.HeaderSecret("X-Key", PASSWORD),
    "CloudRunIam": lambda: cxfulfill.CloudRunIam(**GOOGLE, i_confirm_the_service_is_not_public=True, now=lambda: NOW),
    "GoogleIdToken": _google,
    "AnyOf": _google,
    "MutualTls": _in_front_of_google,
    "OAuthJwt": lambda: cxfulfill.OAuthJwt(
        issuer=os.environ["ISSUER"], audience=os.environ["API"], keys=os.environ["KEYS_URL"], now=lambda: NOW
    ),
    "OAuthIntrospection": _introspection,
}


def application(kind: str, store: str) -> Webhook:
    webhook = Webhook(auth=authenticator(kind), idempotency=store)

    @webhook.handler("plain")
    def plain(ctx: Context) -> str:
        return "plain"

    @webhook.handler("reply")
    def reply(ctx: Context) -> Reply:
        return Reply(Text("reply"), parameters={"a": 1}, payload={"b": 2}, form={"day": None}, target_page=None)

    @webhook.handler("typed", idempotency_key="day")
    def typed(ctx: Context, stay: Stay) -> Reply:
        return Reply("typed", parameters={"day": stay.day})

    @webhook.handler("late", timeout=4.0, fallback="later")
    def late(ctx: Context) -> str:
        return "late"

    @webhook.handler("async")
    async def coroutine(ctx: Context) -> str:
        return "async"

    @webhook.handler("deferred", deferred=True, pending="one moment")
    def deferred(ctx: Context) -> str:
        return "deferred"

    @webhook.flexible("/orders/<int:id>", methods=["GET", "POST"], mapping={"status": "$.status"})
    def order(ctx: FlexibleContext, asked: Order) -> dict[str, Any]:
        return {"id": asked.id, "status": "open"}

    return webhook


def body(tag: str) -> bytes:
    parameters = {
        "day": {"year": 2030, "month": 6, "day": 14},
        "guest": {"name": "Ada"},
        "a-budget": {"amount": 4, "currency": "EUR"},
    }
    return json.dumps(
        {
            "detectIntentResponseId": tag, "fulfillmentInfo": {"tag": tag}, "text": tag, "languageCode": "en",
            "sessionInfo": {"session": SESSION, "parameters": parameters},
            "pageInfo": {"formInfo": {"parameterInfo": [{"displayName": "day", "state": "FILLED", "value": 1}]}},
        }
    ).encode()  # fmt: skip


def fields() -> dict[str, str]:
    credential: dict[str, str] = json.loads(os.environ["FIELDS"])
    credential["Content-Type"], credential["traceparent"] = "application/json", f"00-{'1' * 32}-{'2' * 16}-01"
    return credential


def over_wsgi(app: Any, method: str, path: str, content: bytes) -> tuple[int, bytes]:
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.version": (1, 0),
        "CONTENT_LENGTH": str(len(content)), "wsgi.input": io.BytesIO(content), "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http", "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False,
        "HTTP_HOST": "localhost",
    }  # fmt: skip
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in fields().items()}
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE")
    told: list[str] = []
    answer = b"".join(app(environ, lambda status, *_: told.append(status)))
    return int(told[0][:3]), answer


async def over_asgi(app: Any, method: str, path: str, content: bytes) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []
    head = [(name.lower().encode(), value.encode()) for name, value in fields().items()]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [*head, (b"content-length", str(len(content)).encode())], "client": ("127.0.0.1", 1),
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


CALLS = [("POST", "/webhook", body(tag)) for tag in TAGS] + [("GET", "/orders/7", b""), ("POST", "/orders/7", b"{}")]


def threaded(app: Any) -> list[list[Any]]:
    return [told(path, content, over_wsgi(app, method, path, content)) for method, path, content in CALLS]


async def on_a_loop(app: Any) -> list[list[Any]]:
    """Serve as uvicorn does: the lifespan's start, calls, its end."""
    import asyncio

    arrived: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    is_up, is_down = asyncio.Event(), asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        (is_up if message["type"] == "lifespan.startup.complete" else is_down).set()

    arrived.put_nowait({"type": "lifespan.startup"})
    living = asyncio.create_task(app({"type": "lifespan"}, arrived.get, send))
    await is_up.wait()
    known.update(sys.modules)
    results = [told(path, content, await over_asgi(app, method, path, content)) for method, path, content in CALLS]
    arrived.put_nowait({"type": "lifespan.shutdown"})
    await is_down.wait()
    await living
    return results


known: set[str] = set()


def told(path: str, content: bytes, answer: tuple[int, bytes]) -> list[Any]:
    """Tell the status and what was loaded meanwhile."""
    loaded = sorted(set(sys.modules) - known)
    known.update(loaded)
    name = json.loads(content)["fulfillmentInfo"]["tag"] if path == "/webhook" else path
    return [name, answer[0], loaded]


def main(interface: str, kind: str, store: str) -> None:
    webhook = application(kind, store)
    if interface == "asgi":
        import asyncio

        sys.stdout.write(json.dumps(asyncio.run(on_a_loop(webhook.asgi))))
        return
    app: Any = webhook
    if interface == "flask":
        from cxfulfill.server.flask import create_app

        app = create_app(webhook)
    webhook.warm()
    known.update(sys.modules)
    sys.stdout.write(json.dumps(threaded(app)))
    webhook.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
