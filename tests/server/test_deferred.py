"""Deferred work across two servers on one store, one of them killed in the middle."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Serve
from tests.server.wire import Server, gunicorn, head, until
from tests.servers.redis_server import RedisServer


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/jobs.sqlite"
        return
    server = RedisServer(tmp_path)
    yield server.url
    server.close()


@pytest.fixture
def servers(serve: Serve, store: str, tmp_path: Path) -> tuple[Server, Server]:
    environment: dict[str, Any] = {
        "SERVER_TESTS_STORE": store,
        "SERVER_TESTS_GO": str(tmp_path / "go"),
        "SERVER_TESTS_EFFECTS": str(tmp_path / "effects"),
    }
    one, other = (serve(*gunicorn("tests.server.deferred_app:webhook"), **environment) for _ in range(2))
    return one, other


def ask(server: Server, turn: str, job: str | None = None) -> tuple[str, dict[str, Any]]:
    parameters = {} if job is None else {"job-quote": job}
    body = json.dumps(
        {
            "detectIntentResponseId": turn,
            "fulfillmentInfo": {"tag": "quote"},
            "sessionInfo": {"session": "projects/p/locations/l/agents/a/sessions/s", "parameters": parameters},
        }
    ).encode()
    answer = server.ask(head("POST", "/webhook", f"Content-Length: {len(body)}") + body)
    assert answer.status == 200, answer
    said = answer.json()["fulfillmentResponse"]["messages"][0]["text"]["text"][0]
    return said, answer.json().get("sessionInfo", {}).get("parameters", {})


def begin(server: Server) -> str:
    said, parameters = ask(server, "turn-1")
    assert said == "One moment…"
    return str(parameters["job-quote"])


def effects(directory: Path) -> list[str]:
    """The processes that began the work: lines that were written, not only a file that was opened for them."""
    file = directory / "effects"
    return file.read_text().splitlines() if file.exists() else []


def test_the_other_server_gives_the_result(servers: tuple[Server, Server], tmp_path: Path) -> None:
    one, other = servers
    job = begin(one)
    assert ask(other, "turn-2", job) == ("One moment…", {"job-quote": job})
    (tmp_path / "go").touch()
    until(lambda: ask(other, "turn-3", job)[0] != "One moment…", "the result")
    for server in servers:
        assert ask(server, "turn-4", job) == ("It is 300 euros.", {"job-quote": None, "price": 300})
    assert len(effects(tmp_path)) == 1


def test_a_server_that_is_killed_loses_its_job(servers: tuple[Server, Server], tmp_path: Path) -> None:
    one, other = servers
    job = begin(one)
    until(lambda: bool(effects(tmp_path)), "the beginning of the work")  # the answer may come before it
    os.killpg(one.process.pid, signal.SIGKILL)
    one.process.wait()
    assert ask(other, "turn-2", job)[0] == "One moment…"
    until(lambda: ask(other, "turn-3", job)[0] != "One moment…", "the end of the lease")
    assert ask(other, "turn-4", job) == ("It was lost.", {"job-quote": None})
    assert len(effects(tmp_path)) == 1
