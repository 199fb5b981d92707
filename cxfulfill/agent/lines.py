"""The line of an export's file that a finding is about, so that it can be shown there."""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from cxfulfill.agent.findings import Finding
from cxfulfill.agent.model import Agent

_ESCAPED: Final = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&='"})
"""What exports escape besides what JSON asks for."""
_KIND: Final = re.compile(r"(?:^| > )(route|event|parameter|webhook|initial prompt|reprompt) (.+)$")


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


def _line(lines: tuple[str, ...], name: str, begin: int) -> int:
    text = json.dumps(name, ensure_ascii=False)
    wanted = {text, text.translate(_ESCAPED)}
    numbered = enumerate(lines[max(begin - 1, 0) :], max(begin, 1))
    return next((number for number, line in numbered if any(each in line for each in wanted)), 0)


@lru_cache(maxsize=64)
def _lines(path: Path) -> tuple[str, ...]:
    try:
        return tuple(path.read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return ()
