"""Waiting for an answer no longer than CX does, while whatever makes it goes on."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Final, TypeVar

from cxfulfill.simulator.sending import Answer, Outgoing, not_in_time

T = TypeVar("T")
_MAX_RUNNING: Final = 16


class Runner:
    """Threads in which a call may come too late."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_MAX_RUNNING, "cx-call")

    def run(self, function: Callable[[], T], timeout: float) -> T:
        """Run a function.

        Args:
            function: The function.
            timeout: Seconds to wait for it.

        Returns:
            What it returns.

        Raises:
            NoAnswer: It has not ended in time; it goes on.
        """
        future: Future[T] = self._threads.submit(function)
        try:
            return future.result(timeout)
        except NotInTime:
            if future.done():
                return future.result()  # in the last moment; or it is the function that raised this
            raise not_in_time(timeout) from None

    def close(self) -> None:
        """Wait for what still runs."""
        self._threads.shutdown()


class Here(ABC):
    """Carries calls to an application in this process; see `Transport`.

    Args:
        in_threads: Whether calls run in threads of their own, so that one can come too late; else in the caller's.
    """

    def __init__(self, *, in_threads: bool) -> None:
        self._runner = Runner() if in_threads else None

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        """Send a request; see `Transport.send`."""
        if self._runner is None:
            return self._send(outgoing)
        return self._runner.run(lambda: self._send(outgoing), timeout)

    def close(self) -> None:
        """Wait for what still runs."""
        if self._runner is not None:
            self._runner.close()

    @abstractmethod
    def _send(self, outgoing: Outgoing) -> Answer:
        """Send a request, and wait as long as it takes."""
