"""Pages as the tests run them."""

import builtins
import re
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
_FILE = re.compile(r"^```\w+\n(?:#|//) (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def snippets(page: Path) -> dict[str, Any]:
    """Run the Python blocks of a page in order, and give the names that they leave: none for a page without blocks."""
    document = Sybil([PythonCodeBlockParser()], path=str(ROOT)).parse(page)
    for example in document.examples():
        example.evaluate()
    names: dict[str, Any] = document.namespace
    if names:
        names["__builtins__"] = builtins  # taken out by sybil; strftime looks for it in its caller's globals
    return names


def write_files(page: Path, folder: Path) -> list[str]:
    """Write the blocks of a page whose first line is a comment with a file's name, and give the names."""
    found = _FILE.findall(page.read_text(encoding="utf-8"))
    for name, text in found:
        (folder / name).write_text(text, encoding="utf-8")
    return [name for name, _ in found]


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub and MkDocs make them."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    plain = [re.sub(r"[^\w -]", "", heading.lower()) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    return {heading.replace(" ", "-") for heading in plain}


def dead_links(page: Path) -> list[str]:
    """Find the links of a page that lead to no file, or to no heading of a page."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    dead = []
    for target, anchor in re.findall(r"\]\((?!https://)([^)#]*)#?([^)]*)\)", text):
        path = page.parent / target if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(f"{target}#{anchor}")
    return dead
