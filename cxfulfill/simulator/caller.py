"""Delivering a call as CX does: within its timeout, repeated with the same bytes, twice, at the same time."""

import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from cxfulfill.errors import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.sending import Answer, Credential, Failure, NoAnswer, Outgoing, Transport, not_in_time

CX_TIMEOUT: Final = 5.0
"""Seconds that CX waits for a webhook unless its settings say otherwise."""
LONGEST_TIMEOUT: Final = 30.0
"""The longest time that they can say."""

Fault = Literal["none", "lost", "late"]
"""What happens to an answer on its way: nothing, its connection breaks, or it comes after the timeout."""

_NOT_OURS: Final = frozenset({"host", "content-length", "connection", "transfer-encoding"})
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_URL: Final = re.compile(r"[^\x00-\x20\x7f]+")

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
        headers: Further header fields, such as those of ``QueryParameters.webhookHeaders``: they win over all others.
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
        _check_url(url)
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

        Raises:
            ConfigurationError: A header field is none that HTTP can carry.
        """
        made = Outgoing(method="POST", url=self.url, headers=Headers({"Content-Type": "application/json"}), body=body)
        return self.proved(made, parameters)

    def flexible(self, settings: FlexibleSettings, parameters: Mapping[str, Any]) -> Outgoing:
        """Make the request of a flexible call.

        Args:
            settings: What is entered in CX.
            parameters: The session parameters, which URL, headers and body may refer to.

        Returns:
            The request.

        Raises:
            ConfigurationError: The URL or a header field is none that HTTP can carry, or the template of the body is
                no JSON.
        """
        method, url, headers, body = settings.request(parameters)
        _check_url(url)
        made = Outgoing(method=method, url=url, headers=Headers(headers), body=body)
        return self.proved(made, parameters)

    def proved(self, made: Outgoing, parameters: Mapping[str, Any]) -> Outgoing:
        """Add the credential and the caller's own header fields to a request.

        Args:
            made: The request.
            parameters: The session parameters, which headers may refer to.

        Returns:
            The request as it is sent.

        Raises:
            ConfigurationError: A header field is none that HTTP can carry.
        """
        proof = self.credential
        proved: dict[str, str] = {}
        problem = ""
        if proof is not None:
            try:
                proved = _in_lower(proof.headers(made.url, parameters))
            except NoAnswer as error:
                problem = str(error)
        headers = _in_utf8(made.headers) | proved | _in_utf8(self.headers)
        for name, value in headers.items():
            check_header(name, value)
        certificate = None if proof is None else proof.certificate
        return replace(
            made, headers=Headers(headers), certificate=certificate, secret=frozenset(proved), problem=problem
        )

    def deliver(self, outgoing: Outgoing, *, fault: Fault = "none", faults: int = 1) -> Delivery:
        """Deliver a call, again where CX does so by itself: the same bytes, and at once.

        Args:
            outgoing: The call.
            fault: What happens to the answers of the first attempts.
            faults: How many of them it happens to.

        Returns:
            What became of it.
        """
        if outgoing.problem:
            return Delivery(outgoing, (Attempt(0.0, 0.0, None, "unreachable", outgoing.problem),), self.timeout)
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
        try:
            answer = self.transport.send(outgoing, self.timeout)
        except NoAnswer as problem:
            return Attempt(begun - first, self.clock() - begun, None, problem.failure, str(problem))
        seconds = self.clock() - begun
        if fault == "lost":
            return Attempt(begun - first, seconds, answer, "unreachable", "the connection broke before the answer came")
        if fault == "late" or seconds > self.timeout:
            return Attempt(begun - first, seconds, answer, "timeout", str(not_in_time(self.timeout)))
        return Attempt(begun - first, seconds, answer)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_url = bool(_URL.fullmatch(url) and parts.hostname and parts.port != 0 and parts.username is None)
    except ValueError:
        is_url = False
    if not is_url or parts.scheme not in ("http", "https"):
        raise ConfigurationError("the webhook's URL begins with https:// or http:// and has a host, and no user")


def _in_lower(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in fields.items()}


def _in_utf8(fields: Mapping[str, str]) -> dict[str, str]:
    """Give header fields as HTTP libraries write them: UTF-8 as the bytes' Latin-1 text."""
    return {name: value.encode().decode("latin-1") for name, value in _in_lower(fields).items()}


def check_header(name: str, value: str) -> None:
    """Check that HTTP can carry a header field.

    Args:
        name: Its name.
        value: Its value.

    Raises:
        ConfigurationError: It cannot, or the name is one of HTTP's own.
    """
    if name.lower() in _NOT_OURS or not _NAME.fullmatch(name):
        raise ConfigurationError(f"no header named {name!r} can be sent: it is none, or HTTP's own")
    if not _VALUE.fullmatch(value):
        raise ConfigurationError(f"the header {name} has a value with a line break or another control character")
