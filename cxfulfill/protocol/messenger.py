"""Dialogflow Messenger rich content: cards of items, in the current form of the widget.

Google's page "Dialogflow Messenger fulfillment" is the source of the frame and of `Info`. The other kinds are
those on which three public implementations agree; `CustomTemplate` is that of two public demos by Google.
`RawItem` sends a kind, or a member, that is not among them.

One rule makes the common case short: a text stands for the part that is made of it. ``image="https://..."``
is ``image.rawUrl``, ``anchor="https://..."`` is ``anchor.href``, ``event="book-room"`` is ``event.event``;
``Chips("Yes", "No")`` has two options.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, SerializeAsAny, model_serializer

from cxfulfill.errors import ReplyError
from cxfulfill.protocol.base import Outgoing
from cxfulfill.protocol.messenger_parts import (
    Anchor,
    AnchorMember,
    ChipOption,
    ChipOptionMember,
    Citation,
    EventMember,
    FileItem,
    Icon,
    IconMember,
    PictureMember,
    RawUrl,
    VideoSource,
    VideoSourceMember,
)
from cxfulfill.protocol.values import MAX_DEPTH, to_json_object, to_json_value

__all__ = [
    "Accordion", "Anchor", "Button", "ChipOption", "Chips", "Citation", "CustomTemplate", "Description",
    "Divider", "FileItem", "Files", "Html", "Icon", "Image", "Info", "ListItem", "MatchCitations", "RawItem",
    "RichContent", "RichItem", "Video", "VideoSource",
]  # fmt: skip

_DEPTH = MAX_DEPTH - 4
"""Levels left below an item's member: payload, richContent, card and item stand above it."""


class RichItem(Outgoing):
    """An item of a card. For a kind of your own, subclass it: a default for ``type``, and the members.

    Args:
        members: The members; each subclass names its own.
    """

    type: str = Field(min_length=1)

    def __init__(self, **members: Any) -> None:
        super().__init__(**members)


class Info(RichItem):
    """A title card (Dialogflow Messenger documentation).

    Args:
        title: Its title.
        subtitle: A line below.
        image: Picture beside the title.
        anchor: Where a click leads.
    """

    type: Literal["info"] = "info"
    title: str
    subtitle: str | None = None
    image: PictureMember | None = None
    anchor: AnchorMember | None = None

    def __init__(
        self,
        title: str,
        subtitle: str | None = None,
        *,
        image: str | None = None,
        anchor: str | Anchor | None = None,
    ) -> None:
        super().__init__(title=title, subtitle=subtitle, image=image, anchor=anchor)


class Description(RichItem):
    """A title with lines of text (three public implementations).

    Args:
        title: Its title; None for lines alone.
        text: The lines; at least one.
    """

    type: Literal["description"] = "description"
    title: str | None = None
    text: list[str] = Field(min_length=1)

    def __init__(self, title: str | None, *text: str) -> None:
        super().__init__(title=title, text=list(text))


class Image(RichItem):
    """An image (three public implementations).

    Args:
        raw_url: Its public ``http`` or ``https`` URL.
        accessibility_text: What it shows, for those who do not see it.
        anchor: Where a click leads.
    """

    type: Literal["image"] = "image"
    raw_url: RawUrl
    accessibility_text: str | None = None
    anchor: AnchorMember | None = None

    def __init__(
        self, raw_url: str, accessibility_text: str | None = None, *, anchor: str | Anchor | None = None
    ) -> None:
        super().__init__(raw_url=raw_url, accessibility_text=accessibility_text, anchor=anchor)


class Video(RichItem):
    """A video (three public implementations).

    Args:
        source: Its URL, or a `VideoSource` of another type than ``link``.
        accessibility_text: What it shows, for those who do not see it.
    """

    type: Literal["video"] = "video"
    source: VideoSourceMember
    accessibility_text: str | None = None

    def __init__(self, source: str | VideoSource, accessibility_text: str | None = None) -> None:
        super().__init__(source=source, accessibility_text=accessibility_text)


class Button(RichItem):
    """A button (three public implementations). Without anchor and event, a click is for scripts of the page.

    Args:
        text: What it says.
        anchor: Where a click leads.
        event: The event that a click sends to the agent.
        icon: The icon in front of the text.
        mode: The widget's mode for it.
    """

    type: Literal["button"] = "button"
    icon: IconMember | None = None
    mode: str | None = None
    text: str
    anchor: AnchorMember | None = None
    event: EventMember | None = None

    def __init__(
        self,
        text: str,
        *,
        anchor: str | Anchor | None = None,
        event: str | None = None,
        icon: str | Icon | None = None,
        mode: str | None = None,
    ) -> None:
        super().__init__(text=text, anchor=anchor, event=event, icon=icon, mode=mode)


