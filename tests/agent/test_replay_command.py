"""``cxfulfill agent replay``: calls of test cases are made again, and other effects are shown."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cxfulfill.cli.commands import cli
from tests.agent.agents import COLLECT, DONE_ID, FLOW, Bench, call, handler, route, small
from tests.agent.recordings import booked, record, turn
from tests.docs.pages import ROOT

ENV = {"COLUMNS": "200", "NO_COLOR": "1"}
SAME = "1 turn: 1 with calls, 0 changed, 0 cannot be told."
LED = f'target_page=ctx.page.sibling("{DONE_ID}")'
GREETED = 'return "Hello!"'


class Run:
    """Runs the command on the small agent with test cases, and its app, perhaps with changes."""

    def __init__(self, bench: Bench, module: ModuleType) -> None:
        self.bench = bench
        self.module = module
        self.files = small()
        self.app()

    def app(self, *changes: tuple[str, str]) -> None:
        vars(self.module)["webhook"] = self.bench.app(*changes)

    def __call__(self, *arguments: str, code: int = 0, target: tuple[str, ...] = ()) -> Result:
        folder = self.files.write(self.bench.folder / "agent")
        where = target or ("--app", f"{self.module.__name__}:webhook")
        result = CliRunner().invoke(cli, ["agent", "replay", str(folder), *where, *arguments], env=ENV)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    def shown(self, *arguments: str, code: int = 0) -> list[str]:
        lines = [line.strip() for line in self(*arguments, code=code).output.splitlines()]
        return [line for line in lines if not line.startswith("No recording has")]


@pytest.fixture
def run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Run:
    module = ModuleType("app_of_a_replay")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(bench.folder)
    return Run(bench, module)


def test_an_application_that_does_as_recorded_is_told_so(run: Run) -> None:
    record(run.files, *booked())
    output = run().output
    assert output.startswith("3 turns: 2 with calls, 0 changed, 0 cannot be told.\nNo recording has what webhooks")


def test_without_test_cases_there_is_nothing_to_do(run: Run) -> None:
    assert run.shown() == ["There is no test case in it."]


@pytest.mark.parametrize(("change", "shown"), [
    (("HH-1", "HH-2"), 'parameter reference: "HH-1" -> "HH-2"'),
    (('parameters={"reference": "HH-1"}', "parameters={}"), 'parameter reference: "HH-1" -> nothing'),
    (('"reference": "HH-1"', '"reference": "HH-1", "more": {"a": 1}'), 'parameter more: nothing -> {"a": 1.0}'),
    (('Reply("Booked"', 'Reply("Taken"'), 'text: "Booked" -> "Taken"'),
    ((LED, "target_page=None"), 'page: "Booking > Done" -> nothing'),
    ((DONE_ID, "gone"), 'page: "Booking > Done" -> "id gone"'),
    ((DONE_ID, "START_PAGE"), 'page: "Booking > Done" -> "Booking > Start Page"'),
    (('sibling("' + DONE_ID, 'sibling("END_SESSION'), 'page: "Booking > Done" -> "id END_SESSION"'),
    (('@webhook.handler("book")', '@webhook.handler("booked")'), "CX raises webhook.error.not-found: the status is"),
])  # fmt: skip
def test_each_other_effect_is_shown(run: Run, change: tuple[str, str], shown: str) -> None:
    record(run.files, *booked())
    run.app(change)
    lines = run.shown(code=1)
    assert lines[0] == "Booked"
    assert lines[1].startswith("turn 3: tag book")
    assert any(line.startswith(shown) for line in lines[2:]), lines
    assert lines[-1] == "3 turns: 2 with calls, 1 changed, 0 cannot be told."


def test_only_what_nothing_else_explains_is_judged(run: Run) -> None:
    presets = [{"parameter": "p", "value": "$sys.func.NOW()"}, {"parameter": "q", "value": "x"}]
    run.files[FLOW]["transitionRoutes"] = [route(call("hello", setParameterActions=presets), intent="greet")]
    run.files["intents/greet/greet.json"]["parameters"] = [{"id": "who", "entityType": "@sys.any"}]
    said = turn(
        "hi", {"who": "Ada", "q": "x", "lost": [1.0, {"a": 2.0}]}, intent="greet", injectedParameters={"lost": 0}
    )
    record(run.files, said)
    assert run.shown(code=1)[2:-1] == ['parameter lost: [1.0, {"a": 2.0}] -> 0']


def test_a_part_of_a_parameter_is_named(run: Run) -> None:
    run.app((GREETED, 'return Reply(parameters={"a": {"b": 1}, "c": [1]})'))
    record(run.files, turn("hi", {"a": {"b": 2.0}, "c": [2.0]}, intent="greet"))
    assert run.shown(code=1)[2:-1] == ["parameter a.b: 2.0 -> 1.0", "parameter c[0]: 2.0 -> 1.0"]


def test_a_parameter_that_is_removed_is_as_good_as_none(run: Run) -> None:
    run.app((GREETED, 'return Reply(parameters={"a": None})'))
    record(run.files, turn("hi", {}, intent="greet", injectedParameters={"a": 1.0}))
    assert run.shown() == [SAME]


def test_the_agents_own_texts_are_not_judged(run: Run) -> None:
    said = turn("hi", {}, intent="greet", texts=("Welcome.", "Hello!"))
    record(run.files, said)
    assert run.shown(code=1)[2] == 'text: "Welcome." -> nothing'
    run.files[FLOW]["transitionRoutes"][0]["triggerFulfillment"]["messages"] = [{"text": {"text": ["Welcome."]}}]
    assert run.shown() == [SAME]


def test_any_variant_of_a_text_is_the_recorded_one(run: Run) -> None:
    run.app((GREETED, 'return Reply(["Hi!", "Hello!"])'))
    record(run.files, turn("hi", {}, intent="greet", texts=("Hello!",)))
    assert run.shown() == [SAME]


def test_long_values_are_cut(run: Run) -> None:
    record(run.files, turn("hi", {}, intent="greet", texts=("x" * 200, "Hello!")))
    assert run.shown(code=1)[2] == f'text: "{"x" * 99}... -> nothing'


def test_a_page_that_nobody_led_to_is_shown(run: Run) -> None:
    run.app((GREETED, f'return Reply(target_page=ctx.page.sibling("{DONE_ID}"))'))
    record(run.files, turn("hi", {}, intent="greet"))
    assert run.shown(code=1)[2] == 'page: nothing -> "Booking > Done"'


def test_the_session_may_end_with_a_call(run: Run) -> None:
    run.files[FLOW]["transitionRoutes"] = [route(call("hello"), intent="greet", targetPage="End Session")]
    record(run.files, turn("hi", {}, "End Session", intent="greet"))
    assert run.shown() == [SAME]


def test_requests_are_those_of_the_moment(run: Run) -> None:
    run.app((GREETED, ("return repr([ctx.parameters, ctx.page.display_name, ctx.intent and ctx.intent.display_name,"
             " ctx.text, ctx.digits, ctx.event, [(p.display_name, p.value) for p in ctx.request.page_info.form_info"
             ".parameter_info] if ctx.request.page_info.form_info else None])")))  # fmt: skip
    run.files[COLLECT]["eventHandlers"] = [handler("ping", call("hello")), handler("sys.no-match-1", call("hello"))]
    run.files["intents/greet/greet.json"]["parameters"] = [{"id": "who", "entityType": "@sys.any"}]
    record(
        run.files,
        turn("it is Ada", {"who": "Ada"}, "Collect", intent="greet", texts=("-",)),
        turn(None, {"who": "Ada"}, "Collect", event="ping", texts=("-",)),
        turn(None, {"who": "Ada"}, "Collect", digits="12", texts=("-",)),
        turn("hm", {"who": "Ada"}, "Collect", intent="unknown", texts=("-",)),
        page="Collect",
    )  # fmt: skip
    run.files[FLOW]["transitionRoutes"].append(route(call("hello"), intent="unknown"))
    told = [line for line in run.shown(code=1) if line.startswith("text:")]
    seen = [
        "'greet', 'it is Ada', None, None",
        "None, None, None, 'ping'",
        "None, None, '12', None",
        "'unknown', 'hm', None, None",
    ]
    form = "[('arrival', None), ('room', None)]"
    assert told == [f"text: \"-\" -> \"[{{'who': 'Ada'}}, 'Collect', {each}, {form}]\"" for each in seen]


@pytest.mark.parametrize(("said", "why"), [
    (turn("hi", {}, intent="greet", isWebhookEnabled=None), "Whether webhooks were on is not recorded."),
    (turn("hi", {}, "Gone", intent="greet"), "The agent has no page Booking > Gone."),
    (turn("hi", {}, intent="other"), "A webhook of another application was called; its answer is not recorded."),
    (turn("hi", {"status": "sent"}, intent="order"), "A flexible webhook was called; its answer is not recorded."),
    (turn(None, {}, digits="x"), ("No request can be made of it: digits are keys of a phone: 0 to 9, A to D, * and #,"
     " without the finish digit.")),
])  # fmt: skip
def test_what_cannot_be_told_is_said_and_is_no_difference(run: Run, said: dict[str, Any], why: str) -> None:
    run.files["webhooks/Other.json"] = {
        "displayName": "Other", "genericWebService": {"uri": "https://other.example/elsewhere"},
    }  # fmt: skip
    run.files[FLOW]["transitionRoutes"].append(route(call("x", "Other"), intent="other"))
    run.files[FLOW]["transitionRoutes"].append(route(call("x", "Orders"), intent="order"))
    run.files[FLOW]["eventHandlers"].append(handler("sys.no-match-1", call("hello")))
    record(run.files, said)
    assert run.shown() == [
        "Booked", "turn 1: cannot be told", why, "1 turn: 0 with calls, 0 changed, 1 cannot be told.",
    ]  # fmt: skip


def test_webhooks_that_lead_to_the_application_can_be_chosen(run: Run) -> None:
    record(run.files, turn("hi", {}, intent="greet"))
    assert "another application" in run("--webhook", "Orders").output
    assert "the agent has no webhook 'Nope'" in run("--webhook", "Nope", code=2).output


def test_test_cases_are_chosen_by_name(run: Run) -> None:
    record(run.files, *booked())
    record(run.files, turn("hi", {}, intent="greet"), name="Other")
    assert run.shown("--test", "Other") == [SAME]
    assert "the agent has no test case 'Nope'" in run("--test", "Nope", code=2).output


def test_the_report_tells_each_turn(run: Run, tmp_path: Path) -> None:
    record(run.files, *booked(), turn("x", {}, "Gone"))
    run.app(("HH-1", "HH-2"))
    run("--json", str(tmp_path / "report.json"), code=1)
    report = json.loads((tmp_path / "report.json").read_text())
    [case] = report["test_cases"]
    assert (report["version"], report["agent"], case["name"]) == (1, "Small", "Booked")
    assert [each["result"] for each in case["turns"]] == ["same", "no call", "changed", "unknown"]
    assert case["turns"][2]["tags"] == ["book", "done"]
    assert case["turns"][2]["changes"] == [{"place": "parameter reference", "recorded": "HH-1", "now": "HH-2"}]
    assert case["turns"][3]["unknown"] == "the agent has no page Booking > Gone"
    assert "it cannot be written" in run("--json", str(tmp_path / "no" / "x"), code=2).output


def test_a_url_is_called_with_a_credential(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    record(run.files, turn("hi", {}, intent="greet"))
    monkeypatch.setenv("PASSWORD", "a-long-random-password")
    target = ("--url", "http://127.0.0.1:9/webhook", "--username", "cx", "--password-env", "PASSWORD")
    assert "turn 1: tag hello" in run(target=target, code=1).output


def test_the_example_agents_test_cases_have_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", "for-tests-only-0123456789")
    monkeypatch.chdir(ROOT)
    given = ["agent", "replay", "example_app/agent", "--app", "example_app.main:webhook"]
    result = CliRunner().invoke(cli, given, env=ENV)
    assert result.exit_code == 0, result.output
    assert re.match(r"5 turns: 4 with calls, 0 changed, 0 cannot be told\.\n", result.output)
