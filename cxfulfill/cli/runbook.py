"""Runbook: every reason code, from one table that the command and the page read."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from cxfulfill.cli.advice import ADVICE
from cxfulfill.cli.cx_entries import EVENTS
from cxfulfill.cli.entries import Entry
from cxfulfill.cli.request_entries import REQUESTS
from cxfulfill.cli.serving_entries import SERVING

_LONGEST: Final = 128
_ALIKE: Final = 0.7
_503: Final = frozenset(
    {"secret_refused", "secret_unavailable", "keys_unavailable", "introspection_unavailable", "auth_not_settled"}
)
_403: Final = frozenset(
    {"caller_not_allowed", "insufficient_scope", "agent_not_allowed", "environment_not_allowed", "forbidden"}
)


def _callers() -> Iterator[tuple[str, Entry]]:
    for code, advice in ADVICE.items():
        if code not in SERVING:
            status = 503 if code in _503 else 403 if code in _403 else 401
            yield code, Entry(status, advice.meaning, advice.in_service or advice.change)


CALLERS: Final[Mapping[str, Entry]] = dict(_callers())
"""Who may call: what `cxfulfill auth explain` says too."""

SECTIONS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "Who may call": CALLERS,
    "The request": REQUESTS,
    "Handlers, time and retries": SERVING,
}
"""By heading of the page."""

RUNBOOK: Final[Mapping[str, Entry]] = {code: entry for part in SECTIONS.values() for code, entry in part.items()}
"""By reason code."""

_NAMES: Final = (*RUNBOOK, *EVENTS)


def codes_with(wanted: int | str) -> tuple[str, ...]:
    """List the reason codes that have a status, or lead to an event.

    Args:
        wanted: The status or event.

    Returns:
        The codes, in the page's order.
    """
    return tuple(code for code, entry in RUNBOOK.items() if wanted in (entry.status, entry.event))


def alike(word: str) -> list[str]:
    """Find what a misspelt reason code or event may have been meant to be.

    Args:
        word: What was written.

    Returns:
        Codes and events, best first.
    """
    written = word.strip().lower()[:_LONGEST]
    forms = (written, re.sub(r"[- ]", "_", written))
    return next((found for form in forms if (found := get_close_matches(form, _NAMES, cutoff=_ALIKE))), [])
