"""The pages on agents name every rule and every option; CXFULFILL_UPDATE_DOCS=1 writes the tables anew."""

import os
import re
from pathlib import Path

import click
import pytest

from cxfulfill.agent.rules import RULES, SECTIONS
from cxfulfill.cli.commands import cli
from tests.docs.pages import ROOT

PAGES = sorted((ROOT / "docs/agent").glob("*.md"))
CHECK = ROOT / "docs/agent/check.md"
_HEAD = "| code | severity | what it finds | why it matters | what to do |\n|---|---|---|---|---|\n"


def test_the_page_has_the_tables() -> None:
    text = expected = CHECK.read_text(encoding="utf-8")
    for title, rules in SECTIONS.items():
        rows = (
            f"| {each.code} | {each.severity} | {each.title} | {each.meaning} | {each.advice} |\n" for each in rules
        )
        before, heading, rest = expected.partition(f"\n## {title}\n")
        assert heading, title
        after = re.sub(r"\A(?:\n|\|.*\n)+", "", rest)
        expected = "".join([before, heading, "\n", _HEAD, *rows, "\n", after])
    if os.environ.get("CXFULFILL_UPDATE_DOCS"):
        CHECK.write_text(expected, encoding="utf-8")
    assert text == expected or os.environ.get("CXFULFILL_UPDATE_DOCS")


def test_no_code_is_invented() -> None:
    assert set(re.findall(r"CX\d{3}", CHECK.read_text(encoding="utf-8"))) == set(RULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_the_commands_are_those_that_there_are(page: Path) -> None:
    group = cli.get_command(click.Context(cli), "agent")
    assert isinstance(group, click.Group)
    lines = re.findall(r"^\$ cxfulfill agent (\w+)(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    for name, rest in lines:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            command = command.commands[rest.split()[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest.partition("#")[0])) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), target
