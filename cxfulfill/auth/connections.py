"""Connections of Python's own HTTP client that can be cut off, and that tell whether they can take another request."""

import socket
import ssl
from contextlib import suppress
from http.client import HTTPS_PORT, HTTPConnection, HTTPResponse
from io import BufferedReader
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult


class _Reader(BufferedReader):
    """What comes on a connection; `http.client` closes it behind an answer, and forgets what else it holds.

    Attributes:
        is_in_step: Whether nothing stood behind the answer.
    """

    is_in_step = False

    def __init__(self, used: socket.socket) -> None:
        super().__init__(used.makefile("rb", buffering=0))
        self._used = used

    def close(self) -> None:
        """See whether there is more, and close."""
        if not self.closed:
            self.is_in_step = self._is_empty()
        super().close()

    def _is_empty(self) -> bool:
        limit = self._used.gettimeout()
        try:
            self._used.settimeout(0)
            is_empty = not self.peek(1)
        except ssl.SSLWantReadError:
            is_empty = True
        except OSError:
            return False
        self._used.settimeout(limit)
        return is_empty


class Response(HTTPResponse):
    """An answer.

    Attributes:
        reader: What it is read from.
    """

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = self.reader = _Reader(sock)


class Connection(HTTPConnection):
    """A connection that can be cut off from another thread.

    Attributes:
        used: Its socket, also when an answer that is the last one has taken it over; None where there is none yet.
        is_cut: Whether it was cut off.
    """

    response_class = Response
    used: socket.socket | None = None
    is_cut = False

    if TYPE_CHECKING:

        def getresponse(self) -> Response:
            """Read the beginning of an answer."""

    def connect(self) -> None:
        """Connect; `http.client` calls this."""
        super().connect()
        self.use(self.sock)

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
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        context.hostname_checks_common_name = False
        name = self.host.rstrip(".")  # there is no dot at the end in certificates
        # The handshake comes later, so that it can be cut off.
        sock = context.wrap_socket(self.sock, server_hostname=name, do_handshake_on_connect=False)
        self.use(sock)
        sock.do_handshake()


def open_to(parts: SplitResult, limit: float) -> Connection:
    """Make a connection, which is opened when it is first used.

    Args:
        parts: The address.
        limit: Seconds that each step of its may take.

    Returns:
        The connection.
    """
    kind = TlsConnection if parts.scheme == "https" else Connection
    # http.client takes the end of an IPv6 address for the port where it is given none.
    port = kind.default_port if parts.port is None else parts.port
    return kind(parts.hostname or "", port, timeout=limit)
