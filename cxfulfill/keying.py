"""The key of a call: its own where the user gave one, else the default."""

from dataclasses import dataclass
from typing import Any

from cxfulfill.context import Context
from cxfulfill.idempotency.keys import business_key, call_key, fingerprint, own_call_key
from cxfulfill.idempotency.policy import BUSINESS_TTL, Idempotency, Keyed, NearDuplicates
from cxfulfill.runtime import Work
from cxfulfill.target import Target


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
        keyed = self._own_key(target, ctx, work.arguments[-1]) or self._default_key(target, ctx)
        if keyed is not None:
            # Nobody has seen the context yet: it is still being made.
            object.__setattr__(ctx, "idempotency_key", keyed.key)
        return keyed

    def _own_key(self, target: Target, ctx: Context, params: Any) -> Keyed | None:
        own = target.entry.key
        value = None if own is None else own.value(ctx, params, target.names)
        if own is None or value is None:
            return None
        key = business_key(
            self.application, ctx.principal, ctx, value, handler=target.conditions, in_session=own.in_session
        )
        if key is None:
            return None
        # As CX sent them: what a schema hides, fills in or makes of them may differ where nothing else does.
        sent = {name: ctx.parameters[name] for name in target.names if name in ctx.parameters}
        used_for = fingerprint(sent) if target.names else ""
        return Keyed(key, used_for, target.entry.ttl or BUSINESS_TTL, ctx.request.detect_intent_response_id or "")

    def _default_key(self, target: Target, ctx: Context) -> Keyed | None:
        key = self.policy.key(self.application, ctx.principal, ctx)
        if not key:
            return None
        if self.policy.key is not call_key:
            key = own_call_key(self.application, ctx.principal, key)
        self.near.note(ctx, key)
        return Keyed(key, "", target.entry.ttl or self.policy.ttl, ctx.request.detect_intent_response_id or "")
