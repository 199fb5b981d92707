"""The repository's own workflows: what they run is there, what they use is named by commit, and they may do little."""

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def workflow(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return document


def steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in document["jobs"].values() for step in job["steps"]]


def test_a_python_has_its_classifier_if_and_only_if_the_suite_runs_on_it() -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    classifiers = settings["metadata"]["classifiers"]
    versions = re.findall(r"Programming Language :: Python :: (3\.\d+)$", classifiers, re.MULTILINE)
    assert workflow("test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"] == versions
    assert settings["options"]["python_requires"] == f">={versions[0]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_commit_with_their_version_beside_it(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_make_target_that_a_workflow_runs_is_in_the_makefile(path: Path) -> None:
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    ran = set(re.findall(r"\bmake ([\w-]+)", " ".join(step.get("run", "") for step in steps(workflow(path.name)))))
    assert ran
    assert ran <= rules


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_nothing_and_its_jobs_write_only_proofs_of_who_they_are(path: Path) -> None:
    document = workflow(path.name)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        written = {key for key, value in job["permissions"].items() if value == "write"}
        assert written == {"attest": {"id-token", "attestations"}, "publish": {"id-token"}}.get(name, set())
        assert job["timeout-minutes"] <= 60


def test_what_is_published_was_tested_audited_built_twice_and_attested_and_needs_no_token() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text()
    assert '\non:\n  push:\n    tags: ["v*"]\n\n' in text
    assert "secrets." not in text
    jobs = workflow("release.yml")["jobs"]
    assert (jobs["publish"]["needs"], jobs["attest"]["needs"]) == ("attest", ["build", "test"])
    assert jobs["publish"]["environment"] == "release"
    built = " ".join(step.get("run", "") for step in jobs["build"]["steps"])
    for command in ("make check", "make audit", "make sbom", "make dist", "sha256sum --check --strict"):
        assert command in built


def test_the_audit_which_needs_the_internet_is_no_part_of_the_local_gate() -> None:
    makefile, gate = (ROOT / "Makefile").read_text(), ROOT / ".ci/run"
    check = makefile.partition("\ncheck: ")[2].partition("\n\n")[0]
    assert "pip-licenses" in check
    assert "audit" not in check
    assert not gate.exists() or "audit" not in gate.read_text()
