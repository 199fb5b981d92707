"""gunicorn's threaded worker, whose listening sockets are closed as soon as it is told to end."""

import inspect
import select
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker  # type: ignore[import-untyped]

from cxfulfill.server.starting import Starting


class Worker(Starting, ThreadWorker):  # type: ignore[misc]
    """The worker of the shipped settings.

    gunicorn's own keeps its listening sockets open until its last call is answered: whoever connects meanwhile hangs,
    and is reset in the end. This one takes the connections that are there already, and then closes the sockets, so
    that others are refused at once and can go elsewhere. Nor does it wait for connections that have sent nothing.
    Where the application refuses its settings, it tells the sentence, and no traceback.
    """

    wsgi: Any

    def load_wsgi(self) -> None:
        """Load the application; gunicorn calls this."""
        super().load_wsgi()
        if inspect.iscoroutinefunction(self.wsgi) or inspect.iscoroutinefunction(type(self.wsgi).__call__):
            self.refuse(
                "an ASGI application is for -k asgi, or uvicorn: give this worker another, such as main:webhook"
            )

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end to accept; gunicorn calls this.

        Args:
            enabled: Whether connections are accepted.
        """
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            with suppress(OSError):  # no file descriptor is free: what is left is reset
                self._take_what_is_there(listener)
            listener.close()
        ends = time.monotonic() + STOP_KEEPALIVE_LINGER
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, ends)

    def _take_what_is_there(self, listener: Any) -> None:
        listener.setblocking(False)
        # No more than it takes at other times: whoever goes on connecting must not keep this from ending.
        while self.nr_conns < self.worker_connections and select.select([listener], [], [], 0)[0]:
            self.accept(listener)
