"""A picture of an agent as SVG: flows as frames, pages as boxes in columns by their distance from the start page."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from cxfulfill.agent.picture import Box, Key, Picture, State

_WIDTH: Final = 220
_GAP: Final = 70
_BELOW: Final = 22
_PAD: Final = 24
_LINE: Final = 20
_HEAD: Final = 30
_LETTERS: Final = 26
"""Letters of a line in a box; the whole text is in its title."""
_COLOURS: Final = {State.HANDLED: "#137333", State.UNHANDLED: "#b3261e", State.UNKNOWN: "#5f6368"}
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#202124}.name{font-weight:600}.flow{font-size:15px;font-weight:700}"
    ".frame{fill:#f8f9fa;stroke:#9aa0a6}.box{fill:#fff;stroke:#5f6368}.way{fill:none;stroke:#5f6368;stroke-width:1.2}"
    ".reply{stroke-dasharray:5 3}"
)

_ARROW: Final = (
    '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5f6368"/></marker></defs>'
)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A box and where it is.

    Attributes:
        box: The box.
        x: Its left side.
        y: Its top.
    """

    box: Box
    x: int
    y: int

    @property
    def height(self) -> int:
        """How high it is."""
        return _HEAD + _LINE * len(self.box.tags) + (6 if self.box.tags else 0)


def as_svg(picture: Picture) -> str:
    """Draw a picture.

    Args:
        picture: What it shows.

    Returns:
        An SVG document without scripts, fonts or anything else from elsewhere.
    """
    frames, placed, bottom = _layout(picture)
    right = max((each.x + _WIDTH for each in placed.values()), default=_WIDTH) + 2 * _PAD
    size = f'width="{right}" height="{bottom + 40}" viewBox="0 0 {right} {bottom + 40}"'
    title = f"{picture.name}: flows, pages and the tags that they call"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
        f"<title>{_text(title)}</title><style>{_STYLE}</style>",
        _ARROW,
        '<rect width="100%" height="100%" fill="#fff"/>',
        *frames,
        *(_way(placed[start], placed[end]) for start, end in picture.ways),
        *(_way(placed[start], placed[end], "way reply") for start, end in picture.replies),
        *(part for each in placed.values() for part in _drawn(each)),
        *_legend(bottom + 22),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _layout(picture: Picture) -> tuple[list[str], Mapping[Key, _Placed], int]:
    """Place the flows below each other; give their frames, the boxes, and where it all ends."""
    frames: list[str] = []
    placed: dict[Key, _Placed] = {}
    top = _PAD
    for flow, boxes in picture.flows.items():
        here = list(_columns(boxes, (*picture.ways, *picture.replies), top + _PAD + 20))
        placed |= {each.box.key: each for each in here}
        bottom = max((each.y + each.height for each in here), default=top) + _PAD
        right = max((each.x + _WIDTH for each in here), default=_WIDTH) + _PAD - 4
        frames.append(
            f'<rect class="frame" x="8" y="{top}" width="{right - 8}" height="{bottom - top}" rx="8"/>'
            f'<text class="flow" x="{_PAD}" y="{top + 24}">{_text(flow or "All flows")}</text>'
        )
        top = bottom + _PAD
    return frames, placed, top


def _columns(boxes: tuple[Box, ...], ways: Iterable[tuple[Key, Key]], top: int) -> Iterator[_Placed]:
    depths = _depths(boxes, ways)
    ends: dict[int, int] = {}
    for box in boxes:
        depth = depths[box.key]
        placed = _Placed(box, _PAD + depth * (_WIDTH + _GAP), ends.get(depth, top))
        ends[depth] = placed.y + placed.height + _BELOW
        yield placed


def _depths(boxes: tuple[Box, ...], ways: Iterable[tuple[Key, Key]]) -> Mapping[Key, int]:
    """Count the steps from the flow's first box, its start page; what is not reached from there stands under it."""
    following: dict[Key, list[Key]] = {box.key: [] for box in boxes}
    for start, end in ways:
        if start in following and end in following:
            following[start].append(end)
    depths = {boxes[0].key: 0} if boxes else {}
    pending = deque(depths)
    while pending:
        key = pending.popleft()
        for each in following[key]:
            if each not in depths:
                depths[each] = depths[key] + 1
                pending.append(each)
    return {box.key: depths.get(box.key, 0) for box in boxes}


def _drawn(placed: _Placed) -> Iterator[str]:
    box, x, y = placed.box, placed.x, placed.y
    yield f"<g><title>{_text(_told(box))}</title>"
    yield f'<rect class="box" x="{x}" y="{y}" width="{_WIDTH}" height="{placed.height}" rx="6"/>'
    yield f'<text class="name" x="{x + 10}" y="{y + 20}">{_text(_short(box.name))}</text>'
    for at, tag in enumerate(box.tags):
        line = y + _HEAD + _LINE * at + 12
        colour = _COLOURS[tag.state]
        # The sign tells it too, to whom the colour does not.
        yield (
            f'<text x="{x + 10}" y="{line}" style="fill:{colour}"><tspan font-weight="700">{tag.state.value}</tspan> '
            f"{_text(_short(tag.text))}</text>"
        )
    yield "</g>"


def _told(box: Box) -> str:
    tags = "; ".join(f"{tag.text}: {tag.state.word}" for tag in box.tags)
    return f"{box.name}. {tags}" if tags else box.name


def _way(start: _Placed, end: _Placed, kind: str = "way") -> str:
    """Draw an arrow: from the right side to the left one, backwards the other way, within a column around the right."""
    x1, y1 = start.x + _WIDTH, start.y + 14
    x2, y2 = end.x, end.y + 18
    turn = (x1 + x2) // 2
    if end.x < start.x:
        x1, y1, x2, y2 = start.x, start.y + 24, end.x + _WIDTH, end.y + 26
        turn = (x1 + x2) // 2
    elif end.x == start.x:
        x2 = x1
        turn = x1 + _GAP // 2
    path = f"M{x1} {y1}C{turn} {y1} {turn} {y2} {x2} {y2}"
    return f'<path class="{kind}" d="{path}" marker-end="url(#end)"/>'


def _legend(y: int) -> Iterator[str]:
    for at, (state, colour) in enumerate(_COLOURS.items()):
        x = _PAD + at * 150
        yield f'<text x="{x}" y="{y}" style="fill:{colour}">{state.value} {state.word}</text>'
    x = _PAD + len(_COLOURS) * 150
    yield f'<path class="way reply" d="M{x} {y - 4}h30"/><text x="{x + 38}" y="{y}">by a reply</text>'


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _text(text: str) -> str:
    """Escape a text; what XML cannot hold is left out."""
    return escape("".join(each for each in text if each.isprintable()), {'"': "&quot;", "'": "&apos;"})
