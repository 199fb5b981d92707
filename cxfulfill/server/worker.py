"""gunicorn's threaded worker, whose listening sockets are closed as soon as it is told to end."""

import select

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]


class Worker(ThreadWorker):  # type: ignore[misc]
    """The worker of the shipped settings.

    gunicorn's own keeps its listening sockets open until its last call is answered: whoever connects meanwhile hangs,
    and is reset in the end. This one takes the connections that are there already, and then closes the sockets, so
    that others are refused at once and can go elsewhere.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end to accept; gunicorn calls this.

        Args:
            enabled: Whether connections are accepted.
        """
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                listener.setblocking(False)
                for _ in range(self.cfg.backlog):  # whoever goes on connecting must not keep this from ending
                    if not select.select([listener], [], [], 0)[0]:
                        break
                    self.accept(listener)
                listener.close()
