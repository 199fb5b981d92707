"""``cxfulfill call``: what is sent, what is told of the answer, exit codes, and that no secret is shown."""

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cxfulfill import AllowUnauthenticated, BasicAuth, Context, GoogleIdToken, MutualTls
from cxfulfill.cli.call_report import raw
from cxfulfill.cli.commands import cli
from cxfulfill.cli.messages import Messages
from cxfulfill.cli.outline import Kind
from tests.cases.client import App
from tests.cases.trial import AGENT, BASIC, ENV, PASSWORD, Trial, served, trial_of
from tests.docs.pages import ROOT

SESSION = f"{AGENT}/environments/-/sessions/s-1"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    with trial_of("call", monkeypatch) as found:
        yield found


def told(run: Trial, *arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "--json", code=code).stdout)


def sent(run: Trial, *arguments: str) -> Any:
    output = run("echo", *arguments, "--show", "request").output
    return json.loads(output.partition("\nRequest\n")[2])


# What is told.


def test_an_answer_is_told(run: Trial) -> None:
    result = run("hello")
    assert result.output.startswith("hello: status 200, ")
    assert "  CX takes the answer.\n  Messages\n    Hello **you**!\n" in result.output
    assert '    (or "Hi!")\n  Session parameters\n    seen = true\n  Stages: authentication ' in result.output


def test_rich_content_is_told(run: Trial) -> None:
    lines = [line.strip() for line in run("rich").output.splitlines()]
    assert lines[lines.index("Rooms") : -1] == [
        "Rooms", "info: Double - Harbour view (https://h.example/d)", "info: Plain",
        "image: A room - https://h.example/d.jpg", "----", "chip: Book", "chip: Terms (https://h.example/terms)",
        "button: Pay (event pay)", "list: Mine - All of them (event mine)", "list: Dead",
        "description: Rules - No smoking", "No dogs", "accordion: More - Much more", "html: <b>bold</b>",
        "video: https://h.example/v", "match_citations", "Source (https://h.example/s)", "files", "a.pdf",
        'carousel {"type": "carousel", "pages": [1.0]}',
    ]  # fmt: skip


def test_each_kind_of_message_is_told(run: Trial) -> None:
    output = run("all").output
    for line in (
        "speech: Spoken", "speech (SSML): <speak>Loud</speak>", "audio: gs://b/a.wav",
        "transfer of the call to +14155550100", 'hand-over to a person {"queue": "desk"}', "hand-over to a person\n",
        "signal that the conversation succeeded", "marker for a knowledge card",
        'tool call {"tool": "tool", "action": "do"}',
        'payload {"own": 1.0}', "Web (on web only)\n", "on web only\n    chip: Web chip",
        'For the caller of detect intent: {"points": 7.0}',
    ):  # fmt: skip
        assert f"  {line}" in output, line


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ({"payload": {"richContent": ["x"]}}, 'card "x"'),
        ({"payload": {"richContent": [[{"type": "info"}]]}}, 'info {"type": "info"}'),
        ({"payload": {"richContent": [[{"type": "button", "anchor": {"href": 1}}]]}}, "button: "),
        ({"payload": {"richContent": [[{"type": "chips", "options": 1}]]}}, None),
        ({"text": {"text": []}}, 'message {"text": {"text": []}}'),
        ({"liveAgentHandoff": 1}, "hand-over to a person"),
    ],
)
def test_messages_of_another_form_are_told_as_they_are(message: Any, line: str | None) -> None:
    lines = [each.text for each in Messages(numbered=True).show(message).lines]
    assert lines == ([] if line is None else [line])


def test_a_page_a_form_and_what_is_asked_again(run: Trial) -> None:
    output = run("refuse", "--page", "Collect", "--form", "nights=45", "--form", "guests", "--param", "x=1").output
    assert "  Form\n    nights = " in output
    assert "The agent asks again for nights." in output
    assert "nights deleted (was 45)" in output
    assert "The session goes to the page next." in run("go").output
    assert "The session is over." in run("end").output
    assert "warning: targetPage: is a symbolic page" in run("end").output
    assert 'x deleted (was "y")' in run("forget", "--param", "x=y").output


