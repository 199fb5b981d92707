"""The conversation behind the console's page."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill.http import REDACTED, Headers
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.console import Console
from cxfulfill.simulator.in_process import InProcess
from cxfulfill.simulator.issuer import LocalIssuer
from cxfulfill.simulator.page_inputs import ConsoleProblem, PageRequest, ResendRequest, TurnRequest
from cxfulfill.simulator.sending import Answer, Outgoing
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.trusted import credential_for

FLOW = "projects/test-project/locations/global/agents/test-agent/flows/f"
SECRET = "correct-horse-battery-staple"


def make_webhook() -> Webhook:
    webhook = Webhook(auth=BasicAuth("cx", SECRET))
    counted = {"runs": 0}

    @webhook.handler("count")
    def count(ctx: Context) -> Reply:
        counted["runs"] += 1
        return Reply(f"Run {counted['runs']}", parameters={"runs": counted["runs"], "offer": None})

    @webhook.handler("next", page="Collect", event=["go", "now"])
    def following(ctx: Context) -> Reply:
        return Reply("On we go.", target_page=f"{FLOW}/pages/END_SESSION")

    @webhook.handler("ask")
    def ask(ctx: Context) -> Reply:
        return Reply.invalidate("nights", prompt="How many?")

    @webhook.handler("fail")
    def fail(ctx: Context) -> Reply:
        raise LookupError("what nobody may see")

    return webhook


@pytest.fixture
def console() -> Console:
    return make_console()


def make_console(**options: Any) -> Console:
    webhook = make_webhook()
    issuer = LocalIssuer()
    number = iter(range(1_000))
    return Console(
        Caller(InProcess(webhook), url="http://127.0.0.1:8080/webhook"),
        begin=lambda: Session(session_id="s", new_id=lambda: f"id-{next(number)}"),
        app="shop:webhook",
        webhook=webhook,
        credential=lambda session: credential_for(webhook, issuer, session=session),
        **options,
    )


def turn(tag: str, value: str = "hi", kind: str = "text", **more: Any) -> TurnRequest:
    return TurnRequest.model_validate({"input": {"kind": kind, "value": value}, "tag": tag, **more})


def last(console: Console, index: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = console.state()["turns"][-1]["calls"][index]
    return found


def test_it_begins_with_the_applications_tags_and_an_empty_session(console: Console) -> None:
    state = console.state()

    assert [each["tag"] for each in state["tags"]] == ["count", "next", "ask", "fail"]
    assert state["tags"][1] == {"tag": "next", "page": "Collect", "event": "go or now"}
    assert (state["app"], state["in_process"], state["turns"], state["ended"]) == ("shop:webhook", True, [], False)
    assert state["page"]["display_name"] == "Start Page"
    assert state["session"] == {"name": f"{FLOW[:-8]}/sessions/s", "parameters": {}, "language": "en"}
    assert json.loads(json.dumps(state)) == state


def test_a_turn_shows_what_was_sent_what_came_back_and_what_changed(console: Console) -> None:
    console.turn(turn("count", parameters={"nights": 2, "offer": "X"}))

    call = last(console)
    assert (call["status"], call["event"], call["ok"], call["replayed"]) == (200, "", True, False)
    assert call["messages"] == [{"text": {"text": ["Run 1"]}}]
    assert call["changes"] == [
        {"name": "offer", "kind": "deleted", "before": "X", "after": None},
        {"name": "runs", "kind": "set", "before": None, "after": 1},
    ]
    assert call["request"]["headers"]["authorization"] == REDACTED
    assert '"nights": 2.0' in call["request"]["body"]
    assert json.loads(call["answer"]["body"])["sessionInfo"]["parameters"] == {"runs": 1, "offer": None}
    assert call["attempts"][0]["record"]["outcome"] == "ok"
    assert console.state()["session"]["parameters"] == {"nights": 2, "runs": 1}
    assert SECRET not in json.dumps(console.state())


@pytest.mark.parametrize(
    ("mode", "calls", "attempts", "event", "replayed"),
    [
        ("once", 1, 1, "", False),
        ("retry", 1, 2, "", True),
        ("twice", 2, 1, "", True),
        ("twice-concurrently", 2, 1, "", True),
        ("timeout", 1, 2, "webhook.error.timeout", False),
        ("bad-credential", 1, 1, "webhook.error.rejected", False),
    ],
)
def test_every_mode_of_delivery(
    console: Console, mode: str, calls: int, attempts: int, event: str, replayed: bool
) -> None:
    console.turn(turn("count", mode=mode))

    shown = console.state()["turns"][0]
    assert shown["mode"] == mode
    assert len(shown["calls"]) == calls
    assert (last(console)["event"], last(console)["replayed"]) == (event, replayed)
    assert len(last(console)["attempts"]) == attempts
    console.turn(turn("count"))
    assert last(console)["messages"] == [{"text": {"text": [f"Run {1 if mode == 'bad-credential' else 2}"]}}]


def test_a_failure_shows_the_event_and_that_a_route_with_a_target_hides_it(console: Console) -> None:
    console.turn(turn("fail"))

    call = last(console)
    assert (call["status"], call["event"], call["event_hidden_if_route_has_target"]) == (500, "webhook.error", True)
    assert call["webhook_status"]["code"] == 13
    assert "what nobody may see" not in json.dumps(console.state())


def test_a_turn_is_edited_and_sent_again(console: Console) -> None:
    console.turn(turn("count"))
    console.turn(turn("count"))
    console.turn(turn("count"))

    console.resend(ResendRequest.model_validate({**turn("count", "ho").model_dump(), "number": 2}))

    state = console.state()
    assert [each["input"]["value"] for each in state["turns"]] == ["hi", "ho"]
    assert state["session"]["parameters"] == {"runs": 4}
    assert last(console)["changes"][0]["before"] == 1
    with pytest.raises(ConsoleProblem, match=r"There is no such turn\."):
        console.resend(ResendRequest.model_validate({**turn("count").model_dump(), "number": 3}))


def test_what_cannot_be_sent_is_told_and_changes_nothing(console: Console) -> None:
    console.turn(turn("count"))
    before = console.state()

    for wrong in (turn("count", "xyz", "dtmf"), turn("count", parameters={"a": 10**400})):
        with pytest.raises(ConsoleProblem) as told:
            console.turn(wrong)
        assert str(told.value)[0].isupper()
        with pytest.raises(ConsoleProblem):
            console.resend(ResendRequest.model_validate({**wrong.model_dump(), "number": 1}))

    assert console.state() == before


def test_a_page_with_a_form_and_a_reprompt(console: Console) -> None:
    console.set_page(PageRequest(display_name="Collect", form={"nights": 45, "guests": None}))
    console.turn(turn("ask"))

    call = last(console)
    assert call["reprompt"] == ["nights"]
    assert call["form_changes"][0]["after"] == {"state": "INVALID"}
    assert console.state()["page"]["form"] == [
        {"name": "nights", "state": "INVALID", "value": None, "required": True},
        {"name": "guests", "state": "EMPTY", "value": None, "required": True},
    ]


def test_the_end_of_a_session_and_a_new_one(console: Console) -> None:
    console.set_page(PageRequest(display_name="Collect"))
    console.turn(turn("next", "go", "event"))

    assert console.state()["ended"]
    assert last(console)["page_change"] == {"from": "Collect", "to": "End Session"}
    assert [each["severity"] for each in last(console)["findings"]] == ["warning"]
    with pytest.raises(ConsoleProblem, match="session is over"):
        console.turn(turn("count"))
    console.reset()
    assert (console.state()["ended"], console.state()["turns"]) == (False, [])


def test_a_conversation_is_saved_loaded_and_goes_on(console: Console) -> None:
    console.set_page(PageRequest(display_name="Collect", form={"nights": 45}))
    console.turn(turn("ask", "45"))
    console.turn(turn("count", "", "none", mode="twice"))
    console.turn(turn("fail", "12", "dtmf"))
    saved = console.save()

    other = make_console()
    other.load(saved)

    before, after = console.state(), other.state()
    assert after["session"] == before["session"]
    assert after["page"] == before["page"]
    assert [each["tag"] for each in after["turns"]] == ["ask", "count", "fail"]
    assert after["turns"][0]["input"] == {"kind": "text", "value": "45"}
    assert [each["replayed"] for each in after["turns"][1]["calls"]] == [False, True]
    assert after["turns"][2]["calls"][0]["event"] == "webhook.error"
    other.turn(turn("count"))
    assert other.state()["session"]["parameters"]["runs"] == 1


def test_a_conversation_that_is_loaded_is_exported_as_the_one_that_was_saved(console: Console) -> None:
    console.turn(turn("count", parameters={"nights": 2, "offer": "X"}))
    console.turn(turn("count", parameters={"guests": 3, "nights": None}, mode="twice"))
    console.turn(turn("count", "1", "dtmf", mode="retry"))
    console.turn(turn("count", mode="bad-credential"))
    console.set_page(PageRequest(display_name="Collect", form={"rooms": None}))
    console.turn(turn("fail", "", "none"))
    console.turn(turn("next", "go", "event"))

    other = make_console()
    other.load(console.save())

    assert other.export("pytest") == console.export("pytest")


def test_a_call_without_an_answer_is_loaded_as_one(console: Console) -> None:
    console.turn(turn("count", mode="timeout"))
    other = make_console()
    other.load(console.save())

    assert (last(other)["status"], last(other)["failure"]) == (None, "unreachable")
    assert last(other)["attempts"][0]["failure"] == "unreachable"


@pytest.mark.parametrize("text", ["nonsense", "", '{"cxfulfill_recording": 1}'])
def test_what_is_no_conversation_is_told(console: Console, text: str) -> None:
    with pytest.raises(ConsoleProblem):
        console.load(text)
    assert console.state()["turns"] == []


def test_a_conversation_with_a_text_that_the_page_would_not_send_is_told(console: Console) -> None:
    line = {
        "cxfulfill_recording": 1, "at": "2030-06-14T09:30:00Z", "method": "POST", "path": "/webhook", "tag": "count",
        "request": {"text": "x" * 65_537}, "status": 200, "answer": {},
    }  # fmt: skip
    with pytest.raises(ConsoleProblem, match="more than 65536 characters"):
        console.load(json.dumps(line))
    assert console.state()["turns"] == []


def test_an_exported_test_passes(tmp_path: Path) -> None:
    console = make_console()
    console.set_page(PageRequest(display_name="Collect", form={"nights": 45}))
    console.turn(turn("ask", "forty-five 'nights'"))
    console.turn(turn("count", "", "none", parameters={"offer": {"code": "X" * 80, "rooms": ["a" * 40, "b" * 40]}}))
    for mode in ("twice", "twice-concurrently", "retry", "timeout", "bad-credential"):
        console.turn(turn("count", "1", "dtmf", mode=mode))
    console.turn(turn("fail", "go", "event"))
    console.turn(turn("next", "", "intent"))
    exported = console.export("pytest")

    (tmp_path / exported.filename).write_text(exported.text)
    (tmp_path / "shop.py").write_text(
        Path(__file__).read_text().partition("def make_webhook")[0].replace("import pytest\n", "")
        + "\n\ndef make_webhook"
        + Path(__file__).read_text().partition("def make_webhook")[2].partition("@pytest.fixture")[0]
        + "\nwebhook = make_webhook()\n"
    )
    plugin = ["-p", "no:cxfulfill", "-p", "cxfulfill.pytest_plugin"]  # whether or not the package is installed
    command = [sys.executable, "-m", "pytest", "-q", *plugin, exported.filename]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + exported.text
    compile(exported.text, exported.filename, "exec")
    assert SECRET not in exported.text


def test_exported_commands_are_a_shell_script_without_secrets(console: Console, tmp_path: Path) -> None:
    console.turn(turn("count", "it's $HOME `date`", mode="twice"))
    exported = console.export("curl")

    assert exported.text.count("curl -sS -X POST") == 2
    assert SECRET not in exported.text
    # A stand-in for curl that prints the body it was given.
    (tmp_path / "curl").write_text('#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nprintf "%s\\0" "$1"\n')
    (tmp_path / "curl").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", exported.text], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CX_AUTHORIZATION": "x"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    first, second = (json.loads(each) for each in done.stdout.split("\0")[:2])
    assert first == second
    assert first["text"] == "it's $HOME `date`"
    assert first["detectIntentResponseId"].startswith("turn-1-")


@pytest.mark.parametrize("own", ["'", '"', "", "a", "$", "\\", "'\"'\"'", "\u2028`", None])
def test_exported_commands_run_nothing_of_a_conversation_that_a_stranger_has_written(
    console: Console, tmp_path: Path, own: str | None
) -> None:
    said = "$(touch pwned) `touch pwned`; touch pwned # ' \" \\ \n touch pwned \x00 ü"
    request = {"fulfillmentInfo": {"tag": said}, "sessionInfo": {"parameters": {said: said}}, "text": said}
    request |= {} if own is None else {"detectIntentResponseId": own}
    line = {
        "cxfulfill_recording": 1, "at": "2030-06-14T09:30:00Z", "method": "POST", "path": "/webhook", "tag": said,
        "request": request, "status": 200, "answer": {},
    }  # fmt: skip
    console.load(json.dumps(line))
    (tmp_path / "curl").write_text('#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nprintf "%s\\0" "$1"\n')
    (tmp_path / "curl").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", console.export("curl").text], env={"PATH": f"{tmp_path}:/usr/bin:/bin", "CX_AUTHORIZATION": "x"},
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    sent = json.loads(done.stdout.rstrip("\0"))
    assert sent.pop("detectIntentResponseId", "turn-1-").startswith("turn-1-")
    assert sent == {name: value for name, value in request.items() if name != "detectIntentResponseId"}
    assert [path.name for path in tmp_path.iterdir()] == ["curl"]


def test_an_answer_that_is_too_large_is_shown_as_far_as_cx_reads() -> None:
    class Large:
        def send(self, outgoing: Outgoing, timeout: float) -> Answer:
            return Answer(status=200, headers=Headers({}), body=b" " * 1_000_000)

    caller = Caller(Large(), url="http://127.0.0.1:8080/webhook")
    console = Console(caller, begin=Session, app=caller.url, webhook=None, credential=lambda session: None)
    console.turn(turn("count"))
    assert last(console)["answer"]["body"] == " " * 65_536 + "\n[934464 bytes more]"


def test_nothing_is_exported_of_nothing(console: Console) -> None:
    with pytest.raises(ConsoleProblem, match="nothing to export"):
        console.export("pytest")


def test_a_conversation_has_its_bounds(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxfulfill.simulator.console.MAX_TURNS", 1)
    console.turn(turn("count"))

    with pytest.raises(ConsoleProblem, match="1 turns at most"):
        console.turn(turn("count"))
