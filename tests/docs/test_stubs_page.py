"""The page about stubs: what it shows is what the hotel's agent gives, and its handler runs in the written module."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cxfulfill.cli.commands import cli
from tests.docs.pages import ROOT

TEXT = (ROOT / "docs/agent/stubs.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ cxfulfill (.*)$", TEXT, re.MULTILINE)
[SHOWN] = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
[WRITTEN] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
MAIN = """
from cxfulfill import AllowUnauthenticated, Webhook

import handlers

webhook = Webhook(auth=AllowUnauthenticated())
webhook.include(handlers.router)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the agent of the example, after the page's first commands."""
    shutil.make_archive(str(tmp_path / "agent"), "zip", ROOT / "example_app/agent")
    monkeypatch.chdir(tmp_path)
    for command in COMMANDS[:2]:
        assert CliRunner().invoke(cli, shlex.split(command)).exit_code == 0
    return tmp_path


def run_python(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a module of the interpreter in the folder, with this package."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def write_the_handler(folder: Path) -> None:
    """Do what the page tells: put the answer in the place of the stub's."""
    module = folder / "handlers.py"
    imports, function = WRITTEN.split("\n\n\n", 1)
    stub = SHOWN[SHOWN.index("@router.handler") :]
    text = module.read_text(encoding="utf-8")
    assert stub in text
    text = text.replace(stub, function).replace("\nrouter = ", f"\n{imports}\n\nrouter = ", 1)
    module.write_text(text, encoding="utf-8")


def test_the_page_shows_what_is_written(folder: Path) -> None:
    assert SHOWN in (folder / "handlers.py").read_text(encoding="utf-8")


def test_the_pages_handler_passes_the_written_tests_and_stays(folder: Path) -> None:
    write_the_handler(folder)
    before = (folder / "handlers.py").read_text(encoding="utf-8")
    plugins = ("-p", "no:cxfulfill", "-p", "cxfulfill.pytest_plugin", "-p", "no:cacheprovider")
    done = run_python(folder, "pytest", "-q", *plugins)
    assert done.returncode == 0, done.stdout + done.stderr
    result = CliRunner().invoke(cli, shlex.split(COMMANDS[2]))
    assert "handlers.py: 0 added, 11 known" in result.output
    assert (folder / "handlers.py").read_text(encoding="utf-8") == before


def test_the_pages_last_command_finds_what_is_left_to_do(folder: Path) -> None:
    """Routes of flexible webhooks have no stubs."""
    write_the_handler(folder)
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    done = run_python(folder, "cxfulfill.cli", *shlex.split(COMMANDS[4]))
    assert set(re.findall(r"CX\d{3}", done.stdout)) == {"CX701"}, done.stdout
