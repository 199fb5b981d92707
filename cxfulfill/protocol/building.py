"""Answers as models: of all kinds of messages, for those who look at an answer, and to tell why CX would refuse one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.messages import Payload, ResponseMessage, SupportsPayload, Text
from cxfulfill.protocol.plain import form_changes
from cxfulfill.protocol.response import WebhookResponse

MessageLike = str | Sequence[str] | ResponseMessage | SupportsPayload
"""A text, a list of text variants, a message kind or Messenger rich content."""


def build(
    messages: Iterable[MessageLike], parameters: Mapping[str, Any], form: Mapping[str, Any], refused: Sequence[str],
    merge: str | None, others: Mapping[str, Any],
) -> WebhookResponse:  # fmt: skip
    """Build an answer.

    Args:
        messages: The messages.
        parameters: Session parameters to write.
        form: Parameters of the form to set.
        refused: Those to refuse.
        merge: How the messages are merged; None for nothing about that.
        others: Further members; one that is None is not set.

    Returns:
        The answer.

    Raises:
        ReplyError: CX would refuse it.
    """
    members: dict[str, Any] = {name: value for name, value in others.items() if value is not None}
    if messages or merge is not None:
        members["fulfillment_response"] = _fulfillment(messages, merge)
    if form or refused:
        members["page_info"] = _page_update(form, refused)
    if parameters or refused:
        members["session_info"] = _session_update(parameters, refused)
    return WebhookResponse(**members)


def rebuild(plain: dict[str, Any]) -> WebhookResponse:
    """Build an answer of what `cxfulfill.protocol.plain` has written.

    Args:
        plain: The answer.

    Returns:
        The same as a model.
    """
    part = plain.get("fulfillmentResponse", {})
    if "messages" in part:
        texts = [Text(*message["text"]["text"]) for message in part["messages"]]
        plain = {**plain, "fulfillmentResponse": {**part, "messages": texts}}
    return WebhookResponse(**plain)


def _fulfillment(messages: Iterable[MessageLike], merge: str | None) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if messages:
        members["messages"] = [_message(message, index) for index, message in enumerate(messages)]
    if merge is not None:
        if not isinstance(merge, str) or merge not in ("append", "replace"):
            raise ReplyError("merge", 'must be "append" or "replace"')
        members["merge_behavior"] = merge.upper()
    return members


def _message(message: object, index: int) -> ResponseMessage:
    if isinstance(message, str):
        return Text(message)
    if isinstance(message, ResponseMessage):
        return message
    if isinstance(message, (list, tuple)):
        return Text(*message)
    if callable(getattr(message, "payload", None)):
        return Payload(cast("SupportsPayload", message))
    raise ReplyError(
        f"messages[{index}]",
        f"is of type {type(message).__name__}: give a text, a list of variants, a message kind or RichContent([...])",
    )


def _page_update(form: Mapping[str, Any], invalid: Sequence[str]) -> dict[str, Any]:
    _refuse_both(form, invalid, "pageInfo.formInfo.parameterInfo")
    return {"form_info": {"parameter_info": form_changes(form, invalid)}}


def _session_update(parameters: Mapping[str, Any], invalid: Sequence[str]) -> dict[str, Any]:
    _refuse_both(parameters, invalid, "sessionInfo.parameters")
    return {"parameters": {**parameters, **dict.fromkeys(invalid)}}


def _refuse_both(written: Mapping[str, Any], invalid: Sequence[str], where: str) -> None:
    if not isinstance(written, Mapping):
        raise ReplyError(where, "must be an object")
    if not written.keys().isdisjoint(invalid):
        raise ReplyError(where, "writes a parameter that is refused in the same answer")
