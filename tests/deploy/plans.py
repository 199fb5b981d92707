"""Plans as a shell runs them: real bash, with programs in place of gcloud that note how they were called."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from cxfulfill.cli.commands import cli

PROJECT, REGION, NUMBER = "hotel-project", "europe-west1", "123456"
SERVICE_AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-dialogflow.iam.gserviceaccount.com"
RUNTIME = f"serviceAccount:hotel-runtime@{PROJECT}.iam.gserviceaccount.com"
OWN_URL = f"https://hotel-{NUMBER}.{REGION}.run.app"
VALUE = "s3cret of CX: $(touch x) `y` %s \\n"
BASE: Mapping[str, str] = {
    "access": "iam",
    "project": PROJECT,
    "region": REGION,
    "service": "hotel",
    "agent-project-number": NUMBER,
    "deployer": "user:owner@hotel.example",
}
OTHER_PROJECT: Mapping[str, str] = {"agent-project": "agent-project", "project-number": "42"}
DIRECTORY: Mapping[str, str] = {
    "access": "service-directory",
    "agent-location": REGION,
    "network": "inside",
    "subnet": "inside-west1",
    "url": "https://hotel.example",
}
MTLS: Mapping[str, str] = {
    "access": "mtls-lb",
    "url": "https://hotel.example",
    "client-roots": "dialogflow-roots.pem",
}
NETWORK: Mapping[str, str] = {"network": "inside", "subnet": "inside-west1"}
_PROGRAM = """\
#!/bin/sh
# In one piece: the programs of a pipeline run side by side.
noted=$(printf '%s\\037' "${0##*/}" "$@")
printf '%s\\036' "$noted" >> "$CALLS"
case "$*" in
  *"--data-file=-"*|*"--header @-"*) { cat; printf '\\036'; } >> "$INPUTS" ;;
esac
case "$*" in
  *describe*) echo 10.9.8.7 ;;
  *print-access-token*) echo a-token ;;
esac
"""


@dataclass(frozen=True)
class Call:
    """A program as it was called: its words, and the values of its flags; a flag without one has an empty one."""

    words: tuple[str, ...]
    flags: Mapping[str, list[str]]

    @property
    def line(self) -> str:
        """The program and its words."""
        return " ".join(self.words)

    def value(self, flag: str) -> str:
        """The only value of a flag."""
        (value,) = self.flags[flag]
        return value


@dataclass(frozen=True)
class Ran:
    """What became of a plan: its text, the calls in order, and what was handed to programs."""

    text: str
    calls: list[Call]
    inputs: list[str]

    def named(self, begin: str) -> list[Call]:
        """The calls whose words begin so."""
        return [each for each in self.calls if f"{each.line} ".startswith(f"{begin} ")]

    def one(self, begin: str) -> Call:
        """The only one of them."""
        (call,) = self.named(begin)
        return call

    @property
    def deploy(self) -> Call:
        """How the service is deployed."""
        return self.one("gcloud run deploy")

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the service."""
        return listed(self.deploy.value("--set-env-vars"))

    def grants(self) -> set[tuple[str, str, str]]:
        """What is granted: what it is on, the role, and to whom."""
        named = (each for each in self.calls if "add-iam-policy-binding" in each.words)
        return {(each.words[-1], each.value("--role"), each.value("--member")) for each in named}


def listed(text: str) -> dict[str, str]:
    """Read gcloud's list of names with values, as ``gcloud topic escaping`` tells."""
    mark, rest = (text[1], text[3:]) if text.startswith("^") else (",", text)
    return dict(each.split("=", 1) for each in rest.split(mark))


def flat(text: str) -> str:
    """A plan on one line, without the marks of comments."""
    return " ".join(text.replace("\n#", " ").split())


def asked(*more: str, **options: str | None) -> Result:
    """Run the command; an option that is None is left out."""
    given = {**BASE, **{name.replace("_", "-"): value for name, value in options.items()}}
    arguments = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return CliRunner().invoke(cli, ["deploy", "plan", *arguments, *more])


def planned(*more: str, **options: str | None) -> str:
    """Give the plan."""
    result = asked(*more, **options)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*more: str, **options: str | None) -> str:
    """Give the sentence by which the command refuses."""
    result = asked(*more, **options)
    assert result.exit_code in (1, 2)
    assert not result.stdout
    return " ".join(result.stderr.split())


def ran(folder: Path, *more: str, **options: str | None) -> Ran:
    """Give the plan, and run it in a folder."""
    text = planned(*more, **options)
    programs = folder / "bin"
    programs.mkdir()
    for name in ("gcloud", "curl", "cxfulfill"):
        (programs / name).write_text(_PROGRAM, encoding="utf-8")
        (programs / name).chmod(0o755)
    calls, inputs = folder / "calls", folder / "inputs"
    calls.touch()
    inputs.touch()
    bash = shutil.which("bash")
    assert bash
    (folder / "plan.sh").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [bash, "plan.sh"],
        cwd=folder,
        env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "CALLS": str(calls), "INPUTS": str(inputs)},
        input=f"{VALUE}\n" * 4,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Ran(
        text,
        [_call(each) for each in calls.read_text(encoding="utf-8").split("\x1e")[:-1]],
        inputs.read_text(encoding="utf-8").split("\x1e")[:-1],
    )


def _call(noted: str) -> Call:
    words: list[str] = []
    flags: dict[str, list[str]] = {}
    for each in noted.split("\x1f")[:-1]:
        if each.startswith("--") and words[0] == "gcloud":
            name, _, value = each.partition("=")
            flags.setdefault(name, []).append(value)
        else:
            words.append(each)
    return Call(tuple(words), flags)
