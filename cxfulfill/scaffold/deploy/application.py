"""What an application itself tells about how it must be deployed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from cxfulfill.cx_settings import cx_settings
from cxfulfill.scaffold.deploy.setting import PLAIN_PATH
from cxfulfill.simulator.printable import printable
from cxfulfill.target import Target
from cxfulfill.webhook import Webhook


@dataclass(frozen=True, slots=True)
class Told:
    """What an application tells.

    Attributes:
        path: Path of its standard webhook.
        fixed_paths: Paths of its flexible webhooks, without those that have variables in them.
        background: Its handlers that may work on behind their answer, in words.
        reads_environment: Whether its settings are variables.
        has_flexible: Whether it has flexible webhooks.
    """

    path: str
    fixed_paths: tuple[str, ...]
    background: tuple[str, ...]
    reads_environment: bool
    has_flexible: bool

    @property
    def fields(self) -> dict[str, Any]:
        """It as fields of `Setting`."""
        return asdict(self)


def told_by(webhook: Webhook) -> Told:
    """Ask an application.

    Args:
        webhook: The application, frozen.

    Returns:
        What it tells.
    """
    paths = [each.url.partition("?")[0] for each in cx_settings(webhook, "")]
    return Told(
        path=webhook.path,
        fixed_paths=tuple(dict.fromkeys(path for path in paths if PLAIN_PATH.fullmatch(path))),
        background=tuple(map(printable, _background(webhook))),
        reads_environment=webhook.is_from_env,
        has_flexible=bool(paths),
    )


def _background(webhook: Webhook) -> Iterator[str]:
    """Name the handlers that go on where their call is over: deferred ones, and those that are cut off."""
    for entry in webhook.entries():
        target = Target.of(entry, deferral=entry.deferral)
        if target.deferral is not None:
            yield f"{entry.tag} (deferred)"
        elif _goes_on(target):
            yield entry.tag
    for route in webhook.routes():
        if _goes_on(Target.of(route)):
            yield route.pattern.text


def _goes_on(target: Target) -> bool:
    is_async = target.invocation.function.is_async
    return (target.watched or is_async) and not (is_async and target.cancels)
