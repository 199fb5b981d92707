"""Delivering a call as CX does: within its timeout, repeated with the same bytes, twice, at the same time."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from cxfulfill.errors import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.sending import Answer, Credential, Failure, NoAnswer, Outgoing, Transport

CX_TIMEOUT: Final = 5.0
"""Seconds that CX waits for a webhook unless its settings say otherwise."""
LONGEST_TIMEOUT: Final = 30.0
"""The longest time that they can say."""

Fault = Literal["none", "lost", "late"]
"""What happens to an answer on its way: nothing, its connection breaks, or it comes after the timeout."""

_REPEATED: Final[frozenset[Failure]] = frozenset({"timeout", "unreachable"})
"""What CX repeats a call after: failures that may be over the next moment (Google's webhook page)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of a call.

    Attributes:
        begun: Seconds since the first one began.
        seconds: How long it took.
        answer: The answer, also one that was lost or late; None where there is none.
        failure: Why CX has no answer; empty where it has one.
        detail: A sentence about the failure.
    """

    begun: float
    seconds: float
    answer: Answer | None
    failure: Failure | Literal[""] = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call, with all its attempts.

    Attributes:
        outgoing: What was sent in each of them.
        attempts: At least one.
        timeout: Seconds that CX waits for each.
    """

    outgoing: Outgoing
    attempts: tuple[Attempt, ...]
    timeout: float = CX_TIMEOUT

    @property
    def last(self) -> Attempt:
        """The attempt that counts."""
        return self.attempts[-1]

    @property
    def answer(self) -> Answer | None:
        """The answer that CX has; None for none."""
        return None if self.last.failure else self.last.answer

    @property
    def seconds(self) -> float:
        """From the beginning of the first attempt to the end of the last one."""
        return self.last.begun + self.last.seconds


class Caller:
    """Calls one webhook.

    Args:
        transport: Carries the calls.
        url: The webhook's URL as it is entered in CX.
        credential: What the calls prove themselves with; None for nothing.
        headers: Further header fields, such as those of ``QueryParameters.webhookHeaders``.
        timeout: Seconds that CX waits, at most 30.
        retries: How often a call is repeated that got no answer. No page of CX tells its number.
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: The URL is none, or the timeout or number of retries is beyond CX's.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        url: str,
        credential: Credential | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = CX_TIMEOUT,
        retries: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError("the webhook's URL begins with https:// or http:// and has a host")
        if not 0 < timeout <= LONGEST_TIMEOUT:
            raise ConfigurationError(f"CX waits for a webhook {LONGEST_TIMEOUT:.0f} seconds at most")
        if not 0 <= retries <= 10:
            raise ConfigurationError("retries is a number from 0 to 10")
        self.transport = transport
        self.url = url
        self.credential = credential
        self.headers = dict(headers or {})
        self.timeout = timeout
        self.retries = retries
        self.clock = clock

    def proving(self, credential: Credential | None, headers: Mapping[str, str] | None = None) -> Self:
        """Give the same caller with another credential.

        Args:
            credential: What its calls prove themselves with; None for nothing.
            headers: Further header fields.

        Returns:
            The caller.
        """
        other = copy(self)
        other.credential = credential
        other.headers = {**self.headers, **(headers or {})}
        return other

    def outgoing(self, body: bytes, parameters: Mapping[str, Any]) -> Outgoing:
        """Make the request of a standard call.

        Args:
            body: The WebhookRequest.
            parameters: The session parameters, which headers may refer to.

        Returns:
            The request.
        """
        return self._proved("POST", self.url, {"Content-Type": "application/json", **self.headers}, body, parameters)

    def flexible(self, settings: FlexibleSettings, parameters: Mapping[str, Any]) -> Outgoing:
        """Make the request of a flexible call.

        Args:
            settings: What is entered in CX.
            parameters: The session parameters, which URL, headers and body may refer to.

        Returns:
            The request.
        """
        method, url, headers, body = settings.request(parameters)
        return self._proved(method, url, {**headers, **self.headers}, body, parameters)

    def _proved(
        self, method: str, url: str, fields: Mapping[str, str], body: bytes, parameters: Mapping[str, Any]
    ) -> Outgoing:
        proof, proved, problem = self.credential, {}, ""
        if proof is not None:
            try:
                proved = dict(proof.headers(url, parameters))
            except NoAnswer as error:
                problem = str(error)
        certificate = None if proof is None else proof.certificate
        headers = Headers({**fields, **proved})
        return Outgoing(method=method, url=url, headers=headers, body=body, certificate=certificate, problem=problem)

    def deliver(self, outgoing: Outgoing, *, fault: Fault = "none", faults: int = 1) -> Delivery:
        """Deliver a call, again where CX does so by itself: the same bytes, and at once.

        Args:
            outgoing: The call.
            fault: What happens to the answers of the first attempts.
            faults: How many of them it happens to.

        Returns:
            What became of it.
        """
        begun = self.clock()
        attempts: list[Attempt] = []
        while True:
            attempt = self._attempt(outgoing, begun, fault if len(attempts) < faults else "none")
            attempts.append(attempt)
            if attempt.failure not in _REPEATED or len(attempts) > self.retries:
                return Delivery(outgoing, tuple(attempts), self.timeout)

    def deliver_twice(self, outgoing: Outgoing, *, concurrently: bool = False) -> tuple[Delivery, Delivery]:
        """Deliver a call twice, as if CX had not seen the first answer.

        Args:
            outgoing: The call.
            concurrently: Whether the second one is sent while the first still runs.

        Returns:
            What became of each.
        """
        if not concurrently:
            return self.deliver(outgoing), self.deliver(outgoing)
        with ThreadPoolExecutor(2, "cx-caller") as threads:
            first, second = (threads.submit(self.deliver, outgoing) for _ in range(2))
            return first.result(), second.result()

    def _attempt(self, outgoing: Outgoing, first: float, fault: Fault) -> Attempt:
        begun = self.clock()
        if outgoing.problem:
            return Attempt(begun - first, 0.0, None, "unreachable", outgoing.problem)
        try:
            answer = self.transport.send(outgoing, self.timeout)
        except NoAnswer as problem:
            return Attempt(begun - first, self.clock() - begun, None, problem.failure, str(problem))
        seconds = self.clock() - begun
        if fault == "lost":
            return Attempt(begun - first, seconds, answer, "unreachable", "the connection broke before the answer came")
        if fault == "late" or seconds > self.timeout:
            return Attempt(begun - first, seconds, answer, "timeout", f"no answer within {self.timeout:g} seconds")
        return Attempt(begun - first, seconds, answer)
