"""Work that takes longer than CX waits: begun by one call, collected by a later one."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from pydantic import BaseModel

from cxfulfill import (
    CallRecord,
    ConfigurationError,
    Context,
    HeaderSecret,
    Idempotency,
    NotFound,
    Reply,
    Router,
    Webhook,
)
from cxfulfill.idempotency.memory import MemoryStore
from tests.clock import Clock
from tests.pipeline.support import CANARY, LIMIT, SOON, Result, app_b, post

SESSION = "projects/p/locations/l/agents/a/sessions/s"
PENDING = Reply("One moment…", parameters={"asked": True})
turns = count()


class Wanted(BaseModel):
    nights: int


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with closing(Webhook(auth=app_b())) as made:
        yield made


def call(webhook: Webhook, *, turn: str = "", session: str = SESSION, tag: str = "quote", **options: Any) -> Result:
    parameters = options.pop("parameters", {})
    body = {
        "detectIntentResponseId": turn or f"turn-{next(turns)}",
        "fulfillmentInfo": {"tag": tag},
        "sessionInfo": {"session": session, "parameters": {"nights": 3.0, **parameters}},
    }
    return post(webhook, json.dumps(body).encode(), **options)


def job_of(result: Result) -> str:
    assert result.said == "One moment…"
    assert result.json["sessionInfo"]["parameters"]["asked"] is True
    return str(result.json["sessionInfo"]["parameters"]["job-quote"])


def collect(webhook: Webhook, job: str, **options: Any) -> Result:
    return call(webhook, parameters={"job-quote": job, **options.pop("parameters", {})}, **options)


def slow(gate: threading.Event, ran: list[int], outcome: Any = None) -> Callable[..., Any]:
    def quote(ctx: Context, wanted: Wanted) -> Reply:
        ran.append(wanted.nights)
        assert gate.wait(LIMIT)
        if isinstance(outcome, Exception):
            raise outcome
        return Reply("It is 300 euros.", target_page=ctx.page.name or None, parameters={"price": 300})

    return quote


def until_landed(webhook: Webhook) -> None:
    deduplication = webhook.pipeline().deduplication
    assert deduplication is not None
    assert deduplication.flights.drain(LIMIT)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_later_call_collects_the_result(webhook: Webhook, gate: threading.Event, is_async: bool) -> None:
    ran: list[int] = []
    plain = slow(gate, ran)

    async def asynchronous(ctx: Context, wanted: Wanted) -> Any:
        return await asyncio.to_thread(plain, ctx, wanted)

    handler = asynchronous if is_async else plain
    webhook.add_handler("quote", handler, params=Wanted, deferred=True, pending=PENDING, timeout=SOON)
    job = job_of(call(webhook))
    assert len(job) == 32
    assert job_of(collect(webhook, job)) == job
    gate.set()
    until_landed(webhook)
    result = collect(webhook, job)
    assert result.said == "It is 300 euros."
    assert result.json["sessionInfo"]["parameters"] == {"job-quote": None, "price": 300}
    assert collect(webhook, job).body == result.body
    assert ran == [3]


def test_work_that_is_done_in_time_is_the_answer(webhook: Webhook, gate: threading.Event) -> None:
    gate.set()
    webhook.add_handler("quote", slow(gate, []), params=Wanted, deferred=True, pending=PENDING)
    assert call(webhook).json["sessionInfo"]["parameters"] == {"price": 300}


def test_a_retry_of_the_first_call_is_the_same_job(webhook: Webhook, gate: threading.Event) -> None:
    ran: list[int] = []
    webhook.add_handler("quote", slow(gate, ran), params=Wanted, deferred=True, pending=PENDING, timeout=SOON)
    assert job_of(call(webhook, turn="t")) == job_of(call(webhook, turn="t"))
    assert job_of(call(webhook, turn="u")) != job_of(call(webhook, turn="t"))
    gate.set()
    until_landed(webhook)
    assert call(webhook, turn="t").said == "It is 300 euros."
    assert ran == [3, 3]


@pytest.mark.parametrize("other", ["session", "principal", "tag"])
def test_a_job_answers_only_its_own_session_caller_and_handler(
    webhook: Webhook, gate: threading.Event, other: str
) -> None:
    gate.set()
    webhook.add_handler("quote", slow(gate, []), params=Wanted, deferred=True, pending=PENDING, on_lost="lost")
    webhook.add_handler("other", slow(gate, []), params=Wanted, deferred=True, pending=PENDING, on_lost="lost")
    assert call(webhook, turn="t").said == "It is 300 euros."
    [job] = {job_id(webhook, "t")}
    assert collect(webhook, job).said == "It is 300 euros."
    if other == "session":
        assert collect(webhook, job, session=f"{SESSION}2").said == "lost"
    elif other == "tag":
        assert call(webhook, tag="other", parameters={"job-other": job}).said == "lost"
    else:
        with closing(Webhook(auth=HeaderSecret("X-Key", "a-long-secret-value"))) as stranger:
            stranger.add_handler("quote", slow(gate, []), params=Wanted, deferred=True, pending=PENDING, on_lost="lost")
            credential = {"X-Key": "a-long-secret-value", "Authorization": None}
            assert collect(stranger, job, headers=credential).said == "lost"


def job_id(webhook: Webhook, turn: str) -> str:
    """Find out which job a call would begin: that of its retry, which is pending where the store is shut."""
    from cxfulfill.deferred import Job
    from cxfulfill.protocol.sent import read_request
    from cxfulfill.testing import make_context

    deduplication = webhook.pipeline().deduplication
    body = {
        "detectIntentResponseId": turn, "fulfillmentInfo": {"tag": "quote"},
        "sessionInfo": {"session": SESSION, "parameters": {"nights": 3.0}},
    }  # fmt: skip
    ctx = make_context()
    object.__setattr__(ctx, "request", read_request(json.dumps(body).encode()))
    object.__setattr__(ctx, "principal", webhook.auth.authenticate(_signed()))
    target = webhook.pipeline().table.find(ctx, ctx.tag)
    assert target is not None
    assert deduplication is not None
    job = Job.of(ctx, target, deduplication.keying.told(target, ctx), deduplication)
    assert job is not None
    return job.id


def _signed() -> Any:
    from cxfulfill import HttpRequest
    from tests.pipeline.support import GOOD

    return HttpRequest.build("POST", "/webhook", headers={"Authorization": GOOD})


@pytest.mark.parametrize(
    ("error", "status", "reason"), [(NotFound(reason="no_room"), 404, "no_room"), (ValueError(CANARY), 500, "internal")]
)
def test_a_failure_is_kept_for_who_collects(
    webhook: Webhook, gate: threading.Event, error: Exception, status: int, reason: str
) -> None:
    webhook.add_handler("quote", slow(gate, [], error), params=Wanted, deferred=True, pending=PENDING, timeout=SOON)
    job = job_of(call(webhook))
    gate.set()
    until_landed(webhook)
    for _ in range(2):
        result = collect(webhook, job)
        assert (result.status, result.reason, CANARY in result.body.decode()) == (status, reason, False)


def test_a_failure_in_time_is_not_kept(webhook: Webhook) -> None:
    ran: list[int] = []

    def quote(ctx: Context) -> str:
        ran.append(1)
        if len(ran) == 1:
            raise NotFound(reason="no_room")
        return "here"

    webhook.add_handler("quote", quote, deferred=True, pending=PENDING)
    assert call(webhook, turn="t").reason == "no_room"
    assert call(webhook, turn="t").said == "here"


async def lost_async(ctx: Context) -> str:
    return f"lost in {ctx.session_id}"


@pytest.mark.parametrize(
    ("on_lost", "said"),
    [
        ("lost", "lost"),
        (Reply("lost"), "lost"),
        (lambda ctx: ctx.tag, "quote"),
        (lost_async, "lost in s"),
        (None, None),
    ],
)
def test_a_job_that_nobody_has_any_more(webhook: Webhook, on_lost: Any, said: str | None) -> None:
    webhook.add_handler("quote", lambda ctx: "new", deferred=True, pending=PENDING, on_lost=on_lost)
    result = collect(webhook, "f" * 32)
    if said is None:
        assert (result.status, result.reason) == (503, "job_lost")
    else:
        assert result.said == said
        assert result.json["sessionInfo"]["parameters"] == {"job-quote": None}


def test_a_job_whose_worker_died_is_lost_when_its_lease_is_over(gate: threading.Event) -> None:
    clock = Clock(1_000)
    store = MemoryStore(clock=clock)
    dead, alive = (Webhook(auth=app_b(), idempotency=Idempotency(store, lease=15)) for _ in range(2))
    for webhook in (dead, alive):
        handler = slow(gate, [])
        webhook.add_handler(
            "quote", handler, params=Wanted, deferred=True, pending=PENDING, timeout=SOON, on_lost="lost"
        )
    with closing(dead), closing(alive):
        job = job_of(call(dead))
        assert job_of(collect(alive, job)) == job
        clock.seconds += 16
        assert collect(alive, job).said == "lost"
        gate.set()


def test_a_call_without_a_session_is_not_deferred(webhook: Webhook) -> None:
    webhook.add_handler("quote", lambda ctx: "at once", deferred=True, pending=PENDING)
    assert post(webhook, b'{"fulfillmentInfo": {"tag": "quote"}}').said == "at once"


def test_a_collecting_call_needs_no_parameters(webhook: Webhook, gate: threading.Event) -> None:
    webhook.add_handler("quote", slow(gate, []), params=Wanted, deferred=True, pending=PENDING, timeout=SOON)
    job = job_of(call(webhook))
    gate.set()
    until_landed(webhook)
    assert collect(webhook, job, parameters={"nights": "many"}).said == "It is 300 euros."


def test_pending_is_no_failure_in_the_log(
    webhook: Webhook, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.add_handler("quote", slow(gate, []), params=Wanted, deferred=True, pending=PENDING, timeout=SOON)
    with caplog.at_level(logging.INFO, "cxfulfill"):
        job_of(call(webhook))
        gate.set()
    [record] = [each for each in caplog.records if "status=" in each.getMessage()]
    assert record.levelno == logging.INFO
    assert "outcome=pending" in record.getMessage()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pending": "later"}, "need deferred=True"),
        ({"on_lost": "lost"}, "need deferred=True"),
        ({"deferred": True}, "needs pending="),
        ({"deferred": True, "pending": "later", "idempotent": False}, "no idempotent=False"),
        ({"deferred": True, "pending": "later", "idempotency_key": lambda ctx: "k"}, "a key of its own"),
        ({"deferred": True, "pending": "later", "fallback": "f"}, "pending= for fallback="),
        ({"deferred": True, "pending": "later", "on_lost": lambda ctx, params: ""}, "a function f"),
    ],
)
def test_what_is_contradictory_is_refused(options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Router().add_handler("quote", lambda ctx: "", **options)


def test_deferred_work_needs_a_store() -> None:
    webhook = Webhook(auth=app_b(), idempotency=None)
    webhook.add_handler("quote", lambda ctx: "", deferred=True, pending="later")
    with pytest.raises(ConfigurationError, match="deferred work lives in the idempotency store"):
        webhook.check()
    webhook, router = Webhook(auth=app_b()), Router(idempotent=False)
    router.add_handler("quote", lambda ctx: "", deferred=True, pending="later")
    webhook.include(router)
    with pytest.raises(ConfigurationError, match="says idempotent=False"):
        webhook.check()


@pytest.mark.parametrize("answer", [PENDING, "lost"])
def test_an_answer_that_echoes_the_parameters_ends_the_job_all_the_same(webhook: Webhook, answer: Any) -> None:
    webhook.add_handler(
        "quote", lambda ctx: "new", deferred=True, pending="later",
        on_lost=lambda ctx: Reply("lost", parameters=ctx.parameters),
    )  # fmt: skip
    assert collect(webhook, "gone").json["sessionInfo"]["parameters"]["job-quote"] is None


def test_like_tags_have_jobs_of_their_own(webhook: Webhook, gate: threading.Event) -> None:
    for tag in ("get.quote", "get_quote", "größe"):
        webhook.add_handler(tag, slow(gate, []), params=Wanted, deferred=True, pending="later", timeout=SOON)
    names = []
    for tag in ("get.quote", "get_quote", "größe"):
        [name] = call(webhook, tag=tag).json["sessionInfo"]["parameters"]
        names.append(name)
        assert name.isascii()
    assert len(set(names)) == 3
    assert names[1] == "job-get_quote"
    gate.set()


def test_the_key_of_a_job_is_told(webhook: Webhook) -> None:
    webhook.add_handler("quote", lambda ctx: str(len(ctx.idempotency_key or "")), deferred=True, pending="later")
    assert call(webhook).said == "64"


class Down(MemoryStore):
    """A store that cannot be reached."""

    def acquire(self, *_: Any, **__: Any) -> Any:
        raise ConnectionError


def test_a_job_needs_the_store_whatever_the_policy_says() -> None:
    with closing(Webhook(auth=app_b(), idempotency=Idempotency(Down(), on_store_error="run"))) as webhook:
        webhook.add_handler("quote", lambda ctx: "new", deferred=True, pending="later", on_lost="lost")
        assert call(webhook).reason == "store_unavailable"
        assert collect(webhook, "f" * 32).reason == "store_unavailable"


def test_an_on_lost_that_is_late_and_fails_is_told(webhook: Webhook, gate: threading.Event) -> None:
    webhook.add_handler(
        "quote", lambda ctx: "new", deferred=True, pending=PENDING, timeout=SOON,
        on_lost=lambda ctx: gate.wait(LIMIT) and raise_it(),
    )  # fmt: skip
    assert collect(webhook, "gone").said == "One moment…"
    gate.set()
    until_landed(webhook)
    assert collect(webhook, "gone").reason == "internal"


def raise_it() -> str:
    raise ValueError(CANARY)


def test_a_result_leaves_room_for_the_end_of_its_job(webhook: Webhook) -> None:
    webhook.add_handler("quote", lambda ctx: Reply("x" * 65_470), deferred=True, pending="later")
    assert call(webhook).reason == "refused_reply"


class LateRelease(MemoryStore):
    """A store in which a request's time runs out."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self.gate = gate

    def release(self, lease: Any) -> bool:
        assert self.gate.wait(LIMIT)
        return super().release(lease)


