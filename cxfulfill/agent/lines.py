"""The line of an export's file that a finding is about, so that it can be shown there."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.model import Agent

_ESCAPED: Final = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&='"})
"""What exports escape besides what JSON asks for."""
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*+"')


def line_of(agent: Agent, finding: Finding) -> int:
    """Find the first line on which the subject of a finding stands.

    Args:
        agent: The agent.
        finding: The finding.

    Returns:
        The line; 0 where it is not known, as in a zip.
    """
    if finding.is_in_app or not finding.file or not agent.source.is_dir():
        return finding.line
    lines = _lines(agent.source / agent.root / finding.file)
    return next((lines[wanted] for wanted in _values(finding) if wanted in lines), 0)


def _values(finding: Finding) -> Iterator[str]:
    """Give what may stand in the file: the subject; the last part of the place, without its kind."""
    part = re.sub(
        r"^(?:route|event|parameter|webhook|initial prompt|reprompt) ", "", finding.place.rpartition(" > ")[2]
    )
    for each in (finding.about, *finding.about.split(" "), part):
        if each:
            text = json.dumps(each, ensure_ascii=False)
            yield from dict.fromkeys((text, text.translate(_ESCAPED)))


@lru_cache(maxsize=64)
def _lines(path: Path) -> Mapping[str, int]:
    """Give the first line of each text of a file, so that thousands of findings do not search it again and again."""
    found: dict[str, int] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return found
    for number, line in enumerate(lines, 1):
        for each in _TEXT.findall(line):
            found.setdefault(each, number)
    return found
