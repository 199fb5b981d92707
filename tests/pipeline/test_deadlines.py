"""Deadlines: what is answered when time is up, and what becomes of the handler."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from cxfulfill import ConfigurationError, Context, HttpRequest, Reply, Webhook
from tests.clock import Clock
from tests.pipeline.support import GOOD, LIMIT, SOON, Result, app_b, body_of, post

SESSION = "projects/p/locations/l/agents/a/sessions/s"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with closing(Webhook(auth=app_b())) as made:
        yield made


def call(webhook: Webhook, tag: str = "slow", turn: str = "t") -> Result:
    body = {
        "detectIntentResponseId": turn,
        "fulfillmentInfo": {"tag": tag},
        "sessionInfo": {"session": SESSION},
    }
    return post(webhook, json.dumps(body).encode())


@pytest.mark.parametrize("is_async", [False, True])
def test_a098_past_its_deadline_a_handler_is_503_and_its_late_result_answers_the_retry(
    webhook: Webhook, gate: threading.Event, is_async: bool
) -> None:
    ran: list[int] = []

    def slow(ctx: Context) -> str:
        ran.append(1)
        assert gate.wait(LIMIT)
        return "late"

    async def slow_async(ctx: Context) -> str:
        return await asyncio.to_thread(slow, ctx)

    webhook.add_handler("slow", slow_async if is_async else slow, timeout=SOON)
    result = call(webhook)
    assert (result.status, result.reason, "Retry-After" in result.headers) == (503, "deadline", True)
    gate.set()
    deduplication = webhook.pipeline().deduplication
    assert deduplication is not None
    assert deduplication.flights.drain(LIMIT)
    retry = call(webhook)
    assert (retry.said, retry.headers["Idempotent-Replayed"], ran) == ("late", "true", [1])


@pytest.mark.wsgi_alone  # under ASGI the loop is the server's own, and everything stands still
@pytest.mark.parametrize("idempotent", [False, None])
def test_a_handler_that_blocks_the_event_loop_holds_up_no_deadline(
    webhook: Webhook, gate: threading.Event, idempotent: bool | None
) -> None:
    begun, ran = threading.Event(), []

    async def blocks(ctx: Context) -> str:
        begun.set()
        assert gate.wait(LIMIT)  # as a call of a library that is not asynchronous
        return "late"

    async def quick(ctx: Context) -> str:
        ran.append(ctx.tag)
        return "quick"

    webhook.add_handler("blocks", blocks, timeout=SOON)
    webhook.add_handler("quick", quick, timeout=SOON, idempotent=idempotent)
    assert call(webhook, "blocks").reason == "deadline"
    assert begun.wait(LIMIT)
    assert call(webhook, "quick").reason == "deadline", "while the loop stands still"
    assert ran == []
    gate.set()
    webhook.workers.close()
    assert ran == ([] if idempotent is False else ["quick"]), "what was cancelled does not begin"


def queued(body: bytes, seconds: float) -> HttpRequest:
    """Make a call that has waited for a thread."""
    headers = {"Authorization": GOOD, "Content-Type": "application/json"}
    return replace(HttpRequest.build("POST", "/webhook", headers=headers, body=body), queued=seconds)


def test_the_deadline_counts_from_the_arrival_of_the_call(webhook: Webhook) -> None:
    remaining: list[float] = []
    webhook.add_handler("slow", lambda ctx: remaining.append(ctx.deadline.remaining()))
    assert webhook.handle(queued(body_of("slow"), 3.0)).status == 200
    assert 0 < remaining[0] <= 1.5


@pytest.mark.parametrize(
    ("options", "status", "runs"),
    [({"timeout": 2.0}, 503, 0), ({"timeout": 2.0, "fallback": "Later."}, 200, 1), ({}, 200, 1)],
    ids=["watched", "with a fallback", "not cut off"],
)
def test_a_call_that_came_too_late_to_a_thread(
    options: dict[str, Any], status: int, runs: int, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []
    webhook = Webhook(auth=app_b())
    webhook.add_handler("slow", lambda ctx: ran.append(1), **options)
    with closing(webhook):
        answer = webhook.handle(queued(body_of("slow"), 20.0))
    assert (answer.status, len(ran)) == (status, runs)
    if not options:
        assert "outcome=late" in caplog.text, "it is not cut off"
    if status == 503:
        assert json.loads(answer.body)["reason"] == "no_time_left"
        assert "reason=no_time_left" in caplog.text


def test_an_async_handler_whose_time_is_up_does_not_begin(webhook: Webhook) -> None:
    ran: list[int] = []

    async def slow(ctx: Context) -> None:
        ran.append(1)

    webhook.add_handler("slow", slow)
    assert (webhook.handle(queued(body_of("slow"), 4.6)).status, ran) == (503, [])
    assert (webhook.handle(queued(body_of("slow"), 0.0)).status, ran) == (200, [1]), "the retry runs"


@pytest.mark.parametrize("idempotent", [False, None])
def test_an_async_look_up_is_cancelled_and_other_work_goes_on(webhook: Webhook, idempotent: bool | None) -> None:
    ended: list[str] = []
    over = threading.Event()
    release: list[Any] = []

    async def slow(ctx: Context) -> str:
        event = asyncio.Event()
        release.append((asyncio.get_running_loop(), event))
        try:
            await event.wait()
            ended.append("well")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            over.set()
        return "late"

    webhook.add_handler("slow", slow, timeout=SOON, idempotent=idempotent, fallback=Reply("later"))
    assert call(webhook).said == "later"
    [(loop, event)] = release
    if idempotent is None:
        loop.call_soon_threadsafe(event.set)
    assert over.wait(LIMIT)
    assert ended == ["cancelled" if idempotent is False else "well"]


def test_a_look_up_that_was_cancelled_is_not_late(webhook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    async def slow(ctx: Context) -> None:
        await asyncio.sleep(LIMIT)

    webhook.add_handler("slow", slow, timeout=SOON, idempotent=False)
    with caplog.at_level(logging.INFO, "cxfulfill"):
        assert call(webhook).reason == "deadline"
        webhook.close()
    assert "after its deadline" not in caplog.text


def test_the_deadline_counts_down_by_the_clock() -> None:
    clock = Clock(100)
    webhook = Webhook(auth=app_b(), clock=clock)

    @webhook.handler("slow", timeout=3)
    def slow(ctx: Context) -> str:
        before = ctx.deadline.remaining()
        clock.seconds += 2
        return f"{before} {ctx.deadline.remaining()}"

    with closing(webhook):
        assert call(webhook).said == "3.0 1.0"


@pytest.mark.parametrize("timeout", [0, -1, 31, "3", True])
def test_a_timeout_that_cx_does_not_have_is_refused(timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout must be above 0"):
        Webhook(auth=app_b(), timeout=timeout)


def test_a_kept_answer_is_given_also_where_there_is_no_time_left(webhook: Webhook) -> None:
    ran: list[int] = []
    webhook.add_handler("book", lambda ctx: ran.append(1), timeout=2.0)
    body = json.dumps({
        "detectIntentResponseId": "t", "fulfillmentInfo": {"tag": "book"}, "sessionInfo": {"session": SESSION},
    }).encode()  # fmt: skip
    assert webhook.handle(queued(body, 0.0)).status == 200
    retry = webhook.handle(queued(body, 20.0))
    assert (retry.status, dict(retry.headers)["Idempotent-Replayed"], ran) == (200, "true", [1])


def test_an_async_error_handler_has_time_where_the_call_has_none(webhook: Webhook) -> None:
    def book(ctx: Context) -> str:
        raise LookupError

    @webhook.on_error(LookupError)
    async def sold_out(ctx: Context, error: LookupError) -> str:
        await asyncio.sleep(0)
        return "It is sold out."

    webhook.add_handler("book", book)
    answer = webhook.handle(queued(body_of("book"), 20.0))
    assert (answer.status, b"It is sold out." in answer.body) == (200, True)


@pytest.mark.parametrize("other", [{"session": SESSION + "-of-another", "parameters": {"nights": 9}}, 5])
def test_a_handler_with_a_time_of_its_own_is_given_the_members_that_count(webhook: Webhook, other: object) -> None:
    seen: list[Any] = []

    def book(ctx: Context) -> str:
        seen.append((ctx.session_id, ctx.parameters))
        return "Booked."

    webhook.add_handler("book", book, timeout=2.0)
    body = {
        "detectIntentResponseId": "t",
        "fulfillmentInfo": {"tag": "book"},
        "sessionInfo": {"session": SESSION, "parameters": {"nights": 2}},
        "session_info": other,
    }

    assert post(webhook, json.dumps(body).encode()).status == 200
    assert seen == [("s", {"nights": 2})]


def test_a_time_of_its_own_builds_no_models_of_the_request(webhook: Webhook) -> None:
    seen: list[bool] = []

    def book(ctx: Context) -> str:
        seen.append("request" in vars(ctx))
        return str(ctx.request.session_info and ctx.request.session_info.session)

    webhook.add_handler("book", book, timeout=2.0)

    assert (call(webhook, "book").said, seen) == (SESSION, [False])
