"""Calls over a socket, of whatever listens on a URL; connections are kept alive, as CX's are."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.sending import Answer, ClientCertificate, NoAnswer, Outgoing, joined, not_in_time

if TYPE_CHECKING:
    import socket

    import urllib3

MAX_ANSWER: Final = 1024 * 1024
"""Bytes of an answer after which no more is read; CX reads 64 KiB."""
_USER_AGENT: Final = "cxfulfill-simulator"
_PIECE: Final = 65_536
_AT_ONCE: Final = 16  # connections to one server that are kept


@dataclass(frozen=True, slots=True)
class Line:
    """How good the connection is.

    Attributes:
        pieces: In how many pieces a body is sent.
        pause: Seconds between them.
        cut: Whether the connection breaks in front of the last piece.
    """

    pieces: int = 1
    pause: float = 0.0
    cut: bool = False

    def __post_init__(self) -> None:
        if self.pieces < 1 or not self.pause >= 0:
            raise ConfigurationError("a line sends a body in 1 piece at least, and pauses 0 seconds at least")


class OverHttp:
    """A server on a URL. Nothing is sent again, redirects are not followed, and the environment's proxies not used.

    Args:
        ca_certs: PEM file of the roots that the server's certificate is checked with; the system's by default.
        line: How good the connection is.
        clock: Seconds that only go up.
        sleep: Waits; given by tests.

    Raises:
        ConfigurationError: The file has no certificates.
    """

    def __init__(
        self,
        *,
        ca_certs: str | None = None,
        line: Line = Line(),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if ca_certs is not None:
            _check_roots(ca_certs)
        self._ca_certs = ca_certs
        self._line = line
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._pools: dict[ClientCertificate | None, urllib3.PoolManager] = {}

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        """Send a request; see `Transport.send`.

        The time limit holds for all of it: also a server that answers a byte now and then is given up at its end.
        """
        from urllib3 import Timeout  # noqa: PLC0415 - only who calls over a socket pays for the import
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - see above

        ends = self._clock() + timeout
        fields = {"user-agent": _USER_AGENT, **outgoing.headers}
        body: bytes | Iterator[bytes] | None = outgoing.body or None
        if body is not None and self._line != Line():
            fields["content-length"] = str(len(outgoing.body))
            body = self._pieces(outgoing.body, timeout)
        try:
            response = self._pool(outgoing.certificate).urlopen(
                outgoing.method, outgoing.url, redirect=False, retries=False, body=body, headers=fields,
                timeout=Timeout(total=timeout), preload_content=False, decode_content=False,
            )  # fmt: skip
            content = self._read(response, ends, timeout)
        except HTTPError as error:
            raise _no_answer(error, timeout) from None
        return Answer(status=response.status, headers=joined(response.headers.items()), body=content)

    def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            pool.clear()

    def _pieces(self, body: bytes, timeout: float) -> Iterator[bytes]:
        ends = self._clock() + timeout
        size = -(-len(body) // self._line.pieces)
        for start in range(0, len(body), size):
            if start:
                self._sleep(max(0.0, min(self._line.pause, ends - self._clock())))
            if self._clock() >= ends:
                raise not_in_time(timeout)
            if self._line.cut and start + size >= len(body):
                raise NoAnswer("unreachable", "the connection was cut while the request was sent")
            yield body[start : start + size]

    def _read(self, response: "urllib3.BaseHTTPResponse", ends: float, timeout: float) -> bytes:
        """Read an answer, and give its connection back unless there is more of it than anybody wants."""
        parts, size = [], 0
        while size <= MAX_ANSWER and (part := response.read1(_PIECE)):
            parts.append(part)
            size += len(part)
            if self._clock() > ends:
                response.close()
                raise not_in_time(timeout)
        if size > MAX_ANSWER:
            response.close()  # the rest would be read as the next answer
        return b"".join(parts)

    def _pool(self, certificate: ClientCertificate | None) -> "urllib3.PoolManager":
        import urllib3  # noqa: PLC0415 - see above

        with self._lock:
            if certificate not in self._pools:
                files = {"ca_certs": self._ca_certs}
                if certificate is not None:
                    files |= {"cert_file": str(certificate.chain), "key_file": str(certificate.key)}
                pool = urllib3.PoolManager(maxsize=_AT_ONCE, **files)  # type: ignore[arg-type]
                pool.pool_classes_by_scheme = {
                    scheme: _bounded(kind) for scheme, kind in pool.pool_classes_by_scheme.items()
                }
                self._pools[certificate] = pool
            return self._pools[certificate]


class _InTime(RawIOBase):
    """What comes over a socket until its timeout is over, counted from now: the socket itself counts each wait anew."""

    def __init__(self, raw: RawIOBase, connection: "socket.socket") -> None:
        super().__init__()
        self._raw = raw
        self._connection = connection
        self._ends = time.monotonic() + (connection.gettimeout() or 0.0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


def _bounded(pool: Any) -> Any:
    """Make a kind of pool whose answers come in time: head, chunks and trailers too."""
    from http.client import HTTPResponse  # noqa: PLC0415 - see above

    class Bounded(HTTPResponse):
        def __init__(self, connection: "socket.socket", *given: Any, **options: Any) -> None:
            super().__init__(connection, *given, **options)
            self.fp = BufferedReader(_InTime(self.fp.detach(), connection))

    connections = type(pool.__name__, (pool.ConnectionCls,), {"response_class": Bounded})
    return type(pool.__name__, (pool,), {"ConnectionCls": connections})


def _check_roots(path: str) -> None:
    import ssl  # noqa: PLC0415 - see above

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        raise ConfigurationError("ca_certs takes a PEM file with the certificates of the roots") from None


def _no_answer(error: Exception, timeout: float) -> NoAnswer:
    from urllib3.exceptions import NewConnectionError, SSLError, TimeoutError  # noqa: A004, PLC0415 - see above

    if isinstance(error, SSLError):
        return NoAnswer("tls", "the TLS handshake failed: the certificate is not trusted, or a client's is needed")
    if isinstance(error, NewConnectionError):  # which is one of urllib3's timeouts too
        return NoAnswer("unreachable", "no connection could be made: nothing listens there, or the name is unknown")
    if isinstance(error, TimeoutError):
        return not_in_time(timeout)
    return NoAnswer("unreachable", "the connection broke before the answer came")
