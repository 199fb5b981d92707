"""The contract of stores for what their ``on_loop()`` gives; `cxfulfill.testing` hands it out."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from cxfulfill.idempotency.contract import StoreContract
from cxfulfill.idempotency.store import IdempotencyStore, Lease, Outcome, StoreOnLoop

_T = TypeVar("_T")

_LIMIT: Final = 60.0


class OnItsLoop:
    """A store whose methods are those that the ``on_loop()`` of another one gives, on an event loop in a thread.

    Args:
        store: The other one.

    Attributes:
        plain: The same.
        client: What its ``on_loop()`` gave.
    """

    def __init__(self, store: Any) -> None:
        self.plain: IdempotencyStore = store
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="store-loop", daemon=True)
        self._thread.start()
        self.client: StoreOnLoop = self._run(_made(store.on_loop))

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        return self._run(self.client.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease))

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        return self._run(self.client.complete(lease, result, ttl=ttl))

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        return self._run(self.client.release(lease))

    def check(self) -> None:
        """Ask the other one for a sign of life, where it has a ``check()``."""
        getattr(self.plain, "check", lambda: None)()

    def close(self) -> None:
        """Close the client, and end its loop."""
        if hasattr(self.client, "close"):
            self._run(self.client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _run(self, call: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(_LIMIT)


class StoreOnLoopContract(StoreContract):
    """`StoreContract` for what ``on_loop()`` gives; to stand before a contract of the store itself.

    ``class TestMineOnLoop(StoreOnLoopContract, TestMine)`` runs the same tests with the same stores, whose methods are
    called as coroutines on an event loop.
    """

    def store(self) -> Any:
        """Make a store without records, and call it on a loop."""
        return self._on_loop(super().store())

    def another(self, store: IdempotencyStore) -> Any:
        """Make a second store over the same records, and call it on a loop of its own."""
        return self._on_loop(super().another(_plain(store)))

    def pass_time(self, store: IdempotencyStore, seconds: float) -> None:
        """Let time pass for a store."""
        super().pass_time(_plain(store), seconds)

    def turn_back(self, store: IdempotencyStore, seconds: float) -> None:
        """Set the clock of a store back."""
        super().turn_back(_plain(store), seconds)

    def setup_method(self) -> None:
        """Begin a test without loops; pytest calls this."""
        self._opened: list[OnItsLoop] = []

    def teardown_method(self) -> None:
        """End the loops of a test; pytest calls this."""
        for each in self._opened:
            each.close()

    def _on_loop(self, store: IdempotencyStore) -> IdempotencyStore:
        if isinstance(store, OnItsLoop):
            return store  # made by this class's own `store`
        self._opened.append(OnItsLoop(store))
        return self._opened[-1]


async def _made(make: Callable[[], StoreOnLoop]) -> StoreOnLoop:
    return make()


def _plain(store: IdempotencyStore) -> IdempotencyStore:
    return store.plain if isinstance(store, OnItsLoop) else store
