"""What a handler returns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, Self, cast

from pydantic_core import PydanticSerializationError, to_json

from cxfulfill.errors import ReplyError
from cxfulfill.protocol import json
from cxfulfill.protocol.messages import Payload, ResponseMessage, SupportsPayload, Text
from cxfulfill.protocol.response import WebhookResponse
from cxfulfill.protocol.values import to_json_object

MessageLike = str | Sequence[str] | ResponseMessage | SupportsPayload
"""A text, a list of text variants, a message kind or Messenger rich content."""

_NONE: Final[dict[str, list[Any]]] = {"messages": []}
_TEXT: Final = frozenset({str})


class Reply:
    """An answer, guarded as it is built.

    Args:
        messages: For the user, in order: a ``str`` is one text, a list of ``str`` variants of one text of
            which CX picks one, `RichContent` a payload; or any message kind.
        parameters: Session parameters to write; ``None`` as a value removes the parameter. Values are
            converted as `cxfulfill.protocol.values.to_json_value` says.
        form: Parameters of the current page's form to set; ``None`` as a value empties one.
        invalid: Parameters of the current page's form to refuse: each gets the state ``INVALID`` and its
            session parameter is removed, so that the agent asks again.
        target_page: Full name of the page to go to; see ``ctx.page.sibling`` and ``ctx.agent.page``.
        target_flow: Full name of the flow to go to; at most one of the two.
        payload: Goes to the caller of detect intent (``QueryResult.webhookPayloads``), not to the user.
        merge: ``"append"`` adds the messages to those queued in this turn (what CX does by default),
            ``"replace"`` drops the queued messages of this fulfillment.

    Raises:
        ReplyError: CX would refuse the answer; the error names the field.
    """

    __slots__ = ("_built", "_plain")
    _built: WebhookResponse | None
    _plain: dict[str, Any] | None

    def __init__(
        self,
        *messages: MessageLike,
        parameters: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        invalid: Sequence[str] = (),
        target_page: str | None = None,
        target_flow: str | None = None,
        payload: Mapping[str, Any] | None = None,
        merge: Literal["append", "replace"] | None = None,
    ) -> None:
        others: dict[str, Any] = {} if payload is None else {"payload": payload}
        if target_page is not None:
            others["target_page"] = target_page
        if target_flow is not None:
            others["target_flow"] = target_flow
        plain = None if form or invalid or merge is not None or others else _plain(messages, parameters)
        built = None if plain else _build(messages, parameters or {}, form or {}, invalid, merge, others)
        object.__setattr__(self, "_plain", plain)
        object.__setattr__(self, "_built", built)

    @classmethod
    def invalidate(cls, name: str, *, prompt: MessageLike | None = None) -> Self:
        """Refuse a parameter of the current page's form, so that the user is asked again.

        Args:
            name: The form parameter.
            prompt: What to tell the user first; without it the agent's own reprompt speaks.

        Returns:
            The answer: state ``INVALID`` and a null session parameter, as Google's own sample does it.
        """
        return cls(*(() if prompt is None else (prompt,)), invalid=[name])

    @property
    def response(self) -> WebhookResponse:
        """The answer in the wire's own shape."""
        built = self._built
        if built is None:
            plain = self._plain or {}
            texts = [Text(*message["text"]["text"]) for message in plain.get("fulfillmentResponse", _NONE)["messages"]]
            built = _build(texts, plain.get("sessionInfo", {}).get("parameters", {}), {}, (), None, {})
            object.__setattr__(self, "_built", built)
        return built

    def encode(self) -> bytes:
        """Write the answer as CX reads it; see `WebhookResponse.encode`."""
        if self._plain is None or self._built is not None:
            return self.response.encode()  # whoever has looked at it may have changed what is in it
        try:
            body = to_json(self._plain)
        except PydanticSerializationError:
            return self.response.encode()  # which names the text that UTF-8 cannot hold
        return json.bounded(body, "WebhookResponse")

    @property
    def messages(self) -> tuple[ResponseMessage, ...]:
        """The messages for the user."""
        part = self.response.fulfillment_response
        return tuple(part.messages or ()) if part else ()

    @property
    def texts(self) -> list[list[str]]:
        """The variants of each text message."""
        return [message.text.text for message in self.messages if message.text]

    @property
    def parameters(self) -> dict[str, Any]:
        """The session parameters to write; None removes one."""
        part = self.response.session_info
        return dict(part.parameters or {}) if part else {}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Reply cannot be changed once it is built")

    def __eq__(self, other: object) -> bool:
        return self.response == other.response if isinstance(other, Reply) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.response.model_dump_json())

    def __repr__(self) -> str:
        return f"<Reply {self.response!r}>"


