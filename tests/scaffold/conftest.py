"""The wheel, and an environment that makes projects, once for all tests."""

import sys
from pathlib import Path

import pytest

from cxfulfill import __version__
from tests.scaffold.bench import UV, Bench
from tests.server import conftest as servers
from tests.server.test_wheel import build_wheel
from tests.server.wire import clean_environment

serve = servers.serve
_OF_OTHERS = ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES")


@pytest.fixture
def from_index(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let cxfulfill look as if it was installed from an index; gives the folder of its metadata."""
    path = tmp_path_factory.mktemp("site")
    metadata = path / f"cxfulfill-{__version__}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cxfulfill\nVersion: {__version__}\n")
    monkeypatch.syspath_prepend(path)
    return metadata


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    wheel = build_wheel(tmp_path_factory.mktemp("tree"))
    folder = tmp_path_factory.mktemp("projects")
    environment = {
        name: value
        for name, value in clean_environment().items()
        if not name.startswith("CXFULFILL_") and name not in _OF_OTHERS
    }
    # Where both kinds of installers look for the wheel, besides their index.
    environment |= {"UV_FIND_LINKS": str(wheel.parent)}
    environment |= {"PIP_FIND_LINKS": " ".join(filter(None, (str(wheel.parent), environment.get("PIP_FIND_LINKS"))))}
    made = Bench(folder, wheel, environment)
    made.run(UV, "venv", "--quiet", "--python", sys.executable, "tools", cwd=folder)
    # The last one in place of what `make lock` would install itself.
    tools = ("pip", "install", "--quiet", "--python", "tools/bin/python", "cxfulfill[tools]", "uv")
    made.run(UV, *tools, cwd=folder)
    return made
