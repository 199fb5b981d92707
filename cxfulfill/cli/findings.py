"""What a check of ``cxfulfill doctor`` finds."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cxfulfill.registration import Registration
from cxfulfill.target import Target
from cxfulfill.webhook import Webhook


class Verdict(Enum):
    """How a check ends."""

    OK = "ok"
    SKIP = "skip"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; no secret is in it.

    Attributes:
        check: What was checked.
        verdict: How it ended.
        found: What was found.
        to_do: What to do; empty for nothing.
    """

    check: str
    verdict: Verdict
    found: str
    to_do: str = ""


ORDER: Final = tuple(Verdict)
"""The verdicts, best first."""


def handlers_of(webhook: Webhook) -> list[tuple[Registration, Target]]:
    """Give the handlers of an application with what they come to.

    Args:
        webhook: The application.

    Returns:
        Standard ones, then flexible ones.
    """
    standard = [(each, Target.of(each, deferral=each.deferral)) for each in webhook.entries()]
    return [*standard, *((each, Target.of(each)) for each in webhook.routes())]


def is_cut_off(target: Target) -> bool:
    """Tell whether a handler's call ends at its deadline while the handler goes on.

    Args:
        target: The handler.

    Returns:
        Whether it does: ``async`` ones always, plain ones with ``timeout=`` or ``fallback=``.
    """
    return target.watched or target.invocation.function.is_async
