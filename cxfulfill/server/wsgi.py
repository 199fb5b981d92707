"""The plain WSGI application: PEP 3333 in, `HttpRequest` through, PEP 3333 out."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from http import HTTPStatus
from ssl import CERT_NONE
from typing import Any, Protocol

from cxfulfill.errors import BadRequest, RequestTimeout
from cxfulfill.http import HttpRequest, HttpResponse
from cxfulfill.server.cutoff import cutoff

Environ = dict[str, Any]


class StartResponse(Protocol):
    """The callable of PEP 3333 that takes status and headers."""

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        """Begin the response."""
        ...


_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_STATUS_LINES[413] = "413 Content Too Large"
_UNPREFIXED = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


@lru_cache(maxsize=256)
def _environ_key(name: str) -> str:
    # Names with underscores are dropped by servers, or made to look like names with hyphens; none is served.
    return "" if "_" in name else _UNPREFIXED.get(name) or f"HTTP_{name.replace('-', '_').upper()}"


class EnvironHeaders(Mapping[str, str]):
    """The header fields of a WSGI environ, looked up without copying them.

    Args:
        environ: The environ.
    """

    __slots__ = ("_environ",)

    def __init__(self, environ: Environ) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_environ_key(name.lower())]
        return value

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


@dataclass(frozen=True, slots=True)
class WsgiBody:
    """The body behind ``wsgi.input``.

    Attributes:
        environ: The environ.
    """

    environ: Environ = field(repr=False)

    def read(self, limit: int, timeout: float) -> bytes:
        """Read the body; see `cxfulfill.http.BodySource.read`.

        A read blocks as long as the client takes, so under gunicorn the socket is shut for reading at the
        deadline; other servers must bound the time themselves.
        """
        length = self.environ.get("CONTENT_LENGTH")
        if not length and not self.environ.get("wsgi.input_terminated"):
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


def _client_certificate(environ: Environ) -> bytes | None:
    """Give the client certificate of gunicorn's own TLS socket, if the handshake checked one."""
    context = getattr(environ.get("gunicorn.socket"), "context", None)
    if context is None or context.verify_mode == CERT_NONE:
        return None
    certificate: bytes | None = environ["gunicorn.socket"].getpeercert(binary_form=True)
    return certificate


def read_environ(environ: Environ) -> HttpRequest:
    """Read a WSGI environ.

    Args:
        environ: The environ.

    Returns:
        The request; its body has not been touched.
    """
    return HttpRequest(
        environ["REQUEST_METHOD"],
        environ.get("PATH_INFO", ""),
        EnvironHeaders(environ),
        environ.get("QUERY_STRING", ""),
        environ.get("REMOTE_ADDR", ""),
        WsgiBody(environ),
        partial(_client_certificate, environ),
    )


@dataclass(frozen=True, slots=True)
class WsgiApp:
    """A WSGI application.

    Attributes:
        handle: Answers a request.
    """

    handle: Callable[[HttpRequest], HttpResponse]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as PEP 3333 says."""
        response = self.handle(read_environ(environ))
        start_response(_STATUS_LINES[response.status], list(response.headers))
        return () if environ["REQUEST_METHOD"] == "HEAD" else (response.body,)
