"""The threads and the event loop of a process: how many, for how long, and after a fork."""

import asyncio
import gc
import re
import subprocess
import sys
import threading
from contextlib import closing
from typing import Any

import anyio
import pytest

from cxfulfill import Context
from cxfulfill import workers as workers_module
from cxfulfill.coroutines import run
from tests.pipeline.support import (
    CANARY,
    LIMIT,
    SOON,
    Counted,
    ask,
    body_of,
    name_of_thread,
    name_of_thread_async,
    raises,
    refused,
)


def test_a_full_pool_refuses_and_recovers(
    monkeypatch: pytest.MonkeyPatch, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers_module, "POOL_SIZE", 2)
    with closing(Counted()) as made:
        made.add_handler("slow", lambda ctx: str(gate.wait(LIMIT)), timeout=SOON, fallback="wait")
        made.add_handler("quick", lambda ctx: "done", timeout=LIMIT)
        assert [ask(made, "slow").said, ask(made, "slow").said] == ["wait", "wait"]
        result = refused(made, caplog, 503, body=body_of("quick"))
        assert (result.reason, result.headers["Retry-After"]) == ("overloaded", "1")
        assert ask(made, "count").status == 200
        gate.set()
        made.close()
        assert ask(made, "quick").said == "done"


def test_async_handlers_share_one_loop(webhook: Counted) -> None:
    loops: set[int] = set()

    async def where(ctx: Context) -> str:
        loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0)
        return threading.current_thread().name

    webhook.add_handler(["one", "two"], where)
    webhook.add_handler("timed", where, timeout=LIMIT)
    assert {ask(webhook, tag).said for tag in ("one", "two", "timed", "one")} == {"cxfulfill-loop"}
    assert len(loops) == 1


def test_async_handlers_run_side_by_side(webhook: Counted) -> None:
    meet = threading.Barrier(3)

    async def meets(ctx: Context) -> str:
        await asyncio.to_thread(meet.wait, LIMIT)
        return "met"

    webhook.add_handler("meet", meets)
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(ask(webhook, "meet").said)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert said == ["met"] * 3


def test_close_waits_and_what_comes_after_makes_anew(webhook: Counted) -> None:
    before = set(threading.enumerate())
    webhook.close()
    webhook.add_handler("pool", name_of_thread, timeout=LIMIT)
    webhook.add_handler("loop", name_of_thread_async)
    for _ in range(2):
        assert ask(webhook, "pool").said.startswith("cxfulfill_")
        assert ask(webhook, "loop").said == "cxfulfill-loop"
        webhook.close()
        webhook.close()
        assert not [each for each in threading.enumerate() if each.name == "cxfulfill-loop" and each not in before]


@pytest.mark.parametrize("close", ["", "app.close()"])
def test_a_fork_makes_a_pool_and_a_loop_of_its_own(close: str) -> None:
    program = f"""
import os, sys
from tests.pipeline.support import Counted, ask, name_of_thread, name_of_thread_async
app = Counted()
app.add_handler("pool", name_of_thread, timeout=20)
app.add_handler("loop", name_of_thread_async)
def works(): return (ask(app, "pool").said[:10], ask(app, "loop").said) == ("cxfulfill_", "cxfulfill-loop")
assert works()
pid = os.fork()
assert works()
{close}
if pid: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    # Python 3.12 warns of a fork beside threads, which is what is tried here.
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program]
    done = subprocess.run(command, timeout=2 * LIMIT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_coroutine_that_suspends_is_refused_and_closed() -> None:
    ended: list[bool] = []

    async def suspends() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append(True)

    with pytest.raises(RuntimeError, match="suspended"):
        run(suspends())
    assert ended == [True]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("options", [{}, {"timeout": LIMIT}])
def test_an_abort_of_the_worker_passes(
    webhook: Counted, kind: type[BaseException], options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    webhook.add_handler("abort", raises(kind()), **options)
    with pytest.raises(kind):
        ask(webhook, "abort")
    [line] = caplog.messages
    assert line.startswith("status=503 reason=aborted ")
    assert ask(webhook, "count").status == 200


@pytest.mark.parametrize("idempotent", [True, False])
def test_an_async_handler_that_exits_is_told_by_its_own_exception_and_place(
    webhook: Counted, idempotent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def leaves(ctx: Context) -> None:
        raise SystemExit(3)

    webhook.add_handler("leave", leaves, idempotent=idempotent)
    assert ask(webhook, "leave").status == 500
    [line] = caplog.messages
    assert re.search(r" error=SystemExit at=\"test_workers\.py:\d+ leaves\"", line)


def test_an_async_handler_that_exits_leaves_the_loop_to_the_others() -> None:
    program = """
import contextlib
from tests.pipeline.support import Counted, ask, name_of_thread_async
app = Counted()
async def leaves(ctx): raise SystemExit(3)
app.add_handler("leave", leaves)
app.add_handler("loop", name_of_thread_async)
with contextlib.suppress(SystemExit): ask(app, "leave")
assert ask(app, "loop").said == "cxfulfill-loop"
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=LIMIT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_close_waits_for_a_cancelled_look_up_to_clean_up(webhook: Counted) -> None:
    begun, cleaned = threading.Event(), []

    async def looks_up(ctx: Context) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            cleaned.append(True)

    webhook.add_handler("look", looks_up, timeout=SOON, idempotent=False)
    assert ask(webhook, "look").reason == "deadline"
    assert begun.wait(LIMIT)
    webhook.close()
    assert cleaned == [True]


def test_what_a_cancelled_look_up_raises_is_told_by_its_class(
    webhook: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    async def looks_up(ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError(CANARY) from None

    webhook.add_handler("look", looks_up, timeout=SOON, idempotent=False)
    assert ask(webhook, "look").reason == "deadline"
    webhook.close()
    gc.collect()
    assert "an async look-up that was cancelled ended with ValueError" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("error", [OSError("no file descriptor"), RuntimeError("no thread")])
def test_a_loop_that_cannot_be_made_holds_nobody_up(
    webhook: Counted, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise error

    webhook.add_handler("loop", name_of_thread_async)
    with monkeypatch.context() as patch:
        patch.setattr(anyio, "run", fails)
        assert ask(webhook, "loop").reason == "overloaded"
    assert ask(webhook, "loop").said == "cxfulfill-loop"
