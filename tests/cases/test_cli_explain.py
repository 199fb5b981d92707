"""``cxfulfill explain``: what is recognized in what an engineer pastes, and that nothing of it is printed again."""

import json

import pytest
from click.testing import CliRunner, Result

from cxfulfill import HttpRequest, NotFound, Unauthorized, Webhook
from cxfulfill.auth.secrets import BasicAuth
from cxfulfill.cli.commands import cli
from cxfulfill.cli.cx_entries import EVENTS, STATES, STATUS_TEXTS
from cxfulfill.cli.line_entries import LINES
from cxfulfill.cli.runbook import RUNBOOK
from cxfulfill.http import problem_response

CANARY = "canary-7b1f0c9de4a25563"
TIMEOUT = "Webhook call failed. Error: DEADLINE_EXCEEDED, State: URL_TIMEOUT, Reason: TIMEOUT_WEB"
OTHER = "Webhook call failed. State: URL_ERROR, Reason: ERROR_OTHER, HTTP status code: 403"
UNREACHABLE = "State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx, HTTP status code: 503"


def run(*what: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(cli, ["explain", *what], input=stdin)
    assert result.exit_code == code, result.output
    assert CANARY not in result.output
    return result


def headings(result: Result) -> list[str]:
    return [line for line in result.stdout.splitlines() if not line.startswith(" ")]


@pytest.mark.parametrize("code", RUNBOOK)
def test_every_reason_code(code: str) -> None:
    entry = RUNBOOK[code]
    result = run(f" {code}\n")
    event = f"raises {entry.event}." if entry.event else "raises no event."
    assert result.stdout.splitlines() == [
        code,
        f"  {entry.meaning}",
        f"  Status {entry.status}: CX {event}",
        f"  What to look at: {entry.look_at}",
    ]


@pytest.mark.parametrize("name", EVENTS)
def test_every_event(name: str) -> None:
    result = run(name)
    assert headings(result) == [name]
    assert EVENTS[name].look_at in result.stdout
    assert "no transition target" in result.stdout


def test_an_event_names_the_codes_that_lead_to_it() -> None:
    assert "deadline, no_time_left, overloaded, in_progress" in run("webhook.error.unavailable").stdout
    assert "Reason codes" not in run("webhook.error.timeout").stdout


@pytest.mark.parametrize("name", STATUS_TEXTS)
def test_every_text_of_cx(name: str) -> None:
    entry = STATUS_TEXTS[name]
    result = run(f"Webhook call failed. {entry.text}, HTTP status code: 503")
    assert headings(result) == [entry.text]
    assert f"CX raises {entry.event or 'webhook.error.unavailable'}." in result.stdout


@pytest.mark.parametrize(
    ("what", "event"),
    [
        (TIMEOUT, "webhook.error.timeout"),
        (OTHER, "webhook.error.rejected"),
        (UNREACHABLE, "webhook.error.unavailable"),
        ("State: URL_UNREACHABLE, Reason: UNREACHABLE_5xx, HTTP status code: 500", "webhook.error"),
        ("State: URL_ERROR, Reason: ERROR_NOT_FOUND, HTTP status code: 404", "webhook.error.not-found"),
        ("State: URL_ERROR, Reason: ERROR_SOMETHING_NEW, HTTP status code: 400", "webhook.error.bad-request"),
        ("Webhook call failed. HTTP status code: 401", "webhook.error.rejected"),
        ("Failed to parse webhook JSON response: Cannot find field: fulfillmentText", "webhook.error"),
        ("401", "webhook.error.rejected"),
        ("405", "webhook.error"),
        (json.dumps({"code": 4, "message": TIMEOUT}), "webhook.error.timeout"),
        (json.dumps([{"code": 4, "message": TIMEOUT}]), "webhook.error.timeout"),
        (json.dumps({"queryResult": {"webhookStatuses": [{}, {"message": OTHER}]}}), "webhook.error.rejected"),
        ("the agent raised webhook.error.timeout, said the console", "webhook.error.timeout"),
    ],
)
def test_what_cx_says(what: str, event: str) -> None:
    for result in (run(what), run("-", stdin=what)):
        assert f"CX raises {event}." in result.stdout or headings(result) == [event]


def test_a_text_whose_status_is_missing_and_one_whose_reason_is_new() -> None:
    assert "is not told here" in run("State: URL_ERROR, Reason: ERROR_OTHER").stdout
    for state, meaning in STATES.items():
        result = run(f"State: {state}, Reason: NEW_ONE, HTTP status code: 503")
        assert headings(result) == [f"State: {state}"]
        assert meaning in result.stdout


def test_a_call_that_went_well() -> None:
    assert "went well" in run("{}").stdout
    assert "went well" in run("[{}]").stdout
    assert "raises no event" in run("200").stdout


LINE = f'status=503 reason=deadline request_id={CANARY} principal="{CANARY}" tag="book"'


def test_log_lines() -> None:
    stamped = f"[2026-01-02 03:04:05 +0000] [7] [ERROR] {LINE}"
    assert headings(run(LINE)) == headings(run("-", stdin=stamped)) == ["deadline"]
    other = f'status=404 reason=unknown_tag request_id={CANARY} detail="No handler. reason=no_tag"'
    wrapped = json.dumps({"textPayload": LINE, "insertId": CANARY})
    assert headings(run("-", stdin=f"{LINE}\n{wrapped}\nnothing\n{other}\n{LINE}\n")) == ["deadline", "unknown_tag"]
    fields = {"severity": "ERROR", "message": LINE, "status": 503, "reason": "deadline", "request_id": CANARY}
    as_json = json.dumps(fields | {"event": "webhook.error.unavailable", "httpRequest": {"status": 503}})
    assert headings(run(as_json)) == ["deadline"]
    assert headings(run("-", stdin=f"{as_json}\n{as_json}\n{{not json reason=no_tag")) == ["deadline", "no_tag"]


@pytest.mark.parametrize("part", LINES)
def test_lines_without_a_reason(part: str) -> None:
    for line in (
        f"request_id={CANARY} before {part} behind",
        json.dumps({"message": f"{part} {CANARY}", "logger": "x"}),
    ):
        result = run("-", stdin=line)
        assert result.stdout.splitlines() == [part, f"  What to look at: {LINES[part]}"]


def test_the_line_of_a_call_and_its_problem_document(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Webhook(auth=BasicAuth("cx", CANARY), idempotency=None)
    answer = webhook.handle(HttpRequest.build("POST", "/webhook", body=b"{}"))
    assert "no_credentials" in run(answer.body.decode()).stdout
    [record] = [each for each in caplog.records if "no_credentials" in each.getMessage()]
    assert headings(run(record.getMessage())) == ["no_credentials"]


def test_the_status_that_was_sent_decides() -> None:
    folded = problem_response(Unauthorized(reason="method_not_allowed"), CANARY, 404)
    assert "Status 404: CX raises webhook.error.not-found." in run(folded.body.decode()).stdout


def test_a_reason_of_the_application_s_own() -> None:
    document = problem_response(NotFound(reason="no_such_room", detail=CANARY), CANARY, 404).body.decode()
    for what in (document, f"status=404 reason=no_such_room request_id={CANARY}"):
        result = run(what)
        assert "of your own application" in result.stdout
        assert "Status 404: CX raises webhook.error.not-found." in result.stdout
        assert "no_such_room" not in result.stdout


@pytest.mark.parametrize(
    ("what", "meant"),
    [("dedline", "deadline"), ("Unknown-Tag", "unknown_tag"), ("webhook.error.timout", "webhook.error.timeout")],
)
def test_a_misspelt_one(what: str, meant: str) -> None:
    result = run(what, code=2)
    assert result.stdout == ""
    assert "did you mean" in result.stderr
    assert meant in result.stderr


@pytest.mark.parametrize(
    "what",
    [
        CANARY, f"Bearer {CANARY}", "{", f'{{"reason": "{CANARY}"}}', f'{{"reason": ["{CANARY}"], "status": 404}}', "",
        "700",
        f"reason={CANARY}", f'{{"status": "404", "reason": "own_{CANARY[:6]}"}}', "[" * 5_000, "\x1b[31m", "\ud800",
        f"webhook.error.{CANARY}", "x" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_printed(what: str) -> None:
    result = run(what, code=2)
    assert "known here" in result.stderr
    assert "did you mean" not in result.stderr


def test_forgotten_quotes() -> None:
    assert headings(run(*LINE.split())) == ["deadline"]
    assert "timeout in CX" in run(*TIMEOUT.split()).stdout
    run("--token", CANARY, code=2)
    run(code=2)


def test_standard_input_that_is_no_text() -> None:
    run("-", stdin=bytes(range(256)), code=2)
    assert headings(run("-", stdin=b"\xff\xfe\nstatus=503 reason=deadline \xff")) == ["deadline"]
    run("-", stdin="", code=2)
