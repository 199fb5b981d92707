"""The line of an export's file that a finding is about, so that it can be shown there."""

import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.model import Agent

_ESCAPED: Final = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&='"})
"""What exports escape besides what JSON asks for."""
_KIND: Final = re.compile(r"(?:^| > )(route|event|parameter|webhook|initial prompt|reprompt) (.+)$")

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*+"')


def line_of(agent: Agent, finding: Finding) -> int:
    """Find the line on which the subject of a finding stands: the first one behind the beginning of its place.

    Args:
        agent: The agent.
        finding: The finding.

    Returns:
        The line; 0 where it is not known, as in a zip.
    """
    if finding.is_in_app or not finding.file or not agent.source.is_dir():
        return finding.line
    lines = _lines(agent.source / agent.root / finding.file)
    place = 0
    for name in _names(finding.place):
        place = _line(lines, name, place) or place
    subjects = [each for each in (finding.about, *finding.about.split(" ")) if each]
    found = (_line(lines, each, begin) for begin in (place, 0) for each in subjects)
    return next(filter(None, found), place)


def _names(place: str) -> list[str]:
    """Give the texts that a place in a file begins with: the event, or the parameter and the event of a reprompt."""
    known = _KIND.search(place)
    if known is None:
        return []
    kind, name = known.groups()
    reprompt = re.fullmatch(r"(.+) \((.+?)\)", name) if kind == "reprompt" else None
    return list(reprompt.groups()) if reprompt else [name]


def _line(lines: Mapping[str, list[int]], name: str, begin: int) -> int:
    """Give the first line from ``begin`` on that has a text; 0 for none."""
    text = json.dumps(name, ensure_ascii=False)
    numbers = (lines.get(form, []) for form in (text, text.translate(_ESCAPED)))
    found = [each[at] for each in numbers if (at := bisect_left(each, begin)) < len(each)]
    return min(found, default=0)


@lru_cache(maxsize=64)
def _lines(path: Path) -> Mapping[str, list[int]]:
    """Give the lines of each text of a file, so that thousands of findings do not search it again and again."""
    found: dict[str, list[int]] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return found
    for number, line in enumerate(lines, 1):
        for each in dict.fromkeys(_TEXT.findall(line)):
            found.setdefault(each, []).append(number)
    return found