def test_an_event_is_told_with_its_reason(run: Trial) -> None:
    output = run("bad", code=1).output
    assert "CX raises webhook.error.bad-request: the status is 400." in output
    assert "gets the event webhook.error.bad-request, unless the route that calls the webhook has a" in output
    assert "Reason: no_such_room; cxfulfill explain no_such_room tells more." in output
    assert "Exception: ZeroDivisionError at " in run("broken", code=1).output


def test_nothing_of_an_answer_acts_on_the_terminal(run: Trial) -> None:
    output = run("evil", "--show", "answer").output
    assert "\\x1b[31mred\\u202e\n    &#x202e;back [bold]x[/bold]\n" in output
    assert "\u202e" not in output


def test_an_unknown_tag_is_sent_and_told(run: Trial) -> None:
    output = run("helo", code=1).output
    assert "status 404" in output
    assert "No handler has this tag: did you mean hello?\nTags: all, bad," in output
    assert "No handler has this tag.\n" in run("~~~", code=1).output
    assert "A flexible webhook has a path and no tag" in run("/orders/17", code=1).output
    assert "narrowed to other pages" in run("narrow", code=1).output
    assert "narrowed" not in run("narrow", "--page", "Elsewhere").output


def test_an_answer_of_another_than_the_handler_is_told(run: Trial) -> None:
    app = App()

    def broken(ctx: Context) -> str:
        raise LookupError

    app.webhook.add_handler("broken", broken)
    app.webhook.on_error(LookupError)(lambda ctx, error: "Sorry.")
    run.use(app)
    assert "  An error handler has answered.\n" in run("broken").output
    assert "has answered" not in run("echo").output


def test_a_fallback_is_told_too(run: Trial) -> None:
    app = App()
    app.webhook.fallback(lambda ctx: "Not yet")
    run.use(app)
    assert "did you mean" not in run("hello").output
    assert "No handler has this tag. The fallback has answered.\nTags: echo\n" in run("hello").output


def test_what_programs_read(run: Trial) -> None:
    document = told(run, "hello", "--text", "hi")
    assert (document["tag"], document["ok"], document["status"], document["event"]) == ("hello", True, 200, "")
    assert document["texts"] == ["Hello **you**!"]
    assert document["parameters"] == [{"name": "seen", "kind": "set", "before": None, "after": True}]
    assert document["attempts"][0]["failure"] == ""
    assert document["stages"].keys() == {"authentication", "store", "handler"}
    assert "again" not in document
    failed = told(run, "bad", code=1)
    assert (failed["ok"], failed["event"], failed["reason"]) == (False, "webhook.error.bad-request", "no_such_room")
    assert [each["severity"] for each in told(run, "end")["findings"]] == ["warning"]


def test_bodies_that_are_no_json_are_shown_as_they_are() -> None:
    line = raw("Answer", b"\xff<html>\nx")
    assert [each.text for each in line.below] == ["\\xff<html>", "x"]
    assert {each.kind for each in line.below} == {Kind.COMMAND}
    assert raw("Answer", b"[" * 100_000).below[0].text == "[" * 100_000


# What is sent.


def test_session_parameters(run: Trial, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"nights": 2, "name": "3", "date": {"year": 2030}}')
    arguments = ("--params", str(file), "--param", "nights=3", "--param", "type=double room", "--param", "list=[1]")
    request = sent(run, *arguments, "--param", "empty=")
    assert request["sessionInfo"]["parameters"] == {
        "nights": 3.0, "name": "3", "date": {"year": 2030.0}, "type": "double room", "list": [1.0], "empty": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value", "member", "expected"),
    [
        ("text", "it's 2", "text", "it's 2"),
        ("transcript", "two", "transcript", "two"),
        ("digits", "12#", "dtmfDigits", "12#"),
        ("event", "late", "triggerEvent", "late"),
        ("intent", "Bye", "triggerIntent", "projects/test-project/locations/global/agents/test-agent/intents/Bye"),
    ],
)
def test_turns(run: Trial, option: str, value: str, member: str, expected: str) -> None:
    assert sent(run, f"--{option}", value)[member] == expected
    assert f"  {value}\n" in run("what", f"--{option}", value).output.replace("    ", "  ")


