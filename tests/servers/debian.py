"""Programs of Debian packages that tests run as servers: found, installed by root, or else the tests are skipped."""

import os
import shutil
import subprocess
from functools import cache

import pytest


@cache
def binary(name: str, package: str) -> str:
    """Find a program, and install its package where that can be done without asking.

    Args:
        name: The program.
        package: The Debian package that it is in.

    Returns:
        Its path.
    """
    if not shutil.which(name) and shutil.which("apt-get") and os.geteuid() == 0:
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", package)
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is missing: sudo apt-get install {package}")
    return found


def _apt_get(*arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "-qq", *arguments],
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
