"""The response messages that a webhook may send.

`ResponseMessage` has the wire's own shape; its subclasses are the kinds, each with a constructor of its own: `Text` and
`Payload` here, the others in `cxfulfill.protocol.kinds`. The kinds that CX marks "output only" (``endInteraction``,
``mixedAudio``) cannot be built, nor can ``allowPlaybackInterruption`` be set. ``responseType`` is left out, since
v3beta1 does not know it.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import AfterValidator, Field, PlainValidator

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.base import Outgoing, Part
from cxfulfill.protocol.values import MAX_DEPTH, to_json_object

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_KINDS = (
    "text", "payload", "output_audio_text", "conversation_success", "live_agent_handoff", "play_audio",
    "telephony_transfer_call", "knowledge_info_card", "tool_call",
)  # fmt: skip


def json_object(where: str, *, depth: int = MAX_DEPTH) -> PlainValidator:
    """Make a validator for a member that holds any JSON object.

    Args:
        where: The member's place in the answer, for the error.
        depth: Levels that may stand below each member of the object.

    Returns:
        The validator; it converts as `cxfulfill.protocol.values.to_json_value` does.
    """

    def validate(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ReplyError(where, "must be an object")
        try:
            return to_json_object(value, depth=depth)
        except ReplyError as error:
            raise error.under(where) from None

    return PlainValidator(validate)


def _check_e164(number: str) -> str:
    if not _E164.fullmatch(number):
        raise ReplyError("telephonyTransferCall.phoneNumber", "must be E.164: + and 2 to 15 digits")
    return number


def _check_ssml(ssml: str) -> str:
    """Refuse what is not one well-formed ``<speak>`` element; no document type, so no entities of its own."""
    roots: list[str] = []
    depth = 0

    def start(name: str, _: object) -> None:
        nonlocal depth
        if depth == 0:
            roots.append(name)
        elif name == "speak":
            raise ReplyError("outputAudioText.ssml", "must have one <speak> element, none inside another")
        depth += 1

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise ReplyError("outputAudioText.ssml", "must not have a document type")

    from xml.parsers import expat  # noqa: PLC0415 - not everybody speaks

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(ssml, True)
    except (expat.ExpatError, UnicodeError):
        raise ReplyError("outputAudioText.ssml", "is not well-formed XML") from None
    if roots != ["speak"]:
        raise ReplyError("outputAudioText.ssml", "must be one <speak> element")
    return ssml


def _check_texts(variants: tuple[object, ...]) -> None:
    for index, variant in enumerate(variants):
        if not isinstance(variant, str):
            problem = 'is no text: each variant is an argument of its own, as in Text("one", "another")'
            raise ReplyError(f"text.text[{index}]", problem)


class TextContent(Part):
    """The content of a text message: ``{"text": [variants]}``; CX picks one of the variants."""

    text: Annotated[list[str], Field(min_length=1)]


class OutputAudioTextContent(Part):
    """The content of an output audio text: ``text`` or ``ssml``."""

    text: str | None = None
    ssml: Annotated[str, AfterValidator(_check_ssml)] | None = None

    def model_post_init(self, _: Any) -> None:
        """Refuse both, or none, of the two sources."""
        if (self.text is None) == (self.ssml is None):
            raise ReplyError("outputAudioText", "needs either text or ssml")


class MetadataContent(Part):
    """The content of a signal to the platform: ``{"metadata": {...}}``, which may be left out."""

    metadata: Annotated[dict[str, Any], json_object("metadata", depth=MAX_DEPTH - 1)] | None = None


class PlayAudioContent(Part):
    """The content of an audio clip: ``{"audioUri": ...}``."""

    audio_uri: str


class TelephonyTransferCallContent(Part):
    """The content of a call transfer: ``{"phoneNumber": ...}``, in E.164."""

    phone_number: Annotated[str, AfterValidator(_check_e164)]


class KnowledgeInfoCardContent(Part):
    """The content of a knowledge info card: nothing."""


class ToolCallContent(Part):
    """The content of a tool call: the tool's full name, its action and input."""

    tool: str
    action: str
    input_parameters: Annotated[dict[str, Any], json_object("toolCall.inputParameters", depth=MAX_DEPTH - 1)] | None = (
        None
    )


class ResponseMessage(Outgoing):
    """A response message in the wire's own shape: at most one kind, and the channel.

    Attributes:
        text: Shown, and spoken unless there is an output audio text.
        payload: A custom payload, such as Messenger rich content.
        output_audio_text: Spoken in place of all texts.
        conversation_success: Signal: the conversation succeeded.
        live_agent_handoff: Signal: hand over to a person.
        play_audio: An audio clip for the client to play.
        telephony_transfer_call: Transfer of the phone call.
        knowledge_info_card: Marker for a knowledge answer.
        tool_call: A tool call for the client to carry out.
        channel: Deliver on this channel only.

    Raises:
        ReplyError: Two kinds, an output-only kind, or a member of another shape.
    """

    refused: ClassVar[Mapping[str, str]] = {
        "endInteraction": "is output only: CX makes it at the END_SESSION page",
        "mixedAudio": "is output only: CX makes it from playAudio",
        "allowPlaybackInterruption": "is output only: the agent's settings decide",
        "responseType": "is not known to v3beta1",
    }

    text: TextContent | None = None
    payload: Annotated[dict[str, Any], json_object("payload", depth=MAX_DEPTH - 1)] | None = None
    output_audio_text: OutputAudioTextContent | None = None
    conversation_success: MetadataContent | None = None
    live_agent_handoff: MetadataContent | None = None
    play_audio: PlayAudioContent | None = None
    telephony_transfer_call: TelephonyTransferCallContent | None = None
    knowledge_info_card: KnowledgeInfoCardContent | None = None
    tool_call: ToolCallContent | None = None
    channel: str | None = None

    def model_post_init(self, _: Any) -> None:
        """Refuse a message of two kinds."""
        if len(self.model_fields_set) > 1 and len(self.model_fields_set.intersection(_KINDS)) > 1:
            raise ReplyError("message", "may be of one kind only")


def wire(kind: str, content: object, channel: str | None) -> dict[str, Any]:
    """Give the members of a message: one that is left unset is not written, and one that is None would be."""
    return {kind: content} if channel is None else {kind: content, "channel": channel}


class Text(ResponseMessage):
    """A text, as one or several variants of which CX picks one.

    Args:
        variants: The variants; at least one.
        channel: Deliver on this channel only.
    """

    def __init__(self, *variants: str, channel: str | None = None) -> None:
        _check_texts(variants)
        super().__init__(**wire("text", {"text": list(variants)}, channel))


class SupportsPayload(Protocol):
    """What makes a payload of itself, such as Messenger `RichContent` (which is imported only by its users)."""

    def payload(self) -> dict[str, Any]:
        """Give the payload."""
        ...


class Payload(ResponseMessage):
    """A custom payload for the integration.

    Google's pages say that a custom payload is nested at most 24 levels deep.

    Args:
        payload: A JSON object, or Messenger `RichContent`.
        channel: Deliver on this channel only.
    """

    def __init__(self, payload: Mapping[str, Any] | SupportsPayload, *, channel: str | None = None) -> None:
        if not isinstance(payload, Mapping) and not callable(getattr(payload, "payload", None)):
            raise ReplyError("payload", "must be an object, or RichContent([...])")
        content = payload if isinstance(payload, Mapping) else payload.payload()
        super().__init__(**wire("payload", content, channel))
