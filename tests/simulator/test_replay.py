"""Replaying: the same calls again with new ids, and what is answered otherwise."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill import AllowUnauthenticated, BasicAuth, Context, NotFound, Reply, Webhook
from cxfulfill.flexible_context import FlexibleContext
from cxfulfill.http import Headers
from cxfulfill.recording import Recorded, Recording
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.changes import NOTHING, Change, Ignored, changes
from cxfulfill.simulator.conversations import read_files
from cxfulfill.simulator.in_process import InProcess
from cxfulfill.simulator.replay import Replay, Replayed
from cxfulfill.simulator.sending import Answer, NoAnswer, Outgoing
from tests.pipeline.support import basic, post
from tests.simulator.recorded import SESSION, request

PASSWORD = "qn4XvT8dLr2kWc7yBz5m"
AUTHORIZATION = {"Authorization": basic(f"cx:{PASSWORD}")}
URL = "https://hotel.example/webhook"


class Credential:
    """The credential of these tests."""

    certificate = None

    def headers(self, url: str, parameters: Mapping[str, Any]) -> Mapping[str, str]:
        assert url.startswith("https://hotel.example/")
        del parameters
        return AUTHORIZATION


class Hotel:
    """An application whose answers tests change."""

    def __init__(self) -> None:
        self.price = 3
        self.runs: list[Any] = []
        self.webhook = Webhook(auth=BasicAuth("cx", PASSWORD))
        self.webhook.add_handler("book", self.book)
        self.webhook.add_flexible("/orders/<id>", self.order, methods=["GET", "POST", "HEAD"])

    def book(self, ctx: Context) -> Reply:
        self.runs.append((ctx.request.session_info, ctx.request.detect_intent_response_id))
        if self.price == 404:
            raise NotFound
        mail = ctx.parameters.get("email", "")
        number = len(str(mail)) * 1_000_003
        return Reply(
            f"That is {self.price} a night, mail goes to {mail}.",
            parameters={"price": self.price, "phone": number, "session": str(ctx.session_id)},
        )

    def order(self, ctx: FlexibleContext) -> dict[str, Any]:
        self.runs.append(
            (ctx.http.method, ctx.path["id"], ctx.query, ctx.body, ctx.http.headers.get("idempotency-key"))
        )
        return {"total": self.price, "id": ctx.path["id"]}


@pytest.fixture
def hotel() -> Iterator[Hotel]:
    made = Hotel()
    with closing(made.webhook):
        yield made


@pytest.fixture
def calls(tmp_path: Path) -> Callable[..., list[Recorded]]:
    """Records calls of an application that is not asked any more."""

    def of(*bodies: Any) -> list[Recorded]:
        then = Hotel()
        then.webhook.recording = Recording(tmp_path / "recorded")
        with closing(then.webhook):
            for body in bodies:
                if isinstance(body, dict):
                    post(then.webhook, json.dumps(body).encode(), headers=AUTHORIZATION)
                else:
                    method, path, query, data, key = body
                    given = {**AUTHORIZATION, "Idempotency-Key": key}
                    post(then.webhook, data, method=method, path=path, query=query, headers=given)
        return [call for _, recorded in read_files(tmp_path / "recorded") for call in recorded]

    return of


def replay(hotel: Hotel, *recorded: Recorded, **options: Any) -> list[Replayed]:
    caller = Caller(InProcess(hotel.webhook), url=URL, credential=Credential())
    again = Replay(caller, **options)
    return [again.send(each) for each in recorded]


def changed(replayed: list[Replayed]) -> list[tuple[str, Any, Any]]:
    return [(each.place, each.before, each.after) for call in replayed for each in call.changes]


Calls = Callable[..., list[Recorded]]


def test_the_same_application_answers_the_same(hotel: Hotel, calls: Calls) -> None:
    recorded = calls(request("book", nights=2.5), request("book", email="jane@mail.example"), request("unknown"))
    assert len(recorded) == 3
    assert changed(replay(hotel, *recorded)) == []


def test_another_answer_is_a_change_with_its_place(hotel: Hotel, calls: Calls) -> None:
    hotel.price = 4
    text = "That is {} a night, mail goes to ."
    assert changed(replay(hotel, *calls(request("book")))) == [
        ("fulfillmentResponse.messages[0].text.text[0]", text.format(3), text.format(4)),
        ("sessionInfo.parameters.price", 3, 4),
    ]


def test_ignored_places_are_not_compared(hotel: Hotel, calls: Calls) -> None:
    hotel.price = 4
    paths = ["sessionInfo.parameters.price", "fulfillmentResponse.messages.*.text"]
    assert changed(replay(hotel, *calls(request("book")), ignored=paths)) == []


def test_another_status_comes_with_its_event(hotel: Hotel, calls: Calls) -> None:
    hotel.price = 404
    found = changed(replay(hotel, *calls(request("book"))))
    assert found[:2] == [("HTTP status", 200, 404), ("event", NOTHING, "webhook.error.not-found")]
    assert ("reason", NOTHING, "not_found") in found
    assert "instance" not in {place for place, _, _ in found}


def test_no_answer_is_a_change(calls: Calls) -> None:
    class Gone:
        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            raise NoAnswer("unreachable", "nothing listens there")

    [recorded] = calls(request("book"))
    again = Replay(Caller(Gone(), url=URL))
    assert changed([again.send(recorded)]) == [
        ("HTTP status", 200, "no answer: nothing listens there"), ("event", NOTHING, "webhook.error.not-found"),
    ]  # fmt: skip
    assert changed([again.send(replace(recorded, status=None, answer=None))]) == []


def test_an_answer_where_there_was_none_is_a_change(hotel: Hotel, calls: Calls) -> None:
    [recorded] = calls(request("book"))
    assert changed(replay(hotel, replace(recorded, status=None))) == [("HTTP status", "no answer", 200)]


@pytest.mark.parametrize(
    "body", [b"<html>", b"[" * 900 + b"]" * 900, b"[" * 30_000, b"[" * 30_000 + b"]" * 30_000, b'{"a": ' + b"9" * 5_000]
)
def test_an_answer_that_cx_refuses_now_is_an_event(calls: Calls, body: bytes) -> None:
    class Odd:
        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            return Answer(status=200, headers=Headers({}), body=body)

    [recorded] = calls(request("book"))
    found = changed([Replay(Caller(Odd(), url=URL)).send(recorded)])
    assert found[0] == ("event", NOTHING, "webhook.error")
    assert found[1] == ("", recorded.answer, None)


def test_ids_are_new_ones_so_that_handlers_run_and_the_same_for_the_same(hotel: Hotel, calls: Calls) -> None:
    other = request("book") | {"sessionInfo": {"session": f"{SESSION}-2"}, "detectIntentResponseId": "77"}
    recorded = calls(request("book"), request("book"), other)
    assert sorted(call.replayed for call in recorded) == [False, False, True]
    names = iter("abcdefgh")
    replayed = replay(hotel, *recorded, new_id=lambda: f"fresh-{next(names)}")
    assert changed(replayed) == []
    assert [call.delivery.answer and call.delivery.answer.is_replayed for call in replayed] == [
        call.replayed for call in recorded
    ]
    (first, one), (second, another) = [(info.session.rpartition("/")[2], call) for info, call in hotel.runs]
    assert {first, one, second, another} == {f"fresh-{name}" for name in "abcd"}


def test_ids_may_be_kept(hotel: Hotel, calls: Calls) -> None:
    replay(hotel, *calls(request("book")), keep_ids=True)
    [(info, call)] = hotel.runs
    assert (info.session, call) == (SESSION, "5b1f")


@pytest.mark.parametrize(
    "changes",
    [{"sessionInfo": {}}, {"sessionInfo": None}, {"sessionInfo": {"session": "short"}},
     {"sessionInfo": {"session": 17}}, {"detectIntentResponseId": None}, {"detectIntentResponseId": ""},
     {"sessionInfo": {"session": SESSION, "parameters": [1]}}],
)  # fmt: skip
def test_ids_that_are_not_there_are_not_made_up(hotel: Hotel, calls: Calls, changes: dict[str, Any]) -> None:
    [recorded] = calls(request("book"))
    sent = recorded.request | changes
    [again] = replay(hotel, replace(recorded, request=sent))
    now = json.loads(again.delivery.outgoing.body)
    for name, value in changes.items():
        if value != {"session": SESSION, "parameters": [1]}:
            assert now[name] == value


def test_a_request_that_is_none_is_sent_all_the_same(hotel: Hotel, calls: Calls) -> None:
    [recorded] = calls(request("book"))
    found = changed(replay(hotel, replace(recorded, request=None)))
    assert ("HTTP status", 200, 400) in found


def test_flexible_calls_are_sent_to_their_own_path(hotel: Hotel, calls: Calls) -> None:
    recorded = calls(
        ("GET", "/orders/a b", "size=3", b"", "one"), ("POST", "/orders/17", "", b'{"a": 1}', "one"),
        ("POST", "/orders/17", "", b'{"a": 1}', "one"), ("HEAD", "/orders/17", "", b"", None),
    )  # fmt: skip
    assert [call.replayed for call in recorded] == [False, False, True, False]
    assert changed(replay(hotel, *recorded)) == []
    (method, own, query, body, key), posted, headed = hotel.runs
    assert (method, own, query, body) == ("GET", "a b", {"size": "3"}, None)
    assert posted[:4] == ("POST", "17", {}, {"a": 1})
    assert key == posted[4] not in (None, "one", recorded[0].idempotency_key)
    assert headed[4] is None
    hotel.price = 5
    assert changed(replay(hotel, recorded[0])) == [("total", 3, 5)]


def test_flexible_calls_prove_themselves_with_what_they_are_given(hotel: Hotel, calls: Calls) -> None:
    [recorded] = calls(("GET", "/orders/1", "", b"", None))
    caller = Caller(InProcess(hotel.webhook), url=URL)
    asked: list[Recorded] = []

    def credential(call: Recorded) -> Credential:
        asked.append(call)
        return Credential()

    assert Replay(caller, credential=credential).send(recorded).changes == ()
    assert asked == [recorded]
    assert Replay(caller).send(recorded).changes[:2] == (
        Change("HTTP status", 200, 401), Change("event", NOTHING, "webhook.error.rejected"),
    )  # fmt: skip


def test_calls_in_the_process_are_not_recorded(tmp_path: Path, calls: Calls) -> None:
    [recorded] = calls(request("book"))
    webhook = Webhook(auth=AllowUnauthenticated())
    webhook.recording = Recording(tmp_path / "other")
    with closing(webhook):
        Replay(Caller(InProcess(webhook), url=URL)).send(recorded)
    assert list((tmp_path / "other").iterdir()) == []


# Comparing.


def compared(before: Any, after: Any, *ignored: str) -> list[tuple[str, Any, Any]]:
    return [(each.place, each.before, each.after) for each in changes(before, after, Ignored(ignored))]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (3, 3.0), ({"a": [1, None, "x"]}, {"a": [1.0, None, "x"]}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("[redacted]", "jane@mail.example"), ("to [redacted]!", "to jane@mail.example!"),
        ("[redacted] or [redacted]", "a or b"), ({"phone": 0}, {"phone": 4155550100}),
        ({"n": 0}, {"n": 4155550100}), ({"n": 4155550100}, {"n": 4155550100}), ("a@b.example", "a@b.example"),
        ({"[redacted]": 1}, {"a@b.example": 1}), ({"pin": "[redacted]"}, {"pin": "1234"}),
        ({"dtmfDigits": "00"}, {"dtmfDigits": "17"}), ("[redacted]a[redacted]", "a"), ("[redacted]ab", "aab"),
    ],
)  # fmt: skip
def test_what_is_the_same(before: Any, after: Any) -> None:
    assert compared(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (1, True, [("", 1, True)]),
        (0, False, [("", 0, False)]),
        (None, 0, [("", None, 0)]),
        ("1", 1, [("", "1", 1)]),
        ({"a": 1}, [1], [("", {"a": 1}, [1])]),
        ({"a": 1, "b": 2}, {"b": 3, "c": None}, [("a", 1, ...), ("b", 2, 3), ("c", ..., None)]),
        (["x", "y"], ["y", "x"], [("[0]", "x", "y"), ("[1]", "y", "x")]),
        ({"a": [1, 2]}, {"a": [1]}, [("a[1]", 2, ...)]),
        ({"a": []}, {"a": [{"b": 1}]}, [("a[0]", ..., {"b": 1})]),
        ("to [redacted]!", "to nobody", [("", "to [redacted]!", "to nobody")]),
        ("ab[redacted]b", "ab", [("", "ab[redacted]b", "ab")]),
        ("x[redacted]", "y", [("", "x[redacted]", "y")]),
        ("[redacted]a[redacted]a", "ab", [("", "[redacted]a[redacted]a", "ab")]),
        ("[redacted]b[redacted]", "a", [("", "[redacted]b[redacted]", "a")]),
        ({"a.b": {"c d": 1}}, {"a.b": {"c d": 2}}, [("['a.b']['c d']", 1, 2)]),
        ("a@b.example", "c@d.example", [("", "a@b.example", "c@d.example")]),
        ({"n": 4155550100}, {"n": 4155550101}, [("n", 4155550100, 4155550101)]),
    ],
)
def test_what_is_not(before: Any, after: Any, found: list[tuple[str, Any, Any]]) -> None:
    assert compared(before, after) == found


def test_many_redacted_parts_are_looked_for_in_one_go() -> None:
    before, after = "[redacted]a" * 5_000 + "b", "a" * 50_000
    assert compared(before, after) == [("", before, after)]


@pytest.mark.parametrize("path", ["a", "a.b", "a.*", "*.b", "a.b[0]", "a.b.0", "a.b[0].c", "*.*.*.*"])
def test_an_ignored_path(path: str) -> None:
    assert compared({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, path) == []


@pytest.mark.parametrize("path", ["b", "a.c", "*.c", "a.b[1]", "a.b[0].c.d", ""])
def test_a_path_that_is_another_one(path: str) -> None:
    assert compared({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 2}]}}, path) == [("a.b[0].c", 1, 2)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)


@given(VALUES)
def test_a_value_is_not_different_from_itself(value: Any) -> None:
    assert compared(value, value) == []
    assert compared(value, json.loads(json.dumps(value))) == []
