"""Who is calling: the authenticator contract and its combinations.

An authenticator sees the head of a request only. It raises `Unauthorized` where the caller did not prove who it
is, `Forbidden` where it did and may not call, `Unavailable` where that cannot be told now.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cxfulfill.errors import ConfigurationError, Forbidden, HttpError, Unauthorized
from cxfulfill.http import HttpRequest

_log = logging.getLogger("cxfulfill")


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that proved who it is.

    Attributes:
        name: Its name: a user name, an e-mail address, a header's name.
        method: How it was proved, such as ``basic``.
        others: What further authenticators of an `AllOf` found.
    """

    name: str
    method: str
    others: tuple["Principal", ...] = field(default=())


class NeedsIO(Exception):
    """An authenticator lacks what must be fetched first. The pipeline runs ``fetch``, then asks it again.

    Args:
        fetch: Fetches it, blocking for a bounded time. It returns also where it failed: the authenticator, asked
            again, then knows and raises `Unavailable`.
    """

    def __init__(self, fetch: Callable[[], None]) -> None:
        super().__init__("asked again after a fetch")
        self.fetch = fetch


class Authenticator(Protocol):
    """The contract of an authenticator, ours or the user's.

    An implementation may also have

    * ``blocking`` (bool): whether ``authenticate`` does IO; taken as True where it is missing, so that an event
      loop is never held up;
    * ``credential_headers`` (frozenset of names): further header fields to hide from handlers;
    * ``ready()``: whether it is ready to serve, for ``/ready``; it must not block.
    """

    def authenticate(self, http: HttpRequest) -> Principal:
        """Tell who is calling.

        Args:
            http: The request, whose body must not be read.

        Returns:
            The caller.

        Raises:
            Unauthorized: No credential, or a wrong one (401).
            Forbidden: A right credential of somebody who may not call (403).
            Unavailable: It cannot be told now (503).
            NeedsIO: Something must be fetched first; it is asked again then.
        """
        ...


class AllowUnauthenticated:
    """Let everybody in. For local trials, or where something in front has checked the caller already."""

    blocking = False

    def __init__(self) -> None:
        _log.warning("AllowUnauthenticated: this webhook answers every caller")

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept any request; see `Authenticator.authenticate`."""
        del http  # nothing in it matters
        return Principal("anonymous", "none")

    def __repr__(self) -> str:
        return "AllowUnauthenticated()"


class _Several:
    def __init__(self, *parts: Authenticator) -> None:
        name = type(self).__name__
        if not parts:
            raise ConfigurationError(f"{name} needs at least one authenticator")
        if any(isinstance(part, AllowUnauthenticated) for part in parts):
            raise ConfigurationError(f"{name} must not hold AllowUnauthenticated: it would check nothing")
        for part in parts:
            check_authenticator(part)
        self.parts = parts
        self.blocking = any(is_blocking(part) for part in parts)
        self.credential_headers = frozenset().union(*(credential_headers(part) for part in parts))

    def ready(self) -> bool:
        """Tell whether every part is ready."""
        return all(is_ready(part) for part in self.parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.parts!r}"


class AnyOf(_Several):
    """Accept a caller that any of several authenticators accepts; they are asked in order.

    Args:
        parts: The authenticators.

    Raises:
        ConfigurationError: None is given, or one of them lets everybody in.
    """

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept what the first of them accepts; see `Authenticator.authenticate`.

        If none does, the answer is 503 where one could not tell, else 403 where one knew the caller, else 401
        with the challenges of all.
        """
        refusals = []
        for part in self.parts:
            try:
                return identify(part, http)
            except HttpError as error:
                refusals.append(error)
        raise _refusal(refusals)


class AllOf(_Several):
    """Accept a caller that each of several authenticators accepts, such as a certificate and a token.

    Args:
        parts: The authenticators. The first one's principal is the call's, the others' are in its ``others``.

    Raises:
        ConfigurationError: None is given, or one of them lets everybody in.
    """

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept what all of them accept; see `Authenticator.authenticate`."""
        first, *others = [identify(part, http) for part in self.parts]
        return Principal(first.name, first.method, (*first.others, *others))


def _refusal(refusals: list[HttpError]) -> HttpError:
    undecided = [error for error in refusals if not isinstance(error, (Unauthorized, Forbidden))]
    forbidden = [error for error in refusals if isinstance(error, Forbidden)]
    if undecided or forbidden:
        return (undecided or forbidden)[0]
    challenges = [value for error in refusals for name, value in error.headers if name == "WWW-Authenticate"]
    return Unauthorized(*dict.fromkeys(challenges), reason=refusals[0].reason)


def check_authenticator(authenticator: object) -> None:
    """Check that something is an authenticator.

    Args:
        authenticator: What stands for one.

    Raises:
        ConfigurationError: It is a class, has no ``authenticate``, or an ``async`` one.
    """
    authenticate = getattr(authenticator, "authenticate", None)
    if isinstance(authenticator, type) or not callable(authenticate) or inspect.iscoroutinefunction(authenticate):
        raise ConfigurationError(
            "auth= needs an authenticator, such as BasicAuth(...); to let everybody in, AllowUnauthenticated()"
        )


def identify(authenticator: Authenticator, http: HttpRequest) -> Principal:
    """Ask an authenticator, and take nothing but a principal for a yes.

    Args:
        authenticator: The authenticator.
        http: The request.

    Returns:
        The caller.

    Raises:
        ConfigurationError: It returned something else.
        HttpError: It refused; see `Authenticator.authenticate`.
    """
    principal: object = authenticator.authenticate(http)
    if not isinstance(principal, Principal):
        raise ConfigurationError(f"{type(authenticator).__name__}.authenticate must return a Principal, or raise")
    return principal


def is_ready(authenticator: Authenticator) -> bool:
    """Tell whether an authenticator is ready to serve.

    Args:
        authenticator: The authenticator.

    Returns:
        What its ``ready()`` says; True where it has none, False where that fails.
    """
    ready = getattr(authenticator, "ready", None)
    try:
        return ready is None or bool(ready())
    except Exception:
        return False


def is_blocking(authenticator: Authenticator) -> bool:
    """Tell whether an authenticator does IO.

    Args:
        authenticator: The authenticator.

    Returns:
        Its ``blocking``, or True where it says nothing.
    """
    return bool(getattr(authenticator, "blocking", True))


def credential_headers(authenticator: Authenticator) -> frozenset[str]:
    """Tell which header fields an authenticator reads secrets from.

    Args:
        authenticator: The authenticator.

    Returns:
        Lower-case names.
    """
    return frozenset(name.lower() for name in getattr(authenticator, "credential_headers", ()))
