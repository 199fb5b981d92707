"""The shipped gunicorn settings and the ways to start a server with them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.server.worker import Worker
from cxfulfill.settings.server import read_server
from tests.server.conftest import Serve
from tests.server.wire import (
    LIMIT,
    ROOT,
    SECRETS,
    Server,
    basic,
    call,
    call_body,
    clean_environment,
    gunicorn,
    head,
    until,
)

EXAMPLE_USER = ("cx-agent", "local-development-only")
EXAMPLE_REQUESTS = sorted(ROOT.glob("example_app/requests/*.json"))
BIN = Path(sys.executable).parent
TARGETS = ("tests.server.app:app", "tests.server.app:webhook")


@pytest.fixture(scope="module")
def example(serve: Serve) -> Server:
    """The example app, started by the Procfile's own line as a platform runs it: through a shell."""
    assert EXAMPLE_REQUESTS, "there is nothing to post"
    [command] = [
        line.removeprefix("web:") for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:")
    ]
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    username, password = EXAMPLE_USER
    return serve("sh", "-c", f"exec {command}", PORT="0", PATH=path, HOTEL_USERNAME=username, HOTEL_PASSWORD=password)


@pytest.mark.parametrize("request_file", EXAMPLE_REQUESTS, ids=lambda file: file.stem)
def test_the_procfile_serves_every_example_request(example: Server, request_file: Path) -> None:
    body = request_file.read_bytes()
    credential = basic(*EXAMPLE_USER)
    response = example.ask(head("POST", "/webhook", f"Content-Length: {len(body)}", credential=credential) + body)
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json().keys() <= {"fulfillmentResponse", "pageInfo", "sessionInfo", "payload", "targetPage"}


def test_the_procfile_starts_the_shipped_settings_on_all_addresses(example: Server) -> None:
    assert any("Listening at: http://0.0.0.0:" in line for line in example.lines())
    assert any("Using worker: cxfulfill.server.worker.Worker" in line for line in example.lines())


def test_the_procfile_refuses_another_caller(example: Server) -> None:
    assert example.ask(call()).status == 401


@pytest.mark.parametrize("target", TARGETS)
def test_gunicorn_serves_the_flask_app_and_the_webhook_itself(serve: Serve, target: str) -> None:
    server = serve(*gunicorn(target))
    with server.connect() as wire:
        assert wire.ask(call()).json() == {"fulfillmentResponse": {"messages": [{"text": {"text": ["Hello."]}}]}}
        assert wire.ask(call("async")).parameters["turn"] == 1
        assert wire.ask(head("GET", "/health", credential="")).status == 200
        unknown = wire.ask(head("GET", "/unknown", credential=""))
        assert (unknown.status, unknown.json()["reason"]) == (404, "unknown_path")
    assert server.ran() == ["plain", "async"]
    assert server.stop() == 0


@pytest.mark.parametrize("shipped", [True, False])
def test_the_shipped_settings_open_no_control_socket(serve: Serve, tmp_path: Path, shipped: bool) -> None:
    command = gunicorn("tests.server.app:app")
    if not shipped:
        command = tuple(part for part in command if part not in ("-c", "python:cxfulfill.server.gunicorn"))
    server = serve(*command, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))
    if not shipped:
        until(lambda: any(path.is_socket() for path in tmp_path.rglob("*")), "gunicorn's own control socket")
        return
    assert server.ask(call()).status == 200
    assert server.stop() == 0
    assert list(tmp_path.rglob("*")) == []
    assert not [line for line in server.lines() if "control" in line.lower()]


