"""A retry never runs a handler twice: the cases A100-A108, and what happens around them, end to end in one process."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import StrEnum
from typing import Any

import anyio.to_thread
import pytest
from pydantic import BaseModel

from cxfulfill import (
    AnyOf,
    BadRequest,
    ConfigurationError,
    Context,
    HeaderSecret,
    Idempotency,
    IdempotencyKey,
    Reply,
    Router,
    Unavailable,
    Webhook,
    workers,
)
from cxfulfill.flights import Flights
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired, Completed, InProgress, Lease, Outcome
from cxfulfill.readiness import FRESH
from tests.clock import Clock
from tests.pipeline.support import GOOD, LIMIT, Result, app_b, pause_by, post
from tests.server.wire import until

AGENT = "projects/p/locations/l/agents/a"


def call(tag: str = "count", turn: str | None = "turn-1", session: str | None = "s", **changes: Any) -> bytes:
    parameters = changes.pop("parameters", {"nights": 2})
    body: dict[str, Any] = {"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": parameters}, **changes}
    if session is not None:
        body["sessionInfo"]["session"] = f"{AGENT}/sessions/{session}"
    if turn is not None:
        body["detectIntentResponseId"] = turn
    return json.dumps(body).encode()


class App:
    """A webhook whose handlers number their runs."""

    def __init__(self, clock: Clock | None = None, **options: Any) -> None:
        self.clock = clock or Clock()
        self.store = options.pop("store", None) or MemoryStore(clock=self.clock)
        options.setdefault("idempotency", Idempotency(self.store))
        options.setdefault("auth", app_b())
        self.runs: list[str] = []
        self.webhook = Webhook(clock=self.clock, **options)
        self.handle("count")

    def handle(self, tag: str, act: Callable[[Context], object] = lambda ctx: None, **options: Any) -> None:
        def handler(ctx: Context) -> Reply:
            self.runs.append(ctx.tag)
            act(ctx)
            return Reply(f"Run {len(self.runs)}.", parameters={"key": ctx.idempotency_key})

        self.webhook.add_handler(tag, handler, **options)

    def post(self, body: bytes = call(), **options: Any) -> Result:
        return post(self.webhook, body, **options)

    def close(self) -> None:
        self.webhook.close()


@pytest.fixture
def app() -> Iterator[App]:
    with closing(App()) as made:
        yield made


def replayed(result: Result) -> bool:
    return result.headers.get("Idempotent-Replayed") == "true"


def test_a100_the_same_request_twice(app: App) -> None:
    first, second, third = app.post(), app.post(), app.post()
    assert app.runs == ["count"]
    assert first.status == 200
    assert first.body == second.body == third.body
    assert [replayed(result) for result in (first, second, third)] == [False, True, True]


@pytest.mark.parametrize("kind", ["plain", "watched", "async"])
def test_a101_parallel_duplicates_wait_for_the_first(kind: str) -> None:
    gate, entered = threading.Event(), threading.Semaphore(0)
    with closing(App(timeout=LIMIT if kind == "watched" else None)) as app:
        runs = []

        def hold(ctx: Context) -> Reply:
            runs.append(ctx.tag)
            entered.release()
            gate.wait(LIMIT)
            return Reply(parameters={"key": ctx.idempotency_key})

        async def hold_async(ctx: Context) -> Reply:
            runs.append(ctx.tag)
            entered.release()
            await anyio.to_thread.run_sync(gate.wait, LIMIT)
            return Reply(parameters={"key": ctx.idempotency_key})

        app.webhook.add_handler("hold", hold_async if kind == "async" else hold, timeout=LIMIT)
        results: list[Result] = []
        threads = [threading.Thread(target=lambda: results.append(app.post(call("hold")))) for _ in range(10)]
        for thread in threads:
            thread.start()
        assert entered.acquire(timeout=LIMIT)
        gate.set()
        for thread in threads:
            thread.join(LIMIT)
        assert runs == ["hold"]
        assert {result.status for result in results} == {200}
        assert len({result.body for result in results}) == 1
        assert sorted(map(replayed, results)) == [False] + [True] * 9


def test_a102_another_tag_in_the_same_turn(app: App) -> None:
    app.handle("other")
    assert [app.post(call(tag)).said for tag in ("count", "other", "count")] == ["Run 1.", "Run 2.", "Run 1."]


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"nights": 3}}, {"parameters": {"nights": 2, "more": None}}, {"parameters": {"nights": "2"}},
        {"parameters": {"nights": [2]}}, {"text": "two"}, {"transcript": "two"}, {"dtmfDigits": "2"},
        {"triggerEvent": "e"}, {"triggerIntent": "i"}, {"pageInfo": {"currentPage": f"{AGENT}/flows/f/pages/g"}},
        {"pageInfo": {"formInfo": {"parameterInfo": [{"displayName": "a", "state": "FILLED", "value": 1}]}}},
        {"intentInfo": {"lastMatchedIntent": "i"}}, {"messages": [{"text": {"text": ["queued"]}}]},
        {"intentInfo": {"parameters": {"a": {"originalValue": "b", "resolvedValue": {"c": 1}}}}},
        {"turn": "turn-2"}, {"session": "s2"},
    ],
)  # fmt: skip
def test_a103_other_content_in_the_same_turn(app: App, change: dict[str, Any]) -> None:
    assert (app.post().said, app.post(call(**change)).said, app.post(call(**change)).said) == (
        "Run 1.",
        "Run 2.",
        "Run 2.",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"telephony": {"caller_id": "+1"}}}, {"languageInfo": {"confidenceScore": 0.5}}, {"unknown": 1},
        {"sentimentAnalysisResult": {"score": 0.1}}, {"languageCode": "de"}, {"intentInfo": {"confidence": 0.3}},
        {"messages": [{"source": "VIRTUAL_AGENT", "text": {"text": ["q"]}}]},
    ],
)  # fmt: skip
def test_what_may_differ_in_a_retry(app: App, change: dict[str, Any]) -> None:
    base: dict[str, Any] = {name: {} for name in change if name == "intentInfo"}
    base |= {"messages": [{"text": {"text": ["q"]}}]} if "messages" in change else {}
    app.post(call(**base))
    assert replayed(app.post(call(**change)))


def test_the_order_of_members_does_not_matter(app: App) -> None:
    app.post(call(parameters={"a": {"x": 1, "y": [{"p": 1, "q": 2}]}, "b": 2}))
    assert replayed(app.post(call(parameters={"b": 2, "a": {"y": [{"q": 2, "p": 1}], "x": 1}})))


@pytest.mark.parametrize("error", [ValueError("once"), BadRequest(), Unavailable()])
def test_a104_a_failure_is_not_kept(app: App, error: Exception) -> None:
    failures = [error]

    def fail_once(ctx: Context) -> None:
        if failures:
            raise failures.pop()

    app.handle("fails", fail_once)
    assert app.post(call("fails")).status >= 400
    second = app.post(call("fails"))
    assert (second.status, second.said, replayed(second)) == (200, "Run 2.", False)
    assert replayed(app.post(call("fails")))


def test_an_answer_of_an_error_handler_is_not_kept(app: App) -> None:
    app.handle("fails", lambda ctx: ctx.state["nothing"])
    app.webhook.on_error(KeyError)(lambda ctx, error: "Sorry.")
    assert [app.post(call("fails")).said for _ in range(2)] == ["Sorry.", "Sorry."]
    assert app.runs == ["fails", "fails"]


def test_a_refused_reply_is_not_kept(app: App) -> None:
    def large(ctx: Context) -> str:
        app.runs.append(ctx.tag)
        return "x" * 70_000

    app.webhook.add_handler("large", large)
    assert [app.post(call("large")).status for _ in range(2)] == [500, 500]
    assert app.runs == ["large", "large"]


def test_a105_a_call_whose_process_died_runs_again_after_the_lease(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    with closing(App(clock, store=store)) as app:
        key = json.loads(app.post().body)["sessionInfo"]["parameters"]["key"]
        other = MemoryStore(clock=clock)
        other.acquire(key, owner="of the process that died", fingerprint="", lease=15.0)
    pauses: list[float] = []
    with closing(App(clock, store=other)) as app:

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            clock.seconds += seconds

        pause_by(pause, monkeypatch)
        result = app.post()
        assert (result.status, result.reason, app.runs) == (503, "in_progress", [])
        assert pauses[0] == 0.02
        assert max(pauses) == 0.25
        clock.seconds += 15
        assert app.post().status == 200
        assert app.runs == ["count"]
        assert "may have had effects" in caplog.text


class Broken:
    """A store that is down while it is told to be."""

    blocking = False
    bounded = True

    def __init__(self, clock: Clock) -> None:
        self.down = True
        self.inner = MemoryStore(clock=clock)

    def _check(self) -> None:
        if self.down:
            raise ConnectionError("redis://user:the-password@host")

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        self._check()
        return self.inner.acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        self._check()
        return self.inner.complete(lease, result, ttl=ttl)

    def release(self, lease: Lease) -> bool:
        self._check()
        return self.inner.release(lease)


def test_a106_a_store_that_is_down(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = Broken(clock)
    with closing(App(clock, store=store)) as app:
        for _ in range(5):
            result = app.post()
            assert (result.status, result.reason, result.headers["Retry-After"]) == (503, "store_unavailable", "2")
        assert app.runs == []
        assert app.post(method="GET", path="/ready").json["parts"]["store"] is False
        store.down = False
        assert app.post().status == 503, "left alone for a moment"
        clock.seconds += 2
        assert app.post(method="GET", path="/ready").json["parts"]["store"] is True
        assert app.post().status == 200
        assert "the-password" not in caplog.text


def test_a106_a_store_that_is_down_may_be_done_without(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = Broken(clock)
    with closing(App(clock, idempotency=Idempotency(store, on_store_error="run"))) as app:
        assert [app.post().said for _ in range(2)] == ["Run 1.", "Run 2."]
        assert "the idempotency store is down: a call runs without it" in caplog.text


def test_an_answer_that_the_store_cannot_take_is_kept_and_handed_over_later() -> None:
    clock = Clock()
    store = Broken(clock)
    store.down = False
    with closing(App(clock, store=store)) as app:
        app.handle("breaks", lambda ctx: setattr(store, "down", True))
        first = app.post(call("breaks"))
        assert first.status == 200, "the answer is sent all the same"
        again = app.post(call("breaks"))
        assert (again.body, replayed(again)) == (first.body, True)
        store.down = False
        flights = flights_of(app)
        flights.look_after()
        assert flights.unsaved(_key(first)) is None
        assert isinstance(store.inner.acquire(_key(first), owner="x", fingerprint="", lease=1.0), Completed)


def flights_of(app: App) -> Flights:
    parts = app.webhook.pipeline().deduplication
    assert parts
    return parts.flights


def _key(result: Result) -> str:
    return str(result.json["sessionInfo"]["parameters"]["key"])


def test_a107_after_the_time_to_live(app: App) -> None:
    assert app.post().said == "Run 1."
    app.clock.seconds += 3_599
    assert app.post().said == "Run 1."
    app.clock.seconds += 1
    assert app.post().said == "Run 2."


def test_the_time_to_live_is_the_handler_s_or_the_policy_s() -> None:
    clock = Clock()
    with closing(App(clock, idempotency=Idempotency(MemoryStore(clock=clock), ttl=10))) as app:
        app.handle("long", ttl=100)
        for tag in ("count", "long"):
            app.post(call(tag))
        clock.seconds += 10
        assert [replayed(app.post(call(tag))) for tag in ("count", "long")] == [False, True]


def test_a108_another_principal() -> None:
    key = HeaderSecret("X-Key", "the-key-of-this-test")
    with closing(App(auth=AnyOf(app_b(), key))) as app:
        assert app.post(headers={"Authorization": GOOD}).said == "Run 1."
        assert app.post(headers={"Authorization": None, "X-Key": "the-key-of-this-test"}).said == "Run 2."
        assert app.post(headers={"Authorization": GOOD}).said == "Run 1."


def test_two_applications_in_one_store() -> None:
    store = MemoryStore()
    apps = [App(store=store), App(store=store, path="/other"), App(idempotency=Idempotency(store, application="a"))]
    paths = ["/webhook", "/other", "/webhook"]
    for app, path in zip(apps, paths, strict=True):
        assert app.post(path=path).said == "Run 1."
        app.close()


@pytest.mark.parametrize("missing", [{"turn": None}, {"turn": ""}, {"session": None}])
def test_requests_without_an_id_are_never_taken_for_one_another(app: App, missing: dict[str, Any]) -> None:
    assert [app.post(call(**missing)).said for _ in range(2)] == ["Run 1.", "Run 2."]
    assert app.post(call(**missing)).json["sessionInfo"]["parameters"]["key"] is None


def test_idempotency_can_be_turned_off() -> None:
    with closing(App(idempotency=None)) as app:
        assert [app.post().said for _ in range(2)] == ["Run 1.", "Run 2."]
        assert "store" not in app.post(method="GET", path="/ready").json["parts"]
    with closing(App()) as app:
        app.handle("look-up", idempotent=False)
        assert [app.post(call("look-up")).said for _ in range(2)] == ["Run 1.", "Run 2."]


def test_a_router_says_it_for_its_handlers(app: App) -> None:
    router = Router(idempotent=False)
    runs = []
    router.add_handler("look", lambda ctx: runs.append("look"))
    router.add_handler("book", lambda ctx: runs.append("book"), idempotent=True)
    app.webhook.include(router)
    for tag in ("look", "book"):
        app.post(call(tag))
        app.post(call(tag))
    assert runs == ["look", "look", "book"]


@pytest.mark.parametrize("answer", [None, "", Reply()])
def test_a_falsy_answer_is_an_answer(app: App, answer: Any) -> None:
    def nothing(ctx: Context) -> Any:
        app.runs.append(ctx.tag)
        return answer

    app.webhook.add_handler("nothing", nothing)
    first, second = app.post(call("nothing")), app.post(call("nothing"))
    assert (first.body, replayed(second), app.runs) == (second.body, True, ["nothing"])


class Order(BaseModel):
    order: str | None = None
    nights: int = 1


def with_key(app: App, key: Any, **options: Any) -> None:
    def handler(ctx: Context, params: Order) -> Reply:
        app.runs.append(ctx.tag)
        page = f"{AGENT}/flows/f/pages/g"
        return Reply(f"Run {len(app.runs)}.", parameters={"key": ctx.idempotency_key}, target_page=page)

    app.webhook.add_handler("order", handler, idempotency_key=key, **options)


KEYS = ["order", lambda ctx: ctx.parameters["order"], IdempotencyKey("order")]


@pytest.mark.parametrize("key", KEYS)
def test_a_business_key(app: App, key: Any) -> None:
    with_key(app, key)
    first = app.post(call("order", parameters={"order": "HH-1"}))
    retry = app.post(call("order", parameters={"order": "HH-1"}))
    assert (first.body, replayed(retry)) == (retry.body, True)
    later = app.post(call("order", turn="turn-2", text="again", parameters={"order": "HH-1"}))
    assert (later.said, replayed(later)) == ("Run 1.", True)
    assert "targetPage" in first.json
    assert "targetPage" not in later.json, "a later turn is not led to another page"
    assert app.post(call("order", turn="turn-3", parameters={"order": "HH-2"})).said == "Run 2."
    assert app.post(call("order", session="s2", parameters={"order": "HH-1"})).said == "Run 3."


def test_a_business_key_for_something_else(app: App) -> None:
    with_key(app, "order")
    app.post(call("order", parameters={"order": "HH-1", "nights": 1}))
    other = app.post(call("order", turn="turn-2", parameters={"order": "HH-1", "nights": 2}))
    assert (other.status, other.reason) == (400, "key_reused")
    assert "HH-1" not in other.body.decode()
    ignored = app.post(call("order", turn="turn-2", parameters={"order": "HH-1", "nights": 1, "unknown": 5}))
    assert replayed(ignored), "what the schema leaves out is no other payload"


def test_a_business_key_in_the_whole_application(app: App) -> None:
    with_key(app, IdempotencyKey("order", scope="application"))
    app.post(call("order", parameters={"order": "HH-1"}))
    assert replayed(app.post(call("order", session="s2", turn="t2", parameters={"order": "HH-1"})))


def test_a_waiter_of_another_turn_is_not_led_to_another_page() -> None:
    gate, entered = threading.Event(), threading.Event()
    with closing(App()) as app:

        def handler(ctx: Context, params: Order) -> Reply:
            entered.set()
            gate.wait(LIMIT)
            return Reply("Ordered.", target_page=f"{AGENT}/flows/f/pages/g")

        app.webhook.add_handler("order", handler, idempotency_key=IdempotencyKey("order", scope="application"))
        results: dict[str, Result] = {}

        def order(session: str) -> None:
            body = call("order", turn=session, session=session, parameters={"order": "1"})
            results[session] = app.post(body)

        threads = [threading.Thread(target=order, args=(session,)) for session in ("a", "b")]
        threads[0].start()
        assert entered.wait(LIMIT)
        threads[1].start()
        [flight] = flights_of(app)._flying.values()
        until(lambda: flight.landing is not None, "the second one to wait")
        gate.set()
        for thread in threads:
            thread.join(LIMIT)
        assert "targetPage" in results["a"].json
        assert (results["b"].said, "targetPage" in results["b"].json) == ("Ordered.", False)


class Checked(Broken):
    """A store that can be checked."""

    def check(self) -> None:
        self._check()


def test_a_store_that_can_be_checked_is_for_ready(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = Checked(clock)
    with closing(App(clock, store=store)) as app:
        assert app.post(method="GET", path="/ready").status == 503
        store.down = False
        clock.seconds += FRESH  # a store that does IO is not asked before
        assert app.post(method="GET", path="/ready").status == 200


def test_a_call_without_a_business_key_has_its_default_key(app: App) -> None:
    with_key(app, "order")
    assert [app.post(call("order", parameters={"order": None})).said for _ in range(2)] == ["Run 1.", "Run 1."]
    assert app.post(call("order", turn="t2", parameters={"order": None})).said == "Run 2."


def test_a_key_function_that_misses_a_parameter(app: App) -> None:
    with_key(app, lambda ctx: ctx.parameters["order"])
    result = app.post(call("order"))
    assert (result.status, result.reason) == (400, "invalid_parameters")
    assert "order (missing)" in result.json["detail"]
    assert app.runs == []


def test_a_key_function_that_looks_a_value_up_shows_none(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with_key(app, lambda ctx: {}[ctx.parameters["order"]])
    result = app.post(call("order", parameters={"order": "secret-4711"}))
    assert result.status == 400
    assert "secret-4711" not in result.body.decode() + caplog.text


def test_a_business_key_while_it_is_used_for_something_else() -> None:
    gate, entered = threading.Event(), threading.Event()
    with closing(App()) as app:

        def handler(ctx: Context, params: Order) -> None:
            entered.set()
            gate.wait(LIMIT)

        app.webhook.add_handler("order", handler, idempotency_key="order")
        thread = threading.Thread(target=lambda: app.post(call("order", parameters={"order": "1", "nights": 1})))
        thread.start()
        assert entered.wait(LIMIT)
        other = app.post(call("order", parameters={"order": "1", "nights": 2}))
        gate.set()
        thread.join(LIMIT)
        assert other.reason == "key_reused"


def nothing(ctx: Context) -> None:
    """Does nothing."""


def ordered(ctx: Context, params: Order) -> None:
    """Takes an order."""


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (ordered, {"idempotency_key": "booking"}, "is no field; there are nights, order"),
        (nothing, {"idempotency_key": "order"}, "second argument"),
        (ordered, {"idempotency_key": 5}, "name of a field"), (ordered, {"idempotency_key": ""}, "name of a field"),
        (ordered, {"idempotency_key": "order", "idempotent": False}, "leaves nothing"),
        (ordered, {"ttl": 0}, "ttl"), (ordered, {"ttl": 5, "idempotent": False}, "leaves nothing"),
    ],
)  # fmt: skip
def test_mistakes_fail_at_import(app: App, function: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        app.webhook.add_handler("order", function, **options)


WRONG: list[tuple[Any, dict[str, Any]]] = [
    (Idempotency, {"lease": 0}), (Idempotency, {"ttl": float("inf")}), (Idempotency, {"max_run": -1}),
    (Idempotency, {"on_store_error": "ignore"}), (Idempotency, {"key": "order"}),
    (IdempotencyKey, {"source": "order", "scope": "world"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), WRONG)
def test_a_wrong_policy_is_refused(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        kind(**options)


@pytest.mark.parametrize(
    "store", ["mysql://host", "memory", "memory://x", "sqlite://", "sqlite:///", "redis://", "", object(), MemoryStore]
)
def test_what_is_no_store_does_not_start(store: Any) -> None:
    with pytest.raises(ConfigurationError):
        App(idempotency=store).webhook.check()


def test_a_fallback_is_not_kept_and_the_late_answer_is(caplog: pytest.LogCaptureFixture) -> None:
    gate = threading.Event()
    with closing(App(Clock(), idempotency=Idempotency())) as app:

        def slow(ctx: Context) -> str:
            app.runs.append("slow")
            gate.wait(LIMIT)
            return "At last."

        app.webhook.add_handler("slow", slow, timeout=0.05, fallback="Later.")
        app.clock.seconds = 0.0
        assert app.post(call("slow")).said == "Later."
        gate.set()
        result = app.post(call("slow"))
        while result.said == "Later.":
            result = app.post(call("slow"))
        assert (result.said, replayed(result), app.runs) == ("At last.", True, ["slow"])
    assert "handler ended after its deadline" in caplog.text


def test_a_duplicate_whose_own_time_is_up(caplog: pytest.LogCaptureFixture) -> None:
    gate, entered = threading.Event(), threading.Event()
    with closing(App()) as app:

        def slow(ctx: Context) -> str:
            entered.set()
            gate.wait(LIMIT)
            return "At last."

        app.webhook.add_handler("slow", slow, timeout=0.05)
        results: list[Result] = []
        threads = [threading.Thread(target=lambda: results.append(app.post(call("slow")))) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert entered.wait(LIMIT)
        for thread in threads:
            thread.join(LIMIT)
        gate.set()
        assert sorted(result.reason for result in results) == ["deadline", "in_progress"]
        assert {result.status for result in results} == {503}


def test_waiters_share_a_failure_and_a_later_delivery_runs_again() -> None:
    gate, entered = threading.Event(), threading.Event()
    with closing(App()) as app:

        def fails(ctx: Context) -> None:
            app.runs.append("fails")
            entered.set()
            gate.wait(LIMIT)
            raise RuntimeError

        app.webhook.add_handler("fails", fails)
        results: list[Result] = []
        threads = [threading.Thread(target=lambda: results.append(app.post(call("fails")))) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert entered.wait(LIMIT)
        gate.set()
        for thread in threads:
            thread.join(LIMIT)
        assert {result.status for result in results} == {500}
        runs = len(app.runs)
        assert app.post(call("fails")).status == 500
        assert len(app.runs) == runs + 1


@pytest.mark.wsgi_alone  # under ASGI a handler's thread ends no worker
def test_a_worker_that_is_ended_leaves_its_lease_to_run_out(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(ctx: Context) -> None:
        app.runs.append("ends")
        if len(app.runs) == 1:
            raise SystemExit

    app.webhook.add_handler("ends", ends)
    with pytest.raises(SystemExit):
        app.post(call("ends"))
    pause_by(lambda seconds: setattr(app.clock, "seconds", app.clock.seconds + seconds), monkeypatch)
    assert app.post(call("ends")).reason == "in_progress"
    app.clock.seconds += 15
    assert app.post(call("ends")).status == 200
    assert app.runs == ["ends", "ends"]


def test_a_full_pool_releases_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "POOL_SIZE", 1)
    gate, entered = threading.Event(), threading.Event()
    with closing(App()) as app:

        def slow(ctx: Context) -> str:
            app.runs.append(ctx.tag)
            entered.set()
            gate.wait(LIMIT)
            return "Done."

        app.webhook.add_handler(["a", "b"], slow, timeout=LIMIT)
        thread = threading.Thread(target=lambda: app.post(call("a")))
        thread.start()
        assert entered.wait(LIMIT)
        assert app.post(call("b")).reason == "overloaded"
        gate.set()
        thread.join(LIMIT)
        # A thread is free a moment after its answer is out.
        until(lambda: app.post(call("b")).status == 200, "a free thread")
        assert app.post(call("b")).said == "Done."
        assert app.runs == ["a", "b"]


class Reversing:
    """Encryption for the test of the hook."""

    def encrypt(self, data: bytes) -> bytes:
        return b"!" + data[::-1]

    def decrypt(self, token: bytes) -> bytes:
        if not token.startswith(b"!"):
            raise ValueError("not ours")
        return token[:0:-1]


def test_answers_are_hidden_at_rest() -> None:
    store = MemoryStore()
    with closing(App(idempotency=Idempotency(store, encryption=Reversing()))) as app:
        first = app.post()
        assert replayed(app.post())
        kept = store.acquire(_key(first), owner="x", fingerprint="", lease=1.0)
        assert isinstance(kept, Completed)
        assert b"Run 1" not in kept.result


@pytest.mark.parametrize(
    "result", [b"", b"pickle", b"cxf\x01", b"cxf\x01\x00\x00\x00\xff", b"cxf\x02\x00", b"\x80\x04."]
)
def test_a_record_that_cannot_be_read_counts_as_nothing(result: bytes) -> None:
    store = MemoryStore()
    with closing(App(store=store)) as app:
        key = _key(app.post())
    fresh = MemoryStore()
    taken = fresh.acquire(key, owner="x", fingerprint="", lease=9.0)
    assert isinstance(taken, Acquired)
    fresh.complete(taken.lease, result, ttl=9.0)
    with closing(App(store=fresh)) as app:
        assert [app.post().said for _ in range(2)] == ["Run 1.", "Run 1."]
        again = fresh.acquire(f"{key}r", owner="x", fingerprint="", lease=1.0)
        assert isinstance(again, Completed)
    worse = MemoryStore()
    for each in (key, f"{key}r"):
        taken = worse.acquire(each, owner="x", fingerprint="", lease=9.0)
        assert isinstance(taken, Acquired)
        worse.complete(taken.lease, result, ttl=9.0)
    with closing(App(store=worse)) as app:
        assert app.post().reason == "answer_unreadable"


def test_leases_are_renewed_while_a_handler_runs(caplog: pytest.LogCaptureFixture) -> None:
    gate, entered = threading.Event(), threading.Event()
    clock = Clock()
    with closing(App(clock)) as app:

        def slow(ctx: Context) -> str:
            entered.set()
            gate.wait(LIMIT)
            return "Done."

        app.webhook.add_handler("slow", slow)
        thread = threading.Thread(target=lambda: app.post(call("slow")))
        thread.start()
        assert entered.wait(LIMIT)
        flights = flights_of(app)
        [flight] = flights._flying.values()
        for _ in range(10):
            clock.seconds += 10
            flights.look_after()
        other = app.store.acquire(flight.key, owner="other", fingerprint="", lease=15.0)
        assert isinstance(other, InProgress)
        clock.seconds += 600
        flights.look_after()
        other = app.store.acquire(flight.key, owner="other", fingerprint="", lease=15.0)
        assert isinstance(other, Acquired), "a handler that hangs does not hold its call for ever"
        gate.set()
        thread.join(LIMIT)
        assert "an answer came after its lease was lost" in caplog.text


@pytest.mark.parametrize("other", ["ended", "runs", "gone"])
def test_an_answer_whose_lease_was_lost(other: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with closing(App(clock)) as app:

        def act(ctx: Context) -> None:
            key = str(ctx.idempotency_key)
            clock.seconds += 16
            taken = app.store.acquire(key, owner="other", fingerprint="", lease=15.0)
            assert isinstance(taken, Acquired)
            if other == "ended":
                app.store.complete(taken.lease, KeptAnswer("turn-1", b'{"payload":{}}').pack(None), ttl=60.0)
            elif other == "gone":
                app.store.release(taken.lease)

        app.handle("slow", act)
        first = app.post(call("slow"))
        assert first.status == 200
        assert (first.body == b'{"payload":{}}') == (other == "ended"), "all deliveries get one answer"
        assert "an answer came after its lease was lost" in caplog.text
        if other != "runs":
            assert app.post(call("slow")).body == first.body


def test_near_duplicates_are_noted(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        app.post(call(text="yes"))
        app.post(call(text="yes"))
        assert "near_duplicate" not in caplog.text
        app.post(call(text="yes", parameters={"nights": 3}))
        assert "near_duplicate" in caplog.text
        app.clock.seconds += 61
        app.post(call(text="yes", parameters={"nights": 4}))
    parts = app.webhook.pipeline().deduplication
    assert parts
    assert parts.keying.near.count == 1


def test_a_key_function_of_one_s_own() -> None:
    def by_session(application: str, principal: Any, ctx: Context) -> str | None:
        return ctx.session_id or None

    with closing(App(idempotency=Idempotency(MemoryStore(), key=by_session))) as app:
        assert [app.post(call(turn=turn)).said for turn in ("1", "2")] == ["Run 1.", "Run 1."]
        assert [app.post(call(session=None)).said for _ in range(2)] == ["Run 2.", "Run 3."]


def test_the_log_tells_a_replay(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cxfulfill"):
        app.post()
        app.post()
    lines = [record.getMessage() for record in caplog.records if "status=200" in record.getMessage()]
    assert ["replayed=true" in line for line in lines] == [False, True]


def test_the_policy_shows_no_password() -> None:
    assert "pw" not in repr(Idempotency("redis://user:pw@host/0"))


def test_an_application_may_be_named_by_a_member_of_an_enum() -> None:
    class Names(StrEnum):
        SHOP = "shop"

    store = MemoryStore()
    answers = []
    for name in (Names.SHOP, "shop"):
        with closing(App(idempotency=Idempotency(store, application=name))) as app:
            answers.append(app.post())
    assert [result.said for result in answers] == ["Run 1.", "Run 1."]
    assert replayed(answers[1])
