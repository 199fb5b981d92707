"""gunicorn's worker for ASGI, which does not wait for connections on which nobody asks when it is told to end."""

from typing import Any, Final

from gunicorn.workers import gasgi  # type: ignore[import-untyped]

from cxfulfill.server.starting import Starting
from cxfulfill.webhook import Webhook

LINGER: Final = 2.0
"""Seconds that a connection on which nobody asks is kept after the signal: a call may be on its way already."""


class Connection(gasgi.ASGIProtocol):  # type: ignore[misc]
    """A connection that its worker knows of."""

    def connection_made(self, transport: Any) -> None:
        """Begin; asyncio calls this."""
        super().connection_made(transport)
        self.worker.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; asyncio calls this."""
        self.worker.connections.discard(self)
        super().connection_lost(exc)

    def close_if_idle(self) -> None:
        """Close it where no call has been read that is not answered yet."""
        if self._awaiting_request and not self._finishing_calls:
            self._keepalive_timeout()


gasgi.ASGIProtocol = Connection  # gunicorn's worker lets nobody choose it, and is not used beside this one


class AsgiWorker(Starting, gasgi.ASGIWorker):  # type: ignore[misc]
    """The worker that the shipped settings take for ``-k asgi``.

    gunicorn's own counts a connection that is merely kept alive as one that it must wait for, until its
    ``graceful_timeout`` is over; only then does it end the application. This one takes a `Webhook` as it is, too.
    """

    asgi: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.connections: set[Connection] = set()

    def load_wsgi(self) -> None:
        """Load the application; gunicorn calls this."""
        super().load_wsgi()
        if isinstance(self.asgi, Webhook):
            self.asgi = self.asgi.asgi
        elif hasattr(self.asgi, "wsgi_app"):  # Flask's, such as of `create_app`
            self.refuse("a Flask application is for WSGI: for -k asgi give the webhook itself, such as main:webhook")

    def handle_exit_signal(self) -> None:
        """Begin to end; gunicorn calls this at SIGTERM."""
        super().handle_exit_signal()
        self.loop.call_later(LINGER, self._close_idle)

    def _close_idle(self) -> None:
        for connection in list(self.connections):
            connection.close_if_idle()
