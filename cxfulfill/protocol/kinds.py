"""The kinds of response messages besides texts and payloads; most processes send none of them, nor load them.

Each has the shape of `cxfulfill.protocol.messages.ResponseMessage`, and a constructor of its own.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, Self

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.messages import ResponseMessage, wire


class OutputAudioText(ResponseMessage):
    """What is spoken in place of the texts: plain text here, SSML by `OutputAudioText.ssml`.

    Args:
        text: Plain text.
        channel: Deliver on this channel only.
    """

    def __init__(self, text: str | None = None, *, channel: str | None = None, _ssml: str | None = None) -> None:
        source = {"ssml": _ssml} if _ssml is not None else {"text": text}
        super().__init__(**wire("output_audio_text", source, channel))

    @classmethod
    def ssml(cls, template: str, *, channel: str | None = None, **values: object) -> Self:
        """Build a message from SSML.

        Args:
            template: One ``<speak>`` element, with ``{name}`` where a value belongs (``{{`` is a brace).
            channel: Deliver on this channel only.
            values: The values; each is escaped, so none can add markup.

        Returns:
            The message.

        Raises:
            ReplyError: The template names a value that is missing, or the outcome is not one well-formed
                ``<speak>`` element.
        """
        try:
            text = template.format_map({name: escape(str(value)) for name, value in values.items()})
        except (KeyError, IndexError, ValueError):
            raise ReplyError("outputAudioText.ssml", "has a placeholder without a value") from None
        return cls(_ssml=text, channel=channel)


class PlayAudio(ResponseMessage):
    """An audio clip for the client to play; CX does not read it.

    Args:
        audio_uri: Where it is.
        channel: Deliver on this channel only.
    """

    def __init__(self, audio_uri: str, *, channel: str | None = None) -> None:
        super().__init__(**wire("play_audio", {"audio_uri": audio_uri}, channel))


class ConversationSuccess(ResponseMessage):
    """The signal that the conversation succeeded.

    Args:
        metadata: Anything for the platform.
        channel: Deliver on this channel only.
    """

    def __init__(self, metadata: Mapping[str, Any] | None = None, *, channel: str | None = None) -> None:
        super().__init__(**wire("conversation_success", _metadata(metadata), channel))


class LiveAgentHandoff(ResponseMessage):
    """The signal to hand the conversation over to a person.

    Args:
        metadata: Anything for the platform, such as a queue's name.
        channel: Deliver on this channel only.
    """

    def __init__(self, metadata: Mapping[str, Any] | None = None, *, channel: str | None = None) -> None:
        super().__init__(**wire("live_agent_handoff", _metadata(metadata), channel))


def _metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if metadata is None else {"metadata": metadata}


class TelephonyTransferCall(ResponseMessage):
    """The transfer of the phone call. Google's Phone Gateway transfers to US numbers only.

    Args:
        phone_number: In E.164, such as ``+14155550100``.
        channel: Deliver on this channel only.
    """

    def __init__(self, phone_number: str, *, channel: str | None = None) -> None:
        super().__init__(**wire("telephony_transfer_call", {"phone_number": phone_number}, channel))


class KnowledgeInfoCard(ResponseMessage):
    """The marker that makes Dialogflow Messenger render a knowledge answer as an info card.

    Args:
        channel: Deliver on this channel only.
    """

    def __init__(self, *, channel: str | None = None) -> None:
        super().__init__(**wire("knowledge_info_card", {}, channel))


class ToolCall(ResponseMessage):
    """A tool call for the client to carry out.

    Args:
        tool: Full name of the tool.
        action: The tool's action.
        input_parameters: The action's input.
        channel: Deliver on this channel only.
    """

    def __init__(
        self,
        tool: str,
        action: str,
        input_parameters: Mapping[str, Any] | None = None,
        *,
        channel: str | None = None,
    ) -> None:
        given = {} if input_parameters is None else {"input_parameters": input_parameters}
        super().__init__(**wire("tool_call", {"tool": tool, "action": action, **given}, channel))
