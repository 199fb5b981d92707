"""``cxfulfill config``: the settings as they are read, without secrets."""

import os

import pytest
from click.testing import CliRunner, Result

from cxfulfill.cli.commands import cli
from cxfulfill.settings.table import SETTINGS

CANARY = "canary-7b1f0c9de4a25563"
BASIC = {"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD": CANARY}
GOOGLE = {"AUDIENCE": "https://wh.example/webhook", "PROJECT_NUMBER": "123"}
RUN = {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "1"} | GOOGLE


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CXFULFILL_") or name == "K_SERVICE":
            monkeypatch.delenv(name)


def run(variables: dict[str, str], *arguments: str, code: int = 0) -> Result:
    environment = {f"CXFULFILL_{name}": value for name, value in variables.items()}
    result = CliRunner(env=environment).invoke(cli, ["config", *arguments])
    assert result.exit_code == code, result.output
    assert CANARY not in result.output
    return result


def rows(result: Result) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in result.output.splitlines() if line.startswith("  CXFULFILL_")]


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
    listed = {row[0].removeprefix("CXFULFILL_"): row[1] for row in rows(run(scoped, "--all"))}
    assert listed["DRAFT__BASIC_USERNAME"] == listed["AUTH"] == "environment"
    assert listed["TIMEOUT"] == listed["OAUTH_ISSUER"] == listed["TLS_KEY"] == "default"
    expected = {setting.name for setting in SETTINGS} - {"BASIC_USERNAME", "BASIC_PASSWORD"}
    assert listed.keys() == expected | scoped.keys()


def test_what_the_app_gives_itself() -> None:
    result = run({"PATH": "/cx"}, "--given", "auth", "--all")
    assert [row for row in rows(result) if row[1] == "environment"] == [["CXFULFILL_PATH", "environment", "/cx"]]
    assert not any(row[0].startswith("CXFULFILL_OAUTH") for row in rows(result))
    nothing = run({}, "--given", "auth")
    assert nothing.output == "Nothing is set.\n"
    run({}, "--given", "nobody", code=2)


def test_a_setting_that_is_wrong() -> None:
    assert "Error: set CXFULFILL_AUTH: one of" in run({}, code=1).output
    assert "did you mean CXFULFILL_AUDIENCE?" in run(BASIC | {"AUDIENC": "x"}, code=1).output


def test_a_file_s_content_in_place_of_its_name() -> None:
    result = run(BASIC | {"TLS_KEY": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n", "TLS_CERT": "server.pem"})
    assert ["CXFULFILL_TLS_KEY", "environment", "[redacted]"] in rows(result)
    assert ["CXFULFILL_TLS_CERT", "environment", "server.pem"] in rows(result)


def test_settings_for_cloud_run() -> None:
    assert "K_SERVICE is not set" in run(RUN, code=1).output
    assert "auth = CloudRunIam(" in run(RUN, "--on-cloud-run").output
    assert "K_SERVICE" not in os.environ
