"""``cxfulfill new``: what it writes, and what it refuses without a trace."""

import ast
import errno
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from itertools import cycle, product
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner, Result

import cxfulfill
from cxfulfill import ConfigurationError, Webhook
from cxfulfill.agent.export import read_export
from cxfulfill.auth.base import AllowUnauthenticated
from cxfulfill.cli.commands import cli
from cxfulfill.loading import platform
from cxfulfill.scaffold import writing
from cxfulfill.scaffold.choices import AUTHS, STORES
from cxfulfill.scaffold.names import check_name
from cxfulfill.scaffold.project import Project, project_files
from cxfulfill.settings.policies import POLICIES
from tests.agent.agents import Files, small
from tests.agent.hostile import hostile

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
EXAMPLE = ROOT / "example_app" / "agent"
CHOICES = tuple(product(AUTHS, STORES))
EACH = tuple(zip(AUTHS, cycle(STORES), strict=False))
SERVE = "gunicorn -c python:cxfulfill.server.gunicorn main:app"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["new", *arguments])


def settings_of(example: str) -> dict[str, str]:
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def container_of(files: dict[str, str]) -> dict[str, Any]:
    [container] = yaml.safe_load(files["cloudrun.yaml"])["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def tool(folder: Path, *command: str) -> None:
    done = subprocess.run(
        [BIN / command[0], *command[1:]], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("from_index")
def test_a_project_is_made_and_the_next_steps_are_told(folder: Path) -> None:
    result = new("hotel")
    assert result.exit_code == 0, result.output
    made = sorted(str(path.relative_to(folder / "hotel")) for path in folder.glob("hotel/**/*") if path.is_file())
    assert made == [
        ".dockerignore", ".env.example", ".github/workflows/ci.yml", ".gitignore", "Dockerfile", "Makefile", "Procfile",
        "README.md", "cloudbuild.yaml", "cloudrun.yaml", "handlers.py", "main.py", "pyproject.toml", "request.json",
        "requirements-dev.in", "requirements.in", "tests/conftest.py", "tests/test_handlers.py", "tests/test_main.py",
    ]  # fmt: skip
    assert result.output.splitlines() == [
        f"hotel: {len(made)} files", "Next:", "  cd hotel", "  make run", "  make test",
        "README.md says the rest, up to Cloud Run.",
    ]  # fmt: skip
    assert [path.name for path in folder.iterdir()] == ["hotel"]
    umask = os.umask(0)
    os.umask(umask)
    assert (folder / "hotel").stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_folder_may_stand_in_front_of_the_name_and_an_empty_one_is_taken(folder: Path) -> None:
    (folder / "my work" / "hotel").mkdir(parents=True)
    result = new("my work/hotel", "--flexible")
    assert result.exit_code == 0, result.output
    assert "  cd 'my work/hotel'" in result.output.splitlines()
    assert (folder / "my work" / "hotel" / "tests" / "test_bookings.py").is_file()


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Hotel", "lower-case letters (a-z), digits and hyphens only"),
        ("hotel_webhook", "lower-case letters (a-z), digits and hyphens only"),
        ("hôtel", "lower-case letters (a-z), digits and hyphens only"),
        ("ho\ntel", "lower-case letters (a-z), digits and hyphens only"),
        ("2hotel", "begins with a letter"),
        ("-hotel", "begins with a letter"),
        ("hotel-", "does not end in a hyphen"),
        ("h", "has 2 to 26 characters"),
        ("h" * 27, "has 2 to 26 characters"),
        ("", "has 2 to 26 characters"),
    ],
)
def test_a_name_that_google_cloud_would_refuse_is_refused_with_the_reason(name: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        check_name(name)


@pytest.mark.parametrize("name", ["ho", "hotel", "hotel-2", "h" * 26])
def test_a_name_that_serves_for_service_and_account(name: str) -> None:
    assert check_name(name) == name
    assert 6 <= len(f"{name}-run") <= 30


def full(folder: Path) -> str:
    (folder / "hotel").mkdir()
    (folder / "hotel" / "kept").touch()
    return "hotel"


def file(folder: Path) -> str:
    (folder / "hotel").touch()
    return "hotel"


def link(folder: Path) -> str:
    (folder / "empty").mkdir()
    (folder / "hotel").symlink_to(folder / "empty")
    return "hotel"


def dangling(folder: Path) -> str:
    (folder / "hotel").symlink_to(folder / "nowhere")
    return "hotel"


def inside_a_file(folder: Path) -> str:
    (folder / "file").touch()
    return "file/hotel"


def far_inside_a_file(folder: Path) -> str:
    (folder / "file").touch()
    return "file/folder/hotel"


def nowhere(folder: Path) -> str:
    return "nowhere/hotel"


def here(folder: Path) -> str:
    (folder / "hotel").mkdir()
    os.chdir(folder / "hotel")
    return "../hotel"


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (full, "there is a folder of that name already, and it is not empty"),
        (file, "there is something of that name already, and it is no folder"),
        (link, "there is something of that name already, and it is no folder"),
        (dangling, "there is something of that name already, and it is no folder"),
        (inside_a_file, "the folder that stands in front of it is a file"),
        (far_inside_a_file, "the folder that stands in front of it is a file"),
        (nowhere, "the folder that stands in front of it is not there"),
        (here, "that is the current folder"),
    ],
)
def test_a_target_that_is_taken_or_no_place_is_refused_and_nothing_is_written(
    folder: Path, prepare: Any, problem: str
) -> None:
    target = prepare(folder)
    before = sorted(folder.rglob("*"))
    result = new(target)
    assert result.exit_code == 2
    assert f"Invalid value for NAME: {problem}" in result.output
    assert sorted(folder.rglob("*")) == before