def test_a_failure_just_before_the_deadline_reaches_somebody(gate: threading.Event) -> None:
    with closing(Webhook(auth=app_b(), idempotency=Idempotency(LateRelease(gate)))) as webhook:
        webhook.add_handler(
            "quote",
            slow(gate, [], NotFound(reason="no_room")),
            params=Wanted,
            deferred=True,
            pending=PENDING,
            timeout=LIMIT,
        )
        threading.Timer(SOON, gate.set).start()
        assert call(webhook).reason == "no_room"


@pytest.mark.parametrize("kept", [True, False], ids=["there is a result", "it was lost"])
def test_a_worker_that_is_full_gives_results_all_the_same(kept: bool) -> None:
    """What has run already needs no place; what tells that a job was lost runs, and needs one."""
    first, other = threading.Event(), threading.Event()
    ran: list[int] = []
    webhook = Webhook(auth=app_b(), max_in_flight=1)
    webhook.add_handler(
        "quote", slow(first, ran), params=Wanted, timeout=SOON, deferred=True, pending=PENDING,
        on_lost=lambda ctx: "It was lost.",
    )  # fmt: skip

    def occupies(ctx: Context) -> str:
        ran.append(0)
        assert other.wait(LIMIT)
        return "done"

    webhook.add_handler("occupies", occupies, timeout=SOON)
    with closing(webhook):
        job = job_of(call(webhook)) if kept else "0" * 32
        first.set()
        until_landed(webhook)
        assert call(webhook, tag="occupies").reason == "deadline"
        assert call(webhook).reason == "overloaded", "the one place is taken"
        result = collect(webhook, job)
        if kept:
            assert result.said == "It is 300 euros."
        else:
            assert result.reason == "overloaded"
        other.set()
        until_landed(webhook)
        assert collect(webhook, job).said == ("It is 300 euros." if kept else "It was lost.")


