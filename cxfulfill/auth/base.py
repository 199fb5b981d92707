"""Who is calling: the contract of authenticators, and the ways they are asked.

An authenticator sees the head of a request only. It raises `Unauthorized` where the caller did not prove who it
is, `Forbidden` where it did and may not call, `Unavailable` where that cannot be told now.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from cxfulfill.errors import ConfigurationError, InternalError
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.names import SessionName

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
        sends_credential: Whether it shows the caller's credential to somebody: other fetches go first, since after
            them that may not be needed.
    """

    def __init__(self, fetch: Callable[[], None], *, sends_credential: bool = False) -> None:
        super().__init__("asked again after a fetch")
        self.fetch = fetch
        self.sends_credential = sends_credential

    @classmethod
    def together(cls, needs: "Sequence[NeedsIO]") -> "NeedsIO":
        """Make one of several; their fetches run at the same time.

        Args:
            needs: At least one.

        Returns:
            One that stands for all of them, or for those that send no credential where there are such.
        """
        first = [need for need in needs if not need.sends_credential] or list(needs)
        if len(first) == 1:
            return first[0]
        return cls(partial(_at_once, [need.fetch for need in first]), sends_credential=first[0].sends_credential)


def _at_once(fetches: "Sequence[Callable[[], None]]") -> None:
    # Each of them may take as long as a caller can wait. Without threads they are left undone, which is a 503.
    with suppress(RuntimeError), ThreadPoolExecutor(len(fetches), thread_name_prefix="cxfulfill-fetch") as pool:
        others = [pool.submit(fetch) for fetch in fetches[1:]]
        fetches[0]()
        for other in others:
            other.result()


class Authenticator(Protocol):
    """The contract of an authenticator, ours or the user's.

    An implementation may also have

    * ``blocking`` (bool): whether ``authenticate`` does IO; taken as True where it is missing, so that an event
      loop is never held up;
    * ``credential_headers`` (frozenset of names): further header fields to hide from handlers;
    * ``ready()``: whether it is ready to serve, for ``/ready``; it must not block;
    * ``warm()``: fetches what it lacks, for at most 3 seconds; servers call it before the first call;
    * ``authorize(principal, session)``: what only the session's name can tell, asked once the body is read; it
      returns the principal of the call, or raises `Forbidden`;
    * ``only_with_another_factor`` (bool): whether it proves too little to stand alone or as an alternative;
    * ``without_alternative`` (str): a mechanism of which `AnyOf` takes either only members or none;
    * ``header_use`` (two texts): the header field that it reads, in lower case, and the kind of value that it wants
      there; `AllOf` refuses parts that want different kinds in one field.
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


def check_authenticator(authenticator: object) -> None:
    """Check that something is an authenticator.

    Args:
        authenticator: What stands for one.

    Raises:
        ConfigurationError: It is a class, has no ``authenticate``, or an ``async`` one.
    """
    authenticate = getattr(authenticator, "authenticate", None)
    if inspect.iscoroutinefunction(authenticate) and not isinstance(authenticator, type):
        raise ConfigurationError(
            f"auth=: {type(authenticator).__name__}.authenticate is async def, and must be a plain function: where "
            "something must be waited for, raise NeedsIO(fetch), which fetches it and asks again"
        )
    if isinstance(authenticator, type) or not callable(authenticate):
        raise ConfigurationError(
            "auth= needs an authenticator, such as BasicAuth(...); to let everybody in, AllowUnauthenticated()"
        )


def check_policy(authenticator: object) -> None:
    """Check that something may decide on its own who calls.

    Args:
        authenticator: What stands for an authenticator.

    Raises:
        ConfigurationError: As for `check_authenticator`, or it proves too little to stand alone.
    """
    check_authenticator(authenticator)
    if needs_another_factor(authenticator):
        raise ConfigurationError(
            "MutualTls proves that Dialogflow calls, not whose agent: join it to another factor, as in "
            "AllOf(MutualTls(...), GoogleIdToken(...)), or say allow_any_dialogflow_customer=True"
        )


def needs_another_factor(authenticator: object) -> bool:
    """Tell whether an authenticator proves too little to stand alone.

    Args:
        authenticator: The authenticator.

    Returns:
        Its ``only_with_another_factor``, or False where it says nothing.
    """
    return bool(getattr(authenticator, "only_with_another_factor", False))


def decides_by_session(authenticator: object) -> bool:
    """Tell whether an authenticator has something to say about the session.

    Args:
        authenticator: The authenticator.

    Returns:
        Whether it has an ``authorize``; a combination, whether one of its parts has.
    """
    return bool(getattr(authenticator, "by_session", hasattr(authenticator, "authorize")))


def authorize(authenticator: Authenticator, principal: Principal, session: SessionName | None) -> Principal:
    """Ask an authenticator what only the session's name can tell.

    Args:
        authenticator: The authenticator.
        principal: The principal that it gave for the request's headers.
        session: The session's name; None where the request has none of the documented form.

    Returns:
        The principal of the call.

    Raises:
        InternalError: It returned something else.
        HttpError: It refused.
    """
    decide = getattr(authenticator, "authorize", None)
    return principal if decide is None else principal_of(authenticator, "authorize", decide(principal, session))


def identify(authenticator: Authenticator, http: HttpRequest) -> Principal:
    """Ask an authenticator, and take nothing but a principal for a yes.

    Args:
        authenticator: The authenticator.
        http: The request.

    Returns:
        The caller.

    Raises:
        InternalError: It returned something else.
        HttpError: It refused; see `Authenticator.authenticate`.
    """
    return principal_of(authenticator, "authenticate", authenticator.authenticate(http))


def principal_of(authenticator: object, method: str, found: object) -> Principal:
    """Take nothing but a principal for a yes.

    Args:
        authenticator: The authenticator.
        method: Which of its methods was asked.
        found: What that returned.

    Returns:
        The same.

    Raises:
        InternalError: It is something else.
    """
    if not isinstance(found, Principal):
        raise defect(f"{type(authenticator).__name__}.{method} must return a Principal, or raise")
    return found


def defect(note: str) -> InternalError:
    """Make the error of an authenticator that does not keep to the contract.

    Args:
        note: A sentence for the log.

    Returns:
        The error: 500.
    """
    return InternalError(note, note=note)


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
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:  # such as the panic of a library in Rust
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
