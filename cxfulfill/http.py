"""HTTP as the pipeline sees it: a request, a response, and the problem document (RFC 9457).

No server's types stand here: the edges turn theirs into these and back.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol, Self

from cxfulfill.errors import BadRequest, HttpError, UnsupportedMediaType
from cxfulfill.frozen import made

CREDENTIAL_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-serverless-authorization"})
"""Headers whose values never reach a handler, a log line or a ``repr``."""

REDACTED: Final = "[redacted]"

METHODS: Final = ("POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
"""What a flexible webhook can be called with (``GenericWebService.HttpMethod``)."""
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""The methods with which CX sends a body, if the webhook has one."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that are for looking only (RFC 9110 9.2.1)."""

_JSON_MEDIA_TYPE = re.compile(r'application/json(?:[ \t]*;[ \t]*charset="?utf-8"?)?[ \t]*;?', re.IGNORECASE)
_COMMON_HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


class Headers(Mapping[str, str]):
    """Header fields by name in any case. Its ``repr`` shows names only.

    Args:
        fields: Values by name.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = {name.lower(): value for name, value in fields.items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"<Headers {sorted(self)}>"


class RedactedHeaders(Mapping[str, str]):
    """A view of header fields that hides credentials.

    Args:
        headers: The fields.
        hidden: Lower-case names whose values are shown as ``[redacted]``.
    """

    __slots__ = ("_headers", "_hidden")

    def __init__(self, headers: Mapping[str, str], hidden: frozenset[str]) -> None:
        self._headers = headers
        self._hidden = hidden

    def __getitem__(self, name: str) -> str:
        value = self._headers[name]
        return REDACTED if name.lower() in self._hidden else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __reduce__(self) -> tuple[type[Headers], tuple[dict[str, str]]]:
        # A copy that leaves the process must not carry what is hidden here.
        return Headers, (dict(self),)

    def __repr__(self) -> str:
        return f"<RedactedHeaders {sorted(self)}>"


class BodySource(Protocol):
    """Where the body of a request comes from; read at most once."""

    def read(self, limit: int, timeout: float) -> bytes:
        """Read the body.

        Args:
            limit: Read no more bytes than this.
            timeout: Seconds within which it must have arrived.

        Returns:
            The whole body, or its first ``limit`` bytes.

        Raises:
            BadRequest: It ended before its declared length (``incomplete_body``).
            RequestTimeout: It did not arrive in time.
        """
        ...


class BytesBody:
    """A body that is at hand.

    Args:
        data: The body.
    """

    __slots__ = ("_data",)

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    def read(self, limit: int, timeout: float) -> bytes:
        """Give the first ``limit`` bytes; see `BodySource.read`."""
        del timeout  # nothing is waited for
        return self._data[:limit]


NO_BODY: Final = BytesBody()


def no_certificate() -> bytes | None:
    """Say that the connection has no client certificate.

    Returns:
        None.
    """
    return None


@dataclass(frozen=True)
class HttpRequest:
    """A request.

    Attributes:
        method: Upper-case method.
        path: Decoded path within the application, without the query.
        headers: Header fields by name in any case.
        query: The query string as sent.
        peer: Address of the other end of the connection; empty where unknown.
        body: Where the body comes from.
        client_certificate: Gives the certificate (DER) that the client proved in this connection's own TLS
            handshake, checked against the server's CA bundle; None where there is none.
        raw_path: The path as sent, with its escapes; empty where the server does not tell.
        queued: Seconds that it was there before a thread took it up; 0 where the server does not tell.
    """

    method: str
    path: str = field(repr=False)
    headers: Mapping[str, str]
    query: str = field(default="", repr=False)
    peer: str = ""
    body: BodySource = field(default=NO_BODY, repr=False, compare=False)
    client_certificate: Callable[[], bytes | None] = field(default=no_certificate, repr=False, compare=False)
    raw_path: str = field(default="", repr=False)
    queued: float = field(default=0.0, repr=False, compare=False)

    @classmethod
    def build(cls, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Self:
        """Make a request whose body is at hand, with its length declared.

        Args:
            method: Upper-case method.
            path: The path.
            headers: Header fields.
            body: The body.

        Returns:
            The request.
        """
        fields = {"Content-Length": str(len(body)), **(headers or {})}
        return cls(method, path, Headers(fields), body=BytesBody(body))

    def declared_length(self) -> int | None:
        """Read ``Content-Length``.

        Returns:
            The length in bytes; None where none is declared.

        Raises:
            BadRequest: It is not a row of digits (``content_length``).
        """
        value = self.headers.get("content-length")
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 18):
            raise BadRequest(reason="content_length", detail="Content-Length is not a row of digits.")
        return int(value)

    def check_media_type(self) -> None:
        """Accept uncoded UTF-8 JSON only.

        Raises:
            UnsupportedMediaType: The type or charset is another one (with ``Accept``, RFC 9110 15.5.16), or the
                content is coded (with ``Accept-Encoding``).
        """
        media_type = self.headers.get("content-type", "")
        coding = self.headers.get("content-encoding", "")
        if media_type == "application/json" and not coding:
            return  # what CX sends
        if coding and coding.strip().lower() != "identity":
            raise UnsupportedMediaType(reason="content_encoding", headers=[("Accept-Encoding", "identity")])
        if not _JSON_MEDIA_TYPE.fullmatch(media_type.strip()):
            raise UnsupportedMediaType(
                detail="Send Content-Type: application/json, in UTF-8.", headers=[("Accept", "application/json")]
            )

    def redacted(self, hidden: frozenset[str]) -> Self:
        """Make the view that a handler is given.

        Args:
            hidden: Lower-case names of header fields to hide.

        Returns:
            The same request without credentials and without its body.
        """
        return made(
            type(self),
            {
                "method": self.method, "path": self.path, "headers": RedactedHeaders(self.headers, hidden),
                "query": self.query, "peer": self.peer, "body": NO_BODY, "client_certificate": no_certificate,
                "raw_path": "", "queued": 0.0,
            },
        )  # fmt: skip


@dataclass(slots=True)
class HttpResponse:
    """A response.

    Attributes:
        status: Status code.
        headers: Header fields in order.
        body: The body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


def json_response(body: bytes, status: int = 200, *, headers: tuple[tuple[str, str], ...] = ()) -> HttpResponse:
    """Make a JSON response.

    Args:
        body: JSON.
        status: Status code.
        headers: Further header fields.

    Returns:
        The response, not to be cached.
    """
    length = ("Content-Length", str(len(body)))
    return HttpResponse(status, (("Content-Type", "application/json"), length, *_COMMON_HEADERS, *headers), body)


def _title(error: HttpError, status: int) -> str:
    # A folded status keeps its own phrase: with about:blank, the title is the status's (RFC 9457 4.2.1).
    return error.title if status == error.status else HTTPStatus(status).phrase


def problem_response(error: HttpError, request_id: str, status: int) -> HttpResponse:
    """Make the problem document (RFC 9457) of a failure.

    Args:
        error: The failure; only its title, reason and detail are shown.
        request_id: Id of the request, as it stands in the log.
        status: The status to send, which may be a folded one.

    Returns:
        The response.
    """
    document = {"type": "about:blank", "title": _title(error, status), "status": status, "reason": error.reason}
    if error.detail:
        document["detail"] = error.detail
    document["instance"] = f"/requests/{request_id}"
    body = json.dumps(document).encode()
    own = (("Content-Type", "application/problem+json"), ("Content-Length", str(len(body))))
    return HttpResponse(status, own + _COMMON_HEADERS + error.headers, body)
