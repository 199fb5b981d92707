"""How many calls are handled at a time: who is refused, who is not, and when a place is free again."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from cxfulfill import ConfigurationError, Context, HttpRequest, Unavailable, Webhook, serving
from cxfulfill.handlers import Invocation, read_function
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.load import Load
from cxfulfill.runtime import Threads
from cxfulfill.serving import start_all
from cxfulfill.settings.server import read_server, without_effect
from cxfulfill.stages import Stages
from cxfulfill.testing import make_context
from cxfulfill.work import Work
from tests.clock import Clock
from tests.pipeline.support import GOOD, LIMIT, SOON, Counted, Result, Unreadable, app_b, ask, post, refused
from tests.server.wire import until


def call(tag: str, turn: str) -> bytes:
    session = {"session": "projects/p/locations/l/agents/a/sessions/s"}
    body = {"detectIntentResponseId": turn, "fulfillmentInfo": {"tag": tag}, "sessionInfo": session}
    return json.dumps(body).encode()


class Busy(Counted):
    """A webhook with a handler that waits at a gate, plain and async, and one that need not run once."""

    def __init__(self, gate: threading.Event, limit: int = 1, **options: Any) -> None:
        super().__init__(max_in_flight=limit, **options)
        self.gate = gate
        self.begun: list[str] = []
        self.add_handler("slow", self.slow)
        self.add_handler("look", self.slow, idempotent=False)
        self.add_handler("late", self.slow, timeout=SOON, fallback="Later.")
        self.add_handler("late-look", self.slow, timeout=SOON, fallback="Later.", idempotent=False)
        self.add_handler("late-async", self.slow_async, timeout=SOON, fallback="Later.")

    def slow(self, ctx: Context) -> str:
        self.begun.append(ctx.tag)
        assert self.gate.wait(LIMIT)
        return "Done."

    async def slow_async(self, ctx: Context) -> str:
        return await asyncio.to_thread(self.slow, ctx)

    @contextmanager
    def calls(self, *bodies: bytes) -> Iterator[list[Result]]:
        """Let these calls run, each in its own thread, during the block; then let them end."""
        results: list[Result] = []
        threads = [threading.Thread(target=lambda body=body: results.append(post(self, body))) for body in bodies]
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda number=number: self.inside == number + 1, "the call")  # type: ignore[misc]
            until(lambda: len(self.begun) > 0, "the handler")
        try:
            yield results
        finally:
            self.gate.set()
            for thread in threads:
                thread.join(LIMIT)

    @property
    def inside(self) -> int:
        return self.load._inside._number

    @property
    def waiting(self) -> int:
        return self.load._waiting._number

    @property
    def running(self) -> int:
        return self.load._running._number


@pytest.fixture
def busy(gate: threading.Event) -> Iterator[Busy]:
    with closing(Busy(gate)) as made:
        yield made
        gate.set()
    assert (made.inside, made.waiting, made.running) == (0, 0, 0)


@pytest.mark.parametrize("tag", ["slow", "look"])
@pytest.mark.parametrize("other", ["count", "look"])
def test_a_call_beyond_the_limit_is_refused_at_once(
    busy: Busy, tag: str, other: str, caplog: pytest.LogCaptureFixture
) -> None:
    with busy.calls(call(tag, "1")) as results:
        result = refused(busy, caplog, 503, body=call(other, "2"))
        assert (result.reason, result.headers["Retry-After"]) == ("overloaded", "1")
        assert busy.begun == [tag]
    assert results[0].said == "Done."
    assert post(busy, call(other, "2")).status == 200


def test_a_retry_waits_apart_and_gets_the_answer(busy: Busy, caplog: pytest.LogCaptureFixture) -> None:
    retry = call("slow", "1")
    with busy.calls(retry, retry) as results:
        until(lambda: busy.waiting == 1, "the retry")
        assert busy.running == 1
        assert refused(busy, caplog, 503, body=retry).reason == "overloaded"
    assert [result.said for result in results] == ["Done."] * 2
    assert busy.begun == ["slow"]


def test_retries_of_one_call_leave_their_places_to_others(gate: threading.Event) -> None:
    with closing(Busy(gate, limit=3)) as busy:
        retry = call("slow", "1")
        with busy.calls(*[retry] * 4) as results:
            until(lambda: busy.waiting == 3, "the retries")
            assert [post(busy, retry).reason for _ in range(5)] == ["overloaded"] * 5
            assert post(busy, call("count", "2")).status == 200
        assert [result.said for result in results] == ["Done."] * 4


def test_where_nothing_could_be_handled_the_body_is_not_read(busy: Busy, caplog: pytest.LogCaptureFixture) -> None:
    with busy.calls(call("slow", "1"), call("slow", "1")):
        assert refused(busy, caplog, 503, stream=Unreadable()).reason == "overloaded"


def test_who_proves_nothing_and_who_probes_is_not_counted(busy: Busy) -> None:
    with busy.calls(call("slow", "1"), call("slow", "1")):
        assert post(busy, headers={"Authorization": None}).status == 401
        assert post(busy, method="GET", path="/ready").status == 200
        assert post(busy, method="GET", path="/health").status == 200
        assert busy.inside == 2


@pytest.mark.parametrize("tag", ["late", "late-look", "late-async"])
def test_a_handler_that_is_late_keeps_its_place(busy: Busy, tag: str, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(busy, tag).said == "Later."
    assert (busy.inside, busy.running) == (0, 1)
    assert refused(busy, caplog, 503).reason == "overloaded"
    busy.gate.set()
    until(lambda: busy.running == 0, "the handler's end")
    assert ask(busy, "count").status == 200


@pytest.mark.parametrize("tag", ["count", "unknown", "echo"])
def test_a_call_that_ends_in_any_way_gives_its_place_up(busy: Busy, tag: str) -> None:
    for _ in range(3):
        assert ask(busy, tag).status in (200, 404)
        assert post(busy, b"{").status == 400
    assert (busy.inside, busy.running) == (0, 0)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_begins_when_its_request_has_left_runs_all_the_same(*, is_async: bool) -> None:
    def plain(ctx: Context) -> str:
        return str(load._running._number)

    async def on_the_loop(ctx: Context) -> str:
        return plain(ctx)

    load, ctx = Load(1), make_context()
    function = read_function(on_the_loop if is_async else plain, None)
    work = Work(Invocation(function, ()), ctx, (ctx,), watched=True, encoding=lambda *_: b"", stages=Stages(Clock()))
    with load.running(work) as late:
        pass
    with load.running(work):
        invocation = late.invocation
        ran = asyncio.run(invocation.run_async(ctx, (ctx,))) if is_async else invocation.run(ctx, (ctx,))
        assert ran == "2"
        with pytest.raises(Unavailable):
            load.running(work)
    assert load._running._number == 0


def test_there_is_no_limit_by_default() -> None:
    load = Load(None)
    with load.inside(), load.inside(), load.waiting():
        assert load._inside._number == 0


def test_settings_that_nobody_heeds_are_told_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"CXFULFILL_MAX_IN_FLIGHT": "8", "CXFULFILL_THREADS": "20", "CXFULFILL_BASIC_PASSWORD": "x"}
    assert list(without_effect(None, 1, is_from_env=False, environ={})) == []
    assert list(without_effect(8, 9, is_from_env=True, environ=variables)) == []
    assert list(without_effect(8, 8, is_from_env=False, environ=variables)) == [
        "max_in_flight=8, and the server has 8 threads; set CXFULFILL_THREADS=20",
        "CXFULFILL_MAX_IN_FLIGHT, which only Webhook.from_env() reads; make this webhook with it",
    ]
    with closing(Webhook(auth=app_b(), max_in_flight=8)) as made:
        monkeypatch.setattr(serving, "served", [made])
        start_all(8)
    sentence = "max_in_flight=8, and the server has 8 threads; set CXFULFILL_THREADS=20"
    assert f"a setting is without effect: {sentence}" in caplog.messages


def test_who_waits_for_another_process_counts_as_one_that_waits(gate: threading.Event) -> None:
    counted: list[tuple[int, int]] = []

    class Paused(Threads):
        async def pause(self, seconds: float) -> None:
            counted.append((second.running, second.waiting))
            gate.set()
            until(lambda: first.running == 0, "the handler's end")

    store = MemoryStore()
    with closing(Busy(gate, idempotency=store)) as first, closing(Busy(gate, idempotency=store)) as second:
        with first.calls(call("slow", "1")):
            headers = {"Authorization": GOOD, "Content-Type": "application/json"}
            http = HttpRequest.build("POST", "/webhook", headers=headers, body=call("slow", "1"))
            response = second.handle(http, Paused(second.workers))
        assert (response.status, second.begun) == (200, [])
        assert counted == [(0, 1)]
        assert (second.running, second.waiting) == (0, 0)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "8"])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_in_flight must be a whole number of 1 or more"):
        Counted(max_in_flight=limit)


def test_the_limit_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXFULFILL_AUTH", "none")
    monkeypatch.setenv("CXFULFILL_MAX_IN_FLIGHT", "3")
    with closing(Webhook.from_env()) as webhook:
        assert webhook.load._running._limit == 3
    monkeypatch.setenv("CXFULFILL_MAX_IN_FLIGHT", "0")
    with pytest.raises(ConfigurationError, match="max_in_flight is CXFULFILL_MAX_IN_FLIGHT"):
        Webhook.from_env()


def test_the_server_has_threads_to_refuse_with() -> None:
    assert read_server({}).threads == 8
    assert read_server({"CXFULFILL_MAX_IN_FLIGHT": "8"}).threads == 20
    assert read_server({"CXFULFILL_MAX_IN_FLIGHT": "8", "CXFULFILL_THREADS": "9"}).threads == 9
    with pytest.raises(ConfigurationError, match="THREADS must be above CXFULFILL_MAX_IN_FLIGHT"):
        read_server({"CXFULFILL_MAX_IN_FLIGHT": "8", "CXFULFILL_THREADS": "8"})
    with pytest.raises(ConfigurationError, match="CXFULFILL_MAX_IN_FLIGHT must be a whole number"):
        read_server({"CXFULFILL_MAX_IN_FLIGHT": "x"})


SHUT = """
import os, threading
from cxfulfill import AllowUnauthenticated, HttpRequest, OpenTelemetry, Webhook

