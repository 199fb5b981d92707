"""The bounds of the store in memory."""

from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.idempotency.memory import MemoryStore, StoreFull
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome
from tests.clock import Clock


def ask(store: MemoryStore, key: str, owner: str = "a", lease: float = 10.0) -> Outcome:
    return store.acquire(key, owner=owner, fingerprint="", lease=lease)


def run(store: MemoryStore, key: str, result: bytes = b"answer", ttl: float = 100.0) -> bool:
    outcome = ask(store, key)
    assert isinstance(outcome, Acquired)
    return store.complete(outcome.lease, result, ttl=ttl)


def kept(store: MemoryStore) -> list[str]:
    return list(store._records)


def test_the_oldest_results_make_room_for_new_calls() -> None:
    store = MemoryStore(max_records=10)
    for number in range(10):
        run(store, str(number))

    assert ask(store, "new") == Acquired(Lease("new", "a"))

    assert kept(store) == [*"123456789", "new"]
    assert ask(store, "1", "b") == Completed("", b"answer")


def test_the_oldest_is_the_one_that_was_completed_first() -> None:
    store = MemoryStore(max_records=2)
    slow = ask(store, "slow")
    run(store, "quick")
    assert isinstance(slow, Acquired)
    store.complete(slow.lease, b"answer", ttl=100)

    ask(store, "new")

    assert kept(store) == ["slow", "new"]


def test_what_has_expired_makes_room_before_results_do() -> None:
    clock = Clock(0.0)
    store = MemoryStore(max_records=4, clock=clock)
    run(store, "oldest")
    run(store, "short", ttl=5)
    ask(store, "lost", lease=5)
    run(store, "youngest")
    clock.seconds = 5

    ask(store, "new")

    assert kept(store) == ["oldest", "youngest", "new"]


def test_a_running_lease_is_never_dropped() -> None:
    clock = Clock(0.0)
    store = MemoryStore(max_records=3, clock=clock)
    for key in "abc":
        ask(store, key)

    with pytest.raises(StoreFull):
        ask(store, "d")

    assert [ask(store, key, "b") for key in "abc"] == [InProgress("")] * 3
    assert isinstance(ask(store, "a"), Acquired), "its owner may renew it"
    store.release(Lease("b", "a"))
    assert isinstance(ask(store, "d"), Acquired)
    with pytest.raises(StoreFull):
        ask(store, "e")
    clock.seconds = 10
    assert isinstance(ask(store, "e"), Acquired)


def test_a_full_store_still_tells_what_it_has() -> None:
    store = MemoryStore(max_records=2)
    run(store, "done")
    ask(store, "running")

    assert ask(store, "done", "b") == Completed("", b"answer")
    assert ask(store, "running", "b") == InProgress("")
    assert len(kept(store)) == 2


def test_results_are_bounded_by_their_bytes() -> None:
    store = MemoryStore(max_bytes=1_000)
    ask(store, "running")
    for number in range(10):
        run(store, str(number), bytes(100))
    assert store._bytes == 1_000

    run(store, "new", bytes(100))

    assert kept(store) == ["running", *"123456789", "new"]
    assert store._bytes == 1_000


def test_room_is_made_for_a_large_result() -> None:
    store = MemoryStore(max_bytes=1_000)
    for number in range(10):
        run(store, str(number), bytes(100))

    assert run(store, "large", bytes(950))

    assert kept(store) == ["large"]
    assert ask(store, "large", "b") == Completed("", bytes(950))
    assert store._bytes == 950


def test_a_result_that_is_larger_than_the_store_is_refused_and_its_lease_kept() -> None:
    store = MemoryStore(max_bytes=1_000)
    run(store, "done")

    with pytest.raises(StoreFull):
        run(store, "too large", bytes(1_001))

    assert ask(store, "too large", "b") == InProgress("")
    assert ask(store, "done", "b") == Completed("", b"answer")


def test_bytes_are_given_back() -> None:
    clock = Clock(0.0)
    store = MemoryStore(clock=clock)
    run(store, "repeated", bytes(50))
    store.complete(Lease("repeated", "a"), bytes(70), ttl=100)
    assert store._bytes == 70

    clock.seconds = 100
    ask(store, "repeated", "b")

    assert store._bytes == 0


@pytest.mark.parametrize("bounds", [{"max_records": 0}, {"max_bytes": 0}])
def test_a_store_that_could_hold_nothing_is_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="1 at least"):
        MemoryStore(**bounds)


def test_results_and_fingerprints_stay_out_of_reprs() -> None:
    store = MemoryStore()
    run(store, "k", b"what the guest said")

    assert "guest" not in repr([*store._records.values(), ask(store, "k", "b")])
