"""``cxfulfill config``: the settings as they are read, without secrets."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cxfulfill.certificates import make_authority, make_server_certificate
from cxfulfill.cli.commands import cli
from cxfulfill.settings.table import SETTINGS, variable_names

CANARY = "canary-7b1f0c9de4a25563"
BASIC = {"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD": CANARY}
GOOGLE = {"AUDIENCE": "https://wh.example/webhook", "PROJECT_NUMBER": "123"}
RUN = {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "1"} | GOOGLE


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CXFULFILL_") or name in ("K_SERVICE", "WEB_CONCURRENCY"):
            monkeypatch.delenv(name)


def run(variables: dict[str, str], *arguments: str, code: int = 0) -> Result:
    environment = {
        name if name == "WEB_CONCURRENCY" else f"CXFULFILL_{name}": value for name, value in variables.items()
    }
    result = CliRunner(env=environment).invoke(cli, ["config", *arguments])
    assert result.exit_code == code, result.output
    assert CANARY not in result.output
    return result


def rows(result: Result) -> list[list[str]]:
    return [
        line.split(maxsplit=2) for line in result.output.splitlines() if line.startswith(("  CXFULFILL_", "  WEB_"))
    ]


def test_what_is_set_and_what_it_makes() -> None:
    result = run(BASIC | {"TIMEOUT": "3", "THREADS": "4"})
    assert rows(result) == [
        ["CXFULFILL_AUTH", "environment", "basic"],
        ["CXFULFILL_BASIC_USERNAME", "environment", "cx"],
        ["CXFULFILL_BASIC_PASSWORD", "environment", "[redacted]"],
        ["CXFULFILL_TIMEOUT", "environment", "3"],
        ["CXFULFILL_THREADS", "environment", "4"],
    ]
    assert "  auth = BasicAuth('cx', password=EnvironmentSecret('CXFULFILL_BASIC_PASSWORD'))" in result.output
    assert "  timeout = 3.0" in result.output


def test_what_is_not_set() -> None:
    scoped = {"AUTH": "basic", "ENVIRONMENTS": "draft", "DRAFT__BASIC_USERNAME": "cx", "DRAFT__BASIC_PASSWORD": CANARY}
    listed = {row[0].removeprefix("CXFULFILL_"): row[1:] for row in rows(run(scoped, "--all"))}
    assert listed["DRAFT__BASIC_USERNAME"][0] == listed["AUTH"][0] == "environment"
    unset = {setting.name: setting for setting in SETTINGS} | {"BASIC_USERNAME": None, "BASIC_PASSWORD": None}
    names = {name for setting in unset.values() if setting for name in variable_names(setting.name)}
    assert listed.keys() == names | scoped.keys()
    assert listed["PATH"] == ["default", "Path of the webhook; `/webhook` by default"]
    assert listed["THREADS"] == ["default", "Threads in each worker; 8 by default"]
    for name in ("TIMEOUT", "OAUTH_ISSUER", "TLS_KEY", "BASIC_CREDENTIALS"):
        assert listed[name][0].startswith("not"), name
    assert listed["HEADER_VALUE_FILE"] == ["not", "set      File that holds it"]
    assert "HEADER_VALUE_NEXT_SECRET" in listed
    assert "OAUTH_CLIENT_SECRET_FILE" in listed
    assert "OAUTH_CLIENT_SECRET_NEXT" not in listed


def test_what_the_app_gives_itself() -> None:
    result = run({"PATH": "/cx"}, "--given", "auth", "--all")
    assert [row for row in rows(result) if row[1] == "environment"] == [["CXFULFILL_PATH", "environment", "/cx"]]
    assert not any(row[0].startswith("CXFULFILL_OAUTH") for row in rows(result))
    assert "auth =" not in result.output
    nothing = run({}, "--given", "auth")
    assert nothing.output == "Nothing is set.\n"
    run({}, "--given", "nobody", code=2)
    overridden = run(BASIC | {"TIMEOUT": "99"}, "--given", "timeout")
    assert ["CXFULFILL_TIMEOUT", "overridden", "99"] in rows(overridden)
    assert "timeout =" not in overridden.output


def test_a_setting_that_is_wrong() -> None:
    nothing = run({}, code=1)
    assert "Error: set CXFULFILL_AUTH: one of" in nothing.stderr
    assert nothing.stdout == "Nothing is set.\n"
    misspelt = run(BASIC | {"AUDIENC": CANARY}, code=1)
    assert "did you mean CXFULFILL_AUDIENCE?" in misspelt.stderr
    assert ["CXFULFILL_AUDIENC", "environment", "[redacted]"] in rows(misspelt)
    assert ["CXFULFILL_BASIC_USERNAME", "environment", "cx"] in rows(misspelt)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"TIMEOUT": "99"}, "timeout is CXFULFILL_TIMEOUT"),
        ({"PATH": "cx"}, "path is CXFULFILL_PATH"),
        ({"MAX_BODY": "0"}, "max_body is CXFULFILL_MAX_BODY"),
        ({"ALLOWED_AGENTS": "a"}, "allowed_agents is CXFULFILL_ALLOWED_AGENTS"),
        ({"THREADS": "abc"}, "CXFULFILL_THREADS must be a whole number"),
        ({"WEB_CONCURRENCY": "abc"}, "WEB_CONCURRENCY must be a whole number"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY must be a whole number"),
        ({"TLS_CERT": "/nowhere/server.pem"}, "CXFULFILL_TLS_CERT names no file"),
        ({"TLS_KEY": "/nowhere/server.key"}, "set CXFULFILL_TLS_CERT"),
        ({"TLS_CLIENT_CERT": "maybe"}, "CXFULFILL_TLS_CLIENT_CERT takes required or optional"),
    ],
)
def test_what_the_webhook_or_the_server_would_refuse(variables: dict[str, str], sentence: str) -> None:
    result = run(BASIC | variables, code=1)
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    [(name, value)] = variables.items()
    assert [name if name == "WEB_CONCURRENCY" else f"CXFULFILL_{name}", "environment", value] in rows(result)


def test_both_are_told_where_both_are_wrong() -> None:
    lines = run(BASIC | {"TIMEOUT": "99", "THREADS": "0"}, code=1).stderr.splitlines()
    assert [line.partition(" must")[0] for line in lines] == ["Error: timeout", "Error: CXFULFILL_THREADS"]


def test_right_settings_of_the_server(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    server = make_server_certificate(make_authority(now), ["webhook.example"], now)
    (tmp_path / "server.pem").write_bytes(server.pem)
    (tmp_path / "server.key").write_bytes(server.key_pem)
    files = {"TLS_CERT": str(tmp_path / "server.pem"), "TLS_KEY": str(tmp_path / "server.key")}
    result = run(BASIC | files | {"THREADS": "4", "WEB_CONCURRENCY": "2"})
    assert rows(result)[-1] == ["WEB_CONCURRENCY", "environment", "2"]
    (tmp_path / "server.key").write_text("")
    assert "CXFULFILL_TLS_KEY must be a PEM file" in run(BASIC | files, code=1).stderr


def test_a_secret_in_place_of_where_it_is() -> None:
    without = {"AUTH": "basic", "BASIC_USERNAME": "cx"}
    for form in ("FILE", "SECRET"):
        result = run(without | {f"BASIC_PASSWORD_{form}": CANARY}, code=1)
        assert [f"CXFULFILL_BASIC_PASSWORD_{form}", "environment", "[redacted]"] in rows(result)


def test_where_a_secret_is_is_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(CANARY)
    places = {"FILE": str(tmp_path / "password"), "SECRET": "projects/p/secrets/s/versions/1"}
    for form, place in places.items():
        result = run({"AUTH": "basic", "BASIC_USERNAME": "cx", f"BASIC_PASSWORD_{form}": place})
        assert [f"CXFULFILL_BASIC_PASSWORD_{form}", "environment", place] in rows(result)


@pytest.mark.parametrize(
    ("url", "shown"),
    [("memory://", "memory://"), ("redis://10.0.0.3:6379/0", "redis://10.0.0.3:6379/0"),
     (f"redis://cx:{CANARY}@10.0.0.3/0", "redis://[redacted]"), (f"redis://h/0?password={CANARY}", "redis://[redacted]")],
)  # fmt: skip
def test_the_password_of_a_store_is_not_shown(url: str, shown: str) -> None:
    result = run(BASIC | {"STORE": url})
    assert ["CXFULFILL_STORE", "environment", shown] in rows(result)
    assert "  idempotency = Idempotency(" in result.output


def test_a_store_that_is_no_url() -> None:
    result = run(BASIC | {"STORE": CANARY}, code=1)
    assert "CXFULFILL_STORE: a store is named by its URL: memory://, sqlite:///relative" in result.stderr
    assert ["CXFULFILL_STORE", "environment", "[redacted]"] in rows(result)


def test_a_file_s_content_in_place_of_its_name() -> None:
    content = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n"
    result = run(BASIC | {"TLS_KEY": content, "TLS_CERT": "server.pem"}, code=1)
    assert ["CXFULFILL_TLS_KEY", "environment", "[redacted]"] in rows(result)
    assert ["CXFULFILL_TLS_CERT", "environment", "server.pem"] in rows(result)


def test_settings_for_cloud_run() -> None:
    assert "K_SERVICE is not set" in run(RUN, code=1).output
    assert "auth = CloudRunIam(" in run(RUN, "--on-cloud-run").output
    assert "K_SERVICE" not in os.environ
