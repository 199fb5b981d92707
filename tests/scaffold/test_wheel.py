"""Projects that bring cxfulfill's wheel along, since no package index has it."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cxfulfill import __version__
from cxfulfill.cli.commands import cli
from cxfulfill.scaffold.wheel import is_from_index
from tests.scaffold.bench import Bench

WHEEL = f"cxfulfill-{__version__}-py3-none-any.whl"
NOTE = "If no index of yours has it"


def new(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["new", *arguments])


def make_wheel(path: Path) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cxfulfill/__init__.py", "")
    return str(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def from_clone(from_index: Path) -> None:
    (from_index / "direct_url.json").write_text(json.dumps({"url": "file:///clone", "dir_info": {}}))


@pytest.mark.usefixtures("folder", "from_clone")
def test_where_cxfulfill_comes_from_a_clone_the_project_is_made_and_the_option_named() -> None:
    assert not is_from_index()
    result = new("hotel")
    assert result.exit_code == 0, result.output
    assert NOTE in result.output
    assert "make it with --wheel FILE" in result.output
    assert result.output.index(NOTE) < result.output.index("Next:")


@pytest.mark.usefixtures("folder", "from_index")
def test_where_cxfulfill_comes_from_an_index_there_is_no_word_of_wheels() -> None:
    assert is_from_index()
    assert "wheel" not in new("hotel").output


@pytest.mark.usefixtures("from_clone")
def test_the_wheel_is_copied_as_it_is_and_named_wherever_requirements_are_read(folder: Path) -> None:
    result = new("hotel", "--wheel", make_wheel(folder / WHEEL))
    assert result.exit_code == 0, result.output
    assert NOTE not in result.output
    hotel = folder / "hotel"
    assert (hotel / "wheels" / WHEEL).read_bytes() == (folder / WHEEL).read_bytes()
    assert "--find-links ./wheels" in (hotel / "requirements.in").read_text().splitlines()
    assert "COPY wheels ./wheels" in (hotel / "Dockerfile").read_text().splitlines()
    assert " --emit-find-links\n" in (hotel / "Makefile").read_text()
    assert "| `wheels/` |" in (hotel / "README.md").read_text()
    for name in (".gitignore", ".dockerignore"):
        assert "whe" not in (hotel / name).read_text()


@pytest.mark.parametrize("name", ["cxfulfill-0.0.1-py3-none-any.whl", "other-0.1.0-py3-none-any.whl", "cxfulfill.zip"])
def test_what_is_no_wheel_of_this_version_is_refused_and_nothing_is_written(folder: Path, name: str) -> None:
    result = new("hotel", "--wheel", make_wheel(folder / name))
    assert result.exit_code == 2
    assert f"Invalid value for --wheel: it is no wheel of cxfulfill {__version__}" in result.output
    assert [each.name for each in folder.iterdir()] == [name]


def test_a_file_that_is_only_called_a_wheel_is_refused(folder: Path) -> None:
    (folder / WHEEL).write_text("no zip")
    assert "Invalid value for --wheel: it is no wheel" in new("hotel", "--wheel", WHEEL).output
    assert [each.name for each in folder.iterdir()] == [WHEEL]


def test_a_project_with_the_wheel_is_locked_installed_and_tested_where_no_index_has_cxfulfill(bench: Bench) -> None:
    alone = bench.without_index()
    project = alone.new("wheeled", "--wheel", str(bench.wheel))
    alone.install(project)
    assert "--find-links ./wheels" in (project / "requirements.txt").read_text().splitlines()
    assert " passed" in alone.run("make", "test", cwd=project)
