"""Test cases of an exported agent, called again on a real server: with the right credential, a wrong one and none."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cxfulfill.cli.commands import cli
from tests.server.app import PASSWORD, USERNAME
from tests.server.conftest import Serve
from tests.server.wire import ROOT, Server, gunicorn

BASIC = ("--username", USERNAME, "--password-env", "REPLAY_PASSWORD")


@pytest.fixture(scope="module")
def server(serve: Serve) -> Server:
    return serve(
        *gunicorn("example_app.main:app"), WEB_CONCURRENCY="1", HOTEL_USERNAME=USERNAME, HOTEL_PASSWORD=PASSWORD
    )


def replayed(server: Server, *options: str, password: str = PASSWORD) -> Result:
    where = ("--url", f"http://127.0.0.1:{server.port}/webhook")
    environment = {"COLUMNS": "200", "NO_COLOR": "1", "REPLAY_PASSWORD": password}
    return CliRunner().invoke(
        cli, ["agent", "replay", str(ROOT / "example_app/agent"), *where, *options], env=environment
    )


def test_the_recorded_effects_come_again_from_a_server(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        result = replayed(server, *BASIC)
        assert result.exit_code == 0, result.output
        assert re.match(r"5 turns: 4 with calls, 0 changed, 0 cannot be told\.\n", result.output)
    lines = [line for line in server.log.read_text().splitlines() if "status=200" in line]
    # Each run is another conversation: none of its calls is taken for a repetition.
    assert len(lines) == 8
    assert all("outcome=ok" in line for line in lines)


@pytest.mark.parametrize(("options", "password"), [(BASIC, "another-password-77"), ((), "")])
def test_who_is_not_let_in_is_told_at_each_call(server: Server, options: tuple[str, ...], password: str) -> None:
    result = replayed(server, *options, password=password)

    assert result.exit_code == 1, result.output
    assert result.output.count("CX raises webhook.error.rejected: the status is 401.") == 4
    assert "5 turns: 4 with calls, 4 changed, 0 cannot be told." in result.output
    assert "another-password" not in result.output
