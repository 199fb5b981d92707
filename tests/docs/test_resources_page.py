"""The page about webhook resources: its project, its commands in order, and what they show."""

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from cxfulfill.agent import resource_api, resource_settings, templates
from cxfulfill.agent.resource_api import PAUSES
from cxfulfill.agent.resource_settings import AgentTable, EnvironmentTable, WebhookTable
from cxfulfill.cli.commands import cli
from cxfulfill.protocol.names import AgentName
from tests.agent import cx_server
from tests.agent.cx_server import CxServer
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/agent/resources.md"
TEXT = PAGE.read_text(encoding="utf-8")
TOML = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
SNIPPETS = re.findall(r"```console\n\$ (cxfulfill .*?)\n```\n+```text\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The files of the page, and a local agent with one environment."""
    [program] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "main.py").write_text(program)
    (tmp_path / "cxfulfill.toml").write_text(TOML[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "main", raising=False)
    monkeypatch.setenv("HOTEL_PASSWORD", "a-long-random-password")
    monkeypatch.setattr(cx_server, "AGENT", AgentName("hotel-1", "europe-west1", "0c5a2b1e"))
    with closing(CxServer()) as server:
        server.put_environment("production")
        monkeypatch.setattr(resource_api, "AgentApi", partial(resource_api.AgentApi, channel=server.channel))
        yield
    made = sys.modules.pop("main", None)
    if made is not None:
        made.webhook.close()


def test_the_commands_show_what_the_page_shows() -> None:
    assert len(SNIPPETS) == 4
    for command, shown in SNIPPETS:
        result = CliRunner().invoke(cli, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
        # Of what is for programs the page has the beginning.
        output = re.sub(r'(/webhooks/)\d+"', r'\g<1>5"', result.stdout)
        told = output[: len(shown)] if "--format" in command else output
        assert told == shown
    assert Path("cxfulfill.toml").read_text() == f"{TOML[0]}\n{TOML[1]}"
    again = CliRunner().invoke(cli, shlex.split(SNIPPETS[0][0])[1:]).stdout
    assert [line for line in again.splitlines() if not line.startswith((" ", "="))] == [
        "+ webhook find-contact", "To do: 1 to create.",
    ]  # fmt: skip


def test_each_key_of_the_file_has_a_row_and_none_is_invented() -> None:
    rows = TEXT.partition("| key |")[2].partition("\n\n")[0]
    named = {
        name for row in rows.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == {*AgentTable.model_fields, *WebhookTable.model_fields, *EnvironmentTable.model_fields} - {
        "defaults", "webhooks",
    }  # fmt: skip
    cells = [row.split("|")[3] for row in rows.splitlines() if row.startswith(("| `basic`", "| `oauth`"))]
    inner = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    tables = (resource_settings.Basic, resource_settings.OAuth)
    known = {name for table in tables for name in table.model_fields}
    assert inner == known - {"password", "client_secret", "insecure_plaintext"}


def test_figures_and_names_are_those_of_the_code() -> None:
    *first, last = (f"{pause:g}" for pause in PAUSES)
    assert f"after {', '.join(first)} and {last} seconds" in TEXT
    assert set(re.findall(r"salesforce-\w+", TEXT)) <= set(templates.names())
    assert all(f"`{file}`" in TEXT for file in ("cxfulfill.toml", "cxfulfill.state.json"))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
