"""The page about call and chat: each command runs as it stands, and shows what the page shows, but for the times."""

import importlib
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cxfulfill.cli.chat_commands import COMMANDS
from cxfulfill.cli.commands import cli
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/simulate/command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```console\n(.*?)```\n+```text\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(autouse=True)
def example_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example app with the page's variables."""
    for name, value in re.findall(r"(\w+)=(\S+)", TEXT.partition("$ export ")[2].partition("\n")[0]):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(ROOT)
    known = sys.modules.pop("example_app.main", None)
    main = importlib.import_module("example_app.main")
    yield
    main.webhook.close()
    del sys.modules["example_app.main"]
    if known is not None:
        sys.modules["example_app.main"] = known


def untimed(output: str) -> str:
    return re.sub(r"\d+\.\d ms", "0 ms", output)


def options_of(name: str) -> set[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) == TEXT.count("```console") == TEXT.count("```text") == 7


@pytest.mark.parametrize(("commands", "shown"), SNIPPETS)
def test_the_command_shows_what_the_page_shows(commands: str, shown: str) -> None:
    program, *words = shlex.split(commands.splitlines()[-1].removeprefix("$ "))
    assert program == "cxfulfill"
    typed = "".join(f"{line}\n" for line in re.findall(r"^[\w-]+> (.*)$", shown, re.MULTILINE))
    result = CliRunner().invoke(cli, words, input=typed)
    assert result.exit_code == (1 if "webhook.error" in shown else 0), result.output
    assert untimed(result.stdout) == untimed(shown)


def test_each_option_has_a_row_and_none_is_invented() -> None:
    known = options_of("call") | options_of("chat")
    assert set(re.findall(r"--[a-z][a-z-]+", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))) == known


def test_each_command_of_chat_has_a_row_and_none_is_invented() -> None:
    rows = TEXT.partition("| command |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`/([a-z]+)", rows)) == set(COMMANDS)


def test_what_programs_read_is_named() -> None:
    arguments = ["call", "welcome", "--app", "example_app.main:webhook", "--json", "--twice"]
    document = json.loads(CliRunner().invoke(cli, arguments).stdout)
    sentence = TEXT.partition("`--json` tells")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-zA-Z]+)`", sentence)) <= document.keys()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)", TEXT):
        assert (PAGE.parent / Path(target)).is_file(), target
