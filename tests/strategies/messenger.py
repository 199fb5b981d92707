"""Any Dialogflow Messenger rich content that can be built, with any member set or left out."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

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
from cxfulfill.protocol.values import MAX_DOUBLE

_MAX_ITEMS: Final = 3

# Lone surrogates cannot be written as UTF-8; the encoder of the answer refuses them.
_CHARACTERS = st.characters(exclude_categories=["Cs"])
_TEXTS = st.text(_CHARACTERS, max_size=12)
_TEXT = st.none() | _TEXTS
_PATHS = st.text(st.characters(min_codepoint=0x21, exclude_categories=["Cs"], exclude_characters="\\\x7f"), max_size=8)
_WEB_URLS = st.builds("{}{}".format, st.sampled_from(["https://h", "http://h:1/", "HTTPS://[::1]/"]), _PATHS)
_CONTACT_URLS = st.builds("{}{}".format, st.sampled_from(["mailto:a", "tel:+1"]), _PATHS)

_ANCHORS = st.builds(Anchor, _WEB_URLS | _CONTACT_URLS, _TEXT)
_IMAGE = st.none() | _WEB_URLS
_ANCHOR = st.none() | _WEB_URLS | _ANCHORS
_ICON = st.none() | _TEXTS | st.builds(Icon, _TEXTS, _TEXT)

_NUMBERS = st.integers(-int(MAX_DOUBLE), int(MAX_DOUBLE)) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda values: st.lists(values, max_size=_MAX_ITEMS) | st.dictionaries(_TEXTS, values, max_size=_MAX_ITEMS),
    max_leaves=6,
)

_CITATIONS = st.builds(Citation, _TEXTS, _TEXT, anchor=_ANCHOR)
_FILES = st.builds(FileItem, _TEXTS, image=_IMAGE, anchor=_ANCHOR)
_OPTIONS = _TEXTS | st.builds(ChipOption, _TEXTS, image=_IMAGE, anchor=_ANCHOR, mode=_TEXT)


def _some(parts: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(parts, min_size=1, max_size=_MAX_ITEMS)


_ITEMS: SearchStrategy[RichItem] = st.one_of(
    st.builds(Info, _TEXTS, _TEXT, image=_IMAGE, anchor=_ANCHOR),
    st.tuples(_TEXT, _some(_TEXTS)).map(lambda parts: Description(parts[0], *parts[1])),
    st.builds(Image, _WEB_URLS, _TEXT, anchor=_ANCHOR),
    st.builds(Video, _WEB_URLS | st.builds(VideoSource, _WEB_URLS | _ANCHORS, _TEXTS), _TEXT),
    st.builds(Button, _TEXTS, anchor=_ANCHOR, event=_TEXT, icon=_ICON, mode=_TEXT),
    st.builds(ListItem, _TEXTS, _TEXT, image=_IMAGE, anchor=_ANCHOR, event=_TEXT),
    st.builds(Divider),
    st.builds(Accordion, _TEXTS, _TEXT, subtitle=_TEXT, image=_IMAGE),
    _some(_OPTIONS).map(lambda options: Chips(*options)),
    _some(_CITATIONS).map(lambda citations: MatchCitations(*citations)),
    _some(_FILES).map(lambda files: Files(*files)),
    st.builds(Html, _TEXTS),
    st.builds(CustomTemplate, _TEXTS, _VALUES),
    st.tuples(st.dictionaries(_TEXTS, _VALUES, max_size=_MAX_ITEMS), st.text(_CHARACTERS, min_size=1, max_size=12)).map(
        lambda parts: RawItem({**parts[0], "type": parts[1]})
    ),
)


def rich_contents() -> SearchStrategy[RichContent]:
    """Rich content of a few cards: items alone, and lists of items of every kind."""
    cards = st.lists(_ITEMS | _some(_ITEMS), min_size=1, max_size=_MAX_ITEMS)
    return cards.map(lambda chosen: RichContent(*chosen))
