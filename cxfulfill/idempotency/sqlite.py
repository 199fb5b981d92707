"""The store of one machine: an SQLite file on a local disk, which the processes of the machine share."""

import os
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, cast

from cxfulfill.idempotency.sqlite_file import SharedConnection, absolute, make_private_folder, open_database
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome

__all__ = ["BUSY_TIMEOUT", "LEASE_KEPT", "SqliteStore", "make_private_folder", "prepare"]

BUSY_TIMEOUT: Final = 1.0
"""Seconds that a call waits for other processes, and as many for the threads of its own."""
LEASE_KEPT: Final = 86_400.0
"""Seconds that a lease is remembered after it has run out, so that who takes it over is told."""

_PATIENCE: Final = 5.0
_PURGE_EVERY: Final = 64

# The version of the format is in the table's name: what another version keeps is not seen.
_CREATE = """
CREATE TABLE IF NOT EXISTS calls_v1 (
    key TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, fingerprint TEXT NOT NULL, expires REAL NOT NULL, result BLOB
)
"""
_ADD = """
INSERT INTO calls_v1 (key, owner, fingerprint, expires, result) VALUES (?, ?, ?, ?, NULL) ON CONFLICT (key) DO NOTHING
"""
_READ = "SELECT owner, fingerprint, expires, result FROM calls_v1 WHERE key = ?"
_REPLACE = "REPLACE INTO calls_v1 (key, owner, fingerprint, expires, result) VALUES (?, ?, ?, ?, NULL)"
_COMPLETE = "UPDATE calls_v1 SET result = ?, expires = ? WHERE key = ? AND owner = ?"
_RELEASE = "DELETE FROM calls_v1 WHERE key = ? AND owner = ? AND result IS NULL"
# What has expired among 256 rows from a random one on. That is four times what comes in meanwhile, so that expired rows
# are about a quarter of those in use at most, and it needs no index, which every call would pay for.
_SOMEWHERE = """
SELECT rowid FROM calls_v1 WHERE rowid >= (
    SELECT low - 255 + abs(random() % (high - low + 256))
    FROM (SELECT (SELECT min(rowid) FROM calls_v1) AS low, (SELECT max(rowid) FROM calls_v1) AS high)
) ORDER BY rowid LIMIT 1
"""
_PURGE = """
DELETE FROM calls_v1 WHERE rowid BETWEEN ? AND ? AND expires <= ? AND (result IS NOT NULL OR expires <= ?)
"""

_Record = tuple[str, str, float, bytes | None]


def prepare(path: str | os.PathLike[str], *, wait: float = _PATIENCE) -> Path:
    """Make the file where it is not there, and switch it to SQLite's log (WAL), once.

    `SqliteStore` does it too. Where several processes are about to open a new file, do it before they start: the switch
    needs the file for itself.

    Args:
        path: The file.
        wait: Seconds that it may take while other processes have the file.

    Returns:
        The file's absolute path, without symbolic links.

    Raises:
        ConfigurationError: It cannot be made or opened, is no SQLite database or one of another kind, or is not on a
            local disk. It is left as it is.
    """
    file = absolute(path)
    _open(file, wait).close()
    return file


def _open(file: Path, wait: float) -> sqlite3.Connection:
    return open_database(file, schema=_CREATE, attempt=_attempt, wait=wait)


def _attempt(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(_ADD, ("", "", "", 0.0))
    finally:
        db.rollback()


class SqliteStore:
    """Leases and results in an SQLite file, for the processes of one machine.

    The file is made where it is not there, for this user alone (mode 0600). The threads of a process take turns on one
    connection: SQLite has one writer at a time, and lets others poll.

    Args:
        path: The file, on a local disk: its log (WAL) does not work on a network's.
        clock: Seconds, the same in all processes. Where it goes back, none of them sees an earlier time than before.
        busy_timeout: Seconds that a call waits for other processes, and as many for the threads of its own.

    Raises:
        ConfigurationError: The file can be neither used nor made; see `prepare`.
    """

    blocking = True
    bounded = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.time,
        busy_timeout: float = BUSY_TIMEOUT,
    ) -> None:
        self._file = prepare(path)
        self._connection = SharedConnection(self._file, partial(_open, self._file, busy_timeout), busy_timeout, clock)
        self._clock = clock
        self._latest = clock()
        self._until_purge = 0

    def __repr__(self) -> str:
        return f"SqliteStore({str(self._file)!r})"

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        with self._connection as db:
            now = self._now()
            self._purge_now_and_then(db, now)
            wanted = (key, owner, fingerprint, now + lease)
            if db.execute(_ADD, wanted).rowcount == 1:
                return Acquired(Lease(key, owner, fingerprint))
            return _of_others(_read(db, key), owner, now) or _settle(db, wanted, now)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        with self._connection as db:
            return db.execute(_COMPLETE, (result, self._now() + ttl, lease.key, lease.owner)).rowcount == 1

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        with self._connection as db:
            return db.execute(_RELEASE, (lease.key, lease.owner)).rowcount == 1

    def check(self) -> None:
        """Write, and take it back.

        Raises:
            Exception: That cannot be done now.
        """
        with self._connection as db:
            _attempt(db)

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._connection.close()

    def _now(self) -> float:
        # A clock that is set back revives nothing.
        self._latest = max(self._latest, self._clock())
        return self._latest

    def _purge_now_and_then(self, db: sqlite3.Connection, now: float) -> None:
        if self._until_purge == 0:
            for (start,) in db.execute(_SOMEWHERE).fetchall():
                db.execute(_PURGE, (start, start + 255, now, now - LEASE_KEPT))
            self._until_purge = _PURGE_EVERY
        self._until_purge -= 1


def _read(db: sqlite3.Connection, key: str) -> _Record | None:
    """Read a row; None where there is none, or none of ours."""
    match db.execute(_READ, (key,)).fetchone():
        case (str(), str(), float(), None | bytes()) as record:
            return cast(_Record, record)
    return None


def _of_others(record: _Record | None, owner: str, now: float) -> InProgress | Completed | None:
    """Tell what keeps this owner from running the call."""
    if record is None or record[2] <= now:
        return None
    holder, fingerprint, _, result = record
    if result is not None:
        return Completed(fingerprint, result)
    return InProgress(fingerprint) if holder != owner else None


def _settle(db: sqlite3.Connection, wanted: tuple[str, str, str, float], now: float) -> Outcome:
    """Decide with the file locked: there is a row, and it keeps nobody from running the call, or cannot be read."""
    key, owner, fingerprint, _ = wanted
    with db:
        db.execute("BEGIN IMMEDIATE")
        record = _read(db, key)
        others = _of_others(record, owner, now)
        if others is None:
            db.execute(_REPLACE, wanted)
        took_over = record is not None and record[0] != owner and record[3] is None
        return others or Acquired(Lease(key, owner, fingerprint), took_over)
