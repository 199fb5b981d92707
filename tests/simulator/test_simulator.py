"""Conversations with any webhook: what becomes of the session, and how it is told."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.credentials import HeaderCredential
from cxfulfill.simulator.flexible import FlexibleSettings
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Answer, NoAnswer, Outgoing
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Input, Simulator
from cxfulfill.simulator.snapshots import IGNORED, difference, file_name, snapshot_of
from cxfulfill.simulator.state import Change
from cxfulfill.simulator.telling import changed, said, short, told
from cxfulfill.simulator.turns import Intent, Kind, Sentiment, Turn

Script = bytes | Mapping[str, Any] | Answer | NoAnswer | Callable[[Any], Mapping[str, Any]]


class FakeWebhook:
    """Answers one thing after the other, the last one for ever; a repeated body is replayed."""

    def __init__(self, *script: Script) -> None:
        self.script = list(script)
        self.sent: list[Outgoing] = []
        self.known: dict[bytes, Answer] = {}

    def send(self, outgoing: Outgoing, timeout: float) -> Answer:
        self.sent.append(outgoing)
        if outgoing.body and outgoing.body in self.known:
            earlier = self.known[outgoing.body]
            return Answer(status=200, headers=Headers({"Idempotent-Replayed": "true"}), body=earlier.body)
        given = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(given, NoAnswer):
            raise given
        if callable(given):
            given = given(json.loads(outgoing.body))
        if not isinstance(given, Answer):
            raw = given if isinstance(given, bytes) else json.dumps(given).encode()
            given = Answer(status=200, headers=Headers({"X-Own": "1"}), body=raw)
        self.known[outgoing.body] = given
        return given


def simulator(*script: Script, session: Session | None = None, **options: Any) -> tuple[Simulator, FakeWebhook]:
    webhook = FakeWebhook(*script)
    caller = Caller(webhook, url="https://hotel.example/webhook", **options)
    return Simulator(session or Session(), caller), webhook


def text(*variants: str) -> dict[str, Any]:
    return {"text": {"text": list(variants)}}


def answer(*messages: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"fulfillmentResponse": {"messages": list(messages)}, **more}


def parameters(**values: Any) -> dict[str, Any]:
    return {"sessionInfo": {"parameters": values}}


def refusal(status: int, body: bytes) -> Answer:
    return Answer(status=status, headers=Headers({}), body=body)


# --- The session -----------------------------------------------------------------------------------------------------


def test_what_an_answer_writes_is_in_the_next_request() -> None:
    made, webhook = simulator(answer(text("Hello.")) | parameters(a=1, b=None), answer())
    first = made.make(Input(tag="one", turn=Turn("text", "hi"), parameters={"b": "old", "c": True}))
    second = made.make(Input(tag="two"))
    one, two = (json.loads(each.body) for each in webhook.sent)
    assert one["sessionInfo"]["parameters"] == {"b": "old", "c": True}
    assert two["sessionInfo"]["parameters"] == {"a": 1.0, "c": True}
    assert one["detectIntentResponseId"] == two["detectIntentResponseId"], "the second goes on in the turn"
    assert two["messages"][0]["text"]["text"] == ["Hello."]
    assert [each.tag for each in made.results] == ["one", "two"]
    assert (first.before.parameters, first.parameters) == ({}, {"a": 1.0, "c": True})
    assert second.request == two


def test_a_call_may_be_on_another_page_with_a_form() -> None:
    made, webhook = simulator(answer())
    made.make(Input(tag="a", page="Booking", form={"nights": None}, turn=Turn("text", "3"), collected={"nights": 3}))
    made.make(Input(tag="b", form={"guests": 2}))
    made.make(Input(tag="c", page="Elsewhere", queued=["One moment."]))
    pages = [json.loads(each.body)["pageInfo"] for each in webhook.sent]
    assert [page["displayName"] for page in pages] == ["Booking", "Booking", "Elsewhere"]
    assert pages[0]["formInfo"]["parameterInfo"][0]["justCollected"] is True
    assert pages[1]["formInfo"]["parameterInfo"] == [
        {"displayName": "guests", "required": True, "state": "FILLED", "value": 2.0}
    ]
    assert "formInfo" not in pages[2]
    assert json.loads(webhook.sent[2].body)["messages"][0]["text"]["text"] == ["One moment."]


def test_an_answer_that_cx_does_not_take_leaves_the_session_as_it_is() -> None:
    for script in (refusal(503, b""), b"<p>", NoAnswer("timeout", "none")):
        made, _ = simulator(script, retries=0)
        result = made.make(Input(tag="a", parameters={"a": "x"}))
        assert result.parameters == {"a": "x"}
        assert not result.ok
        assert result.merged.messages == ()


def test_a_session_that_is_over_makes_no_call() -> None:
    made, webhook = simulator({"targetPage": f"{Session().agent}/flows/f/pages/END_SESSION"})
    assert made.make(Input(tag="a")).ended
    with pytest.raises(ConfigurationError, match="the session is over: begin a new one"):
        made.make(Input(tag="a"))
    with pytest.raises(ConfigurationError, match="the session is over"):
        made.make_flexible(FlexibleSettings(method="GET", url="https://hotel.example/x"))
    assert len(webhook.sent) == 1


def test_another_caller_shares_the_conversation() -> None:
    made, webhook = simulator(parameters(a=1), answer(), credential=HeaderCredential({"X-Key": "right"}))
    other = made.as_caller(HeaderCredential({"X-Key": "wrong"}), headers={"X-Own": "1"})
    other.make(Input(tag="a"))
    assert made.make(Input(tag="b")).parameters == {"a": 1.0}
    assert made.as_caller(None).make(Input(tag="c")).ok
    assert [dict(each.headers) for each in webhook.sent] == [
        {"content-type": "application/json", "x-key": "wrong", "x-own": "1"},
        {"content-type": "application/json", "x-key": "right"},
        {"content-type": "application/json"},
    ]
    assert other.results is made.results
    assert len(made.results) == 3


def test_a_fault_is_on_the_way_of_the_answer() -> None:
    made, webhook = simulator(parameters(a=1))
    result = made.make(Input(tag="a"), fault="lost")
    assert webhook.sent[0].body == webhook.sent[1].body
    assert (result.replayed, result.parameters, len(result.delivery.attempts)) == (True, {"a": 1.0}, 2)
    gone = made.make(Input(tag="b"), fault="late", faults=2)
    assert (gone.status, gone.event, gone.body, gone.replayed) == (None, "webhook.error.timeout", b"", False)
    assert dict(gone.headers) == {}


@pytest.mark.parametrize("concurrently", [False, True])
def test_a_call_that_is_delivered_twice_counts_once(concurrently: bool) -> None:
    def counted(request: Any) -> Mapping[str, Any]:
        count = request["sessionInfo"].get("parameters", {}).get("count", 0)
        return answer(text("Hi.")) | parameters(count=count + 1)

    made, webhook = simulator(counted)
    first, second = made.make_twice(Input(tag="a", turn=Turn()), concurrently=concurrently)
    assert webhook.sent[0].body == webhook.sent[1].body
    assert [each.parameters for each in (first, second)] == [{"count": 1.0}] * 2
    assert not first.replayed
    assert made.results == [first, second]
    assert len(made.session.state.queued) == 1
    assert made.make(Input(tag="a")).parameters == {"count": 2.0}


def test_a_call_may_be_repeated_with_the_same_bytes() -> None:
    made, webhook = simulator(parameters(a=1))
    result = made.make(Input(tag="a"))
    again = made.repeat(result)
    assert webhook.sent[0] == webhook.sent[1]
    assert (again.replayed, again.tag, again.before, made.results) == (True, "a", result.state, [result, again])


def test_a_call_that_cannot_be_made_leaves_the_session_as_it_was() -> None:
    made, webhook = simulator(answer())
    before = made.session.state
    with pytest.raises(ConfigurationError, match="no form parameter nights"):
        made.make(Input(tag="a", turn=Turn("text", "3"), page="Booking", parameters={"a": 1}, collected={"nights": 3}))
    assert (made.session.state, webhook.sent) == (before, [])


def test_the_calls_of_the_last_turn_are_those_of_its_query_result() -> None:
    made, _ = simulator(answer(payload={"a": 1}), refusal(503, b""), answer())
    made.make(Input(tag="before", turn=Turn("text", "hi")))
    made.make(Input(tag="one", turn=Turn("text", "again")))
    made.make(Input(tag="two"))
    assert made.query_result()["webhookPayloads"] == [{}, {}]
    assert made.query_result("v3beta1")["webhookTags"] == ["one", "two"]


def test_a_call_that_is_delivered_again_is_one_of_its_query_result() -> None:
    made, _ = simulator(answer(payload={"a": 1}))
    first, _ = made.make_twice(Input(tag="one", turn=Turn("text", "hi")))
    made.repeat(first)
    assert made.query_result("v3beta1")["webhookTags"] == ["one"]
    assert made.query_result()["webhookPayloads"] == [{"a": 1}]


def test_the_delivery_that_has_run_comes_first() -> None:
    replayed = Answer(status=200, headers=Headers({"Idempotent-Replayed": "true"}), body=b"{}")

    class Reversed(FakeWebhook):
        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            self.sent.append(outgoing)
            return replayed if len(self.sent) == 1 else refusal(200, b"{}")

    made, _ = simulator(b"")
    made.caller.transport = Reversed(b"")
    assert [each.replayed for each in made.make_twice(Input(tag="a"))] == [False, True]


def test_a_flexible_call_sets_what_its_mapping_takes() -> None:
    made, webhook = simulator({"status": "ok"})
    made.session.set({"id": 7})
    settings = FlexibleSettings(
        method="GET", url="https://hotel.example/x/$session.params.id", mapping={"status": "$.status"}
    )
    result = made.make_flexible(settings)
    assert (webhook.sent[0].method, webhook.sent[0].url) == ("GET", "https://hotel.example/x/7")
    assert (result.tag, result.request, result.parameters) == ("", {}, {"id": 7, "status": "ok"})
    assert made.results == [result]
    lost = made.make_flexible(settings, fault="lost", faults=2)
    assert (lost.status, lost.event) == (None, "webhook.error.not-found")


# --- The result ------------------------------------------------------------------------------------------------------


def rich() -> Result:
    flow = f"{Session().agent}/flows/f"
    made, _ = simulator(
        answer(text("First.", "Variant."), {"payload": {"a": 1}}, text("Second."), {"text": {"text": []}})
        | parameters(new=1, old=None, other={"x": [1]})
        | {"payload": {"for": "the caller"}, "targetPage": f"{flow}/pages/next"}
        | {"pageInfo": {"formInfo": {"parameterInfo": [{"displayName": "nights", "state": "INVALID"}]}}},
        session=Session(page=None),
    )
    wanted = Input(
        tag="rich", turn=Turn("text", "hi"), page="Booking", form={"nights": 45}, parameters={"old": "x", "other": 2}
    )
    return made.make(wanted)


def test_a_result_tells_what_a_test_looks_at() -> None:
    result = rich()
    assert (result.ok, result.status, result.event, result.reason, result.replayed) == (True, 200, "", "", False)
    assert result.texts == ["First.", "Second."]
    assert len(result.messages) == 4
    assert (result.page, result.page_name.rpartition("/")[2], result.ended) == ("next", "next", False)
    assert (result.form, result.reprompt) == ({}, ["nights"])
    assert result.payload == {"for": "the caller"}
    assert result.headers["x-own"] == "1"
    assert result.json["payload"] == {"for": "the caller"}
    assert (result.record, type(result.parameters).__name__) == (None, "Parameters")
    assert repr(result) == "<Result rich: 200 texts=['First.', 'Second.']>"


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b'{"reason": "overloaded"}', "overloaded"), (b"[]", ""), (b"", ""), (b"{}", ""), (b"[" * 100_000, "")],
)  # fmt: skip
def test_a_refusal_has_a_reason(body: bytes, reason: str) -> None:
    made, _ = simulator(refusal(503, body))
    result = made.make(Input(tag="a"))
    assert (result.status, result.reason) == (503, reason)
    shown = f"<Result a: 503 event=webhook.error.unavailable{' reason=overloaded' if reason else ''}>"
    assert repr(result) == shown
    if reason == "":
        assert '"reason": ""' in snapshot_of(result)


def test_an_answer_may_have_a_member_reason_that_is_none() -> None:
    made, _ = simulator(answer() | {"payload": {}}, b'{"reason": "mine"}')
    assert made.make(Input(tag="a")).reason == ""
    assert made.make(Input(tag="a")).reason == ""


def test_where_there_is_no_answer_nothing_is_made_up() -> None:
    made, _ = simulator(NoAnswer("unreachable", "none"))
    result = made.make(Input(tag="a"))
    assert (result.status, result.texts, result.payload, result.record) == (None, [], None, None)
    assert repr(result) == "<Result a: no answer event=webhook.error.not-found>"
    with pytest.raises(ValueError, match="Expecting value"):
        _ = result.json
    assert '"answer": {\n    "reason": ""' in snapshot_of(result)


KEPT = (
    "is INVALID and keeps its session parameter: remove that with null, as Google's sample does, so that the agent "
    "asks again"
)

# --- In words --------------------------------------------------------------------------------------------------------


def test_a_call_is_told_line_by_line() -> None:
    assert told(rich()).splitlines() == [
        "rich: status 200",
        '  user types "hi"',
        '  sent {"nights": 45, "old": "x", "other": 2}',
        '  text "First."',
        '  text "Second."',
        "  session new = 1.0",
        '  session old deleted (was "x")',
        '  session other = {"x": [1.0]} (was 2)',
        "  asks again for nights",
        "  goes to next",
        "  warning fulfillmentResponse.messages[3].text: is an empty message: it has no text",
        f"  warning pageInfo.formInfo.parameterInfo: {KEPT}",
    ]


def test_attempts_events_and_findings_are_told() -> None:
    made, _ = simulator(parameters(a=1), b'{"text": 1}', refusal(503, b'{"reason": "starting"}'))
    assert told(made.make(Input(tag="a"), fault="lost")).splitlines()[0] == (
        "a: status 200, answer of an earlier delivery, 2 attempts"
    )
    wrong = told(made.make(Input(tag="b"))).splitlines()
    assert wrong[0] == "b: status 200, event webhook.error"
    assert wrong[-1].startswith("  error text: ")
    assert told(made.make(Input(tag="c"))).splitlines()[0] == (
        "c: status 503, reason starting, event webhook.error.unavailable"
    )
    settings = FlexibleSettings(method="DELETE", url="https://hotel.example/x")
    assert told(made.make_flexible(settings)).startswith("DELETE /x: status 503")
    gone, _ = simulator(NoAnswer("timeout", "none"), retries=0)
    assert told(gone.make(Input(tag="d"))) == "d: no answer, event webhook.error.timeout\n  because none"


TURNS: list[tuple[Kind, str, str]] = [
    ("text", "hi", 'types "hi"'), ("transcript", "hi", 'says "hi"'), ("dtmf", "12", 'presses "12"'),
    ("event", "late", 'event "late"'), ("intent", "Book", 'triggers "Book"'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "line"), TURNS)
def test_what_a_user_does_is_told(kind: Kind, value: str, line: str) -> None:
    assert said(Turn.of(kind, value)) == line
    assert said(Turn(intent=Intent("Book"), sentiment=Sentiment(0.5, 1.0))) == ""


def test_long_values_are_cut_off() -> None:
    assert short("ä" * 300) == '"' + "ä" * 199 + "..."
    assert short({"a": {1}}) == '{"a": "{1}"}'
    assert changed(Change("a", "set", None, 1)) == "a = 1"


# --- Golden files ----------------------------------------------------------------------------------------------------


def test_nothing_of_an_answer_acts_on_the_terminal(tmp_path: Path) -> None:
    acts = "\x1b]0;owned\x07\u202e\x9b2J"
    odd = {"sessionInfo": {"parameters": {acts: acts}}, "targetPage": f"a/flows/f/pages/{acts}"} | text(acts)
    made, _ = simulator(odd, refusal(500, json.dumps({"reason": acts}).encode()))
    shown = told(made.make(Input(tag=acts))) + told(made.make(Input(tag="b")))
    golden = tmp_path / "golden"
    golden.write_text("", encoding="utf-8")
    shown += difference(golden, acts)
    assert not set(shown) & {"\x1b", "\x07", "\u202e", "\x9b"}
    assert "\\x1b]0;owned\\x07" in shown


def test_a_snapshot_has_a_fixed_order_and_hides_what_may_differ() -> None:
    ignored = ["parameters.new", "answer.fulfillmentResponse.messages.*.text.text.0", "answer.payload", "no.such.place"]
    document = json.loads(snapshot_of(rich(), [*ignored, "parameters.other.x.0", "status.deeper"]))
    assert list(document) == sorted(document)
    assert document["parameters"] == {"new": IGNORED, "nights": 45, "other": {"x": [IGNORED]}}
    messages = document["answer"]["fulfillmentResponse"]["messages"]
    assert messages[0]["text"]["text"] == [IGNORED, "Variant."]
    assert messages[1] == {"payload": {"a": 1}}
    assert (document["answer"]["payload"], document["status"], document["page"]) == (IGNORED, 200, "next")
    assert snapshot_of(rich()) == snapshot_of(rich())


def test_an_answer_that_is_no_json_has_a_snapshot_too() -> None:
    made, _ = simulator(b"\xff<p>")
    document = json.loads(snapshot_of(made.make(Input(tag="a"))))
    assert (document["event"], document["answer"]) == ("webhook.error", {"reason": ""})


def test_a_golden_file_is_compared_line_by_line(tmp_path: Path) -> None:
    assert file_name("test_a[../x y]", 1) == "test_a-..-x-y-95d3a7.json"
    assert file_name("t" * 200, 12) == "t" * 120 + "-8cbeaf-12.json"
    file = tmp_path / "golden.json"
    file.write_text("a\nb\n", encoding="utf-8")
    assert difference(file, "a\nb\n") == ""
    assert difference(file, "a\nc\n").splitlines()[:2] == ["--- golden.json (kept)", "+++ now"]
