"""Why an application lets a caller in or not: its own checks, asked part by part.

Nothing is decided here a second time: each part, and what joins the parts, is asked as the pipeline asks it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from cxfulfill.auth.agents import AllowedAgents
from cxfulfill.auth.base import Authenticator, NeedsIO, Principal, authorize, identify, is_blocking
from cxfulfill.auth.combinations import DRAFT, AllOf, AnyOf, ByEnvironment
from cxfulfill.errors import HttpError, InternalError, Unavailable
from cxfulfill.http import HttpRequest
from cxfulfill.pipeline import Pipeline
from cxfulfill.protocol.names import SessionName

_MAX_FETCHES: Final = 16  # the pipeline's own
_REACHED: Final = {
    "GoogleIdToken": "the token's form, alg, typ, kid and iss are right; its signature, times, aud and e-mail address "
    "were not looked at, since they come behind Google's keys",
    "OAuthJwt": "the token's form, alg, typ, kid and iss are right; its signature, times, aud, client and scopes were "
    "not looked at, since they come behind the issuer's keys",
    "OAuthIntrospection": "the token's form is right, and it does not name another issuer; the rest is for the issuer "
    "to say",
    "BasicAuth": "the header is one of Basic; the secret to compare it with is elsewhere",
    "HeaderSecret": "the header is there; the secret to compare it with is elsewhere",
}
"""What has been checked where a mechanism of ours comes to what must be fetched."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """Nobody can say, since nothing may be fetched.

    Attributes:
        why: What was checked, and what was not.
    """

    why: str


Found = Principal | HttpError | Undecided
"""What came of a check: the caller, the refusal, or neither."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a check.

    Attributes:
        kind: Whose check it is: a class.
        found: What came of it.
        mechanism: The class of ours that it is; empty for none.
        label: The environment whose policy it is; empty for none.
        parts: The verdicts of its parts.
    """

    kind: str
    found: Found
    mechanism: str = ""
    label: str = ""
    parts: tuple["Verdict", ...] = ()

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.label}: {self.kind}" if self.label else self.kind


@dataclass(frozen=True, slots=True)
class Explanation:
    """What came of all checks.

    Attributes:
        head: What came of those of the request's head.
        session: What came of those of the session's name; none where they were not reached, or there are none.
        session_is_open: Whether the session would be checked too, and none was given.
        environment: Label of the environment that the session is of; empty where it is not known.
    """

    head: Verdict
    session: tuple[Verdict, ...] = ()
    session_is_open: bool = False
    environment: str = ""

    @property
    def found(self) -> Found:
        """What decides: the first check that accepted nobody, or the principal of the last one."""
        verdicts = (self.head, *self.session)
        open_ones = [verdict.found for verdict in verdicts if not isinstance(verdict.found, Principal)]
        return open_ones[0] if open_ones else verdicts[-1].found


def parts_of(authenticator: Authenticator) -> tuple[tuple[str, Authenticator], ...]:
    """Give the parts of what joins several authenticators.

    Args:
        authenticator: The authenticator.

    Returns:
        Label and authenticator of each part; the label is empty but for environments.
    """
    if isinstance(authenticator, ByEnvironment):
        return tuple((environment_label(name), policy) for name, policy in authenticator.policies.items())
    return tuple(("", part) for part in authenticator.parts) if isinstance(authenticator, AnyOf | AllOf) else ()


def mechanism_of(authenticator: Authenticator) -> str:
    """Name the class of ours that an authenticator is.

    Args:
        authenticator: The authenticator.

    Returns:
        The class's name, also where a user's class is derived from it; empty where it is the user's own.
    """
    ours = (kind.__name__ for kind in type(authenticator).__mro__ if kind.__module__.startswith("cxfulfill."))
    return next(ours, "")


def environment_label(name: str) -> str:
    """Name an environment.

    Args:
        name: Its id; ``-`` is the draft environment.

    Returns:
        The text.
    """
    return "draft environment" if name == DRAFT else f"environment {name}"


def explain(pipeline: Pipeline, http: HttpRequest, session: SessionName | None, *, offline: bool) -> Explanation:
    """Run an application's checks.

    Args:
        pipeline: The application.
        http: The request; its body is not looked at.
        session: The session's name; None leaves its checks out.
        offline: Fetch nothing.

    Returns:
        What came of them.
    """
    auth = pipeline.gate.auth
    head = examine(auth, http, offline=offline)
    looks_at_session = pipeline.gate.allowed_agents is not None or _decides_by_session(auth)
    environment = environment_label(session.environment or DRAFT) if session else ""
    if session is None or not isinstance(head.found, Principal):
        is_open = looks_at_session and session is None
        return Explanation(head, session_is_open=is_open, environment=environment)
    principal, verdicts = head.found, []
    if pipeline.gate.allowed_agents is not None:
        verdicts.append(
            Verdict("allowed_agents", _found(partial(_of_agent, pipeline.gate.allowed_agents, session, principal)))
        )
    if _decides_by_session(auth):
        found = _found(lambda: authorize(auth, principal, session))
        verdicts.append(Verdict(type(auth).__name__, found, mechanism_of(auth)))
    return Explanation(head, tuple(verdicts), environment=environment)


def examine(authenticator: Authenticator, http: HttpRequest, *, offline: bool, label: str = "") -> Verdict:
    """Ask an authenticator and, one by one, its parts, also those that it would not come to itself.

    Args:
        authenticator: The authenticator.
        http: The request.
        offline: Fetch nothing; what blocks is then not asked.
        label: What stands before its name.

    Returns:
        What came of it.
    """
    parts = tuple(examine(part, http, offline=offline, label=name) for name, part in parts_of(authenticator))
    found = _found(lambda: _settle(authenticator, http, offline=offline))
    return Verdict(type(authenticator).__name__, found, mechanism_of(authenticator), label, parts)


def _settle(authenticator: Authenticator, http: HttpRequest, *, offline: bool) -> Found:
    if offline and is_blocking(authenticator):
        return Undecided("it may have to wait for something, so it is not asked offline")
    for _ in range(_MAX_FETCHES):
        try:
            return identify(authenticator, http)
        except NeedsIO as need:
            fetch = need.fetch
        if offline:
            return Undecided(_REACHED.get(mechanism_of(authenticator), "what comes before the first fetch is right"))
        fetch()
    return Unavailable(reason="auth_not_settled")


def _of_agent(agents: AllowedAgents, session: SessionName, principal: Principal) -> Principal:
    agents.check(session)
    return principal


def _found(check: Callable[[], Found]) -> Found:
    try:
        return check()
    except HttpError as error:
        return error
    except Exception as error:  # as in the pipeline, which answers 500
        return InternalError(note=f"it raised {type(error).__name__}")


def _decides_by_session(authenticator: Authenticator) -> bool:
    return bool(getattr(authenticator, "by_session", hasattr(authenticator, "authorize")))
