"""A secret that this server shows to another one, such as its own at an identity provider."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TypeGuard

from cxfulfill.auth.base import NeedsIO
from cxfulfill.auth.secret_checks import check_secret, strip_newline
from cxfulfill.auth.sources import Secret, SecretSource, describe
from cxfulfill.errors import ConfigurationError, Unavailable


class ClientSecret:
    """One secret, as text or from a source; looked at again with every use.

    Args:
        what: The setting, for errors and the log.
        given: The secret.
        allow_weak: Accept a short or well-known one.

    Raises:
        ConfigurationError: It is not one secret, or one that is at hand is refused.
    """

    def __init__(self, what: str, given: Secret, *, allow_weak: bool) -> None:
        each = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        if len(each) != 1 or not _is_secret(each[0]):
            raise ConfigurationError(
                f"{what} must be one secret: text, or a source such as EnvironmentSecret(...). Only one is sent: while "
                "it is being replaced, the other end accepts both"
            )
        self._what = what
        self._source: str | SecretSource = each[0]
        self._allow_weak = allow_weak
        if not isinstance(self._source, str):
            self._what = f"{what} from {describe(self._source)}"
        if isinstance(self._source, str) or not getattr(self._source, "blocking", True):
            with suppress(NeedsIO, Unavailable):
                self._get(warn=True)

    def fetch(self) -> str:
        """Give the secret, and fetch it first where that is needed: for a thread that may wait.

        Returns:
            The secret.

        Raises:
            ConfigurationError: It is refused.
            Exception: It cannot be had.
        """
        try:
            return self._get()
        except NeedsIO as need:
            need.fetch()
        return self._get()

    def _get(self, *, warn: bool = False) -> str:
        value = self._source if isinstance(self._source, str) else self._source.get()
        return check_secret(self._what, strip_newline(self._what, value, warn=warn), allow_weak=self._allow_weak)

    def __repr__(self) -> str:
        return "[redacted]" if isinstance(self._source, str) else describe(self._source)


def _is_secret(given: object) -> TypeGuard[str | SecretSource]:
    is_source = callable(getattr(given, "get", None)) and not isinstance(given, type | Mapping)
    return isinstance(given, str) or is_source
