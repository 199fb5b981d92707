"""Doctor: whether callers can be let in: secrets, keys, and the clock that tokens are read by."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from cxfulfill.auth.base import AllowUnauthenticated, Authenticator, is_ready
from cxfulfill.auth.keys import HttpKeySource, KeyCache
from cxfulfill.auth.outbound import OutboundError, send
from cxfulfill.cli.advice import ADVICE
from cxfulfill.cli.explain import mechanism_of, parts_of
from cxfulfill.cli.findings import Finding, Verdict
from cxfulfill.webhook import Webhook

LIMIT: Final = 3.5
"""Seconds that secrets and keys may take: a fetch has 3."""
SKEW_NOTED: Final = 5.0
"""Seconds that the clock may be wrong by; a header counts whole seconds, and an answer takes its time."""
SKEW_ALLOWED: Final = 30.0
"""Seconds that tokens are accepted too early or too late."""

_ROUND: Final = 0.02
_log = logging.getLogger("cxfulfill")


def check_callers(webhook: Webhook) -> Iterator[Finding]:
    """Let secrets and keys be fetched, and tell whether they came.

    Args:
        webhook: The application.

    Yields:
        A finding for each authenticator.
    """
    for auth in _authenticators(webhook):
        yield _checked(auth)


def check_clock(webhook: Webhook) -> Iterator[Finding]:
    """Compare this machine's clock with that of a key source that the application asks anyway.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    caches = [cache for auth in _authenticators(webhook) if (cache := _keys(auth)) is not None]
    urls = dict.fromkeys(cache.source.url for cache in caches if isinstance(cache.source, HttpKeySource))
    skews = (skew for url in urls if (skew := _skew(url)) is not None)
    skew = next(skews, None)
    if skew is None:
        why = "no address of keys told the time" if urls else "this app asks no address that tells the time"
        yield Finding("clock", Verdict.SKIP, why)
        return
    verdict = Verdict.OK if abs(skew) <= SKEW_NOTED else Verdict.WARN if abs(skew) < SKEW_ALLOWED else Verdict.FAIL
    which = "fast" if skew > 0 else "slow"
    found = "right" if verdict is Verdict.OK else f"{abs(skew):.0f} seconds {which}, by the clock of the keys' address"
    yield Finding("clock", verdict, found, "" if verdict is Verdict.OK else ADVICE["token_not_yet_valid"].change)


def _skew(url: str) -> float | None:
    """Tell how many seconds this clock is ahead of an address's; None where that does not tell."""
    try:
        begun = time.time()
        headers = send("GET", url).headers
        now = (begun + time.time()) / 2
        age = headers.get("age", "0")  # a cache in between hands on the date of long ago
        told: datetime = parsedate_to_datetime(headers["date"])
    except (OutboundError, KeyError, ValueError):
        return None
    return now - told.timestamp() - (int(age) if age.isascii() and age.isdigit() else 0)


def _authenticators(webhook: Webhook) -> list[Authenticator]:
    """Give those that decide, one by one; what joins them decides nothing itself."""
    policies = (webhook.auth, *(route.auth for route in webhook.routes() if route.auth is not None))
    found = {id(leaf): leaf for policy in policies for leaf in _leaves(policy)}
    return list(found.values())


def _leaves(auth: Authenticator) -> Iterator[Authenticator]:
    parts = parts_of(auth)
    if not parts:
        yield auth
    for _, part in parts:
        yield from _leaves(part)


def _keys(auth: Authenticator) -> KeyCache[object] | None:
    keys = getattr(auth, "keys", None)
    return keys if isinstance(keys, KeyCache) else None


def _checked(auth: Authenticator) -> Finding:
    check = f"auth {type(auth).__name__}"
    if isinstance(auth, AllowUnauthenticated):
        return Finding(check, Verdict.WARN, "everybody is let in", "Give auth= an authenticator before this serves CX.")
    if mechanism_of(auth) == "OAuthIntrospection":
        ask = "`cxfulfill auth explain --token -` asks it"
        return Finding(check, Verdict.SKIP, f"its endpoint can only be asked with a token: {ask}")
    if not hasattr(auth, "ready"):
        return Finding(check, Verdict.OK, "nothing is fetched")
    what, reason = ("keys", "keys_unavailable") if _keys(auth) is not None else ("secrets", "secret_unavailable")
    with _noted() as notes:
        begun = time.monotonic()
        # Asked twice: what has just been fetched is looked at by the second question.
        while not (ready := is_ready(auth) and is_ready(auth)) and time.monotonic() < begun + LIMIT:
            time.sleep(_ROUND)
        taken = time.monotonic() - begun
    if ready:
        return Finding(check, Verdict.OK, f"{what} at hand after {taken * 1000:.0f} ms")
    return Finding(check, Verdict.FAIL, notes[-1] if notes else f"no {what} within {LIMIT:g} s", ADVICE[reason].change)


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Collect what the log says meanwhile: its sentences on secrets and keys hold none of them."""
    notes: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    _log.addHandler(handler)
    try:
        yield notes
    finally:
        _log.removeHandler(handler)
