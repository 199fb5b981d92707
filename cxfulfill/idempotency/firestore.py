"""Leases and results in Firestore in native mode (extra ``firestore``): a document a key.

Documents that are too old go away by Firestore's own policy, once it is set for the collection. No field is ever
searched for, so none needs an index. Without indexes a write costs less and is faster, and the limit of about 500
writes a second falls that a collection has whose times are indexed.

    gcloud firestore fields ttls update expire_at --collection-group=COLLECTION --enable-ttl
    for field in format state owner fingerprint expires result expire_at; do
        gcloud firestore indexes fields update $field --collection-group=COLLECTION --disable-indexes
    done
"""

import logging
import math
import os
import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import google.auth
from google.auth.exceptions import GoogleAuthError

from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.store import Acquired, Lease, Outcome

try:
    from google.api_core import exceptions
    from google.cloud.firestore import Client

    from cxfulfill.idempotency.firestore_requests import Record, Requests
except ImportError:
    raise ConfigurationError.for_extra("FirestoreStore", "firestore") from None

TIME_LIMIT: Final = 1.5
"""Seconds that a call of the store may take; the first of a process also connects and fetches a token."""

_PLACE = re.compile(r"([a-z0-9.:-]{1,128})/(?!__)([A-Za-z0-9_-]{1,128})(?:\?database=([a-z0-9()-]{1,63}))?")
_CALLS = "google.cloud.firestore_v1.services.firestore.transports.grpc"
"""The logger of Google's client that is given whole documents."""


class FirestoreStore:
    """Leases and results in a collection of Firestore.

    The service's account needs ``roles/datastore.user``. Times are those of the callers' machines, whose clocks must
    agree to within a second or two, as those of Google Cloud do. A result has room in its document, which is at most
    1 MiB.

    Args:
        place: ``project/collection``, or ``project/collection?database=name`` for another than the default database.
        client: The client to call with; by default one with the application's default credentials. A client must not
            have been used before a fork (gunicorn's ``preload_app``).
        clock: Seconds since 1970.
        time_limit: Seconds that a call may take in all.

    Raises:
        ConfigurationError: There is no such place, there are no credentials, or the client is another project's.
    """

    blocking = True
    bounded = True

    def __init__(
        self,
        place: str,
        *,
        client: Client | None = None,
        clock: Callable[[], float] = time.time,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        found = _PLACE.fullmatch(place)
        if not found:
            raise ConfigurationError("FirestoreStore: the place must be project/collection, two plain names")
        if not (math.isfinite(time_limit) and time_limit > 0):
            raise ConfigurationError("FirestoreStore: time_limit is a number of seconds above 0")
        project, self._collection, database = found.groups()
        if client is not None and (client.project != project or database):
            raise ConfigurationError(
                "FirestoreStore: the client's project and the place's differ, or both name a database"
            )
        self._owned = client is None
        self._make = _maker(project, database) if client is None else lambda: client
        self._place = place
        self._made = (os.getpid(), self._make())
        self._clock = clock
        self._latest = clock()
        self._time_limit = time_limit
        logging.getLogger(_CALLS).addFilter(_without_documents)

    def __repr__(self) -> str:
        return f"FirestoreStore({self._place!r})"

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        requests = self._requests(key)
        right = Lease(key, owner, fingerprint)
        try:
            requests.create(Record(owner, fingerprint, self._now() + lease))
            return Acquired(right)
        except exceptions.AlreadyExists:
            record, _ = requests.read()
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

        return requests.transact(decide)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        requests = self._requests(lease.key)

        def decide(record: Record | None) -> tuple[bool, dict[str, Any] | None]:
            if record is None or record.owner != lease.owner:
                return False, None
            return True, requests.update(Record(lease.owner, lease.fingerprint, self._now() + ttl, result))

        return requests.transact(decide)

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        requests = self._requests(lease.key)

        def decide(record: Record | None) -> tuple[bool, dict[str, Any] | None]:
            if record is None or record.result is not None or record.owner != lease.owner:
                return False, None
            return True, requests.delete()

        return requests.transact(decide)

    def check(self) -> None:
        """Read a document that need not be there.

        Raises:
            ConfigurationError: The account has no right to, or there is no such database.
            google.api_core.exceptions.GoogleAPIError: Firestore does not answer.
        """
        try:
            self._requests("check").read()
        except (exceptions.Forbidden, exceptions.Unauthorized):
            raise ConfigurationError(
                "FirestoreStore: permission denied; give the account of this service the role roles/datastore.user, "
                "and enable the Firestore API in the project"
            ) from None
        except exceptions.NotFound:
            raise ConfigurationError(
                "FirestoreStore: the project has no such database in native mode: gcloud firestore databases create"
            ) from None

    def close(self) -> None:
        """Close the connection, where it is this store's own."""
        process, client = self._made
        if self._owned and process == os.getpid():
            client._firestore_api.transport.close()  # noqa: SLF001

    def _requests(self, key: str) -> Requests:
        process, client = self._made
        if process != os.getpid():
            # A connection does not survive a fork.
            client = self._make()
            self._made = (os.getpid(), client)
        # Names of documents have no slash, are not . or .. and do not begin with __.
        name = quote(key, safe="").replace(".", "%2E").replace("_", "%5F")
        return Requests(client, f"{self._collection}/{name}", self._time_limit)

    def _now(self) -> float:
        # A clock that is set back revives nothing.
        self._latest = max(self._latest, self._clock())
        return self._latest


def _maker(project: str, database: str | None) -> Callable[[], Client]:
    credentials = None
    if not os.environ.get("FIRESTORE_EMULATOR_HOST"):
        try:
            credentials, _ = google.auth.default()
        except GoogleAuthError:
            raise ConfigurationError(
                "FirestoreStore: there are no Google credentials here; run it under a service account, or on your own "
                "machine after gcloud auth application-default login"
            ) from None
    return lambda: Client(project=project, credentials=credentials, database=database)


def _without_documents(record: logging.LogRecord) -> bool:
    # At its debug level Google's client logs each request and answer, and with them what is kept.
    return not hasattr(record, "request") and not hasattr(record, "response")
