"""A call on its way: what is sent, what comes back, and whoever carries it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from cxfulfill.errors import CxFulfillError
from cxfulfill.http import Headers
from cxfulfill.records import CallRecord

Failure = Literal["timeout", "unreachable", "tls"]
"""Why no answer came: not in time, no connection or one that broke, no trust in the server's certificate."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client certificate, and where its key is.

    Attributes:
        der: The certificate in DER.
        chain: PEM file of the certificate and those that signed it.
        key: PEM file of its private key.
    """

    der: bytes
    chain: Path
    key: Path


class Credential(Protocol):
    """What CX proves itself with."""

    @property
    def certificate(self) -> ClientCertificate | None:
        """The client certificate; None for none."""
        ...

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        """Make the header fields of a call.

        Args:
            url: The webhook's URL as it is entered in CX.
            parameters: The session parameters, which a header's value may refer to.

        Returns:
            Values by name.

        Raises:
            NoAnswer: Whoever issues the token gives none.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request that is sent, once or repeatedly.

    Attributes:
        method: The HTTP method.
        url: The whole URL, with the query.
        headers: Header fields; credentials among them, so that they are not shown.
        body: The body; empty for none.
        certificate: The client certificate; None for none.
        secret: Lower-case names of the header fields that are credentials.
        problem: Why it cannot be sent at all, such as a token that CX was not given; empty for nothing.
    """

    method: str
    url: str
    headers: Headers
    body: bytes = field(repr=False, default=b"")
    certificate: ClientCertificate | None = field(repr=False, default=None)
    secret: frozenset[str] = frozenset()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        status: The HTTP status.
        headers: Header fields by name in any case.
        body: The body.
        record: The application's own record of the call; None where it runs in another process.
    """

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    record: CallRecord | None = None

    @property
    def is_replayed(self) -> bool:
        """Whether the application says that this is the answer of an earlier delivery."""
        return self.headers.get("idempotent-replayed", "") == "true"


def joined(fields: Iterable[tuple[str, str]]) -> Headers:
    """Join header fields that come several times, as HTTP allows (RFC 9110 5.3).

    Args:
        fields: Names and values.

    Returns:
        The fields.
    """
    found: dict[str, str] = {}
    for name, value in fields:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return Headers(found)


class NoAnswer(CxFulfillError):
    """No answer came.

    Args:
        failure: Why.
        detail: A sentence for people.
    """

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


def not_in_time(timeout: float) -> NoAnswer:
    """Say that no answer came in time.

    Args:
        timeout: Seconds that were waited.

    Returns:
        The exception to raise.
    """
    return NoAnswer("timeout", f"no answer within {timeout:g} seconds")


class Transport(Protocol):
    """Carries a request to an application and its answer back; used by several threads at a time."""

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        """Send a request and wait for the answer.

        Args:
            outgoing: The request.
            timeout: Seconds for all of it.

        Returns:
            The answer, whatever its status.

        Raises:
            NoAnswer: There is none.
        """
        ...
