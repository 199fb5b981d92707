"""Where handlers run, under which deadline, with what around them."""

import asyncio
import contextvars
import logging
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any

import pytest
from pydantic import BaseModel

from cxfulfill import Answer, Context, Deadline, ParameterError, Reply, Router
from cxfulfill import workers as workers_module
from cxfulfill.carriers import error_of
from cxfulfill.coroutines import run
from cxfulfill.late import note_late
from cxfulfill.testing import make_context
from cxfulfill.workers import Workers
from tests.cases.client import App, call

LIMIT = 30.0
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def text(app: App, tag: str, **parameters: Any) -> str:
    answer = app.post(call(tag, **parameters))
    assert answer.status == 200, answer
    return str(answer.json["fulfillmentResponse"]["messages"][0]["text"]["text"][0])


def thread_name(ctx: Context) -> str:
    return threading.current_thread().name


@pytest.mark.parametrize(
    ("of_app", "options", "in_pool"),
    [
        ({}, {}, False),
        ({}, {"timeout": 5}, True),
        ({}, {"fallback": "later"}, True),
        ({"timeout": 5}, {}, True),
    ],
)
def test_a_plain_handler_runs_here_unless_it_is_watched(of_app: Any, options: Any, in_pool: bool) -> None:
    app = App(**of_app)
    app.add("t", thread_name, **options)
    assert text(app, "t").startswith("cxfulfill_") == in_pool
    app.webhook.close()


def test_a_routers_timeout_counts_for_its_handlers() -> None:
    app = App()
    routes = Router(timeout=7)
    routes.add_handler("t", lambda ctx: f"{ctx.deadline.remaining() > 5} {thread_name(ctx)[:10]}")
    routes.add_handler("u", lambda ctx: str(ctx.deadline.remaining() < 3), timeout=2)
    app.webhook.include(routes)
    assert text(app, "t") == "True cxfulfill_"
    assert text(app, "u") == "True"
    app.webhook.close()


def test_the_clock_is_injected() -> None:
    now = [100.0]
    app = App(clock=lambda: now[0])

    def look(ctx: Context) -> str:
        now[0] += 3
        return str(ctx.deadline.remaining())

    app.add("t", look)
    assert text(app, "t") == "1.5"
    assert Deadline(99.0, lambda: now[0]).remaining() == 0.0


def test_context_variables_go_along() -> None:
    app = App()

    async def later(ctx: Context) -> str:
        return VARIABLE.get()

    app.add("pool", lambda ctx: VARIABLE.get(), timeout=20)
    app.webhook.add_handler("loop", later)
    token = VARIABLE.set("carried")
    try:
        assert (text(app, "pool"), text(app, "loop")) == ("carried", "carried")
    finally:
        VARIABLE.reset(token)
    app.webhook.close()


def test_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    gate = threading.Event()
    left = threading.Event()

    def slow(ctx: Context) -> str:
        gate.wait(LIMIT)
        left.set()
        if ctx.tag == "fails":
            raise ValueError("hidden")
        return "late"

    async def slow_async(ctx: Context) -> str:
        await asyncio.to_thread(gate.wait, LIMIT)
        return "late"

    app.add("slow", slow, timeout=0.05)
    app.add("fails", slow, timeout=0.05)
    app.add("kept", slow, timeout=0.05, fallback=Reply("In a minute."))
    app.webhook.add_handler("async", slow_async, timeout=0.05)
    for tag in ("slow", "fails", "async"):
        answer = app.post(call(tag))
        assert (answer.status, answer.reason, answer.headers["Retry-After"]) == (503, "deadline", "1")
    assert text(app, "kept") == "In a minute."
    assert "status=200 reason=deadline" in caplog.text
    gate.set()
    app.webhook.close()
    late = [record.getMessage() for record in caplog.records if "after its deadline" in record.getMessage()]
    assert sum("ended after its deadline" in line for line in late) == 3
    assert sum("failed after its deadline: error=ValueError at=client.py" in line for line in late) == 1
    assert "hidden" not in caplog.text