class ListItem(RichItem):
    """A line of a list, of type ``list``; `Divider` goes between two (three public implementations).

    Args:
        title: Its title.
        subtitle: A line below.
        image: Picture beside the title.
        anchor: Where a click leads.
        event: The event that a click sends to the agent.
    """

    type: Literal["list"] = "list"
    title: str
    subtitle: str | None = None
    image: PictureMember | None = None
    anchor: AnchorMember | None = None
    event: EventMember | None = None

    def __init__(
        self,
        title: str,
        subtitle: str | None = None,
        *,
        image: str | None = None,
        anchor: str | Anchor | None = None,
        event: str | None = None,
    ) -> None:
        super().__init__(title=title, subtitle=subtitle, image=image, anchor=anchor, event=event)


class Divider(RichItem):
    """A line between two items (three public implementations)."""

    type: Literal["divider"] = "divider"

    def __init__(self) -> None:
        super().__init__()


class Accordion(RichItem):
    """A title that opens on a click to show its text (three public implementations).

    Args:
        title: Its title.
        text: What it shows. The widget reads HTML here: escape what came from outside.
        subtitle: A line below the title.
        image: Picture beside the title.
    """

    type: Literal["accordion"] = "accordion"
    title: str
    subtitle: str | None = None
    image: PictureMember | None = None
    text: str | None = None

    def __init__(
        self, title: str, text: str | None = None, *, subtitle: str | None = None, image: str | None = None
    ) -> None:
        super().__init__(title=title, text=text, subtitle=subtitle, image=image)


class Chips(RichItem):
    """Suggestions to click on (three public implementations).

    Args:
        options: The suggestions; at least one.
    """

    type: Literal["chips"] = "chips"
    options: list[ChipOptionMember] = Field(min_length=1)

    def __init__(self, *options: str | ChipOption) -> None:
        super().__init__(options=list(options))


class MatchCitations(RichItem):
    """The sources of an answer (three public implementations).

    Args:
        citations: The sources; at least one.
    """

    type: Literal["match_citations"] = "match_citations"
    citations: list[Citation] = Field(min_length=1)

    def __init__(self, *citations: Citation) -> None:
        super().__init__(citations=list(citations))


class Files(RichItem):
    """Files to open (three public implementations).

    Args:
        files: The files; at least one.
    """

    type: Literal["files"] = "files"
    files: list[FileItem] = Field(min_length=1)

    def __init__(self, *files: FileItem) -> None:
        super().__init__(files=list(files))


class Html(RichItem):
    """A piece of HTML (three public implementations).

    Args:
        html: The HTML. It is sent as it is: escape what came from outside.
    """

    type: Literal["html"] = "html"
    html: str

    def __init__(self, html: str) -> None:
        super().__init__(html=html)


def _template_payload(value: Any) -> Any:
    try:
        return to_json_value(value, depth=_DEPTH)
    except ReplyError as error:
        raise error.under("CustomTemplate.payload") from None


class CustomTemplate(RichItem):
    """An item that the page around the widget renders (two public demos by Google).

    Args:
        name: Name of the page's template, a custom element.
        payload: Any JSON value for it.
    """

    type: Literal["custom_template"] = "custom_template"
    name: str
    payload: Annotated[Any, PlainValidator(_template_payload)] = None

    def __init__(self, name: str, payload: Any = None) -> None:
        super().__init__(name=name, payload=payload)


class RawItem(RichItem):
    """An item as it stands on the wire, for kinds and members that have no class here.

    Nothing is checked but that it is a JSON object with a type: its URLs are the caller's care.

    Args:
        item: The item, such as ``{"type": "carousel", "pages": [...]}``.
    """

    item: dict[str, Any]

    def __init__(self, item: Mapping[str, Any]) -> None:
        if not isinstance(item, Mapping):
            raise ReplyError("RawItem", "must be an object")
        try:
            plain = to_json_object(item, depth=_DEPTH)
        except ReplyError as error:
            raise error.under("RawItem") from None
        super().__init__(type=plain.get("type"), item=plain)

    @model_serializer
    def _as_it_stands(self) -> dict[str, Any]:
        return self.item


def _card(card: RichItem | Sequence[RichItem]) -> list[RichItem]:
    if isinstance(card, RichItem):
        return [card]
    if not isinstance(card, Sequence):
        raise ReplyError("RichContent.richContent", "must be items and lists of items")
    return list(card)


class RichContent(Outgoing):
    """Rich content of a custom payload: cards of items (Dialogflow Messenger documentation).

    Args:
        cards: The cards; at least one. A card is a list of items, at least one, that are shown bound
            together; an item alone is a card of its own.
    """

    rich_content: list[Annotated[list[SerializeAsAny[RichItem]], Field(min_length=1)]] = Field(min_length=1)

    def __init__(self, *cards: RichItem | Sequence[RichItem]) -> None:
        super().__init__(rich_content=[_card(card) for card in cards])

    def payload(self) -> dict[str, Any]:
        """Write the content as the custom payload that carries it.

        Returns:
            ``{"richContent": [[item, ...], ...]}`` of plain JSON values, without the members that are None.

        Raises:
            ReplyError: A member of a `RichItem` subclass cannot be written as JSON.
        """
        return to_json_object(self.model_dump(exclude_none=True), depth=MAX_DEPTH - 1)
