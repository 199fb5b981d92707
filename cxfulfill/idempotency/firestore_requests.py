"""A document of Firestore and the requests on it: their time limits and transactions.

They are coroutines that do no IO of their own: a `Sender` carries each request out, in the thread that calls or on an
event loop.
"""

import time
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from google.api_core import exceptions
from google.cloud.firestore_v1.types import Document

from cxfulfill.idempotency.store import Completed, InProgress

T = TypeVar("T")

LEASE_KEPT: Final = 86_400.0
"""Seconds that a lease is remembered after it has run out, so that who takes it over is told."""
ATTEMPTS: Final = 5
"""Times that a transaction is tried while others change its document."""

_FORMAT: Final = 1
_KINDS: Final = {
    "format": "integer_value",
    "state": "string_value",
    "owner": "string_value",
    "fingerprint": "string_value",
    "expires": "double_value",
    "result": "bytes_value",
}
_LEAST = 0.001
"""Seconds that a request gets at least."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a document says.

    Attributes:
        owner: Who holds or held the lease.
        fingerprint: What the key is used for.
        expires: Seconds since 1970 until which it holds.
        result: The result; None while the call runs.
    """

    owner: str
    fingerprint: str
    expires: float
    result: bytes | None = field(default=None, repr=False)

    def bars(self, owner: str, now: float) -> InProgress | Completed | None:
        """Tell whether the call may be run.

        Args:
            owner: Who asks.
            now: Seconds since 1970.

        Returns:
            Why not; None where it may.
        """
        if self.expires <= now or (self.result is None and self.owner == owner):
            return None
        return InProgress(self.fingerprint) if self.result is None else Completed(self.fingerprint, self.result)

    def fields(self) -> dict[str, Any]:
        """Write it as a document's fields.

        Returns:
            Values by name.
        """
        kept = LEASE_KEPT if self.result is None else 0.0
        return {
            "format": {"integer_value": _FORMAT},
            "state": {"string_value": "running" if self.result is None else "completed"},
            "owner": {"string_value": self.owner},
            "fingerprint": {"string_value": self.fingerprint},
            "expires": {"double_value": self.expires},
            "result": {"bytes_value": self.result or b""},
            "expire_at": {"timestamp_value": datetime.fromtimestamp(self.expires + kept, UTC)},
        }


Decision = Callable[["Record | None"], tuple[T, "dict[str, Any] | None"]]
"""From what is there to the outcome, and to the write that makes it so; None where nothing is written."""


class Sender(Protocol):
    """Carries requests out by a client of Google's."""

    client: Any

    async def send(self, method: str, request: dict[str, Any], seconds: float) -> Any:
        """Make a request.

        Args:
            method: The method of Firestore's API.
            request: Its fields.
            seconds: How long it may take.

        Returns:
            The answer; where there is more than one, a list of them.

        Raises:
            GoogleAPIError: Firestore cannot tell.
        """
        ...


class Requests:
    """The requests of one call of the store: what one leaves of the time is the next one's.

    They are made below Google's client, with its settings: its own transactions take no time limit.

    Args:
        sender: Carries them out.
        document: Path of the document, from the collection on.
        time_limit: Seconds for all of them.
    """

    def __init__(self, sender: Sender, document: str, time_limit: float) -> None:
        self._sender = sender
        self._database: str = sender.client._database_string  # noqa: SLF001
        self._document = f"{self._database}/documents/{document}"
        self._until = time.monotonic() + time_limit

    async def create(self, record: Record) -> None:
        """Make the document.

        Args:
            record: What it shall say.

        Raises:
            AlreadyExists: It is there.
            GoogleAPIError: Firestore cannot tell.
        """
        await self._commit(self.update(record) | {"current_document": {"exists": False}})

    def update(self, record: Record) -> dict[str, Any]:
        """Describe a write of the whole document.

        Args:
            record: What it shall say.

        Returns:
            The write, for a transaction.
        """
        return {"update": {"name": self._document, "fields": record.fields()}}

    def delete(self) -> dict[str, Any]:
        """Describe the document's deletion.

        Returns:
            The write, for a transaction.
        """
        return {"delete": self._document}

    async def read(self, **transaction: Any) -> tuple[Record | None, bytes]:
        """Read the document.

        Args:
            transaction: The request's field that begins a transaction.

        Returns:
            What it says, None where it is missing or none of this format; and the transaction, empty without one.

        Raises:
            GoogleAPIError: Firestore cannot tell.
        """
        record, begun = None, b""
        for answer in await self._send("batch_get_documents", {"documents": [self._document], **transaction}):
            begun = begun or answer.transaction
            if "found" in answer:
                record = _read(answer.found)
        return record, begun

    async def transact(self, decide: Decision[T]) -> T:
        """Decide on the document as it is, and again where another changed it before that was written.

        Args:
            decide: Gives the outcome and the write.

        Returns:
            The outcome, once it is written.

        Raises:
            GoogleAPIError: Firestore cannot tell, or others change the document all the time.
        """
        tried, attempts = b"", 0
        while True:
            attempts += 1
            try:
                record, tried = await self.read(new_transaction={"read_write": {"retry_transaction": tried}})
                outcome, write = decide(record)
                if write is None:
                    await self._roll_back(tried)
                else:
                    await self._commit(write, tried)
            except exceptions.Aborted:
                if attempts == ATTEMPTS:
                    raise
            except (exceptions.GoogleAPIError, CancelledError):
                await self._roll_back(tried)
                raise
            else:
                return outcome

    async def _commit(self, write: dict[str, Any], transaction: bytes = b"") -> None:
        await self._send("commit", {"writes": [write], "transaction": transaction})

    async def _roll_back(self, transaction: bytes) -> None:
        # Only so that its lock on the document does not last until it is idle for too long.
        if transaction:
            with suppress(exceptions.GoogleAPIError):
                await self._send("rollback", {"transaction": transaction})

    async def _send(self, method: str, request: dict[str, Any]) -> Any:
        left = max(self._until - time.monotonic(), _LEAST)
        return await self._sender.send(method, {"database": self._database, **request}, left)


def _read(document: Document) -> Record | None:
    fields = Document.pb(document).fields
    if any(name not in fields or fields[name].WhichOneof("value_type") != kind for name, kind in _KINDS.items()):
        return None
    state = fields["state"].string_value
    if fields["format"].integer_value != _FORMAT or state not in {"running", "completed"}:
        return None
    return Record(
        fields["owner"].string_value,
        fields["fingerprint"].string_value,
        fields["expires"].double_value,
        None if state == "running" else fields["result"].bytes_value,
    )
