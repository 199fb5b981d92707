"""Calls through the plain WSGI application, bytes in and bytes out."""

import base64
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.auth.base import Authenticator

BASIC = BasicAuth("cx", "pä:ss", allow_weak=True)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


GOOD = basic("cx:pä:ss")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["reason"])


class Unreadable(io.RawIOBase):
    """A body that must not be touched."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


class App:
    """A webhook whose handlers count their runs."""

    def __init__(self, auth: Authenticator = BASIC, **options: Any) -> None:
        self.runs: list[str] = []
        self.webhook = Webhook(auth=auth, **options)
        self.add("echo", lambda ctx: Reply(parameters=ctx.parameters))

    def add(self, tag: str, function: Callable[[Context], Any], **options: Any) -> None:
        def counted(ctx: Context) -> Any:
            self.runs.append(ctx.tag)
            return function(ctx)

        self.webhook.add_handler(tag, counted, **options)

    def post(
        self,
        body: bytes | str | Mapping[str, Any] = b'{"fulfillmentInfo":{"tag":"echo"}}',
        *,
        authorization: str | None = GOOD,
        method: str = "POST",
        path: str = "/webhook",
        stream: Any = None,
        **environ: Any,
    ) -> Answer:
        raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        full = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)), "wsgi.input": stream or io.BytesIO(raw), **environ,
        }  # fmt: skip
        if authorization is not None:
            full["HTTP_AUTHORIZATION"] = authorization
        started: list[tuple[int, dict[str, str]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> None:
            started.append((int(status.split(maxsplit=1)[0]), dict(headers)))

        content = b"".join(self.webhook.wsgi({key: value for key, value in full.items() if value is not None}, start))
        return Answer(*started[0], content)


def call(tag: str = "echo", **parameters: Any) -> dict[str, Any]:
    return {"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": parameters}}
