"""The page about OpenAPI: its commands run and show what it shows, its snippet runs, its options are the command's."""

import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from openapi_spec_validator import validate

from cxfulfill.cli.commands import cli
from cxfulfill.openapi import describe, for_tools
from tests.docs.pages import ROOT, snippets

PAGE = ROOT / "docs/agent/openapi.md"
TEXT = PAGE.read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```console\n(.*?)```\n+```(?:yaml|text)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def example_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example app with the page's variables."""
    for name, value in re.findall(r"(\w+)=(\S+)", TEXT.partition("$ export ")[2].partition("\n")[0]):
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    monkeypatch.delitem(sys.modules, "example_app.main", raising=False)
    main = importlib.import_module("example_app.main")
    yield
    main.webhook.close()
    del sys.modules["example_app.main"]


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) == TEXT.count("```console") == 3


@pytest.mark.usefixtures("example_app")
@pytest.mark.parametrize(("commands", "shown"), SNIPPETS)
def test_the_command_shows_what_the_page_shows(commands: str, shown: str) -> None:
    program, *words = shlex.split(commands.splitlines()[-1].removeprefix("$ "))
    assert program == "cxfulfill"
    result = CliRunner().invoke(cli, words)
    if shown.startswith("Error: "):
        assert (result.exit_code, result.stderr) == (1, shown)
    else:
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith(shown)


@pytest.mark.usefixtures("example_app")
def test_a_public_validator_takes_all_documents_of_the_example_app() -> None:
    webhook = sys.modules["example_app.main"].webhook
    narrowed = {"check-nights", "loyalty-reminder"}
    tags = {entry.tag for entry in webhook.entries()} - narrowed - {"*"}
    assert len(tags) > 5
    for tag in (None, *tags):
        document = describe(webhook, tag=tag, server="https://hotel.example")
        validate(document)
        tools = for_tools(document)
        validate(tools.document)
        assert tools.remarks == ()


def test_the_snippet_runs() -> None:
    names = snippets(PAGE)
    assert names["tools"].document["openapi"] == "3.0.3"
    names["webhook"].close()


def test_each_option_has_a_row_and_none_is_invented() -> None:
    command = cli.get_command(click.Context(cli), "openapi")
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert set(re.findall(r"^\| `(--[a-z-]+)", TEXT, re.MULTILINE)) == known


def test_each_authenticator_of_the_table_exists() -> None:
    rows = TEXT.partition("| the application's |")[2].partition("\n\n")[0]
    names = {name for row in rows.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    package = importlib.import_module("cxfulfill")
    assert len(names) == 7
    assert all(hasattr(getattr(package, name), "authenticate") for name in names)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https://)([^)#]+)", TEXT)
    assert links
    assert all((PAGE.parent / Path(link)).is_file() for link in links)
