"""A store as the policy calls it: bounded in time, and left alone for a while where it is down."""

import inspect
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from cxfulfill.errors import ConfigurationError
from cxfulfill.forks import begin_in_each_process
from cxfulfill.idempotency.circuit import FAILURES, MAX_HANGING, TIME_LIMIT, Circuit, StoreDown
from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease, Outcome

if TYPE_CHECKING:
    from cxfulfill.idempotency.on_loop import Clients

T = TypeVar("T")

_log = logging.getLogger("cxfulfill")
_OUTCOMES = (Acquired, InProgress, Completed)
_VERBS = ("acquire", "complete", "release")


def check_verbs(store: object) -> None:
    """Check that something is a store.

    Args:
        store: What stands for one.

    Raises:
        ConfigurationError: It is a class, lacks a method, or has an ``async`` one.
    """
    if isinstance(store, type) or not all(callable(getattr(store, verb, None)) for verb in _VERBS):
        raise ConfigurationError("idempotency= needs a store: a URL, or an object with acquire, complete and release")
    if any(inspect.iscoroutinefunction(getattr(store, verb)) for verb in _VERBS):
        raise ConfigurationError("a store's acquire, complete and release are plain functions, not async ones")


class Trip(partial[T]):
    """A verb of a `GuardedStore` with its arguments: one that is called is made here, by the plain store."""

    __slots__ = ()

    def on_loop(self) -> "Coroutine[Any, Any, T] | None":
        """Give the same trip over a client of the event loop that runs.

        Returns:
            What makes it; None where the store has no such client.

        Raises:
            StoreDown: There is no client, since none could be made.
        """
        guarded: GuardedStore = self.func.__self__  # type: ignore[attr-defined]
        return guarded.on_loop(self)

    def give_back(self, done: "Future[T]") -> None:
        """Release what was acquired, or was to be released, after nobody waited for it any more.

        Args:
            done: The trip's future, which is done.
        """
        guarded: GuardedStore = self.func.__self__  # type: ignore[attr-defined]
        if done.cancelled():  # before a thread was free for it
            if self.func == guarded.release:
                self()
        elif done.exception() is None:
            guarded.give_back(done.result())


class GuardedStore(Circuit):
    """A store behind a time limit and a circuit that closes again by itself.

    Args:
        store: The store.
        clock: Seconds that only go up.

    Attributes:
        blocking: Whether its methods do IO.
        troubles: Calls that failed so far.

    Raises:
        ConfigurationError: It is no store.
    """

    def __init__(self, store: IdempotencyStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        check_verbs(store)
        self.store = store
        self.blocking = bool(getattr(store, "blocking", True))
        self._bounded = bool(getattr(store, "bounded", False))
        self._make_client = getattr(store, "on_loop", None)
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without failures and without clients of event loops; see `cxfulfill.forks`."""
        super().begin()
        self._hanging = threading.Semaphore(MAX_HANGING)
        # Those of the parent process are kept: were they collected here, they would take themselves out of its event
        # loop, whose epoll this process shares.
        self._of_parents = (*getattr(self, "_of_parents", ()), getattr(self, "_clients", None))
        self._clients: Clients | None = None

    def acquire(self, key: str, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`; raises `StoreDown`."""
        outcome = self._call(
            self.store.acquire, key, owner=owner, fingerprint=fingerprint, lease=lease, late=self.give_back
        )
        if not isinstance(outcome, _OUTCOMES):
            raise self.noted(TypeError("acquire gives Acquired, InProgress or Completed"))
        return outcome

    def complete(self, lease: Lease, result: bytes, ttl: float) -> bool:
        """See `IdempotencyStore.complete`; raises `StoreDown`."""
        return self._call(self.store.complete, lease, result, ttl=ttl)

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`; raises `StoreDown`."""
        return self._call(self.store.release, lease)

    def on_loop(self, trip: Trip[T]) -> "Coroutine[Any, Any, T] | None":
        """See `Trip.on_loop`."""
        if self._make_client is None:
            return None
        if self._clients is None:
            from cxfulfill.idempotency.on_loop import Clients  # noqa: PLC0415 - for servers with an event loop alone

            self._clients = Clients(self._make_client, self)
        return self._clients.send(trip)

    def give_back(self, outcome: object) -> None:
        """Release what was acquired after nobody waited for it any more.

        Args:
            outcome: What a verb gave.
        """
        if isinstance(outcome, Acquired):
            with suppress(Exception):  # it runs out by itself, and nobody is there whom an error could tell anything
                self.store.release(outcome.lease)

    @property
    def has_check(self) -> bool:
        """Whether the store can be tried without a call."""
        return hasattr(self.store, "check")

    def is_well(self) -> bool:
        """Tell whether the store can be asked; one that has a ``check()`` is tried.

        Returns:
            Whether it can, and is not left alone at the moment.
        """
        check = getattr(self.store, "check", None)
        if check is None:
            return self.is_closed
        try:
            self._call(check)
        except StoreDown:
            return False
        return True

    def close(self) -> None:
        """Close the store, where it can be, and its clients on event loops."""
        if self._clients is not None:
            self._clients.close()
        close = getattr(self.store, "close", None)
        try:
            if close is not None:
                close()
        except Exception as error:  # what else is to be closed must not suffer from it
            _log.warning("the idempotency store did not close: %s", type(error).__name__)

    def _call(self, verb: Callable[..., T], *args: Any, late: Callable[[T], None] | None = None, **options: Any) -> T:
        if self.failures >= FAILURES:
            self.try_again()
        try:
            if self._bounded:
                result = verb(*args, **options)
            else:
                result = self._within_limit(partial(verb, *args, **options), late)
        except StoreDown:
            raise
        except Exception as error:
            raise self.noted(error) from error
        if self.failures:
            self.failures = 0
        return result

    def _within_limit(self, function: Callable[[], T], late: Callable[[T], None] | None) -> T:
        """Run it in a thread of its own, which is given up after the limit."""
        if not self._hanging.acquire(timeout=TIME_LIMIT):
            raise StoreDown  # busy, which is no failure of the store
        future: Future[T] = Future()
        thread = threading.Thread(target=self._run, args=(function, future, late), name="cxfulfill-store", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._hanging.release()
            raise StoreDown from None
        try:
            return future.result(TIME_LIMIT)
        except TimeoutError:
            if future.cancel():
                raise
            return future.result()  # it came in the last moment

    def _run(self, function: Callable[[], T], future: "Future[T]", late: Callable[[T], None] | None) -> None:
        try:
            result = function()
            if future.set_running_or_notify_cancel():
                future.set_result(result)
            elif late is not None:
                late(result)
        except Exception as error:
            if not future.cancelled():
                future.set_exception(error)
        finally:
            self._hanging.release()
