"""Callers that hang up over ASGI, whose server cancels their task: nothing that was begun is lost or stays open."""

import asyncio
import gc
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import pytest

from cxfulfill import Context, Idempotency
from cxfulfill.event_loop import Loop
from cxfulfill.idempotency.guard import GuardedStore, Trip
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired, Lease
from cxfulfill.workers import Workers
from tests.pipeline import over_asgi
from tests.pipeline.support import LIMIT
from tests.pipeline.test_idempotency import App, call
from tests.pipeline.test_store_on_loop import Client, Store, answer, asking, nothing, turns

LEASE = Lease("k", "o", "f")


def run_with(app: App, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run something on a server's loop, once the application has begun."""
    with over_asgi.serving() as server, closing(app):
        app.post(call("count", turn="t0"))
        app.runs.clear()
        asyncio.run_coroutine_threadsafe(main(), server.loop).result(LIMIT)


async def left(asked: "asyncio.Task[Any]", *, again: bool = False) -> None:
    """Cancel a call, as a server does; or again and again until it ends, as scopes of anyio do."""
    asked.cancel()
    while not asked.done():
        await asyncio.sleep(0)
        if again:
            asked.cancel()
    assert asked.cancelled()


class Threaded(MemoryStore):
    """A store that is asked in threads, and takes its time to take a lease back."""

    blocking = True
    bounded = True

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Event(), threading.Event()

    def release(self, lease: Lease) -> bool:
        self.entered.set()
        assert self.gate.wait(LIMIT)
        return super().release(lease)


class SlowRelease(Store):
    """The same for a client of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Event(), threading.Event()

    def on_loop(self) -> Client:
        client, store = super().on_loop(), self

        async def release(lease: Lease) -> bool:
            store.entered.set()
            while not store.gate.is_set():  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0)
            return store.release(lease)

        client.release = release  # type: ignore[method-assign]
        return client


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", [Threaded, SlowRelease])
def test_a_caller_that_leaves_while_its_lease_is_given_back_stops_no_retry(
    kind: type[Threaded | SlowRelease], *, again: bool
) -> None:
    """A worker without a free thread refuses a call that has its lease already."""
    store = kind()
    app = App(idempotency=Idempotency(store))
    app.handle("watched", timeout=20)

    async def main() -> None:
        free, app.webhook.workers._free = app.webhook.workers._free, threading.Semaphore(0)
        asked = asyncio.ensure_future(answer(app, call("watched")))
        await turns(store.entered.is_set)
        asked.cancel()
        await asyncio.sleep(0)
        store.gate.set()
        await left(asked, again=again)
        app.webhook.workers._free = free
        status, _ = await answer(app, call("watched"))
        assert status == 200

    run_with(app, main)
    assert app.runs == ["watched"]


@pytest.mark.parametrize("bounded", [True, False])
def test_who_is_cancelled_again_and_again_gives_its_lease_back_all_the_same(*, bounded: bool) -> None:
    store = Store(bounded=bounded)
    guarded = GuardedStore(store)

    async def main() -> None:
        entered = asyncio.Event()

        async def hang() -> None:
            store.acquire("k", owner="o", fingerprint="f", lease=9.0)  # the answer of which does not come
            entered.set()
            await asyncio.Event().wait()

        store.before = hang
        asked = asyncio.ensure_future(asking(guarded))
        await entered.wait()
        await left(asked, again=True)
        store.before = nothing
        await asyncio.to_thread(guarded.close)
        assert store.released == [LEASE]
        assert isinstance(await asking(guarded, owner="p"), Acquired)

    asyncio.run(main())


def test_what_is_given_back_is_waited_for_at_the_end() -> None:
    store = SlowRelease()
    guarded = GuardedStore(store)

    async def main() -> None:
        await asking(guarded)
        asked = asyncio.ensure_future(Trip(guarded.release, LEASE).on_loop())  # type: ignore[arg-type]
        await turns(store.entered.is_set)
        asked.cancel()
        store.entered.clear()
        await turns(store.entered.is_set)
        await left(asked, again=True)
        closing_it = asyncio.ensure_future(asyncio.to_thread(guarded.close))
        store.gate.set()
        await closing_it
        assert store.clients[0].is_closed
        assert isinstance(await asking(guarded, owner="p"), Acquired)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_handler_that_fails_after_its_caller_has_left_is_told_of_in_a_line(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(idempotency=None)
    gate, entered = threading.Event(), threading.Event()

    def fails(ctx: Context) -> str:
        entered.set()
        assert gate.wait(LIMIT)
        raise KeyError("canary")

    async def fails_async(ctx: Context) -> str:
        entered.set()
        await turns(gate.is_set)
        raise KeyError("canary")

    app.webhook.add_handler("fails", fails if kind == "plain" else fails_async)

    async def main() -> None:
        asked = asyncio.ensure_future(answer(app, call("fails")))
        await turns(entered.is_set)
        await left(asked)
        gate.set()
        await turns(lambda: "handler failed after its deadline: error=KeyError" in caplog.text)
        del asked
        gc.collect()

    with caplog.at_level(logging.INFO):
        run_with(app, main)
    assert "canary" not in caplog.text
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.mark.parametrize("end", ["quietly", "fails"])
def test_a_look_up_whose_caller_has_left_goes_on_until_its_time_is_up(
    end: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = App()
    entered, ended = threading.Event(), threading.Event()

    async def look_up(ctx: Context) -> str:
        entered.set()
        try:
            return await asyncio.Future()
        finally:
            ended.set()
            if end == "fails":
                raise KeyError("canary")

    app.webhook.add_handler("look up", look_up, idempotent=False, timeout=20)

    async def main() -> None:
        asked = asyncio.ensure_future(answer(app, call("look up")))
        await turns(entered.is_set)
        assert not ended.is_set()
        app.clock.seconds += 20
        await left(asked)
        await turns(ended.is_set)
        await turns(lambda: len(asyncio.all_tasks()) == 1)
        gc.collect()

    with caplog.at_level(logging.INFO):
        run_with(app, main)
    assert ("handler failed after its deadline: error=KeyError" in caplog.text) is (end == "fails")
    assert "answer is lost" not in caplog.text
    assert "canary" not in caplog.text
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_lease_that_has_just_come_is_given_back_in_a_thread() -> None:
    """Not on the loop, which a store must not hold up."""
    threads: list[str] = []

    class Tells(MemoryStore):
        blocking = bounded = True

        def release(self, lease: Lease) -> bool:
            threads.append(threading.current_thread().name)
            return super().release(lease)

    guarded, workers = GuardedStore(Tells()), Workers()
    loop = Loop(workers, None)  # type: ignore[arg-type]
    acquire: Trip[Any] = Trip(guarded.acquire, "k", owner="o", fingerprint="f", lease=9.0)
    done: Future[Any] = Future()
    done.set_result(acquire())
    loop._leave(acquire, done)
    never_run: Future[Any] = Future()
    never_run.cancel()
    loop._leave(acquire, never_run)
    loop._leave(Trip(guarded.release, LEASE), never_run)
    workers.close()
    assert [name.startswith("cxfulfill-io") for name in threads] == [True, True]


def test_a_lease_that_cannot_be_given_back_is_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(MemoryStore):
        blocking = bounded = True

        def release(self, lease: Lease) -> bool:
            raise ConnectionError("redis://user:the-password@host")

    guarded = GuardedStore(Fails())
    trip: Trip[Any] = Trip(guarded.acquire, "k", owner="o", fingerprint="f", lease=9.0)
    future: Future[Any] = Future()
    future.add_done_callback(trip.give_back)
    future.set_result(trip())
    failed: Future[Any] = Future()
    failed.add_done_callback(trip.give_back)
    failed.set_exception(ConnectionError("redis://user:the-password@host"))
    assert caplog.records == []


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("ends", ["cancelled", "closed"])
def test_a_request_that_its_server_ends_is_no_failure_of_the_handlers(
    caplog: pytest.LogCaptureFixture, *, ends: str, idempotent: bool
) -> None:
    """Also where an error handler takes all exceptions: the end is passed on, and the record says so."""
    app = App()
    gate, entered, seen = threading.Event(), threading.Event(), []

    async def waits(ctx: Context) -> str:
        entered.set()
        await turns(gate.is_set)
        return "Done."

    app.webhook.add_handler("waits", waits, idempotent=idempotent)
    app.webhook.on_error(Exception)(lambda ctx, error: seen.append(error))

    async def main() -> None:
        asked = answer(app, call("waits"))
        if ends == "closed":
            asked.send(None)
            asked.close()
        else:
            task = asyncio.ensure_future(asked)
            await turns(entered.is_set)
            await left(task)
        gate.set()
        await turns(lambda: len(asyncio.all_tasks()) == 1)
        assert (await answer(app, call("waits")))[0] == 200

    with caplog.at_level(logging.INFO, "cxfulfill"):
        run_with(app, main)
    told = [line.partition(" request_id")[0] for line in caplog.messages if line.startswith("status=")]
    assert told[-2:] == ["status=503 reason=aborted", "status=200 reason=ok"]
    assert seen == []


def test_a_request_that_is_cancelled_while_its_key_is_made_stays_cancelled() -> None:
    """What the function raises then may be the server's own cancellation, and is not kept from it."""
    app = App()
    tasks: list[asyncio.Task[Any]] = []

    def key(ctx: Context) -> str:
        tasks[-1].cancel()
        raise asyncio.CancelledError

    app.handle("order", idempotency_key=key)

    async def main() -> None:
        tasks.append(asyncio.ensure_future(answer(app, call("order"))))
        await asyncio.wait(tasks)
        assert tasks[-1].cancelled()
        assert (await answer(app, call("count")))[0] == 200

    run_with(app, main)
