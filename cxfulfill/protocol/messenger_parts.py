"""The parts of Dialogflow Messenger items: anchors, pictures, options; and the guards of their URLs.

`cxfulfill.protocol.messenger` has the items and exports the parts.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from cxfulfill.protocol.base import Outgoing

# Browsers drop tabs and newlines, and read a backslash as a slash, before they look for a URL's scheme. A URL
# without any of them means the same to the browser as here.
_WEB = re.compile(r"https?://[^\x00-\x20\x7f\\/?#][^\x00-\x20\x7f\\]*", re.ASCII | re.IGNORECASE)
_CONTACT = re.compile(r"(mailto|tel):[^\x00-\x20\x7f\\]+", re.ASCII | re.IGNORECASE)


def _check_href(url: str) -> str:
    if not (_WEB.fullmatch(url) or _CONTACT.fullmatch(url)):
        raise PydanticCustomError("href", "Link should be an absolute http, https, mailto or tel URL")
    return url


def _check_raw_url(url: str) -> str:
    if not _WEB.fullmatch(url):
        raise PydanticCustomError("raw_url", "Image should be an absolute http or https URL")
    return url


def _short(part: type[Outgoing], member: str) -> BeforeValidator:
    """Let a text stand for the part that has this text as its only member."""
    return BeforeValidator(lambda value: part(**{member: value}) if isinstance(value, str) else value)


RawUrl = Annotated[str, AfterValidator(_check_raw_url)]


class Anchor(Outgoing):
    """Where a click leads (Dialogflow Messenger documentation).

    Args:
        href: Absolute URL: ``http``, ``https``, ``mailto`` or ``tel``. Schemes that can run code, such as
            ``javascript`` and ``data``, are refused, and so is a relative URL, since the page that it would
            belong to is not known here.
        target: Where it opens; the widget's default is ``_blank``.
    """

    href: Annotated[str, AfterValidator(_check_href)]
    target: str | None = None

    def __init__(self, href: str, target: str | None = None) -> None:
        super().__init__(href=href, target=target)


class Picture(Outgoing):
    """A picture inside an item: ``{"rawUrl": ...}`` (Dialogflow Messenger documentation).

    Args:
        raw_url: Its public ``http`` or ``https`` URL.
    """

    raw_url: RawUrl

    def __init__(self, raw_url: str) -> None:
        super().__init__(raw_url=raw_url)


class Event(Outgoing):
    """An event that a click sends to the agent: ``{"event": ...}`` (three public implementations).

    Args:
        event: Its name, as an event handler has it.
    """

    event: str

    def __init__(self, event: str) -> None:
        super().__init__(event=event)


class Icon(Outgoing):
    """The icon of a button (three public implementations).

    Args:
        type: Name of a Material icon, such as ``chevron_right``.
        color: A CSS colour.
    """

    type: str
    color: str | None = None

    def __init__(self, type: str, color: str | None = None) -> None:  # noqa: A002 (the member's name)
        super().__init__(type=type, color=color)


AnchorMember = Annotated[Anchor, _short(Anchor, "href")]
PictureMember = Annotated[Picture, _short(Picture, "raw_url")]
EventMember = Annotated[Event, _short(Event, "event")]
IconMember = Annotated[Icon, _short(Icon, "type")]


class VideoSource(Outgoing):
    """Where a video comes from (three public implementations).

    Args:
        anchor: Its URL.
        type: ``link``; the widget may know others.
    """

    type: str
    anchor: AnchorMember

    def __init__(self, anchor: str | Anchor, type: str = "link") -> None:  # noqa: A002 (the member's name)
        super().__init__(type=type, anchor=anchor)


class ChipOption(Outgoing):
    """One of the `Chips` (three public implementations).

    Args:
        text: What it says, and what a click says for the user.
        image: Picture in front of the text.
        anchor: Where a click leads.
        mode: The widget's mode for it.
    """

    text: str
    image: PictureMember | None = None
    anchor: AnchorMember | None = None
    mode: str | None = None

    def __init__(
        self,
        text: str,
        *,
        image: str | None = None,
        anchor: str | Anchor | None = None,
        mode: str | None = None,
    ) -> None:
        super().__init__(text=text, image=image, anchor=anchor, mode=mode)


class Citation(Outgoing):
    """One of the `MatchCitations` (three public implementations).

    Args:
        title: Name of the source.
        subtitle: A line below.
        anchor: Where a click leads.
    """

    title: str
    subtitle: str | None = None
    anchor: AnchorMember | None = None

    def __init__(self, title: str, subtitle: str | None = None, *, anchor: str | Anchor | None = None) -> None:
        super().__init__(title=title, subtitle=subtitle, anchor=anchor)


class FileItem(Outgoing):
    """One of the `Files` (three public implementations).

    Args:
        name: The file's name.
        image: Picture in front of the name.
        anchor: Where the file is.
    """

    name: str
    image: PictureMember | None = None
    anchor: AnchorMember | None = None

    def __init__(self, name: str, *, image: str | None = None, anchor: str | Anchor | None = None) -> None:
        super().__init__(name=name, image=image, anchor=anchor)


VideoSourceMember = Annotated[VideoSource, _short(VideoSource, "anchor")]
ChipOptionMember = Annotated[ChipOption, _short(ChipOption, "text")]
