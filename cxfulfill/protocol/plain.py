"""Answers as plain JSON, which most are made of: checked as the models do, in a fraction of their time.

What the models would refuse, and what they alone know, is None here: they read it, and tell why.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.names import is_flow_name, is_page_name
from cxfulfill.protocol.values import MAX_DEPTH, to_json_object, to_json_value

_TEXT: Final = frozenset({str})


def write(messages: tuple[object, ...], parameters: object) -> dict[str, Any] | None:
    """Write texts and session parameters down as CX reads them.

    Args:
        messages: The messages.
        parameters: The parameters.

    Returns:
        The answer; None where there is something else among them.
    """
    plain: dict[str, Any] = {}
    if messages:
        variants: list[Any] = [[message] if type(message) is str else message for message in messages]
        if not _TEXT.issuperset(map(type, messages)) and not all(map(_is_text, variants)):
            return None
        plain["fulfillmentResponse"] = {"messages": [{"text": {"text": list(each)}} for each in variants]}
    if parameters:
        if not isinstance(parameters, Mapping):
            return None
        try:
            plain["sessionInfo"] = {"parameters": to_json_object(parameters)}
        except ReplyError:
            return None
    return plain


def write_more(
    plain: dict[str, Any], form: object, invalid: Sequence[str], merge: object, payload: object,
    page: object, flow: object,
) -> dict[str, Any] | None:  # fmt: skip
    """Add to an answer what few have.

    Args:
        plain: What `write` gave.
        form: Parameters of the form to set.
        invalid: Those to refuse.
        merge: How its messages are merged; None for nothing about that.
        payload: For the caller of detect intent.
        page: The page to go to.
        flow: The flow to go to.

    Returns:
        The answer, its members in the order in which the models write them; None where there is something else.
    """
    try:
        return {
            **_fulfillment(plain.get("fulfillmentResponse"), merge),
            **_form(form, invalid, plain.get("sessionInfo")),
            **_payload(payload),
            **_target(page, flow),
        }
    except (ReplyError, _Other):
        return None


class _Other(Exception):
    """Something else is given."""


def _is_text(variants: object) -> bool:
    """Tell whether something is the variants of a text."""
    return type(variants) in (list, tuple) and {*map(type, variants)} == _TEXT  # type: ignore[call-overload]


def _fulfillment(written: dict[str, Any] | None, merge: object) -> dict[str, Any]:
    if merge is None:
        return {} if written is None else {"fulfillmentResponse": written}
    if type(merge) is not str or merge not in ("append", "replace"):
        raise _Other
    return {"fulfillmentResponse": {**(written or {}), "mergeBehavior": merge.upper()}}


def _form(form: object, invalid: Sequence[str], session: dict[str, Any] | None) -> dict[str, Any]:
    """Write the changes of the form: each parameter that is refused is removed from the session, too."""
    refused = dict.fromkeys(invalid)
    given = form or {}
    parameters = session["parameters"] if session else {}
    if not isinstance(given, Mapping) or not _TEXT.issuperset(map(type, (*given, *refused))):
        raise _Other
    if not (refused.keys().isdisjoint(given) and refused.keys().isdisjoint(parameters)):
        raise _Other
    written: dict[str, Any] = {}
    if given or refused:
        changes = form_changes(given, refused)
        for change in changes[: len(given)]:
            change["value"] = to_json_value(change["value"], depth=MAX_DEPTH - 1)
        written["pageInfo"] = {"formInfo": {"parameterInfo": changes}}
    if parameters or refused:
        written["sessionInfo"] = {"parameters": {**parameters, **refused}}
    return written


def form_changes(form: Mapping[str, Any], refused: Iterable[str]) -> list[dict[str, Any]]:
    """Tell what becomes of the parameters of a form.

    Args:
        form: Those that are set, with their values.
        refused: Those that are refused.

    Returns:
        The changes, in this order; values are as they were given.
    """
    # The comment in CX's proto calls the state required in answers, though only INVALID acts.
    changes = [
        {"displayName": name, "state": "EMPTY" if value is None else "FILLED", "value": value}
        for name, value in form.items()
    ]
    return changes + [{"displayName": name, "state": "INVALID"} for name in dict.fromkeys(refused)]


def _payload(payload: object) -> dict[str, Any]:
    if payload is None:
        return {}
    if not isinstance(payload, Mapping):
        raise _Other
    return {"payload": to_json_object(payload)}


def _target(page: object, flow: object) -> dict[str, Any]:
    if page is None and flow is None:
        return {}
    if flow is None and type(page) is str and is_page_name(page):
        return {"targetPage": page}
    if page is None and type(flow) is str and is_flow_name(flow):
        return {"targetFlow": flow}
    raise _Other
