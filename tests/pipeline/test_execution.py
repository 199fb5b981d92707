"""In which thread or loop a handler runs, under which deadline, and what becomes of it in a fork."""

import asyncio
import contextvars
import logging
import threading
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import pytest

from cxfulfill import Context, Deadline, HttpRequest, Principal, Reply, Router, Unavailable
from cxfulfill import runtime as runtime_module
from cxfulfill.coroutines import run
from cxfulfill.handlers import Invocation, read_function
from cxfulfill.runtime import Threads
from cxfulfill.stages import Stages
from cxfulfill.testing import make_context
from cxfulfill.work import DeadlineExceeded, Work
from cxfulfill.workers import Workers
from tests.clock import Clock
from tests.pipeline.support import CANARY, LIMIT, SOON, Counted, ask, body_of, name_of_thread, raises, refused

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.mark.wsgi_alone  # under ASGI no plain handler runs on the loop's thread
@pytest.mark.parametrize(
    ("on_handler", "on_router", "on_webhook", "watched"),
    [
        ({}, None, None, False), ({"timeout": 9}, None, None, True), ({"fallback": "later"}, None, None, True),
        ({}, 9, None, True), ({}, None, 9, True), ({"timeout": 9}, 8, 7, True),
    ],
)  # fmt: skip
def test_a_plain_handler_runs_here_unless_it_is_watched(
    on_handler: dict[str, Any], on_router: float | None, on_webhook: float | None, watched: bool
) -> None:
    router = Router(timeout=on_router)
    router.add_handler("where", name_of_thread, **on_handler)
    with closing(Counted(timeout=on_webhook)) as made:
        made.include(router)
        name = ask(made, "where").said
    assert name.startswith("cxfulfill_") == watched
    assert watched or name == threading.current_thread().name


def test_the_nearest_timeout_counts_from_the_arrival() -> None:
    now = [50.0]

    class Slow:
        blocking = False

        def authenticate(self, http: HttpRequest) -> Principal:
            now[0] += 1
            return Principal("slow", "own")

    def left(ctx: Context) -> str:
        return str(ctx.deadline.remaining())

    inner, outer = Router(timeout=7), Router(timeout=8)
    inner.add_handler("inner", left)
    inner.add_handler("own", left, timeout=3)
    outer.include(inner)
    outer.add_handler("outer", left)
    with closing(Counted(Slow(), timeout=9, clock=lambda: now[0])) as made:
        made.include(outer)
        made.add_handler("webhook", left)
        found = [ask(made, tag).said for tag in ("own", "inner", "outer", "webhook")]
    assert found == ["2.0", "6.0", "7.0", "8.0"]
    assert ask_default(now) == "4.5"
    assert Deadline(50.0, lambda: 51.0).remaining() == 0.0


def ask_default(now: list[float]) -> str:
    made = Counted(clock=lambda: now[0])
    made.add_handler("left", lambda ctx: str(ctx.deadline.remaining()))
    return ask(made, "left").said


def test_context_variables_go_into_pool_and_loop(webhook: Counted) -> None:
    def seen(ctx: Context) -> str:
        before = VARIABLE.get()
        VARIABLE.set("changed")
        return before

    async def seen_async(ctx: Context) -> str:
        return seen(ctx)

    webhook.add_handler("pool", seen, timeout=LIMIT)
    webhook.add_handler("loop", seen_async)
    token = VARIABLE.set("carried")
    try:
        assert [ask(webhook, tag).said for tag in ("pool", "loop", "pool", "loop")] == ["carried"] * 4
        assert VARIABLE.get() == "carried"
    finally:
        VARIABLE.reset(token)


@pytest.mark.parametrize(
    ("fails", "outcome"),
    [
        (False, "ended after its deadline; its answer is lost"),
        (True, "failed after its deadline: error=ValueError at="),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_late_answer_is_logged(
    is_async: bool, fails: bool, outcome: str, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    def slow(ctx: Context) -> str:
        gate.wait(LIMIT)
        if fails:
            raise ValueError(CANARY)
        return CANARY

    async def slow_async(ctx: Context) -> str:
        return await asyncio.to_thread(slow, ctx)

    with closing(Counted(new_id=lambda: "id-1")) as made:
        made.add_handler("slow", slow_async if is_async else slow, timeout=SOON)
        assert refused(made, caplog, 503, body=body_of("slow")).reason == "deadline"
        caplog.clear()
        gate.set()
    [record] = [each for each in caplog.records if each.name == "cxfulfill"]
    assert record.levelno == (logging.ERROR if fails else logging.WARNING)
    assert record.getMessage().startswith(f"request_id=id-1 handler {outcome}")
    assert (vars(record)["request_id"], vars(record)["tag"]) == ("id-1", "slow")
    assert CANARY not in caplog.text


@pytest.mark.parametrize("is_async", [False, True])
def test_a_fallback_answers_in_time(is_async: bool, gate: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    async def slow_async(ctx: Context) -> None:
        await asyncio.to_thread(gate.wait, LIMIT)

    def slow(ctx: Context) -> None:
        gate.wait(LIMIT)

    with closing(Counted()) as made:
        made.add_handler("slow", slow_async if is_async else slow, timeout=SOON, fallback=Reply("In a minute."))
        assert ask(made, "slow").said == "In a minute."
        [record] = caplog.records
        assert record.levelno == logging.WARNING
        assert record.getMessage().startswith("status=200 reason=deadline ")
        gate.set()


def test_on_error_sees_a_deadline_with_time_left_to_answer(webhook: Counted, gate: threading.Event) -> None:
    async def sorry(ctx: Context, error: Unavailable) -> str:
        return f"{error.reason} {ctx.deadline.remaining() > 1}"

    webhook.add_handler("slow", lambda ctx: str(gate.wait(LIMIT)), timeout=SOON)
    webhook.on_error(Unavailable)(sorry)
    assert ask(webhook, "slow").said == "deadline True"


async def fails_async(ctx: Context) -> str:
    raise TimeoutError(CANARY)


async def is_cancelled(ctx: Context) -> str:
    raise asyncio.CancelledError


@pytest.mark.parametrize("handler", [raises(TimeoutError(CANARY)), fails_async, is_cancelled])
@pytest.mark.parametrize("options", [{}, {"timeout": LIMIT, "fallback": "late"}])
def test_a_handlers_own_timeout_is_no_deadline(
    webhook: Counted, handler: Any, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    webhook.add_handler("fail", handler, **options)
    assert refused(webhook, caplog, 500, level=logging.INFO, body=body_of("fail")).reason == "internal"
    assert CANARY not in caplog.text


class LastMoment(Future[Any]):
    """Is done between the end of the wait and the look at it."""

    def result(self, timeout: float | None = None) -> Any:
        if timeout is not None:
            self.set_result("just in time")
            raise TimeoutError
        return super().result()


def work_of(function: Any) -> Work:
    ctx = make_context()
    return Work(
        Invocation(read_function(function), ()), ctx, (ctx,), watched=True, encoding=lambda _, answer: b"",
        stages=Stages(Clock()),
    )  # fmt: skip


def test_an_answer_in_the_last_moment_counts() -> None:
    assert runtime_module._result(LastMoment(), work_of(name_of_thread), make_context().deadline) == "just in time"


def test_no_time_left_is_a_deadline_at_once(gate: threading.Event) -> None:
    workers = Workers()
    work = work_of(lambda ctx: gate.wait(LIMIT))
    with pytest.raises(DeadlineExceeded):
        run(Threads(workers).invoke(work, Deadline(0.0, lambda: 1.0)))
    gate.set()
    workers.close()
