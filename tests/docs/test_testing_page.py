"""The page about testing: its project, as it stands there, passes; and a failure looks like the one that is shown."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cxfulfill.simulator.cx_options import Options
from cxfulfill.simulator.result import Result
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/simulate/testing.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files of the page, by the names in their first lines."""
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        (tmp_path / block.partition("\n")[0].removeprefix("# ")).write_text(block)
    [settings] = re.findall(r"```ini\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "pytest.ini").write_text(settings)
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cxfulfill", "-p", "cxfulfill.pytest_plugin", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_tests_of_the_page_pass(project: Path) -> None:
    done = run(project, "--cx-update")
    assert done.returncode == 0, done.stdout
    assert (project / "__cx__/test_golden").is_dir()
    done = run(project)
    assert done.returncode == 0, done.stdout
    assert "11 passed" in done.stdout


def test_a_failure_is_told_as_the_page_says(project: Path) -> None:
    (project / "test_shop.py").write_text(
        "def test_it(cx):\n    assert cx.as_caller(None).call('greet').parameters == {'greeted': True}\n"
    )
    done = run(project, "test_shop.py")
    assert done.returncode == 1
    [shown] = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    for line in shown.splitlines():
        assert line in done.stdout, line


def test_the_tables_name_what_there_is() -> None:
    taken = set(re.findall(r"`(\w+)=`", TEXT.partition("| what a call takes")[2].partition("| what a result")[0]))
    assert taken == set(Options.__annotations__) - {"same_turn"}
    has = TEXT.partition("| what a result has")[2].partition("## ")[0]
    names = {
        name for row in has.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert names == {name for name in dir(Result) if not name.startswith("_")} - {"before", "merged", "state", "tag"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
