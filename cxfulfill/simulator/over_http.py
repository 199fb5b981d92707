"""Calls over a socket, of whatever listens on a URL."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cxfulfill.http import Headers
from cxfulfill.simulator.sending import Answer, ClientCertificate, Failure, NoAnswer, Outgoing
from cxfulfill.simulator.waiting import Runner

if TYPE_CHECKING:
    import urllib3

MAX_ANSWER: Final = 1024 * 1024
"""Bytes of an answer that are read; CX reads 64 KiB."""
_USER_AGENT: Final = "cxfulfill-simulator"


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


class _Cut(Exception):
    """The connection is to break now."""


class OverHttp:
    """A server on a URL. Redirects are not followed, and proxies of the environment are not used.

    Args:
        ca_certs: PEM file of the roots that the server's certificate is checked with; the system's by default.
        line: How good the connection is.
        sleep: Waits; given by tests.
    """

    def __init__(
        self, *, ca_certs: str | None = None, line: Line = Line(), sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._ca_certs = ca_certs
        self._line = line
        self._sleep = sleep
        self._runner = Runner()
        self._pools: dict[ClientCertificate | None, urllib3.PoolManager] = {}

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        """Send a request; see `Transport.send`."""
        return self._runner.run(lambda: self._send(outgoing, timeout), timeout)

    def close(self) -> None:
        """Wait for what still runs, and close the connections."""
        self._runner.close()
        for pool in self._pools.values():
            pool.clear()

    def _send(self, outgoing: Outgoing, timeout: float) -> Answer:
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 - only who calls over a socket pays for the import

        fields = {"User-Agent": _USER_AGENT, "Content-Length": str(len(outgoing.body)), **outgoing.headers}
        body = outgoing.body if self._line == Line() else self._pieces(outgoing.body)
        try:
            response = self._pool(outgoing.certificate).request(
                outgoing.method, outgoing.url, body=body, headers=fields, timeout=timeout, redirect=False,
                preload_content=False, decode_content=False,
            )  # fmt: skip
            return Answer(status=response.status, headers=Headers(dict(response.headers)), body=_read(response))
        except _Cut:
            raise NoAnswer("unreachable", "the connection was cut while the request was sent") from None
        except HTTPError as error:
            raise _no_answer(error, timeout) from None

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        size = max(1, -(-len(body) // self._line.pieces))
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        for index, piece in enumerate(pieces):
            if self._line.cut and index == len(pieces) - 1:
                raise _Cut
            yield piece
            self._sleep(self._line.pause)

    def _pool(self, certificate: ClientCertificate | None) -> "urllib3.PoolManager":
        import urllib3  # noqa: PLC0415 - see above

        if certificate not in self._pools:
            own = {} if certificate is None else {"cert_file": str(certificate.chain), "key_file": str(certificate.key)}
            self._pools[certificate] = urllib3.PoolManager(
                maxsize=16,
                retries=False,
                ca_certs=self._ca_certs,
                **own,  # type: ignore[arg-type]
            )
        return self._pools[certificate]


def _read(response: "urllib3.BaseHTTPResponse") -> bytes:
    """Read an answer, and give its connection back unless there is more of it than anybody wants."""
    is_whole = False
    try:
        body = response.read(MAX_ANSWER + 1)
        is_whole = len(body) <= MAX_ANSWER
    finally:
        if is_whole:
            response.release_conn()
        else:
            response.close()
    return body


def _no_answer(error: Exception, timeout: float) -> NoAnswer:
    from urllib3.exceptions import NewConnectionError, SSLError, TimeoutError  # noqa: A004, PLC0415 - see above

    failure: Failure = "unreachable"
    detail = "the connection broke before the answer came"
    if isinstance(error, SSLError):
        failure, detail = "tls", "the TLS handshake failed: the certificate is not trusted, or a client's is needed"
    elif isinstance(error, NewConnectionError):
        detail = "no connection could be made: nothing listens there"
    elif isinstance(error, TimeoutError):
        failure, detail = "timeout", f"no answer within {timeout:g} seconds"
    return NoAnswer(failure, detail)
