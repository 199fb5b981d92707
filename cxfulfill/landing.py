"""The moment at which something has landed, for those who wait for it in threads and on event loops."""

import threading
from collections.abc import Callable


class Landing:
    """A future without a value; one of `concurrent.futures` would cost a call over ASGI several times as much."""

    __slots__ = ("_lock", "_wakes")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakes: list[Callable[[], object]] | None = []

    def done(self) -> bool:
        """Tell whether it has landed."""
        return self._wakes is None

    def call(self, wake: Callable[[], object]) -> None:
        """Let something be called then, in the thread that lands it; at once where it has landed.

        Args:
            wake: The function, which must not raise.
        """
        with self._lock:
            if self._wakes is not None:
                self._wakes.append(wake)
                return
        wake()

    def wait(self, seconds: float | None) -> bool:
        """Wait in this thread.

        Args:
            seconds: For so long at most; None for as long as it takes.

        Returns:
            Whether it has landed.
        """
        gate = threading.Lock()
        gate.acquire()
        self.call(gate.release)
        return gate.acquire(timeout=-1 if seconds is None else min(seconds, threading.TIMEOUT_MAX))

    def land(self) -> None:
        """Wake all that wait; a second time there is nobody to be woken."""
        with self._lock:
            wakes, self._wakes = self._wakes, None
        for wake in wakes or ():
            wake()
