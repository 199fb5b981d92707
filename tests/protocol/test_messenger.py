"""Dialogflow Messenger rich content: the exact JSON of each kind, and what cannot be built."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.messages import Payload
from cxfulfill.protocol.messenger import (
    Accordion,
    Anchor,
    Button,
    ChipOption,
    Chips,
    Citation,
    CustomTemplate,
    Description,
    Divider,
    FileItem,
    Files,
    Html,
    Icon,
    Image,
    Info,
    ListItem,
    MatchCitations,
    RawItem,
    RichContent,
    RichItem,
    Video,
    VideoSource,
)
from cxfulfill.protocol.response import FulfillmentResponse, WebhookResponse
from cxfulfill.protocol.values import MAX_DEPTH
from tests.strategies.messenger import rich_contents

URL = "https://example.com/a?b=c#d"
PNG = "https://example.com/a.png"


class Carousel(RichItem):
    """A kind of an application's own."""

    type: Literal["carousel"] = "carousel"
    page_count: int
    prices: list[float]
    starts_on: date | None = None


KINDS: list[tuple[RichItem, dict[str, Any]]] = [
    (Info("Title"), {"type": "info", "title": "Title"}),
    (
        Info("Title", "Sub", image=PNG, anchor=Anchor(URL, "_self")),
        {
            "type": "info",
            "title": "Title",
            "subtitle": "Sub",
            "image": {"rawUrl": PNG},
            "anchor": {"href": URL, "target": "_self"},
        },
    ),
    (Description("Title", "a", "b"), {"type": "description", "title": "Title", "text": ["a", "b"]}),
    (Description(None, "a"), {"type": "description", "text": ["a"]}),
    (Image(PNG), {"type": "image", "rawUrl": PNG}),
    (
        Image(PNG, "A cat", anchor=URL),
        {"type": "image", "rawUrl": PNG, "accessibilityText": "A cat", "anchor": {"href": URL}},
    ),
    (Video(URL), {"type": "video", "source": {"type": "link", "anchor": {"href": URL}}}),
    (
        Video(VideoSource(Anchor(URL, "_top"), "raw"), "A film"),
        {
            "type": "video",
            "source": {"type": "raw", "anchor": {"href": URL, "target": "_top"}},
            "accessibilityText": "A film",
        },
    ),
    (
        Button("Book", event="book-room"),
        {"type": "button", "text": "Book", "event": {"event": "book-room"}},
    ),
    (
        Button("Book", anchor=URL, event="e", icon="chevron_right", mode="blocking"),
        {
            "type": "button",
            "icon": {"type": "chevron_right"},
            "mode": "blocking",
            "text": "Book",
            "anchor": {"href": URL},
            "event": {"event": "e"},
        },
    ),
    (
        Button("Book", icon=Icon("home", "#fff")),
        {"type": "button", "icon": {"type": "home", "color": "#fff"}, "text": "Book"},
    ),
    (ListItem("Title"), {"type": "list", "title": "Title"}),
    (
        ListItem("Title", "Sub", image=PNG, anchor=URL, event="e"),
        {
            "type": "list",
            "title": "Title",
            "subtitle": "Sub",
            "image": {"rawUrl": PNG},
            "anchor": {"href": URL},
            "event": {"event": "e"},
        },
    ),
    (Divider(), {"type": "divider"}),
    (
        Accordion("Title", "<b>Text</b>", subtitle="Sub", image=PNG),
        {
            "type": "accordion",
            "title": "Title",
            "subtitle": "Sub",
            "image": {"rawUrl": PNG},
            "text": "<b>Text</b>",
        },
    ),
    (Chips("Yes", "No"), {"type": "chips", "options": [{"text": "Yes"}, {"text": "No"}]}),
    (
        Chips("Yes", ChipOption("No", image=PNG, anchor=URL, mode="blocking")),
        {
            "type": "chips",
            "options": [
                {"text": "Yes"},
                {"text": "No", "image": {"rawUrl": PNG}, "anchor": {"href": URL}, "mode": "blocking"},
            ],
        },
    ),
    (
        MatchCitations(Citation("A"), Citation("B", "Sub", anchor=Anchor(URL, "_self"))),
        {
            "type": "match_citations",
            "citations": [
                {"title": "A"},
                {"title": "B", "subtitle": "Sub", "anchor": {"href": URL, "target": "_self"}},
            ],
        },
    ),
    (
        Files(FileItem("a.pdf", image=PNG, anchor=URL), FileItem("b.pdf")),
        {
            "type": "files",
            "files": [
                {"name": "a.pdf", "image": {"rawUrl": PNG}, "anchor": {"href": URL}},
                {"name": "b.pdf"},
            ],
        },
    ),
    (Html("<p>Hi</p>"), {"type": "html", "html": "<p>Hi</p>"}),
    (CustomTemplate("room-card"), {"type": "custom_template", "name": "room-card"}),
    (
        CustomTemplate("room-card", {"items": [1, None, {"since": date(2024, 2, 29)}]}),
        {
            "type": "custom_template",
            "name": "room-card",
            "payload": {"items": [1, None, {"since": "2024-02-29"}]},
        },
    ),
    (
        RawItem({"type": "new_kind", "self": None, "when": date(2024, 2, 29), "raw_url": [1.5]}),
        {"type": "new_kind", "self": None, "when": "2024-02-29", "raw_url": [1.5]},
    ),
    (
        Carousel(page_count=2, prices=[1.5], starts_on=date(2024, 2, 29)),
        {"type": "carousel", "pageCount": 2, "prices": [1.5], "startsOn": "2024-02-29"},
    ),
]


