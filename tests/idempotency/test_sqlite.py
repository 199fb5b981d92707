"""The store in a file: several processes, forks, crashes, what else may lie in the file, and who may read it."""

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.idempotency import sqlite_file
from cxfulfill.idempotency.sqlite import LEASE_KEPT, SqliteStore, make_private_folder, prepare
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome
from tests.clock import Clock

SPAWN: Final = multiprocessing.get_context("spawn")
KEYS: Final = [f"key-{number}" for number in range(150)]
PATIENCE: Final = 60.0
"""Seconds after which a test gives up, on however slow a machine."""


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "calls.sqlite3"


@pytest.fixture
def store(file: Path, clock: Clock) -> Iterator[SqliteStore]:
    with closing(SqliteStore(file, clock=clock)) as store:
        yield store


@pytest.fixture
def raw(store: SqliteStore, file: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the file open."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
        yield connection


def ask(store: SqliteStore, key: str = "k", owner: str = "a", lease: float = 10.0) -> Outcome:
    return store.acquire(key, owner=owner, fingerprint=f"print-{owner}", lease=lease)


def run(store: SqliteStore, key: str = "k", owner: str = "a", result: bytes = b"answer", ttl: float = 100.0) -> None:
    outcome = ask(store, key, owner)
    assert isinstance(outcome, Acquired)
    assert store.complete(outcome.lease, result, ttl=ttl)


# Several processes


def contend(file: Path, name: str, barrier: Barrier, won: Connection) -> None:
    """Ask for every key, and complete those that were given."""
    store = SqliteStore(file, busy_timeout=PATIENCE)
    barrier.wait(PATIENCE)
    keys = []
    for key in KEYS:
        outcome = ask(store, key, name, lease=1_000)
        if isinstance(outcome, Acquired):
            assert store.complete(outcome.lease, name.encode(), ttl=1_000)
            keys.append(key)
        else:
            assert outcome.fingerprint != f"print-{name}"
    won.send(keys)
    store.close()


def test_of_four_processes_one_wins_each_key(file: Path) -> None:
    """They also make the file at the same time, and switch it to the log."""
    barrier = SPAWN.Barrier(4)
    running = []
    for name in "abcd":
        mine, its = SPAWN.Pipe()
        process = SPAWN.Process(target=contend, args=(file, name, barrier, its))
        process.start()
        running.append((name, process, mine))

    won: dict[str, list[str]] = {name: mine.recv() if mine.poll(PATIENCE) else [] for name, _, mine in running}
    for _, process, mine in running:
        process.join(PATIENCE)
        assert process.exitcode == 0
        mine.close()

    assert sorted(key for keys in won.values() for key in keys) == sorted(KEYS)
    with closing(SqliteStore(file)) as store:
        for name, keys in won.items():
            for key in keys:
                assert ask(store, key, "e") == Completed(f"print-{name}", name.encode())


def hold(file: Path, told: Connection) -> None:
    """Get a lease, tell, and hang in the handler."""
    assert isinstance(ask(SqliteStore(file), "k", "child", lease=15), Acquired)
    told.send("leased")
    signal.pause()


def write_without_end(file: Path, told: Connection) -> None:
    store = SqliteStore(file)
    for number in range(1_000_000):
        run(store, f"key-{number}", "child", result=bytes(5_000), ttl=1_000)
        told.send(number)


def started(target: Callable[[Path, Connection], None], file: Path) -> tuple[Any, Connection]:
    mine, its = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(file, its))
    process.start()
    its.close()
    assert mine.poll(PATIENCE)
    return process, mine


def killed(process: Any) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL


def test_the_lease_of_a_killed_process_runs_out(file: Path, clock: Clock) -> None:
    process, told = started(hold, file)
    killed(process)
    told.close()

    clock.seconds = time.time()
    with closing(SqliteStore(file, clock=clock)) as store:
        assert ask(store, owner="b") == InProgress("print-child")
        clock.seconds += 15
        assert ask(store, owner="b") == Acquired(Lease("k", "b", "print-b"), took_over=True)


@pytest.mark.parametrize("after", [0, 1, 2, 7, 30])
def test_a_process_that_is_killed_while_it_writes_loses_nothing_and_locks_nobody_out(file: Path, after: int) -> None:
    process, told = started(write_without_end, file)
    done = 0
    while done < after:
        done = told.recv()
    killed(process)
    while told.poll():
        try:
            done = told.recv()
        except EOFError:
            break
    told.close()

    with closing(SqliteStore(file)) as store:
        for number in range(done + 1):
            assert ask(store, f"key-{number}", "b") == Completed("print-child", bytes(5_000))
        run(store, "new", "b")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# Forks


