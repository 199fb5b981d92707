"""The ASGI application: ASGI 3 in, `HttpRequest` through, ASGI 3 out; lifespan included."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from cxfulfill.begun import Begun
from cxfulfill.errors import BadRequest, RequestTimeout
from cxfulfill.event_loop import Read
from cxfulfill.frozen import made
from cxfulfill.http import NO_BODY, HttpRequest, HttpResponse, no_certificate
from cxfulfill.structures import structure

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_NOT_UPGRADED: Final = {"type": "websocket.close"}
"""Before the handshake it is a 403 (ASGI's WebSocket specification)."""


@lru_cache(maxsize=256)
def _field_name(name: str) -> bytes:
    # As under WSGI: names with underscores could pass for names with hyphens, and none but ASCII is a name.
    return b"" if "_" in name or not name.isascii() else name.lower().encode()


@lru_cache(maxsize=256)
def _sent(field: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = field
    return name.lower().encode("latin-1"), value.encode("latin-1")


class AsgiHeaders(Mapping[str, str]):
    """The header fields of a scope, looked up without decoding those that nobody asks for.

    A field that was sent more than once is one with the values joined by commas (RFC 9110 5.3).

    Args:
        fields: Lower-case names and values, as the server gives them.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._fields = dict(fields)
        if len(self._fields) != len(fields):
            self._fields = _joined(fields)

    def __getitem__(self, name: str) -> str:
        return self._fields[_field_name(name)].decode("latin-1")

    def get(self, name: str, default: Any = None) -> Any:
        """Look a field up; that of `Mapping` raises and catches a KeyError for each one that is not there."""
        value = self._fields.get(_field_name(name))
        return default if value is None else value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._fields if b"_" not in name)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<AsgiHeaders {sorted(self)}>"


def _joined(fields: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in fields:
        joined[name] = joined[name] + b"," + value if name in joined else value
    return joined


class AsgiBody:
    """The body behind ``receive``.

    Args:
        receive: The server's function.
    """

    __slots__ = ("_receive",)

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def read(self, limit: int, timeout: float) -> bytes:
        """Read the body.

        Args:
            limit: Read no more bytes than this.
            timeout: Seconds within which it must have arrived.

        Returns:
            The whole body, or its first ``limit`` bytes.

        Raises:
            BadRequest: The caller has left (``incomplete_body``).
            RequestTimeout: It did not arrive in time.
        """
        reading = Begun(self._read(limit))
        reading.begin()
        if reading.is_over:  # it was there, which is the rule
            return reading.result()
        try:
            async with asyncio.timeout(timeout):
                return await reading
        except TimeoutError:
            raise RequestTimeout from None

    async def _read(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise BadRequest(reason="incomplete_body", detail="The body ended too early.")
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size >= limit or not message.get("more_body", False):
                return b"".join([*chunks, chunk])[:limit] if chunks or size > limit else chunk
            chunks.append(chunk)


def read_scope(scope: Scope) -> HttpRequest:
    """Read the scope of a request.

    Args:
        scope: The scope.

    Returns:
        The request, without its body.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path, raw_path = _paths(raw.partition(b"?")[0], scope.get("root_path", ""))
    client = scope.get("client")
    return made(
        HttpRequest,
        {
            "method": scope["method"],
            "path": path,
            "headers": AsgiHeaders(scope["headers"]),
            "query": scope.get("query_string", b"").decode("latin-1"),
            "peer": client[0] if client else "",
            "body": NO_BODY,
            "client_certificate": no_certificate,
            "raw_path": raw_path,
            "queued": 0.0,
        },
    )


@lru_cache(maxsize=64)
def _paths(raw: bytes, root: str) -> tuple[str, str]:
    """Decode a path as WSGI servers do: bytes that are not UTF-8 as surrogates; and as it was sent."""
    path = (unquote_to_bytes(raw) if b"%" in raw else raw).decode(errors="surrogateescape")
    return path.removeprefix(root.rstrip("/")) if root else path, raw.decode("latin-1")


@structure
class AsgiApp:
    """An ASGI application.

    Attributes:
        answer: Answers a request, given what reads its body. Servers may cancel it where the caller hangs up: what
            must come to its end has tasks of its own.
        start: Begins serving; it may block.
        stop: Ends serving; it may block.
    """

    answer: Callable[[HttpRequest, Read], Coroutine[Any, Any, HttpResponse]]
    start: Callable[[asyncio.AbstractEventLoop], object]
    stop: Callable[[], object]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection as ASGI 3 says."""
        if scope["type"] == "http":
            response = await self.answer(read_scope(scope), AsgiBody(receive).read)
            headers = [*map(_sent, response.headers)]
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            body = b"" if scope["method"] == "HEAD" else response.body
            await send({"type": "http.response.body", "body": body})
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send(dict(_NOT_UPGRADED))

    async def _live(self, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        await receive()
        await asyncio.to_thread(self.start, loop)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(self.stop)
        await send({"type": "lifespan.shutdown.complete"})
