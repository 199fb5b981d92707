"""What is released: the same bytes from the same files, whoever builds them and where, and nothing of the builder."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from release.dist import build, export, repack

ROOT = Path(__file__).parents[2]
EPOCH = 1_750_000_000
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info", "build", "dist", "site", "node_modules")
Distributions = tuple[Path, Path]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    tree = shutil.copytree(ROOT, tmp_path_factory.mktemp("here") / "tree", ignore=LEFT_OUT)
    sdist, wheel = build(tree, tmp_path_factory.mktemp("first"), EPOCH, isolated=False)
    return sdist, wheel


def test_another_builder_with_other_times_modes_and_zone_gets_the_same_bytes(
    distributions: Distributions, tmp_path: Path
) -> None:
    tree = shutil.copytree(ROOT, tmp_path / "somewhere" / "else", ignore=LEFT_OUT)
    for path in tree.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o660)
        os.utime(path, (1_600_000_000, 1_600_000_000))
    program = (
        "import os, sys; from pathlib import Path; from release.dist import build; os.umask(0o077)\n"
        f"build(Path(sys.argv[1]), Path(sys.argv[2]), {EPOCH}, isolated=False)"
    )
    other = os.environ | {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", program, tree, tmp_path / "out"], cwd=ROOT, env=other, check=True)
    for file in distributions:
        assert file.read_bytes() == (tmp_path / "out" / file.name).read_bytes(), file.name


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(distributions: Distributions) -> None:
    with zipfile.ZipFile(distributions[1]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        assert "cxfulfill/py.typed" in names
    assert names == {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("cxfulfill/**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_source_distribution_brings_the_tests_and_the_pages_but_no_trace_of_who_built_it(
    distributions: Distributions,
) -> None:
    with tarfile.open(distributions[0]) as archive:
        members = archive.getmembers()
    names = {member.name.partition("/")[2] for member in members}
    assert {"tests/release/test_distributions.py", "SECURITY.md", "CHANGELOG.md", "docs/release/policy.md"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
    assert {member.mtime for member in members} == {EPOCH}
    assert {member.mode for member in members} <= {0o644, 0o755}


def test_twine_finds_no_fault_with_either(distributions: Distributions) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_repacked_archive_keeps_contents_and_who_may_run_what(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "old.tar.gz", "w:gz") as archive:
        for name, mode in (("b/run.sh", 0o775), ("a.txt", 0o600)):
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uname, member.mtime = 3, mode, "ada", 1_600_000_000
            archive.addfile(member, io.BytesIO(b"abc"))
    repack(tmp_path / "old.tar.gz", tmp_path / "new.tar.gz", EPOCH)
    with tarfile.open(tmp_path / "new.tar.gz") as archive:
        assert [(each.name, each.mode, each.uname, each.mtime) for each in archive] == [
            ("a.txt", 0o644, "", EPOCH),
            ("b/run.sh", 0o755, "", EPOCH),
        ]
        script = archive.extractfile("b/run.sh")
        assert script is not None
        assert script.read() == b"abc"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """git in a new repository, which ``release.dist`` then takes for the project."""
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.setattr("release.dist.ROOT", repository)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{EPOCH} +0545")
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@hotel.example", "-c", "commit.gpgsign=false")

    def run(*arguments: str) -> None:
        subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True)

    run("init")
    return run


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_what_is_built_is_what_was_committed_dated_by_the_commit(git: Callable[..., None], tmp_path: Path) -> None:
    file = tmp_path / "repository" / "file.txt"
    file.write_text("committed")
    git("add", ".")
    git("commit", "-m", "one")
    file.write_text("not yet")
    (tmp_path / "repository" / "stray.txt").touch()
    tree = tmp_path / "tree"
    assert export("HEAD", tree) == EPOCH
    assert [(path.name, path.read_text()) for path in tree.iterdir()] == [("file.txt", "committed")]
