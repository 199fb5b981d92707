"""What the webhook behind the page answers: one call a tag, with every kind of message."""

from typing import Any

from tests.simulator.page_fake import attempt, call, record, say

PICTURE = {"rawUrl": "https://pictures.example/room.png"}
HREF = {"href": "https://hotel.example/rooms/5?from=chat"}

RICH_CARDS: list[list[dict[str, Any]]] = [
    [
        {"type": "info", "title": "Info title", "subtitle": "Info subtitle", "image": PICTURE, "anchor": HREF},
        {"type": "description", "title": "Description title", "text": ["First line", "Second line"]},
        {"type": "button", "text": "Link button", "anchor": HREF, "icon": {"type": "chevron_right"}},
        {"type": "button", "text": "Event button", "event": {"event": "book-now"}},
        {"type": "button", "text": "Script button"},
    ],
    [
        {"type": "list", "title": "List one", "subtitle": "Raises an event", "event": {"event": "list-one"}},
        {"type": "divider"},
        {"type": "list", "title": "List two", "anchor": HREF, "image": PICTURE},
    ],
    [{"type": "image", "rawUrl": PICTURE["rawUrl"], "accessibilityText": "A quiet room", "anchor": HREF}],
    [
        {
            "type": "video",
            "source": {"type": "link", "anchor": {"href": "https://videos.example/tour"}},
            "accessibilityText": "A tour",
        }
    ],
    [{"type": "accordion", "title": "Accordion title", "subtitle": "More", "text": "<b>Accordion text</b>"}],
    [
        {
            "type": "chips",
            "options": [
                {"text": "Yes please"},
                {"text": "By event", "event": {"event": "chip-event"}},
                {"text": "Web chip", "anchor": HREF},
                {"text": "Pictured", "image": PICTURE},
                {"text": "Bad chip", "anchor": {"href": "javascript:alert(1)"}},
            ],
        }
    ],
    [{"type": "match_citations", "citations": [{"title": "House rules", "subtitle": "Page 3", "anchor": HREF}]}],
    [{"type": "files", "files": [{"name": "terms.pdf", "anchor": {"href": "https://files.example/terms.pdf"}}]}],
    [{"type": "html", "html": "<img src=x onerror=alert(1)><b>HTML item</b>"}],
    [{"type": "custom_template", "name": "seat-map", "payload": {"rows": 3}}],
]
LEGACY_CARDS: list[Any] = [
    [
        {
            "type": "info",
            "title": "Legacy info",
            "image": {"src": {"rawUrl": "https://old.example/a.png"}},
            "actionLink": "https://old.example/info",
        },
        {"type": "button", "text": "Legacy link", "link": "https://old.example/button"},
        {
            "type": "list",
            "title": "Legacy event",
            "event": {"name": "OLD_EVENT", "languageCode": "en", "parameters": {}},
        },
    ],
    {"type": "chips", "options": [{"text": "Legacy chip", "link": "https://old.example/chip"}]},
    [{"type": "carousel", "pages": [1, 2]}, {"no": "type"}],
]
MARKDOWN = """# Your booking

Room **5** is *reserved*, see the [terms](https://hotel.example/terms) or [this](javascript:alert(1)).

1. breakfast
2. `late` check-out

> ~~Old~~ new price

| night | price |
|---|---|
| 1 | 90 |

![A picture](https://pictures.example/m.png) <b>not bold</b>
"""
VOICE: list[dict[str, Any]] = [
    {"outputAudioText": {"text": "Plain speech"}, "channel": "TELEPHONY"},
    {
        "outputAudioText": {
            "ssml": "<speak>Hello<break time='1s'/>there, <emphasis>Tom &amp; Ada</emphasis>&#33;</speak>"
        },
        "responseType": "ENTRY_PROMPT",
    },
    {"playAudio": {"audioUri": "https://sounds.example/jingle.wav"}},
    {"mixedAudio": {"segments": [{"uri": "https://sounds.example/part.wav"}, {"audio": "UklGRg=="}]}},
    {"telephonyTransferCall": {"phoneNumber": "+12125550123"}},
    {"liveAgentHandoff": {"metadata": {"queue": "night"}}},
    {"conversationSuccess": {"metadata": {}}},
    {"knowledgeInfoCard": {}},
    {"toolCall": {"tool": "projects/p/tools/t", "action": "look-up", "inputParameters": {"id": 7}}},
    {"payload": {"anything": [1, 2]}},
    {"payload": {"richContent": [[{"type": "info", "title": "With more"}]], "extra": True}},
    {},
    {"text": {"text": "not a list"}},
    {"text": {"text": []}},
    {"endInteraction": {}},
]
TIMED_OUT = call(
    status=None,
    failure="timeout",
    ok=False,
    event="webhook.error.timeout",
    event_hidden_if_route_has_target=True,
    sentence="No answer came within 5 seconds, so CX raises webhook.error.timeout.",
    webhook_status={"code": 4, "message": "Webhook call failed. Error: DEADLINE_EXCEEDED"},
    answer={"headers": {}, "body": ""},
    ms=5000.0,
    attempts=[attempt(ms=5000.0, status=None, failure="timeout", record=None)],
)
CHANGES = call(
    say("Booked for **3** nights.", "All done: 3 nights.", "Three nights it is."),
    changes=[
        {"name": "nights", "before": 2.0, "after": 3.0, "kind": "changed"},
        {"name": "reference", "before": None, "after": "R-1", "kind": "set"},
        {"name": "offer", "before": {"price": 80}, "after": None, "kind": "deleted"},
    ],
    page_change={"from": "Start Page", "to": "Confirm"},
    form_changes=[{"name": "nights", "state": "INVALID"}],
    reprompt=["nights"],
    replayed=True,
    findings=[
        {"severity": "warning", "place": "fulfillmentResponse.messages[0].source", "problem": "is not documented"},
        {"severity": "error", "place": "", "problem": "is larger than 64 KiB"},
    ],
    ms=640.0,
    attempts=[
        attempt(ms=300.0, record=record(handler_ms=260.0, queue_ms=4.0, auth_ms=9.0, store_ms=18.0)),
        attempt(ms=40.0, offset_ms=600.0, replayed=True, record=record(handler_ms=0.0, outcome="replayed")),
    ],
)
CALLS = {
    "rich": call({"payload": {"richContent": RICH_CARDS}}),
    "legacy": call({"payload": {"richContent": LEGACY_CARDS}}, {"payload": {"richContent": "wrong"}}),
    "markdown": call(say(MARKDOWN)),
    "voice": call(*VOICE),
    "silent": call(answer={"headers": {}, "body": "<h1>not JSON</h1>"}),
    "changes": CHANGES,
    "timeout": TIMED_OUT,
}
