"""The key of a call: its own where the user gave one, else the default."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from cxfulfill.collecting import mentions_reference
from cxfulfill.context import Call, Context, log_of
from cxfulfill.errors import BadRequest, Unavailable
from cxfulfill.frozen import named
from cxfulfill.http import SAFE
from cxfulfill.idempotency.keys import business_key, call_key, fingerprint, flexible_key, own_call_key
from cxfulfill.idempotency.policy import BUSINESS_TTL, Idempotency, Keyed, NearDuplicates
from cxfulfill.idempotency.store import Acquired
from cxfulfill.protocol.sent import turn_of
from cxfulfill.target import Target
from cxfulfill.work import Work

if TYPE_CHECKING:
    from cxfulfill.flexible_context import FlexibleContext

_PLAIN: Final = (str, int, float, bool, dict, list, type(None))


class Keying:
    """How an application's calls get their keys.

    Args:
        policy: The policy.
        application: Name that keeps its calls apart from those of others in the same store.
        near: Calls that are nearly alike.
    """

    def __init__(self, policy: Idempotency, application: str, near: NearDuplicates) -> None:
        self.policy = policy
        self.application = application
        self.near = near

    def told(self, target: Target, ctx: Call) -> "Told":
        """Note what the call is told by, before anything of the user's has seen its parameters.

        Validators and hooks may change them, and differently each time.

        Args:
            target: The handler.
            ctx: The call.

        Returns:
            What `keyed` needs.
        """
        if not isinstance(ctx, Context):
            return Told(used_for=_used_for_flexible(target, cast("FlexibleContext", ctx)))
        make = self.policy.key
        default: str | None = make(self.application, ctx.principal, ctx)
        if default and make is not call_key:
            default = own_call_key(self.application, ctx.principal, default)
        used_for = "" if target.key is None or not target.names else _used_for(ctx, target.names)
        return named(Told, (default or None, used_for))

    def keyed(self, target: Target, work: Work, told: "Told") -> Keyed | None:
        """Make the key of a call, and tell it to the handler.

        Args:
            target: The handler.
            work: The handler with the call and its arguments.
            told: What `told` gave for the call.

        Returns:
            The key; None where the request has nothing to tell it by.

        Raises:
            ParameterError: The user's own key needs a parameter that is not there, or one that is no key.
            TypeError: The user's own function gave something that cannot be a key.
        """
        ctx: Any = work.call
        default = told.default
        keyed = None if target.key is None and default else self._own_key(target, ctx, work.arguments[-1], told)
        if keyed is None and default:
            self.near.note(ctx, default)
            turn = turn_of(ctx.sent)
            keyed = named(Keyed, (default, "", target.ttl or self.policy.ttl, turn, False, False))
        if keyed is not None:
            # Nobody has seen the context yet: it is still being made.
            ctx.__dict__["idempotency_key"] = keyed.key
        elif target.key is not None:
            log = log_of(ctx)
            log.warning("request_id=%s idempotency_key= gave nothing: a retry may run this call again", ctx.request_id)
        return keyed

    def _own_key(self, target: Target, ctx: Any, parameters: Any, told: "Told") -> Keyed | None:
        """Make the key that the user, or the caller, has for the call; None for the default one."""
        own = None if target.key is None else target.key.value(ctx, parameters, target.names)
        own = None if own is not None and mentions_reference(own) else own
        if not isinstance(ctx, Context):
            return self._flexible_key(target, ctx, own, told)
        if target.key is None or own is None:
            return None
        in_session = target.key.in_session
        key = business_key(self.application, ctx.principal, ctx, own, handler=target.conditions, in_session=in_session)
        if key is None:
            return None
        turn = turn_of(ctx.sent)
        return Keyed(key, told.used_for, target.ttl or BUSINESS_TTL, turn)

    def _flexible_key(self, target: Target, ctx: "FlexibleContext", own: str | None, told: "Told") -> Keyed | None:
        value = own or _header_key(target, ctx)
        if not value:
            return None
        method = "GET" if ctx.http.method == "HEAD" else ctx.http.method
        handler = f"{method} {target.conditions}"
        key = flexible_key(self.application, ctx.principal, value, handler=handler, is_own=own is not None)
        return Keyed(key, told.used_for, BUSINESS_TTL, "")


class Told(NamedTuple):
    """What a call is told by.

    Attributes:
        default: Its default key; None where it has none.
        used_for: What a key of the user's or the caller's is used for.
    """

    default: str | None = None
    used_for: str = ""


def _header_key(target: Target, ctx: "FlexibleContext") -> str | None:
    """Give the caller's key (draft-ietf-httpapi-idempotency-key-header), which a safe method has no need of."""
    if ctx.http.method in SAFE and not target.idempotent:
        return None
    value = ctx.http.headers.get("idempotency-key", "").strip()
    return None if mentions_reference(value) else value


def _used_for(ctx: Any, names: Iterable[str]) -> str:
    parameters = ctx.parameters
    return fingerprint(_plain({name: parameters[name] for name in names if name in parameters}))


def _used_for_flexible(target: Target, ctx: "FlexibleContext") -> str:
    """Digest all that came, or with a key of the user's the path and the parameters that the handler's type names."""
    if target.key is None and "idempotency-key" not in ctx.http.headers:
        return ""
    path = _plain(ctx.path)
    if target.key is not None and target.names:
        return fingerprint([path, _plain({name: ctx.parameters.get(name) for name in sorted(target.names)})])
    return fingerprint([path, dict(ctx.query), ctx.body, _plain(ctx.parameters)])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, _PLAIN) else str(value) for name, value in values.items()}


def instead(key: str, first: str) -> str:
    """Give the key in place of one whose answer cannot be read: it counts as nothing, and the call runs again, once.

    Args:
        key: The key.
        first: The call's own key.

    Returns:
        The other key.

    Raises:
        Unavailable: It is that other key already (``answer_unreadable``).
    """
    if key != first:
        raise Unavailable(reason="answer_unreadable")
    return f"{first}r"


def reused() -> BadRequest:
    """Make the refusal of a key that was used for something else.

    Returns:
        The error.
    """
    return BadRequest(reason="key_reused", detail="This idempotency key was used for other parameters.")


def note_lease(acquired: Acquired | None, call: Call, keyed: Keyed) -> None:
    """Tell that a call may run, where that is not as it should be.

    Args:
        acquired: What the store said; None where it is down.
        call: The call.
        keyed: Its key.
    """
    with suppress(Exception):  # a log that fails must not lose the lease
        _tell_of_lease(acquired, call, keyed)


def _tell_of_lease(acquired: Acquired | None, call: Call, keyed: Keyed) -> None:
    log, id_ = log_of(call), call.request_id
    if acquired is None:
        log.warning(
            "request_id=%s the idempotency store is down: a call runs without it, and a retry may run it again", id_
        )
    elif keyed.collects:
        log.warning("request_id=%s a deferred job was lost: its worker was ended, or nobody here knows its id", id_)
    else:
        log.warning("request_id=%s a call runs again: its lease ran out, and what ran before may have had effects", id_)
