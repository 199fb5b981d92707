"""Requests that authenticators send: for keys, and to a token introspection endpoint.

Bounded in time and size, never redirected, never repeated, over TLS unless the address is on this machine.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from cxfulfill.auth.fetched import FetchError
from cxfulfill.errors import ConfigurationError
from cxfulfill.structures import structure

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

MAX_BYTES: Final = 262_144
"""Bytes of an answer that are read at most (256 KiB)."""
TIME_LIMIT: Final = 3.0
"""Seconds within which an answer must be there, whole."""

_used = threading.local()
_PROBLEMS = {
    "NameResolutionError": "no such host", "NewConnectionError": "no connection", "TimeoutError": "timed out",
    "SSLError": "TLS handshake failed", "ProtocolError": "connection broken off",
    "ConnectionError": "connection broken off",
}  # fmt: skip
"""By name of urllib3's errors, and of Python's own."""
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


def load_client() -> None:
    """Load what sends requests, before the first one."""
    import urllib3  # noqa: F401, PLC0415 - as below


def send(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Received:
    """Send a request and read the answer, in this thread.

    Args:
        method: The method.
        url: The address, checked by `check_url`.
        headers: Header fields.
        body: The body.

    Returns:
        The answer.

    Raises:
        OutboundError: There was no answer with status 200 in time, or it was too large or coded.
    """
    import urllib3  # noqa: PLC0415 - not everybody verifies tokens, and it is a large import

    with _hard_limit():
        return _send(urllib3, method, url, headers=headers, body=body)


def _send(
    urllib3: ModuleType, method: str, url: str, *, headers: Mapping[str, str] | None, body: bytes | None
) -> Received:
    ends = time.monotonic() + TIME_LIMIT
    try:
        response = _pool(os.getpid()).request(
            method, url, headers={"Accept-Encoding": "identity", **(headers or {})}, body=body,
            redirect=False, retries=False, preload_content=False, decode_content=False,
            timeout=urllib3.Timeout(total=TIME_LIMIT),
        )  # fmt: skip
    except urllib3.exceptions.HTTPError as error:
        raise OutboundError(_problem(error)) from None
    try:
        if response.status != 200:
            raise OutboundError(f"status {response.status}")
        content = _read(response, ends)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise OutboundError(_problem(error)) from None
    finally:
        # A connection that is not read to its end is of no further use; those that are go back to the pool.
        response.close()
    return Received({name.lower(): value for name, value in response.headers.items()}, content)


def _problem(error: Exception) -> str:
    """Say in words of our own what happened; the errors' own texts hold addresses, and what was received."""
    import ssl  # noqa: PLC0415 - urllib3 has loaded it

    inner = error.__cause__ or next(iter(error.args), None)
    if isinstance(inner, ConnectionRefusedError):
        return "connection refused"
    if isinstance(inner, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(inner.verify_code, "certificate not trusted")
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((_PROBLEMS[name] for name in names if name in _PROBLEMS), type(error).__name__)


def _read(response: "BaseHTTPResponse", ends: float) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OutboundError("a coded answer")
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
def _hard_limit() -> Iterator[None]:
    """Cut the thread's connection off at the end: other limits are per read, and a byte now and then escapes them."""
    _used.connection = None
    used = _used.__dict__  # another thread sees only its own

    cuts: list[bool] = []

    def cut() -> None:
        cuts.append(True)
        connection = getattr(used["connection"], "sock", None)
        if connection is not None:
            with suppress(OSError):
                # Past SSLSocket.shutdown, which another thread must not call while this one reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(TIME_LIMIT * 1.1, cut)  # behind urllib3's own, whose error tells more
    timer.daemon = True
    timer.start()
    try:
        yield
    except OutboundError:
        if not cuts:  # else the connection broke off because it was cut off here
            raise
    finally:
        timer.cancel()
    if cuts:
        # What looks whole may be what had come so far: an end of the connection ends headers and some bodies too.
        raise OutboundError("too slow an answer")


def _noting(kind: Any) -> Any:
    """Make a kind of connection that says which one a thread uses."""

    class Noting(kind):  # type: ignore[misc]
        def connect(self) -> None:
            _used.connection = self
            super().connect()

        def request(self, *arguments: Any, **options: Any) -> None:
            _used.connection = self
            super().request(*arguments, **options)

    return Noting


@cache
def _pool(process: int) -> "PoolManager":
    del process  # connections are not shared with a process that was forked off
    import urllib3  # noqa: PLC0415 - as above

    pools: Any = urllib3.PoolManager(num_pools=4, maxsize=4)
    kinds = {}
    for scheme, pool in pools.pool_classes_by_scheme.items():
        kinds[scheme] = type(pool.__name__, (pool,), {"ConnectionCls": _noting(pool.ConnectionCls)})
    pools.pool_classes_by_scheme = kinds
    manager: PoolManager = pools
    return manager
