"""Stores with a client for event loops: a real Redis under ASGI, and the guard around a client of one's own."""

import asyncio
import gc
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import Context, Idempotency
from cxfulfill.idempotency.circuit import FAILURES, MAX_HANGING, PAUSE, StoreDown
from cxfulfill.idempotency.guard import GuardedStore, Trip
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.redis import RedisStore
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome
from tests.clock import Clock
from tests.pipeline import over_asgi
from tests.pipeline.support import GOOD, LIMIT, SOON
from tests.pipeline.test_idempotency import App, call, replayed
from tests.server.wire import until
from tests.servers.redis_server import RedisServer

KINDS = ("plain", "watched", "async")


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with closing(RedisServer(tmp_path)) as made:
        yield made


def serving(store: object, kind: str = "async", act: Callable[[Context], object] = lambda ctx: None) -> App:
    """An application whose handler for ``count`` is of a kind."""
    app = App(idempotency=Idempotency(store))  # type: ignore[arg-type]

    async def handler(ctx: Context) -> str:
        app.runs.append(ctx.tag)
        act(ctx)
        return f"Run {len(app.runs)}."

    app.handle("plain", act)
    app.handle("watched", act, timeout=LIMIT)
    app.webhook.add_handler("async", handler)
    return app


@pytest.mark.parametrize("kind", KINDS)
def test_a_retry_gets_the_answer_and_no_thread_waits_for_redis(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with over_asgi.serving(), closing(serving(RedisStore(redis_server.url, time_limit=LIMIT))) as app:
        assert app.post(call(kind, turn="t0")).said == "Run 1.", "which has waited for start-up"
        monkeypatch.setattr(app.webhook.workers, "wait_for_io", None)
        first, second = app.post(call(kind)), app.post(call(kind))
        assert (first.said, second.said, replayed(second)) == ("Run 2.", "Run 2.", True)


def test_a_redis_that_is_stopped_is_a_503_until_it_is_there_again(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = redis_server.url.replace("127.0.0.1", "cx:canary@127.0.0.1")
    redis_server.client.execute_command("ACL", "SETUSER", "cx", "on", ">canary", "~*", "+@all")
    with over_asgi.serving(), closing(serving(RedisStore(url, time_limit=LIMIT))) as app:
        assert app.post(call("async", turn="t0")).status == 200
        redis_server.stop()
        with caplog.at_level(logging.INFO, "cxfulfill"):
            for number in range(FAILURES + 1):
                result = app.post(call("async", turn=f"t{number + 1}"))
                assert (result.status, result.reason) == (503, "store_unavailable")
        assert app.runs == ["async"]
        told = [record.getMessage() for record in caplog.records]
        assert sum("the idempotency store failed with ConnectionError" in line for line in told) == FAILURES
        assert sum("store_errors=1" in line for line in told) == FAILURES + 1
        assert "canary" not in caplog.text
        redis_server.start()
        redis_server.client.execute_command("ACL", "SETUSER", "cx", "on", ">canary", "~*", "+@all")
        app.clock.seconds += PAUSE
        assert app.post(call("async", turn="t9")).status == 200


def test_an_answer_that_a_stopped_redis_cannot_take_is_sent_and_handed_over_later(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, time_limit=LIMIT)
    with over_asgi.serving(), closing(serving(store, act=lambda ctx: redis_server.stop())) as app:
        first = app.post(call("async"))
        assert first.said == "Run 1."
        redis_server.start()
        again = app.post(call("async"))
        assert (again.body, replayed(again)) == (first.body, True)


def test_a_redis_that_hangs_is_given_up(redis_server: RedisServer) -> None:
    with over_asgi.serving(), closing(serving(RedisStore(redis_server.url, time_limit=SOON * 4))) as app:
        until(lambda: app.post(call("async", turn="t0")).status == 200, "the first connection")
        redis_server.pause()
        assert app.post(call("async", turn="t1")).reason == "store_unavailable"
        redis_server.resume()
        until(lambda: app.post(call("async", turn="t2")).status == 200, "the server to go on")


def test_the_end_of_a_webhook_closes_the_connections(redis_server: RedisServer) -> None:
    with over_asgi.serving():
        with closing(serving(RedisStore(redis_server.url, time_limit=LIMIT))) as app:
            assert app.post(call("async")).status == 200
            assert len(redis_server.client.client_list()) == 2
        until(lambda: len(redis_server.client.client_list()) == 1, "the connection to be closed")


class Client:
    """A client for event loops that does what it is told to.

    Attributes:
        acts: What each call awaits before it does its work.
    """

    def __init__(self, store: "Store", *, bounded: bool = True) -> None:
        self.store = store
        self.bounded = bounded
        self.loop = asyncio.get_running_loop()
        self.is_closed = False

    async def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        await self.store.before()
        return self.store.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)

    async def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        await self.store.before()
        return self.store.complete(lease, result, ttl=ttl)

    async def release(self, lease: Lease) -> bool:
        self.store.released.append(lease)
        return self.store.release(lease)

    async def close(self) -> None:
        assert asyncio.get_running_loop() is self.loop
        self.is_closed = True
        self.store.on_close()


async def nothing() -> None:
    """Let a call go on at once."""


class Store(MemoryStore):
    """A store of the user's, with a client for event loops."""

    blocking = True

    def __init__(self, *, bounded: bool = True) -> None:
        super().__init__()
        self.bounded_on_loop = bounded
        self.before: Callable[[], Any] = nothing
        self.on_close: Callable[[], object] = lambda: None
        self.released: list[Lease] = []
        self.clients: list[Client] = []

    def on_loop(self) -> Client:
        self.clients.append(Client(self, bounded=self.bounded_on_loop))
        return self.clients[-1]


async def turns(is_done: Callable[[], bool]) -> None:
    """Let the loop turn until something is done."""
    while not is_done():  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)


