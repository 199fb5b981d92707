"""Whatever owners do, in whatever order and at whatever time: a store answers as a small model does."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule

from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.sqlite import SqliteStore
from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease, Outcome

PROCESSES: Final = 3
KEYS: Final = ("k", "l")


@dataclass(frozen=True)
class Record:
    owner: str
    fingerprint: str
    expires: float
    result: bytes | None = None


class Model:
    """What a store should answer, written without regard to how one works."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def acquire(self, now: float, wanted: Lease, lease: float) -> Outcome:
        record = self.records.get(wanted.key)
        if record is not None and now < record.expires:
            if record.result is not None:
                return Completed(record.fingerprint, record.result)
            if record.owner != wanted.owner:
                return InProgress(record.fingerprint)
        lost = record is not None and record.result is None and record.owner != wanted.owner
        self.records[wanted.key] = Record(wanted.owner, wanted.fingerprint, now + lease)
        return Acquired(wanted, took_over=lost)

    def complete(self, now: float, lease: Lease, result: bytes, ttl: float) -> bool:
        record = self.records.get(lease.key)
        if record is None or record.owner != lease.owner:
            return False
        self.records[lease.key] = Record(lease.owner, lease.fingerprint, now + ttl, result)
        return True

    def release(self, lease: Lease) -> bool:
        record = self.records.get(lease.key)
        if record is None or record.owner != lease.owner or record.result is not None:
            return False
        del self.records[lease.key]
        return True


seconds = st.integers(1, 6)
processes = st.integers(0, PROCESSES - 1)
results = st.sampled_from([b"", b"{}", b"\x00\xff", b"answer"])


class Machine(RuleBasedStateMachine):
    """Three processes, each with runs of calls, that crash and come back; their runs' leases outlive them."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.clock = 1_000.0
        self.latest = 1_000.0
        self.owners = 0
        self.stack = ExitStack()
        self.stores = self.make_stores()
        self.marks = {id(store): self.clock for store in self.stores}

    def make_stores(self) -> list[IdempotencyStore]:
        raise NotImplementedError

    def restart(self, process: int) -> None:
        raise NotImplementedError

    def teardown(self) -> None:
        self.stack.close()

    def now(self, process: int) -> float:
        """The time as a process takes it: never before what it saw."""
        mark = id(self.stores[process])
        self.marks[mark] = max(self.marks[mark], self.clock)
        self.latest = max(self.latest, self.marks[mark])
        return self.marks[mark]

    def forget(self, key: str, *, gone: Callable[[], bool]) -> None:
        """A result that expired for somebody may have been purged, or not."""
        record = self.model.records.get(key)
        if record is not None and record.result is not None and record.expires <= self.latest and gone():
            del self.model.records[key]

    def ask(self, process: int, wanted: Lease, lease: float) -> Outcome:
        now = self.now(process)
        outcome = self.stores[process].acquire(
            wanted.key, owner=wanted.owner, fingerprint=wanted.fingerprint, lease=lease
        )
        self.forget(wanted.key, gone=lambda: isinstance(outcome, Acquired))
        assert outcome == self.model.acquire(now, wanted, lease)
        return outcome

    @rule(target=leases, process=processes, key=st.sampled_from(KEYS), lease=seconds)
    def acquire(self, process: int, key: str, lease: int) -> object:
        self.owners += 1
        wanted = Lease(key, f"owner-{self.owners}", f"print-{self.owners % 2}")
        self.ask(process, wanted, lease)
        # Also what was not given may be tried.
        return wanted

    @rule(process=processes, lease=leases, length=seconds)
    def acquire_again(self, process: int, lease: Lease, length: int) -> None:
        self.ask(process, lease, length)

    @rule(process=processes, lease=leases, result=results, ttl=seconds)
    def complete(self, process: int, lease: Lease, result: bytes, ttl: int) -> None:
        now = self.now(process)
        kept = self.stores[process].complete(lease, result, ttl=ttl)
        self.forget(lease.key, gone=lambda: not kept and self.model.records[lease.key].owner == lease.owner)
        assert kept == self.model.complete(now, lease, result, ttl)

    @rule(process=processes, lease=leases)
    def release(self, process: int, lease: Lease) -> None:
        assert self.stores[process].release(lease) == self.model.release(lease)

    @rule(lease=consumes(leases))
    def lose_an_owner(self, lease: Lease) -> None:
        """It crashed: nobody completes this lease or gives it back."""

    @rule(process=processes)
    def crash(self, process: int) -> None:
        self.restart(process)

    @rule(passed=st.integers(0, 6))
    def pass_time(self, passed: int) -> None:
        self.clock += passed

    @rule(back=seconds)
    def turn_back(self, back: int) -> None:
        self.clock -= back


class MemoryMachine(Machine):
    """One store for all: a crash of its process would leave nothing to look at."""

    def make_stores(self) -> list[IdempotencyStore]:
        return [MemoryStore(clock=lambda: self.clock)] * PROCESSES

    def restart(self, process: int) -> None:
        pass


class SqliteMachine(Machine):
    """A store for each process, over one file; a new process knows nothing of the time that the former one saw."""

    def make_stores(self) -> list[IdempotencyStore]:
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        return [self.open() for _ in range(PROCESSES)]

    def open(self) -> SqliteStore:
        return self.stack.enter_context(closing(SqliteStore(self.folder / "calls", clock=lambda: self.clock)))

    def restart(self, process: int) -> None:
        store = self.stores[process]
        assert isinstance(store, SqliteStore)
        store.close()
        self.stores[process] = self.open()
        self.marks[id(self.stores[process])] = self.clock

    @rule(process=processes)
    def purge_next_time(self, process: int) -> None:
        store = self.stores[process]
        assert isinstance(store, SqliteStore)
        store._until_purge = 0


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(max_examples=75, stateful_step_count=40, deadline=None)
