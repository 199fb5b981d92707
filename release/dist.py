"""The source distribution and the wheel of a commit, the same bytes whoever builds them: ``make dist`` runs this.

setuptools dates the members of a wheel by ``SOURCE_DATE_EPOCH``, but not those of a source distribution; modes and
owners come from the checkout. So the tree is a commit's, the source distribution is packed again without its builder,
and the wheel is built from that.
"""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def export(commit: str, tree: Path) -> int:
    """Write the files of a commit.

    Args:
        commit: Its name.
        tree: The directory for them.

    Returns:
        The time of the commit, in seconds since 1970.
    """
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as archive:
        archive.extractall(tree, filter="data")
    return int(_git("log", "-1", "--format=%ct", commit))


def build(tree: Path, out: Path, epoch: int, *, isolated: bool = True) -> list[Path]:
    """Build the source distribution of a tree, and the wheel of that.

    Args:
        tree: A directory with the project's files, and no others.
        out: The directory for the two files.
        epoch: The time that everything in them bears, in seconds since 1970.
        isolated: Whether setuptools is fetched for it; else that of this environment is used.

    Returns:
        The two files.
    """
    out.mkdir(parents=True, exist_ok=True)
    how = [] if isolated else ["--no-isolation"]
    with tempfile.TemporaryDirectory() as scratch:
        raw, unpacked = Path(scratch, "raw"), Path(scratch, "unpacked")
        _run_build([*how, "--sdist"], tree, raw, epoch)
        [made] = raw.glob("*.tar.gz")
        sdist = out / made.name
        repack(made, sdist, epoch)
        with tarfile.open(sdist) as archive:
            archive.extractall(unpacked, filter="data")
        [source] = unpacked.iterdir()
        _run_build([*how, "--wheel"], source, out, epoch)
    [wheel] = out.glob(f"{sdist.name.removesuffix('.tar.gz')}-*.whl")
    return [sdist, wheel]


def repack(source: Path, target: Path, epoch: int) -> None:
    """Pack a ``.tar.gz`` again: sorted, with one time, no owner and the modes 755 and 644.

    Args:
        source: The file as it was built.
        target: The file to write.
        epoch: The time of every member, in seconds since 1970.
    """
    with (
        tarfile.open(source) as old,
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=epoch) as stream,
        tarfile.open(mode="w", fileobj=stream, format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            fresh = tarfile.TarInfo(member.name)
            fresh.type, fresh.size, fresh.mtime = member.type, member.size, epoch
            fresh.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(fresh, old.extractfile(member))


def main() -> int:
    """Build the distributions of the last commit into ``dist/``."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        print("What is not committed is left out.", file=sys.stderr)
    out = ROOT / "dist"
    for old in [*out.glob("*.tar.gz"), *out.glob("*.whl")]:
        old.unlink()
    with tempfile.TemporaryDirectory() as tree:
        epoch = export("HEAD", Path(tree))
        for file in build(Path(tree), out, epoch):
            print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(ROOT)}")
    return 0


def _run_build(how: list[str], tree: Path, out: Path, epoch: int) -> None:
    command = [sys.executable, "-m", "build", *how, "--outdir", str(out), str(tree)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
    done = subprocess.run(command, env=environment, umask=0o022, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
