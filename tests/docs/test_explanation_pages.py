"""The explanations: their snippets run, and what their tables and diagrams name is there."""

import re

import pytest

import cxfulfill
from cxfulfill.cli.runbook import RUNBOOK
from tests.docs.pages import ROOT, dead_links, snippets

PAGES = {page.stem: page for page in sorted((ROOT / "docs/explanation").glob("*.md"))}
MECHANISMS = {
    "GoogleIdToken", "CloudRunIam", "BasicAuth", "HeaderSecret", "OAuthJwt", "OAuthIntrospection", "MutualTls",
}  # fmt: skip
every_page = pytest.mark.parametrize("name", PAGES)


@every_page
def test_the_snippets_run_and_hold_what_they_say(name: str) -> None:
    snippets(PAGES[name])["webhook"].close()


@every_page
def test_links_lead_somewhere(name: str) -> None:
    assert dead_links(PAGES[name]) == []


@every_page
def test_a_page_has_one_diagram_and_the_reader_needs_no_other_language(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    assert text.count("```mermaid") == 1
    assert set(re.findall(r"^```(\w+)", text, re.MULTILINE)) == {"mermaid", "python"}


def test_the_ways_lead_to_every_mechanism_that_stands_alone_and_the_table_has_all() -> None:
    text = PAGES["which-auth"].read_text(encoding="utf-8")
    [diagram] = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    boxes = set(re.findall(r"\w+", " ".join(re.findall(r'\["(.*?)"\]', diagram)))) - {"or"}
    assert boxes == MECHANISMS - {"MutualTls"}
    assert set(re.findall(r"\[`(\w+)`\]", text.partition("| mechanism |")[2].partition("\n\n")[0])) == MECHANISMS
    assert set(cxfulfill.__all__) >= MECHANISMS


def test_the_steps_are_those_of_the_diagram() -> None:
    text = PAGES["request"].read_text(encoding="utf-8")
    diagram, _, table = text.partition("| step |")
    assert re.findall(r": (\d)\. ", diagram) == re.findall(r"^\| (\d)\. ", table, re.MULTILINE) == list("123456789")


def test_the_codes_that_are_named_are_codes() -> None:
    text = PAGES["retry"].read_text(encoding="utf-8")
    assert set(re.findall(r"503 `(\w+)`", text)) == {"in_progress", "deadline"} <= RUNBOOK.keys()
