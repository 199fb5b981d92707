"""Calls delivered five times at once to workers that are killed at random, and a store that stops and comes back."""

import json
import os
import queue
import random
import re
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.server.conftest import Serve
from tests.server.wire import LIMIT, Server, gunicorn, head, until
from tests.servers.redis_server import RedisServer

CALLS = 200
DELIVERIES = 5
CONNECTIONS = 20
KILLS = 8
ATTEMPTS = 400
"""Deliveries of one call at most, until one of them is answered."""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/calls.sqlite"
    return str(request.getfixturevalue("redis").url)


def call(number: int) -> bytes:
    agent = "projects/p/locations/global/agents/a"
    body = json.dumps(
        {
            "detectIntentResponseId": f"turn-{number}", "fulfillmentInfo": {"tag": "effect"},
            "sessionInfo": {"session": f"{agent}/sessions/s{number}", "parameters": {"call": number}},
        }
    ).encode()  # fmt: skip
    return head("POST", "/webhook", f"Content-Length: {len(body)}") + body


@dataclass
class Load:
    """Deliveries from several connections, each until it is answered with 200."""

    server: Server
    answers: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    done: int = 0

    def run(self, calls: range, during: Callable[["Load"], None]) -> None:
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in calls:
            for _ in range(DELIVERIES):
                waiting.put(number)
        threads = [threading.Thread(target=self._deliver, args=(waiting,)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        during(self)
        for thread in threads:
            thread.join(LIMIT * 4)
        assert not any(thread.is_alive() for thread in threads)
        assert self.failures == []

    def _deliver(self, waiting: "queue.SimpleQueue[int]") -> None:
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            if not self._until_answered(number):
                self.failures.append(f"call {number} was never answered")
            self.done += 1

    def _until_answered(self, number: int) -> bool:
        for _ in range(ATTEMPTS):
            try:
                response = self.server.ask(call(number))
                assert len(response.body) == int(response.headers["Content-Length"])
            except (OSError, AssertionError):  # the worker was killed, perhaps while it answered
                threading.Event().wait(0.05)
                continue
            self.statuses[response.status] += 1
            if response.status == 200:
                self.answers[number].add(response.body)
                return True
            assert response.status == 503, response
            threading.Event().wait(0.05)
        return False


def workers(server: Server) -> list[int]:
    """The processes of the workers that run now."""
    booted = [int(found[1]) for line in server.lines() if (found := re.search(r"Booting worker with pid: (\d+)", line))]
    return [pid for pid in booted if Path(f"/proc/{pid}").exists()]


def effects(file: Path) -> dict[str, list[tuple[str, int]]]:
    noted: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for line in file.read_text().splitlines():
        what, number, pid = line.split()
        noted[number].append((what, int(pid)))
    return noted


def test_every_call_runs_once_while_workers_are_killed(serve: Serve, store: str, tmp_path: Path) -> None:
    noted = tmp_path / "effects"
    command = gunicorn("tests.server.idempotency_app:webhook")
    server = serve(
        *command, WEB_CONCURRENCY="2", CXFULFILL_THREADS="4", SERVER_TESTS_STORE=store, SERVER_TESTS_EFFECTS=str(noted)
    )
    until(lambda: len(workers(server)) == 2, "both workers")
    chance, killed = random.Random(4), []

    def kill(load: Load) -> None:
        for number in range(1, KILLS + 1):
            share = number * CALLS * DELIVERIES // (KILLS + 2)
            until(lambda share=share: load.done >= share and len(workers(server)) == 2, "more calls")  # type: ignore[misc]
            killed.append(chance.choice(workers(server)))
            os.kill(killed[-1], signal.SIGKILL)

    load = Load(server)
    load.run(range(CALLS), kill)
    assert len(load.answers) == CALLS
    differing = {number: effects(noted)[str(number)] for number, bodies in load.answers.items() if len(bodies) > 1}
    assert not differing, f"all answers to one call are identical, killed {killed}, log {server.lines()[-40:]}"
    again = {number: ran for number, ran in effects(noted).items() if sum(what == "begin" for what, _ in ran) > 1}
    assert len(effects(noted)) == CALLS
    for number, ran in again.items():
        # Only a run whose worker was killed in the middle of it, or before its answer was kept, is followed by another.
        begun = [pid for what, pid in ran if what == "begin"]
        assert set(begun[:-1]) <= set(killed), f"call {number} ran again: {ran}"
        assert len(begun) - 1 <= len(killed)
    print(f"{len(killed)} kills, {len(again)} calls ran again, statuses {dict(load.statuses)}")  # noqa: T201 - for -s


def test_redis_stopped_paused_and_started_again_under_load(serve: Serve, redis: RedisServer, tmp_path: Path) -> None:
    noted = tmp_path / "effects"
    command = gunicorn("tests.server.idempotency_app:webhook")
    server = serve(
        *command, WEB_CONCURRENCY="2", CXFULFILL_THREADS="4", SERVER_TESTS_STORE=redis.url,
        SERVER_TESTS_EFFECTS=str(noted),
    )  # fmt: skip
    until(lambda: len(workers(server)) == 2, "both workers")

    def disturb(load: Load) -> None:
        total = CALLS * DELIVERIES
        until(lambda: load.done >= total // 5, "a fifth")
        redis.pause()
        refused = load.statuses[503]
        until(lambda: load.statuses[503] > refused, "a call that says that the store is down")
        redis.resume()
        until(lambda: load.done >= total // 2, "half")
        redis.stop()
        refused = load.statuses[503]
        until(lambda: load.statuses[503] > refused, "a call that says that the store is down")
        redis.start()

    load = Load(server)
    load.run(range(CALLS), disturb)
    assert len(load.answers) == CALLS, "no answer is lost, and nothing hangs"
    # What Redis held is lost with its restart: a call that was answered before may run once more, and no oftener.
    begun = Counter(number for number, ran in effects(noted).items() for what, _ in ran if what == "begin")
    assert max(begun.values()) <= 2
    assert set(load.statuses) == {200, 503}


def test_the_shipped_settings_share_calls_among_workers(serve: Serve, tmp_path: Path) -> None:
    noted = tmp_path / "effects"
    server = serve(
        *gunicorn("tests.server.idempotency_app:by_default"), WEB_CONCURRENCY="2", TMPDIR=str(tmp_path),
        SERVER_TESTS_STORE="memory://", SERVER_TESTS_EFFECTS=str(noted),
    )  # fmt: skip
    until(lambda: len(workers(server)) == 2, "both workers")
    load = Load(server)
    load.run(range(20), lambda _: None)
    assert {len(bodies) for bodies in load.answers.values()} == {1}
    assert len({pid for ran in effects(noted).values() for _, pid in ran}) == 2, "both have worked"
    assert {sum(what == "begin" for what, _ in ran) for ran in effects(noted).values()} == {1}
    [folder] = tmp_path.glob("cxfulfill-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.glob("calls-*"))
    assert server.stop() == 0
    assert list(folder.glob("calls-*")) == [], "another start, of other code perhaps, remembers nothing"


def test_two_applications_of_one_user_share_nothing(serve: Serve, tmp_path: Path) -> None:
    answers = set()
    for name in ("one", "other"):
        server = serve(
            *gunicorn("tests.server.idempotency_app:by_default"), WEB_CONCURRENCY="2", TMPDIR=str(tmp_path),
            SERVER_TESTS_STORE="memory://", SERVER_TESTS_EFFECTS=str(tmp_path / name),
        )  # fmt: skip
        until(lambda server=server: len(workers(server)) == 2, "both workers")  # type: ignore[misc]
        load = Load(server)
        load.run(range(1), lambda _: None)
        answers |= load.answers[0]
    assert len(answers) == 2
