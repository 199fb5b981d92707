"""Good answers, and what may be put into them."""

import json
from typing import Any, Final

from cxfulfill import (
    ConversationSuccess,
    KnowledgeInfoCard,
    LiveAgentHandoff,
    OutputAudioText,
    Payload,
    PlayAudio,
    Reply,
    TelephonyTransferCall,
    ToolCall,
)
from tests.strategies.json_values import parts

NAMES: Final = (
    "fulfillmentResponse", "messages", "mergeBehavior", "pageInfo", "formInfo", "parameterInfo", "displayName",
    "required", "state", "value", "justCollected", "currentPage", "sessionInfo", "session", "parameters", "payload",
    "targetPage", "targetFlow", "text", "ssml", "outputAudioText", "conversationSuccess", "liveAgentHandoff",
    "endInteraction", "mixedAudio", "playAudio", "audioUri", "telephonyTransferCall", "phoneNumber",
    "knowledgeInfoCard", "toolCall", "tool", "action", "inputParameters", "metadata", "channel", "responseType",
    "allowPlaybackInterruption", "fulfillment_response", "session_info", "page_info", "target_page",
    "output_audio_text", "merge_behavior", "fulfillmentText", "redactedText", "source", "self", "members",
)  # fmt: skip
"""Members of answers in both spellings, and some that are none."""

FLOW: Final = "projects/p/locations/l/agents/a/flows/f"
ODD: Final[tuple[Any, ...]] = (
    None, "", "a", [], {}, [None], [""], [{}], 0, 1, 2.0, "2", True, False, "REPLACE", "append", "INVALID", "VALID",
    "+14155550100", "<speak/>", FLOW, f"{FLOW}/pages/g", float("nan"), float("inf"), 10**400, {"text": ["a"]},
    {"text": "a"}, {"metadata": {}}, {"metadata": None}, {"self": 1}, {"b\x00": "\ud800"}, {"\udc00": 1},
)  # fmt: skip
"""Values that fit some members and not others, or none."""

GOOD: Final[list[Reply]] = [
    Reply(
        ["a", "b"], OutputAudioText("a", channel="c"), OutputAudioText.ssml("<speak>a</speak>"), PlayAudio("u"),
        Payload({"a": [1, {"b": None}]}), ConversationSuccess({"a": 1}), LiveAgentHandoff(), KnowledgeInfoCard(),
        TelephonyTransferCall("+14155550100"), ToolCall("t", "a", {"b": 1}), merge="replace",
    ),
    Reply("a", parameters={"a": 1, "b": None}, form={"c": 1, "d": None}, invalid=["e"], target_flow=FLOW),
    Reply(payload={"a": {"b": [1.5, True]}}, parameters={"a": []}, target_page=f"{FLOW}/pages/g"),
    Reply(),
]  # fmt: skip
ANSWERS: Final = [json.loads(reply.response.encode()) for reply in GOOD]
MEMBERS: Final = [part for answer in ANSWERS for part in parts(answer)]
