"""Memory and SQLite pass the contract of stores, and a store that breaks it is found out."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import SkipTest

import pytest

from cxfulfill.idempotency.contract import StoreContract
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.sqlite import SqliteStore
from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease, Outcome
from tests.clock import Clock


class ContractWithClock(StoreContract):
    """The contract for stores whose clock is this one."""

    @pytest.fixture(autouse=True)
    def set_up(self, tmp_path: Path) -> Iterator[None]:
        self.clock = Clock()
        self.folder = tmp_path
        self.opened: list[SqliteStore] = []
        yield
        for store in self.opened:
            store.close()

    def pass_time(self, store: IdempotencyStore, seconds: float) -> None:
        self.clock.seconds += seconds

    def turn_back(self, store: IdempotencyStore, seconds: float) -> None:
        self.clock.seconds -= seconds


class TestMemory(ContractWithClock):
    def store(self) -> IdempotencyStore:
        return MemoryStore(clock=self.clock)


class TestSqlite(ContractWithClock):
    """Two stores over one file, each with a connection of its own."""

    def store(self) -> IdempotencyStore:
        return self._open(self.folder / f"{len(self.opened)}.sqlite3")

    def another(self, store: IdempotencyStore) -> IdempotencyStore:
        assert isinstance(store, SqliteStore)
        return self._open(store._file)

    def _open(self, path: Path) -> SqliteStore:
        # Threads of a loaded machine may wait long for each other.
        store = SqliteStore(path, clock=self.clock, busy_timeout=30)
        self.opened.append(store)
        return store


class TestSqliteInOneProcess(TestSqlite):
    """The threads of one process share one connection."""

    def another(self, store: IdempotencyStore) -> IdempotencyStore:
        return store


def test_what_a_contract_does_unless_told_otherwise() -> None:
    contract = StoreContract()
    store = MemoryStore()

    assert contract.another(store) is store
    contract.pass_time(store, 0)
    with pytest.raises(SkipTest):
        contract.turn_back(store, 1)
    with pytest.raises(NotImplementedError):
        contract.store()


class Record(NamedTuple):
    """What a store has of a call."""

    owner: str
    fingerprint: str
    expires: float
    result: bytes | None


class Faulty(MemoryStore):
    """A store of somebody's own."""

    gate = threading.Barrier(8)

    def record(self, key: str) -> Record | None:
        return Record(*self._records[key], self._results.get(key)) if key in self._records else None


class FalsyIsNothing(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        outcome = super().acquire(key, **asked)
        return InProgress(outcome.fingerprint) if isinstance(outcome, Completed) and not outcome.result else outcome


class TextOnly(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return super().complete(lease, result.decode(errors="replace").encode(), ttl=ttl)


class Truncates(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return super().complete(lease, result[:65_536], ttl=ttl)


class TellsNoTakeOver(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        outcome = super().acquire(key, **asked)
        return Acquired(outcome.lease) if isinstance(outcome, Acquired) else outcome


class CallsExpiryTakeOver(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        there = self.record(key) is not None
        outcome = super().acquire(key, **asked)
        return Acquired(outcome.lease, there) if isinstance(outcome, Acquired) else outcome


class HasNoFence(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        record = self.record(lease.key)
        return super().complete(Lease(lease.key, record.owner) if record else lease, result, ttl=ttl)


class LetsAnyoneRelease(Faulty):
    def release(self, lease: Lease) -> bool:
        record = self.record(lease.key)
        return super().release(Lease(lease.key, record.owner) if record else lease)


class ReleasesResults(Faulty):
    def release(self, lease: Lease) -> bool:
        record = self.record(lease.key)
        return bool(record and record.owner == lease.owner and self._records.pop(lease.key))


class RenewsNothing(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        record = self.record(key)
        if record is not None and record.result is None and record.expires > self._clock():
            return InProgress(record.fingerprint)
        return super().acquire(key, **asked)


class RefusesTheLate(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        record = self.record(lease.key)
        return record is not None and record.expires > self._clock() and super().complete(lease, result, ttl=ttl)


class RefusesTheRepeated(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        record = self.record(lease.key)
        return record is not None and record.result is None and super().complete(lease, result, ttl=ttl)


class KeepsForEver(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return super().complete(lease, result, ttl=1e9)


class KeepsWhileLeased(Faulty):
    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        record = self.record(lease.key)
        return super().complete(lease, result, ttl=record.expires - self._clock() if record else ttl)


class LeasesForEver(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        return super().acquire(key, **{**asked, "lease": 1e9})


class GivesBackWhatWasAsked(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        outcome = super().acquire(key, **asked)
        return InProgress(asked["fingerprint"]) if isinstance(outcome, InProgress) else outcome


class CutsKeys(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        return super().acquire(key[:190], **asked)


class FoldsKeys(Faulty):
    def acquire(self, key: str, **asked: Any) -> Outcome:
        outcome = super().acquire(key.casefold(), **asked)
        return Acquired(Lease(key, asked["owner"], asked["fingerprint"])) if isinstance(outcome, Acquired) else outcome


class BelievesTheClock(Faulty):
    _latest = property(lambda self: 0.0, lambda self, now: None)


class ChecksThenActs(Faulty):
    """All threads look before one of them writes."""

    def acquire(self, key: str, **asked: Any) -> Outcome:
        free = self.record(key) is None
        if threading.current_thread() is not threading.main_thread():
            self.gate.wait(60)
            with self._lock:
                if free:
                    self._records.pop(key, None)
        return super().acquire(key, **asked)


FAULTY = Faulty.__subclasses__()


def faults(kind: type[Faulty], clock: Clock) -> list[str]:
    """Run the contract over a store, and name the tests that found something."""

    class Contract(ContractWithClock):
        def store(self) -> IdempotencyStore:
            return kind(clock=clock)

    contract = Contract()
    contract.clock = clock
    found = []
    for name in (name for name in dir(Contract) if name.startswith("test_")):
        try:
            getattr(contract, name)()
        except (AssertionError, ValueError):
            found.append(name)
    return found


@pytest.mark.parametrize("kind", FAULTY, ids=lambda kind: kind.__name__)
def test_a_faulty_store_is_found_out(kind: type[Faulty]) -> None:
    assert faults(kind, Clock())


def test_no_fault_is_found_in_a_store_without_one() -> None:
    assert faults(Faulty, Clock()) == []
