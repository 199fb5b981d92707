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
from functools import partial
from typing import Any, Final

import google.auth
from google.auth.exceptions import GoogleAuthError

from cxfulfill.coroutines import run
from cxfulfill.errors import ConfigurationError
from cxfulfill.idempotency.store import Lease, Outcome

try:
    from google.cloud.firestore import AsyncClient, Client

    from cxfulfill.idempotency.firestore_senders import InThread, OnLoop
    from cxfulfill.idempotency.firestore_verbs import Verbs
except ImportError:
    raise ConfigurationError.for_extra("FirestoreStore", "firestore") from None

TIME_LIMIT: Final = 1.5
"""Seconds that a call of the store may take; the first of a process also connects and fetches a token."""

_PLACE = re.compile(r"([a-z0-9.:-]{1,128})/(?!__)([A-Za-z0-9_-]{1,128})(?:\?database=([a-z0-9()-]{1,63}))?")
_TRANSPORTS = "google.cloud.firestore_v1.services.firestore.transports"
_CALLS = (f"{_TRANSPORTS}.grpc", f"{_TRANSPORTS}.grpc_asyncio")
"""The loggers of Google's clients that are given whole documents."""


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
        self._place = place
        self._make: Callable[[], Any] = lambda: client
        self._make_on_loop: Callable[[], AsyncClient] | None = None
        if client is None:
            options = _options(project, database)
            self._make, self._make_on_loop = partial(Client, **options), partial(AsyncClient, **options)
        self._made: tuple[int, Any] = (os.getpid(), self._make())
        self._clock = clock
        self._latest = clock()
        self._time_limit = time_limit
        self._verbs = Verbs(self._sender, self._collection, self._now, time_limit)
        for name in _CALLS:
            logging.getLogger(name).addFilter(_without_documents)

    def __repr__(self) -> str:
        return f"FirestoreStore({self._place!r})"

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        """See `IdempotencyStore.acquire`."""
        return run(self._verbs.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease))

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        """See `IdempotencyStore.complete`."""
        return run(self._verbs.complete(lease, result, ttl=ttl))

    def release(self, lease: Lease) -> bool:
        """See `IdempotencyStore.release`."""
        return run(self._verbs.release(lease))

    def check(self) -> None:
        """Read a document that need not be there.

        Raises:
            ConfigurationError: The account has no right to, or there is no such database.
            google.api_core.exceptions.GoogleAPIError: Firestore does not answer.
        """
        run(self._verbs.check())

    def on_loop(self) -> "FirestoreOnLoop | None":
        """Give a client for the event loop that runs; see `IdempotencyStore`.

        Returns:
            It; None where the store has a client of the user's own.
        """
        if self._make_on_loop is None:
            return None
        return FirestoreOnLoop(OnLoop(self._make_on_loop()), self._collection, self._now, self._time_limit)

    def close(self) -> None:
        """Close the connection, where it is this store's own."""
        process, client = self._made
        if self._make_on_loop is not None and process == os.getpid():
            client._firestore_api.transport.close()  # noqa: SLF001

    def _sender(self) -> InThread:
        process, client = self._made
        if process != os.getpid():
            # A connection does not survive a fork.
            client = self._make()
            self._made = (os.getpid(), client)
        return InThread(client)

    def _now(self) -> float:
        # A clock that is set back revives nothing.
        self._latest = max(self._latest, self._clock())
        return self._latest


class FirestoreOnLoop(Verbs):
    """`FirestoreStore` on the event loop that it was made on.

    Args:
        sender: Carries its requests out.
        collection: As for `Verbs`.
        now: As for `Verbs`.
        time_limit: As for `Verbs`.
    """

    bounded = True

    def __init__(self, sender: OnLoop, collection: str, now: Callable[[], float], time_limit: float) -> None:
        super().__init__(lambda: sender, collection, now, time_limit)
        self._own = sender

    async def close(self) -> None:
        """Close the connection."""
        await self._own.close()


def _options(project: str, database: str | None) -> dict[str, Any]:
    """Say what both kinds of client are made with."""
    credentials = None
    if not os.environ.get("FIRESTORE_EMULATOR_HOST"):
        try:
            credentials, _ = google.auth.default()
        except GoogleAuthError:
            raise ConfigurationError(
                "FirestoreStore: there are no Google credentials here; run it under a service account, or on your own "
                "machine after gcloud auth application-default login"
            ) from None
    return {"project": project, "credentials": credentials, "database": database}


def _without_documents(record: logging.LogRecord) -> bool:
    # At its debug level Google's client logs each request and answer, and with them what is kept.
    return not hasattr(record, "request") and not hasattr(record, "response")
