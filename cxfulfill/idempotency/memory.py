"""The store of one process: its memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.forks import lock_of_process
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome

MAX_RECORDS: Final = 10_000
MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes of results that are kept at most (64 MiB)."""


class StoreFull(Exception):
    """Every record is a running call's, so none can be dropped; or a result is larger than all that may be kept."""


@dataclass(eq=False, repr=False)
class _Record:
    owner: str
    fingerprint: str
    expires: float
    result: bytes | None = field(default=None, repr=False)


class MemoryStore:
    """Leases and results in memory, for a single process.

    It is bounded: where it is full, the oldest results are dropped, and never a lease.

    Args:
        max_records: Records at most.
        max_bytes: Bytes of results at most.
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: It could hold nothing.
    """

    blocking = False
    bounded = True

    def __init__(
        self,
        *,
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_records < 1 or max_bytes < 1:
            raise ConfigurationError("MemoryStore: max_records and max_bytes must be 1 at least")
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._clock = clock
        self._latest = clock()
        self._bytes = 0
        self._records: dict[str, _Record] = {}  # in the order in which they were completed, or else leased
        self._lock = lock_of_process(self)

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        with self._lock:
            now = self._now()
            record = self._records.get(key)
            took_over = False
            if record is not None:
                own = record.owner == owner and record.result is None
                if record.expires > now and not own:
                    if record.result is None:
                        return InProgress(record.fingerprint)
                    return Completed(record.fingerprint, record.result)
                took_over = record.result is None and not own
                self._drop(key)
            if len(self._records) >= self._max_records:
                self._make_room(now)
            if len(self._records) >= self._max_records:
                raise StoreFull
            self._records[key] = _Record(owner, fingerprint, now + lease)
            return Acquired(Lease(key, owner, fingerprint), took_over)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        with self._lock:
            now = self._now()
            record = self._records.get(lease.key)
            if record is None or record.owner != lease.owner:
                return False
            if len(result) > self._max_bytes:
                raise StoreFull
            del self._records[lease.key]
            self._bytes -= len(record.result or b"")
            if self._bytes + len(result) > self._max_bytes:
                self._make_room(now, len(result))
            record.expires, record.result = now + ttl, result
            self._records[lease.key] = record  # behind all others
            self._bytes += len(result)
            return True

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        with self._lock:
            record = self._records.get(lease.key)
            if record is None or record.owner != lease.owner or record.result is not None:
                return False
            self._drop(lease.key)
            return True

    def _now(self) -> float:
        # A clock that is set back revives nothing.
        now = self._clock()
        self._latest = max(self._latest, now)
        return self._latest

    def _drop(self, key: str) -> None:
        record = self._records.pop(key)
        self._bytes -= len(record.result or b"")

    def _make_room(self, now: float, size: int = 0) -> None:
        """Drop what has expired, then the oldest results, until a tenth is free, or what is needed of the bytes.

        A lease that runs is never dropped.
        """
        for key in [key for key, record in self._records.items() if record.expires <= now]:
            self._drop(key)
        bytes_left = min(self._max_bytes * 0.9, self._max_bytes - size)
        results = iter([key for key, record in self._records.items() if record.result is not None])
        while len(self._records) > self._max_records * 0.9 or self._bytes > bytes_left:
            oldest = next(results, None)
            if oldest is None:
                break
            self._drop(oldest)
