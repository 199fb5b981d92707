"""The store of one process: its memory."""

import time
from collections.abc import Callable
from typing import Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.forks import lock_of_process
from cxfulfill.frozen import named
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome

MAX_RECORDS: Final = 10_000
MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes of results that are kept at most (64 MiB)."""


class StoreFull(Exception):
    """Every record is a running call's, so none can be dropped; or a result is larger than all that may be kept."""


_Record = tuple[str, str, float]
"""Owner, fingerprint, and when it expires: a plain tuple, which the garbage collector need not look into."""


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
        self._records: dict[str, _Record] = {}  # of leases that run, and of calls that are complete
        self._results: dict[str, bytes] = {}  # of the latter, in the order in which they were completed
        self._lock = lock_of_process(self)

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        with self._lock:
            now = self._clock()
            if now >= self._latest:
                self._latest = now
            else:  # one that is set back revives nothing
                now = self._latest
            took_over = False
            if key in self._records:
                (held_by, used_for, expires), result = self._records[key], self._results.get(key)
                own = held_by == owner and result is None
                if expires > now and not own:
                    return InProgress(used_for) if result is None else Completed(used_for, result)
                took_over = result is None and not own
                self._drop(key)
            if len(self._records) >= self._max_records:
                self._make_room(now)
            self._records[key] = (owner, fingerprint, now + lease)
        return named(Acquired, (named(Lease, (key, owner, fingerprint)), took_over))

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        key, owner, _ = lease
        size = len(result)
        with self._lock:
            now = self._clock()
            if now >= self._latest:
                self._latest = now
            else:
                now = self._latest
            record = self._records.get(key)
            if record is None or record[0] != owner:
                return False
            if size > self._max_bytes:
                raise StoreFull
            if key in self._results:
                self._drop(key)
            if self._bytes + size > self._max_bytes:
                self._make_room_for(size, now)
            self._records[key] = (owner, record[1], now + ttl)
            self._results[key] = result  # behind all others
            self._bytes += size
            return True

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        with self._lock:
            record = self._records.get(lease.key)
            if record is None or record[0] != lease.owner or lease.key in self._results:
                return False
            self._drop(lease.key)
            return True

    def _drop(self, key: str) -> None:
        del self._records[key]
        self._bytes -= len(self._results.pop(key, b""))

    def _make_room(self, now: float) -> None:
        self._make_room_for(0, now)
        if len(self._records) >= self._max_records:
            raise StoreFull

    def _make_room_for(self, size: int, now: float) -> None:
        """Drop what has expired, then the oldest results, until a tenth is free, or what is needed of the bytes.

        A lease that runs is never dropped.
        """
        for key in [key for key, (_, _, expires) in self._records.items() if expires <= now]:
            self._drop(key)
        bytes_left = min(self._max_bytes * 0.9, self._max_bytes - size)
        results = iter(list(self._results))
        while len(self._records) > self._max_records * 0.9 or self._bytes > bytes_left:
            oldest = next(results, None)
            if oldest is None:
                break
            self._drop(oldest)
