"""A store as event loops call it: over a client of each loop's own, behind the same circuit and time limit."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar, get_args

from cxfulfill.idempotency.circuit import FAILURES, MAX_HANGING, TIME_LIMIT, Circuit, StoreDown
from cxfulfill.idempotency.store import Acquired, Lease, Outcome, StoreOnLoop

T = TypeVar("T")

CLOSE_LIMIT: Final = 2.0
"""Seconds that the end of a process waits for a client to close."""

_log = logging.getLogger("cxfulfill")
_OUTCOMES = get_args(Outcome)


class Clients:
    """The clients of one store, one for each event loop that it is called from.

    Args:
        make: Makes one for the loop that runs: the store's ``on_loop``.
        circuit: The store's, for all of them.
    """

    def __init__(self, make: Callable[[], StoreOnLoop | None], circuit: Circuit) -> None:
        self._make = make
        self._circuit = circuit
        self._made: dict[asyncio.AbstractEventLoop, _Client | None] = {}

    def send(self, trip: "partial[T]") -> Coroutine[Any, Any, T] | None:
        """Make a trip over the client of the loop that runs.

        Args:
            trip: A verb of the guarded store with its arguments.

        Returns:
            What makes it; None where the store has no such client.

        Raises:
            StoreDown: A client could not be made.
        """
        loop = asyncio.get_running_loop()
        if loop in self._made:
            client = self._made[loop]
        else:
            client = self._made[loop] = self._new()
        return None if client is None else client.make(trip)

    def _new(self) -> "_Client | None":
        for loop in list(self._made):
            if loop.is_closed():
                self._made.pop(loop, None)  # it has taken its connections with it
        try:
            made = self._make()
        except Exception as error:
            raise self._circuit.noted(error) from error
        return None if made is None else _Client(made, self._circuit)

    def close(self) -> None:
        """Close them, each on its loop where that still runs."""
        while self._made:
            loop, client = self._made.popitem()
            if client is None or not loop.is_running():
                continue
            closing = asyncio.run_coroutine_threadsafe(client.close(), loop)
            if asyncio._get_running_loop() is not loop:  # noqa: SLF001 - documented for such use
                with suppress(TimeoutError):
                    closing.result(CLOSE_LIMIT)


class _Client:
    """One loop's client.

    Args:
        client: What the store's ``on_loop`` gave.
        circuit: The store's.
    """

    def __init__(self, client: StoreOnLoop, circuit: Circuit) -> None:
        self._client = client
        self._circuit = circuit
        self._bounded = bool(getattr(client, "bounded", False))
        self._given_up: set[asyncio.Task[Any]] = set()
        self._releasing: set[asyncio.Task[None]] = set()

    async def make(self, trip: "partial[T]") -> T:
        """Make a trip; see `Clients.send`."""
        name = trip.func.__name__
        if self._circuit.failures >= FAILURES:
            self._circuit.try_again()
        try:
            call = getattr(self._client, name)(*trip.args, **trip.keywords)
            result: T = await call if self._bounded else await self._within_limit(call)
        except StoreDown:
            raise
        except Exception as error:
            raise self._circuit.noted(error) from error
        except asyncio.CancelledError:
            # The caller has left, or the loop ends. Nothing has run that the lease is for. In a task of its own, since
            # who is cancelled may be so again and again.
            if name != "complete":
                await asyncio.shield(self._begin_release(_lease_of(trip)))
            raise
        self._circuit.failures = 0
        if name == "acquire" and not isinstance(result, _OUTCOMES):
            raise self._circuit.noted(TypeError("acquire gives Acquired, InProgress or Completed"))
        return result

    async def _within_limit(self, call: Coroutine[Any, Any, T]) -> T:
        """Run it in a task of its own, which is given up after the limit."""
        if len(self._given_up) >= MAX_HANGING:
            call.close()
            raise StoreDown  # busy, which is no failure of the store
        task = asyncio.get_running_loop().create_task(call)
        try:
            await asyncio.wait((task,), timeout=TIME_LIMIT)
        finally:
            if not task.done():
                self._given_up.add(task)
                task.add_done_callback(self._came_late)
        if not task.done():
            raise TimeoutError
        if task.cancelled():
            raise CancelledError  # by the store itself; the loop's own would end the call's task
        return task.result()

    def _came_late(self, task: "asyncio.Task[Any]") -> None:
        self._given_up.discard(task)
        if not task.cancelled() and task.exception() is None and isinstance(task.result(), Acquired):
            self._begin_release(task.result().lease)

    def _begin_release(self, lease: Lease) -> "asyncio.Task[None]":
        release = asyncio.get_running_loop().create_task(self._release(lease))
        self._releasing.add(release)
        release.add_done_callback(self._releasing.discard)
        return release

    async def _release(self, lease: Lease) -> None:
        """Give back what was acquired for nobody; if that fails too, it runs out by itself."""
        with suppress(Exception):
            async with asyncio.timeout(TIME_LIMIT):
                await self._client.release(lease)

    async def close(self) -> None:
        """End what was given up, but not what is given back, and close the client."""
        for task in self._given_up:
            task.cancel()
        if self._releasing:
            await asyncio.wait(self._releasing)
        close = getattr(self._client, "close", None)
        try:
            if close is not None:
                await close()
        except Exception as error:  # what else is to be closed must not suffer from it
            _log.warning("the idempotency store did not close: %s", type(error).__name__)


def _lease_of(trip: "partial[Any]") -> Lease:
    """Give the lease that is asked for, or given back."""
    asked, options = trip.args[0], trip.keywords
    return asked if isinstance(asked, Lease) else Lease(asked, options["owner"], options["fingerprint"])
