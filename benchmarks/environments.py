"""An environment of its own for each peer and for ours, made on first use in ``build/bench``."""

import configparser
import hashlib
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
OURS = "cxfulfill"
_REQUIREMENTS = ROOT / "benchmarks" / "peers" / "requirements"


def names() -> list[str]:
    """Name the environments: ours, and one for each peer."""
    return [OURS, *sorted(file.stem for file in _REQUIREMENTS.glob("*.txt"))]


def requirements(name: str) -> str:
    """Tell what is installed: of ours what the package needs and its extra ``bench``, of a peer what its file says."""
    if name != OURS:
        return (_REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return f"{setup['options']['install_requires']}\n{setup['options.extras_require']['bench']}\n"


def ready(name: str) -> bool:
    """Tell whether the environment is there, with what is asked for now."""
    stamp = _stamp(name)
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _digest(name)


@cache
def python(name: str) -> Path:
    """Make the environment if need be.

    Args:
        name: Which one.

    Returns:
        Its interpreter, of the version that runs this.

    Raises:
        subprocess.CalledProcessError: It cannot be made; what is missing is on stderr.
    """
    folder = _folder(name)
    found = folder / "bin" / "python"
    if not ready(name):
        print(f"... makes the environment of {name}", file=sys.stderr)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        # Copies: files that several environments share would share their memory too.
        install = ("pip", "install", "--quiet", "--link-mode", "copy", "--compile-bytecode", "--python", str(found))
        _uv(*install, "--requirement", "-", given=requirements(name))
        _stamp(name).write_text(_digest(name), encoding="utf-8")
    return found


def versions(name: str) -> dict[str, str]:
    """Tell what is installed there, by package."""
    listed = json.loads(_uv("pip", "list", "--quiet", "--format", "json", "--python", str(python(name))))
    return {package["name"]: package["version"] for package in listed}


def _folder(name: str) -> Path:
    return BUILD / "environments" / name


def _stamp(name: str) -> Path:
    return _folder(name) / ".ready"


def _digest(name: str) -> str:
    return hashlib.sha256(f"{sys.version}\n{requirements(name)}".encode()).hexdigest()


def _uv(*arguments: str, given: str | None = None) -> str:
    own = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, check=True, input=given, env=own, stdout=subprocess.PIPE, text=True).stdout
