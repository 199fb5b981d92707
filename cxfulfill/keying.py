"""The key of a call: its own where the user gave one, else the default."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from cxfulfill.collecting import is_unresolved
from cxfulfill.context import Context, FlexibleContext
from cxfulfill.idempotency.keys import business_key, call_key, fingerprint, flexible_key, own_call_key
from cxfulfill.idempotency.policy import BUSINESS_TTL, Idempotency, Keyed, NearDuplicates
from cxfulfill.runtime import Work
from cxfulfill.target import Target

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN: Final = (str, int, float, bool, dict, list, type(None))


@dataclass(frozen=True, slots=True)
class Keying:
    """How an application's calls get their keys.

    Attributes:
        policy: The policy.
        application: Name that keeps its calls apart from those of others in the same store.
        near: Calls that are nearly alike.
    """

    policy: Idempotency
    application: str
    near: NearDuplicates

    def keyed(self, target: Target, work: Work) -> Keyed | None:
        """Make the key of a call, and tell it to the handler.

        Args:
            target: The handler.
            work: The handler with the call and its arguments.

        Returns:
            The key; None where the request has nothing to tell it by.

        Raises:
            ParameterError: The user's own key needs a parameter that is not there.
            TypeError: It is of a type that cannot be a key.
        """
        ctx: Any = work.call
        if isinstance(ctx, FlexibleContext):
            keyed = self._flexible_key(target, ctx, work.arguments[-1])
        else:
            keyed = self._own_key(target, ctx, work.arguments[-1]) or self._default_key(target, ctx)
        if keyed is not None:
            # Nobody has seen the context yet: it is still being made.
            object.__setattr__(ctx, "idempotency_key", keyed.key)
        return keyed

    def _own_key(self, target: Target, ctx: Context, params: Any) -> Keyed | None:
        own = target.key
        value = None if own is None else own.value(ctx, params, target.names)
        if own is None or value is None:
            return None
        key = business_key(
            self.application, ctx.principal, ctx, value, handler=target.conditions, in_session=own.in_session
        )
        if key is None:
            return None
        used_for = _used_for(ctx, target.names) if target.names else ""
        return Keyed(key, used_for, target.ttl or BUSINESS_TTL, ctx.request.detect_intent_response_id or "")

    def _default_key(self, target: Target, ctx: Context) -> Keyed | None:
        key = self.policy.key(self.application, ctx.principal, ctx)
        if not key:
            return None
        if self.policy.key is not call_key:
            key = own_call_key(self.application, ctx.principal, key)
        self.near.note(ctx, key)
        return Keyed(key, "", target.ttl or self.policy.ttl, ctx.request.detect_intent_response_id or "")

    def _flexible_key(self, target: Target, ctx: FlexibleContext, params: Any) -> Keyed | None:
        own = None if target.key is None else target.key.value(ctx, params, target.names)
        value = own or _header_key(target, ctx)
        if not value:
            return None
        key = flexible_key(self.application, ctx.principal, value, handler=target.conditions, is_own=own is not None)
        used_for = _used_for(ctx, target.names if own is not None else ctx.parameters)
        return Keyed(key, used_for, BUSINESS_TTL, "")


def _header_key(target: Target, ctx: FlexibleContext) -> str | None:
    """Give the caller's key (draft-ietf-httpapi-idempotency-key-header), which a safe method has no need of."""
    if ctx.http.method in _SAFE and not target.idempotent:
        return None
    value = ctx.http.headers.get("idempotency-key", "").strip()
    return None if is_unresolved(value.strip('"')) else value


def _used_for(ctx: Context | FlexibleContext, names: Iterable[str]) -> str:
    # As CX sent them: what a schema hides, fills in or makes of them may differ where nothing else does.
    parameters = ctx.parameters
    sent = {name: parameters[name] for name in names if name in parameters}
    return fingerprint({name: value if isinstance(value, _PLAIN) else str(value) for name, value in sent.items()})