def in_a_process_of_its_own(code: str, file: Path) -> str:
    # A fork of the tests' own process would copy whatever else they hold.
    done = subprocess.run(
        [sys.executable, "-c", FORKING + code, file],
        capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


FORKING: Final = """
import ctypes, os, signal, subprocess, sys, threading
from cxfulfill.idempotency import sqlite_file
from cxfulfill.idempotency.sqlite import SqliteStore
from cxfulfill.idempotency.store import Acquired, Completed

file = sys.argv[1]
signal.alarm(50)

def run(store, key):
    outcome = store.acquire(key, owner="a", fingerprint="", lease=100)
    assert isinstance(outcome, Acquired), outcome
    assert store.complete(outcome.lease, key.encode(), ttl=100)

def has(store, key):
    return store.acquire(key, owner="b", fingerprint="", lease=100) == Completed("", key.encode())

def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

def in_child(act):
    try:
        act()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)

store = SqliteStore(file)
run(store, "before")
"""


def test_a_forked_child_loses_nothing(file: Path) -> None:
    """While it writes, the parent closes the file, and so does a third process, the last but for the child."""
    code = """
ready, told = os.pipe()
goes_on, tell = os.pipe()

def act():
    run(store, "child")
    os.write(told, b"x")
    os.read(goes_on, 1)
    run(store, "late")

child = os.fork()
if child == 0:
    in_child(act)
os.read(ready, 1)
run(store, "parent")
store.close()
third = f"import sqlite3; db = sqlite3.connect({file!r}); db.execute('SELECT * FROM calls_v1').fetchall(); db.close()"
subprocess.run([sys.executable, "-c", third], check=True)
os.write(tell, b"x")
assert ended(child)
print([has(store, key) for key in ("before", "child", "parent", "late")])
"""
    assert in_a_process_of_its_own(code, file) == "[True, True, True, True]\n"


def test_forks_while_threads_use_the_store(file: Path) -> None:
    code = """
stop = threading.Event()
counts = [0, 0]

def use(name):
    while not stop.is_set():
        run(store, f"thread-{name}-{counts[name]}")
        counts[name] += 1

threads = [threading.Thread(target=use, args=(name,)) for name in (0, 1)]
for thread in threads:
    thread.start()
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
for number in range(20):
    child = os.fork()
    if child == 0:
        in_child(lambda: run(store, f"child-{number}"))
    assert ended(child)
stop.set()
for thread in threads:
    thread.join()
print(all(has(store, f"child-{number}") for number in range(20)))
print(all(has(store, f"thread-{name}-{number}") for name in (0, 1) for number in range(counts[name])))
"""
    assert in_a_process_of_its_own(code, file) == "True\nTrue\n"


def test_a_fork_that_tells_only_the_child(file: Path) -> None:
    """As embedding servers fork; the child lets the parent's connection be."""
    code = """
child = ctypes.PyDLL(None).fork()
if child == 0:
    def act():
        sqlite_file._after_fork_in_child()
        run(store, "child")
    in_child(act)
assert ended(child)
run(store, "parent")
print([has(store, key) for key in ("before", "child", "parent")])
"""
    assert in_a_process_of_its_own(code, file) == "[True, True, True]\n"


def test_no_connection_is_open_during_a_fork(store: SqliteStore) -> None:
    run(store)
    sqlite_file._before_fork()
    assert store._connection._db is None
    with pytest.raises(TimeoutError):
        impatient(store).check()
    sqlite_file._after_fork_in_parent()

    assert ask(store, owner="b") == Completed("print-a", b"answer")


def test_an_inherited_connection_is_neither_used_nor_closed(store: SqliteStore) -> None:
    run(store)
    parents = store._connection._db
    assert parents is not None

    sqlite_file._after_fork_in_child()

    assert ask(store, owner="b") == Completed("print-a", b"answer")
    assert store._connection._db is not parents
    assert parents in sqlite_file._inherited
    assert parents.execute("SELECT 1").fetchall() == [(1,)]
    sqlite_file._inherited.remove(parents)
    parents.close()


# Waiting


def impatient(store: SqliteStore) -> SqliteStore:
    """The same store, which waits for nobody."""
    store._connection._wait = 0
    if store._connection._db is not None:
        store._connection._db.execute("PRAGMA busy_timeout = 0")
    return store


def test_another_program_that_holds_the_file_is_an_error(store: SqliteStore, raw: sqlite3.Connection) -> None:
    run(store, "done")
    raw.execute("BEGIN IMMEDIATE")
    lease = Lease("done", "a")

    with pytest.raises(sqlite3.OperationalError):
        ask(impatient(store))
    with pytest.raises(sqlite3.OperationalError):
        store.complete(lease, b"", ttl=1)
    with pytest.raises(sqlite3.OperationalError):
        store.release(lease)
    with pytest.raises(sqlite3.OperationalError):
        store.check()

    raw.execute("ROLLBACK")
    store.check()
    assert isinstance(ask(store), Acquired)


def test_a_thread_waits_for_its_turn_no_longer_than_it_may(store: SqliteStore) -> None:
    run(store)
    with impatient(store)._connection, pytest.raises(TimeoutError):
        ask(store)

    assert ask(store, owner="b") == Completed("print-a", b"answer")


def test_a_turn_is_given_back_where_the_file_cannot_be_opened(file: Path, clock: Clock) -> None:
    store = SqliteStore(file, clock=clock)
    file.rename(file.with_name("kept"))
    file.mkdir()
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="cannot be read and written"):
            ask(store)

    file.rmdir()
    file.with_name("kept").rename(file)
    run(store)
    store.close()


