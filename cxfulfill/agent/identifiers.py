"""Names and texts of an agent in Python source: whatever stands in them, they stay names and texts."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import Final

LINE: Final = 120
"""Columns of a line."""
_LONGEST: Final = 40  # characters of a name
_SHOWN: Final = 90  # characters of a text in a comment or docstring
_NEVER: Final = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "l", "I", "O"})


def snake(text: str) -> str:
    """Make a name of a text, as functions and fields have it.

    Args:
        text: The text.

    Returns:
        Words of the text in lower case; empty where it has none.
    """
    return _words(text, str.lower)


def upper(text: str) -> str:
    """Make a name of a text, as constants have it.

    Args:
        text: The text.

    Returns:
        Words of the text in upper case; empty where it has none.
    """
    return _words(text, str.upper)


def pascal(text: str) -> str:
    """Make a name of a text, as classes have it.

    Args:
        text: The text.

    Returns:
        Words of the text without space between; empty where it has none.
    """
    return "".join(word[:1].upper() + word[1:] for word in _words(text, str).split("_"))


def unique(name: str, otherwise: str, taken: Collection[str]) -> str:
    """Make a name one that may be used.

    Args:
        name: The name; empty, or one that begins with a digit or means something else in Python, is changed.
        otherwise: What it is called, or begins with, where it is no name by itself.
        taken: The names that there are.

    Returns:
        A name that there is not yet.
    """
    first = name if name.isidentifier() else f"{otherwise}_{name}" if name else otherwise
    if first in _NEVER:
        first = f"{first}_"
    found, number = first, 2
    while found in taken:
        found, number = f"{first.rstrip('_')}_{number}", number + 1
    return found


def _words(text: str, case: Callable[[str], str]) -> str:
    """Keep what names may hold; Python reads names in the form NFKC."""
    plain = unicodedata.normalize("NFKC", case(unicodedata.normalize("NFKC", text)))
    spaced = "".join(each if f"a{each}".isidentifier() else "_" for each in plain)
    return re.sub("_+", "_", spaced).strip("_")[:_LONGEST].rstrip("_")


def quoted(text: str) -> str:
    """Write a text as a literal, quoted as formatters do it.

    Args:
        text: The text.

    Returns:
        The literal, on one line.
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(_escaped(each, quote) for each in text) + quote


def _escaped(character: str, quote: str) -> str:
    if character in (quote, "\\"):
        return f"\\{character}"
    return character if character.isprintable() else repr(character)[1:-1]


def pieces(text: str, room: int) -> list[str]:
    """Write a text as literals that mean it one behind the other.

    Args:
        text: The text.
        room: Columns of each.

    Returns:
        The literals; one where it has room.
    """
    whole = quoted(text)
    if width(whole) <= room:
        return [whole]
    found, begin = [], 0
    for end in range(1, len(text) + 1):
        if width(quoted(text[begin : end + 1])) > room or end == len(text):
            found.append(quoted(text[begin:end]))
            begin = end
    return found


def literal(text: str, indent: int, around: int = 0) -> str:
    """Write a text as an expression that may have several lines.

    Args:
        text: The text.
        indent: Columns in front of the line that it stands on.
        around: Columns that the rest of that line takes.

    Returns:
        A literal, or several in parentheses.
    """
    if width(quoted(text)) <= LINE - indent - around:
        return quoted(text)
    inner = "\n".join(f"{' ' * (indent + 4)}{each}" for each in pieces(text, LINE - indent - 4))
    return f"(\n{inner}\n{' ' * indent})"


def call(function: str, text: str, indent: int) -> str:
    """Write a call with a text as its one argument.

    Args:
        function: What is called, with what stands in front of it.
        text: The text.
        indent: Columns in front of the line.

    Returns:
        The call, on one line or several.
    """
    whole = literal(text, indent, width(function) + 2)
    if whole.startswith("(") or width(whole) > LINE - indent - width(function) - 2:
        return f"{function}{whole}"
    return f"{function}({whole})"


def width(text: str) -> int:
    """Count the columns of a text.

    Args:
        text: The text.

    Returns:
        Columns; wide characters take two.
    """
    return len(text) + sum(unicodedata.east_asian_width(each) in "WF" for each in text if not each.isascii())


def told(text: str, longest: int = _SHOWN) -> str:
    """Give a text as it may stand in a comment or a docstring.

    Args:
        text: The text.
        longest: Characters of it.

    Returns:
        The text on one line, without double quotes and what cannot be printed, and cut.
    """
    plain = "".join(each if each.isprintable() else " " for each in text.replace('"', "'"))
    short = " ".join(plain.split())
    return short if width(short) <= longest else f"{''.join(_fitting(short, longest - 3))}..."


def _fitting(text: str, room: int) -> Iterator[str]:
    for each in text:
        room -= width(each)
        if room < 0:
            return
        yield each
