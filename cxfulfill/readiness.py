"""What ``/ready`` tells, without making a probe wait: a store is asked beside it, and once a second at most."""

import json
import threading
from typing import Final

from cxfulfill.auth.warming import begin, warm
from cxfulfill.context import Clock
from cxfulfill.errors import MethodNotAllowed, Unavailable
from cxfulfill.forks import begin_in_each_process
from cxfulfill.gate import Gate
from cxfulfill.http import HttpRequest, HttpResponse, json_response
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.lifecycle import Lifecycle
from cxfulfill.runtime import Runtime

FRESH: Final = 1.0
"""Seconds that an answer of the store counts, so that whoever probes cannot load it."""
PATIENCE: Final = 0.25
"""Seconds that a probe waits for the store; then the store's last answer counts."""


class StoreProbe:
    """What is known of a store's health.

    Args:
        store: The store.
        clock: Seconds that only go up.
    """

    def __init__(self, store: GuardedStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        begin_in_each_process(self)

    def begin(self) -> None:
        """Begin without an answer; see `cxfulfill.forks`."""
        self._lock = threading.Lock()
        self._asks = False
        self._is_well: bool | None = None
        self._fresh_until = 0.0

    def warm(self) -> None:
        """Open the store, where that can be told; returns after the store's time limit at the latest."""
        if self._store.has_check:
            self._store.is_well()

    def is_well(self) -> bool:
        """Tell whether the store can be asked.

        Returns:
            What it has last shown; False where that is not known yet.
        """
        if not self._store.has_check or not self._store.blocking:
            return self._store.is_well()
        with self._lock:
            is_due = not self._asks and (self._is_well is None or self._clock() >= self._fresh_until)
            self._asks = self._asks or is_due
        if is_due:
            self._look()
        return bool(self._is_well)

    def _look(self) -> None:
        thread = threading.Thread(target=self._ask, name="cxfulfill-probe", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._asks, self._is_well = False, False  # what cannot start a thread is not well itself
        else:
            thread.join(PATIENCE)

    def _ask(self) -> None:
        is_well = False
        try:
            is_well = self._store.is_well()
        finally:
            self._fresh_until = self._clock() + FRESH
            self._is_well, self._asks = is_well, False


class Probes:
    """What answers probes.

    Args:
        lifecycle: The application's start-up.
        store: Its store; None where it has none.
        gates: Who may call, also of flexible routes with callers of their own.
    """

    def __init__(self, lifecycle: Lifecycle, store: StoreProbe | None, gates: tuple[Gate, ...]) -> None:
        self.lifecycle = lifecycle
        self.store = store
        self.gates = gates

    def warm(self) -> None:
        """Do what the first call would wait for: fetches of keys and secrets, start-up hooks, opening the store."""
        policies = [gate.auth for gate in self.gates]
        begin(policies)  # they go on beside the rest
        self.lifecycle.start()
        if self.store is not None:
            self.store.warm()
        warm(policies)

    async def answer(self, http: HttpRequest, runtime: Runtime, *, ready: bool) -> HttpResponse:
        """Answer a probe.

        Args:
            http: The request.
            runtime: How to wait.
            ready: Whether it asks for more than that the process is there.

        Returns:
            The answer.

        Raises:
            MethodNotAllowed: It is neither GET nor HEAD.
        """
        if http.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("GET", "HEAD")
        if not ready:
            return json_response(b'{"status":"ok"}')
        parts = await runtime.block(self._parts)
        is_ready = all(parts.values())
        body = json.dumps({"status": "ready" if is_ready else "not ready", "parts": parts}).encode()
        return json_response(body, 200 if is_ready else Unavailable.status)

    def _parts(self) -> dict[str, bool]:
        parts = {"handlers": True}
        # Begun where nobody has: a platform that sends calls only to what is ready would wait for ever.
        self.lifecycle.start(0)
        started = self.lifecycle.is_ready
        if started is not None:
            parts["startup"] = started
        if self.store is not None:
            parts["store"] = self.store.is_well()
        known = [ready for gate in self.gates if (ready := gate.is_ready) is not None]
        if known:
            parts["auth"] = all(known)
        return parts