def to_response(answer: object) -> WebhookResponse:
    """Turn what a handler returned into an answer.

    Args:
        answer: A ``str``, `Reply`, `WebhookResponse` or None (do nothing).

    Returns:
        The answer in the wire's own shape.

    Raises:
        ReplyError: It is something else.
    """
    if isinstance(answer, Reply):
        return answer.response
    if isinstance(answer, str):
        return Reply(answer).response
    if isinstance(answer, WebhookResponse):
        return answer
    if answer is None:
        return WebhookResponse()
    raise ReplyError(
        "the handler's answer", f"is of type {type(answer).__name__}, not a str, Reply, WebhookResponse or None"
    )


def _plain(messages: tuple[MessageLike, ...], parameters: object) -> dict[str, Any] | None:
    """Write texts and session parameters down as CX reads them: what most answers are made of.

    Args:
        messages: The messages.
        parameters: The parameters.

    Returns:
        What `_build` would make of them, in a fraction of its time; None where there is something else among them, or
        something that it would refuse.
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


def _is_text(variants: object) -> bool:
    """Tell whether something is the variants of a text."""
    return type(variants) is list and {*map(type, variants)} == _TEXT


def _build(
    messages: Iterable[MessageLike], parameters: Mapping[str, Any], form: Mapping[str, Any], invalid: Sequence[str],
    merge: str | None, others: dict[str, Any],
) -> WebhookResponse:  # fmt: skip
    refused = [invalid] if isinstance(invalid, str) else list(invalid)
    members: dict[str, Any] = {}
    if messages or merge is not None:
        members["fulfillment_response"] = _fulfillment(messages, merge)
    if form or refused:
        members["page_info"] = _page_update(form, refused)
    if parameters or refused:
        members["session_info"] = _session_update(parameters, refused)
    return WebhookResponse(**members | others)


def _fulfillment(messages: Iterable[MessageLike], merge: str | None) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if messages:
        members["messages"] = [_message(message, index) for index, message in enumerate(messages)]
    if merge is not None:
        if merge not in ("append", "replace"):
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
    changes = [
        # The comment in CX's proto calls the state required in answers, though only INVALID acts.
        {"display_name": name, "state": "EMPTY" if value is None else "FILLED", "value": value}
        for name, value in form.items()
    ]
    changes += [{"display_name": name, "state": "INVALID"} for name in dict.fromkeys(invalid)]
    return {"form_info": {"parameter_info": changes}}


def _session_update(parameters: Mapping[str, Any], invalid: Sequence[str]) -> dict[str, Any]:
    _refuse_both(parameters, invalid, "sessionInfo.parameters")
    return {"parameters": {**parameters, **dict.fromkeys(invalid)}}


def _refuse_both(written: Mapping[str, Any], invalid: Sequence[str], where: str) -> None:
    if not isinstance(written, Mapping):
        raise ReplyError(where, "must be an object")
    if not written.keys().isdisjoint(invalid):
        raise ReplyError(where, "writes a parameter that is refused in the same answer")


def encode_reply(call: object, answer: object) -> bytes:
    """Turn what a handler of standard calls returned into what is sent.

    Args:
        call: The call, which has no say in it.
        answer: What it returned; see `to_response`.

    Returns:
        JSON of at most 65,536 bytes.

    Raises:
        ReplyError: CX would refuse it.
    """
    del call
    if isinstance(answer, Reply):
        return answer.encode()
    return Reply(answer).encode() if isinstance(answer, str) else to_response(answer).encode()
