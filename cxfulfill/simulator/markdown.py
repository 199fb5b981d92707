"""Markdown as a tree of tags and texts, from which the console's page builds its elements."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from cxfulfill.errors import ConfigurationError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

Node = Mapping[str, Any]
"""``{"text": ...}``, or ``{"tag": ..., "children": [...]}`` with ``href``, ``alt`` or ``start`` where it has one."""

_TAGS: Final[Mapping[str, str]] = {
    "paragraph": "p", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "blockquote": "blockquote",
    "strong": "strong", "em": "em", "s": "s", "link": "a", "hr": "hr", "hardbreak": "br", "softbreak": "br",
    "table": "table", "thead": "thead", "tbody": "tbody", "tr": "tr", "th": "th", "td": "td",
}  # fmt: skip
_MAX_NESTING: Final = 50
_CODE: Final[Mapping[str, str]] = {"code_inline": "code", "code_block": "pre", "fence": "pre"}


@lru_cache(maxsize=1024)
def tree(text: str) -> tuple[Node, ...]:
    """Read a text as Markdown. HTML in it is text, and an image is no more than its description and URL.

    Args:
        text: The text of a message.

    Returns:
        The blocks. They are kept for the next who asks: don't change them. A text in which emphasis is nested beyond
        all reason is one paragraph as it stands.

    Raises:
        ConfigurationError: The package that reads Markdown is not installed.
    """
    tokens = _parser().parse(text)
    from markdown_it.tree import SyntaxTreeNode  # noqa: PLC0415 - of an extra, which is there

    if any(_is_deep(token.children or ()) for token in tokens):  # the parser bounds all nesting but this
        return ({"tag": "p", "children": [{"text": text}]},)
    return tuple(_nodes(SyntaxTreeNode(tokens).children))


def _is_deep(tokens: "Iterable[Token]") -> bool:
    return any(depth > _MAX_NESTING for depth in accumulate(token.nesting for token in tokens))


@cache
def _parser() -> "MarkdownIt":
    try:
        from markdown_it import MarkdownIt  # noqa: PLC0415 - of an extra
    except ImportError:
        raise ConfigurationError.for_extra("the console", "tools") from None
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _nodes(nodes: "Iterable[SyntaxTreeNode]") -> Iterator[Node]:
    for node in nodes:
        if node.type in ("inline", "text") and node.children:
            yield from _nodes(node.children)
        elif node.type in _CODE:
            yield {"tag": _CODE[node.type], "children": [{"text": node.content}]}
        elif node.type == "image":
            yield {"tag": "img", "alt": node.content, "href": str(node.attrs.get("src", "")), "children": []}
        elif node.type == "heading":
            yield {"tag": "heading", "children": list(_nodes(node.children))}
        elif tag := _TAGS.get(node.type):
            yield _element(tag, node)
        elif node.content:
            yield {"text": node.content}


def _element(tag: str, node: "SyntaxTreeNode") -> Node:
    element: dict[str, Any] = {"tag": tag, "children": list(_nodes(node.children))}
    if "href" in node.attrs:
        element["href"] = str(node.attrs["href"])
    if "start" in node.attrs:
        element["start"] = node.attrs["start"]
    return element
