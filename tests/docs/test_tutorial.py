"""The tutorial, from its files to its deployment: each step as the page tells it, but for what costs money."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxfulfill import __version__
from cxfulfill.settings.table import PREFIX
from tests.docs.pages import ROOT, dead_links, write_files
from tests.server.wire import clean_environment, start

PAGE = ROOT / "docs/start/tutorial.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
GCLOUD = """#!/bin/sh
printf '%s\\n' "$*" >> calls
case "$2" in describe) echo 123456 ;; esac
"""
CHECK = """
from main import webhook
from cxfulfill.testing import Cx
from datetime import date
result = Cx.of(webhook).call("book-room", parameters={"check-in": date(2030, 6, 14), "nights": 3})
print(webhook.auth, result.texts)
"""


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set but what the page sets."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all files of the page."""
    folder = tmp_path_factory.mktemp("hotel")
    names = write_files(PAGE, folder)
    assert names == [
        "main.py", "pytest.ini", "conftest.py", "test_main.py", "requirements.txt", "Dockerfile", ".gcloudignore",
    ]  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """What the page exports."""
    return dict(re.findall(r"(CXFULFILL_\w+)=(\S+)", commands("export CXFULFILL_AUTH")))


def commands(containing: str) -> str:
    """Give the block of commands that has a text in it."""
    [found] = [block for block in CONSOLE if containing in block]
    return str(found)


def run(folder: Path, *words: str, **environment: str) -> str:
    """Run a module of this interpreter in the folder, with this package, and give what it prints."""
    full = clean_environment() | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=full, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_tests_pass_as_the_page_says(project: Path) -> None:
    plugins = ("-p", "no:cxfulfill", "-p", "cxfulfill.pytest_plugin", "-p", "no:cacheprovider")
    printed = run(project, "-m", *shlex.split(commands("pytest -q").removeprefix("$ ")), *plugins)
    [shown] = re.findall(r"```text\n(\d+ passed)\n```", TEXT)
    assert shown in printed


@pytest.fixture
def port(nothing_set: None, project: Path, variables: dict[str, str], tmp_path: Path) -> Iterator[int]:
    """A server, started by the page's line on a free port."""
    [line] = re.findall(r"^\$ (gunicorn .*)$", commands("gunicorn"), re.MULTILINE)
    words = shlex.split(line.replace(":8080", ":0"))
    command = (sys.executable, "-m", *words)
    server = start(*command, folder=tmp_path, cwd=project, PYTHONPATH=str(ROOT), **variables)
    yield server.port
    server.stop()
    assert "reason=ok" in server.log.read_text()


def test_the_curl_line_gets_the_answer_that_is_shown(port: int) -> None:
    words = shlex.split(commands("curl -sS -u").removeprefix("$ "))
    user, header, body = (words[words.index(flag) + 1] for flag in ("-u", "-H", "-d"))
    credential = b64encode(user.encode()).decode()
    headers = {"Authorization": f"Basic {credential}", **dict([header.split(": ")])}
    url = words[-1].replace(":8080", f":{port}")
    assert url != words[-1]
    request = urllib.request.Request(url, data=body.encode(), headers=headers)
    with urllib.request.urlopen(request) as answer:
        got = answer.read().decode()
    [shown] = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
    assert got == shown


def test_the_one_call_is_told(project: Path, variables: dict[str, str]) -> None:
    words = shlex.split(commands("cxfulfill call").removeprefix("$ cxfulfill "))
    printed = run(project, "-m", "cxfulfill.cli", *words, **variables)
    assert "Booked until 17 June." in printed
    assert "CX takes the answer." in printed


def test_the_commands_name_the_wheel_that_the_clone_gives() -> None:
    assert set(re.findall(r"wheels/(\S+\.whl)", TEXT)) == {f"cxfulfill-{__version__}-py3-none-any.whl"}


def test_what_is_deployed_lets_the_agent_in(project: Path, tmp_path: Path) -> None:
    """The commands are run with a stand-in for gcloud; the variables that it is given are those of the service."""
    for name, text in (("gcloud", GCLOUD), ("curl", '#!/bin/sh\necho "$*" >> calls\n')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    script = commands("gcloud run deploy").replace("$ ", "")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    url = "https://hotel-123456.europe-west1.run.app/webhook"
    assert done.stdout == f"{url}\n"
    described, deployed, probed = (tmp_path / "calls").read_text().splitlines()
    assert described.startswith("projects describe my-project")
    assert probed == "-sS https://hotel-123456.europe-west1.run.app/health"
    given = dict(pair.split("=", 1) for pair in deployed.partition("--set-env-vars ")[2].split(","))
    assert given["CXFULFILL_AUDIENCE"] == url
    assert "GoogleIdToken" in (printed := run(project, "-c", CHECK, **given, K_SERVICE="hotel"))
    assert "Booked until 17 June." in printed


def test_the_image_holds_what_it_needs_and_serves_as_on_your_machine(project: Path) -> None:
    lines = (project / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert copied == {"requirements.txt", "wheels", "main.py"}
    assert lines.index("USER nobody") > max(index for index, line in enumerate(lines) if line.startswith("RUN "))
    served = json.loads(lines[-1].removeprefix("CMD "))
    local = shlex.split(re.findall(r"^\$ (gunicorn .*)$", TEXT, re.MULTILINE)[0])
    assert [word for word in local if word not in ("-b", "127.0.0.1:8080")] == served


def test_links_lead_somewhere() -> None:
    assert dead_links(PAGE) == []
