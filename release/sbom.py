"""What the wheel with all extras brings along, as CycloneDX: ``make sbom`` runs this behind ``make dist``.

The wheel is installed where nothing else is, so that no tool of the project's own is told.
"""

import json
import subprocess
import sys
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


def metadata_of(wheel: Path) -> Message:
    """Read the core metadata of a wheel.

    Args:
        wheel: The file.

    Returns:
        Its fields, those that may be repeated too.
    """
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode())


def root_component(metadata: Message, extras: frozenset[str]) -> str:
    """Tell cyclonedx-py what the bill is of: it takes that from a ``pyproject.toml``, and setuptools has it elsewhere.

    Args:
        metadata: The core metadata of the wheel.
        extras: The extras that are installed with it.

    Returns:
        A ``[project]`` table with the direct dependencies.
    """
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    chosen = [each for each in required if not each.marker or any(_wanted(each, extra) for extra in ("", *extras))]
    values = {
        "name": metadata["Name"],
        "version": metadata["Version"],
        "description": metadata["Summary"],
        "license": metadata["License-Expression"],
        "dependencies": sorted({f"{each.name}{each.specifier}" for each in chosen}),
    }
    # A string or a list of strings is written in TOML as it is in JSON.
    return "\n".join(["[project]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]) + "\n"


def describe(environment: Path, project: Path, out: Path) -> None:
    """Write the bill of an environment, the same bytes for the same contents.

    Args:
        environment: The virtual environment that the wheel is installed in.
        project: The ``pyproject.toml`` of what is described.
        out: The file to write.
    """
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--mc-type", "library", "--output-reproducible"]
    subprocess.run([*command, "--pyproject", str(project), "--output-file", str(out), str(environment)], check=True)


def main() -> None:
    """Install the wheel in ``dist/`` with all extras, and write ``build/sbom.cdx.json``."""
    [wheel] = (ROOT / "dist").glob("*.whl")
    environment, project, out = (ROOT / "build" / name for name in ("installed", "sbom.toml", "sbom.cdx.json"))
    metadata = metadata_of(wheel)
    project.parent.mkdir(exist_ok=True)
    project.write_text(root_component(metadata, frozenset({"all"})), encoding="utf-8")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)], check=True)
    # By its name: the path of a file would get into the bill.
    named = f"{metadata['Name']}[all]=={metadata['Version']}"
    install = [*uv, "pip", "install", "--quiet", "--python", str(environment), "--find-links", str(wheel.parent)]
    subprocess.run([*install, named], check=True)
    describe(environment, project, out)
    print(out.relative_to(ROOT))


def _wanted(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is not None and requirement.marker.evaluate({"extra": extra})


if __name__ == "__main__":
    main()
