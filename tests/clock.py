"""A clock for the tests."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Seconds that go up when a test says so; wall clock and monotonic clock in one."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds
