"""A folder that is there whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cxfulfill.errors import ConfigurationError


def check_target(target: Path) -> None:
    """Check that a folder may be made; nothing is written.

    Args:
        target: The folder.

    Raises:
        ConfigurationError: It is there and not empty, or its place is none for a folder.
    """
    parent = target.parent
    if not parent.is_dir():
        is_there = any(os.path.lexists(each) and not each.is_dir() for each in (parent, *parent.parents))
        problem = "is a file" if is_there else "is not there: make it first"
        raise ConfigurationError(f"the folder that stands in front of it {problem}")
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise ConfigurationError("there is something of that name already, and it is no folder")
    if target.samefile(Path.cwd()):
        raise ConfigurationError("that is the current folder: go to the one above it, and name it from there")
    if any(target.iterdir()):
        raise ConfigurationError("there is a folder of that name already, and it is not empty")


def write_folder(target: Path, files: Mapping[str, str | bytes]) -> None:
    """Write a folder: into a temporary one beside it, which then takes its name.

    Args:
        target: The folder, checked by `check_target`.
        files: Texts and bytes by path in it.

    Raises:
        ConfigurationError: It cannot be written; nothing is left behind.
    """
    made: Path | None = None
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        for name, content in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        made.chmod(0o777 & ~_umask())  # a temporary folder is its user's alone
        made.rename(target)
    except OSError as error:
        raise ConfigurationError(f"it cannot be written: {error.strerror}") from None
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)  # where it still has this name


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