def interfering(store: SqliteStore, beginning: str, act: Callable[[], object]) -> None:
    """Act once, just before the store executes a statement."""
    connection = store._connection._db
    assert connection is not None

    def trace(statement: str) -> None:
        if statement.startswith(beginning):
            connection.set_trace_callback(None)
            act()

    connection.set_trace_callback(trace)


def test_a_call_that_is_released_between_two_looks_is_acquired(store: SqliteStore, raw: sqlite3.Connection) -> None:
    ask(store)
    interfering(store, "SELECT owner", lambda: raw.execute("DELETE FROM calls_v1"))

    assert ask(store, owner="b") == Acquired(Lease("k", "b", "print-b"), took_over=False)


def test_a_call_that_another_takes_over_between_two_looks_is_in_progress(
    store: SqliteStore, file: Path, clock: Clock
) -> None:
    ask(store)
    clock.seconds += 10
    with closing(SqliteStore(file, clock=clock)) as other:
        interfering(store, "BEGIN", lambda: ask(other, owner="c"))

        assert ask(store, owner="b") == InProgress("print-c")


# What has expired


def rows(raw: sqlite3.Connection) -> set[str]:
    return {key for (key,) in raw.execute("SELECT key FROM calls_v1")}


def purge(store: SqliteStore, times: int = 1) -> None:
    for _ in range(times):
        store._until_purge = 0
        ask(store, "purges")


def test_what_has_expired_is_purged_and_nothing_else(store: SqliteStore, raw: sqlite3.Connection, clock: Clock) -> None:
    for number in range(100):
        run(store, f"short-{number}", ttl=5)
        run(store, f"long-{number}", ttl=LEASE_KEPT * 2)
    ask(store, "lost", lease=5)
    ask(store, "running", lease=LEASE_KEPT * 2)
    ask(store, "purges", lease=LEASE_KEPT * 2)
    clock.seconds += 5
    purge(store, 50)
    others = {f"long-{number}" for number in range(100)} | {"running", "purges"}
    assert rows(raw) == others | {"lost"}, "who takes it over must be told"

    clock.seconds += LEASE_KEPT
    purge(store, 50)
    assert rows(raw) == others


def test_a_purge_is_bounded(store: SqliteStore, raw: sqlite3.Connection, clock: Clock) -> None:
    for number in range(600):
        run(store, str(number), ttl=1)
    clock.seconds += 1
    raw.execute("DELETE FROM calls_v1 WHERE key = 'purges'")

    purge(store)

    assert len(rows(raw)) > 600 - 256


def test_a_store_in_use_keeps_little_of_what_has_expired(
    store: SqliteStore, raw: sqlite3.Connection, clock: Clock
) -> None:
    """A call a second with a time to live of 400 seconds, and one old result that keeps the lowest place."""
    run(store, "old", ttl=1_000_000)
    for number in range(5_000):
        clock.seconds += 1
        run(store, str(number), ttl=400)

    # By its design a third more; the places are random.
    assert len(rows(raw)) < 900
    assert "old" in rows(raw)


