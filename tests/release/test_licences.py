"""The licence check of `make check`, with the project's own list, against packages that are made up."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.release.environments import environment_with

ROOT = Path(__file__).parents[2]


def licences(folder: Path, metadata: str) -> subprocess.CompletedProcess[str]:
    python = environment_with(folder, {"good": "License-Expression: MIT", "other": metadata})
    command = [str(Path(sys.executable).with_name("pip-licenses")), "--python", str(python)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "metadata",
    [
        "License-Expression: Apache-2.0",
        "Classifier: License :: OSI Approved :: BSD License",
        "Classifier: License :: OSI Approved :: GPL\nClassifier: License :: OSI Approved :: MIT License",
    ],
)
def test_a_licence_on_the_list_passes_and_one_of_several_is_enough(tmp_path: Path, metadata: str) -> None:
    assert licences(tmp_path / "venv", metadata).returncode == 0


@pytest.mark.parametrize(
    "metadata",
    [
        "Summary: of a licence nothing is said",
        "License-Expression: AGPL-3.0-only",
        "License-Expression: MIT AND GPL-3.0-only",
        "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
    ],
)
def test_a_licence_that_is_not_listed_or_not_known_fails_and_names_the_package(tmp_path: Path, metadata: str) -> None:
    done = licences(tmp_path / "venv", metadata)
    assert done.returncode == 1
    assert "other:1.0" in done.stderr
