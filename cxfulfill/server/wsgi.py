"""The plain WSGI application: PEP 3333 in, `HttpRequest` through, PEP 3333 out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from http import HTTPStatus
from ssl import CERT_NONE
from typing import Any, Protocol

from cxfulfill.errors import BadRequest, RequestTimeout
from cxfulfill.frozen import made
from cxfulfill.http import HttpRequest, HttpResponse
from cxfulfill.server.arrival import seconds_since_data
from cxfulfill.server.cutoff import cutoff

Environ = dict[str, Any]


class StartResponse(Protocol):
    """The callable of PEP 3333 that takes status and headers."""

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        """Begin the response."""
        ...


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_STATUS_LINES[413] = "413 Content Too Large"
DRAIN_BYTES = 65_536
DRAIN_SECONDS = 1.0
"""How much of an unread body is read, and for how long, so that the connection can be kept."""
_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


@lru_cache(maxsize=256)
def _environ_key(given: str) -> str:
    name = given.lower()
    # Names with underscores are dropped by servers, or made to look like names with hyphens; none is served. Nor is one
    # with letters that only become ASCII in capitals, by which a hidden header could be had.
    return (
        "" if "_" in name or not name.isascii() else _UNPREFIXED.get(name) or f"HTTP_{name.replace('-', '_').upper()}"
    )


class EnvironHeaders(Mapping[str, str]):
    """The header fields of a WSGI environ, looked up without copying them.

    Args:
        environ: The environ.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_environ_key(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Look a field up; that of `Mapping` raises and catches a KeyError for each one that is not there."""
        return self._environ.get(_environ_key(name), default)

    def __iter__(self) -> Iterator[str]:
        for key, value in self._environ.items():
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
            elif value and key in _UNPREFIXED.values():
                yield key.replace("_", "-").lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<EnvironHeaders {sorted(self)}>"


class WsgiBody:
    """The body behind ``wsgi.input``.

    Args:
        environ: The environ.

    Attributes:
        is_touched: Whether it was read, or begun to be.
    """

    __slots__ = ("environ", "is_touched")

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.is_touched = False

    def read(self, limit: int, timeout: float) -> bytes:
        """Read the body; see `cxfulfill.http.BodySource.read`.

        A read blocks as long as the client takes, so under gunicorn the socket is shut for reading at the
        deadline; other servers must bound the time themselves.
        """
        self.is_touched = True
        length = self.environ.get("CONTENT_LENGTH")
        if not length and not _has_body(self.environ):
            return b""  # without a length, and without the server's word that it ends, there is no body
        wanted = min(int(length), limit) if length else limit
        connection = self.environ.get("gunicorn.socket")
        if connection is None:
            return self._read(wanted)
        try:
            with cutoff(connection, timeout):
                return self._read(wanted)
        except RequestTimeout:
            # gunicorn's own mark for a body that broke off: without it the connection would be kept, and what
            # still arrives of the body would be taken for the next request.
            self.environ["wsgi.input"].failed = True
            raise

    def _read(self, wanted: int) -> bytes:
        try:
            body: bytes = self.environ["wsgi.input"].read(wanted)
        except Exception as error:
            raise BadRequest(reason="incomplete_body", detail="The body ended too early.") from error
        return body


def _has_body(environ: Environ) -> bool:
    return bool(environ.get("CONTENT_LENGTH") or environ.get("wsgi.input_terminated"))


class Unread:
    """An answer given before the body was read, and what becomes of that body.

    gunicorn reads what is left of it before the next request, and a client that sends it byte by byte would hold the
    thread for as long as it likes. So it is read here, once the answer is out: a little of it, for a moment.

    Args:
        answer: The answer.
        environ: The environ.
    """

    def __init__(self, answer: Iterable[bytes], environ: Environ) -> None:
        self._answer = answer
        self._environ = environ

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        """End the answer, and the connection too where its body does not come to an end; servers call this."""
        close = getattr(self._answer, "close", None)
        if close is not None:
            close()
        connection = self._environ.get("gunicorn.socket")
        if connection is None or not _has_body(self._environ):
            return
        stream, is_whole = self._environ["wsgi.input"], False
        with suppress(Exception), cutoff(connection, DRAIN_SECONDS):
            is_whole = len(stream.read(DRAIN_BYTES)) < DRAIN_BYTES
        if not is_whole:
            stream.failed = True  # gunicorn's own mark, as above


def _client_certificate(environ: Environ) -> bytes | None:
    """Give the client certificate of gunicorn's own TLS socket, if the handshake checked one."""
    context = getattr(environ.get("gunicorn.socket"), "context", None)
    if context is None or context.verify_mode == CERT_NONE:
        return None
    certificate: bytes | None = environ["gunicorn.socket"].getpeercert(binary_form=True)
    return certificate


def read_environ(environ: Environ, body: WsgiBody | None = None) -> HttpRequest:
    """Read a WSGI environ.

    Args:
        environ: The environ.
        body: Its body, where the caller wants to know what becomes of it.

    Returns:
        The request; its body has not been touched.
    """
    return made(
        HttpRequest,
        {
            "method": environ["REQUEST_METHOD"],
            "path": path_of(environ),
            "headers": EnvironHeaders(environ),
            "query": environ.get("QUERY_STRING", ""),
            "peer": environ.get("REMOTE_ADDR", ""),
            "body": WsgiBody(environ) if body is None else body,
            "client_certificate": partial(_client_certificate, environ),
            "raw_path": environ["RAW_URI"].partition("?")[0] if "RAW_URI" in environ else "",
            "queued": seconds_since_data(environ["gunicorn.socket"]) if "gunicorn.socket" in environ else 0.0,
        },
    )


def path_of(environ: Environ) -> str:
    """Read the path of a WSGI environ.

    Args:
        environ: The environ.

    Returns:
        The decoded path within the application; bytes that are not UTF-8 as surrogates.
    """
    path: str = environ.get("PATH_INFO", "")
    # PEP 3333: the bytes of the path as ISO 8859-1.
    return path if path.isascii() else path.encode("latin-1", "replace").decode(errors="surrogateescape")


class WsgiApp:
    """A WSGI application.

    Args:
        handle: Answers a request.
    """

    def __init__(self, handle: Callable[[HttpRequest], HttpResponse]) -> None:
        self.handle = handle

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as PEP 3333 says."""
        body = WsgiBody(environ)
        response = self.handle(read_environ(environ, body))
        start_response(_STATUS_LINES[response.status], list(response.headers))
        answer = () if environ["REQUEST_METHOD"] == "HEAD" else (response.body,)
        return answer if body.is_touched else Unread(answer, environ)
