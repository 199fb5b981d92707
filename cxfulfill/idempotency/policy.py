"""The policy: where calls are remembered, for how long, and what happens where that fails."""

import logging
import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from cxfulfill.context import Context, log_of
from cxfulfill.errors import ConfigurationError
from cxfulfill.forks import lock_of_process
from cxfulfill.idempotency.answers import Encryption
from cxfulfill.idempotency.business import LONGEST_TTL, takes
from cxfulfill.idempotency.guard import check_verbs
from cxfulfill.idempotency.keys import KeyFunction, call_key
from cxfulfill.idempotency.store import IdempotencyStore
from cxfulfill.idempotency.urls import check_url

LEASE: Final = 15.0
"""Seconds that a lease lasts; it is renewed every third of that while its handler runs."""
MAX_RUN: Final = 600.0
"""Seconds after which the lease of a handler that still runs is no longer renewed."""
TTL: Final = 3_600.0
"""Seconds that an answer is kept: CX retries within its own 30 seconds, some times."""
BUSINESS_TTL: Final = 86_400.0
"""Seconds that the answer of a business key is kept where its handler names no ``ttl``."""
NEAR: Final = 60.0
"""Seconds within which a call that is alike under another key is noted."""

_MAX_NEAR = 1_000
_COMPARED = (
    "session_info", "fulfillment_info", "page_info", "text", "transcript", "trigger_event", "dtmf_digits"
)  # fmt: skip
_log = logging.getLogger("cxfulfill")


class Keyed(NamedTuple):
    """A call that is de-duplicated.

    Attributes:
        key: Its key.
        fingerprint: What a business key is used for; empty where the key says it all.
        ttl: Seconds that its answer is kept.
        turn: Its ``detectIntentResponseId``.
        needs_store: Whether it cannot run without the store, as deferred jobs cannot.
        collects: Whether it asks for the answer of an earlier call, and runs something only where there is none.
    """

    key: str
    fingerprint: str
    ttl: float
    turn: str
    needs_store: bool = False
    collects: bool = False


class Idempotency:
    """How calls are de-duplicated.

    A handler runs at most once for a call while the lease holds. Exactly once needs your key downstream:
    ``ctx.idempotency_key`` is the same in every attempt.

    Args:
        store: A store, or its URL: ``memory://``, ``sqlite:///relative``, ``sqlite:////absolute``, ``redis://...``,
            ``firestore://project/collection``. By default that of the process or machine.
        lease: Seconds until a call whose worker died may run again.
        ttl: Seconds that an answer is kept for retries.
        max_run: Seconds after which a handler that still runs loses its lease.
        on_store_error: What a call gets where the store is down: ``fail`` is 503 with ``Retry-After``, ``run`` runs it
            all the same, with a warning.
        application: Name that keeps the calls of several applications in one store apart; the webhook's path by
            default.
        key: Makes the key of a call in place of `call_key`.
        encryption: Hides answers at rest, such as ``cryptography.fernet.MultiFernet``.

    Raises:
        ConfigurationError: A time is not above 0, or another argument is none of these.
    """

    def __init__(
        self,
        store: str | IdempotencyStore | None = None,
        *,
        lease: float = LEASE,
        ttl: float = TTL,
        max_run: float = MAX_RUN,
        on_store_error: Literal["fail", "run"] = "fail",
        application: str | None = None,
        key: KeyFunction = call_key,
        encryption: Encryption | None = None,
    ) -> None:
        _check_times(lease=lease, ttl=ttl, max_run=max_run)
        _check_hooks(application, key, encryption)
        if on_store_error not in ("fail", "run"):
            raise ConfigurationError('Idempotency: on_store_error is "fail" or "run"')
        if isinstance(store, str):
            check_url(store)
        elif store is not None:
            check_verbs(store)
        self.given_store = store
        self.lease = lease
        self.ttl = ttl
        self.max_run = max_run
        self.on_store_error = on_store_error
        self.application = application
        self.key = key
        self.encryption = encryption

    def __repr__(self) -> str:
        given = self.given_store
        shown = "the default store" if given is None else type(given).__name__
        if isinstance(given, str):
            shown = given.partition("://")[0]
        return f"Idempotency({shown}, lease={self.lease:g}, ttl={self.ttl:g}, on_store_error={self.on_store_error!r})"


def _check_times(**times: float) -> None:
    for name, seconds in times.items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= LONGEST_TTL:
            raise ConfigurationError(f"Idempotency: {name} is a number of seconds from 1 to {LONGEST_TTL:.0f}")
    if times["max_run"] < times["lease"]:
        raise ConfigurationError("Idempotency: max_run must not be shorter than lease")


def _check_hooks(application: object, key: object, encryption: object) -> None:
    if application is not None and not (isinstance(application, str) and application):
        raise ConfigurationError("Idempotency: application is a name")
    if not takes(key, 3):
        raise ConfigurationError("Idempotency: key must be a function of application, principal and context")
    hooks = (getattr(encryption, "encrypt", None), getattr(encryption, "decrypt", None))
    if encryption is not None and not all(map(callable, hooks)):
        raise ConfigurationError("Idempotency: encryption needs encrypt and decrypt, as cryptography's Fernet has")


class NearDuplicates:
    """Notes calls that are alike in session, tag, page and input and yet have different keys.

    They are retries whose other fields differ, or a handler that is called twice in one turn; either is worth a look.

    Args:
        clock: Seconds that only go up.

    Attributes:
        count: How many there were.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._clock = clock
        self._seen: dict[int, tuple[str, float]] = {}
        self._earlier: dict[int, tuple[str, float]] = {}
        self._lock = lock_of_process(self)

    def note(self, ctx: Context, key: str) -> None:
        """Look whether a call is one.

        Args:
            ctx: The call.
            key: Its key.
        """
        session, info, page, text, speech, event, digits = map(ctx.sent.get, _COMPARED)
        # A hash, so that no words of a user are held here.
        like = hash((
            session.get("session") if session else None, info.get("tag") if info else None,
            page.get("current_page") if page else None, speech if text is None else text, event, digits,
        ))  # fmt: skip
        if len(self._seen) >= _MAX_NEAR:
            self._turn_over()
        noted = (key, self._clock())
        # In one step: of two calls at once the later sees the earlier, and a call that is like no other needs no lock.
        if self._seen.setdefault(like, noted) is not noted or like in self._earlier:
            self._compare(ctx, like, noted)

    def _turn_over(self) -> None:
        """Begin anew, and forget what was seen before the last time."""
        with self._lock:
            if len(self._seen) >= _MAX_NEAR:
                self._earlier, self._seen = self._seen, {}

    def _compare(self, ctx: Context, like: int, noted: tuple[str, float]) -> None:
        """Look at the last call that this one is like."""
        with self._lock:
            before = self._seen.get(like, noted)
            before = self._earlier.get(like, noted) if before is noted else before
            self._seen[like] = noted
            is_near = before[0] != noted[0] and noted[1] < before[1] + NEAR
            self.count += is_near
        if is_near:
            log = log_of(ctx)
            log.info("request_id=%s near_duplicate: alike in session, tag, page and input", ctx.request_id)
