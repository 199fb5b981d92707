"""One call in process: the typed, authenticated call against a hand-written Flask view."""

import base64
import io
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import flask
from pydantic import BaseModel, Field

from benchmarks.peers import hand_written as view
from cxfulfill import Authenticator, BasicAuth, Context, Reply, Webhook
from cxfulfill.server.flask import create_app

BODY = (Path(__file__).parents[1] / "example_app/requests/booking.json").read_bytes()
PASSWORD = "in-process-benchmark"
CREDENTIAL = "Basic " + base64.b64encode(f"cx:{PASSWORD}".encode()).decode()
TEXT = "Booked, your reference is HH-20417."
CHANGES = {"reference": "HH-20417", "offer": None}

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def hand_written() -> flask.Flask:
    """What people write today: no credential is checked, nothing is typed."""
    return view.app


def protected(auth: Authenticator | None = None) -> Webhook:
    """The same answer behind Basic or another authenticator, from a typed request and a built reply."""
    webhook = Webhook(auth=auth or BasicAuth("cx", PASSWORD))

    @webhook.handler("book-room")
    def book_room(ctx: Context) -> Reply:
        return Reply(TEXT, parameters=CHANGES)

    return webhook


class Stay(BaseModel):
    """The session parameters of the request."""

    nights: int
    guests: int
    room_type: str = Field(alias="room-type")


def typed(**options: Any) -> Webhook:
    """As `protected`, with typed session parameters, and what else a Webhook takes."""
    webhook = Webhook(auth=BasicAuth("cx", PASSWORD), **options)

    @webhook.handler("book-room")
    def book_room(ctx: Context, stay: Stay) -> Reply:
        return Reply(TEXT, parameters=CHANGES)

    return webhook


def call(app: WsgiApp, credential: str = CREDENTIAL, body: bytes = BODY) -> bytes:
    """Send the request to a WSGI application."""
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/webhook", "SCRIPT_NAME": "", "QUERY_STRING": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "127.0.0.1", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": credential, "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False,
    }  # fmt: skip
    answer = app(environ, lambda *_: None)
    content = b"".join(answer)
    close = getattr(answer, "close", None)
    if close:
        close()
    return content


def measure(rounds: int = 40, calls: int = 250) -> dict[str, list[float]]:
    """Time the candidates in turns, A B C A B C.

    Returns:
        Microseconds a call by candidate.
    """
    candidates: dict[str, WsgiApp] = {
        "hand-written Flask": hand_written(),
        "plain WSGI": protected().wsgi,
        "plain WSGI, typed parameters": typed().wsgi,
        "create_app": create_app(protected()),
    }
    expected = json.loads(call(candidates["hand-written Flask"]))
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for app in candidates.values():
        if json.loads(call(app)) != expected:
            raise AssertionError("the candidates must give one answer")
    for _ in range(rounds):
        for name, app in candidates.items():
            started = time.perf_counter()
            for _ in range(calls):
                call(app)
            times[name].append((time.perf_counter() - started) / calls * 1e6)
    return times
