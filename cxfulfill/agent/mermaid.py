"""A picture of an agent in Mermaid, which GitHub and others draw where it stands in Markdown."""

from collections.abc import Iterator

from cxfulfill.agent.picture import Box, Key, Picture, State

_STYLES = {
    State.HANDLED: "fill:#e6f4ea,stroke:#137333,color:#0b3d1c",
    State.UNHANDLED: "fill:#fce8e6,stroke:#b3261e,color:#601410,stroke-dasharray:4 2",
    State.UNKNOWN: "fill:#f1f3f4,stroke:#5f6368,color:#202124",
}


def as_mermaid(picture: Picture) -> str:
    """Draw a picture.

    Args:
        picture: What it shows.

    Returns:
        The text of a ``.mmd`` file.
    """
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    ids: dict[Key, str] = {}
    yield "flowchart LR"
    for state, style in _STYLES.items():
        yield f"  classDef {state.name.lower()} {style}"
    for at, (flow, boxes) in enumerate(picture.flows.items()):
        yield f"  subgraph flow{at}[{_quoted(flow or 'All flows')}]"
        for box in boxes:
            ids[box.key] = f"page{len(ids)}"
            yield from _box(ids[box.key], box)
        yield "  end"
    for start, end in picture.ways:
        yield f"  {ids[start]} --> {ids[end]}"
    for start, end in picture.replies:
        yield f"  {ids[start]} -. reply .-> {ids[end]}"


def _box(name: str, box: Box) -> Iterator[str]:
    yield f"    {name}[{_quoted(box.name)}]"
    for at, tag in enumerate(box.tags):
        yield f"    {name}t{at}([{_quoted(f'{tag.state.value} {tag.text}')}]):::{tag.state.name.lower()}"
        yield f"    {name} -.- {name}t{at}"


def _quoted(text: str) -> str:
    """Write a text: whatever might be read as Mermaid, Markdown or HTML, as a code of its character."""
    safe = "".join(
        each if each.isalnum() or each in " -_.,:()/✓✗•" else f"#{ord(each)};" for each in text.replace("\n", " ")
    )
    return f'"{safe}"'
