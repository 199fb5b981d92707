"""The page about new projects: its options, files and commands are those that there are."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cxfulfill.cli.commands import cli
from cxfulfill.cli.new import new
from cxfulfill.scaffold.project import Project, project_files
from tests.docs.pages import ROOT
from tests.scaffold.test_wheel import WHEEL, make_wheel

PAGE = ROOT / "docs/ship/new.md"
TEXT = PAGE.read_text(encoding="utf-8")
[COMMANDS] = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)


def rows_of(head: str) -> list[list[str]]:
    table = TEXT.partition(head)[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def test_the_commands_of_the_page_make_what_its_last_one_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wheels").mkdir()
    wheel, install, made, change, run = (line.removeprefix("$ ") for line in COMMANDS.splitlines())
    assert wheel.startswith("pip wheel --no-deps --wheel-dir wheels ./cxfulfill ")
    assert install == 'pip install "$(echo wheels/cxfulfill-*.whl)[tools]"'
    built = Path(make_wheel(tmp_path / "wheels" / WHEEL))
    *arguments, pattern = shlex.split(made)[1:]
    assert built.match(pattern)
    assert CliRunner().invoke(cli, [*arguments, str(built)]).exit_code == 0
    monkeypatch.chdir(change.removeprefix("cd "))
    targets = re.findall(r"(?m)^(\w+):", Path("Makefile").read_text())
    assert {run, *re.findall(r"`(make \w+)`", TEXT)} <= {f"make {each}" for each in targets}


def test_each_option_has_a_row_with_all_that_it_takes() -> None:
    shown = {row[0]: row[1] for row in rows_of("| option |")}
    options = [each for each in new.params if isinstance(each, click.Option)]
    assert list(shown) == [f"`{each.opts[0]}`" for each in options]
    for each in options:
        if isinstance(each.type, click.Choice):
            taken = [f"`{choice}`{' (default)' if choice == each.default else ''}" for choice in each.type.choices]
            assert shown[f"`{each.opts[0]}`"] == ", ".join(taken)


def test_each_file_has_a_place_on_the_page() -> None:
    listed = {name for row in rows_of("| file |") for name in re.findall(r"`([^`]+)`", row[0])}
    for path in project_files(Project("hotel")):
        assert path in listed | {"README.md", ".gitignore", "request.json"} or f"{path.partition('/')[0]}/" in listed


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)", TEXT):
        assert "://" in link or (PAGE.parent / link).exists(), link
