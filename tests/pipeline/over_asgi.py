"""Calls of a WSGI environ's content over the ASGI application: the same tests, on an event loop."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_from_bytes
from weakref import WeakKeyDictionary

import pytest

from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.store import IdempotencyStore, Lease, Outcome
from cxfulfill.server.flask import create_app
from cxfulfill.webhook import Webhook

LIMIT = 60.0
WAYS = ("wsgi", "asgi")
"""The interfaces that tests call a webhook by."""
FLASK = "flask"
"""A third one: Flask's application, with what it adds, for what a caller can tell."""
STORE_ON_LOOP = "asgi, store on the loop"
"""A third way, on which each store has a client for event loops."""


class Server:
    """An event loop in a thread, as an ASGI server has it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="server-loop")
        self._thread.start()

    def post(self, webhook: Webhook, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        call = webhook.asgi(_scope(environ), _receive(environ), send)
        asyncio.run_coroutine_threadsafe(_awaited(call), self.loop).result(LIMIT)
        start, body = sent
        assert (start["type"], body["type"]) == ("http.response.start", "http.response.body")
        fields = [(_title(name.decode()), value.decode("latin-1")) for name, value in start["headers"]]
        return start["status"], fields, body["body"]

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


current: Server | None = None
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def plain_app(webhook: Webhook) -> WsgiApp:
    return webhook.wsgi


_flask_apps: WeakKeyDictionary[Webhook, WsgiApp] = WeakKeyDictionary()


def flask_app(webhook: Webhook) -> WsgiApp:
    """Give the application that `create_app` makes of a webhook; the same one each time."""
    return _flask_apps.get(webhook) or _flask_apps.setdefault(webhook, create_app(webhook))


SERVER = {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.errors": sys.stderr}
"""What Flask reads besides, which every server tells."""
app_of: Callable[[Webhook], WsgiApp] = plain_app
"""What `tests.pipeline.support.post` calls where it does not go over ASGI."""


@contextmanager
def serving() -> Iterator[Server]:
    """Let `tests.pipeline.support.post` go over ASGI."""
    global current  # noqa: PLW0603 - the tests' one client reads it
    current = server = Server()
    try:
        yield server
    finally:
        current = None
        server.close()


@pytest.fixture(autouse=True)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The interface that `tests.pipeline.support.post` calls a webhook by."""
    if request.param == STORE_ON_LOOP:
        begin = GuardedStore.__init__

        def begin_on_loop(guarded: GuardedStore, store: IdempotencyStore, **options: Any) -> None:
            begin(guarded, store, **options)
            guarded.blocking = True
            guarded._make_client = lambda: OnLoop(store)

        monkeypatch.setattr(GuardedStore, "__init__", begin_on_loop)
    if request.param == "wsgi":
        yield
        return
    if request.param == FLASK:
        monkeypatch.setattr(sys.modules[__name__], "app_of", flask_app)
        yield
        return
    with serving():
        yield


class OnLoop:
    """A store as one that an event loop reaches over a network."""

    bounded = True

    def __init__(self, store: IdempotencyStore) -> None:
        self.store = store

    async def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        await asyncio.sleep(0)
        return self.store.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)

    async def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        await asyncio.sleep(0)
        return self.store.complete(lease, result, ttl=ttl)

    async def release(self, lease: Lease) -> bool:
        await asyncio.sleep(0)
        return self.store.release(lease)


async def _awaited(call: Any) -> None:
    await call


def _title(name: str) -> str:
    special = {"www-authenticate": "WWW-Authenticate"}
    return special.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def _scope(environ: dict[str, Any]) -> dict[str, Any]:
    path = environ["PATH_INFO"].encode("latin-1", "replace")
    raw = environ["RAW_URI"].partition("?")[0].encode() if "RAW_URI" in environ else quote_from_bytes(path).encode()
    headers = []
    for key, value in environ.items():
        name = key.removeprefix("HTTP_") if key.startswith("HTTP_") else key
        if key.startswith("HTTP_") or (key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value):
            headers.append((name.replace("_", "-").lower().encode(), value.encode("latin-1", "replace")))
    return {
        "type": "http", "method": environ["REQUEST_METHOD"], "path": path.decode(errors="replace"),
        "raw_path": raw, "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "headers": headers, "client": (environ["REMOTE_ADDR"], 1) if "REMOTE_ADDR" in environ else None,
    }  # fmt: skip


def _receive(environ: dict[str, Any]) -> Any:
    length, stream = environ.get("CONTENT_LENGTH"), environ["wsgi.input"]
    is_chunked = bool(environ.get("wsgi.input_terminated"))
    done: list[bool] = []

    async def receive() -> dict[str, Any]:
        if done:
            return {"type": "http.disconnect"}
        done.append(True)
        if not length and not is_chunked:
            return {"type": "http.request", "body": b"", "more_body": False}
        wanted = int(length) if length else -1
        data = await asyncio.to_thread(stream.read, wanted)
        return {"type": "http.request", "body": data, "more_body": bool(length) and len(data) < wanted}

    return receive
