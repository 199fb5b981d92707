"""All that is compared answers the same; what needs an environment of its own is tried where that is made."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import app, bodies, candidates, credentials, environments, everything_on, in_process, servers, workload
from benchmarks.peers import hand_written
from cxfulfill import Webhook
from cxfulfill.server.flask import create_app


@pytest.fixture(scope="module")
def keys() -> Iterator[Path]:
    with credentials.folder() as folder:
        yield folder


def in_process_answer(application: in_process.WsgiApp, body: bytes) -> Any:
    return json.loads(in_process.call(application, workload.bearer(), body))


def test_the_views_and_the_webhooks_answer_the_same_in_process() -> None:
    fresh = workload.fresh(workload.medium())
    for application in (
        hand_written.app, in_process.hand_written(), workload.application().wsgi, create_app(workload.application())
    ):  # fmt: skip
        assert in_process_answer(application, next(fresh)) == candidates.ANSWER
    answer = asyncio.run(everything_on.asgi_call(workload.application().asgi, next(fresh)))
    assert json.loads(answer) == candidates.ANSWER


@pytest.mark.parametrize("tag", app.HANDLERS)
def test_each_tag_of_the_served_application_answers_the_same(tag: str) -> None:
    webhook = Webhook(auth=workload.id_token())
    webhook.add_handler(tag, app.HANDLERS[tag])
    assert in_process_answer(webhook.wsgi, bodies.tagged(workload.medium(), tag)) == candidates.ANSWER


def test_the_served_application_takes_what_the_workload_takes() -> None:
    fields = workload.Booking.model_fields
    assert app.Booking.model_fields.keys() == fields.keys()
    assert {name: field.annotation for name, field in app.Booking.model_fields.items()} == {
        name: field.annotation for name, field in fields.items()
    }
    assert (app.TEXT, app.CHANGES, app.PASSWORD) == (in_process.TEXT, in_process.CHANGES, in_process.PASSWORD)


@pytest.mark.parametrize("size", [1_000, 2_000, 4_000, 29_000, 1_000_000])
def test_requests_of_all_sizes_are_answered(size: int) -> None:
    body = bodies.sized(size)
    assert size - 300 < len(body) <= size
    assert in_process_answer(workload.application().wsgi, body) == candidates.ANSWER


@pytest.mark.parametrize("position", range(12))
def test_servers_answer_the_same(position: int, keys: Path) -> None:
    candidate = [*candidates.peers(keys)[:5], *candidates.ours_served(keys)][position]
    assert candidate.environment is not None
    if not environments.ready(candidate.environment):
        pytest.skip(f"the environment of {candidate.environment} is made by the benchmarks: python -m benchmarks load")
    with servers.started(candidate) as server:
        server.first_answer(workload.medium(), candidates.ANSWER)


def test_what_a_server_spells_out_though_it_is_not_there_is_left_out() -> None:
    told = {"a": "", "b": [], "c": {"d": False}, "e": None, "f": [{"g": "X_UNSPECIFIED", "h": 1}]}
    assert servers.essence(told) == {"e": None, "f": [{"h": 1}]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("./ezcx --port {port}", ("./ezcx", "--port", "{port}")),
        ("'./my server' -v", ("./my server", "-v", "{port}")),
    ],
)
def test_a_command_of_the_users_is_told_the_port(line: str, expected: tuple[str, ...]) -> None:
    assert servers.users_command(line) == expected
    assert servers.Candidate("x", None, expected).arguments(8080)[-1] == "8080"


def test_a_command_of_the_users_is_measured_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(candidates.GO_EZCX, raising=False)
    assert not candidates.go_ezcx()
    monkeypatch.setenv(candidates.GO_EZCX, "./server")
    (candidate,) = candidates.go_ezcx()
    assert candidate.arguments(81) == ["./server", "81"]
    assert candidate.environ == {"GOMAXPROCS": "1"}


def test_a_server_of_the_users_command_is_started_and_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    gunicorn = (
        f"{sys.executable} -m gunicorn --no-control-socket -b 127.0.0.1:{{port}} benchmarks.peers.hand_written:app"
    )
    monkeypatch.setenv(candidates.GO_EZCX, gunicorn)
    (candidate,) = candidates.go_ezcx()
    with servers.started(candidate) as server:
        server.first_answer(workload.medium(), candidates.ANSWER)


def test_a_server_that_answers_something_else_is_told_with_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    gunicorn = (
        f"{sys.executable} -m gunicorn --no-control-socket -b 127.0.0.1:{{port}} benchmarks.peers.hand_written:app"
    )
    monkeypatch.setenv(candidates.GO_EZCX, gunicorn)
    wanted = candidates.go_ezcx()
    with servers.all_started(wanted, workload.medium(), {}) as (running, faults):
        assert not running
        assert faults == [f"{candidates.GO} gives no right answer; see {servers.log_of(wanted[0])}"]
