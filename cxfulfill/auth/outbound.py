"""Requests that authenticators send: for keys, and to a token introspection endpoint.

Bounded in time and size, never redirected, never repeated, over TLS unless the address is on this machine.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from http.client import HTTPException, HTTPResponse
from string import punctuation
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from cxfulfill.auth.connections import Connection, open_to
from cxfulfill.auth.fetched import FetchError
from cxfulfill.errors import ConfigurationError
from cxfulfill.structures import structure

MAX_BYTES: Final = 262_144
"""Bytes of an answer that are read at most (256 KiB)."""
TIME_LIMIT: Final = 3.0
"""Seconds within which an answer must be there, whole."""

_PROBLEMS: Final = (
    ((socket.gaierror, UnicodeError), "no such host"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "it took too long"),
    (ssl.SSLError, "TLS handshake failed"),
    ((ConnectionError, HTTPException, ValueError), "connection broken off"),
    (OSError, "no connection"),
)
"""The first that an error is."""
_CERTIFICATES = {10: "certificate expired", 62: "certificate of another host", 64: "certificate of another host"}
"""By OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OutboundError(FetchError):
    """The other end gave no usable answer. The text names the reason, and nothing that was sent or received."""


@structure
class Received:
    """An answer with status 200.

    Attributes:
        headers: Header fields by lower-case name.
        body: The body.
    """

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def split_url(url: object) -> SplitResult:
    """Split a URL.

    Args:
        url: The URL.

    Returns:
        Its parts; empty ones where it is no text, no URL, or holds white space or a user name.
    """
    empty = SplitResult("", "", "", "", "")
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return empty
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        return empty
    return empty if "@" in parts.netloc else parts


def check_url(what: str, url: str) -> str:
    """Check an address that requests are sent to.

    Args:
        what: The setting, for the error.
        url: The address.

    Returns:
        The address.

    Raises:
        ConfigurationError: It is not an https URL without credentials and fragment; http is accepted for an address
            on this machine.
    """
    parts = split_url(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (secure and parts.hostname) or parts.fragment:
        raise ConfigurationError(f"{what} must be an https URL (http only on this machine), without user and fragment")
    return url


def send(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None, often: bool = False
) -> Received:
    """Send a request and read the answer, in this thread.

    Args:
        method: The method.
        url: The address, checked by `check_url`.
        headers: Header fields.
        body: The body.
        often: Whether there are many such requests: the certificates that are trusted are then read only once.

    Returns:
        The answer.

    Raises:
        OutboundError: There was no answer with status 200 in time, or it was too large or coded.
    """
    parts = urlsplit(url)
    target = quote(parts.path or "/", punctuation) + (f"?{quote(parts.query, punctuation)}" if parts.query else "")
    # One request, one connection: nothing behind an answer can be taken for the answer to another request.
    fields = {"Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
    connection = open_to(parts, TIME_LIMIT, often=often)
    with _hard_limit(connection):
        return _exchange(connection, method, target, fields, body)


def _exchange(
    connection: Connection, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> Received:
    ends = time.monotonic() + TIME_LIMIT
    try:
        connection.request(method, target, body, headers)
        with connection.getresponse() as response:
            return _received(response, ends)
    except (OSError, HTTPException, ValueError) as error:
        raise OutboundError(_problem(error)) from None
    finally:
        connection.close()


def _received(response: HTTPResponse, ends: float) -> Received:
    if response.status != 200:
        raise OutboundError(f"status {response.status}")
    _check_framing(response)
    content = _read(response, ends)
    if response.length:
        raise ConnectionError("there should be more")
    return Received({name.lower(): value for name, value in response.headers.items()}, content)


def _check_framing(response: HTTPResponse) -> None:
    """Refuse an answer that is coded, or of which `http.client` would see another end than others do (RFC 9112 6.3)."""
    lengths = set(response.headers.get_all("Content-Length", ()))
    if len(lengths) > 1 or (lengths and response.length is None and not response.chunked):
        raise HTTPException("no length, or several")
    codings = response.headers.get_all("Content-Encoding", [])
    codings += [] if response.chunked else response.headers.get_all("Transfer-Encoding", [])
    if any(coding.lower() != "identity" for coding in codings):
        raise OutboundError("a coded answer")


def _problem(error: Exception) -> str:
    """Say in words of our own what happened; the errors' own texts hold addresses, and what was received."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(error.verify_code, "certificate not trusted")
    if isinstance(error, ssl.SSLEOFError):
        return "connection broken off"
    return next(problem for kinds, problem in _PROBLEMS if isinstance(error, kinds))


def _read(response: HTTPResponse, ends: float) -> bytes:
    parts, size = [], 0
    while part := response.read1(65_536):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise OutboundError("too large an answer")
        if time.monotonic() > ends:
            raise OutboundError("too slow an answer")
    return b"".join(parts)


@contextmanager
def _hard_limit(connection: Connection) -> Iterator[None]:
    """Cut a connection off at the end: other limits are per read, and a byte now and then escapes them."""
    # Behind the connection's own limit, whose error tells more.
    timer = threading.Timer(TIME_LIMIT * 1.1, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if connection.is_cut:
            # What broke off was cut off here. What looks whole may be what had come so far: an end of the connection
            # ends headers and some bodies too.
            raise OutboundError("too slow an answer") from None
