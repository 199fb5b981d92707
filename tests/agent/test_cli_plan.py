"""``cxfulfill agent plan`` and ``apply``, against a local agent."""

import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from cxfulfill.agent import resource_api
from cxfulfill.cli.commands import cli
from tests.agent.cx_server import CxServer, Status
from tests.agent.support import AGENT, CANARY, app

HOTEL = (
    AGENT
    + """
[webhooks.hotel]
serves = "standard"
basic = { username = "cx", password_env = "HOTEL_PASSWORD" }
ca_certs = []

[environments.production]
url = "https://production.example"
"""
)


@pytest.fixture(autouse=True)
def _project(server: CxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("app_of_a_test")
    vars(module)["webhook"] = app()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("HOTEL_PASSWORD", CANARY)
    local = partial(resource_api.AgentApi, channel=server.channel, sleep=server.pauses.append)
    monkeypatch.setattr(resource_api, "AgentApi", local)
    monkeypatch.chdir(tmp_path)
    Path("cxfulfill.toml").write_text(HOTEL)


def run(command: str, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["agent", command, "--app", "app_of_a_test:webhook", *arguments])
    assert result.exit_code == code, result.output
    assert CANARY not in result.output
    return result


def test_plan_and_apply(server: CxServer) -> None:
    server.put_environment("production")
    planned = run("plan", "--check", code=1).output
    assert planned == (
        "+ webhook hotel\n"
        "  displayName: (none) -> hotel\n"
        "  genericWebService.password: (none) -> (secret)\n"
        "  genericWebService.uri: (none) -> https://hotel.example/webhook\n"
        "  genericWebService.username: (none) -> cx\n"
        "~ environment production\n"
        "  webhookOverrides.hotel.genericWebService.password: (none) -> (secret)\n"
        "  webhookOverrides.hotel.genericWebService.uri: (none) -> https://production.example/webhook\n"
        "  webhookOverrides.hotel.genericWebService.username: (none) -> cx\n"
        "To do: 1 to create, 1 to update.\n"
    )
    assert server.writes() == []
    assert run("plan").exit_code == 0
    assert run("apply").output == "+ webhook hotel: created\n~ environment production: updated\n"
    assert CANARY not in Path("cxfulfill.state.json").read_text()
    assert run("apply").output == "= webhook hotel: as it is\n= environment production: as it is\n"
    assert run("plan", "--check").output == ("= webhook hotel\n= environment production\nNothing is to be done.\n")


def test_prune(server: CxServer) -> None:
    server.put_environment("production")
    text = Path("cxfulfill.toml").read_text()
    Path("cxfulfill.toml").write_text(f'{text}[webhooks.crm]\nurl = "https://crm.example"\nmethod = "GET"\n')
    run("apply", "--api", "v3")
    Path("cxfulfill.toml").write_text(text)
    assert "? webhook crm\n  neither the application nor the file" in run("plan").output
    assert "? webhook crm: left\n" in run("apply").output
    assert "- webhook crm\nTo do: 1 to delete." in run("plan", "--prune").output
    assert "- webhook crm: deleted\n" in run("apply", "--prune").output


def test_what_fails_is_told(server: CxServer) -> None:
    server.put_environment("production")
    server.failures["CreateWebhook"] = [Status.INVALID_ARGUMENT]
    output = run("apply", code=1).output
    assert "! webhook hotel: INVALID_ARGUMENT: CreateWebhook" in output
    assert "! environment production: not tried, since it needs what has failed: hotel\n" in output
    server.failures["ListWebhooks"] = [Status.PERMISSION_DENIED]
    assert "the agent cannot be read: PERMISSION_DENIED" in run("plan", code=1).output
    assert "there is no such key" in _broken("x = 1\n")
    assert "the variable NOT_SET is not set" in _broken(HOTEL.replace("HOTEL_PASSWORD", "NOT_SET"))


def _broken(text: str) -> str:
    Path("cxfulfill.toml").write_text(text if text.startswith("\n[agent]") else AGENT + text)
    return run("plan", code=1).output


def test_other_forms_ask_nobody(server: CxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOTEL_PASSWORD")
    text = run("plan", "--format", "terraform").output
    assert 'resource "google_dialogflow_cx_webhook" "hotel" {' in text
    document = json.loads(run("plan", "--format", "rest").stdout)
    assert document["webhooks"][0]["genericWebService"]["password"] == "${HOTEL_PASSWORD}"
    assert server.calls == []
    assert "--check goes with --format text" in run("plan", "--format", "rest", "--check", code=2).output


def test_the_commands_are_listed() -> None:
    output = CliRunner().invoke(cli, ["agent", "--help"]).output
    assert [name for name in ("apply", "plan", "template") if f"\n  {name} " in output] == ["apply", "plan", "template"]
    assert "No such command 'none'" in CliRunner().invoke(cli, ["agent", "none"]).output
