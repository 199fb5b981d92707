"""Every snippet of the pages about parameters runs; entities, codes and sentences are those of the code."""

import re

import pytest

from cxfulfill.parameters import entities
from cxfulfill.parameters.numbers import MAX_TEXT
from cxfulfill.parameters.refusals import MESSAGES
from tests.docs.pages import ROOT, snippets

DOCS = ROOT / "docs/parameters"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
ENTITIES = PAGES["entities.md"]
every_page = pytest.mark.parametrize("name", PAGES)


@every_page
def test_every_snippet_runs(name: str) -> None:
    assert ("```python" in PAGES[name]) == bool(snippets(DOCS / name))


def test_every_entity_is_in_the_table() -> None:
    section = ENTITIES.partition("## The entities")[2].partition("\n## ")[0]
    shown = re.findall(r"`(Sys\w+)`", "".join(line.split("|")[1] for line in section.splitlines() if "|" in line))
    assert sorted(shown) == [name for name in entities.__all__ if name.startswith("Sys")]


def test_the_codes_and_their_sentences_are_those_of_the_code() -> None:
    section = ENTITIES.partition("## What is refused")[2]
    assert dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", section, re.MULTILINE)) == MESSAGES
    assert f"at most {MAX_TEXT} characters" in ENTITIES


def test_the_parts_of_records_are_those_of_the_code() -> None:
    rows = re.findall(r"\| `([A-Z]\w+)`: ([^|]+) \|", ENTITIES)
    shown = {kind: re.findall(r"`([a-z]\w+)`", parts) for kind, parts in rows if kind != "Decimal"}
    assert len(shown) == 6
    assert shown == {kind: list(getattr(entities, kind).model_fields) for kind in shown}
