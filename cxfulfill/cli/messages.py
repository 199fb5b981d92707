"""The messages of an answer as text, and what of them can be clicked on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cxfulfill.cli.outline import Line
from cxfulfill.simulator.telling import short


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be clicked on.

    Attributes:
        kind: What a click does: say a text, trigger an event, or open a link.
        value: The text, event or URL.
    """

    kind: Literal["text", "event", "link"]
    value: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as text.

    Attributes:
        lines: The lines.
        markdown: The text of a text message, which widgets read as Markdown; None for other messages.
        others: The lines about its other variants.
    """

    lines: tuple[Line, ...]
    markdown: str | None = None
    others: tuple[Line, ...] = ()


class Messages:
    """Shows the messages of an answer.

    Args:
        numbered: Whether what can be clicked on gets numbers.

    Attributes:
        choices: What can be clicked on; the first one has the number 1.
    """

    def __init__(self, *, numbered: bool) -> None:
        self.choices: list[Choice] = []
        self._numbered = numbered

    def show(self, message: Mapping[str, Any]) -> Shown:
        """Show a message.

        Args:
            message: The message as JSON, with the names of members as documented.

        Returns:
            What is shown of it.
        """
        channel = message.get("channel")
        note = f" (on {channel} only)" if channel else ""
        texts = _member(message, "text").get("text")
        if isinstance(texts, list) and texts:
            others = _lines(f"(or {' or '.join(map(short, texts[1:]))})") if len(texts) > 1 else ()
            return Shown((*_lines(f"{texts[0]}{note}"), *others), f"{texts[0]}{note}", others)
        return Shown(tuple(self._lines(message, note)))

    def _lines(self, message: Mapping[str, Any], note: str) -> Iterator[Line]:
        cards = _member(message, "payload").get("richContent")
        if isinstance(cards, list):
            yield from map(Line, [note.strip(" ()")] if note else [])
            for card in cards:
                yield from self._card(card)
            return
        for kind, told in _KINDS.items():
            if kind in message:
                yield from _lines(f"{told(_member(message, kind))}{note}")
                return
        yield from _lines(f"message {short(dict(message))}")

    def _card(self, card: Any) -> Iterator[Line]:
        items = [item for item in card if isinstance(item, dict)] if isinstance(card, list) else []
        if not items:
            yield from _lines(f"card {short(card)}")
        for item in items:
            yield from self._item(item)

    def _item(self, item: Mapping[str, Any]) -> Iterator[Line]:
        kind = str(item.get("type"))
        if kind == "divider":
            yield Line("----")
        elif kind == "chips":
            for option in _objects(item, "options"):
                text = str(option.get("text", ""))
                yield from self._choice(option, text if self._numbered else f"chip: {text}", Choice("text", text))
        elif kind in ("button", "list") or ("anchor" in item and kind in _TITLED):
            label = " - ".join(_told(item, "text", "title", "subtitle", "accessibilityText"))
            yield from self._choice(item, f"{kind}: {label}", None)
        elif kind in _LISTED:
            yield Line(kind)
            yield from (Line(f"  {each}") for each in map(_entry, _objects(item, _LISTED[kind])))
        else:
            yield from _plain_item(kind, item)

    def _choice(self, item: Mapping[str, Any], label: str, otherwise: Choice | None) -> Iterator[Line]:
        """Number an item where a click on it does something."""
        event, href = _member(item, "event").get("event"), _href(item)
        choice = otherwise
        if event:
            choice, label = Choice("event", str(event)), f"{label} (event {event})"
        elif href:
            choice, label = Choice("link", href), f"{label} ({href})"
        if choice is not None:
            self.choices.append(choice)
            label = f"[{len(self.choices)}] {label}" if self._numbered else label
        yield from _lines(label)


_TITLED: Final = frozenset({"info", "image"})
_LISTED: Final[Mapping[str, str]] = {"match_citations": "citations", "files": "files"}


def _plain_item(kind: str, item: Mapping[str, Any]) -> Iterator[Line]:
    told = _told(item, "title", "subtitle", "text", "accessibilityText", "html", "name", "rawUrl")
    source = _href(_member(item, "source")) or str(_member(item, "source").get("rawUrl", ""))
    rest = [*told, *([source] if source else [])]
    yield from _lines(f"{kind}: {' - '.join(rest)}" if rest else f"{kind} {short(dict(item))}")


def _told(item: Mapping[str, Any], *names: str) -> Iterator[str]:
    """Give the texts of an item; a list of texts is one of several lines."""
    for name in names:
        value = item.get(name)
        if isinstance(value, list):
            yield "\n".join(map(str, value))
        elif value:
            yield str(value)


def _entry(entry: Mapping[str, Any]) -> str:
    link = _href(entry)
    return " - ".join(_told(entry, "title", "subtitle", "name")) + (f" ({link})" if link else "")


def _href(item: Mapping[str, Any]) -> str:
    anchor = item.get("anchor")
    href = anchor.get("href") if isinstance(anchor, dict) else anchor
    return href if isinstance(href, str) else ""


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _objects(item: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    found = item.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _lines(text: str) -> tuple[Line, ...]:
    return tuple(map(Line, text.split("\n")))


def _signal(name: str) -> Callable[[Mapping[str, Any]], str]:
    def told(content: Mapping[str, Any]) -> str:
        metadata = content.get("metadata")
        return f"{name} {short(metadata)}" if metadata else name

    return told


def _speech(content: Mapping[str, Any]) -> str:
    return f"speech (SSML): {content['ssml']}" if content.get("ssml") else f"speech: {content.get('text', '')}"


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "outputAudioText": _speech,
    "playAudio": lambda content: f"audio: {content.get('audioUri', '')}",
    "telephonyTransferCall": lambda content: f"transfer of the call to {content.get('phoneNumber', '')}",
    "liveAgentHandoff": _signal("hand-over to a person"),
    "conversationSuccess": _signal("signal that the conversation succeeded"),
    "knowledgeInfoCard": _signal("marker for a knowledge card"),
    "toolCall": lambda content: f"tool call {short(dict(content))}",
    "payload": lambda content: f"payload {short(dict(content))}",
}
"""What is told of each kind of message but texts and rich content."""