webhook = Webhook(auth=AllowUnauthenticated(), max_in_flight=1, telemetry=OpenTelemetry())
webhook.add_handler("hello", lambda ctx: "Hello.", timeout=20)
pipeline = webhook.pipeline()
held = [
    pipeline.deduplication.flights, pipeline.deduplication.store, pipeline.deduplication.store.store, webhook.workers,
    webhook.lifecycle, pipeline.probes.store, webhook.load._inside, webhook.load._running,
    pipeline.telemetry._begin.args[1], pipeline.deduplication.keying.near,
]
body = b'{"fulfillmentInfo": {"tag": "hello"}}'
call = HttpRequest.build("POST", "/webhook", headers={"Content-Type": "application/json"}, body=body)
locked, end = threading.Event(), threading.Event()

def hold():
    for each in held:
        each._lock.acquire()
    webhook._freezing.acquire()
    locked.set()
    end.wait()

thread = threading.Thread(target=hold, daemon=True)
thread.start()
locked.wait()
child = os.fork()
if not child:
    ready = webhook.handle(HttpRequest.build("GET", "/ready")).status
    os._exit(webhook.handle(call).status != 200 or ready != 200)
assert os.waitpid(child, 0)[1] == 0
end.set()
"""


def test_a_lock_that_a_thread_held_at_a_fork_is_open_in_the_child() -> None:
    options = ["-W", "ignore:This process:DeprecationWarning", "-c", SHUT]
    done = subprocess.run([sys.executable, *options], timeout=LIMIT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


FORKS = """
import os
from cxfulfill.load import Load

