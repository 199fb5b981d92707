"""A small client over the WSGI application, and the webhooks that the attack cases are tried on."""

import base64
import io
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from cxfulfill import Authenticator, BasicAuth, Context, Forbidden, HeaderSecret, HttpRequest, Principal, Reply, Webhook
from cxfulfill.event_loop import Loop
from cxfulfill.runtime import Threads
from cxfulfill.server.wsgi import Environ
from tests.pipeline import over_asgi

SECRET = "Bearer 9f2c-1d77-4c60-b1aa"
NEXT_SECRET = "Bearer 0b1e-88f4-4a3d-9c02"
CANARY = "canary-5d0e"
SOON = 0.05
"""Seconds after which a handler that waits in vain is late."""
LIMIT = 30.0
"""Seconds after which a test that waits in vain gives up."""


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


GOOD = basic("cx:pä:ss")


def body_of(tag: str = "count", /, **parameters: Any) -> bytes:
    return json.dumps({"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": parameters}}).encode()


class Unreadable(io.RawIOBase):
    """A body that must not be touched."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


@dataclass(frozen=True)
class Result:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["reason"])

    @property
    def said(self) -> str:
        assert self.status == 200, self
        return str(self.json["fulfillmentResponse"]["messages"][0]["text"]["text"][0])


def post(
    webhook: Webhook,
    body: bytes = body_of(),
    *,
    headers: Mapping[str, str | None] | None = None,
    method: str = "POST",
    path: str = "/webhook",
    query: str = "",
    stream: Any = None,
    **environ: Any,
) -> Result:
    """Call with the right Basic credential, JSON and length; a header that is given as None is left out."""
    defaults = {"Authorization": GOOD, "Content-Type": "application/json", "Content-Length": str(len(body))}
    full: Environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query,
        "wsgi.input": stream or io.BytesIO(body), **environ,
    }  # fmt: skip
    for name, value in (defaults | dict(headers or {})).items():
        key = name.upper().replace("-", "_")
        if value is not None:
            full[key if key.startswith("CONTENT_") and key != "CONTENT_ENCODING" else f"HTTP_{key}"] = value
    status, fields, content = over_asgi.current.post(webhook, full) if over_asgi.current else _post(webhook, full)
    joined: dict[str, str] = {}
    for name, value in fields:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return Result(status, joined, content)


def _post(webhook: Webhook, environ: Environ) -> tuple[int, list[tuple[str, str]], bytes]:
    started: list[tuple[int, list[tuple[str, str]]]] = []

    def start(status: str, fields: list[tuple[str, str]], exc_info: Any = None, /) -> None:
        started.append((int(status.split(maxsplit=1)[0]), fields))

    answer = over_asgi.app_of(webhook)(over_asgi.SERVER | environ, start)
    content = b"".join(answer)
    [(status, fields)] = started
    return status, fields, content


def pause_by(pause: Callable[[float], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses be a function's, over each interface."""

    async def at_once(_: object, seconds: float) -> None:
        pause(seconds)

    for runtime in (Threads, Loop):
        monkeypatch.setattr(runtime, "pause", at_once)


def ask(webhook: Webhook, tag: str, /, **parameters: Any) -> Result:
    return post(webhook, body_of(tag, **parameters))


def app_b() -> BasicAuth:
    return BasicAuth("cx", "pä:ss", allow_weak=True)


def app_k(name: str = "Authorization") -> HeaderSecret:
    return HeaderSecret(name, [SECRET, NEXT_SECRET])


class Counted(Webhook):
    """A webhook that tells which tags its counting handlers ran for."""

    def __init__(self, auth: Authenticator | None = None, **options: Any) -> None:
        super().__init__(auth=auth or app_b(), **options)
        self.runs: list[str] = []
        self.add_handler(["count", "echo"], self.count)

    def count(self, ctx: Context) -> Reply:
        self.runs.append(ctx.tag)
        return Reply(parameters=ctx.parameters)


class Finds:
    """An authenticator of the user's that finds what it is told to: a principal, an error, or rubbish."""

    def __init__(self, found: object, *, blocking: bool = False) -> None:
        self.found = found
        self.blocking = blocking

    def authenticate(self, http: HttpRequest) -> Principal:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found  # type: ignore[return-value]


MEMBER = Principal("member", "own")
STRANGER = Finds(Forbidden())


def name_of_thread(ctx: Context) -> str:
    return threading.current_thread().name


async def name_of_thread_async(ctx: Context) -> str:
    return threading.current_thread().name


def raises(error: BaseException) -> Any:
    def handler(ctx: Context) -> NoReturn:
        raise error

    return handler


def refused(
    webhook: Counted, caplog: pytest.LogCaptureFixture, status: int, *, level: int = logging.DEBUG, **request: Any
) -> Result:
    """The oracle of every refusal: no run, a problem document, and one log line with the reason code."""
    caplog.clear()
    with caplog.at_level(level, "cxfulfill"):
        result = post(webhook, **request)
    assert result.status == status, result
    assert webhook.runs == []
    assert result.headers["Content-Type"] == "application/problem+json"
    problem = result.json
    assert problem.keys() - {"detail"} == {"type", "title", "status", "reason", "instance"}
    assert (problem["type"], problem["status"]) == ("about:blank", status)
    assert ("WWW-Authenticate" in result.headers) == (status == 401)
    [record] = [each for each in caplog.records if each.levelno > logging.DEBUG]
    assert record.name == "cxfulfill"
    line = record.getMessage()
    assert f"status={status} reason={result.reason} " in line
    assert problem["instance"].removeprefix("/requests/") in line
    return result