def test_page_form_session_and_language(run: Trial) -> None:
    request = sent(
        run, "--page", "Collect", "--form", "nights=3", "--form", "guests", "--session", "s-1", "--language", "de"
    )
    assert request["pageInfo"]["displayName"] == "Collect"
    assert request["pageInfo"]["formInfo"]["parameterInfo"] == [
        {"displayName": "nights", "required": True, "state": "FILLED", "value": 3.0},
        {"displayName": "guests", "required": True, "state": "EMPTY"},
    ]
    assert request["sessionInfo"]["session"].endswith("/agents/test-agent/sessions/s-1")
    assert request["languageCode"] == "de"
    assert sent(run, "--session", SESSION)["sessionInfo"]["session"] == SESSION


def test_the_session_is_of_an_agent_that_the_application_serves(run: Trial) -> None:
    run.use(App(allowed_agents=[AGENT]))
    assert sent(run)["sessionInfo"]["session"].startswith(f"{AGENT}/sessions/")


# How it is delivered.


def test_twice(run: Trial) -> None:
    output = run("hello", "--twice").output
    assert output.count("hello: status 200") == 2
    assert "hello: status 200, answer of an earlier delivery, " in output
    assert "The second delivery got the answer of the first: nothing ran twice." in output
    assert run.app.runs == ["hello"]
    assert told(run, "hello", "--concurrently")["again"]["replayed"] is True
    assert "was answered anew" in run("count", "--twice").output
    assert "There was no answer yet" in run("bad", "--twice", code=1).output


def test_a_lost_answer_is_fetched_again(run: Trial) -> None:
    output = run("hello", "--lose-answer").output
    assert "Attempts\n    1. " in output
    assert "ms: the connection broke before the answer came" in output
    assert "ms: answered" in output
    assert run.app.runs == ["hello"]


def test_credentials(run: Trial) -> None:
    assert "Reason: no_credentials" in run("hello", "--without-credential", code=1).output
    assert "Reason: bad_credentials" in run("hello", "--wrong-credential", code=1).output
    assert run.app.runs == []
    wrong = ("--username", "cx", "--password-env", "TRIAL_PASSWORD")
    assert "Reason: bad_credentials" in run("hello", *wrong, code=1).output


