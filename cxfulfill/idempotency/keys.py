"""What makes two deliveries one call.

CX's own retry repeats a call's body; a second fulfillment of one turn shares its ``detectIntentResponseId`` but has
another tag, page or parameters (Google's webhook page and the comments of ``webhook.proto``). So the key of a call is a
digest over who calls, the session, that id, the tag, the page, and what the documented fields say. Left out are
confidence, sentiment, ``payload``, ``languageInfo`` and fields that are not documented: they may differ in a retry, and
no handler should answer differently for them.
"""

import hashlib
import marshal
from collections.abc import Callable
from typing import Any, Final

from cxfulfill.auth.base import Principal
from cxfulfill.context import Context
from cxfulfill.protocol.sent import Sent, session_of, turn_of

FORMAT: Final = 3
"""Version of what is digested; another one makes other keys."""

_PLAIN = frozenset({str, float, int, bool, type(None)})
_exactly = str.__str__
"""Makes text of what is a kind of text, such as a member of a `StrEnum`: of the user's, or of a library's."""


def call_key(application: str, principal: Principal, ctx: Context) -> str | None:
    """Make the default key of a call.

    Args:
        application: Name of the application.
        principal: Who calls.
        ctx: The call.

    Returns:
        64 hexadecimal digits; None where the request lacks a session or ``detectIntentResponseId``: such requests are
        never taken for one another.
    """
    session, turn = session_of(ctx.sent), turn_of(ctx.sent)
    if not session or not turn:
        return None
    return _digest(application, _who(principal), session, turn, ctx.tag, content_of(ctx.sent))


def business_key(
    application: str, principal: Principal, ctx: Context, value: str, *, handler: str, in_session: bool
) -> str | None:
    """Make the key of a call that the user's own key stands for.

    Args:
        application: Name of the application.
        principal: Who calls.
        ctx: The call.
        value: The user's key.
        handler: What tells the handlers of one tag apart.
        in_session: Whether the same value in another session is another call.

    Returns:
        64 hexadecimal digits; None where the session is to tell and there is none.
    """
    session = session_of(ctx.sent)
    if in_session and not session:
        return None
    where = f"session {session}" if in_session else "application"
    return _digest(application, _who(principal), where, ctx.tag, handler, _exactly(value))


def flexible_key(application: str, principal: Principal, value: str, *, handler: str, is_own: bool) -> str:
    """Make the key of a flexible call, which has neither session nor turn.

    Args:
        application: Name of the application.
        principal: Who calls.
        value: The user's own key, or the caller's ``Idempotency-Key``.
        handler: What tells the handlers apart.
        is_own: Whether it is the former.

    Returns:
        64 hexadecimal digits.
    """
    return _digest(application, _who(principal), "flexible", handler, "own" if is_own else "header", _exactly(value))


def job_key(application: str, principal: Principal, session: str, job: str, *, handler: str) -> str:
    """Make the key of a deferred job: its id answers only its own session and caller.

    Args:
        application: Name of the application.
        principal: Who calls.
        session: Name of the session.
        job: The job's id.
        handler: What tells the handlers apart.

    Returns:
        64 hexadecimal digits.
    """
    return _digest(application, _who(principal), "job", session, handler, job)


def own_call_key(application: str, principal: Principal, value: str) -> str:
    """Make the key of a call from what the user's function in place of `call_key` gave.

    Args:
        application: Name of the application.
        principal: Who calls.
        value: What it gave.

    Returns:
        64 hexadecimal digits.
    """
    return _digest(application, _who(principal), _exactly(value))


def fingerprint(value: Any) -> str:
    """Digest what a business key is used for.

    Args:
        value: A value of JSON, as CX sent it.

    Returns:
        64 hexadecimal digits.
    """
    return _digest(_sorted(value))


def content_of(sent: Sent) -> tuple[Any, ...]:
    """Tell what the documented fields of a request say, in one way only.

    Args:
        sent: What was sent.

    Returns:
        Plain values.
    """
    get = sent.get
    session, page, intent, messages = get("session_info"), get("page_info"), get("intent_info"), get("messages")
    return (
        None if session is None else _sorted(session.get("parameters")),
        None if page is None else _page(page),  # an empty one is told as one whose other members do not count
        None if intent is None else _intent(intent),
        get("trigger_intent"),
        get("trigger_event"),
        get("text"),
        get("transcript"),
        get("dtmf_digits"),
        [_sorted(text.get("text")) for message in messages if (text := message.get("text"))] if messages else [],
    )


def _sorted(value: Any) -> Any:
    """Put the members of objects in order, however deep."""
    kind = type(value)
    if kind is dict:
        if _PLAIN.issuperset(map(type, value.values())):
            return tuple(sorted(value.items()))  # as a list is another value
        return tuple([(name, each if type(each) in _PLAIN else _sorted(each)) for name, each in sorted(value.items())])
    if kind is list and not _PLAIN.issuperset(map(type, value)):
        return list(map(_sorted, value))
    return value


def _page(page: Sent) -> tuple[Any, ...]:
    form = (page.get("form_info") or {}).get("parameter_info")
    if not form:
        return page.get("current_page"), []
    return page.get("current_page"), [
        (each.get("display_name"), each.get("state"), _sorted(each.get("value")), each.get("just_collected"))
        for each in form
    ]


def _intent(intent: Sent) -> tuple[Any, ...]:
    parameters = intent.get("parameters")
    if not parameters:
        return intent.get("last_matched_intent"), []
    values = [
        (name, each.get("original_value"), _sorted(each.get("resolved_value")))
        for name, each in sorted(parameters.items())
    ]
    return intent.get("last_matched_intent"), values


def _who(principal: Principal) -> tuple[Any, ...]:
    others = tuple(map(_who, principal.others)) if principal.others else ()
    return _exactly(principal.method), _exactly(principal.name), others


def _digest(*parts: Any) -> str:
    # Tagged by type and with lengths, several times as fast as JSON. Version 2 is without references and interned
    # strings, so that equal values are equal bytes in every process and on every Python.
    return hashlib.sha256(marshal.dumps((FORMAT, parts), 2)).hexdigest()


KeyFunction = Callable[[str, Principal, Context], str | None]
"""Makes the key of a call from the application's name, the caller and the call; None for a call that has none."""