class Kept:
    """A sink that keeps outcomes and levels."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def write(self, record: CallRecord) -> None:
        self.told.append((record.outcome, record.level))


def test_a_lost_job_is_told_of_and_a_later_failure_names_its_call(
    gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Kept()
    webhook = Webhook(auth=app_b(), records=sink, new_id=lambda: "id-1")
    webhook.add_handler("quote", lambda ctx: "new", deferred=True, pending=PENDING, on_lost="lost")
    webhook.add_handler("fails", slow(gate, [], ValueError(CANARY)), params=Wanted, timeout=SOON, deferred=True,
                        pending=PENDING)  # fmt: skip
    with closing(webhook), caplog.at_level(logging.INFO, "cxfulfill"):
        assert collect(webhook, "0" * 32).said == "lost"
        job = call(webhook, tag="fails").json["sessionInfo"]["parameters"]["job-fails"]
        gate.set()
        until_landed(webhook)
        assert call(webhook, tag="fails", parameters={"job-fails": job}).reason == "internal"
        webhook.close()
    assert sink.told == [("lost", logging.WARNING), ("pending", logging.INFO), ("failed", logging.ERROR)]
    assert "a deferred job was lost: its worker was ended, or nobody here knows its id" in caplog.text
    [failed] = [line for line in caplog.records if "handler failed after its deadline" in line.getMessage()]
    assert failed.levelno == logging.ERROR
    assert "error=ValueError at=test_deferred.py" in failed.getMessage()
    assert CANARY not in caplog.text


def test_what_was_deferred_and_went_well_is_no_warning(
    webhook: Webhook, gate: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    webhook.add_handler("quote", slow(gate, []), params=Wanted, timeout=SOON, deferred=True, pending=PENDING)
    with caplog.at_level(logging.INFO, "cxfulfill"):
        job_of(call(webhook))
        gate.set()
        webhook.close()  # which waits for the handler's thread, and so for its line
    assert [line.levelname for line in caplog.records] == ["INFO", "INFO"]
    assert caplog.messages[-1].endswith("deferred work has ended")