# What else may lie there


@pytest.mark.parametrize(
    "change",
    [
        "owner = 7", "owner = x'61'", "owner = CAST(x'ff' AS TEXT)",
        "fingerprint = 7", "fingerprint = x'61'", "fingerprint = CAST(x'c328' AS TEXT)",
        "expires = 'soon'", "expires = x'00'",
        "result = 'text'", "result = 7", "result = 1.5", "result = CAST(x'ff' AS TEXT)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("complete", [False, True])
def test_a_row_of_another_form_counts_as_none(
    store: SqliteStore, raw: sqlite3.Connection, change: str, complete: bool
) -> None:
    if complete:
        run(store)
    else:
        ask(store)
    # The columns would turn numbers into texts: a table without types, as another program may have made it.
    raw.executescript("""
        ALTER TABLE calls_v1 RENAME TO former;
        CREATE TABLE calls_v1 (key PRIMARY KEY NOT NULL, owner, fingerprint, expires, result);
        INSERT INTO calls_v1 SELECT * FROM former;
    """)
    raw.execute(f"UPDATE calls_v1 SET {change}")

    assert ask(store, owner="b") == Acquired(Lease("k", "b", "print-b"), took_over=False)
    assert ask(store, owner="c") == InProgress("print-b")


def test_what_another_version_keeps_is_not_seen(store: SqliteStore, raw: sqlite3.Connection) -> None:
    run(store)
    raw.execute("ALTER TABLE calls_v1 RENAME TO calls_v0")
    store.close()

    assert ask(store, owner="b") == Acquired(Lease("k", "b", "print-b"))
    assert raw.execute("SELECT owner FROM calls_v0").fetchall() == [("a",)]


@pytest.mark.parametrize("size", [1, 2, 99, 511, 512, 5_000])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(file: Path, size: int) -> None:
    content = (b"the minutes of a meeting\n" * 1_000)[:size]
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match="is no SQLite database, so it is left as it is: name another file"):
        SqliteStore(file)

    assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


def test_a_damaged_database_is_refused(file: Path) -> None:
    SqliteStore(file).close()
    content = bytearray(file.read_bytes())
    content[100:1_000] = bytes(900)
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match="is damaged"):
        SqliteStore(file)

    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "table",
    [
        "calls_v1 (key TEXT PRIMARY KEY, answer BLOB)",
        "calls_v1 (key, owner, fingerprint, expires, result)",
        "calls_v1 (key TEXT PRIMARY KEY, owner, fingerprint, expires, result, guest TEXT NOT NULL)",
    ],
)
def test_a_table_of_another_form_is_refused(file: Path, table: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"CREATE TABLE {table}")

    with pytest.raises(ConfigurationError, match="has a table of the same name and another form"):
        SqliteStore(file)


def test_a_database_with_other_tables_is_shared(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE guests (name TEXT)")
        connection.execute("INSERT INTO guests VALUES ('Ada')")

    with closing(SqliteStore(file)) as store:
        run(store)

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT name FROM guests").fetchall() == [("Ada",)]


@pytest.mark.parametrize("kind", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_database_that_another_program_holds_is_refused(file: Path, kind: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE guests (name TEXT)")
        connection.execute(f"BEGIN {kind}")
        with pytest.raises(ConfigurationError, match="is held by another program"):
            prepare(file, wait=0)


def test_the_switch_to_the_log_waits_for_others(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE guests (name TEXT)")
        connection.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "sleep", lambda seconds: connection.execute("ROLLBACK"))
        prepare(file)

    assert log_of(file) == "wal"


def log_of(file: Path) -> Any:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_the_switch_to_the_log_is_made_once(file: Path) -> None:
    """What only reads the file does not keep a store from opening it once it is prepared."""
    assert prepare(file) == file
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM calls_v1").fetchall()
        with closing(SqliteStore(file)) as store:
            run(store)


def test_a_disk_without_shared_memory_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite's own driver for such disks.
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda name, **options: connect(f"{name}&vfs=unix-dotfile", **options))

    with pytest.raises(ConfigurationError, match="must be on a local disk"):
        SqliteStore(file)


def test_an_sqlite_that_is_too_old_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 23, 1))
    with pytest.raises(ConfigurationError, match=r"needs SQLite 3\.24"):
        SqliteStore(file)


