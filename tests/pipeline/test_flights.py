"""The flights of one process: joining, landing, draining, and the thread that keeps leases."""

import threading
from collections.abc import Iterator

import pytest

from cxfulfill.flights import MAX_UNSAVED, Flights, Landed
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.circuit import FAILURES, MAX_HANGING, PAUSE, StoreDown
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired, Completed, Lease, Outcome
from tests.clock import Clock
from tests.pipeline.support import LIMIT
from tests.pipeline.test_idempotency import Broken


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Broken:
    store = Broken(clock)
    store.down = False
    return store


@pytest.fixture
def flights(store: Broken, clock: Clock) -> Iterator[Flights]:
    made = Flights(GuardedStore(store, clock=clock), lease=15, max_run=600, clock=clock)
    yield made
    made.drain(0)


def lease_of(flights: Flights, store: Broken, key: str) -> Lease:
    flight, is_first = flights.board(key, "")
    assert is_first
    outcome = store.acquire(key, owner="o", fingerprint="", lease=15.0)
    assert isinstance(outcome, Acquired)
    flight.lease = outcome.lease
    return outcome.lease


def test_the_first_one_flies_and_the_others_wait(flights: Flights) -> None:
    flight, is_first = flights.board("k", "f")
    again, is_second = flights.board("k", "f")
    assert (again, is_first, is_second) == (flight, True, False)
    awaited = flights.awaited(flight)
    assert not awaited.done()
    flights.land(flight, Landed(KeptAnswer("t", b"{}")))
    assert awaited.done()
    assert flights.awaited(flight).done()
    assert flights.board("k", "f")[0] is not flight


def test_draining_waits_for_what_flies(flights: Flights) -> None:
    flight, _ = flights.board("k", "")
    assert flights.drain(0.01) is False
    waiting = threading.Thread(target=flights.drain, args=(LIMIT,))
    waiting.start()
    flights.land(flight, Landed(KeptAnswer("t", b"{}")))
    waiting.join(LIMIT)
    assert not waiting.is_alive()
    assert flights.drain(LIMIT) is True
    keepers = [thread for thread in threading.enumerate() if thread.name == "cxfulfill-leases"]
    for keeper in keepers:
        keeper.join(LIMIT)
        assert not keeper.is_alive()
    assert flights.board("l", "")[1], "and it can begin again"


def test_a_lease_is_renewed_by_the_thread_itself(store: Broken, clock: Clock) -> None:
    renewed = threading.Event()

    class Watched(Broken):
        def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
            renewed.set()
            return Acquired(Lease(key, owner))

    flights = Flights(GuardedStore(Watched(clock), clock=clock), lease=0.03, max_run=600, clock=clock)
    flight, _ = flights.board("k", "")
    flight.lease = Lease("k", "o")
    clock.seconds += 1
    assert renewed.wait(LIMIT)
    flights.land(flight, Landed(KeptAnswer("t", b"")))
    flights.drain(LIMIT)


def test_a_store_that_is_down_does_not_end_the_keeping(flights: Flights, store: Broken, clock: Clock) -> None:
    lease = lease_of(flights, store, "k")
    clock.seconds += 6
    store.down = True
    flights.look_after()
    store.down = False
    clock.seconds += PAUSE
    flights.look_after()
    clock.seconds += 14
    assert store.acquire("k", owner="x", fingerprint="", lease=1.0).fingerprint == ""  # type: ignore[union-attr]
    assert lease.key == "k"


def test_a_lost_lease_is_told(flights: Flights, store: Broken, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    lease_of(flights, store, "k")
    clock.seconds += 16
    store.acquire("k", owner="other", fingerprint="", lease=100.0)
    flights.look_after()
    assert "the lease of a handler that still runs was lost" in caplog.text


def test_a_handler_that_ends_while_its_lease_is_renewed_has_not_lost_it(
    flights: Flights, store: Broken, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    lease = lease_of(flights, store, "k")
    clock.seconds += 6
    assert store.complete(lease, b"{}", ttl=60.0)  # and has not landed yet
    flights.look_after()
    assert caplog.messages == []


def test_answers_that_wait_for_the_store_are_bounded(flights: Flights, store: Broken, clock: Clock) -> None:
    for number in range(MAX_UNSAVED + 5):
        flights.leave_unsaved(str(number), Lease(str(number), "o"), b"", 60.0)
    assert flights.unsaved("4") is None
    assert flights.unsaved("5")
    store.down = True
    flights.look_after()
    assert flights.unsaved("5"), "tried again later"
    clock.seconds += 60
    assert flights.unsaved("5") is None, "it has expired"
    flights.look_after()
    assert flights._unsaved == {}


def test_a_fork_leaves_the_flights_to_the_parent(flights: Flights) -> None:
    flight, _ = flights.board("k", "")
    flights.begin()
    other, is_first = flights.board("k", "")
    assert is_first
    assert other is not flight
    flights.land(other, Landed(KeptAnswer("t", b"")))


class Hanging:
    """A store of the user's that neither says that it is bounded, nor is."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.inner = MemoryStore()

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> object:
        self.gate.wait(LIMIT)
        return self.inner.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return self.inner.complete(lease, result, ttl=ttl)

    def release(self, lease: Lease) -> bool:
        raise RuntimeError("no")

    def close(self) -> None:
        self.gate.set()


def test_a_store_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.guard.TIME_LIMIT", 0.01)
    hanging = Hanging()
    guarded = GuardedStore(hanging, clock=clock)  # type: ignore[arg-type]
    assert guarded.blocking
    for _ in range(FAILURES):
        with pytest.raises(StoreDown):
            guarded.acquire("k", owner="o", fingerprint="", lease=1.0)
    assert (guarded.is_well(), guarded.troubles) == (False, FAILURES)
    with pytest.raises(StoreDown):
        guarded.acquire("k", owner="o", fingerprint="", lease=1.0)
    assert guarded.troubles == FAILURES, "left alone"
    guarded.close()
    clock.seconds += PAUSE
    for thread in threading.enumerate():
        if thread.name == "cxfulfill-store":
            thread.join(LIMIT)
    monkeypatch.setattr("cxfulfill.idempotency.guard.TIME_LIMIT", LIMIT)
    outcome = guarded.acquire("l", owner="o", fingerprint="", lease=9.0)
    assert isinstance(outcome, Acquired)
    assert guarded.complete(outcome.lease, b"x", ttl=9.0)
    assert isinstance(guarded.acquire("l", owner="p", fingerprint="", lease=9.0), Completed)
    with pytest.raises(StoreDown):
        guarded.release(outcome.lease)


def test_calls_that_hang_are_bounded(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.guard.TIME_LIMIT", 0.001)
    hanging = Hanging()
    guarded = GuardedStore(hanging, clock=clock)  # type: ignore[arg-type]
    for _ in range(MAX_HANGING + 5):
        with pytest.raises(StoreDown):
            guarded.acquire("k", owner="o", fingerprint="", lease=1.0)
        clock.seconds += PAUSE
    assert sum(thread.name == "cxfulfill-store" for thread in threading.enumerate()) <= MAX_HANGING
    hanging.close()


def test_one_caller_tries_and_the_others_do_not(store: Broken, clock: Clock) -> None:
    guarded = GuardedStore(store, clock=clock)
    store.down = True
    for _ in range(FAILURES):
        with pytest.raises(StoreDown):
            guarded.acquire("k", owner="o", fingerprint="", lease=1.0)
    clock.seconds += PAUSE
    guarded.try_again()
    with pytest.raises(StoreDown):
        guarded.try_again()
