"""The page about deploying: its plan is the one that the command prints; CXFULFILL_UPDATE_DOCS=1 writes it anew."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cxfulfill.cli.commands import cli
from cxfulfill.scaffold.deploy.setting import Access
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/ship/deploy.md"


def test_the_plan_is_what_the_command_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    [(variable, command)] = re.findall(r"```console\n\$ export (\S+).*?\n\$ (.*?)```", text, re.DOTALL)
    (tmp_path / "main.py").write_text(program, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "main", raising=False)
    is_updated = "CXFULFILL_UPDATE_DOCS" in os.environ
    monkeypatch.delenv("CXFULFILL_UPDATE_DOCS", raising=False)  # the application would refuse it
    monkeypatch.setenv(*variable.split("="))
    result = CliRunner().invoke(cli, shlex.split(command.replace("\\\n", ""))[1:])
    assert result.exit_code == 0, result.output
    sys.modules.pop("main").webhook.close()
    expected = re.sub(r"(```bash\n).*?(```)", lambda found: found[1] + result.stdout + found[2], text, flags=re.DOTALL)
    if is_updated:
        PAGE.write_text(expected, encoding="utf-8")
    assert text == expected or is_updated


def test_each_access_and_option_is_one_that_there_is() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## Which access?")[2].partition("An agent of")[0]
    assert re.findall(r"^\| [^|]+ \| `([a-z][\w-]+)` \|", table, re.MULTILINE) == list(Access)
    told = CliRunner().invoke(cli, ["deploy", "plan", "--help"]).stdout
    outside = re.sub(r"```bash\n.*?```", "", text, flags=re.DOTALL)
    options = set(re.findall(r"--[a-z][a-z0-9-]+", outside)) - {"--no-cpu-throttling"}
    assert {each for each in options if each not in told} == set()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).is_file(), target
