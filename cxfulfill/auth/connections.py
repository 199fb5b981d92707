"""Connections of Python's own HTTP client that can be cut off, whatever they are about."""

import socket
import ssl
from contextlib import suppress
from functools import cache
from http.client import HTTPS_PORT, HTTPConnection
from urllib.parse import SplitResult


class Connection(HTTPConnection):
    """A connection that can be cut off from another thread.

    Attributes:
        used: Its socket, also when an answer that is the last one has taken it over; None where there is none yet.
        is_cut: Whether it was cut off.
        often: Whether the certificates that are trusted are read only once.
    """

    used: socket.socket | None = None
    is_cut = False
    often = False

    def connect(self) -> None:
        """Connect; `http.client` calls this."""
        host = _address(self.host)
        self.use(socket.create_connection((host, self.port), self.timeout))  # type: ignore[arg-type]
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def use(self, sock: socket.socket) -> None:
        """Take over a socket.

        Args:
            sock: The socket.

        Raises:
            TimeoutError: It comes too late to be cut off.
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
        limit: Seconds that each step of its may take.
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
