"""Servers that do what a test says with each connection, and the timer that cuts connections off."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from tests.auth.pki import Identity
from tests.pipeline.support import LIMIT

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve, port: int = 0) -> Iterator[int]:
    """A server that does one thing with each connection."""
    with socket.create_server(("127.0.0.1", port)) as server:

        def run() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        serve(connection)
            except OSError:
                return

        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(LIMIT)


class Steered:
    """A timer that goes off when a test says so."""

    made: ClassVar[list["Steered"]] = []

    def __init__(self, seconds: float, function: Callable[[], None]) -> None:
        self.go_off = function
        self.daemon = False
        self.made.append(self)

    def start(self) -> None:
        """Wait."""

    def cancel(self) -> None:
        """Wait no more."""


def shaking(identity: Identity, folder: Path, serve: Serve = socket.socket.close) -> Serve:
    """Shake hands before serving."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.write(folder, "server"))

    def shake(connection: socket.socket) -> None:
        with suppress(OSError):  # which is what the client thinks of the certificate
            secured = context.wrap_socket(connection, server_side=True)
            serve(secured)
            secured.close()

    return shake
