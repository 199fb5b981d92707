"""Several authenticators as one: any of them, all of them, or one for each environment of an agent."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cxfulfill.auth.base import (
    AllowUnauthenticated,
    Authenticator,
    NeedsIO,
    Principal,
    authorize,
    check_authenticator,
    credential_headers,
    decides_by_session,
    defect,
    identify,
    is_blocking,
    is_ready,
    needs_another_factor,
)
from cxfulfill.auth.one_header import any_way, joint_ways
from cxfulfill.auth.warming import warm
from cxfulfill.errors import ConfigurationError, Forbidden, HttpError, InternalError, Unauthorized
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.names import SessionName

DRAFT: Final = "-"
"""The draft environment in `ByEnvironment`, as session names write it; ``draft`` is accepted too."""

_ID = re.compile(r"[0-9a-z-]+")
"""Ids are UUIDs; a display name mostly has something else in it."""


@dataclass(frozen=True, slots=True)
class _Joined(Principal):
    """What the parts of an `AllOf` found, until the session's name is known."""

    parts: tuple[Principal, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class _Accepted(Principal):
    """What the parts of an `AnyOf` found that accepted the headers, until the session's name is known."""

    by_part: tuple[tuple[Authenticator, Principal], ...] = field(kw_only=True, repr=False)


@dataclass(frozen=True, slots=True)
class _Candidates(Principal):
    """What each environment's policy says of the headers, until the session's name is known."""

    by_environment: Mapping[str, Principal | HttpError | NeedsIO] = field(kw_only=True)


class _Several:
    def __init__(self, parts: Iterable[Authenticator]) -> None:
        self.parts = tuple(parts)
        name = type(self).__name__
        if not self.parts:
            raise ConfigurationError(f"{name} needs at least one authenticator")
        if any(isinstance(part, AllowUnauthenticated) for part in self.parts):
            raise ConfigurationError(f"{name} must not hold AllowUnauthenticated: it would check nothing")
        for part in self.parts:
            check_authenticator(part)
        self.blocking = any(is_blocking(part) for part in self.parts)
        self.credential_headers = frozenset().union(*(credential_headers(part) for part in self.parts))
        self.by_session = any(decides_by_session(part) for part in self.parts)
        self.without_alternative = next(filter(None, map(_stands_alone, self.parts)), None)

    def ready(self) -> bool:
        """Tell whether every part is ready."""
        ready = [is_ready(part) for part in self.parts]  # every one: to be asked begins its fetch
        return all(ready)

    def warm(self) -> None:
        """Let every part fetch what it lacks."""
        warm(self.parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.parts!r}"


class AnyOf(_Several):
    """Accept a caller that any of several authenticators accepts; they are asked in order.

    Args:
        parts: The authenticators.

    Raises:
        ConfigurationError: None is given, one of them lets everybody in, or `CloudRunIam` is mixed with others.
    """

    def __init__(self, *parts: Authenticator) -> None:
        super().__init__(parts)
        _check_alternatives("AnyOf", self.parts)
        self.ways = any_way(self.parts)
        self.only_with_another_factor = any(needs_another_factor(part) for part in self.parts)

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept what the first of them accepts; see `Authenticator.authenticate`.

        If none does, the answer is 503 where one could not tell, else 403 where one knew the caller, else 401
        with the challenges of all.
        """
        refusals: list[HttpError | NeedsIO] = []
        accepted: list[tuple[Authenticator, Principal]] = []
        for part in self.parts:
            found = _ask(part, http)
            if not isinstance(found, Principal):
                refusals.append(found)
                continue
            if not self.by_session:
                return found
            accepted.append((part, found))
        if not accepted:
            raise _refusal(refusals)
        first = accepted[0][1]
        return _Accepted(first.name, first.method, first.others, by_part=tuple(accepted))

    def authorize(self, principal: Principal, session: SessionName | None) -> Principal:
        """Ask those that accepted the caller about the session, in order; see `Authenticator`."""
        if not isinstance(principal, _Accepted):
            return principal
        refusals: list[HttpError | NeedsIO] = []
        for part, found in principal.by_part:
            try:
                return authorize(part, found, session)
            except InternalError:
                raise
            except (HttpError, NeedsIO) as refusal:
                refusals.append(refusal)
        raise _refusal(refusals)


class AllOf(_Several):
    """Accept a caller that each of several authenticators accepts, such as a certificate and a token.

    Args:
        parts: The authenticators. The first one's principal is the call's, the others' are in its ``others``.

    Raises:
        ConfigurationError: None is given, one of them lets everybody in, or two read one header for different kinds
            of credentials.
    """

    def __init__(self, *parts: Authenticator) -> None:
        super().__init__(parts)
        self.ways = joint_ways(self.parts)
        self.only_with_another_factor = all(needs_another_factor(part) for part in self.parts)

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept what all of them accept; see `Authenticator.authenticate`."""
        found = tuple(identify(part, http) for part in self.parts)
        if self.by_session:
            return _Joined(found[0].name, found[0].method, _others(found), parts=found)
        return _as_one(found)

    def authorize(self, principal: Principal, session: SessionName | None) -> Principal:
        """Ask each of them about the session; see `Authenticator`."""
        if not isinstance(principal, _Joined):
            return principal
        pairs = zip(self.parts, principal.parts, strict=True)
        return _as_one(tuple(authorize(part, inner, session) for part, inner in pairs))


class ByEnvironment(_Several):
    """A policy for each environment of an agent, such as one password for staging and another for production.

    The headers are checked against every policy, and the session's name then tells which environment calls. A
    credential of one environment never opens another: that is a 403.

    Args:
        policies: Authenticators by id of the environment as session names have it (a UUID, not the display name);
            ``draft`` or ``-`` is the draft environment.

    Raises:
        ConfigurationError: There is none, an id is none, such as a display name, a policy lets everybody in, or
            `CloudRunIam` is mixed with others.
    """

    def __init__(self, policies: Mapping[str, Authenticator]) -> None:
        super().__init__({id(policy): policy for policy in policies.values()}.values())
        _check_alternatives("ByEnvironment", self.parts)
        self.ways = any_way(self.parts)
        self.policies = {_environment(name): policy for name, policy in policies.items()}
        if len(self.policies) != len(policies):
            raise ConfigurationError("ByEnvironment: draft and - are one environment")
        self.by_session = True
        self.only_with_another_factor = any(needs_another_factor(part) for part in self.parts)

    def authenticate(self, http: HttpRequest) -> Principal:
        """Accept what any environment's policy accepts, for now; see `Authenticator.authenticate`."""
        found = {id(part): _ask(part, http) for part in self.parts}
        accepted = [each for each in found.values() if isinstance(each, Principal)]
        if not accepted:
            raise _refusal(found.values())
        # What another environment's policy lacks is fetched only if that environment calls.
        decided = {name: found[id(policy)] for name, policy in self.policies.items()}
        return _Candidates(accepted[0].name, accepted[0].method, by_environment=decided)

    def authorize(self, principal: Principal, session: SessionName | None) -> Principal:
        """Accept the session of an environment whose policy accepted the caller; see `Authenticator`.

        Raises:
            Forbidden: It is another environment's, or the request names no session (``environment_not_allowed``).
            Unavailable: Its policy could not tell.
            NeedsIO: Its policy lacks something; the headers must be checked again after the fetch.
        """
        if not isinstance(principal, _Candidates):
            raise defect("ByEnvironment.authorize takes what its authenticate gave")
        environment = None if session is None else session.environment or DRAFT
        found = principal.by_environment.get(environment or "")
        if isinstance(found, Principal):
            return authorize(self.policies[environment or ""], found, session)
        if found is not None and not isinstance(found, Unauthorized | Forbidden):
            raise found
        raise Forbidden(reason="environment_not_allowed", note=_why(environment, principal.by_environment))

    def __repr__(self) -> str:
        return f"ByEnvironment({self.policies!r})"


def _environment(name: str) -> str:
    if name == "draft":
        return DRAFT
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ConfigurationError(
            "ByEnvironment: an environment is named as session names have it: by the id, not the display name; or draft"
        )
    return name


def _why(environment: str | None, found: Mapping[str, object]) -> str:
    if environment is None:
        form = "projects/P/locations/L/agents/A/environments/E/sessions/S"
        return f"the request names no session of the form {form}, so its environment is not known"
    given = [_shown(name) for name, each in found.items() if isinstance(each, Principal)]
    whose = f"the credential is that of {' or '.join(given[:3])}, the session is of {_shown(environment)}"
    if environment in found:
        return whose
    draft = "; sessions of the draft have no environment, or -" if environment == "draft" else ""
    return f"ByEnvironment has no policy for {_shown(environment)}; {whose}{draft}"


def _shown(environment: str) -> str:
    return "the draft environment" if environment == DRAFT else f"environment {environment[:100]}"


def _others(found: tuple[Principal, ...]) -> tuple[Principal, ...]:
    return (*found[0].others, *found[1:])


def _as_one(found: tuple[Principal, ...]) -> Principal:
    return Principal(found[0].name, found[0].method, _others(found))


def _stands_alone(part: Authenticator) -> str | None:
    kind: str | None = getattr(part, "without_alternative", None)
    return kind


def _check_alternatives(name: str, parts: tuple[Authenticator, ...]) -> None:
    kinds = {_stands_alone(part) for part in parts}
    if len(kinds) > 1:
        alone = next(filter(None, kinds))
        raise ConfigurationError(
            f"{name} must not mix {alone} with others: what the platform checks it checks for every caller"
        )


def _ask(part: Authenticator, http: HttpRequest) -> Principal | HttpError | NeedsIO:
    try:
        return identify(part, http)
    except InternalError:
        raise  # a defect, and no opinion of the caller: nobody else's makes up for it
    except (HttpError, NeedsIO) as refusal:
        return refusal


def _refusal(refusals: Iterable[object]) -> HttpError | NeedsIO:
    """Choose the answer where nobody accepted the caller; what can still be fetched comes first."""
    everything = list(refusals)
    needs = [each for each in everything if isinstance(each, NeedsIO)]
    if needs:
        return NeedsIO.together(needs)
    refused = [each for each in everything if isinstance(each, HttpError)]
    undecided = [error for error in refused if not isinstance(error, Unauthorized | Forbidden)]
    forbidden = [error for error in refused if isinstance(error, Forbidden)]
    if undecided or forbidden:
        return (undecided or forbidden)[0]
    challenges = [value for error in refused for name, value in error.headers if name == "WWW-Authenticate"]
    # The caller's own mechanism tells more than that another one's credential is missing.
    told = [error for error in refused if error.reason != "no_credentials"] or refused
    reason, note = told[0].reason, told[0].note
    return Unauthorized(*dict.fromkeys(challenges), reason=reason, note=note)
