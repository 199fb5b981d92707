"""Pages as the tests run them."""

import builtins
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]


def snippets(page: Path) -> dict[str, Any]:
    """Run the Python blocks of a page in order, and give the names that they leave: none for a page without blocks."""
    document = Sybil([PythonCodeBlockParser()], path=str(ROOT)).parse(page)
    for example in document.examples():
        example.evaluate()
    names: dict[str, Any] = document.namespace
    if names:
        names["__builtins__"] = builtins  # taken out by sybil; strftime looks for it in its caller's globals
    return names
