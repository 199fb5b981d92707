"""Start-up and shutdown hooks, and what /ready tells of them and of the store."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from cxfulfill import ConfigurationError, Context, Router, lifecycle, readiness
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.serving import close_all, start_all
from tests.clock import Clock
from tests.pipeline.support import CANARY, LIMIT, MEMBER, SOON, Counted, Finds, ask, post, refused
from tests.server.wire import until


def ready(webhook: Counted) -> Any:
    return post(webhook, method="GET", path="/ready").json["parts"]


class Hooks:
    """Hooks that note their names, and fail while they are told to."""

    def __init__(self, webhook: Counted) -> None:
        self.ran: list[str] = []
        self.loops: set[int] = set()
        self.failing: set[str] = set()
        for name in ("one", "two", "three"):
            webhook.on_startup(self.make(name))
            webhook.on_shutdown(self.make(f"end-{name}"))

    def make(self, name: str) -> Callable[[], object]:
        def plain() -> None:
            self.ran.append(name)
            if name in self.failing:
                raise ConnectionError(CANARY)

        async def on_the_loop() -> None:
            self.loops.add(id(asyncio.get_running_loop()))
            plain()

        return on_the_loop if "two" in name else plain


START, END = ["one", "two", "three"], ["end-three", "end-two", "end-one"]


def test_hooks_run_once_in_order_and_at_the_end_in_reverse() -> None:
    webhook = Counted()
    hooks = Hooks(webhook)

    async def loop(ctx: Context) -> str:
        return str(id(asyncio.get_running_loop()))

    webhook.add_handler("loop", loop)
    assert hooks.ran == []
    on = ask(webhook, "loop").said
    assert ask(webhook, "count").status == 200
    assert hooks.ran == START
    webhook.close()
    assert hooks.ran == START + END
    assert hooks.loops == {int(on)}
    webhook.close()
    assert hooks.ran == START + END, "nothing was begun since"
    assert ask(webhook, "count").status == 200
    webhook.close()
    assert hooks.ran == (START + END) * 2, "what was closed begins anew"


def test_a_hook_is_an_object_with_an_async_call_too() -> None:
    class Opens:
        loop: object = None

        async def __call__(self) -> None:
            self.loop = asyncio.get_running_loop()

    with closing(Counted()) as webhook:
        opens = webhook.on_startup(Opens())
        assert ask(webhook, "count").status == 200
        assert opens.loop is not None


def test_shutdown_hooks_alone_run_where_the_process_has_served() -> None:
    ran: list[str] = []

    async def end() -> None:
        ran.append("end")

    webhook = Counted()
    assert webhook.on_shutdown(end) is end
    webhook.close()
    assert ran == [], "it was never used"
    assert ask(webhook, "count").status == 200
    assert ready(webhook) == {"handlers": True, "store": True}
    webhook.close()
    assert ran == ["end"]


def test_shutdown_hooks_run_after_handlers_that_still_run(gate: threading.Event) -> None:
    webhook, ran = Counted(idempotency=None), list[str]()

    async def slow(ctx: Context) -> str:
        await asyncio.to_thread(gate.wait, LIMIT)
        ran.append("handler")
        return "late"

    async def end() -> None:
        ran.append("end")

    webhook.add_handler("slow", slow, timeout=SOON, fallback="wait")
    webhook.on_shutdown(end)
    assert ask(webhook, "slow").said == "wait"
    closes = threading.Thread(target=webhook.close)
    closes.start()
    gate.set()
    closes.join(LIMIT)
    assert ran == ["handler", "end"]


def test_a_start_up_hook_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with closing(Counted(clock=clock)) as webhook:
        hooks = Hooks(webhook)
        hooks.failing = {"two"}
        with caplog.at_level(logging.INFO, "cxfulfill"):
            result = post(webhook)
        assert (result.status, result.reason, result.headers["Retry-After"]) == (503, "starting", "1")
        line = caplog.messages[0]
        assert line.startswith("a start-up hook failed with ConnectionError: ")
        assert f"on_the_loop ({__file__}:" in line
        assert CANARY not in caplog.text
        assert (hooks.ran, webhook.runs) == (["one", "two"], [])
        assert ready(webhook) == {"handlers": True, "startup": False, "store": True}

        clock.seconds += 0.9
        refused(webhook, caplog, 503)
        assert hooks.ran == ["one", "two"], "a second has not passed"
        hooks.failing.clear()
        clock.seconds += 0.1
        assert post(webhook).status == 200
        assert hooks.ran == ["one", "two", "two", "three"], "what has succeeded is not run again"
        assert ready(webhook)["startup"] is True


def test_the_text_of_a_failure_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    with closing(Counted()) as webhook, caplog.at_level(logging.DEBUG, "cxfulfill"):
        Hooks(webhook).failing = {"one"}
        assert post(webhook).status == 503
        assert CANARY in caplog.text


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_hook_that_exits_fails(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with closing(Counted()) as webhook:

        def plain() -> None:
            raise SystemExit(1)

        async def on_the_loop() -> None:
            raise SystemExit(1)

        webhook.on_startup(plain if name == "one" else on_the_loop)
        assert post(webhook).reason == "starting"
    assert "a start-up hook failed with" in caplog.text


def test_a_shutdown_hook_that_fails_keeps_none_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted()
    hooks = Hooks(webhook)
    assert ask(webhook, "count").status == 200
    hooks.failing = {"end-three", "end-two"}
    webhook.close()
    assert hooks.ran == START + END
    assert caplog.text.count("a shutdown hook failed with ConnectionError") == 2
    assert CANARY not in "".join(record.getMessage() for record in caplog.records)


def test_who_proves_nothing_learns_nothing_and_starts_nothing() -> None:
    with closing(Counted()) as webhook:
        hooks = Hooks(webhook)
        assert post(webhook, headers={"Authorization": None}).status == 401
        assert hooks.ran == []


def test_calls_wait_for_start_up_until_their_deadline(gate: threading.Event) -> None:
    runs: list[str] = []

    def opens() -> None:
        runs.append("opens")
        assert gate.wait(LIMIT)

    with closing(Counted(timeout=SOON)) as webhook:
        webhook.on_startup(opens)
        assert [post(webhook).reason, post(webhook).reason] == ["starting"] * 2
        assert ready(webhook)["startup"] is False
        gate.set()
        until(lambda: ready(webhook)["startup"] is True, "start-up")
        assert post(webhook).status == 200
    assert runs == ["opens"]


def test_a_probe_begins_start_up_and_does_not_wait_for_it(gate: threading.Event) -> None:
    with closing(Counted()) as webhook:
        webhook.on_startup(lambda: gate.wait(LIMIT))
        assert ready(webhook)["startup"] is False
        gate.set()
        until(lambda: ready(webhook)["startup"] is True, "start-up")


def test_close_waits_for_start_up_but_not_for_ever(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    webhook = Counted()
    webhook.on_startup(lambda: gate.wait(LIMIT))
    webhook.on_shutdown(lambda: ended.append("end"))
    webhook.lifecycle.start(0)
    monkeypatch.setattr(lifecycle, "START_LIMIT", SOON)
    webhook.close()
    assert ended == ["end"]


def test_a_server_starts_all_webhooks_of_its_process() -> None:
    with closing(Counted()) as webhook, closing(Counted()) as other:
        hooks, others = Hooks(webhook), Hooks(other)
        start_all(8)
        assert hooks.ran == others.ran == START
        close_all()  # the others of this process have begun too
        assert hooks.ran == others.ran == START + END


def test_registration_ends_with_the_start() -> None:
    with closing(Counted()) as webhook:
        webhook.check()
        for register in (webhook.on_startup, webhook.on_shutdown):
            with pytest.raises(ConfigurationError, match="nothing can be registered any more"):
                register(lambda: None)
    with closing(Counted()) as webhook:
        webhook.lifecycle.start()
        with pytest.raises(ConfigurationError, match="start-up has begun"):
            webhook.on_startup(lambda: None)


@pytest.mark.parametrize("hook", [lambda ctx: None, "opens", None])
def test_what_is_no_hook_is_refused(hook: Any) -> None:
    with pytest.raises(ConfigurationError, match="a hook is a function without arguments"):
        Counted().on_startup(hook)


def test_routers_have_no_hooks() -> None:
    assert not hasattr(Router(), "on_startup")


@pytest.mark.wsgi_alone  # under ASGI nothing is served without threads
def test_no_thread_for_start_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()

    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with closing(Counted(clock=clock)) as webhook:
        hooks = Hooks(webhook)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            assert post(webhook).reason == "starting"
        assert "no thread could be started for the start-up hooks" in caplog.text
        clock.seconds += lifecycle.RETRY
        assert post(webhook).status == 200
        assert hooks.ran == START


FORKS = """
import os, sys
from cxfulfill import AllowUnauthenticated, Webhook

