"""The page about replaying test cases: its command shows what the page shows, and no option is invented."""

import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from click.testing import CliRunner

from cxfulfill.cli.agent_replay import replay
from cxfulfill.cli.commands import cli
from tests.docs.pages import ROOT

TEXT = (ROOT / "docs/agent/replay.md").read_text(encoding="utf-8")
[COMMAND] = re.findall(r"^\$ cxfulfill (.*)$", TEXT, re.MULTILINE)
SAME, CHANGED = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(autouse=True)
def hotel(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example app's business, with the page's variables for who may call."""
    for name, value in re.findall(r"(\w+)=(\S+)", TEXT.partition("$ export ")[2].partition("\n")[0]):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(ROOT)
    known = sys.modules.pop("example_app.main", None)
    yield importlib.import_module("example_app.hotel")
    sys.modules.pop("example_app.main", None)
    if known is not None:
        sys.modules["example_app.main"] = known


def test_the_command_shows_what_the_page_shows() -> None:
    result = CliRunner().invoke(cli, shlex.split(COMMAND))
    assert (result.exit_code, result.output) == (0, SAME)


def test_the_difference_is_a_real_one(hotel: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hotel.RATES, "double", hotel.RATES["double"] + 10)
    result = CliRunner().invoke(cli, shlex.split(COMMAND))
    assert (result.exit_code, result.output) == (1, CHANGED)


def test_no_option_is_invented() -> None:
    known = {option for parameter in replay.params for option in parameter.opts}
    rows = TEXT.partition("| option |")[2].partition("\n\n")[0]
    assert set(re.findall(r"--[a-z][a-z-]*", TEXT)) <= known
    assert {"--webhook", "--test", "--json"} <= set(re.findall(r"--[a-z][a-z-]*", rows))
