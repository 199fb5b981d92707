"""Secrets from Google's Secret Manager (extra ``gcp``): the very version that CX reads."""

import logging
import os
import re
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from cxfulfill.auth.fetched import Gone
from cxfulfill.auth.sources import FetchedSecret
from cxfulfill.errors import ConfigurationError

if TYPE_CHECKING:
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient

MAX_AGE: Final = 300.0
"""Seconds after which a secret is fetched again: so long may a revoked one still be accepted."""
TIME_LIMIT: Final = 2.5
"""Seconds for the call; what else a first fetch does must fit in the 3 seconds with it."""

_NAME = re.compile(r"projects/[a-z0-9.:-]{1,128}/secrets/[A-Za-z0-9_-]{1,255}/versions/[A-Za-z0-9_-]{1,63}")
_CALLS = "google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc"
"""The logger of Google's client that is given whole answers."""


class SecretManager(FetchedSecret):
    """A secret version of Google's Secret Manager.

    The service's account needs ``roles/secretmanager.secretAccessor`` on the secret. The value is fetched when first
    needed, and again every five minutes. A version that is disabled, destroyed or no longer open to this account is
    not accepted any more from then on; while Secret Manager is down, the value that is held goes on being accepted.

    Args:
        name: Full name of the version, ``projects/P/secrets/S/versions/V``, as in the CX webhook's settings; V may
            be ``latest``.
        client: The client to call with; by default one with the application's default credentials, shared in the
            process. A client must not be made before a fork (gunicorn's ``preload_app``).
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: It is no such name, or the extra is not installed.
    """

    def __init__(
        self,
        name: str,
        client: "SecretManagerServiceClient | None" = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                "SecretManager: name must be projects/P/secrets/S/versions/V, as in the CX webhook's settings"
            )
        _check_extra()
        super().__init__(name, max_age=MAX_AGE, clock=clock)
        self._client = client

    def fetch(self) -> bytes:
        """Fetch the version's payload; see `FetchedSecret.fetch`."""
        from google.api_core import exceptions  # noqa: PLC0415 - only who uses this has it

        client = self._client or _shared_client(os.getpid())
        try:
            answer = client.access_secret_version(request={"name": self.name}, timeout=TIME_LIMIT, retry=None)
        except exceptions.NotFound:
            raise Gone("there is no such secret version; create it, or name another one") from None
        except exceptions.Forbidden:
            raise Gone(
                "permission denied; give the account of this service the role roles/secretmanager.secretAccessor on "
                "the secret, and enable the Secret Manager API in its project"
            ) from None
        except exceptions.BadRequest:
            raise Gone("the secret version is disabled or destroyed; enable it, or name another one") from None
        return answer.payload.data


@cache
def _shared_client(process: int) -> "SecretManagerServiceClient":
    del process  # a channel does not survive a fork
    from google.cloud.secretmanager_v1 import SecretManagerServiceClient  # noqa: PLC0415 - as above

    return SecretManagerServiceClient()


def _check_extra() -> None:
    # Loaded here and not with the first fetch: that has no time for it.
    try:
        import google.cloud.secretmanager_v1  # noqa: F401, PLC0415
    except ImportError:
        raise ConfigurationError.for_extra("SecretManager", "gcp") from None
    logging.getLogger(_CALLS).addFilter(_without_answers)


def _without_answers(record: logging.LogRecord) -> bool:
    # At its debug level Google's client logs each answer, and with it the secret.
    return not hasattr(record, "response")