def asking(guarded: GuardedStore, key: str = "k", owner: str = "o") -> Any:
    """Ask for a key over the client of the loop that runs."""
    return Trip(guarded.acquire, key, owner=owner, fingerprint="f", lease=9.0).on_loop()


def test_the_verbs_of_a_client(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    guarded = GuardedStore(store)

    async def main() -> None:
        outcome = await asking(guarded)
        assert outcome == Acquired(Lease("k", "o", "f"))
        assert await asking(guarded, owner="p") == InProgress("f")
        assert await Trip(guarded.complete, outcome.lease, b"x", ttl=9.0).on_loop()  # type: ignore[misc]
        assert await asking(guarded, owner="p") == Completed("f", b"x")
        assert not await Trip(guarded.release, outcome.lease).on_loop()  # type: ignore[misc]

    asyncio.run(main())
    guarded.close()
    assert len(store.clients) == 1
    assert caplog.records == []


def test_a_store_without_a_client_has_none() -> None:
    class Without(MemoryStore):
        def on_loop(self) -> None:
            return None

    async def main(guarded: GuardedStore) -> None:
        assert asking(guarded) is None
        assert asking(guarded) is None

    for store in (MemoryStore(), Without()):
        guarded = GuardedStore(store)
        asyncio.run(main(guarded))
        guarded.close()


@pytest.mark.parametrize("bounded", [True, False])
def test_failures_are_counted_with_those_of_the_plain_store(bounded: bool, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = Store(bounded=bounded)
    guarded = GuardedStore(store, clock=clock)

    async def fail() -> None:
        raise ConnectionError("redis://user:the-password@host")

    async def main() -> None:
        store.before = fail
        for _ in range(FAILURES):
            with pytest.raises(StoreDown):
                await asking(guarded)
        store.before = nothing
        with pytest.raises(StoreDown):
            await asking(guarded)
        with pytest.raises(StoreDown):
            guarded.acquire("k", owner="o", fingerprint="", lease=9.0)
        assert guarded.troubles == FAILURES
        clock.seconds += PAUSE
        assert isinstance(await asking(guarded), Acquired)
        assert guarded.failures == 0

    asyncio.run(main())
    assert caplog.text.count("the idempotency store failed with ConnectionError") == FAILURES
    assert "the-password" not in caplog.text


def test_what_is_no_outcome_is_a_failure() -> None:
    class Odd(Store):
        def acquire(self, key: str, **asked: Any) -> Any:
            return True

    async def main(guarded: GuardedStore) -> None:
        with pytest.raises(StoreDown):
            await asking(guarded)
        assert guarded.troubles == 1

    asyncio.run(main(GuardedStore(Odd())))


def test_a_client_that_cannot_be_made_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    class Unmade(Store):
        def on_loop(self) -> Client:
            raise OSError("no file descriptor")

    async def main(guarded: GuardedStore) -> None:
        with pytest.raises(StoreDown):
            asking(guarded)

    asyncio.run(main(GuardedStore(Unmade())))
    assert "the idempotency store failed with OSError" in caplog.text


def test_a_client_that_hangs_is_given_up_and_what_it_acquires_later_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.on_loop.TIME_LIMIT", 0.01)
    store = Store(bounded=False)
    guarded = GuardedStore(store)

    async def main() -> None:
        gate = asyncio.Event()
        store.before = gate.wait
        with pytest.raises(StoreDown):
            await asking(guarded)
        assert store.released == []
        gate.set()
        await turns(lambda: bool(store.released))
        assert store.released == [Lease("k", "o", "f")]
        assert isinstance(await asking(guarded, owner="p"), Acquired)

    asyncio.run(main())


def test_calls_of_a_client_that_hang_are_bounded_and_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.on_loop.TIME_LIMIT", 0.001)
    clock = Clock()
    store = Store(bounded=False)
    guarded = GuardedStore(store, clock=clock)

    async def main() -> None:
        store.before = asyncio.Event().wait
        for _ in range(MAX_HANGING + 5):
            with pytest.raises(StoreDown):
                await asking(guarded)
            clock.seconds += PAUSE
        assert guarded.troubles == MAX_HANGING, "who finds it busy has found no failure"
        assert len(asyncio.all_tasks()) == 1 + MAX_HANGING
        await asyncio.to_thread(guarded.close)
        await turns(lambda: len(asyncio.all_tasks()) == 1)
        assert store.clients[0].is_closed

    asyncio.run(main())
    assert store.released == []


def test_a_client_that_cancels_itself_cancels_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(bounded=False)
    guarded = GuardedStore(store)

    async def cancel() -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        store.before = cancel
        with pytest.raises(StoreDown):
            await asking(guarded)

    asyncio.run(main())


@pytest.mark.parametrize("bounded", [True, False])
def test_a_loop_that_ends_in_the_middle_gives_back_what_it_may_have_acquired(bounded: bool) -> None:
    store = Store(bounded=bounded)
    guarded = GuardedStore(store)

    async def main() -> None:
        entered = asyncio.Event()

        async def hang() -> None:
            # The store has it already; its answer does not come.
            store.acquire("k", owner="o", fingerprint="f", lease=9.0)
            entered.set()
            await asyncio.Event().wait()

        store.before = hang
        asking_for_it = asyncio.ensure_future(asking(guarded))
        await entered.wait()
        asking_for_it.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking_for_it
        store.before = nothing
        assert store.released == [Lease("k", "o", "f")]
        assert isinstance(await asking(guarded, owner="p"), Acquired)

    asyncio.run(main())


def test_a_cancelled_answer_is_not_given_back() -> None:
    store = Store()
    guarded = GuardedStore(store)

    async def main() -> None:
        lease = (await asking(guarded)).lease
        store.before = asyncio.Event().wait
        completing = asyncio.ensure_future(Trip(guarded.complete, lease, b"x", ttl=9.0).on_loop())  # type: ignore[arg-type]
        await asyncio.sleep(0)
        completing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await completing

    asyncio.run(main())
    assert store.released == []


def test_each_loop_has_a_client_of_its_own_and_all_are_closed_on_theirs() -> None:
    store = Store()
    guarded = GuardedStore(store)
    with over_asgi.serving() as one, over_asgi.serving() as two:
        for number, server in enumerate((one, two, one, two)):
            asked = asyncio.run_coroutine_threadsafe(_asking(guarded, str(number)), server.loop)
            assert isinstance(asked.result(LIMIT), Acquired)
        assert [client.loop for client in store.clients] == [one.loop, two.loop]
        guarded.close()
        assert [client.is_closed for client in store.clients] == [True, True]
        asked = asyncio.run_coroutine_threadsafe(_asking(guarded, "anew"), one.loop)
        assert isinstance(asked.result(LIMIT), Acquired)
        assert store.clients[2].loop is one.loop


async def _asking_tidily(guarded: GuardedStore, key: str) -> Any:
    gc.collect()
    return await asking(guarded, key)


async def _asking(guarded: GuardedStore, key: str) -> Any:
    return await asking(guarded, key)


def test_a_loop_that_ended_takes_its_client_with_it() -> None:
    store = Store()
    guarded = GuardedStore(store)
    for key in ("one", "two"):
        asyncio.run(_asking(guarded, key))
    assert guarded._clients is not None
    assert list(guarded._clients._made) == [store.clients[1].loop]
    guarded.close()
    assert [client.is_closed for client in store.clients] == [False, False]


def test_closing_from_the_loop_itself_waits_for_nothing() -> None:
    store = Store()
    guarded = GuardedStore(store)

    async def main() -> None:
        await asking(guarded)
        closed = asyncio.Event()
        store.on_close = closed.set
        guarded.close()
        await closed.wait()

    asyncio.run(main())


def test_a_client_that_does_not_close_stops_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(Client):
        async def close(self) -> None:
            await asyncio.Event().wait()

    class Fails(Client):
        async def close(self) -> None:
            raise OSError("the-password")

    monkeypatch.setattr("cxfulfill.idempotency.on_loop.CLOSE_LIMIT", 0.01)
    for kind in (Stuck, Fails):
        store = Store()
        monkeypatch.setattr(store, "on_loop", lambda kind=kind, store=store: kind(store))
        guarded = GuardedStore(store)

        async def main(guarded: GuardedStore = guarded) -> None:
            await asking(guarded)
            await asyncio.to_thread(guarded.close)

        asyncio.run(main())
    assert "the idempotency store did not close: OSError" in caplog.text
    assert "the-password" not in caplog.text


def test_a_client_without_close() -> None:
    class Open:
        def __init__(self, store: Store) -> None:
            self.acquire = Client(store).acquire

    store = Store()
    guarded = GuardedStore(store)

    async def main() -> None:
        store.on_loop = lambda: Open(store)  # type: ignore[assignment, return-value, method-assign]
        await asking(guarded)
        await asyncio.to_thread(guarded.close)

    asyncio.run(main())


def test_a_forked_process_has_a_client_of_its_own(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, time_limit=LIMIT)
    guarded = GuardedStore(store)
    with over_asgi.serving() as server:

        def ask(key: str) -> Future[Any]:
            return asyncio.run_coroutine_threadsafe(_asking(guarded, key), server.loop)

        assert isinstance(ask("before").result(LIMIT), Acquired)
        child = os.fork()
        if not child:
            guarded_well = False
            try:
                guarded_well = isinstance(asyncio.run(_asking_tidily(guarded, "child")), Acquired)
            finally:
                os._exit(0 if guarded_well else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert isinstance(ask("after").result(LIMIT), Acquired)
        guarded.close()
    store.close()
    assert sorted(redis_server.client.keys()) == [b"cxfulfill:after", b"cxfulfill:before", b"cxfulfill:child"]


def test_a_caller_that_leaves_while_the_store_is_asked_takes_no_other_with_it() -> None:
    """A retry that has joined it asks for itself."""
    store = Store()

    async def main(app: App) -> None:
        entered, gate = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            store.before = nothing
            entered.set()
            await gate.wait()

        store.before = hang
        first, second = (asyncio.ensure_future(answer(app, call("async"))) for _ in range(2))
        await entered.wait()
        await asyncio.sleep(0)
        first.cancel()
        status, body = await second
        assert (status, b"Run 1." in body) == (200, True), body

    with over_asgi.serving() as server, closing(serving(store)) as app:
        app.post(call("async", turn="t0"))
        app.runs.clear()
        asyncio.run_coroutine_threadsafe(main(app), server.loop).result(LIMIT)
        assert app.runs == ["async"]
        assert len(store.released) == 1


async def answer(app: App, body: bytes) -> tuple[int, bytes]:
    """Call over ASGI, on the loop that runs."""
    sent: list[Any] = []
    fields = {"authorization": GOOD, "content-type": "application/json", "content-length": str(len(body))}
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    await app.webhook.asgi({"type": "http", "method": "POST", "path": "/webhook", "headers": headers}, receive, send)
    return sent[0]["status"], sent[1]["body"]