def test_sigterm_refuses_who_connects_while_a_call_still_runs(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"), WEB_CONCURRENCY="2")
    processes: set[int] = set()

    def both_have_answered() -> bool:
        processes.update(response.parameters["pid"] for response in server.ask_at_once(call("async-plain")))
        return len(processes) == 2

    def is_refused() -> bool:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    # Where coverage traces a worker that still starts, and a signal comes, CPython 3.11 can spin for ever.
    until(both_have_answered, "calls in both workers")
    with server.connect() as wire:
        wire.send(call("gated"))
        with server.gate():
            server.process.send_signal(signal.SIGTERM)
            until(is_refused, "the sockets are closed")
        assert wire.response().status == 200
    assert server.process.wait(LIMIT) == 0
    assert not [line for line in server.lines() if "Traceback" in line]


def test_a_worker_that_ends_waits_for_no_connection_that_has_sent_nothing() -> None:
    worker, silent = Worker.__new__(Worker), SimpleNamespace(timeout=float("inf"))
    worker.__dict__.update(alive=False, _accepting=False, sockets=[], pending_conns=[silent])
    worker.set_accept_enabled(False)
    assert silent.timeout < time.monotonic() + LIMIT


def test_a_worker_that_ends_closes_its_sockets_also_where_it_cannot_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise OSError("no file descriptor is free")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        worker = Worker.__new__(Worker)
        worker.__dict__.update(alive=False, _accepting=False, sockets=[listening], pending_conns=[], nr_conns=0,
                            worker_connections=8)  # fmt: skip
        monkeypatch.setattr(worker, "accept", fails)
        with socket.create_connection(address):
            worker.set_accept_enabled(False)
    assert listening.fileno() == -1


def test_sigterm_lets_a_running_call_end_and_the_exit_code_is_0(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"))
    with server.connect() as wire:
        wire.send(call("gated"))
        with server.gate():
            server.process.send_signal(signal.SIGTERM)
            server.until_line("Handling signal: term")
        response = wire.response()
    assert response.status == 200
    assert server.process.wait(LIMIT) == 0
    assert not [line for line in server.lines() if "Traceback" in line]


def test_sigterm_ends_a_server_whose_pool_and_event_loop_have_run(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"))
    with server.connect() as wire:
        assert wire.ask(call("async")).status == 200
        wire.send(call("gated-watched"))
        with server.gate():
            assert wire.response().json() == {"fulfillmentResponse": {"messages": [{"text": {"text": ["Later."]}}]}}
    assert server.stop() == 0
    assert not [line for line in server.lines() if "Traceback" in line]


def test_a_watched_handler_is_cut_off_and_its_end_is_logged(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"), CXFULFILL_THREADS="1")
    with server.connect() as wire:
        wire.send(call("gated-watched"))
        with server.gate():
            response = wire.response()
            assert response.json() == {"fulfillmentResponse": {"messages": [{"text": {"text": ["Later."]}}]}}
            # The only thread of the server is free while the handler still runs.
            assert wire.ask(call()).status == 200
    server.until_line("handler ended after its deadline")
    assert server.ran() == ["gated-watched", "plain"]


def test_a_fallback_is_in_time_and_the_retry_gets_the_late_result(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"))
    body = json.dumps(json.loads(call_body("gated-watched")) | {"detectIntentResponseId": "turn-1"}).encode()
    delivery = head("POST", "/webhook", f"Content-Length: {len(body)}") + body
    with server.connect() as wire:
        wire.send(delivery)
        with server.gate():
            response = wire.response()
            # The handler is still at the gate.
            assert response.json()["fulfillmentResponse"]["messages"][0]["text"]["text"] == ["Later."]
        server.until_line("handler ended after its deadline")
        retry = wire.ask(delivery)
    assert retry.json()["fulfillmentResponse"]["messages"][0]["text"]["text"] == ["Through the gate."]
    assert retry.headers["Idempotent-Replayed"] == "true"
    assert server.ran() == ["gated-watched"]


def test_each_worker_has_an_event_loop_of_its_own_made_after_the_fork(serve: Serve) -> None:
    # --preload imports the application before the fork: what was made then would be shared and dead.
    server = serve(*gunicorn("--preload", "tests.server.app:app"), WEB_CONCURRENCY="2")
    server.until_line("Booting worker")
    turns: dict[str, list[int]] = {}

    def both_have_answered() -> bool:
        for response in server.ask_at_once(call("async")):
            turns.setdefault(response.parameters["loop"], []).append(response.parameters["turn"])
        return len({loop.partition("/")[0] for loop in turns}) == 2 and all(len(seen) > 3 for seen in turns.values())

    until(both_have_answered, "calls in both workers")
    assert len(turns) == 2, "a worker had more than one loop"
    for seen in turns.values():
        assert sorted(seen) == list(range(1, len(seen) + 1)), "the resource was not kept"


def test_a_loop_made_before_the_fork_is_not_used_after_it(serve: Serve) -> None:
    server = serve(*gunicorn("--preload", "tests.server.app:warmed()"))
    assert server.ran() == ["async-plain"]
    response = server.ask(call("async-plain"))
    assert response.status == 200
    assert response.parameters["pid"] != server.process.pid
    assert server.stop() == 0


def test_a_process_that_answered_an_async_call_ends_by_itself(tmp_path: Path) -> None:
    program = "from tests.server.app import warmed; warmed()"
    environment = clean_environment() | {"SERVER_TESTS_RUNS": str(tmp_path / "runs")}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, timeout=LIMIT, check=True)
    assert (tmp_path / "runs").read_text() == "async-plain\n"


def test_fifty_async_calls_leave_no_thread_behind(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"), CXFULFILL_THREADS="1")
    with server.connect() as wire:
        first = wire.ask(call("async")).parameters
        before = wire.ask(call("threads")).parameters["threads"]
        answers = [wire.ask(call("async")).parameters for _ in range(50)]
        after = wire.ask(call("threads")).parameters["threads"]
    assert after == before
    assert {answer["loop"] for answer in answers} == {first["loop"]}
    assert [answer["turn"] for answer in answers] == list(range(2, 52))


def settings(*arguments: str, **environment: str) -> dict[str, str]:
    """Ask gunicorn what it makes of the shipped settings."""
    command = gunicorn(*arguments, "--print-config", "tests.server.app:app")
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment() | environment, capture_output=True, text=True, check=True
    )
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_the_shipped_settings_leave_cx_its_thirty_seconds_and_cloud_run_its_ten() -> None:
    here, on_cloud_run = settings(), settings(K_SERVICE="hotel")
    assert int(here["timeout"]) > int(here["graceful_timeout"]) > 30
    assert int(on_cloud_run["graceful_timeout"]) < 10
    assert (here["workers"], here["threads"], here["worker_class"]) == ("1", "8", "cxfulfill.server.worker.Worker")


def test_the_shipped_settings_believe_no_proxy_and_bound_the_head() -> None:
    shipped = settings()
    assert (shipped["forwarded_allow_ips"], shipped["forwarder_headers"]) == ("[]", "[]")
    assert shipped["control_socket_disable"] == "True"
    limits = ("limit_request_line", "limit_request_fields", "limit_request_field_size")
    assert [int(shipped[limit]) for limit in limits] == [4094, 100, 8190]


def test_the_environment_wins_over_a_shipped_default_and_a_flag_over_both() -> None:
    environment = {"WEB_CONCURRENCY": "3", "CXFULFILL_THREADS": "5"}
    shipped, flagged = settings(**environment), settings("--workers", "2", "--threads", "4", **environment)
    assert (shipped["workers"], shipped["threads"]) == ("3", "5")
    assert (flagged["workers"], flagged["threads"]) == ("2", "4")


def test_the_log_of_a_served_call_shows_nothing_of_it(serve: Serve) -> None:
    server = serve(*gunicorn("--log-level", "debug", "--access-logfile", "-", "tests.server.app:webhook"))
    assert server.ask(call()).status == 200
    assert server.stop() == 0
    written = "\n".join(server.lines())
    assert '"POST /webhook HTTP/1.1" 200' in written
    assert not [secret for secret in (*SECRETS, call_body().decode()) if secret in written]


def json_object(line: str) -> dict[str, Any]:
    """Read a line; an empty object where it is no JSON."""
    found: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
    return found


STAMP = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[\d+\] \[([A-Z]+)\] (.*)")
ALLOWED = "AllowUnauthenticated: this webhook answers every caller"
TOLD = ["a library warns", "a handler tells", "status=200 reason=ok"]


def logged(serve: Serve, how: str, *arguments: str) -> list[tuple[str, str]]:
    """Serve a call, and give what was logged of it: the level where there are time and level, and the message."""
    server = serve(*gunicorn(*arguments, "tests.server.log_app:webhook"), SERVER_TESTS_LOGGING=how)
    assert server.ask(call(credential="")).status == 200
    assert server.stop() == 0
    pairs = [match.groups() if (match := STAMP.fullmatch(line)) else ("", line) for line in server.lines()]
    marks = ("library", "handler", "reason=ok", "AllowUnauthenticated")
    return [(level, text.partition(" request_id")[0]) for level, text in pairs if any(mark in text for mark in marks)]


@pytest.mark.parametrize("arguments", [(), ("--preload",)])
def test_the_lines_of_calls_have_time_and_level(serve: Serve, arguments: tuple[str, ...]) -> None:
    levels = ("WARNING", "WARNING", "INFO", "INFO")
    assert logged(serve, "", *arguments) == list(zip(levels, [ALLOWED, *TOLD], strict=True))


@pytest.mark.parametrize(
    ("how", "lines"),
    [
        ("root", [f"own WARNING cxfulfill {ALLOWED}", "own WARNING somebody a library warns"]),
        ("root-info", [
            f"own WARNING cxfulfill {ALLOWED}", "own WARNING somebody a library warns",
            "own INFO somebody a library chats", "own INFO cxfulfill.handler a handler tells",
            "own INFO cxfulfill status=200 reason=ok",
        ]),
    ],
)  # fmt: skip
def test_an_application_s_own_logging_is_left_alone(serve: Serve, how: str, lines: list[str]) -> None:
    assert logged(serve, how) == [("", line) for line in lines]


def test_a_handler_and_a_level_of_one_s_own_for_cxfulfill(serve: Serve) -> None:
    assert logged(serve, "cxfulfill") == [("", f"own WARNING cxfulfill {ALLOWED}"), ("WARNING", "a library warns")]
    assert logged(serve, "level") == [("WARNING", "a library warns")]


def test_the_lines_of_calls_on_cloud_run(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.log_app:webhook"), K_SERVICE="hotel")
    assert server.ask(call(credential="")).status == 200
    server.until_line('"severity":"INFO","message":"status=200 reason=ok')
    assert server.stop() == 0
    entries = {entry["message"]: entry for line in server.lines() if (entry := json_object(line))}
    assert [entries[told]["severity"] for told in (ALLOWED, *TOLD[:2])] == ["WARNING", "WARNING", "INFO"]
    assert entries["a handler tells"]["tag"] == "plain"
    [record] = [entry for entry in entries.values() if "httpRequest" in entry]
    assert record["request_id"] == entries["a handler tells"]["request_id"]
    assert record["httpRequest"].keys() == {
        "requestMethod", "requestUrl", "status", "latency", "requestSize", "responseSize",
    }  # fmt: skip
    assert record["handler_ms"] <= record["ms"]


@pytest.mark.parametrize(
    ("environment", "is_json"),
    [({"CXFULFILL_LOG_FORMAT": "json"}, True), ({"CXFULFILL_LOG_FORMAT": "text", "K_SERVICE": "hotel"}, False)],
)
def test_the_form_of_lines_is_set(serve: Serve, environment: dict[str, str], is_json: bool) -> None:
    server = serve(*gunicorn("tests.server.log_app:webhook"), cwd=ROOT, **environment)
    assert server.ask(call(credential="")).status == 200
    server.until_line("status=200 reason=ok")
    [line] = [line for line in server.lines() if "status=200 reason=ok" in line]
    assert bool(json_object(line)) == is_json


def test_a_form_of_lines_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXFULFILL_LOG_FORMAT", "xml")
    with pytest.raises(ConfigurationError, match="CXFULFILL_LOG_FORMAT takes text or json"):
        read_server()


@pytest.mark.parametrize(
    ("options", "name", "problem"),
    [
        (
            ("-k", "asgi"),
            "app",
            "a Flask application is for WSGI: for -k asgi give the webhook itself, such as main:web",
        ),
        ((), "asgi", "an ASGI application is for -k asgi, or uvicorn: give this worker another, such as main:webhook"),
    ],
)
def test_an_application_of_the_other_interface_does_not_start(
    tmp_path: Path, options: tuple[str, ...], name: str, problem: str
) -> None:
    (tmp_path / "wrong.py").write_text(
        "from cxfulfill import AllowUnauthenticated, Webhook\nfrom cxfulfill.server.flask import create_app\n"
        "webhook = Webhook(auth=AllowUnauthenticated())\nasgi, app = webhook.asgi, create_app(webhook)\n"
    )
    done = subprocess.run(
        gunicorn(*options, "--pythonpath", str(tmp_path), f"wrong:{name}"), cwd=ROOT, env=clean_environment(),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    assert f"[ERROR] the application does not start: {problem}" in done.stderr


@pytest.mark.parametrize("options", [(), ("-k", "asgi")])
def test_settings_that_are_refused_are_one_line_of_the_log_and_no_traceback(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "refused.py").write_text("from cxfulfill import Webhook\n\nwebhook = Webhook.from_env()\n")
    done = subprocess.run(
        gunicorn(*options, "--pythonpath", str(tmp_path), "refused:webhook"), cwd=ROOT, env=clean_environment(),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if "set CXFULFILL_AUTH" in line]
    assert "the application does not start: set CXFULFILL_AUTH: one of google-id-token" in line
    assert "(refused.py, line 3)" in line
    assert "[ERROR]" in line
