"""The secrets that an authenticator accepts: checked when they arrive, wherever they come from, and compared."""

import hmac
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import partial
from typing import TypeGuard

from cxfulfill.auth.base import NeedsIO
from cxfulfill.auth.fetched import TakenBack
from cxfulfill.auth.secret_checks import strip_newline
from cxfulfill.auth.sources import EnvironmentSecret, Secret, SecretSource, describe
from cxfulfill.errors import ConfigurationError, Unavailable
from cxfulfill.forks import lock_of_process
from cxfulfill.structures import structure

_log = logging.getLogger("cxfulfill")

Read = Callable[[str, str], bytes]
"""Checks a secret and gives it as it is compared. It takes the setting, for the error, and the value."""


class Accepted:
    """The secrets that are accepted for one setting.

    Args:
        what: The setting, for errors and the log, such as ``BasicAuth: password``.
        given: The secret, or several of which each is accepted.
        read: Checks a value; raises `ConfigurationError`, without showing it.

    Attributes:
        sources: Where those come from that are not given as text.
        has: Tells whether a credential is one of them; see `matches`. Where none is, and one of them could not be
            looked at, it raises `NeedsIO` or `Unavailable`.
        may_change: Whether one of them comes from a source whose value changes.
        blocking: Whether looking at them does IO.

    Raises:
        ConfigurationError: There is none, or one that is at hand is refused.
    """

    def __init__(self, what: str, given: Secret, read: Read) -> None:
        each = _several(what, given)
        self.sources = tuple(one for one in each if not isinstance(one, str))
        self._fixed = tuple(_read_fixed(what, one, read) for one in each if isinstance(one, str | EnvironmentSecret))
        self._sources = tuple(_Watched(what, one, read) for one in each if not isinstance(one, str | EnvironmentSecret))
        self._shown = dict.fromkeys("[redacted]" if isinstance(one, str) else describe(one) for one in each)
        self.may_change = bool(self._sources)
        self.blocking = any(source.blocking for source in self._sources)
        self.has: Callable[[bytes], bool] = self._has_now if self._sources else partial(matches, self._fixed)

    def ready(self) -> bool:
        """Tell whether one of them is at hand; fetches that are needed are started and not waited for.

        Returns:
            Whether anybody could be let in now. One that is missing leaves it at that: an old one that was revoked
            before it was taken out of the settings must not stop the service.
        """
        ready = [source.ready() for source in self._sources]
        return bool(self._fixed) or any(ready)

    def warm(self) -> None:
        """Fetch now what must be fetched, for at most 3 seconds; whether it worked, `ready` tells."""
        _, missing = self._look()
        if needs := [each for each in missing if isinstance(each, NeedsIO)]:
            NeedsIO.together(needs).fetch()

    def one(self) -> bytes:
        """Give one of them, for a tool that holds the application and calls it; what must be fetched is waited for.

        Returns:
            The secret as it is compared.

        Raises:
            Unavailable: None can be had now.
        """
        found, _ = self._look()
        if not found:
            self.warm()
            found, _ = self._look()
        if not found:
            raise Unavailable(reason="secret_unavailable")
        return found[0]

    def _has_now(self, credential: bytes) -> bool:
        accepted, missing = self._look()
        if matches(accepted, credential):
            return True
        if needs := [each for each in missing if isinstance(each, NeedsIO)]:
            raise NeedsIO.together(needs)
        # One that its source took back is simply none of them, as long as there is another.
        undecided = [each for each in missing if not (accepted and isinstance(each, TakenBack))]
        if undecided:
            raise undecided[0]
        return False

    def _look(self) -> tuple[tuple[bytes, ...], list[NeedsIO | Unavailable]]:
        found, missing = list(self._fixed), []
        for source in self._sources:
            try:
                found.append(source.current())
            except (NeedsIO, Unavailable) as problem:
                missing.append(problem)
        return tuple(found), missing

    def __repr__(self) -> str:
        return " | ".join(self._shown)


@structure
class _Verdict:
    value: object = field(repr=False)
    accepted: bytes | None = field(repr=False)
    problem: str = ""


class _Watched:
    """A source, whose value is checked whenever it is another one than before."""

    def __init__(self, what: str, source: SecretSource, read: Read) -> None:
        self.blocking = bool(getattr(source, "blocking", True))
        self._what = f"{what} from {describe(source)}"
        self._source = source
        self._read = read
        self._warned = False
        self._verdict: _Verdict | None = None
        self._lock = lock_of_process(self)
        if not self.blocking:
            with suppress(NeedsIO, Unavailable):
                value = self._get()
                self._verdict = _Verdict(value, self._check(value))

    def current(self) -> bytes:
        value = self._get()
        verdict = self._verdict
        if verdict is None or verdict.value != value:
            verdict = self._judge(value)
        if verdict.accepted is None:
            raise Unavailable(reason="secret_refused", note=verdict.problem)
        return verdict.accepted

    def ready(self) -> bool:
        if not self.blocking:
            try:
                self.current()
            except Unavailable:
                return False
            except NeedsIO:
                pass  # what it holds may do all the same; the source knows, and starts a fetch
        ready = getattr(self._source, "ready", None)
        return ready is None or bool(ready())

    def _get(self) -> object:
        try:
            return self._source.get()
        except NeedsIO:
            raise
        except Unavailable as error:
            error.note = error.note or f"{self._what} is unavailable"
            raise
        except Exception as error:  # as for keys: whatever it raises, it did not give the value
            note = f"{self._what} failed with {type(error).__name__}"
            raise Unavailable(reason="secret_unavailable", note=note) from None

    def _judge(self, value: object) -> _Verdict:
        with self._lock:  # so that one value is judged, and warned of, once
            verdict = self._verdict
            if verdict is None or verdict.value != value:
                try:
                    verdict = _Verdict(value, self._check(value))
                except ConfigurationError as error:
                    verdict = _Verdict(value, None, str(error))
                    _log.warning("%s", error)
                self._verdict = verdict
            return verdict

    def _check(self, value: object) -> bytes:
        if not isinstance(value, str):
            raise ConfigurationError(f"{self._what} is no text")
        stripped = strip_newline(self._what, value, warn=not self._warned)
        self._warned |= stripped != value
        return self._read(self._what, stripped)


def matches(accepted: tuple[bytes, ...], given: bytes) -> bool:
    """Compare a credential with each accepted one, in a time that tells nothing about them.

    Args:
        accepted: What is right.
        given: What the caller sent.

    Returns:
        Whether it is one of them.
    """
    found = False
    for value in accepted:
        found |= hmac.compare_digest(given, value)
    return found


def _several(what: str, given: Secret) -> tuple[str | SecretSource, ...]:
    if isinstance(given, str) or _is_source(given):
        return (given,)
    each = tuple(given) if isinstance(given, Iterable) and not isinstance(given, Mapping) else ()
    if not each or not all(isinstance(one, str) or _is_source(one) for one in each):
        raise ConfigurationError(f"{what} is missing, or neither text nor a source such as EnvironmentSecret(...)")
    return each


def _is_source(given: object) -> TypeGuard[SecretSource]:
    get = getattr(given, "get", None)
    plain = callable(get) and not inspect.iscoroutinefunction(get)
    return plain and not isinstance(given, type | Mapping)


def _read_fixed(what: str, given: str | EnvironmentSecret, read: Read) -> bytes:
    if isinstance(given, EnvironmentSecret):
        what, given = f"{what} from {given!r}", given.get()
    return read(what, strip_newline(what, given))