webhook = Webhook(auth=AllowUnauthenticated(), idempotency=None)
ran = []

@webhook.on_startup
async def opens(): ran.append(f"open {os.getpid()}")

@webhook.on_shutdown
async def closes(): ran.append(f"close {os.getpid()}")

webhook.lifecycle.start()
parent, child = os.getpid(), os.fork()
if not child:
    assert webhook.lifecycle.is_ready is False
    webhook.close()
    assert ran == [f"open {parent}"], "not begun here"
    webhook.lifecycle.start()
    webhook.close()
    assert ran == [f"open {parent}", f"open {os.getpid()}", f"close {os.getpid()}"], ran
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
webhook.close()
assert ran == [f"open {parent}", f"close {parent}"], ran
"""


def test_hooks_run_in_each_process() -> None:
    quiet = "ignore:This process:DeprecationWarning"
    done = subprocess.run(
        [sys.executable, "-W", quiet, "-c", FORKS], timeout=LIMIT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "AllowUn" not in line]) == (0, [])


def test_ready_asks_whoever_can_tell() -> None:
    class Unready(Finds):
        def ready(self) -> bool:
            return False

    with closing(Counted(Unready(MEMBER), idempotency=None)) as webhook:
        assert ready(webhook) == {"handlers": True, "auth": False}
        assert post(webhook, method="GET", path="/ready").status == 503
        assert post(webhook, path="/ready").status == 405


# --- the store, as /ready asks it -------------------------------------------------------------------------------------


class Checked(MemoryStore):
    """A store that counts how often it is tried, and holds each up while the gate is shut."""

    blocking = True
    bounded = True

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self.gate = gate
        self.tried = 0

    def check(self) -> None:
        self.tried += 1
        if not self.gate.wait(LIMIT):
            raise TimeoutError


def test_the_store_is_tried_once_a_second(gate: threading.Event) -> None:
    clock, store = Clock(), Checked(gate)
    gate.set()
    with closing(Counted(clock=clock, idempotency=store)) as webhook:
        assert [ready(webhook)["store"] for _ in range(3)] == [True] * 3
        assert store.tried == 1
        clock.seconds += readiness.FRESH
        assert ready(webhook)["store"] is True
        assert store.tried == 2


def test_no_probe_waits_for_a_store_that_hangs(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE", SOON)
    clock, store = Clock(), Checked(gate)
    with closing(Counted(clock=clock, idempotency=store)) as webhook:
        assert [ready(webhook)["store"] for _ in range(3)] == [False] * 3, "it is not known yet"
        assert store.tried == 1
        gate.set()
        until(lambda: ready(webhook)["store"] is True, "the store's answer")
        gate.clear()
        clock.seconds += readiness.FRESH
        assert [ready(webhook)["store"] for _ in range(3)] == [True] * 3, "what it has last shown"
        assert store.tried == 2


@pytest.mark.wsgi_alone  # under ASGI nothing is served without threads
def test_no_thread_to_ask_the_store(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: object) -> None:
        raise RuntimeError("can't start new thread")

    gate.set()
    with closing(Counted(idempotency=Checked(gate))) as webhook:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", no_thread)
            assert ready(webhook)["store"] is False
        store = webhook.pipeline().probes.store
        assert store
        store.begin()
        assert ready(webhook)["store"] is True, "another process's answer does not count"


def test_a_plain_hook_that_hands_on_an_async_one_is_awaited() -> None:
    ran: list[str] = []

    async def opens() -> None:
        ran.append("open")

    with closing(Counted()) as webhook:
        webhook.on_startup(lambda: opens())  # noqa: PLW0108 - that is the case
        assert post(webhook).status == 200
    assert ran == ["open"]
