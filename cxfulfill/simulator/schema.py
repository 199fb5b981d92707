"""The members of a WebhookResponse, as the messages of ``google.cloud.dialogflow.cx`` have them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from cxfulfill.simulator.findings import Version

IGNORED: Final = "is ignored by CX in an answer"
OUTPUT_ONLY: Final = "is written by CX alone and does nothing in an answer"


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a message.

    Attributes:
        kind: ``string``, ``bool``, ``bytes``, ``Struct``, ``Value``, or the name of an enum or message.
        shape: ``list`` for a list of that kind, ``map`` for an object whose members are of that kind.
        oneof: The group of which only one member may be set.
        note: What is to be said where it is set.
        versions: Where it exists.
    """

    kind: str
    shape: str = ""
    oneof: str | None = None
    note: str = ""
    versions: tuple[Version, ...] = ("v3", "v3beta1")

    @property
    def keeps_empty(self) -> bool:
        """Whether an empty value differs from none."""
        return bool(self.oneof) or (not self.shape and (self.kind in MESSAGES or self.kind in {"Struct", "Value"}))


def _kind(kind: str, note: str = "") -> Field:
    return Field(kind, oneof="message", note=note)


_INTERRUPTION: Final = Field("bool", note=OUTPUT_ONLY)
_METADATA: Final = {"metadata": Field("Struct")}

ENUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "MergeBehavior": ("MERGE_BEHAVIOR_UNSPECIFIED", "APPEND", "REPLACE"),
    "ParameterState": ("PARAMETER_STATE_UNSPECIFIED", "EMPTY", "INVALID", "FILLED"),
    "ResponseType": ("RESPONSE_TYPE_UNSPECIFIED", "ENTRY_PROMPT", "PARAMETER_PROMPT", "HANDLER_PROMPT"),
}
"""Names of the enums by number."""

MESSAGES: Final[Mapping[str, Mapping[str, Field]]] = {
    "WebhookResponse": {
        "fulfillmentResponse": Field("FulfillmentResponse"),
        "pageInfo": Field("PageInfo"),
        "sessionInfo": Field("SessionInfo"),
        "payload": Field("Struct"),
        "targetPage": Field("string", oneof="transition"),
        "targetFlow": Field("string", oneof="transition"),
    },
    "FulfillmentResponse": {
        "messages": Field("ResponseMessage", "list"),
        "mergeBehavior": Field("MergeBehavior"),
    },
    "ResponseMessage": {
        "text": _kind("Text"),
        "payload": _kind("Struct"),
        "conversationSuccess": _kind("ConversationSuccess"),
        "outputAudioText": _kind("OutputAudioText"),
        "liveAgentHandoff": _kind("LiveAgentHandoff"),
        "endInteraction": _kind("EndInteraction", OUTPUT_ONLY),
        "playAudio": _kind("PlayAudio"),
        "mixedAudio": _kind("MixedAudio", OUTPUT_ONLY),
        "telephonyTransferCall": _kind("TelephonyTransferCall"),
        "knowledgeInfoCard": _kind("KnowledgeInfoCard"),
        "toolCall": _kind("ToolCall"),
        "responseType": Field("ResponseType", versions=("v3",)),
        "channel": Field("string"),
    },
    "Text": {"text": Field("string", "list"), "allowPlaybackInterruption": _INTERRUPTION},
    "ConversationSuccess": _METADATA,
    "OutputAudioText": {
        "text": Field("string", oneof="source"),
        "ssml": Field("string", oneof="source"),
        "allowPlaybackInterruption": _INTERRUPTION,
    },
    "LiveAgentHandoff": _METADATA,
    "EndInteraction": {},
    "PlayAudio": {"audioUri": Field("string"), "allowPlaybackInterruption": _INTERRUPTION},
    "MixedAudio": {"segments": Field("Segment", "list")},
    "Segment": {
        "audio": Field("bytes", oneof="content"),
        "uri": Field("string", oneof="content"),
        "allowPlaybackInterruption": _INTERRUPTION,
    },
    "TelephonyTransferCall": {"phoneNumber": Field("string", oneof="endpoint")},
    "KnowledgeInfoCard": {},
    "ToolCall": {"tool": Field("string"), "action": Field("string"), "inputParameters": Field("Struct")},
    "PageInfo": {
        "currentPage": Field("string", note=IGNORED),
        "displayName": Field("string", note=IGNORED),
        "formInfo": Field("FormInfo"),
    },
    "FormInfo": {"parameterInfo": Field("ParameterInfo", "list")},
    "ParameterInfo": {
        "displayName": Field("string"),
        "required": Field("bool"),
        "state": Field("ParameterState"),
        "value": Field("Value"),
        "justCollected": Field("bool", note=IGNORED),
    },
    "SessionInfo": {"session": Field("string", note=IGNORED), "parameters": Field("Value", "map")},
}
"""Members by their JSON names, by the last part of the message's name."""

_KINDS: Final = tuple(name for name, field in MESSAGES["ResponseMessage"].items() if field.oneof)
NEEDED: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "ResponseMessage": (_KINDS, "is an empty message: it says nothing"),
    "Text": (("text",), "is an empty message: it has no text"),
    "OutputAudioText": (("text", "ssml"), "is an empty message: it has neither text nor ssml"),
    "PlayAudio": (("audioUri",), "is an empty message: it has no audioUri"),
    "TelephonyTransferCall": (("phoneNumber",), "is an empty message: it has no phoneNumber"),
    "ParameterInfo": (("displayName",), "has no displayName, so that CX cannot tell which parameter is meant"),
}
"""The members of which a message needs one in order to do something, and what is to be said where there is none."""


def snake(name: str) -> str:
    """Give a member's name in the proto files, which CX's parser takes as well.

    Args:
        name: The JSON name.

    Returns:
        Such as ``target_page``.
    """
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name)


@cache
def members(message: str, version: Version) -> Mapping[str, tuple[str, Field]]:
    """List the members of a message.

    Args:
        message: The message, as in `MESSAGES`.
        version: The API's version.

    Returns:
        JSON name and field of each, by both of its spellings.
    """
    known = [(name, field) for name, field in MESSAGES[message].items() if version in field.versions]
    return {spelling: (name, field) for name, field in known for spelling in (snake(name), name)}
