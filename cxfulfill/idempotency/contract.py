"""What every store must do, as tests; `cxfulfill.testing` hands it out."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import ClassVar, Final, TypeVar
from unittest import SkipTest

from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease, Outcome

_T = TypeVar("_T")

_THREADS: Final = 8
_KEY: Final = "key-of-the-contract"
_BINARY: Final = bytes(range(256))
_RESULTS: Final = (b"", b"{}", b"0", b"null", b"\x00", _BINARY, b"\r\n", _BINARY * 274)
"""Results that are easily lost: those that count as false, those that are no text, and one of 70,144 bytes."""


class StoreContract:
    """What every store must do.

    Say which in ``store``, and ``pass_time`` where its clock can be set. Otherwise time passes for real: make ``unit``
    small then, but long enough for some round trips.

    Attributes:
        unit: Seconds of which leases and times to live are small multiples.
    """

    unit: ClassVar[float] = 0.5

    def store(self) -> IdempotencyStore:
        """Make a store without records."""
        raise NotImplementedError

    def another(self, store: IdempotencyStore) -> IdempotencyStore:
        """Make a second store over the same records, as another process would; by default it is the same one."""
        return store

    def pass_time(self, store: IdempotencyStore, seconds: float) -> None:
        """Let time pass for a store, and for all others over the same records."""
        del store
        time.sleep(seconds)

    def turn_back(self, store: IdempotencyStore, seconds: float) -> None:
        """Set the clock of a store back, where that can be done."""
        del store, seconds
        raise SkipTest("the clock of this store cannot be set back")

    def test_it_is_a_store(self) -> None:
        """It says of itself what it may say, and it works."""
        store = self.store()
        assert getattr(store, "blocking", True) in (True, False)
        assert getattr(store, "bounded", False) in (True, False)
        getattr(store, "check", lambda: None)()

    def test_one_owner_gets_a_new_key(self) -> None:
        """The first owner gets it, with a lease that says what was asked, and took nothing over; the next one waits."""
        store = self.store()
        assert self._ask(store, "a") == Acquired(Lease(_KEY, "a", "print-a"), took_over=False)
        assert self._ask(self.another(store), "b") == InProgress("print-a")

    def test_an_answer_is_given_back(self) -> None:
        """A completed call gives its result, and the fingerprint that it was run for, to everybody, its owner too."""
        store = self.store()
        lease = self._acquire(store, "a")
        assert store.complete(lease, b"answer", ttl=100 * self.unit) is True
        for owner in ("a", "b", "a"):
            assert self._ask(self.another(store), owner) == Completed("print-a", b"answer")

    def test_of_many_threads_one_wins(self) -> None:
        """Of many owners that ask at once, over two stores, one gets each key."""
        store = self.store()
        for key in (f"key-{number}" for number in range(10)):
            outcomes = self._at_once(store, partial(self._ask, key=key))
            winner = _only_winner(outcomes)
            assert not winner.took_over
            waiting = [outcome for outcome in outcomes if outcome != winner]
            assert waiting == [InProgress(winner.lease.fingerprint)] * (_THREADS - 1)

    def test_of_many_threads_one_takes_over(self) -> None:
        """Of many owners that find a lease which has run out, one gets it."""
        store = self.store()
        self._acquire(store, "lost", seconds=self.unit)
        self.pass_time(store, 2 * self.unit)
        winner = _only_winner(self._at_once(store, self._ask))
        assert winner.took_over

    def test_of_many_threads_one_completes(self) -> None:
        """Of many that say to have run the call, the owner is believed."""
        store = self.store()
        self._acquire(store, "owner-3")

        def complete(store: IdempotencyStore, owner: str) -> bool:
            return store.complete(Lease(_KEY, owner, f"print-{owner}"), owner.encode(), ttl=100 * self.unit)

        kept = self._at_once(store, complete)
        assert kept == [number == 3 for number in range(_THREADS)]
        assert self._ask(store, "b") == Completed("print-owner-3", b"owner-3")

    def test_two_keys_are_two_calls(self) -> None:
        """What happens to one key is nothing to another, however alike they are."""
        store = self.store()
        keys = ("k", "K", "k ", "kk", "k%", "k:1", "k*", "k\\", "k'", '"k"', "k/..", "k?")
        leases = [self._acquire(store, f"owner of {key}", key) for key in keys]
        for lease in leases[::2]:
            assert store.complete(lease, lease.key.encode(), ttl=100 * self.unit)
        assert store.release(leases[1])
        for lease in leases[::2]:
            assert self._ask(store, "b", lease.key) == Completed(lease.fingerprint, lease.key.encode())
        for lease in leases[3::2]:
            assert self._ask(store, "b", lease.key) == InProgress(lease.fingerprint)
        self._acquire(store, "b", leases[1].key)

    def test_long_keys(self) -> None:
        """A key may have 200 characters, of which the last may be all that differs."""
        store = self.store()
        for end in ("a", "b"):
            lease = self._acquire(store, "a", "~" * 199 + end)
            assert store.complete(lease, end.encode(), ttl=100 * self.unit)
        for end in ("a", "b"):
            assert self._ask(store, "b", "~" * 199 + end) == Completed("print-a", end.encode())

    def test_any_bytes_are_a_result(self) -> None:
        """Empty, binary and large results come back byte for byte."""
        store = self.store()
        for number, result in enumerate(_RESULTS):
            lease = self._acquire(store, "a", f"key-{number}")
            assert store.complete(lease, result, ttl=100 * self.unit) is True
        for number, result in enumerate(_RESULTS):
            assert self._ask(self.another(store), "b", f"key-{number}") == Completed("print-a", result)

    def test_no_fingerprint_is_one(self) -> None:
        """An empty fingerprint comes back empty."""
        store = self.store()
        lease = Lease(_KEY, "a")
        assert store.acquire(_KEY, owner="a", fingerprint="", lease=100 * self.unit) == Acquired(lease)
        assert self._ask(store, "b") == InProgress("")
        assert store.complete(lease, b"answer", ttl=100 * self.unit)
        assert self._ask(store, "b") == Completed("", b"answer")

    def test_a_lease_is_renewed(self) -> None:
        """Its owner asks again, through whichever store, and has it for the time that it then asks for."""
        store = self.store()
        self._acquire(store, "a", seconds=4 * self.unit)
        assert not self._renew(self.another(store), "a").took_over
        self.pass_time(store, 5 * self.unit)
        assert self._ask(store, "b") == InProgress("print-a")

    def test_a_lease_that_ran_out_is_renewed(self) -> None:
        """Where nobody took it over, its owner has it again, and took nothing over."""
        store = self.store()
        self._acquire(store, "a", seconds=self.unit)
        self.pass_time(store, 2 * self.unit)
        assert not self._renew(store, "a").took_over
        assert self._ask(store, "b") == InProgress("print-a")

    def test_a_lease_runs_out(self) -> None:
        """Another owner then gets it, and is told that there was a run before; nobody is told so twice."""
        store = self.store()
        self._acquire(store, "a", seconds=self.unit)
        assert self._ask(store, "b") == InProgress("print-a")
        self.pass_time(store, 2 * self.unit)
        taken = self._ask(self.another(store), "b")
        assert taken == Acquired(Lease(_KEY, "b", "print-b"), took_over=True)
        assert self._ask(store, "c") == InProgress("print-b")
        assert not self._renew(store, "b").took_over

    def test_who_comes_too_late_is_kept_out(self) -> None:
        """After a take-over the former owner can neither complete nor release, nor get its lease back."""
        store = self.store()
        late = self._acquire(store, "a", seconds=self.unit)
        self.pass_time(store, 2 * self.unit)
        lease = self._acquire(store, "b")
        assert store.complete(late, b"late", ttl=100 * self.unit) is False
        assert store.release(late) is False
        assert self._ask(store, "a") == InProgress("print-b")
        assert store.complete(lease, b"answer", ttl=100 * self.unit) is True
        assert store.complete(late, b"late", ttl=100 * self.unit) is False
        assert store.release(late) is False
        assert self._ask(store, "a") == Completed("print-b", b"answer")

    def test_who_never_had_it_is_kept_out(self) -> None:
        """A lease that was not given is worth nothing."""
        store = self.store()
        forged = Lease(_KEY, "b", "print-a")
        assert store.complete(forged, b"forged", ttl=100 * self.unit) is False
        assert store.release(forged) is False
        self._acquire(store, "a")
        assert store.complete(forged, b"forged", ttl=100 * self.unit) is False
        assert store.release(forged) is False
        assert self._ask(store, "c") == InProgress("print-a")

    def test_complete_may_be_repeated(self) -> None:
        """Its owner may not have heard the answer, and asks again."""
        store = self.store()
        lease = self._acquire(store, "a")
        assert store.complete(lease, b"answer", ttl=100 * self.unit) is True
        assert self.another(store).complete(lease, b"answer", ttl=100 * self.unit) is True
        assert self._ask(store, "b") == Completed("print-a", b"answer")

    def test_a_late_result_is_kept(self) -> None:
        """Where nobody took the lease over, its owner may complete also after it ran out."""
        store = self.store()
        lease = self._acquire(store, "a", seconds=self.unit)
        self.pass_time(store, 2 * self.unit)
        assert store.complete(lease, b"answer", ttl=100 * self.unit) is True
        assert self._ask(store, "b") == Completed("print-a", b"answer")

    def test_a_lease_is_released(self) -> None:
        """Another owner then gets it, and took nothing over; the former one has no right any more."""
        store = self.store()
        lease = self._acquire(store, "a")
        assert self.another(store).release(lease) is True
        assert store.release(lease) is False
        assert store.complete(lease, b"late", ttl=100 * self.unit) is False
        assert self._ask(store, "b") == Acquired(Lease(_KEY, "b", "print-b"), took_over=False)

    def test_a_complete_call_cannot_be_released(self) -> None:
        """What was run is not run again."""
        store = self.store()
        lease = self._acquire(store, "a")
        assert store.complete(lease, b"", ttl=100 * self.unit) is True
        assert store.release(lease) is False
        assert self._ask(store, "b") == Completed("print-a", b"")

    def test_a_result_runs_out(self) -> None:
        """The call is then run again, by whoever asks; that is no take-over."""
        store = self.store()
        for owner in ("b", "a"):
            lease = self._acquire(store, "a", f"key-{owner}")
            assert store.complete(lease, b"answer", ttl=self.unit) is True
        self.pass_time(store, 2 * self.unit)
        for owner in ("b", "a"):
            assert self._ask(store, owner, f"key-{owner}") == Acquired(
                Lease(f"key-{owner}", owner, f"print-{owner}"), took_over=False
            )
        assert self._ask(store, "c", "key-b") == InProgress("print-b")

    def test_a_result_outlives_its_lease(self) -> None:
        """How long a result is kept depends on its own time, and not on the lease's."""
        store = self.store()
        lease = self._acquire(store, "a", seconds=self.unit)
        assert store.complete(lease, b"answer", ttl=100 * self.unit) is True
        self.pass_time(store, 2 * self.unit)
        assert self._ask(store, "b") == Completed("print-a", b"answer")

    def test_a_clock_that_is_set_back_revives_nothing(self) -> None:
        """What a store saw run out stays so, and what is leased after that runs out in its time."""
        store = self.store()
        kept = self._acquire(store, "a", "kept")
        assert store.complete(kept, b"answer", ttl=self.unit)
        self._acquire(store, "a", "leased", seconds=self.unit)
        self.pass_time(store, 3 * self.unit)
        self._acquire(store, "a", "which tells the time")
        self.turn_back(store, 3 * self.unit)
        assert self._ask(store, "b", "kept") == Acquired(Lease("kept", "b", "print-b"), took_over=False)
        assert self._ask(store, "b", "leased", self.unit) == Acquired(Lease("leased", "b", "print-b"), took_over=True)
        self.pass_time(store, 5 * self.unit)
        assert self._ask(store, "c", "leased") == Acquired(Lease("leased", "c", "print-c"), took_over=True)

    def _ask(self, store: IdempotencyStore, owner: str, key: str = _KEY, seconds: float | None = None) -> Outcome:
        seconds = 100 * self.unit if seconds is None else seconds
        return store.acquire(key, owner=owner, fingerprint=f"print-{owner}", lease=seconds)

    def _acquire(self, store: IdempotencyStore, owner: str, key: str = _KEY, seconds: float | None = None) -> Lease:
        outcome = self._ask(store, owner, key, seconds)
        assert isinstance(outcome, Acquired)
        assert outcome.lease == Lease(key, owner, f"print-{owner}")
        return outcome.lease

    def _renew(self, store: IdempotencyStore, owner: str) -> Acquired:
        outcome = self._ask(store, owner)
        assert isinstance(outcome, Acquired)
        return outcome

    def _at_once(self, store: IdempotencyStore, act: Callable[[IdempotencyStore, str], _T]) -> Sequence[_T]:
        """Let many owners act at the same moment, each second one through another store."""
        stores = (store, self.another(store))
        barrier = Barrier(_THREADS)

        def run(number: int) -> _T:
            barrier.wait()
            return act(stores[number % 2], f"owner-{number}")

        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(run, range(_THREADS)))


def _only_winner(outcomes: Sequence[Outcome]) -> Acquired:
    [winner] = [outcome for outcome in outcomes if isinstance(outcome, Acquired)]
    return winner