def test_the_current_folder_by_its_short_name_is_no_name(folder: Path) -> None:
    assert "has 2 to 26 characters" in new(".").output


def test_a_project_that_cannot_be_written_whole_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="it cannot be written: File exists"):
        writing.write_folder(folder / "hotel", {"a": "text", "a/b": "a file in a file"})
    with pytest.raises(ConfigurationError, match="it cannot be written: No such file or directory"):
        writing.write_folder(folder / "nowhere" / "hotel", {"a": "text"})
    (folder / "hotel").mkdir()
    (folder / "hotel" / "kept").touch()  # by somebody else, after the check
    with pytest.raises(ConfigurationError, match="it cannot be written: Directory not empty"):
        writing.write_folder(folder / "hotel", {"a": "text"})
    assert sorted(path.name for path in folder.rglob("*")) == ["hotel", "kept"]


def test_a_folder_that_takes_no_files_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*arguments: object, **options: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkdtemp", full_disk)
    result = new("hotel")
    assert result.exit_code == 2
    assert "Invalid value for NAME: it cannot be written: No space left on device" in result.output


def test_every_policy_of_the_settings_but_none_can_be_chosen() -> None:
    assert set(AUTHS) == set(POLICIES) - {"none"}


@pytest.mark.parametrize(("auth", "store"), CHOICES)
def test_the_example_of_settings_makes_a_webhook_once_secrets_are_filled_in(
    auth: str, store: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings_of(project_files(Project("hotel", auth, store))[".env.example"])
    empty = [name for name, value in given.items() if not value]
    assert empty == [each.name for each in AUTHS[auth].variables if each.kept_as]
    given |= dict.fromkeys(empty, "Bearer 0123456789abcdef0123")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with platform(present=auth == "cloud-run-iam"):
        webhook = Webhook.from_env(**({"idempotency": None} if store == "firestore" else {}))
    assert not isinstance(webhook.auth, AllowUnauthenticated)
    webhook.close()
    assert [each.name for each in folder.iterdir()] == (["calls.sqlite3"] if store == "sqlite" else [])


@pytest.mark.parametrize(("auth", "store"), CHOICES)
def test_the_service_has_the_same_settings_and_keeps_secrets_out_of_every_file(auth: str, store: str) -> None:
    files = project_files(Project("hotel", auth, store))
    environment = {each["name"]: each for each in container_of(files)["env"]}
    assert set(environment) == {"WEB_CONCURRENCY", "CXFULFILL_THREADS", *settings_of(files[".env.example"])}
    kept = {
        each.name: f"hotel-{each.kept_as}"
        for each in (*AUTHS[auth].variables, *STORES[store].variables)
        if each.kept_as
    }
    for name, entry in environment.items():
        if name in kept:
            assert entry["valueFrom"] == {"secretKeyRef": {"name": kept[name], "key": "1"}}
            assert f"gcloud secrets create {kept[name]} --data-file=-" in files["README.md"]
        else:
            assert entry["value"]
    assert ".env\n" in files[".gitignore"]
    assert ".env*\n" in files[".dockerignore"]


@pytest.mark.parametrize("auth", AUTHS)
def test_what_stands_between_percent_signs_is_what_the_build_fills_in(auth: str) -> None:
    files = project_files(Project("hotel", auth, "firestore"))
    wanted = set(re.findall(r"%([A-Z_]+)%", files["cloudrun.yaml"]))
    filled = set(re.findall(r"s\|%([A-Z_]+)%\|", files["cloudbuild.yaml"]))
    assert wanted <= filled
    assert filled == {"IMAGE", "PROJECT_ID", "PROJECT_NUMBER", "AGENT_PROJECT_NUMBER", "REGION"}
    assert not re.search(r"%[A-Z_]+%", "".join(text for name, text in files.items() if not name.startswith("cloud")))


@pytest.mark.parametrize("auth", AUTHS)
def test_every_example_in_the_service_is_told_to_be_filled_in(auth: str) -> None:
    files = project_files(Project("hotel", auth))
    examples = [each["name"] for each in container_of(files)["env"] if ".example/" in each.get("value", "")]
    for name in examples:
        assert f"`{name}`" in files["README.md"].partition("In `cloudrun.yaml`")[2].partition("\n\n")[0]
    assert bool(examples) == (auth in ("oauth-jwt", "oauth-introspection", "mtls"))


@pytest.mark.parametrize(("auth", "store"), EACH)
def test_the_pod_of_the_service_is_one_that_kubernetes_knows(auth: str, store: str) -> None:
    service = yaml.safe_load(project_files(Project("hotel", auth, store))["cloudrun.yaml"])
    spec = service["spec"]["template"]["spec"]
    assert (spec.pop("containerConcurrency"), spec.pop("timeoutSeconds")) == (8, 40)  # Knative's own
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hotel"}, "spec": spec}
    kubernetes_validate.validate(pod, kubernetes_validate.latest_version(), strict=True)
    annotations = service["metadata"]["annotations"] | service["spec"]["template"]["metadata"]["annotations"]
    assert all(isinstance(value, str) for value in annotations.values())
    assert ("run.googleapis.com/invoker-iam-disabled" in annotations) == (auth != "cloud-run-iam")
    is_shared = store in ("redis", "firestore")
    assert annotations["autoscaling.knative.dev/maxScale"] == ("10" if is_shared else "1")


def test_the_readme_lets_documents_go_and_names_who_builds() -> None:
    readme = project_files(Project("hotel", store="firestore"))["README.md"]
    container = container_of(project_files(Project("hotel", store="firestore")))
    [store] = [each["value"] for each in container["env"] if each["name"] == "CXFULFILL_STORE"]
    collection = store.rpartition("/")[2]
    for command in ("ttls update expire_at", "indexes fields update '*'"):
        assert f"{command} --collection-group={collection} " in readme
    for role in ("cloudbuild.builds.builder", "run.admin", "iam.serviceAccountUser"):
        assert f"--role=roles/{role} --member=serviceAccount:BUILDER" in readme
    assert "cp .env.example .env" in readme.partition(". ./.env")[0]
    assert "collection-group" not in project_files(Project("hotel"))["README.md"]


@pytest.mark.parametrize(("auth", "store"), CHOICES)
def test_the_example_of_settings_is_in_whole_sentences(auth: str, store: str) -> None:
    example = project_files(Project("hotel", auth, store))[".env.example"]
    assert not [line for line in example.splitlines() if line.startswith("#") and re.search(r"as \w+://\.$| \.$", line)]


def test_a_private_service_accepts_the_audience_of_its_webhook() -> None:
    service = yaml.safe_load(project_files(Project("hotel", "cloud-run-iam"))["cloudrun.yaml"])
    url = "https://hotel-%PROJECT_NUMBER%.%REGION%.run.app/webhook"
    assert json.loads(service["metadata"]["annotations"]["run.googleapis.com/custom-audiences"]) == [url]
    [container] = service["spec"]["template"]["spec"]["containers"]
    assert {"name": "CXFULFILL_AUDIENCE", "value": url} in container["env"]


def test_behind_a_load_balancer_nothing_else_reaches_the_service() -> None:
    service = yaml.safe_load(project_files(Project("hotel", "mtls"))["cloudrun.yaml"])
    assert service["metadata"]["annotations"]["run.googleapis.com/ingress"] == "internal-and-cloud-load-balancing"


def test_build_and_workflow_fit_their_schemas_and_the_dockerfile_has_no_finding(folder: Path) -> None:
    projects = (Project("hotel0"), Project("hotel1", store="sqlite"), Project("hotel2", has_wheel=True))
    for project in projects:  # whose images differ
        target = folder / project.name
        writing.write_folder(target, project_files(project))
        tool(target, "hadolint", "Dockerfile")
    tool(target, "check-jsonschema", "--builtin-schema", "vendor.cloudbuild", "cloudbuild.yaml")
    tool(target, "check-jsonschema", "--builtin-schema", "vendor.github-workflows", ".github/workflows/ci.yml")


def test_procfile_image_and_makefile_serve_by_one_command() -> None:
    files = project_files(Project("hotel"))
    assert files["Procfile"] == f"web: {SERVE}\n"
    [command] = re.findall(r"(?m)^CMD (.*)$", files["Dockerfile"])
    assert json.loads(command) == shlex.split(SERVE)
    begin, app = SERVE.rsplit(" ", 1)
    assert f"\t$(BIN)/{begin} -b 127.0.0.1:$(PORT) {app}\n" in files["Makefile"]


@pytest.mark.parametrize(("auth", "store"), CHOICES)
def test_the_requirements_have_the_extras_that_are_needed(auth: str, store: str) -> None:
    files = project_files(Project("hotel", auth, store))
    line = files["requirements.in"].splitlines()[-1]
    extras = [each for each in ("firestore", "oauth", "redis") if each == store or auth.startswith(f"{each}-")]
    assert line == f"cxfulfill{'[' + ','.join(extras) + ']' if extras else ''}>={cxfulfill.__version__}"
    assert "cxfulfill[tools]" in files["requirements-dev.in"].splitlines()


@pytest.mark.parametrize(("auth", "store"), CHOICES)
def test_all_files_can_be_read_in_their_languages_and_end_as_files_do(auth: str, store: str) -> None:
    for path, text in project_files(Project("hotel", auth, store, flexible=True)).items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not re.search(r"[ \t]\n|\n\n\n\n", text), path
        match path.rpartition(".")[2]:
            case "py":
                ast.parse(text)
            case "toml":
                tomllib.loads(text)
            case "yaml" | "yml":
                yaml.safe_load(text)
            case "json":
                json.loads(text)


def test_an_exported_agent_gives_handlers_tests_names_and_the_request_to_begin_with(folder: Path) -> None:
    result = new("hotel", "--from-export", str(EXAMPLE), "--flexible")
    assert result.exit_code == 0, result.output
    made = folder / "hotel"
    assert '@router.handler("check-nights")' in (made / "handlers.py").read_text()
    assert "from bookings import router as bookings" in (made / "main.py").read_text()
    assert (made / "names.py").read_text().startswith('"""Names of the agent, with their ids.')
    tests = (made / "tests" / "test_handlers.py").read_text()
    assert "def test_check_nights_is_answered(cx: Cx) -> None:" in tests
    assert "cx_webhook" not in tests  # the one of conftest.py is the whole webhook
    tag = json.loads((made / "request.json").read_text())["fulfillmentInfo"]["tag"]
    assert f'@router.handler("{tag}")' in (made / "handlers.py").read_text()


def test_what_an_agent_is_called_and_calls_does_no_harm_to_the_project(folder: Path) -> None:
    files = project_files(Project("hotel", "basic", agent=read_export(hostile().write(folder / "export"))))
    writing.write_folder(folder / "hotel", files)
    for command in (("ruff", "check", "."), ("ruff", "format", "--check", ".")):
        tool(folder / "hotel", *command)
    tool(folder / "hotel", "python", "-W", "error", "-c", "import handlers, names")


def test_an_agent_that_calls_nothing_gives_no_project(folder: Path) -> None:
    export = Files({"agent.json": small()["agent.json"]}).write(folder / "export")
    result = new("hotel", "--from-export", str(export))
    assert result.exit_code == 2
    assert "--from-export: the agent calls no webhook with a tag" in result.output
    assert not (folder / "hotel").exists()


@pytest.mark.parametrize("auth", AUTHS)
def test_the_project_is_clean_by_its_own_checks(folder: Path, auth: str) -> None:
    writing.write_folder(folder / "hotel", project_files(Project("hotel", auth, flexible=True)))
    tool(folder / "hotel", "ruff", "check", ".")
    tool(folder / "hotel", "ruff", "format", "--check", ".")
