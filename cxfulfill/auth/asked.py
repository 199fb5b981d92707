"""Questions about tokens, each asked once, and what came of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from cxfulfill.auth.fetched import Fetched, Held

FAILURE_SECONDS: Final = 1.0
"""Seconds that it is remembered that the endpoint gave no usable answer."""


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What came of a question.

    Attributes:
        until: When it is forgotten, in the clock's seconds.
        claims: What the endpoint says of the token; None where that is not active.
        problem: Why there was no usable answer; empty where there was one.
    """

    until: float
    claims: dict[str, Any] | None = field(default=None, repr=False)
    problem: str = ""


class TokenQuestion:
    """A question about one token, asked once, however many callers wait for the answer.

    Args:
        token: The token.
        ask: Asks the endpoint, in a thread of its own.
        clock: Seconds that only go up.
    """

    def __init__(self, token: str, ask: Callable[[str], TokenAnswer], clock: Callable[[], float]) -> None:
        self.answer: TokenAnswer | None = None
        self._token = token
        self._ask = ask
        self._clock = clock
        self._flight = Fetched("introspection", "the endpoint", self._load, clock=clock)

    def fetch(self) -> None:
        """Ask, or wait for the answer that is under way; there is one afterwards."""
        self._flight.fetch()
        if self.answer is None:
            self.answer = TokenAnswer(self._clock() + FAILURE_SECONDS, problem="none in time")

    def is_over(self) -> bool:
        """Tell whether the answer is too old."""
        return self.answer is not None and self._clock() >= self.answer.until

    def _load(self) -> Held[None]:
        token = self._token
        # A caller can come too late for the flight that it was to wait for, and begin another.
        if self.answer is None:
            self.answer = self._ask(token)
            self._token = ""  # what is kept for longer is its digest
        return Held(None, math.inf)