def test_a_full_pool_is_overloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "POOL_SIZE", 1)
    app = App()
    gate = threading.Event()
    app.add("slow", lambda ctx: str(gate.wait(LIMIT)), timeout=0.05)
    assert app.post(call("slow")).reason == "deadline"
    assert app.post(call("slow")).reason == "overloaded"
    gate.set()
    app.webhook.close()


def test_a_handlers_own_timeout_error_is_no_deadline() -> None:
    app = App()

    def fails(ctx: Context) -> str:
        raise TimeoutError

    app.add("t", fails, timeout=20)
    assert app.post(call("t")).reason == "internal"
    app.webhook.close()


def test_a_cancelled_answer_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    future: Future[Any] = Future()
    future.cancel()
    assert error_of(future) is None
    note_late(make_context("own"), None, is_kept=False)
    assert "handler ended after its deadline; its answer is lost" in caplog.text


def test_async_handlers_share_one_loop() -> None:
    app = App()
    loops = []

    async def later(ctx: Context) -> str:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return "done"

    app.webhook.add_handler("t", later)
    assert [text(app, "t"), text(app, "t")] == ["done", "done"]
    assert loops[0] is loops[1]
    app.webhook.close()
    assert text(app, "t") == "done"
    app.webhook.close()


def test_a_fork_makes_its_own_threads() -> None:
    program = """
import os, sys
from tests.cases.client import App, call
app = App()
app.add("pool", lambda ctx: "pool", timeout=20)
async def later(ctx): return "loop"
app.webhook.add_handler("loop", later)
def ask(): return [app.post(call(tag)).status for tag in ("pool", "loop")]
assert ask() == [200, 200]
pid = os.fork()
assert ask() == [200, 200]
if pid: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    quiet = "ignore:This process:DeprecationWarning"  # 3.12 warns of a fork beside threads, which is meant here
    command = [sys.executable, "-W", quiet, "-c", program]
    done = subprocess.run(command, timeout=LIMIT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_workers_that_were_never_used_are_closed() -> None:
    Workers().close()


def test_a_coroutine_that_suspends_is_refused() -> None:
    async def suspends() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="suspended"):
        run(suspends())


def wrapping(name: str, trace: list[str]) -> Any:
    def middleware(call: Context) -> Generator[None, Answer, Answer]:
        trace.append(f"{name} in")
        yield
        trace.append(f"{name} out")
        return None

    return middleware


@pytest.mark.parametrize("is_async", [False, True])
def test_middleware_wraps_from_outside_in(is_async: bool) -> None:
    trace: list[str] = []
    app = App()
    routes = Router(middleware=[wrapping("inner", trace)])

    async def later(ctx: Context) -> str:
        trace.append("handler")
        return "done"

    def now(ctx: Context) -> str:
        trace.append("handler")
        return "done"

    routes.add_handler("t", later if is_async else now)
    app.webhook.include(routes)
    app.webhook.middleware(wrapping("outer", trace))
    assert text(app, "t") == "done"
    assert trace == ["outer in", "inner in", "handler", "inner out", "outer out"]
    app.webhook.close()


def replaces(call: Context) -> Generator[None, Answer, Answer]:
    answer = yield
    return f"{answer}!"


def rescues(call: Context) -> Generator[None, Answer, Answer]:
    try:
        yield
    except KeyError:
        return "rescued"
    return None


def swallows(call: Context) -> Generator[None, Answer, Answer]:
    try:
        yield
    except KeyError:
        call.state["seen"] = True
    return None


def translates(call: Context) -> Generator[None, Answer, Answer]:
    try:
        yield
    except KeyError as error:
        raise LookupError from error
    return None


def twice(call: Context) -> Generator[None, Answer, Answer]:
    yield
    yield
    return None


def never(call: Context) -> Generator[None, Answer, Answer]:
    if call.tag == "":
        yield
    return None


def breaks(call: Context) -> Generator[None, Answer, Answer]:
    call.state["missing"]
    yield
    return None


async def fails_later(ctx: Context) -> str:
    raise KeyError


def fails(ctx: Context) -> str:
    raise KeyError


@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        ([rescues], "rescued"), ([replaces, rescues], "rescued!"), ([swallows], "internal"),
        ([rescues, translates], "internal"), ([rescues, breaks], "rescued"), ([twice], "internal"),
        ([never], "internal"), ([rescues, swallows], "rescued"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("handler", [fails, fails_later])
def test_middleware_and_failures(middleware: list[Any], expected: str, handler: Any) -> None:
    app = App()
    routes = Router(middleware=middleware)
    routes.add_handler("t", handler)
    app.webhook.include(routes)
    answer = app.post(call("t"))
    assert expected in answer.body.decode()
    app.webhook.close()


@pytest.mark.parametrize("middleware", [twice, never])
def test_middleware_that_yields_wrongly_around_a_good_handler(
    middleware: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    app.webhook.middleware(middleware)
    assert app.post().status == 500
    assert "error=ConfigurationError" in caplog.text


def by_base(ctx: Context, error: LookupError) -> str:
    return f"base of {type(error).__name__}"


async def by_class(ctx: Context, error: KeyError) -> str:
    return "own class"


def broken(ctx: Context, error: Exception) -> str:
    raise RuntimeError


def test_error_handlers_by_class_and_layer(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.webhook.on_error(LookupError)(by_base)
    app.webhook.add_handler("outer", fails)
    inner = Router(on_error={KeyError: by_class})
    inner.add_handler("inner", fails)
    worst = Router(on_error={Exception: broken})
    worst.add_handler("broken", fails)
    app.webhook.include(inner)
    app.webhook.include(worst)
    assert text(app, "outer") == "base of KeyError"
    assert "status=200 reason=internal" in caplog.text
    assert "error=KeyError" in caplog.text
    assert text(app, "inner") == "own class"
    assert app.post(call("broken")).status == 500
    assert "error=RuntimeError" in caplog.text
    app.webhook.close()


class Stay(BaseModel):
    nights: int


def typed(ctx: Context, stay: Stay) -> str:
    return f"{stay.nights} nights"


def test_parameters_that_do_not_fit(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.webhook.add_handler("t", typed)
    assert text(app, "t", nights=3.0) == "3 nights"
    answer = app.post(call("t", nights="canary"))
    assert (answer.status, answer.json["detail"]) == (400, "Parameters do not fit: nights (int_parsing).")
    assert "canary" not in caplog.text + answer.body.decode()
    app = App()
    app.webhook.add_handler("t", typed)
    app.webhook.on_error(ParameterError)(lambda ctx, error: f"wrong: {error.problems[0][0]}")
    assert text(app, "t") == "wrong: nights"


def test_an_abort_closes_the_middleware() -> None:
    trace: list[str] = []

    def cleans(call: Context) -> Generator[None, Answer, Answer]:
        try:
            yield
        finally:
            trace.append("cleaned")
        return None

    def aborts(ctx: Context) -> str:
        raise SystemExit(1)

    app = App()
    app.add("t", aborts)
    app.webhook.middleware(cleans)
    with pytest.raises(SystemExit):
        app.post(call("t"))
    assert trace == ["cleaned"]


def test_a_folded_status_has_its_own_title() -> None:
    answer = App(strict_cx_status=True).post(method="GET")
    assert (answer.status, answer.json["title"], answer.json["status"]) == (404, "Not Found", 404)


def test_an_abort_of_the_worker_passes() -> None:
    app = App()

    def aborts(ctx: Context) -> str:
        raise SystemExit(1)

    app.add("t", aborts)
    with pytest.raises(SystemExit):
        app.post(call("t"))


def test_tracebacks_are_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.webhook.add_handler("t", fails)
    with caplog.at_level(logging.DEBUG, "cxfulfill"):
        app.post(call("t"))
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.DEBUG]
    assert "Traceback" in caplog.text


def test_the_log_of_a_handler_carries_the_ids(caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    app.add("t", lambda ctx: ctx.log.warning("said"))
    app.post(call("t"))
    record = caplog.records[0]
    assert (record.name, record.__dict__["tag"]) == ("cxfulfill.handler", "t")
    assert record.__dict__["request_id"]
