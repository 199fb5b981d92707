"""Connections of Python's own HTTP client that can be cut off, whatever they are about."""

import socket
import ssl
import time
from contextlib import suppress
from functools import cache
from http.client import HTTPS_PORT, HTTPConnection
from typing import Any, Final
from urllib.parse import SplitResult

_SHARES: Final = 8
"""Parts that the time left is divided into at most: of many addresses, a far one would not answer within its own."""


class Connection(HTTPConnection):
    """A connection that can be cut off from another thread.

    Attributes:
        used: Its socket, also while it connects, and when an answer that is the last one has taken it over; None where
            there is none yet.
        timeout: Seconds that connecting may take in all, and each later step.
        is_cut: Whether it was cut off.
        often: Whether the certificates that are trusted are read only once.
    """

    used: socket.socket | None = None
    timeout: float
    is_cut = False
    often = False

    def connect(self) -> None:
        """Connect to the first address of the host that answers; `http.client` calls this.

        Raises:
            OSError: None did, in time; or there is none. It is what the last one that was tried failed with.
        """
        ends = time.monotonic() + self.timeout
        found = socket.getaddrinfo(_address(self.host), self.port, 0, socket.SOCK_STREAM)
        for count, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                self._connect_to(address, socket.socket(family, kind, protocol), left / min(count, _SHARES))
            except OSError:
                if count == 1 or self.is_cut:
                    raise
            else:
                break

    def _connect_to(self, address: Any, sock: socket.socket, limit: float) -> None:
        try:
            self.use(sock)  # already now, so that it can be cut off while it connects
            sock.settimeout(limit)
            sock.connect(address)
            self.use(sock)  # once more: what is cut off before it connects may connect all the same
            sock.settimeout(self.timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            sock.close()
            raise

    def use(self, sock: socket.socket) -> None:
        """Take over a socket.

        Args:
            sock: The socket.

        Raises:
            TimeoutError: The connection was cut off before.
        """
        self.used = self.sock = sock
        if self.is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """Cut it off."""
        self.is_cut = True
        if self.used is not None:
            with suppress(OSError):
                # Past SSLSocket.shutdown, which another thread must not call while this one reads.
                socket.socket.shutdown(self.used, socket.SHUT_RDWR)


class TlsConnection(Connection):
    """The same over TLS."""

    default_port = HTTPS_PORT

    def connect(self) -> None:
        """Connect; `http.client` calls this."""
        super().connect()
        context = _shared_context() if self.often else _context()
        name = _address(self.host.rstrip("."))  # there is no dot at the end in certificates
        # The handshake comes later, so that it can be cut off.
        sock = context.wrap_socket(self.sock, server_hostname=name, do_handshake_on_connect=False)
        self.use(sock)
        sock.do_handshake()


def open_to(parts: SplitResult, limit: float, *, often: bool) -> Connection:
    """Make a connection, which is opened when it is first used.

    Args:
        parts: The address.
        limit: Seconds that connecting may take in all, and each later step.
        often: Whether the certificates that are trusted are read only once.

    Returns:
        The connection.
    """
    kind = TlsConnection if parts.scheme == "https" else Connection
    # http.client takes the end of an IPv6 address for the port where it is given none.
    port = kind.default_port if parts.port is None else parts.port
    made = kind(parts.hostname or "", port, timeout=limit)
    made.often = often
    return made


def _address(host: str) -> str | bytes:
    """Give a host as Python can take it without the tables of IDNA, which it loads for each text."""
    return host.encode("ascii") if host.isascii() else host


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.hostname_checks_common_name = False
    return context


_shared_context = cache(_context)
