"""Who may call: an authenticator, asked as often as it takes."""

from collections.abc import Callable
from dataclasses import field
from typing import Final

from cxfulfill.auth.agents import AllowedAgents
from cxfulfill.auth.base import (
    Authenticator,
    NeedsIO,
    Principal,
    authorize,
    decides_by_session,
    identify,
    is_blocking,
    is_ready,
    principal_of,
)
from cxfulfill.context import Clock
from cxfulfill.errors import Unavailable
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.names import SessionName
from cxfulfill.stages import Blocking, Stages
from cxfulfill.structures import keyword_structure

MAX_FETCHING: Final = 3.0
"""Seconds after which no further fetch of the authenticators is begun for a request."""
_MAX_FETCHES: Final = 16


@keyword_structure
class Gate:
    """An authenticator and what is known of it.

    Attributes:
        auth: Who may call.
        allowed_agents: Whose sessions are served; None for all.
        clock: Seconds that only go up.
        hidden: Lower-case names of the header fields that no handler sees, also those of other routes' credentials.
        by_session: Whether a call's session has a say.
    """

    auth: Authenticator
    allowed_agents: AllowedAgents | None
    clock: Clock
    hidden: frozenset[str]
    by_session: bool = field(init=False)
    _blocking: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_blocking", is_blocking(self.auth))
        object.__setattr__(self, "by_session", self.allowed_agents is not None or decides_by_session(self.auth))

    @property
    def is_ready(self) -> bool | None:
        """Whether it has all that it needs; None where it does not tell."""
        return is_ready(self.auth) if hasattr(self.auth, "ready") else None

    async def authenticate(self, http: HttpRequest, where: Blocking, stages: Stages) -> Principal:
        """Find out who calls, from the head of the request alone.

        Args:
            http: The request.
            where: Where functions may do IO.
            stages: The seconds of the call.

        Returns:
            The caller.

        Raises:
            HttpError: It did not prove who it is, may not call, or that cannot be told now.
        """
        begun = stages.clock()
        try:
            if self._blocking:
                return await self._settle(http, stages.at(where, "auth"), None)
            try:
                found = self.auth.authenticate(http)
            except NeedsIO as need:
                return await self._settle(http, stages.at(where, "auth"), need)
            return found if isinstance(found, Principal) else principal_of(self.auth, "authenticate", found)
        finally:
            stages.auth += stages.clock() - begun

    async def _settle(self, http: HttpRequest, where: Blocking, need: NeedsIO | None) -> Principal:
        """Fetch what is needed, and ask again, as often as it takes."""
        begun = self.clock()
        for _ in range(_MAX_FETCHES):
            try:
                if need is not None:
                    raise need
                if self._blocking:
                    return await where.block(lambda: identify(self.auth, http))
                return identify(self.auth, http)
            except NeedsIO as further:
                fetch: Callable[[], object] = further.fetch
                need = None
            if self.clock() - begun >= MAX_FETCHING:
                break
            await where.block(fetch)
        raise Unavailable(reason="auth_not_settled")

    async def authorize(
        self, principal: Principal, http: HttpRequest, name: str, where: Blocking, stages: Stages
    ) -> Principal:
        """Check the session of a call.

        Args:
            principal: Who calls.
            http: The request.
            name: Name of the session; empty where the call has none.
            where: Where functions may do IO.
            stages: The seconds of the call.

        Returns:
            The caller.

        Raises:
            HttpError: It may not call for this session.
        """
        begun = stages.clock()
        try:
            return await self._authorize(principal, http, name, stages.at(where, "auth"))
        finally:
            stages.auth += stages.clock() - begun

    async def _authorize(self, principal: Principal, http: HttpRequest, name: str, where: Blocking) -> Principal:
        session = SessionName.parse_documented(name) if name else None
        if self.allowed_agents is not None:
            self.allowed_agents.check(session, name)
        try:
            return authorize(self.auth, principal, session)
        except NeedsIO as need:
            fetch = need.fetch
        await where.block(fetch)
        try:
            return authorize(self.auth, await self._settle(http, where, None), session)
        except NeedsIO:
            raise Unavailable(reason="auth_not_settled") from None
