"""Conversations in files: read and written, and refused with line and member."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import BasicAuth, Reply, Webhook
from cxfulfill.recording import Recorded, digest
from cxfulfill.simulator import conversations
from cxfulfill.simulator.caller import Attempt, Caller, Delivery
from cxfulfill.simulator.conversations import (
    ConversationError,
    read_conversation,
    read_files,
    recorded,
    write_conversation,
)
from cxfulfill.simulator.in_process import InProcess
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.merging import Merged
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Input, Simulator
from cxfulfill.simulator.turns import Turn
from tests.pipeline.support import basic
from tests.simulator.recorded import request

NOW = datetime(2030, 6, 14, 9, 30, tzinfo=UTC)
PASSWORD = "qn4XvT8dLr2kWc7yBz5m"
CALL = Recorded(
    at="2030-06-14T09:30:00.000Z", method="POST", path="/webhook", tag="book", request=request("book", nights=2),
    status=200, answer={"sessionInfo": {"parameters": {"ü": "\u2028"}}}, replayed=True, ms=1.2,
)  # fmt: skip
FLEXIBLE = Recorded(
    at="2030-06-14T09:30:01Z", method="GET", path="/orders/17", query="size=3", request=None, status=404,
    answer=None, idempotency_key="a" * 12,
)  # fmt: skip


def line(**changes: Any) -> str:
    members = json.loads(CALL.line()) | changes
    return json.dumps({name: value for name, value in members.items() if value is not ...})


def problem(text: str | bytes) -> str:
    with pytest.raises(ConversationError) as raised:
        read_conversation(text)
    return str(raised.value)


def test_what_is_written_is_read_again() -> None:
    text = write_conversation([CALL, FLEXIBLE])
    assert text.isascii()
    assert text.count("\n") == 2
    assert read_conversation(text) == read_conversation(text.encode()) == [CALL, FLEXIBLE]
    assert read_conversation("") == []


def test_empty_lines_and_members_that_are_not_known_are_passed_over() -> None:
    assert read_conversation(f"\n{line(newer={'a': 1})}\r\n\n") == [CALL]


def test_what_may_be_missing() -> None:
    kept = {"query": ..., "tag": ..., "replayed": ..., "ms": ..., "request": ..., "answer": ..., "status": None}
    [call] = read_conversation(line(**kept))
    assert call == Recorded(at=CALL.at, method="POST", path="/webhook", request=None, status=None, answer=None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cxfulfill_recording": ...}, "cxfulfill_recording is missing"),
        ({"cxfulfill_recording": 2}, "cxfulfill_recording must be 1, the form that this release reads"),
        ({"cxfulfill_recording": True}, "cxfulfill_recording must be 1, the form that this release reads"),
        ({"at": ...}, "at is missing"),
        ({"at": 1}, "at must be a time such as 2030-06-14T09:30:00Z"),
        ({"at": "today"}, "at must be a time such as 2030-06-14T09:30:00Z"),
        ({"at": "2030-06-14T09:30:00"}, "at must be a time such as 2030-06-14T09:30:00Z"),
        ({"method": "post"}, "method must be an HTTP method in capitals"),
        ({"method": ["POST"]}, "method must be an HTTP method in capitals"),
        ({"path": "webhook"}, "path must be a path that begins with /"),
        ({"path": None}, "path must be a path that begins with /"),
        ({"query": 1}, "query must be text"),
        ({"tag": None}, "tag must be text"),
        ({"status": ...}, "status is missing"),
        ({"status": "200"}, "status must be an HTTP status, or null where no answer came"),
        ({"status": True}, "status must be an HTTP status, or null where no answer came"),
        ({"status": 99}, "status must be an HTTP status, or null where no answer came"),
        ({"replayed": 0}, "replayed must be true or false"),
        ({"ms": False}, "ms must be a number of milliseconds"),
        ({"ms": -1}, "ms must be a number of milliseconds"),
        ({"ms": 1.79e308}, "ms must be a number of milliseconds"),
        ({"ms": 10**400}, "ms must be a number of milliseconds"),
        (
            {"request": {"sentimentAnalysisResult": {"score": 10**400}}},
            "request has a number beyond the range of a double",
        ),
        ({"request": [{"a": [10**400]}]}, "request has a number beyond the range of a double"),
        ({"idempotency_key": 1}, "idempotency_key must be text"),
    ],
)
def test_a_wrong_member_is_named_with_its_line_and_not_shown(changes: dict[str, Any], told: str) -> None:
    assert problem(f"{line()}\n\n{line(**changes)}") == f"line 3: {told}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": canary}', "line 1: it is no JSON (json_syntax)"),
        ('{"a": 1, "a": 2}', "line 1: it is no JSON (json_duplicate_member)"),
        ("[1]", "line 1: it is no JSON object"),
        (b'{"a": "\xff"}', "line 1: it is no JSON (json_not_utf8)"),
        (line()[:-1], "line 1: it is no JSON (json_syntax)"),
    ],
)
def test_what_is_no_object_is_told_with_its_line(text: str | bytes, told: str) -> None:
    assert problem(text) == told


def test_a_file_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert conversations.MAX_BYTES == 32 * 1024 * 1024
    monkeypatch.setattr(conversations, "MAX_BYTES", 100)
    assert problem("\n" * 101) == "it has 101 bytes, and 100 are read at most"
    (tmp_path / "a.jsonl").write_text("\n" * 200)
    with pytest.raises(ConversationError, match=r"a\.jsonl: it has 101 bytes"):
        list(read_files(tmp_path))


def test_a_file_or_a_folder_of_them(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.txt"):
        (tmp_path / name).write_text(write_conversation([CALL]))
    assert list(read_files(tmp_path)) == [("a.jsonl", [CALL]), ("b.jsonl", [CALL])]
    assert list(read_files(tmp_path / "c.txt")) == [("c.txt", [CALL])]


def test_what_is_no_such_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConversationError, match=r"there is no file that ends in \.jsonl"):
        list(read_files(tmp_path))
    with pytest.raises(ConversationError, match=r"^a\.jsonl: it cannot be read \(No such file or directory\)$"):
        list(read_files(tmp_path / "a.jsonl"))
    (tmp_path / "b.jsonl").write_text("[]")
    with pytest.raises(ConversationError, match=r"^b\.jsonl: line 1: it is no JSON object$"):
        list(read_files(tmp_path))


def test_a_call_without_a_tag_is_told_by_its_members() -> None:
    assert CALL.is_standard
    assert not FLEXIBLE.is_standard
    untagged = request("") | {"fulfillmentInfo": {}}
    [call] = read_conversation(line(tag="", request=untagged))
    assert call.is_standard


class Basic:
    """The credential of these tests."""

    certificate = None

    def headers(self, url: str, parameters: Any) -> dict[str, str]:
        del url, parameters
        return {"Authorization": basic(f"cx:{PASSWORD}"), "Idempotency-Key": "once"}


def test_a_result_of_the_simulator_is_kept_as_it_was_but_for_its_headers() -> None:
    webhook = Webhook(auth=BasicAuth("cx", PASSWORD))
    webhook.add_handler("book", lambda ctx: Reply("Booked.", parameters={"email": "jane@mail.example"}))
    caller = Caller(InProcess(webhook), url="https://hotel.example/webhook?v=1", credential=Basic())
    simulator = Simulator(Session(agent="projects/p/locations/l/agents/a", session_id="s"), caller)
    result = simulator.make(Input(tag="book", turn=Turn("text", "book a room")))
    webhook.close()

    call = recorded(result, now=lambda: NOW)

    assert call == Recorded(
        at="2030-06-14T09:30:00.000Z", method="POST", path="/webhook", query="v=1", tag="book",
        request=result.request, status=200, answer=result.json, ms=call.ms, idempotency_key=digest("once"),
    )  # fmt: skip
    assert call.answer["sessionInfo"]["parameters"] == {"email": "jane@mail.example"}
    assert PASSWORD not in write_conversation([call])
    [again] = read_conversation(write_conversation([call]))
    assert again.request == json.loads(json.dumps(result.request))
    assert isinstance(datetime.fromisoformat(recorded(result).at), datetime)


def test_a_call_that_got_no_answer_or_no_json_is_kept_too() -> None:
    webhook = Webhook(auth=BasicAuth("cx", PASSWORD))
    simulator = Simulator(
        Session(agent="projects/p/locations/l/agents/a", session_id="s"),
        Caller(InProcess(webhook), url="https://hotel.example/", retries=0),
    )
    lost = simulator.make(Input(tag="book", turn=Turn("text", "book a room")), fault="late")
    webhook.close()
    call = recorded(lost, now=lambda: NOW)
    assert (call.status, call.answer, call.replayed, call.path) == (None, None, False, "/")
    answer = lost.delivery.last.answer
    assert answer is not None
    html = type(answer)(status=200, headers=answer.headers, body=b"<html>")
    delivery = Delivery(lost.delivery.outgoing, (Attempt(0.0, 0.001, html),))
    result = Result("", {}, delivery, judge(delivery), Merged(), lost.state, lost.before)
    assert recorded(result, now=lambda: NOW).answer is None
    assert recorded(result, now=lambda: NOW).request is None
