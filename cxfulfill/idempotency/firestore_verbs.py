"""What a store does with the documents of Firestore, as coroutines that do no IO of their own."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from google.api_core import exceptions

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.firestore_requests import Record, Requests, Sender
from cxfulfill.idempotency.store import Acquired, Lease, Outcome


class Verbs:
    """The verbs of a store.

    Args:
        sender: Gives what carries requests out.
        collection: The collection of its documents.
        now: Seconds since 1970, which never go down.
        time_limit: Seconds that a call may take in all.
    """

    def __init__(
        self, sender: Callable[[], Sender], collection: str, now: Callable[[], float], time_limit: float
    ) -> None:
        self._sender = sender
        self._collection = collection
        self._now = now
        self._time_limit = time_limit

    async def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        requests = self._requests(key)
        right = Lease(key, owner, fingerprint)
        try:
            await requests.create(Record(owner, fingerprint, self._now() + lease))
            return Acquired(right)
        except exceptions.AlreadyExists:
            record, _ = await requests.read()
        # Those who wait for a call ask again and again: without a transaction they lock nothing.
        barred = record and record.bars(owner, self._now())
        if barred:
            return barred

        def decide(record: Record | None) -> tuple[Outcome, dict[str, Any] | None]:
            now = self._now()
            barred = record and record.bars(owner, now)
            if barred:
                return barred, None
            took_over = record is not None and record.result is None and record.owner != owner
            return Acquired(right, took_over), requests.update(Record(owner, fingerprint, now + lease))

        return await requests.transact(decide)

    async def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        requests = self._requests(lease.key)

        def decide(record: Record | None) -> tuple[bool, dict[str, Any] | None]:
            if record is None or record.owner != lease.owner:
                return False, None
            return True, requests.update(Record(lease.owner, lease.fingerprint, self._now() + ttl, result))

        return await requests.transact(decide)

    async def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        requests = self._requests(lease.key)

        def decide(record: Record | None) -> tuple[bool, dict[str, Any] | None]:
            if record is None or record.result is not None or record.owner != lease.owner:
                return False, None
            return True, requests.delete()

        return await requests.transact(decide)

    async def check(self) -> None:
        """Read a document that need not be there.

        Raises:
            ConfigurationError: The account has no right to, or there is no such database.
            google.api_core.exceptions.GoogleAPIError: Firestore does not answer.
        """
        try:
            await self._requests("check").read()
        except (exceptions.Forbidden, exceptions.Unauthorized):
            raise ConfigurationError(
                "FirestoreStore: permission denied; give the account of this service the role roles/datastore.user, "
                "and enable the Firestore API in the project"
            ) from None
        except exceptions.NotFound:
            raise ConfigurationError(
                "FirestoreStore: the project has no such database in native mode: gcloud firestore databases create"
            ) from None

    def _requests(self, key: str) -> Requests:
        # Names of documents have no slash, are not . or .. and do not begin with __.
        name = quote(key, safe="").replace(".", "%2E").replace("_", "%5F")
        return Requests(self._sender(), f"{self._collection}/{name}", self._time_limit)
