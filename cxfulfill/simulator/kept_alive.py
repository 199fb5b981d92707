"""Calls over connections that are kept alive, as CX's are."""

import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TooSlow

from cxfulfill.http import Headers
from cxfulfill.simulator.sending import Answer, Failure, NoAnswer, Outgoing

_MOST: Final = 1_048_576  # bytes of an answer that are read: far beyond what CX takes
_AT_ONCE: Final = 2  # a call and its duplicate


class KeptAlive:
    """Carries calls to one server: at most two at a time, each over a connection that is kept for the next one.

    Args:
        url: Any URL of the server.
        clock: Seconds that only go up.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = urllib3.connection_from_url(url, maxsize=_AT_ONCE)
        self._clock = clock

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        """Send a request and read the answer; see `Transport.send`. Neither repeats nor follows a redirect."""
        ends = self._clock() + timeout
        try:
            response = self._pool.urlopen(
                outgoing.method, urllib3.util.parse_url(outgoing.url).request_uri, body=outgoing.body,
                headers=dict(outgoing.headers), retries=False, redirect=False, timeout=urllib3.Timeout(total=timeout),
                preload_content=False, decode_content=False,
            )  # fmt: skip
            body = self._read(response, ends)
        except (HTTPError, HTTPException, OSError) as error:
            failure = _failure_of(error)
            raise NoAnswer(failure, _SENTENCES[failure]) from error
        return Answer(status=response.status, headers=Headers(response.headers), body=body)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _read(self, response: urllib3.BaseHTTPResponse, ends: float) -> bytes:
        parts, size = [], 0
        while size <= _MOST and (part := response.read1(65_536)):
            parts.append(part)
            size += len(part)
            if self._clock() > ends:  # urllib3's limit is for each read
                response.close()
                raise NoAnswer("timeout", _SENTENCES["timeout"])
        if size > _MOST:
            response.close()  # the rest would be read as the next answer
        return b"".join(parts)


_SENTENCES: Final[dict[Failure, str]] = {
    "timeout": "no answer in time",
    "unreachable": "there is no connection, or it broke",
    "tls": "the server's certificate is not trusted, or TLS failed",
}


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, SSLError):
        return "tls"
    # A refused connection is one of urllib3's timeouts too.
    return "timeout" if isinstance(error, TooSlow) and not isinstance(error, NewConnectionError) else "unreachable"
