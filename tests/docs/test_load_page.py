"""The page about load: its command runs as it stands, and shows what the page shows, but for the figures."""

import importlib
import re
import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from werkzeug.serving import WSGIRequestHandler, make_server

from cxfulfill.cli.commands import cli
from cxfulfill.simulator.load import HUNG, MAX_SECONDS, MAX_USERS
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/simulate/load.md"
TEXT = PAGE.read_text(encoding="utf-8")
PASSWORD = "local-development-only"


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The example app on a port of its own."""
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", PASSWORD)
    monkeypatch.chdir(ROOT)
    known = sys.modules.pop("example_app.main", None)
    main = importlib.import_module("example_app.main")
    server = make_server("127.0.0.1", 0, main.app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhook"
    server.shutdown()
    thread.join()
    server.server_close()
    main.webhook.close()
    del sys.modules["example_app.main"]
    if known is not None:
        sys.modules["example_app.main"] = known


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def shape(output: str) -> list[str]:
    """What does not depend on the machine: the sentences without figures, and the tables' heads and first columns."""
    lines = [line.strip() for line in output.splitlines() if line.strip(" ─")]
    lines = [line for line in lines if not re.match(r"\d+ s:|[\d.]+ ms", line)]
    return [" ".join(re.sub(r"[\d.]+", "0", re.sub(r"(?: +[\d.]+){6}$", "", line)).split()) for line in lines]


def test_the_command_shows_what_the_page_shows(url: str) -> None:
    export, command = (line.removeprefix("$ ") for line in block("console").splitlines())
    assert export == f"export HOTEL_PASSWORD={PASSWORD}"
    program, *words = shlex.split(command)
    assert program == "cxfulfill"
    words[words.index("http://127.0.0.1:8080/webhook")] = url
    result = CliRunner().invoke(cli, [*words, "--calls", "300", "--think", "0", "--seed", "1"])
    assert result.exit_code == 0, result.output
    assert shape(result.output) == shape(block("text"))
    assert "█" in result.output


def test_each_option_has_a_row_and_none_is_invented() -> None:
    command = cli.get_command(click.Context(cli), "load")
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) == known


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"30 seconds by default, {MAX_SECONDS:g} at most" in TEXT
    assert f"0.5 seconds by default, {MAX_USERS} at most" in TEXT
    assert f"| `{HUNG}` |" in TEXT


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)", TEXT):
        assert (PAGE.parent / Path(target)).is_file(), target