load = Load(1)
with load.inside(), load.inside():
    child = os.fork()
    if not child:
        with load.inside(), load.inside():
            pass
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_fork_begins_at_nothing() -> None:
    quiet = "ignore:This process:DeprecationWarning"
    done = subprocess.run(
        [sys.executable, "-W", quiet, "-c", FORKS], timeout=LIMIT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


LINES = """
import io, os, sys, threading
from cxfulfill.last_resort import LastResort, TextFormatter
from cxfulfill.records import CallRecord

text = TextFormatter()
handler = LastResort(text, text.format_call)
handler.setStream(open(os.devnull, "w"))  # buffered, so that it has a lock of its own
record = CallRecord("id", 20, 200, "ok", "ok")
end = threading.Event()

def write():
    while not end.is_set():
        handler.write(record)

threads = [threading.Thread(target=write, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(40):
    child = os.fork()
    if not child:
        handler.write(record)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
end.set()
"""


def test_no_fork_falls_into_the_middle_of_a_line() -> None:
    options = ["-W", "ignore:This process:DeprecationWarning", "-c", LINES]
    done = subprocess.run([sys.executable, *options], timeout=LIMIT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_place_that_was_set_aside_is_not_taken_back_beyond_the_limit() -> None:
    ctx = make_context("own")
    function = read_function(lambda ctx: None)
    work = Work(Invocation(function, ()), ctx, (ctx,), watched=True, encoding=lambda *_: b"", stages=Stages(Clock()))
    load = Load(1)
    others: list[Any] = []

    def waits_in_vain() -> None:
        with load.running(work) as waits, load.waiting_elsewhere(waits):
            others.append(load.running(work))  # another call, which gets the place meanwhile

    with pytest.raises(Unavailable):
        waits_in_vain()
    assert load._running._number == 1, "the other one's"
    with others[0]:
        pass
    assert (load._running._number, load._waiting._number) == (0, 0)