def test_over_a_url(run: Trial) -> None:
    app = App(auth=BasicAuth("cx", PASSWORD))
    with served(app.webhook.wsgi) as url:
        output = run("echo", "--param", "a=1", *BASIC, aim=("--url", url)).output
        assert "echo: status 200" in output
        assert "Stages" not in output
        assert "401" in run("echo", "--wrong-credential", *BASIC, aim=("--url", url), code=1).output
        assert "Tags" not in run("ecco", *BASIC, aim=("--url", url), code=1).output
        assert "stages" not in json.loads(run("echo", *BASIC, "--json", aim=("--url", url)).stdout)
        result = run("echo", "--wrong-credential", aim=("--url", url), code=2)
        assert "there is no credential that could be wrong" in result.output
    app.webhook.close()
    gone = run("echo", "--session", "s-1", aim=("--url", url), code=1).output
    assert "echo: no answer" in gone
    assert "nothing listens there" in gone
    assert ", in 2 attempts." in gone


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff", b"{}x", b""])
def test_whatever_a_server_answers_is_told(run: Trial, status: str, body: bytes) -> None:
    def answer(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response(status, [("Content-Type", "application/json")])
        return [body]

    with served(answer) as url:
        output = run("hello", "--show", "answer", aim=("--url", url), code=1).output
    assert f"hello: status {status[:3]}, " in output
    assert "gets the event webhook.error" in output


def test_there_is_no_wrong_credential_where_everybody_may_call(run: Trial) -> None:
    run.use(App(auth=AllowUnauthenticated()))
    assert "Usage" in run("echo", "--wrong-credential", code=2).output


# Requests of files.


def test_a_request_of_a_file_is_sent_as_it_stands(run: Trial, tmp_path: Path) -> None:
    body = b'{"fulfillmentInfo" : {"tag":"what"}, "text":"two", "sessionInfo":{"session":"%s"}}' % SESSION.encode()
    file = tmp_path / "call.json"
    file.write_bytes(body)
    output = run("--request", str(file)).output
    assert output.startswith('what (types "two"): status 200')
    assert "    two\n" in output
    again = run("--request", str(file), "--fresh-ids", "--show", "request").output
    request = json.loads(again.partition("\nRequest\n")[2])
    assert request["sessionInfo"]["session"].startswith(f"{AGENT}/environments/-/sessions/")
    assert request["sessionInfo"]["session"] != SESSION
    assert request["detectIntentResponseId"]


@pytest.mark.parametrize("body", [b"no json", b"[1]", b"\xff"])
def test_a_file_that_is_no_request_is_sent_too(run: Trial, tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "call.json"
    file.write_bytes(body)
    assert "no tag: status 400" in run("--request", str(file), code=1).output
    assert "ids could be given to" in run("--request", str(file), "--fresh-ids", code=2).output


def test_a_request_of_a_file_with_a_number_beyond_a_double_is_told_or_sent_as_it_stands(
    run: Trial, tmp_path: Path
) -> None:
    file = tmp_path / "call.json"
    file.write_text('{"fulfillmentInfo": {"tag": "what"}, "sentimentAnalysisResult": {"score": 1%s}}' % ("0" * 400))
    assert "beyond the range of a double" in run("--request", str(file), "--fresh-ids", code=2).output
    assert "status 400" in run("--request", str(file), code=1).output


@pytest.mark.parametrize("name", ["booking", "dtmf", "event", "form", "forget", "phone", "transcript", "unknown"])
def test_the_requests_of_the_example_app(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", PASSWORD)
    file = f"{ROOT}/example_app/requests/{name}.json"
    result = CliRunner().invoke(cli, ["call", "--request", file, "--app", "example_app.main:webhook", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["ok"]
    assert document["request"]["fulfillmentInfo"]
    assert document["texts"] or document["messages"] or document["parameters"]
    if name == "form":
        assert document["reprompt"] == ["nights"]
    if name == "forget":
        assert {each["kind"] for each in document["parameters"]} == {"deleted"}


@pytest.mark.parametrize(
    ("more", "code"), [('"dtmfDigits":"one"', 0), ('"intentInfo":{"displayName":"x","confidence":"x"}', 1)]
)
def test_what_cx_would_not_send_is_sent_too(run: Trial, tmp_path: Path, more: str, code: int) -> None:
    file = tmp_path / "call.json"
    file.write_text(f'{{"fulfillmentInfo":{{"tag":"echo"}},{more}}}')
    assert run("--request", str(file), code=code).output.startswith("echo: status ")


# The curl line.


def test_the_curl_line_runs_and_holds_no_secret(run: Trial) -> None:
    app = App(auth=BasicAuth("it's cx", PASSWORD))
    with served(app.webhook.wsgi) as url:
        named = ("--username", "it's cx", "--password-env", "TRIAL_PASSWORD")
        result = run("echo", "--param", "a=it's", "--curl", *named, aim=("--url", url))
        assert app.runs == []
        assert result.stderr == ""
        shell = ["/bin/sh", "-c", result.stdout]
        done = subprocess.run(shell, capture_output=True, check=False, env={**ENV, "PATH": "/usr/bin:/bin"})
    app.webhook.close()
    if done.returncode != 127:  # no curl here
        assert json.loads(done.stdout)["sessionInfo"]["parameters"] == {"a": "it's"}


def test_the_curl_line_of_an_application_names_a_variable(run: Trial, tmp_path: Path) -> None:
    result = run("echo", "--curl")
    words = shlex.split(result.stdout)
    assert words[-1] == "http://127.0.0.1:8080/webhook"
    assert words[words.index("-u") + 1] == "cx:$WEBHOOK_PASSWORD"
    assert json.loads(words[words.index("--data-binary") + 1])["fulfillmentInfo"] == {"tag": "echo"}
    assert result.stderr == "Put the password in WEBHOOK_PASSWORD before.\n"
    file = tmp_path / "a call.json"
    file.write_text("{}")
    words = shlex.split(run("--request", str(file), "--curl").stdout)
    assert words[words.index("--data-binary") + 1] == f"@{file}"
    fresh = shlex.split(run("--request", str(file), "--curl", "--fresh-ids").stdout)
    assert "detectIntentResponseId" in fresh[fresh.index("--data-binary") + 1]
    assert "-u" not in shlex.split(run("echo", "--curl", "--without-credential").stdout)


def test_the_curl_line_with_headers(run: Trial) -> None:
    named = ("--header-env", "X-Key=TRIAL_PASSWORD", "--username", "cx", "--password-env", "TRIAL_PASSWORD")
    words = shlex.split(run("echo", "--curl", *named).stdout)
    assert "X-Key: $TRIAL_PASSWORD" in words
    assert "cx:$TRIAL_PASSWORD" in words


def test_the_curl_line_with_a_certificate(run: Trial) -> None:
    run.use(App(auth=MutualTls(sans=["cx.example"], allow_any_dialogflow_customer=True)))
    words = shlex.split(run("echo", "--curl").stdout)
    assert words[words.index("--cert") : words.index("--cert") + 4] == ["--cert", "client.pem", "--key", "client.key"]


def test_the_curl_line_with_a_token(run: Trial) -> None:
    run.use(App(auth=GoogleIdToken(audience="https://h.example/webhook", service_accounts=["a@b.example"])))
    result = run("echo", "--curl")
    assert "Authorization: $WEBHOOK_AUTHORIZATION" in shlex.split(result.stdout)
    assert result.stderr == "Put the whole value of the header in WEBHOOK_AUTHORIZATION before.\n"
    assert "status 200" in run("echo").output


# Usage.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "give one of TAG and --request FILE"),
        (("echo", "--request", "{json}"), "give one of TAG and --request FILE"),
        (("echo", "--fresh-ids"), "--fresh-ids goes with --request"),
        (("--request", "{json}", "--text", "x"), "it takes no option that makes a request"),
        (("echo", "--text", "x", "--event", "y"), "a turn has one of --text, --transcript"),
        (("echo", "--digits", "one"), "digits are keys of a phone"),
        (("echo", "--text", "\udc80"), "it is no UTF-8 text"),
        (("echo", "--param", "x"), "write NAME=VALUE"),
        (("echo", "--param", "=x"), "write NAME=VALUE"),
        (("echo", "--param", "x={"), "x: the value begins as JSON and is none (json_syntax)"),
        (("echo", "--param", f"x={'[' * 150}{']' * 150}"), "nested"),
        (("echo", "--param", "x=\udc80"), "x is no UTF-8 text"),
        (("echo", "--form", "x={"), "x: the value begins as JSON"),
        (("echo", "--params", "{list}"), "the file is no JSON object"),
        (("echo", "--params", "{none}"), "the file is no JSON (json_syntax)"),
        (("echo", "--session", "projects/p/sessions/s"), "a session's full name is projects/P/"),
        (("echo", "--twice", "--lose-answer"), "--lose-answer does not go with --twice"),
        (("echo", "--without-credential", "--wrong-credential"), "give one of --without-credential"),
        (("echo", "--curl", "--json"), "--curl prints nothing else"),
        (("echo", "--username", "cx"), "--username and --password-env go together"),
        (("echo", "--url", "http://127.0.0.1:1/"), "give one of --app and --url"),
    ],
)
def test_usage(run: Trial, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    files = {"{json}": "{}", "{list}": "[]", "{none}": "x"}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    given = [str(tmp_path / each) if each in files else each for each in arguments]
    output = run(*given, code=2).output
    assert sentence in " ".join(output.split())
    assert run.app.runs == []


def test_a_file_that_cannot_be_read(run: Trial) -> None:
    result = run("--request", "/proc/self/mem", code=2)
    assert "the file cannot be read" in result.output
