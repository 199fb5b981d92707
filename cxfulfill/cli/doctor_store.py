"""Doctor: whether the idempotency store works, and is one that all who serve share."""

import os
import time
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

from cxfulfill.cli.findings import Finding, Verdict
from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.circuit import StoreDown
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease
from cxfulfill.loading import PLATFORM
from cxfulfill.random_ids import new_id
from cxfulfill.settings.server import read_server
from cxfulfill.webhook import Webhook

SLOW: Final = 0.1
"""Seconds for a round trip that are worth a word: each call makes two before it is answered."""

_KEPT: Final = 5.0
_TRIPS: Final = 6
_ANSWER: Final = b"{}"
_SHARE: Final = "Set a store that all share, such as CXFULFILL_STORE=redis://..., or idempotency='redis://...'."


def check_store(webhook: Webhook) -> Iterator[Finding]:
    """Acquire, complete and release keys of the doctor's own, with a short lease.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    deduplication = webhook.pipeline().deduplication
    if deduplication is None:
        yield Finding("store", Verdict.WARN, "there is none: a retry runs a call again", "See idempotency= of Webhook.")
        return
    store = deduplication.store
    kind = type(store.store).__name__
    begun = time.monotonic()
    try:
        wrong = _wrong(store)
    except StoreDown as down:
        why = type(down.__cause__).__name__ if down.__cause__ else "too many calls that hang"
        see = "See to the store: address, credentials, memory, connections."
        yield Finding("store", Verdict.FAIL, f"{kind} failed with {why}", see)
        return
    trip = (time.monotonic() - begun) / _TRIPS
    if wrong:
        see = "Let its tests inherit from cxfulfill.testing.StoreContract."
        yield Finding("store", Verdict.FAIL, f"{kind} does not keep to the contract: {wrong}", see)
    elif trip > SLOW:
        yield Finding(
            "store", Verdict.WARN, f"{kind} takes {trip * 1000:.0f} ms each time", "Put it nearer to this service."
        )
    else:
        yield Finding("store", Verdict.OK, f"{kind} takes {trip * 1000:.1f} ms each time")


def _wrong(store: GuardedStore) -> str:
    """Go through what happens to a call; tells what is wrong, empty for nothing."""
    key, owner, other = f"cxfulfill-doctor-{uuid4().hex}", new_id(), new_id()
    given = store.acquire(key, owner=owner, fingerprint="doctor", lease=_KEPT)
    if given != Acquired(Lease(key, owner, "doctor")):
        return "it does not give a new key"
    if store.acquire(key, owner=other, fingerprint="doctor", lease=_KEPT) != InProgress("doctor"):
        return "it gives a key to two at once"
    if not store.release(given.lease) or not isinstance(
        given := store.acquire(key, owner=other, fingerprint="doctor", lease=_KEPT), Acquired
    ):
        return "a key that was released is not free"
    if not store.complete(given.lease, _ANSWER, ttl=_KEPT):
        return "it does not keep an answer"
    kept = store.acquire(key, owner=owner, fingerprint="doctor", lease=_KEPT)
    return "" if kept == Completed("doctor", _ANSWER) else "it does not give an answer back"


def check_sharing(webhook: Webhook) -> Iterator[Finding]:
    """Tell whether a retry that another worker or instance gets is known there.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    deduplication = webhook.pipeline().deduplication
    if deduplication is None:
        yield Finding("shared store", Verdict.SKIP, "there is no store")
        return
    store = deduplication.store.store
    in_memory, several = isinstance(store, MemoryStore), _workers() > 1
    by_itself = deduplication.policy.given_store is None
    if PLATFORM in os.environ and (in_memory or type(store).__name__ == "SqliteStore"):
        found = "the store is each instance's own: a retry that another one gets runs again"
        yield Finding("shared store", Verdict.WARN, found, f"{_SHARE} Right as it is with --max-instances=1 alone.")
    elif in_memory and several and not by_itself:
        found = "MemoryStore is each worker's own: a retry that another one gets runs again"
        yield Finding("shared store", Verdict.FAIL, found, _SHARE)
    elif in_memory and several:
        yield Finding("shared store", Verdict.OK, "the shipped gunicorn settings let the workers share a file")
    else:
        yield Finding("shared store", Verdict.OK, "no worker has one of its own" if several else "one worker")


def _workers() -> int:
    try:
        return read_server().workers
    except ConfigurationError:
        return 1  # the settings are looked at elsewhere