@pytest.mark.parametrize(("item", "expected"), KINDS, ids=[f"{item.type}-{n}" for n, (item, _) in enumerate(KINDS)])
def test_each_kind_has_its_exact_json(item: RichItem, expected: dict[str, Any]) -> None:
    payload = RichContent(item).payload()

    assert json.dumps(payload, sort_keys=True) == json.dumps({"richContent": [[expected]]}, sort_keys=True)
    assert next(iter(payload["richContent"][0][0])) == "type"


def test_a_list_is_one_card_and_an_item_alone_is_a_card_of_its_own() -> None:
    content = RichContent([Info("a"), Divider(), Info("b")], Chips("Yes"), (Html("c"),))

    kinds = [[item["type"] for item in card] for card in content.payload()["richContent"]]

    assert kinds == [["info", "divider", "info"], ["chips"], ["html"]]


def test_a_payload_message_carries_rich_content() -> None:
    answer = WebhookResponse(fulfillment_response=FulfillmentResponse(messages=[Payload(RichContent(Chips("Yes")))]))

    assert json.loads(answer.encode()) == {
        "fulfillmentResponse": {
            "messages": [{"payload": {"richContent": [[{"type": "chips", "options": [{"text": "Yes"}]}]]}}]
        }
    }


def test_a_later_change_of_what_went_in_changes_nothing() -> None:
    raw: dict[str, Any] = {"type": "new_kind", "rows": [1]}
    card: list[RichItem] = [RawItem(raw), CustomTemplate("t", raw)]
    content = RichContent(card)
    before = content.payload()

    raw["rows"].append(float("nan"))
    card.clear()

    assert content.payload() == before


def test_items_are_frozen_and_equal_by_value() -> None:
    info = Info("a", anchor=URL)

    assert info == Info("a", anchor=Anchor(URL))
    with pytest.raises(ValidationError, match="frozen"):
        info.title = "b"  # type: ignore[misc]


@pytest.mark.parametrize(
    "href",
    [
        "https://example.com",
        "http://localhost:8080/x",
        "HTTPS://EXAMPLE.COM",
        "https://[::1]/",
        "https://bücher.example/straße",
        "mailto:a@example.com",
        "tel:+14155550100",
    ],
)
def test_an_anchor_takes_web_mail_and_phone_links(href: str) -> None:
    assert Anchor(href).href == href


@pytest.mark.parametrize(
    "href",
    [
        "",
        " ",
        "https:",
        "https://",
        "https:///path",
        "https://?q",
        "https:example.com",
        "mailto:",
        "tel:",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "\x00javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://example.com",
        "//example.com",
        "/path",
        "path",
        "#top",
        "example.com",
        "https:\\\\example.com",
        "https://example.com\\@other.example",
        "https://example.com/a b",
        "https://example.com/\n",
        "https://example.com\n",
        " https://example.com",
        "http\u017f://example.com",
        "$session.params.url",
    ],
)
def test_an_anchor_refuses_other_links(href: str) -> None:
    with pytest.raises(ReplyError, match="absolute http, https, mailto or tel URL") as caught:
        Anchor(href)

    assert caught.value.field == "Anchor.href"
    with pytest.raises(ReplyError):
        Info("a", anchor=href)


@given(
    st.sampled_from(["javascript:", "JavaScript://a/%0a", "data:text/html,", "vbscript:", "blob:https://a/"]),
    st.text(alphabet=" \t\r\n\x00\x01\x7f\\/", max_size=3),
    st.integers(0, 12),
)
def test_no_disguise_lets_a_scheme_that_runs_code_through(url: str, junk: str, position: int) -> None:
    with pytest.raises(ReplyError):
        Anchor(url[:position] + junk + url[position:])


@pytest.mark.parametrize("url", ["", "mailto:a@example.com", "data:image/png;base64,AA==", "/a.png", "//a/b.png"])
def test_an_image_takes_web_urls_only(url: str) -> None:
    for build in (lambda: Image(url), lambda: Info("a", image=url), lambda: ChipOption("a", image=url)):
        with pytest.raises(ReplyError, match="absolute http or https URL") as caught:
            build()
        assert caught.value.field.endswith(".rawUrl")


def _any(value: Any) -> Any:
    """Hide the type of a wrong argument from the type checker."""
    return value