@pytest.mark.parametrize("path", ["", ":memory:"])
def test_no_file_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="a store in memory is memory://"):
        SqliteStore(path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"make the folder of .*calls first"):
        SqliteStore(tmp_path / "missing" / "calls")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read and written by this user"):
        SqliteStore(tmp_path)


@pytest.mark.parametrize("mode", [0o444, 0o000])
def test_a_file_that_this_user_may_not_write_is_refused(mode: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "calls")
        SqliteStore(file).close()
        Path(folder).chmod(0o777)
        file.chmod(mode)
        # Modes are nothing to root; and what is imported late may be out of the other user's reach.
        code = f"""
import os, urllib.parse
from cxfulfill.idempotency.sqlite import SqliteStore
os.seteuid(os.geteuid() or 65_534)
SqliteStore({str(file)!r})
"""
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
        )
    assert "ConfigurationError: SqliteStore: " in done.stderr
    assert "cannot be read and written by this user" in done.stderr


def test_the_file_may_be_removed_or_replaced_while_processes_use_it(
    store: SqliteStore, file: Path, clock: Clock
) -> None:
    """They go on with one file, and do not each keep their own."""
    with closing(SqliteStore(file, clock=clock)) as other:
        run(store)
        assert ask(other, owner="b") == Completed("print-a", b"answer")
        for path in file.parent.iterdir():
            path.unlink()
        clock.seconds += 1

        assert isinstance(ask(store), Acquired)
        assert ask(other, owner="b") == InProgress("print-a")

        for path in file.parent.iterdir():
            path.unlink()
        with closing(SqliteStore(file, clock=clock)) as third:
            run(third, owner="c")
            clock.seconds += 1
            assert ask(store, owner="b") == ask(other, owner="b") == Completed("print-c", b"answer")


# Where it lies, and who may read it


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_its_log_are_for_this_user_alone(store: SqliteStore, file: Path) -> None:
    run(store)
    found = {path.name: mode_of(path) for path in file.parent.iterdir()}
    assert found == dict.fromkeys(("calls.sqlite3", "calls.sqlite3-wal", "calls.sqlite3-shm"), 0o600)


def test_a_file_behind_a_link_that_leads_nowhere_yet_is_for_this_user_alone(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)

    SqliteStore(link).close()

    assert mode_of(target) == 0o600


def test_a_name_that_is_special_in_urls(tmp_path: Path) -> None:
    file = tmp_path / "a b?mode=memory#%41.sqlite3"

    SqliteStore(file).close()

    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_relative_path_is_taken_where_the_store_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(SqliteStore("calls")) as store:
        monkeypatch.chdir("/")
        run(store)
        assert repr(store) == f"SqliteStore('{tmp_path}/calls')"
    assert (tmp_path / "calls").exists()


def test_a_closed_store_opens_again(store: SqliteStore) -> None:
    run(store)
    store.close()
    store.close()
    assert ask(store, owner="b") == Completed("print-a", b"answer")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"cxfulfill-{os.geteuid()}"


def test_a_private_folder_is_made_and_found_again(temporary: Path) -> None:
    before = os.umask(0)
    try:
        assert make_private_folder() == temporary
    finally:
        os.umask(before)
    (temporary / "kept").touch()

    assert make_private_folder() == temporary
    assert mode_of(temporary) == 0o700
    assert (temporary / "kept").exists()


def test_a_private_folder_with_another_mode_is_refused(temporary: Path) -> None:
    for mode in (0o755, 0o770, 0o701, 0o702, 0o500):
        make_private_folder()
        temporary.chmod(mode)
        refuses(temporary)
        temporary.chmod(0o700)


def test_a_link_in_place_of_a_private_folder_is_refused(temporary: Path) -> None:
    """Whether or not it leads to a folder that would do."""
    elsewhere = temporary.with_name("elsewhere")
    temporary.symlink_to(elsewhere)
    refuses(temporary)
    elsewhere.mkdir(mode=0o700)
    refuses(temporary)
    assert list(elsewhere.iterdir()) == []


def test_a_file_in_place_of_a_private_folder_is_refused(temporary: Path) -> None:
    temporary.touch(mode=0o700)
    refuses(temporary)


def test_a_private_folder_of_another_user_is_refused(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    refuses(temporary.with_name(f"cxfulfill-{another}"))


def refuses(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="must be a folder of this user with mode 0700") as refusal:
        make_private_folder()
    assert str(folder) in str(refusal.value)
