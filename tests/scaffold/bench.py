"""What projects are made and installed with."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

UV: Final = Path(sys.executable).with_name("uv")


@dataclass(frozen=True)
class Bench:
    """What projects are made with: a clean environment with the wheel and the extra ``tools``, and nothing else."""

    folder: Path
    wheel: Path
    environment: dict[str, str]

    @property
    def bin(self) -> Path:
        return self.folder / "tools" / "bin"

    def run(self, *command: str | Path, cwd: Path, **variables: str) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=self.environment | variables, capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def without_index(self) -> "Bench":
        """Give the same, where nothing but a wheel in the project has the package."""
        others = [each for each in self.environment["PIP_FIND_LINKS"].split() if each != str(self.wheel.parent)]
        environment = self.environment | {"UV_FIND_LINKS": "", "PIP_FIND_LINKS": " ".join(others)}
        return replace(self, environment=environment)

    def new(self, name: str, *options: str) -> Path:
        self.run(self.bin / "cxfulfill", "new", name, *options, cwd=self.folder)
        return self.folder / name

    def install(self, project: Path) -> None:
        """Lock as ``make lock`` does, and install what was locked."""
        self.run("make", "lock", f"BIN={self.bin}", cwd=project)
        self.run(UV, "venv", "--quiet", "--python", sys.executable, ".venv", cwd=project)
        requirements = ("--require-hashes", "-r", "requirements-dev.txt")
        self.run(UV, "pip", "install", "--quiet", "--python", ".venv/bin/python", *requirements, cwd=project)
        (project / ".venv" / ".ready").touch()
