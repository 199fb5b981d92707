"""What a hostile reviewer of idempotency found, each as a test that failed once."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from cxfulfill import ConfigurationError, Context, Idempotency, IdempotencyKey, Principal, Reply, Router, Unavailable
from cxfulfill import workers as workers_module
from cxfulfill.flights import Flights, Landed
from cxfulfill.idempotency import keys
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.guard import GuardedStore
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired, Completed, Lease, Outcome
from cxfulfill.serving import close_all
from cxfulfill.workers import Workers
from tests.clock import Clock
from tests.pipeline.support import LIMIT, Result, pause_by, post
from tests.pipeline.test_idempotency import AGENT, App, Broken, call, flights_of, replayed


class Failing:
    """Encryption that fails as it is told to."""

    def __init__(self, *, encrypts: bool, problem: Exception) -> None:
        self.encrypts = encrypts
        self.problem = problem

    def encrypt(self, data: bytes) -> bytes:
        if not self.encrypts:
            raise self.problem
        return data

    def decrypt(self, token: bytes) -> bytes:
        raise self.problem


@pytest.mark.parametrize("timeout", [None, LIMIT])
def test_an_answer_that_cannot_be_hidden_is_sent_and_its_flight_lands(
    timeout: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    policy = Idempotency(MemoryStore(), encryption=Failing(encrypts=False, problem=ValueError("the-key")))
    with closing(App(idempotency=policy)) as app:
        app.handle("hidden", timeout=timeout)
        assert app.post(call("hidden")).status == 200
        assert flights_of(app)._flying == {}
    assert "could not be hidden" in caplog.text
    assert "the-key" not in caplog.text


def test_a_key_service_that_is_down_runs_nothing_again() -> None:
    policy = Idempotency(MemoryStore(), encryption=Failing(encrypts=True, problem=Unavailable(reason="kms_down")))
    with closing(App(idempotency=policy)) as app:
        assert app.post().status == 200
        result = app.post()
        assert (result.status, result.reason, app.runs) == (503, "kms_down", ["count"])


class End(BaseException):
    """No exception of the kind that handlers raise."""


@pytest.mark.parametrize("idempotent", [True, False])
def test_an_async_handler_that_raises_anything_ends_no_other(idempotent: bool) -> None:
    async def ends(ctx: Context) -> None:
        raise End

    async def answers(ctx: Context) -> str:
        return "Here."

    with closing(App()) as app:
        app.webhook.add_handler("ends", ends, idempotent=idempotent)
        app.webhook.add_handler("answers", answers)
        assert app.post(call("ends")).status == 500
        assert app.post(call("answers")).said == "Here."


def test_a_loop_that_died_is_made_anew() -> None:
    workers = Workers()
    workers.portal()
    assert workers._loop
    workers._loop.close()
    assert workers.portal().call(lambda: 5) == 5
    workers.close()


def test_an_answer_for_other_parameters_is_not_ours() -> None:
    clock = Clock()
    with closing(App(clock)) as app:

        def act(ctx: Context) -> None:
            clock.seconds += 16
            taken = app.store.acquire(str(ctx.idempotency_key), owner="other", fingerprint="another", lease=15.0)
            assert isinstance(taken, Acquired)
            app.store.complete(taken.lease, KeptAnswer("t", b"{}").pack(None), ttl=60.0)

        app.handle("slow", act)
        assert app.post(call("slow")).said == "Run 1."


class Order(BaseModel):
    order: str = Field(alias="order-id")
    nights: int = 1
    secret: SecretStr = SecretStr("")
    hidden: int = Field(0, exclude=True)
    made: datetime = Field(default_factory=lambda: datetime.now(UTC))
    several: set[str] = set()


def ordering(app: App, key: Any = "order", **options: Any) -> None:
    def handler(ctx: Context, params: Order) -> Reply:
        app.runs.append(ctx.tag)
        return Reply(f"Run {len(app.runs)}.")

    app.webhook.add_handler("order", handler, idempotency_key=key, **options)


def order(app: App, turn: str = "t1", **parameters: Any) -> Result:
    return app.post(call("order", turn=turn, parameters={"order-id": "1", **parameters}))


@pytest.mark.parametrize("change", [{"nights": 2}, {"secret": "b"}, {"hidden": 1}, {"several": ["b"]}])
def test_no_difference_is_overlooked(change: dict[str, Any]) -> None:
    with closing(App()) as app:
        ordering(app)
        assert order(app, secret="a", several=["a"]).said == "Run 1."
        assert order(app, "t2", **({"secret": "a", "several": ["a"]} | change)).reason == "key_reused"


def test_no_difference_is_invented() -> None:
    with closing(App()) as app:
        ordering(app)
        for turn in ("t1", "t2"):
            assert order(app, turn, several=["b", "a"], unknown=turn).said == "Run 1."


def test_secrets_are_different_keys() -> None:
    with closing(App()) as app:
        ordering(app, "secret")
        assert [order(app, secret=secret).said for secret in ("card-1", "card-2", "card-1")] == [
            "Run 1.",
            "Run 2.",
            "Run 1.",
        ]


@pytest.mark.parametrize("value", [b"x", 1.5, True, {"a": 1}, ["a"], object()])
def test_what_cannot_be_a_key_is_a_defect(value: Any) -> None:
    with closing(App()) as app:
        ordering(app, lambda ctx: value)
        assert order(app).status == 500
        assert app.runs == []


@pytest.mark.parametrize("value", ["\udc80", "x" * 100_000, "a\x00b", 5])
def test_what_can_be_a_key(value: Any) -> None:
    with closing(App()) as app:
        ordering(app, lambda ctx: value)
        assert [order(app).said for _ in range(2)] == ["Run 1.", "Run 1."]


def test_a_session_s_key_without_a_session_is_no_key() -> None:
    with closing(App()) as app:
        ordering(app)
        body = call("order", session=None, parameters={"order-id": "1"})
        assert [app.post(body).said for _ in range(2)] == ["Run 1.", "Run 2."]


def test_two_handlers_of_one_tag_have_keys_of_their_own() -> None:
    with closing(App()) as app:
        ordering(app, page="g")
        ordering(app, page="h")
        page = f"{AGENT}/flows/f/pages"
        for name, said in (("g", "Run 1."), ("h", "Run 2."), ("g", "Run 1.")):
            body = call("order", parameters={"order-id": "1"}, pageInfo={"currentPage": f"{page}/{name}"})
            assert app.post(body).said == said


@pytest.mark.parametrize("key", ["", None])
def test_a_key_function_without_a_key(key: Any) -> None:
    with closing(App(idempotency=Idempotency(MemoryStore(), key=lambda *_: key))) as app:
        assert [app.post().said for _ in range(2)] == ["Run 1.", "Run 2."]


@pytest.mark.parametrize(("one", "other"), [({}, []), ({"a": {}}, {"a": []}), ([[]], [{}])])
def test_objects_are_no_lists(one: Any, other: Any) -> None:
    with closing(App()) as app:
        assert app.post(call(parameters={"cart": one})).said == "Run 1."
        assert app.post(call(parameters={"cart": other})).said == "Run 2."


def principal(name: str, *others: Principal) -> Principal:
    return Principal(name, "m", others)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (principal("a", principal("b2:m3c")), principal("a2:m3b", principal("c"))),
        (principal("a", principal("b"), principal("c")), principal("a", principal("b", principal("c")))),
        (principal("a", principal("b")), principal("a1:m1:b0:")), (principal("ab"), principal("a", principal("b"))),
    ],
)  # fmt: skip
def test_principals_are_told_apart(one: Principal, other: Principal) -> None:
    assert keys._who(one) != keys._who(other)


def test_an_unsaved_answer_is_for_its_own_parameters_and_for_its_own_time() -> None:
    clock = Clock()
    store = Broken(clock)
    store.down = False
    with closing(App(clock, store=store)) as app:

        def handler(ctx: Context, params: Order) -> str:
            app.runs.append(ctx.tag)
            store.down = True
            return f"Run {len(app.runs)}."

        app.webhook.add_handler("order", handler, idempotency_key="order", ttl=10)
        assert order(app, nights=2).said == "Run 1."
        assert replayed(order(app, nights=2))
        assert order(app, "t2", nights=5).reason == "key_reused"
        clock.seconds += 10
        assert order(app, nights=2).status == 503


def test_a_busy_store_of_the_user_s_is_no_failing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.guard.MAX_HANGING", 2)

    class Slow:
        def __init__(self) -> None:
            self.inner = MemoryStore()
            self.turn = threading.Lock()

        def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
            with self.turn:
                threading.Event().wait(0.002)
                return self.inner.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)

        def complete(self, *arguments: Any, **options: Any) -> bool:
            return self.inner.complete(*arguments, **options)

        def release(self, *arguments: Any) -> bool:
            return self.inner.release(*arguments)

    store = GuardedStore(Slow())
    outcomes: list[Outcome] = []

    def ask(number: int) -> None:
        outcomes.append(store.acquire(str(number), owner="o", fingerprint="", lease=9.0))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(outcomes) == 20
    assert store.troubles == 0


def test_what_was_acquired_too_late_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.guard.TIME_LIMIT", 0.01)
    gate, released = threading.Event(), threading.Event()

    class Late:
        def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
            gate.wait(LIMIT)
            return MemoryStore().acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)

        def complete(self, *arguments: Any, **options: Any) -> bool:
            return True

        def release(self, *arguments: Any) -> bool:
            released.set()
            return True

    store = GuardedStore(Late())
    with pytest.raises(Exception):  # noqa: B017, PT011 - StoreDown
        store.acquire("k", owner="o", fingerprint="", lease=9.0)
    gate.set()
    assert released.wait(LIMIT)


def test_a_store_without_threads(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    class Plain(MemoryStore):
        bounded = False

    guarded = GuardedStore(Plain())
    flights = Flights(guarded, lease=15, max_run=600)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        for _ in range(20):
            with pytest.raises(Exception):  # noqa: B017, PT011 - StoreDown
                guarded.acquire("k", owner="o", fingerprint="", lease=9.0)
        flight, _ = flights.board("k", "")
    assert "no thread could be started" in caplog.text
    flights.land(flight, Landed(KeptAnswer("t", b"")))
    assert isinstance(guarded.acquire("k", owner="o", fingerprint="", lease=9.0), Acquired)
    assert flights.board("k", "")[1]
    assert flights._keeper, "and one is started when it can be"
    flights.drain(0)


def test_a_flight_is_begun_where_neither_a_thread_nor_a_log_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError

    flights = Flights(GuardedStore(MemoryStore()), lease=15, max_run=600)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fails)
        patch.setattr("cxfulfill.flights._log.warning", fails)
        flight, is_first = flights.board("k", "")
    assert is_first
    flights.land(flight, Landed(KeptAnswer("t", b"")))
    assert flights.drain(0)


@pytest.mark.parametrize("pool", ["submit", "queue", "wait_for_io"])
def test_a_pool_without_threads_runs_nothing_later(pool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "POOL_SIZE", 2)
    ran: list[int | str] = []
    workers = Workers()
    submit = getattr(workers, pool)

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        for number in range(5):
            with pytest.raises(Unavailable):
                submit(lambda number=number: ran.append(number))
    submit(lambda: ran.append("now"))
    workers.close()
    assert ran == ["now"]


def test_a_call_that_runs_elsewhere_is_not_run_for_want_of_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    store = Broken(clock)
    store.down = False
    with closing(App(clock, idempotency=Idempotency(store, on_store_error="run"))) as app:
        key = str(app.post().json["sessionInfo"]["parameters"]["key"])
        store.inner = MemoryStore(clock=clock)
        store.inner.acquire(key, owner="elsewhere", fingerprint="", lease=15.0)
        pause_by(lambda seconds: setattr(store, "down", True), monkeypatch)
        result = app.post()
        assert (result.status, result.reason, app.runs) == (503, "in_progress", ["count"])


def test_a_handler_that_hangs_gives_its_key_up_at_last() -> None:
    clock = Clock()
    flights = Flights(GuardedStore(MemoryStore(clock=clock)), lease=15, max_run=5, clock=clock)
    flight, _ = flights.board("k", "")
    clock.seconds += 20
    other, is_first = flights.board("k", "")
    assert (is_first, other is flight) == (True, False)
    flights.land(flight, Landed(KeptAnswer("t", b"")))
    assert flights.board("k", "")[0] is other, "the one that hung lands nowhere else"
    flights.land(other, Landed(KeptAnswer("t", b"")))
    flights.drain(0)


def test_no_words_of_a_user_are_kept_for_near_duplicates() -> None:
    with closing(App()) as app:
        app.post(call(text="my number is 4711"))
        parts = app.webhook.pipeline().deduplication
        assert parts
        assert "4711" not in str(parts.keying.near._seen)


def test_a_renewal_that_crosses_a_release_leaves_no_lease() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    flights = Flights(GuardedStore(store), lease=15, max_run=600, clock=clock)
    flight, _ = flights.board("k", "")
    taken = store.acquire("k", owner="o", fingerprint="", lease=15.0)
    assert isinstance(taken, Acquired)
    flight.lease = taken.lease
    clock.seconds += 6
    renew = flights._renew

    def crossing(lease: Any) -> None:
        flight.lease = None  # its handler has failed
        store.release(lease)
        renew(lease)

    flights._renew = crossing  # type: ignore[method-assign]
    flights.look_after()
    assert isinstance(store.acquire("k", owner="other", fingerprint="", lease=1.0), Acquired)
    flights.land(flight, Landed(KeptAnswer("t", b"")))
    flights.drain(0)


def test_a_keeper_survives_whatever_goes_wrong(caplog: pytest.LogCaptureFixture) -> None:
    asked = threading.Semaphore(0)
    flights = Flights(GuardedStore(MemoryStore()), lease=0.01, max_run=600)

    def fails() -> None:
        asked.release()
        raise ValueError("once more")

    flights._renew_all = fails  # type: ignore[method-assign]
    flight, _ = flights.board("k", "")
    assert all(asked.acquire(timeout=LIMIT) for _ in range(3))
    flights._renew_all = lambda: None  # type: ignore[method-assign]
    flights.land(flight, Landed(KeptAnswer("t", b"")))
    keeper = flights._keeper
    assert keeper
    keeper.join(LIMIT)
    assert not keeper.is_alive(), "it ends when there is nothing to keep"
    assert "leases could not be looked after: ValueError" in caplog.text


def test_one_answer_that_is_refused_does_not_hold_up_the_others() -> None:
    clock = Clock()

    class Picky(MemoryStore):
        def complete(self, lease: Any, result: bytes, *, ttl: float) -> bool:
            if lease.key == "bad":
                raise ValueError
            return super().complete(lease, result, ttl=ttl)

    store = Picky(clock=clock)
    flights = Flights(GuardedStore(store, clock=clock), lease=15, max_run=600, clock=clock)
    for key in ("bad", "good"):
        taken = store.acquire(key, owner="o", fingerprint="", lease=15.0)
        assert isinstance(taken, Acquired)
        flights.leave_unsaved(key, taken.lease, b"x", 60.0)
    flights.look_after()
    assert isinstance(store.acquire("good", owner="p", fingerprint="", lease=1.0), Completed)
    assert flights.unsaved("bad")


def test_a_store_that_does_not_close_stops_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(MemoryStore):
        def close(self) -> None:
            raise ValueError("the-password")

    app = App(store=Stubborn())
    assert post(app.webhook, call()).status == 200
    app.close()
    assert "did not close: ValueError" in caplog.text
    assert "the-password" not in caplog.text


async def answers(ctx: Context) -> Reply:
    return Reply(parameters={"key": ctx.idempotency_key})


def test_an_async_handler_over_a_store_that_blocks(tmp_path: Path) -> None:
    with closing(App(idempotency=f"sqlite:///{tmp_path}/calls.sqlite3")) as app:
        app.webhook.add_handler("async", answers)
        first = app.post(call("async"))
        assert (first.status, replayed(first)) == (200, False)
        again = app.post(call("async"))
        assert (again.body, replayed(again)) == (first.body, True)


class Ending(Failing):
    """Encryption that tries to end the process."""

    def encrypt(self, data: bytes) -> bytes:
        raise SystemExit


class Ends(MemoryStore):
    """A store that would end the worker."""

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        raise SystemExit


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        (lambda: Idempotency(Ends()), "a flight ended with SystemExit"),
        (lambda: Idempotency(MemoryStore(), encryption=Ending(encrypts=False, problem=ValueError())),
         "an answer could not be hidden and is not kept: SystemExit"),
    ],
    ids=["store", "encryption"],
)  # fmt: skip
def test_whatever_ends_an_async_flight_ends_no_other(
    policy: Callable[[], Idempotency], line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(App(idempotency=policy())) as app:
        app.webhook.add_handler("async", answers)
        app.webhook.add_handler("other", answers, idempotent=False)
        assert app.post(call("async")).status == 200, "its flight has landed with the handler's answer"
        assert app.post(call("other")).status == 200
    assert line in caplog.text


@pytest.mark.parametrize(
    "make",
    [
        lambda: Idempotency(application=5),  # type: ignore[arg-type]
        lambda: Idempotency(encryption=object()),  # type: ignore[arg-type]
        lambda: Idempotency(lease="15"), lambda: Idempotency(ttl=True),  # type: ignore[arg-type]
        lambda: IdempotencyKey(answers),
    ],
)  # fmt: skip
def test_more_mistakes_fail_at_once(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()


class Colour(Enum):
    RED = "red"


def test_an_enum_is_a_key_by_its_value() -> None:
    with closing(App()) as app:
        ordering(app, lambda ctx: Colour.RED)
        ordering_again = [order(app).said for _ in range(2)]
        assert ordering_again == ["Run 1.", "Run 1."]


def test_near_duplicates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxfulfill.idempotency.policy._MAX_NEAR", 3)
    with closing(App()) as app:
        for number in range(6):
            app.post(call(text=str(number)))
        parts = app.webhook.pipeline().deduplication
        assert parts
        assert len(parts.keying.near._seen) == 3
        assert len(parts.keying.near._earlier) == 3
        assert parts.keying.near.count == 0
        app.post(call(text="3", turn="another"))
        app.post(call(text="4", turn="another"))
        assert parts.keying.near.count == 2, "also of those before the last three"
        assert len(parts.keying.near._seen) + len(parts.keying.near._earlier) <= 6


def test_handing_over_leaves_room_for_renewals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxfulfill.flights.ROUND", -1.0)
    flights = Flights(GuardedStore(MemoryStore()), lease=15, max_run=600)
    flights.leave_unsaved("k", Lease("k", "o"), b"", 60.0)
    flights.look_after()
    assert flights.unsaved("k"), "in the next round"


def test_a_closed_webhook_is_closed_with_all_others() -> None:
    app = App()
    assert app.post().status == 200
    close_all()
    assert app.post(call(turn="t2")).status == 200, "and serves again where it is asked"
    app.close()


@pytest.mark.parametrize("store", ["postgres://u:the-password@h/d", "memory://x", "", "none", 5, True, {}, MemoryStore])
def test_what_is_no_store_fails_at_import(store: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        App(idempotency=store)
    assert "the-password" not in str(raised.value)


def test_what_is_found_out_by_the_first_request_is_a_problem_document(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(idempotency=f"sqlite:///{tmp_path}/nowhere/calls.sqlite3")
    for path in ("/webhook", "/health"):
        result = app.post(path=path)
        assert (result.status, result.reason) == (500, "configuration")
    assert "nothing can be served: SqliteStore" in caplog.text
    app.close()


def test_a_store_that_answers_with_nothing_is_down(caplog: pytest.LogCaptureFixture) -> None:
    class Nothing(MemoryStore):
        def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Any:
            return None

    with closing(App(store=Nothing())) as app:
        assert app.post().reason == "store_unavailable"
        assert app.runs == []


@pytest.mark.parametrize(
    "options",
    [{"ttl": "1h"}, {"ttl": 1e300}, {"ttl": 0.5}, {"idempotent": "no"}, {"idempotency_key": lambda: 1},
     {"idempotency_key": lambda a, b: 1}, {"idempotency_key": IdempotencyKey}],
)  # fmt: skip
def test_mistakes_of_a_handler_fail_at_import(options: dict[str, Any]) -> None:
    with closing(App()) as app, pytest.raises(ConfigurationError, match=r"test_idempotency\.py"):
        app.handle("wrong", **options)


@pytest.mark.parametrize("options", [{"key": lambda ctx: "k"}, {"key": str}, {"max_run": 5}, {"lease": 700}])
def test_mistakes_of_a_policy_fail_at_import(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Idempotency(**options)


def test_a_router_s_idempotent_is_yes_or_no() -> None:
    no: Any = "no"
    with pytest.raises(ConfigurationError, match="True, False or None"):
        Router(idempotent=no)


def test_a_retry_that_waits_in_vain_is_no_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with closing(App(clock)) as app:
        key = str(app.post().json["sessionInfo"]["parameters"]["key"])
    store = MemoryStore(clock=clock)
    store.acquire(key, owner="elsewhere", fingerprint="", lease=60.0)
    with closing(App(clock, store=store)) as app:
        pause_by(lambda seconds: setattr(clock, "seconds", clock.seconds + seconds), monkeypatch)
        caplog.clear()
        assert app.post().reason == "in_progress"
    [record] = [each for each in caplog.records if "in_progress" in each.getMessage()]
    assert record.levelname == "WARNING"


def test_the_default_store_is_named() -> None:
    assert "the default store" in repr(Idempotency())
