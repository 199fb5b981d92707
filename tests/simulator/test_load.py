"""The engine of a load, with a clock that only the fake webhook and the fake sleep move on."""

import json
import math
from collections.abc import Callable
from random import Random
from threading import Barrier, Event, Lock
from typing import Any

import pytest

from cxfulfill.http import Headers
from cxfulfill.simulator.figures import Delivery, Figures, verdict_of
from cxfulfill.simulator.load import HUNG, Load, Plan
from cxfulfill.simulator.sending import Answer, Failure, NoAnswer, Outgoing
from cxfulfill.simulator.traffic import Kind, Mix, mix_of

EMPTY = b"{}"


class FakeClock:
    """Seconds that go on when something takes time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def takes(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds


class FakeWebhook:
    """A webhook, and connections to it: each call takes a while of the fake clock; the same bytes run once."""

    def __init__(self, clock: FakeClock, takes: float = 0.1) -> None:
        self.clock = clock
        self.takes = takes
        self.answers: dict[bytes, bytes] = {}
        self.bodies: list[bytes] = []
        self.sent: list[Outgoing] = []
        self.runs = 0
        self.opened = self.closed = 0
        self.remembers = True
        self.lock = Lock()
        self.run: Callable[[dict[str, Any]], bytes] = lambda document: EMPTY

    def connect(self) -> "FakeWebhook":
        self.opened += 1
        return self

    def close(self) -> None:
        self.closed += 1

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        self.clock.takes(self.takes)
        with self.lock:
            self.sent.append(outgoing)
            self.bodies.append(outgoing.body)
            is_replayed = self.remembers and outgoing.body in self.answers
            if not is_replayed:
                self.runs += 1
                self.answers[outgoing.body] = self.run(json.loads(outgoing.body))
            headers = {"Idempotent-Replayed": "true"} if is_replayed else {}
            return Answer(status=200, headers=Headers(headers), body=self.answers[outgoing.body])


class FakeRefusals(FakeWebhook):
    """A webhook that answers what the test says, or does not answer."""

    def __init__(self, clock: FakeClock, answer: Answer | Failure) -> None:
        super().__init__(clock)
        self.answer = answer

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        if isinstance(self.answer, str):
            self.clock.takes(timeout if self.answer == "timeout" else 0.0)
            raise NoAnswer(self.answer, "no answer")
        self.clock.takes(self.takes)
        return self.answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def webhook(clock: FakeClock) -> FakeWebhook:
    return FakeWebhook(clock)


def load(webhook: FakeWebhook, seed: int = 1, *, mix: Mix | None = None, **options: Any) -> Load:
    plan = Plan(url="http://x/webhook", mix=mix or mix_of({"book": 1.0}), **{"think": 0.0} | options)
    clock = webhook.clock
    return Load(plan, webhook.connect, clock=clock, sleep=clock.takes, rng=Random(seed))


def answer(status: int, body: bytes = EMPTY) -> Answer:
    return Answer(status=status, headers=Headers({}), body=body)


def test_it_ends_after_its_seconds(webhook: FakeWebhook) -> None:
    figures = load(webhook, users=1, seconds=10.0).run()
    assert figures.calls == webhook.runs == pytest.approx(100, abs=1)
    assert figures.seconds == pytest.approx(10.0, abs=0.2)
    assert figures.rate == pytest.approx(10.0, abs=0.2)
    assert figures.durations.percentile(0.5) == pytest.approx(0.1, rel=0.01)
    assert figures.statuses == {200: figures.calls}
    assert (figures.failed, figures.is_interrupted) == (0, False)
    assert figures.by_tag.keys() == {"book"}


def test_it_ends_after_its_calls(webhook: FakeWebhook) -> None:
    figures = load(webhook, users=8, calls=100, seconds=600.0).run()
    assert figures.calls == webhook.runs == 100
    assert webhook.opened == webhook.closed == 8


def test_users_think_between_turns(webhook: FakeWebhook) -> None:
    webhook.takes = 0.0
    figures = load(webhook, users=1, think=0.5, seconds=600.0).run()
    assert figures.calls == pytest.approx(1_200, rel=0.1)


def test_a_seed_makes_the_same_choices_and_other_ids(clock: FakeClock) -> None:
    mix = mix_of({"a": 1.0, "b": 2.0})

    def once(seed: int) -> tuple[list[str], set[str]]:
        webhook = FakeWebhook(clock)
        load(webhook, seed, users=1, calls=50, duplicates=0.3, mix=mix, seconds=600.0).run()
        documents = [json.loads(body) for body in webhook.bodies]
        tags = [document["fulfillmentInfo"]["tag"] for document in documents]
        return tags, {document["detectIntentResponseId"] for document in documents}

    (first, ids), (again, other_ids), (different, _) = once(7), once(7), once(8)
    assert first == again != different
    assert not ids & other_ids


def test_what_is_sent(webhook: FakeWebhook) -> None:
    load(webhook, users=1, calls=1, headers=Headers({"Authorization": "canary"})).run()
    [outgoing] = webhook.sent
    assert (outgoing.method, outgoing.url) == ("POST", "http://x/webhook")
    assert outgoing.headers["authorization"] == "canary"


def test_a_session_has_what_earlier_answers_set(webhook: FakeWebhook) -> None:
    def run(document: dict[str, Any]) -> bytes:
        count = document["sessionInfo"].get("parameters", {}).get("count", 0.0)
        return json.dumps({"sessionInfo": {"parameters": {"count": count + 1}}}).encode()

    webhook.run = run
    load(webhook, users=1, calls=3).run()
    assert [json.loads(body)["sessionInfo"]["parameters"].get("count") for body in webhook.bodies] == [None, 1.0, 2.0]


def test_calls_that_are_delivered_twice_run_once(webhook: FakeWebhook) -> None:
    figures = load(webhook, users=4, calls=500, duplicates=0.2, seconds=600.0).run()
    twice = figures.twice["once"]
    assert figures.twice == {"once": twice}
    assert twice == pytest.approx(100, abs=30)
    assert webhook.runs == figures.calls == 500
    assert len(webhook.bodies) == 500 + twice == figures.durations.count
    assert figures.replayed == figures.of_replays.count == twice
    assert figures.by_tag["book"].count == 500


def test_half_of_the_duplicates_come_at_once(clock: FakeClock) -> None:
    class Meeting(FakeWebhook):
        """Holds a call up until another one is there too."""

        both = Barrier(2)

        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            self.both.wait(30)
            return super().send(outgoing, timeout)

    # A single call, by a seed with which it is delivered twice at once.
    seed = next(seed for seed in range(100) if _is_at_once(seed))
    figures = load(Meeting(clock), seed, users=1, calls=1, duplicates=1.0).run()
    assert figures.twice == {"once": 1}


def _is_at_once(seed: int) -> bool:
    chance = Random(Random(seed).getrandbits(64))
    mix_of({"book": 1.0}).choose(chance)
    return chance.random() < 1.0 and chance.random() < 0.5


def test_a_call_that_ran_twice_is_a_failure(webhook: FakeWebhook) -> None:
    webhook.remembers = False
    figures = load(webhook, users=1, calls=10, duplicates=1.0).run()
    assert figures.twice == {"not_replayed": 10}
    assert figures.failures == {("not_replayed", "book"): 10}
    assert figures.failed == 10


def test_but_not_where_nobody_expects_it_to_run_once(webhook: FakeWebhook) -> None:
    webhook.remembers = False
    figures = load(webhook, users=1, calls=10, duplicates=1.0, not_replayed=frozenset({"book"})).run()
    assert (figures.twice, figures.failed) == ({"unchecked": 10}, 0)


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (Delivery(1.0, 200, body=b"a"), Delivery(1.0, 200, body=b"a", is_replayed=True), "once"),
        (Delivery(1.0, 200, body=b"a", is_replayed=True), Delivery(1.0, 200, body=b"a"), "once"),
        (Delivery(1.0, 200, body=b"a", is_replayed=True), Delivery(1.0, 200, body=b"a", is_replayed=True), "once"),
        (Delivery(1.0, 200, body=b"a"), Delivery(1.0, 200, body=b"b", is_replayed=True), "not_replayed"),
        (Delivery(1.0, 200, body=b"a"), Delivery(1.0, 200, body=b"a"), "not_replayed"),
        (Delivery(1.0, failure="timeout"), Delivery(1.0, 200, body=b"a"), "failed"),
        (Delivery(1.0, 200, body=b"a"), Delivery(1.0, 503, "503"), "failed"),
    ],
)
def test_verdicts(first: Delivery, second: Delivery, verdict: str) -> None:
    assert verdict_of(first, second) == verdict


@pytest.mark.parametrize(
    ("given", "failure"),
    [
        (answer(200), ""),
        (answer(204, b"{}"), ""),
        (answer(503, b'{"reason": "deadline"}'), "503 deadline"),
        (answer(500, b'{"reason": "<b>canary"}'), "500"),
        (answer(500, b"[1]"), "500"),
        (answer(302, b""), "302"),
        (answer(200, b""), "unreadable"),
        (answer(200, b"[]"), "unreadable"),
        (answer(200, b'{"payload": {"a": 1' + b"0" * 400 + b"}}"), "unreadable"),
        (answer(200, b'{"a": "' + b"x" * 65_536 + b'"}'), "too_large"),
    ],
)
def test_answers_that_cx_would_not_take(clock: FakeClock, given: Answer, failure: str) -> None:
    figures = load(FakeRefusals(clock, given), users=1, calls=1).run()
    assert dict(figures.failures) == ({(failure, "book"): 1} if failure else {})
    assert figures.failed == bool(failure)
    assert figures.statuses == {given.status: 1}
    assert figures.durations.count == 1


def test_no_answer_in_time(clock: FakeClock) -> None:
    figures = load(FakeRefusals(clock, "timeout"), users=1, calls=4, timeout=5.0, seconds=600.0).run()
    assert figures.failures == {("timeout", "book"): 4}
    assert (figures.late, figures.late_share) == (4, 1.0)
    assert figures.durations.percentile(0.5) == 5.0
    assert figures.statuses == {}


def test_an_answer_that_drips_in_too_late(clock: FakeClock) -> None:
    webhook = FakeRefusals(clock, answer(200))
    webhook.takes = 5.1
    figures = load(webhook, users=1, calls=1, timeout=5.0).run()
    assert (figures.failures, figures.late) == ({("timeout", "book"): 1}, 1)


def test_broken_connections_are_no_latency(clock: FakeClock) -> None:
    figures = load(FakeRefusals(clock, "unreachable"), users=2, calls=4).run()
    assert figures.failures == {("unreachable", "book"): 4}
    assert (figures.durations.count, figures.late_share, figures.by_tag) == (0, 0.0, {})


def test_an_interrupt_ends_it_with_the_figures_so_far(webhook: FakeWebhook) -> None:
    def interrupt(figures: Figures) -> None:
        raise KeyboardInterrupt

    going = load(webhook, users=2, seconds=600.0)
    webhook.takes = 0.0  # it would never end
    figures = going.run(interrupt)
    assert figures.is_interrupted
    assert figures.calls == webhook.runs
    assert webhook.closed == 2


def test_the_figures_are_told_while_it_goes_on(webhook: FakeWebhook) -> None:
    seen: list[int] = []
    webhook.takes = 0.0

    def watch(figures: Figures) -> None:
        seen.append(figures.calls)
        if len(seen) == 3:
            webhook.takes = 600.0

    figures = load(webhook, users=1, seconds=600.0, timeout=30.0).run(watch)
    assert seen == sorted(seen)
    assert seen[-1] == figures.calls


def test_a_user_whose_call_never_ends_does_not_hold_it_up(clock: FakeClock) -> None:
    let_go = Event()

    class Hanging(FakeWebhook):
        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            clock.takes(100.0)
            let_go.wait(30)
            return answer(200)

    figures = load(Hanging(clock), users=1, seconds=10.0).run()
    let_go.set()
    assert (figures.failures, figures.failed, figures.calls) == ({(HUNG, ""): 1}, 1, 0)


def test_a_defect_in_a_user_is_not_hidden(webhook: FakeWebhook) -> None:
    def connect() -> FakeWebhook:
        raise ZeroDivisionError

    plan = Plan(url="http://x", mix=Mix((Kind("a", 1.0, ({},)),)))
    with pytest.raises(ZeroDivisionError):
        Load(plan, connect).run()


def test_by_default_a_stop_wakes_who_sleeps(webhook: FakeWebhook) -> None:
    def interrupt(figures: Figures) -> None:
        raise KeyboardInterrupt

    plan = Plan(url="http://x", mix=mix_of({"a": 1.0}), think=60.0, seconds=600.0, users=1)
    rng = next(Random(seed) for seed in range(100) if 20 < _first_pause(seed) < 500)
    figures = Load(plan, webhook.connect, clock=webhook.clock, rng=rng).run(interrupt)
    assert (figures.calls, webhook.closed) == (0, 1)


def _first_pause(seed: int) -> float:
    return Random(Random(seed).getrandbits(64)).expovariate(1 / 60.0)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("seconds", 0.0), ("seconds", 601.0), ("seconds", math.nan), ("users", 0), ("users", 65), ("calls", 0),
        ("think", -0.1), ("think", 61.0), ("think", math.nan), ("duplicates", -0.1), ("duplicates", 1.1),
        ("duplicates", math.nan), ("timeout", 0.0), ("timeout", 31.0), ("timeout", math.nan),
    ],
)  # fmt: skip
def test_a_plan_is_bounded(name: str, wrong: float) -> None:
    limits: dict[str, Any] = {name: wrong}
    with pytest.raises(ValueError, match=f"{name} must be"):
        Plan(url="http://x", mix=mix_of({"a": 1.0}), **limits)


def test_kinds_of_failures_are_bounded() -> None:
    figures = Figures()
    for number in range(1_000):
        figures.fail(f"503 reason_{number}", "book")
    assert len(figures.failures) == 201
    assert figures.failures["other", ""] == 800


def test_the_document_of_the_figures(webhook: FakeWebhook) -> None:
    figures = load(webhook, users=1, calls=10, duplicates=1.0).run()
    document = json.loads(json.dumps(figures.document()))
    assert document["calls"] == 10
    assert document["statuses"] == {"200": 20}
    assert document["delivered_twice"] == {"calls": 10, "once": 10}
    assert document["latency"]["count"] == 20
    assert document["latency_by_tag"].keys() == {"book"}
    assert document["latency_of_replays"]["count"] == 10
    assert sum(each["count"] for each in document["distribution"]) == 20
