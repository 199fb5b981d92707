"""Small environments with made-up packages, for the tools that look at what is installed."""

import subprocess
import sys
from pathlib import Path


def environment_with(folder: Path, packages: dict[str, str]) -> Path:
    """Make a virtual environment that seems to hold packages.

    Args:
        folder: Where it is made.
        packages: Further lines of metadata by the package's name.

    Returns:
        Its interpreter.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    [site] = folder.glob("lib/python*/site-packages")
    for name, lines in packages.items():
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{lines}\n")
    return folder / "bin" / "python"
