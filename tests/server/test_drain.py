"""Start, stop and overload of a real gunicorn with the shipped settings, under load."""

import json
import re
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from cxfulfill.target import DEFAULT_TIMEOUT
from tests.server.conftest import Serve
from tests.server.load_app import TAKES
from tests.server.wire import LIMIT, Server, Wire, gunicorn, head, until

APP = "tests.server.load_app:webhook"
CLIENTS = 6
GRACE = 35.0
"""Seconds of the shipped settings from SIGTERM to the end."""
SECONDS = 20.0
"""How long the overload lasts."""
IN_FLIGHT = 4
TIMES = 4
"""How many times its capacity is asked of the server."""
QUICK = 1.0
"""Seconds within which a refusal is quick, on a machine that is busy with other things."""

_numbers = count()


def call() -> bytes:
    """Make a call that no other one is a retry of."""
    number = next(_numbers)
    session = {"session": f"projects/p/locations/global/agents/a/sessions/{number}"}
    body = json.dumps(
        {"detectIntentResponseId": str(number), "fulfillmentInfo": {"tag": "work"}, "sessionInfo": session}
    ).encode()
    return head("POST", "/webhook", f"Content-Length: {len(body)}") + body


def noted(server: Server) -> Counter[str]:
    return Counter(line.partition(" ")[0] for line in server.ran())


def errors(server: Server) -> list[str]:
    return [line for line in server.lines() if re.search(r"ERROR|CRITICAL|Traceback|Exception", line)]


@dataclass
class Load:
    """Clients that call on a connection for as long as the server keeps it, then on another one while there is one."""

    server: Server
    answers: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0

    def run(self) -> None:
        while True:
            try:
                wire = self.server.connect()
            except OSError:
                self.refused += 1
                return
            if not self._calls(wire):
                return

    def _calls(self, wire: Wire) -> bool:
        """Call until the server ends the connection; tells whether it had taken the connection."""
        with wire:
            for number in count():
                try:
                    response = wire.ask(call())
                except (AssertionError, OSError) as error:
                    if number:
                        self.lost.append(repr(error))
                    return False
                self.answers.append(response.status)
                if response.headers["Connection"] == "close":
                    return True
        raise AssertionError


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_under_load_loses_no_call(serve: Serve, workers: str) -> None:
    server = serve(*gunicorn(APP), WEB_CONCURRENCY=workers)
    # A worker that is traced while it starts can spin for ever at a signal, under CPython 3.11.
    until(lambda: noted(server)["opens-too"] == int(workers), "all workers")
    load = Load(server)
    threads = [threading.Thread(target=load.run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    until(lambda: len(load.answers) > 2 * CLIENTS, "answers")
    server.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    assert server.process.wait(GRACE) == 0
    assert time.monotonic() - told < GRACE
    for thread in threads:
        thread.join(LIMIT)
    assert not any(thread.is_alive() for thread in threads)
    assert load.lost == [], "a connection was ended under a call"
    assert set(load.answers) == {200}
    assert noted(server)["run"] == len(load.answers), "what has run is answered"
    with pytest.raises(OSError, match="refused"):
        server.connect()
    assert errors(server) == []
    started = noted(server)
    assert {started[what] for what in ("opens", "opens-too", "closes")} == {int(workers)}


def test_hooks_run_before_a_worker_takes_calls(serve: Serve) -> None:
    server = serve(*gunicorn("--preload", APP))
    until(lambda: noted(server)["opens-too"] == 1, "the start-up hooks")
    assert [line.partition(" ")[0] for line in server.ran()] == ["opens", "opens-too"]
    [pid] = {line.partition(" ")[2] for line in server.ran()}
    assert int(pid) != server.process.pid
    assert server.ask(call()).parameters["pid"] == int(pid)
    ready = server.ask(head("GET", "/ready", credential=""))
    assert ready.json()["parts"] == {"handlers": True, "startup": True, "store": True}
    assert server.stop() == 0
    assert noted(server) == {"opens": 1, "opens-too": 1, "run": 1, "closes": 1}


@dataclass
class Overload:
    """Clients that begin a call each at fixed times, whatever has become of the ones before."""

    server: Server
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)

    def run(self, begin: float, end: float) -> None:
        with self.server.connect() as wire:
            at = begin
            while at < end:
                time.sleep(max(0.0, at - time.monotonic()))
                response = wire.ask(call())
                took = time.monotonic() - at
                if response.status == 200:
                    self.taken.append(took)
                elif (response.status, response.json()["reason"]) == (503, "overloaded"):
                    assert response.headers["Retry-After"] == "1"
                    self.refused.append(took)
                else:
                    self.others.append(response)
                at += TAKES


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


def test_at_four_times_its_capacity_it_serves_what_it_can_and_refuses_the_rest_at_once(serve: Serve) -> None:
    server = serve(*gunicorn(APP), CXFULFILL_MAX_IN_FLIGHT=str(IN_FLIGHT))
    load, number = Overload(server), IN_FLIGHT * TIMES
    begin = time.monotonic() + 0.5
    clients = [(begin + TAKES * each / number, begin + SECONDS) for each in range(number)]
    threads = [threading.Thread(target=load.run, args=client) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + LIMIT)
    assert not any(thread.is_alive() for thread in threads)
    assert load.others == []
    assert p99(load.taken) < DEFAULT_TIMEOUT
    assert p99(load.refused) < QUICK
    assert len(load.taken) == noted(server)["run"]
    assert len(load.taken) > IN_FLIGHT * SECONDS / TAKES / 4, "it went on working"
    assert len(load.refused) > len(load.taken) / 4
    ready = server.ask(head("GET", "/ready", credential=""))
    assert ready.status == 200
    assert server.stop() == 0
