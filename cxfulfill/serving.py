"""The webhooks of this process, for the servers that begin and end them."""

import logging
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakSet

from cxfulfill.errors import ConfigurationError

_log = logging.getLogger("cxfulfill")


class Served(Protocol):
    """A webhook, as far as a server's process begins and ends it."""

    def without_effect(self, threads: int | None) -> Iterator[str]:
        """Find settings that nobody heeds; see `Webhook.without_effect`."""
        ...

    def warm(self) -> None:
        """Do what the first call would wait for; see `Webhook.warm`."""
        ...

    def close(self) -> None:
        """End; see `Webhook.close`."""
        ...


served: WeakSet[Served] = WeakSet()


def close_all() -> None:
    """Close every webhook of this process; the shipped gunicorn settings call it when a worker ends."""
    for webhook in list(served):
        webhook.close()


def start_all(threads: int | None, *, warm: bool = True) -> None:
    """Prepare this process's webhooks; the shipped gunicorn settings call it before a worker takes calls.

    Args:
        threads: How many it has for requests; None where an event loop has them all.
        warm: Whether nothing else will do before the first call what that would wait for.
    """
    for webhook in list(served):
        for sentence in webhook.without_effect(threads):
            _log.warning("a setting is without effect: %s", sentence)
        if warm:
            warm_up(webhook)


def warm_up(webhook: Served) -> None:
    """Do what a webhook's first call would wait for; one that can serve nothing says so to its calls.

    Args:
        webhook: It.
    """
    try:
        webhook.warm()
    except ConfigurationError as error:
        _log.error("nothing can be served: %s", error)
