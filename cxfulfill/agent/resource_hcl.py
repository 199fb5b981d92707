"""Values and blocks of HCL, the language of Terraform."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_INDENT: Final = "  "
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


class Expression(str):
    """What stands in HCL without quotes, such as ``var.password``."""

    __slots__ = ()


def quoted(text: str) -> str:
    """Write text as a quoted template without any interpolation.

    Args:
        text: Any text.

    Returns:
        It in quotes.
    """
    made = []
    for place, character in enumerate(text):
        if character in "$%" and text[place + 1 : place + 2] == "{":
            # Doubled behind another one it would be read with that.
            is_first = text[place - 1 : place] != character
            made.append(character * 2 if is_first else f"\\u{ord(character):04x}")
        elif character in _ESCAPES:
            made.append(_ESCAPES[character])
        elif character.isprintable():
            made.append(character)
        else:
            code = ord(character)
            made.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return f'"{"".join(made)}"'


def value(given: Any, depth: int = 0) -> str:
    """Write a value.

    Args:
        given: Text, an `Expression`, a truth value, a list, or a mapping.
        depth: How deep it stands.

    Returns:
        The value, over several lines where it has members.
    """
    if isinstance(given, Expression):
        return str(given)
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, str):
        return quoted(given)
    inner, outer = _INDENT * (depth + 1), _INDENT * depth
    if isinstance(given, Mapping):
        lines = [f"{inner}{quoted(name)} = {value(member, depth + 1)}\n" for name, member in given.items()]
        return "{\n" + "".join(lines) + outer + "}" if lines else "{}"
    lines = [f"{inner}{value(member, depth + 1)},\n" for member in given]
    return "[\n" + "".join(lines) + outer + "]" if lines else "[]"


def block(head: str, arguments: Mapping[str, Any], blocks: Iterable[str] = (), depth: int = 0) -> str:
    """Write a block.

    Args:
        head: Its type and labels.
        arguments: Its arguments.
        blocks: The blocks in it, written with a depth of one more.
        depth: How deep it stands.

    Returns:
        The block, which ends with a line end.
    """
    outer, inner = _INDENT * depth, _INDENT * (depth + 1)
    width = max(map(len, arguments), default=0)
    lines = [f"{inner}{name:{width}} = {value(member, depth + 1)}\n" for name, member in arguments.items()]
    return f"{outer}{head} {{\n" + "".join(lines) + "".join(f"\n{each}" for each in blocks) + f"{outer}}}\n"


def comment(text: str) -> str:
    """Write a comment.

    Args:
        text: The text.

    Returns:
        A line of comment for each of its lines.
    """
    return "".join(f"# {line}\n" for line in text.splitlines())
