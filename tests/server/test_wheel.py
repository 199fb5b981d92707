"""The wheel: what is in it, and that it serves from an empty environment and an empty directory."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.server.conftest import Serve
from tests.server.wire import ROOT, Server, call, clean_environment, head

SOURCES = ("cxfulfill", "example_app", "tests", "benchmarks", "docs")
FILES = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE", "MANIFEST.in")
APPLICATION = """
import cxfulfill
from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.server.flask import create_app

webhook = Webhook(auth=BasicAuth("cx", "pä:ss-of-the-server-tests"))


@webhook.handler("where")
async def where(ctx: Context) -> Reply:
    return Reply(parameters={"file": cxfulfill.__file__})


app = create_app(webhook)
"""


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build_wheel(tree: Path) -> Path:
    """Build it from a copy of the sources in an empty folder."""
    for name in filter(lambda name: (ROOT / name).is_dir(), SOURCES):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in filter(lambda name: (ROOT / name).is_file(), FILES):
        shutil.copy(ROOT / name, tree)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", "dist", ".", cwd=tree)
    [built] = tree.glob("dist/*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def installed(serve: Serve, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server in an environment that holds the wheel and what it requires, in a directory with one file."""
    venv, empty = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=empty)
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile", wheel, cwd=empty)
    (empty / "main.py").write_text(APPLICATION)
    command = (str(venv / "bin" / "gunicorn"), "-c", "python:cxfulfill.server.gunicorn", "main:app")
    return serve(*command, cwd=empty, PORT="0")


def test_the_wheel_holds_the_package_its_types_and_its_licence_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "cxfulfill/py.typed" in names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"cxfulfill"}
    assert any(name.endswith("/LICENSE") for name in names)
    modules = {str(path.relative_to(ROOT)) for path in ROOT.glob("cxfulfill/**/*.py")}
    assert modules <= set(names)
    page = {str(path.relative_to(ROOT)) for path in ROOT.glob("cxfulfill/simulator/static/*")}
    templates = {str(path.relative_to(ROOT)) for path in ROOT.glob("cxfulfill/*/templates/**/*") if path.is_file()}
    assert page
    assert templates
    assert page | templates <= set(names)


def test_the_installed_wheel_answers_a_call_under_its_own_gunicorn(installed: Server) -> None:
    with installed.connect() as wire:
        response = wire.ask(call("where"))
        assert response.status == 200
        assert "site-packages" in response.parameters["file"]
        assert not response.parameters["file"].startswith(str(ROOT))
        assert wire.ask(head("GET", "/health", credential="")).status == 200
    assert installed.ask(call("where", credential="")).status == 401
    assert installed.stop() == 0
