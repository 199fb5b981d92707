"""An SQLite file that several processes share: how it is made, opened and kept out of forks."""

import os
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Literal
from weakref import WeakValueDictionary

from cxfulfill.errors import ConfigurationError

_LEAST_VERSION: Final = (3, 24)
_LEAST_BYTES: Final = 512
"""Bytes of the smallest database that is not empty."""
_PAUSE: Final = 0.01
"""Seconds between two attempts to switch to the log."""
_LOOK_EVERY: Final = 1.0
"""Seconds after which it is looked whether the file is still there."""
_OTHER_TABLE: Final = "has a table of the same name and another form: name another file"
_FATAL: Final = {
    sqlite3.SQLITE_NOTADB: "is no SQLite database, so it is left as it is: name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged: remove it, or name another file",
    sqlite3.SQLITE_ERROR: _OTHER_TABLE,
    sqlite3.SQLITE_CONSTRAINT: _OTHER_TABLE,
    sqlite3.SQLITE_BUSY: "is held by another program: name another file",
    sqlite3.SQLITE_FULL: "is on a full disk",
}


def make_private_folder() -> Path:
    """Make a folder for this user alone, in the folder for temporary files; it is kept for the next start.

    Returns:
        The folder.

    Raises:
        ConfigurationError: What has its name is not a folder of this user that is closed to all others.
    """
    folder = Path(tempfile.gettempdir(), f"cxfulfill-{os.geteuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o777 == 0o700
    if not private or found.st_uid != os.geteuid():
        raise ConfigurationError(
            f"{folder} must be a folder of this user with mode 0700, and no link: "
            "remove it, or set CXFULFILL_STORE to sqlite:///, a path and a name"
        )
    return folder


def absolute(path: str | os.PathLike[str]) -> Path:
    """Find the place of a file, so that a later change of the working directory makes no second one.

    Args:
        path: The file, which need not be there.

    Returns:
        Its absolute path, without symbolic links.

    Raises:
        ConfigurationError: It names no file, or one in a folder that is not there.
    """
    if os.fspath(path) in {"", ":memory:"}:
        raise ConfigurationError("SqliteStore needs a file; a store in memory is memory://")
    file = Path(path).resolve()
    if not file.parent.is_dir():
        raise ConfigurationError(f"SqliteStore: make the folder of {file} first")
    return file


def open_database(
    file: Path, *, schema: str, attempt: Callable[[sqlite3.Connection], None], wait: float
) -> sqlite3.Connection:
    """Open a file for reading and writing, and make it where it is not there: for this user alone, with a log (WAL).

    Args:
        file: The file.
        schema: The statement that makes its table where it is not there.
        attempt: Tries whether it can be written.
        wait: Seconds that a statement waits for other processes.

    Returns:
        The connection. It belongs to no thread, and each statement is a transaction.

    Raises:
        ConfigurationError: It cannot be made or opened, is no SQLite database or one of another kind, or is not on a
            local disk. It is left as it is.
    """
    if sqlite3.sqlite_version_info < _LEAST_VERSION:
        raise ConfigurationError("SqliteStore needs SQLite 3.24 or newer, and this Python has an older one")
    try:
        _make(file)
        # Never made by SQLite, which would let others read it.
        db = sqlite3.connect(
            f"{file.as_uri()}?mode=rw", uri=True, timeout=wait, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error):
        raise ConfigurationError(f"SqliteStore: {file} cannot be read and written by this user") from None
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        _use_log(db, file, wait)
        db.execute(schema)
        attempt(db)
    except BaseException as error:
        db.close()
        if not isinstance(error, sqlite3.Error):
            raise
        problem = _FATAL.get(error.sqlite_errorcode & 0xFF, "cannot be read and written by this user")
        raise ConfigurationError(f"SqliteStore: {file} {problem}") from None
    db.text_factory = _text
    return db


def _make(file: Path) -> None:
    # Only a file that was not there is opened and closed here: closing one gives up all locks that this process
    # has on it.
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if 0 < file.stat().st_size < _LEAST_BYTES:
        # A file of one byte counts as an empty database with SQLite.
        raise ConfigurationError(f"SqliteStore: {file} {_FATAL[sqlite3.SQLITE_NOTADB]}")


def _use_log(db: sqlite3.Connection, file: Path, wait: float) -> None:
    """Switch to the log where it is not in use yet: that needs the file, and SQLite waits for no writer there."""
    until = time.monotonic() + wait
    while db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            if db.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                raise ConfigurationError(f"SqliteStore: {file} must be on a local disk, where SQLite's log (WAL) works")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)


def _text(data: bytes) -> str | Literal[False]:
    """Read a text of a row; what is none gives what no column holds."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return False


class SharedConnection:
    """The connection of this process to a file: made when needed, lent to one thread at a time, closed before a fork.

    SQLite's book of the locks that a process holds is copied by a fork, and the locks are not. So a child that opens a
    file which was open at the fork, even anew, holds no lock, and others remove the log that it writes to.

    Args:
        file: The file.
        connect: Opens it.
        wait: Seconds that a thread waits for its turn.
        clock: Seconds.
    """

    def __init__(
        self, file: Path, connect: Callable[[], sqlite3.Connection], wait: float, clock: Callable[[], float]
    ) -> None:
        self._file = file
        self._connect = connect
        self._wait = wait
        self._clock = clock
        self._turn = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._place: tuple[int, int] | None = None
        self._looked = 0.0
        _connections[id(self)] = self

    def __enter__(self) -> sqlite3.Connection:
        now = self._clock()
        if not self._turn.acquire(timeout=self._wait):
            raise TimeoutError("other threads use the file")
        if self._db is not None and abs(now - self._looked) < _LOOK_EVERY:
            return self._db
        try:
            return self._current(now)
        except BaseException:
            self._turn.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turn.release()

    def close(self) -> None:
        """Close it; it is opened again when needed."""
        with self._turn:
            self._drop()

    def hold(self) -> None:
        """Close it before a fork, and let no thread open it until it is let go."""
        self._turn.acquire()
        self._drop()

    def let_go(self) -> None:
        """Let threads have it again."""
        self._turn.release()

    def renew(self) -> None:
        """Begin anew in a child: whoever had the turn is not in it."""
        if self._db is not None:
            # A fork of an embedding program, which tells only the child. To close it would give up the parent's locks.
            _inherited.append(self._db)
            self._db = None
        self._turn = threading.Lock()

    def _current(self, now: float) -> sqlite3.Connection:
        if self._db is None or _place(self._file) != self._place:
            # Removed or replaced: processes that still have the old file would not see those that have the new one.
            self._drop()
            self._db = self._connect()
            self._place = _place(self._file)
        self._looked = now
        return self._db

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _place(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


_connections: WeakValueDictionary[int, SharedConnection] = WeakValueDictionary()
_held: list[list[SharedConnection]] = []
_inherited: list[sqlite3.Connection] = []


def _living() -> list[SharedConnection]:
    found = [reference() for reference in _connections.valuerefs()]
    return [connection for connection in found if connection is not None]


def _before_fork() -> None:
    connections = _living()
    for connection in connections:
        connection.hold()
    _held.append(connections)


def _after_fork_in_parent() -> None:
    for connection in _held.pop():
        connection.let_go()


def _after_fork_in_child() -> None:
    _held.clear()
    for connection in _living():
        connection.renew()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
