"""``cxfulfill console``: what is called, and how it begins and ends."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cxfulfill.cli.commands import cli
from cxfulfill.simulator.console import Console
from cxfulfill.simulator.page_server import PageServer
from tests.docs.pages import ROOT

APP = "example_app.main:webhook"
PAGE = (ROOT / "docs/simulate/console.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", "local-development-only")
    monkeypatch.chdir(ROOT)


def asked(url: str, path: str, body: Any = None) -> Any:
    base, _, token = url.partition("/#")
    headers = {"Authorization": f"Bearer {token}", "X-Cxfulfill-Console": "1", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers), timeout=30) as response:
        return json.load(response)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The state of the conversation at the moment when the page is served; then somebody presses Ctrl-C."""
    made: list[Console] = []
    seen: list[Any] = []

    class Kept(Console):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    def serve(page: PageServer) -> None:
        seen.append(made[-1].state())
        raise KeyboardInterrupt

    monkeypatch.setattr("cxfulfill.cli.console.Console", Kept)
    monkeypatch.setattr(PageServer, "serve_forever", serve)
    return seen


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["console", "--no-browser", *arguments])


def test_an_application_is_called_in_this_process(served: list[Any]) -> None:
    done = run("--app", APP, "--language", "de", "--caller-id", "+14155550100")

    assert done.exit_code == 0, done.output
    assert re.search(r"http://127\.0\.0\.1:\d+/#[\w-]{43}\n", done.output)
    assert done.output.endswith("Closed.\n")
    assert served[0]["app"] == APP
    assert served[0]["session"]["language"] == "de"
    assert {each["tag"] for each in served[0]["tags"]} > {"welcome", "book-room"}


def test_a_url_is_called_too(served: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x" * 20)

    done = run("--url", "http://127.0.0.1:9/webhook", "--username", "cx", "--password-env", "SECRET")

    assert done.exit_code == 0, done.output
    assert (served[0]["in_process"], served[0]["tags"]) == (False, [])


def test_agent_and_environment_are_chosen(served: list[Any]) -> None:
    agent = "projects/p/locations/l/agents/a"

    assert run("--app", APP, "--agent", agent, "--environment", "e-1").exit_code == 0

    assert served[0]["session"]["name"].startswith(f"{agent}/environments/e-1/sessions/")


def test_a_conversation_is_loaded(served: list[Any], tmp_path: Path) -> None:
    request = json.loads((ROOT / "example_app/requests/form.json").read_text())
    line = {"cxfulfill_recording": 1, "at": "2030-06-14T09:30:00Z", "method": "POST", "path": "/webhook",
            "tag": "check-nights", "request": request, "status": 200, "answer": {}}  # fmt: skip
    (tmp_path / "saved.jsonl").write_text(json.dumps(line) + "\n")

    done = run("--app", APP, "--load", str(tmp_path / "saved.jsonl"))

    assert done.exit_code == 0, done.output
    assert served[0]["page"]["display_name"] == "Collect booking"
    assert served[0]["turns"][0]["input"] == {"kind": "text", "value": "45 nights"}


@pytest.mark.parametrize(
    ("content", "told"), [(b"\xff", "cannot be read as UTF-8"), (b"{}", "cannot be read"), (b"", "no call")]
)
def test_what_is_no_conversation_is_told(served: list[Any], tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "saved.jsonl").write_bytes(content)

    done = run("--app", APP, "--load", str(tmp_path / "saved.jsonl"))

    assert done.exit_code == 2
    assert told in done.output
    assert "Traceback" not in done.output


def test_a_file_that_is_too_large_is_refused(
    served: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxfulfill.cli.console.MAX_BYTES", 1)
    (tmp_path / "saved.jsonl").write_text("{}\n")

    assert "too large" in run("--app", APP, "--load", str(tmp_path / "saved.jsonl")).output


@pytest.mark.parametrize("arguments", [(), ("--app", APP, "--agent", "hotel"), ("--app", APP, "--url", "http://a/")])
def test_what_cannot_be_is_told(served: list[Any], arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert "Error: " in done.output
    assert served == []


def test_a_browser_is_opened_for_a_person(served: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("cxfulfill.cli.console.is_person", lambda: True)

    done = CliRunner().invoke(cli, ["console", "--app", APP])

    assert [url in done.output for url in opened] == [True]


def test_a_whole_conversation_by_the_real_command() -> None:
    command = [sys.executable, "-m", "cxfulfill.cli", "console", "--app", APP]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        url = process.stdout.readline().strip()
        turn = {"input": {"kind": "text", "value": "hi"}, "tag": "welcome"}
        state = asked(url, "/api/turn", turn)["state"]
        process.terminate()
        assert process.wait(60) == 0
    [call] = state["turns"][0]["calls"]
    assert call["messages"][0]["text"]["text"][0] == "Welcome to Harbour Hotel!"
    assert call["attempts"][0]["record"]["outcome"] == "ok"


def test_the_page_names_each_option_and_none_that_is_not_there() -> None:
    command = cli.get_command(click.Context(cli), "console")
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert known == set(re.findall(r"--[a-z][a-z-]*", PAGE))


def test_links_of_the_page_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", PAGE):
        assert (ROOT / "docs/simulate" / target).exists(), target
