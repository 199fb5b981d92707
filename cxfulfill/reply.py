"""What a handler returns."""

import sys
from collections.abc import Mapping, Sequence
from operator import is_not
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeGuard

from pydantic_core import PydanticSerializationError, to_json

from cxfulfill.errors import ReplyError
from cxfulfill.forks import load
from cxfulfill.protocol import json
from cxfulfill.protocol.plain import write, write_more

if TYPE_CHECKING:
    from types import ModuleType

    from cxfulfill.protocol.building import MessageLike
    from cxfulfill.protocol.messages import ResponseMessage
    from cxfulfill.protocol.response import WebhookResponse

_NOTHING: Final = (None, None, None, None)


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
    _built: "WebhookResponse | None"
    _plain: dict[str, Any] | None

    def __init__(
        self,
        *messages: "MessageLike",
        parameters: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        invalid: Sequence[str] = (),
        target_page: str | None = None,
        target_flow: str | None = None,
        payload: Mapping[str, Any] | None = None,
        merge: Literal["append", "replace"] | None = None,
    ) -> None:
        if invalid:
            invalid = [invalid] if isinstance(invalid, str) else list(invalid)
        plain = write(messages, parameters)
        rest = (merge, payload, target_page, target_flow)
        if form or invalid or any(map(is_not, rest, _NOTHING)):
            plain = None if plain is None else write_more(plain, form, invalid, *rest)
        built = None
        if plain is None:
            others = {"payload": payload, "target_page": target_page, "target_flow": target_flow}
            built = _models().build(messages, parameters or {}, form or {}, invalid, merge, others)
        object.__setattr__(self, "_plain", plain)
        object.__setattr__(self, "_built", built)

    @classmethod
    def invalidate(cls, name: str, *, prompt: "MessageLike | None" = None) -> Self:
        """Refuse a parameter of the current page's form, so that the user is asked again.

        Args:
            name: The form parameter.
            prompt: What to tell the user first; without it the agent's own reprompt speaks.

        Returns:
            The answer: state ``INVALID`` and a null session parameter, as Google's own sample does it.
        """
        return cls(*(() if prompt is None else (prompt,)), invalid=[name])

    @property
    def response(self) -> "WebhookResponse":
        """The answer in the wire's own shape."""
        built = self._built
        if built is None:
            built = _models().rebuild(self._plain or {})
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
    def messages(self) -> "tuple[ResponseMessage, ...]":
        """The messages for the user."""
        part = self.response.fulfillment_response
        return tuple(part.messages or ()) if part else ()

    @property
    def texts(self) -> list[list[str]]:
        """The variants of each text message: ``Reply("Hello.").texts`` is ``[["Hello."]]``."""
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


def is_response(answer: object) -> "TypeGuard[WebhookResponse]":
    """Tell whether something is an answer in the wire's own shape; nothing is where nobody has loaded that.

    Args:
        answer: What a handler returned.

    Returns:
        Whether it is.
    """
    # Another thread may just be loading it.
    kind = getattr(sys.modules.get("cxfulfill.protocol.response"), "WebhookResponse", None)
    return kind is not None and isinstance(answer, kind)


def to_response(answer: object) -> "WebhookResponse":
    """Turn what a handler returned into an answer.

    Args:
        answer: A ``str``, `Reply`, `WebhookResponse` or None (do nothing).

    Returns:
        The answer in the wire's own shape.

    Raises:
        ReplyError: It is something else.
    """
    read = _read(answer)
    return read.response if isinstance(read, Reply) else read


def _read(answer: object) -> "Reply | WebhookResponse":
    if isinstance(answer, Reply) or is_response(answer):
        return answer
    if isinstance(answer, str):
        return Reply(answer)
    if answer is None:
        return Reply()
    raise ReplyError(
        "the handler's answer", f"is of type {type(answer).__name__}, not a str, Reply, WebhookResponse or None"
    )


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
    return _read(answer).encode()


def prepare() -> None:
    """Load what builds answers of models where an application has models at hand, so that its first call need not."""
    if "cxfulfill.protocol.base" in sys.modules:
        _models()


def _models() -> "ModuleType":
    """Give what builds answers of models; most processes never need it."""
    return load("cxfulfill.protocol.building")
