"""The image of a new project, as far as that can be tried without a container engine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cxfulfill.testing import BasicCredential, Cx
from tests.scaffold.bench import Bench
from tests.scaffold.test_projects import secret
from tests.server.conftest import Serve
from tests.server.wire import LIMIT

UNCHECKED_HASH = 1
"""In the head of a file of bytecode (PEP 552): it is not compared with its source."""


def instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            yield name, " ".join(rest.split())


@dataclass
class Image:
    """A folder in place of all stages' file systems, whose paths are the same in each."""

    root: Path
    project: Path
    bench: Bench
    environment: dict[str, str]
    steps: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def build(self) -> None:
        for name, rest in instructions((self.project / "Dockerfile").read_text()):
            getattr(self, f"do_{name.lower()}")(rest)
            self.steps.append(name)

    def here(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/(venv|app|usr/local/lib)\b", lambda found: f"{self.root}{found[0]}", text)

    def do_from(self, rest: str) -> None:
        assert re.fullmatch(r"python:\d\.\d+-slim AS base|base( AS build)?", rest)

    def do_env(self, rest: str) -> None:
        for name, value in re.findall(r'(\w+)=("[^"]*"|\S+)', rest):
            plain = self.here(value.strip('"')).replace("$PATH", self.environment["PATH"])
            self.environment[name] = plain

    def do_workdir(self, rest: str) -> None:
        assert rest == "/app"
        (self.root / "app").mkdir()

    def do_copy(self, rest: str) -> None:
        *options, source, target = rest.split()
        if options:
            assert options == ["--from=build"]
            assert source == target  # so it is there already
            assert (self.root / source.strip("/")).is_dir()
        elif (self.project / source).is_dir() and source != ".":
            shutil.copytree(self.project / source, self.root / "app" / target)
        elif source == ".":
            ignored = (self.project / ".dockerignore").read_text().split()
            shutil.copytree(
                self.project, self.root / "app", ignore=shutil.ignore_patterns(*ignored, "__pycache__"),
                dirs_exist_ok=True,
            )  # fmt: skip
        else:
            shutil.copy(self.project / source, self.root / "app")

    def do_run(self, rest: str) -> None:
        # Its user goes into this file system's list, not into that of the machine.
        command = self.here(rest).replace("useradd ", f"useradd --prefix {self.root} ")
        self.bench.run("sh", "-c", command, cwd=self.root / "app", **self.environment)

    def do_user(self, rest: str) -> None:
        assert int(rest) > 0
        assert f":{rest}:" in (self.root / "etc" / "passwd").read_text()

    def do_expose(self, rest: str) -> None:
        assert rest == self.environment["PORT"]

    def do_healthcheck(self, rest: str) -> None:
        self.health = json.loads(rest.partition("CMD ")[2])

    def do_cmd(self, rest: str) -> None:
        self.command = json.loads(rest)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.skipif(shutil.which("useradd") is None, reason="needs useradd: apt-get install passwd")
@pytest.mark.skipif(os.geteuid() != 0, reason="useradd --prefix is root's")
@pytest.mark.parametrize("own", [False, True], ids=["from an index", "with a wheel of its own"])
def test_the_steps_of_the_dockerfile_run_in_their_order_in_a_clean_environment_without_a_container_engine(
    bench: Bench, serve: Serve, tmp_path: Path, own: bool
) -> None:
    bench = bench.without_index() if own else bench
    wheel = ("--wheel", str(bench.wheel)) if own else ()
    project = bench.new(f"image-{own}".lower(), "--auth", "basic", *wheel)
    bench.run("make", "lock", f"BIN={bench.bin}", cwd=project)
    (project / ".env").write_text("CXFULFILL_BASIC_PASSWORD=must-not-be-in-an-image\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (tmp_path / "etc" / name).touch()
    library = tmp_path / "usr/local/lib/python3"  # some of Python's own, as in the official image: no bytecode
    shutil.copytree(Path(json.__file__).parent, library / "json", ignore=shutil.ignore_patterns("__pycache__"))
    path = f"{tmp_path / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin"
    image = Image(tmp_path, project, bench, {"PATH": path})

    image.build()

    own_wheel = ["COPY"] if own else []
    assert image.steps == [
        "FROM", "ENV", "WORKDIR", "RUN", "FROM", "RUN", "COPY", *own_wheel, "RUN", "COPY", "RUN", "FROM", "RUN",
        "COPY", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "CMD",
    ]  # fmt: skip
    assert sorted(each.name for each in (tmp_path / "app").iterdir()) == [
        "Procfile", "__pycache__", "handlers.py", "main.py", "requirements.txt", *(["wheels"] if own else []),
    ]  # fmt: skip
    compiled = [
        *tmp_path.glob("app/**/*.pyc"),
        *library.glob("**/*.pyc"),
        *tmp_path.glob("venv/lib/**/cxfulfill/**/*.pyc"),
    ]
    assert {each.name.partition(".")[0] for each in compiled} > {"main", "handlers", "webhook", "decoder"}
    assert {int.from_bytes(each.read_bytes()[4:8], "little") for each in compiled} == {UNCHECKED_HASH}

    password = secret()
    settings = {"CXFULFILL_AUTH": "basic", "CXFULFILL_BASIC_USERNAME": "cx", "CXFULFILL_BASIC_PASSWORD": password}
    before = sorted(tmp_path.rglob("*"))
    [program, *arguments] = image.command
    command = (str(tmp_path / "venv" / "bin" / program), *arguments)
    server = serve(*command, cwd=tmp_path / "app", **image.environment | settings | {"PORT": "0"})
    cx = Cx.at(f"http://127.0.0.1:{server.port}/webhook", credential=BasicCredential("cx", password), timeout=LIMIT)
    assert cx.call("hello", parameters={"name": "Ada"}).texts == ["Hello, Ada!"]
    for port, healthy in ((server.port, True), (1, False)):
        asked = subprocess.run(
            image.health, env=image.environment | {"PORT": str(port)}, capture_output=True, check=False
        )
        assert (asked.returncode == 0) == healthy
    assert server.stop() == 0
    assert sorted(tmp_path.rglob("*")) == before  # nothing was written, no bytecode either