@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda: Info(_any(None)), "Info.title"),
        (lambda: Info(_any(5)), "Info.title"),
        (lambda: Info("a", _any(b"b")), "Info.subtitle"),
        (lambda: Info("a", image=_any(5)), "Info.image"),
        (lambda: Info("a", anchor=_any([URL])), "Info.anchor"),
        (lambda: Anchor(_any(None)), "Anchor.href"),
        (lambda: Anchor(URL, _any(1)), "Anchor.target"),
        (lambda: Description("a"), "Description.text"),
        (lambda: Description("a", "b", _any(5)), "Description.text[1]"),
        (lambda: Image(_any(None)), "Image.rawUrl"),
        (lambda: Image(PNG, _any(5)), "Image.accessibilityText"),
        (lambda: Video(_any(None)), "Video.source"),
        (lambda: VideoSource(URL, _any(None)), "VideoSource.type"),
        (lambda: Button(_any(None)), "Button.text"),
        (lambda: Button("a", event=_any(5)), "Button.event"),
        (lambda: Button("a", icon=_any(5)), "Button.icon"),
        (lambda: Icon(_any(None)), "Icon.type"),
        (lambda: ListItem(_any(None)), "ListItem.title"),
        (lambda: Accordion(_any(None)), "Accordion.title"),
        (Chips, "Chips.options"),
        (lambda: Chips("a", _any(5)), "Chips.options[1]"),
        (lambda: ChipOption(_any(True)), "ChipOption.text"),
        (MatchCitations, "MatchCitations.citations"),
        (lambda: MatchCitations(_any("a")), "MatchCitations.citations[0]"),
        (lambda: Citation(_any(None)), "Citation.title"),
        (Files, "Files.files"),
        (lambda: Files(_any("a")), "Files.files[0]"),
        (lambda: FileItem(_any(None)), "FileItem.name"),
        (lambda: Html(_any(None)), "Html.html"),
        (lambda: CustomTemplate(_any(None)), "CustomTemplate.name"),
        (lambda: CustomTemplate("a", float("nan")), "CustomTemplate.payload"),
        (lambda: CustomTemplate("a", {"b": [object()]}), "CustomTemplate.payload.b[0]"),
        (lambda: RawItem(_any(["type"])), "RawItem"),
        (lambda: RawItem({}), "RawItem.type"),
        (lambda: RawItem({"type": None}), "RawItem.type"),
        (lambda: RawItem({"type": 5}), "RawItem.type"),
        (lambda: RawItem({"type": ""}), "RawItem.type"),
        (lambda: RawItem({"type": "a", "b": float("inf")}), "RawItem.b"),
        (lambda: RawItem({"type": "a", _any(5): 1}), "RawItem"),
        (RichItem, "RichItem.type"),
        (lambda: RichItem(type="info", title="a"), "RichItem.title"),
        (lambda: Carousel(page_count=_any("2"), prices=[]), "Carousel.pageCount"),
        (RichContent, "RichContent.richContent"),
        (lambda: RichContent([]), "RichContent.richContent[0]"),
        (lambda: RichContent(Divider(), []), "RichContent.richContent[1]"),
        (lambda: RichContent(_any(None)), "RichContent.richContent"),
        (lambda: RichContent(_any({"type": "info"})), "RichContent.richContent"),
        (lambda: RichContent(_any("abc")), "RichContent.richContent[0][0]"),
        (lambda: RichContent(_any([[Divider()]])), "RichContent.richContent[0][0]"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(build: Callable[[], object], field: str) -> None:
    with pytest.raises(ReplyError) as caught:
        build()

    assert caught.value.field == field


def test_a_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(ReplyError) as caught:
        Info("a", anchor="javascript:canary")

    assert "canary" not in str(caught.value)


def test_an_own_kind_is_checked_when_it_is_written() -> None:
    content = RichContent([Divider(), Carousel(page_count=1, prices=[1.0, float("nan")])])

    with pytest.raises(ReplyError, match="not a finite number") as caught:
        content.payload()

    assert caught.value.field == "richContent[0][1].prices[1]"


def _nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "build", [lambda value: RawItem({"type": "a", "b": value}), lambda value: CustomTemplate("a", value)]
)
def test_the_depth_that_an_item_takes_is_what_a_payload_can_carry(build: Callable[[Any], RichItem]) -> None:
    deepest = MAX_DEPTH - 4

    assert Payload(RichContent(build(_nested(deepest)))).payload is not None
    with pytest.raises(ReplyError, match="deeper"):
        build(_nested(deepest + 1))


@given(rich_contents())
def test_any_rich_content_is_plain_json_of_its_own_shape(content: RichContent) -> None:
    payload = content.payload()

    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert list(payload) == ["richContent"]
    kinds = [[item["type"] for item in card] for card in payload["richContent"]]
    assert kinds == [[item.type for item in card] for card in content.rich_content]
    assert all(kinds)


@given(rich_contents())
def test_only_raw_parts_hold_nulls(content: RichContent) -> None:
    for card, written in zip(content.rich_content, content.payload()["richContent"], strict=True):
        for item, fields in zip(card, written, strict=True):
            if isinstance(item, RawItem):
                assert fields == item.item
            else:
                assert None not in [value for name, value in fields.items() if name != "payload"]


@given(rich_contents())
def test_any_rich_content_can_be_sent(content: RichContent) -> None:
    assert Payload(content).payload == content.payload()
