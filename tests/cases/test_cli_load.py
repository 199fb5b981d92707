"""``cxfulfill load`` against a small server of this machine: figures, exit codes, and whom it does not call."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from werkzeug.serving import WSGIRequestHandler, make_server

from cxfulfill import BadRequest, BasicAuth, Context, HeaderSecret, Reply
from cxfulfill.cli.commands import cli
from cxfulfill.cli.load_options import target_of
from cxfulfill.cli.load_report import report, watching
from cxfulfill.simulator.figures import Delivery, Figures
from cxfulfill.simulator.load import Plan
from cxfulfill.simulator.traffic import mix_of
from tests.cases.client import App

PASSWORD = "canary-a-long-random-password"
BASIC = ("--username", "cx", "--password-env", "LOAD_PASSWORD")


class Served(App):
    """A webhook on a port of its own; its handlers count their runs."""

    url = ""

    def run(self, *arguments: str, code: int = 0, calls: int = 20) -> Result:
        few = ("--url", self.url, "--calls", str(calls), "--users", "2", "--think", "0", "--seed", "1")
        result = invoke(*few, *arguments)
        assert result.exit_code == code, result.output
        return result


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["load", *arguments], env={"LOAD_PASSWORD": PASSWORD, "LOAD_BAD": "a\nb"})
    assert PASSWORD not in result.output
    return result


@pytest.fixture(params=[BasicAuth("cx", PASSWORD)], ids=["basic"])
def app(request: pytest.FixtureRequest) -> Iterator[Served]:
    served = Served(auth=request.param)
    served.add("book", lambda ctx: Reply("Booked.", parameters={"reference": "HH-1"}))
    served.add("look-up", lambda ctx: f"{len(served.runs)}", idempotent=False)
    served.add("refused", refuse)
    server = make_server("127.0.0.1", 0, served.webhook.wsgi, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/webhook"
    yield served
    server.shutdown()
    thread.join()
    server.server_close()
    served.webhook.close()


def refuse(ctx: Context) -> str:
    raise BadRequest(reason="no_such_room")


def test_all_is_well(app: Served) -> None:
    result = app.run("--tag", "book", *BASIC)
    assert result.output.startswith("20 calls in ")
    assert "a second, 0 failed" in result.output
    assert "Answers by status: 200: 20; replayed: 0" in result.output
    assert "Not answered within 5 s: 0 (0.00%)" in result.output
    assert "p50" in result.output
    assert "█" in result.output
    assert "twice" not in result.output
    assert "failure" not in result.output
    assert app.runs == ["book"] * 20


def test_duplicates_run_once(app: Served) -> None:
    result = app.run("--tag", "book", "--duplicates", "1", *BASIC)
    assert "20 calls delivered twice: 20 ran once" in result.output
    assert "200: 40; replayed: 20" in result.output
    assert "(replayed)" in result.output
    assert app.runs == ["book"] * 20


def test_a_handler_that_runs_for_each_delivery(app: Served) -> None:
    arguments = ("--tag", "look-up", "--duplicates", "1", *BASIC)
    assert "20 calls delivered twice: 20 not replayed" in app.run(*arguments, code=1).output
    result = app.run(*arguments, "--replays-not-expected", "look-up")
    assert "20 calls delivered twice: 20 not expected to run once" in result.output


def test_failures_are_listed(app: Served) -> None:
    result = app.run("--tag", "refused", "--tag", "unheard-of:1.5", *BASIC, code=1)
    assert "20 failed" in result.output
    assert "400 no_such_room" in result.output
    assert "404 unknown_tag" in result.output
    assert "unheard-of" in result.output


def test_weights(app: Served) -> None:
    app.run("--tag", "book:3", "--tag", "look-up", "--tag", "book:16", *BASIC, calls=100)
    assert 0 < app.runs.count("look-up") < 20


def test_requests_of_files(app: Served, tmp_path: Path) -> None:
    request = {"fulfillmentInfo": {"tag": "echo"}, "sessionInfo": {"parameters": {"nights": 2.0}}, "text": "two nights"}
    file = tmp_path / "echo.json"
    file.write_text(json.dumps(request))
    app.run("--requests", str(file), *BASIC)
    app.run("--requests", str(tmp_path), "--tag", "echo", *BASIC)
    assert app.runs == ["echo"] * 40


def test_figures_for_machines(app: Served, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    shown = app.run("--tag", "book", "--json", str(file), *BASIC)
    assert shown.stdout.startswith("20 calls")
    alone = app.run("--tag", "book", "--json", "-", *BASIC)
    assert alone.stderr.startswith("20 calls")
    for text in (file.read_text(), alone.stdout):
        document = json.loads(text)
        assert (document["calls"], document["failed"], document["statuses"]) == (20, 0, {"200": 20})


def test_wrong_credentials_are_refusals(app: Served) -> None:
    assert "401 no_credentials" in app.run("--tag", "book", code=1).output
    assert app.runs == []


@pytest.mark.parametrize("app", [HeaderSecret("X-Key", PASSWORD)], ids=["header"], indirect=True)
def test_a_header_s_value_comes_from_a_variable(app: Served) -> None:
    app.run("--tag", "book", "--header-env", "X-Key=LOAD_PASSWORD")
    assert app.runs == ["book"] * 20


def test_nobody_is_there(app: Served) -> None:
    result = invoke("--url", "http://127.0.0.1:1/webhook", "--tag", "a", "--calls", "1", "--think", "0")
    assert result.exit_code == 1
    assert "unreachable" in result.output
    assert "Answers by status: none" in result.output
    assert "p50" not in result.output


def test_no_call_at_all_is_no_success() -> None:
    result = invoke("--url", "http://127.0.0.1:1/webhook", "--tag", "a", "--seconds", "0.000001", "--think", "60")
    assert result.exit_code == 1
    assert result.output.startswith("0 calls")


@pytest.mark.parametrize(
    "url",
    [
        "http://webhook.example/", "https://webhook.example/", "http://127.0.0.1@webhook.example/", "http://0.0.0.0/",
        "http://10.0.0.1/", "http://127.0.0.1.webhook.example/", "http://[::2]/", "http://localhost.webhook.example/",
        "http://webhook.example\\@127.0.0.1/", "http://webhook.example#@127.0.0.1/", "http://2130706433/",
        "ftp://127.0.0.1/", "127.0.0.1:8080/webhook", "http:///webhook", "http://cx:canary@127.0.0.1/", "http://[", "",
    ],
)  # fmt: skip
def test_urls_that_are_not_called(url: str) -> None:
    result = invoke("--url", url, "--tag", "a", "--calls", "1")
    assert result.exit_code == 2
    assert "Invalid value for --url" in result.output
    assert "canary" not in result.output


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://127.9.9.9:1/", "http://[::1]:1/", "HTTP://LOCALHOST:1"])
def test_urls_of_this_machine(url: str) -> None:
    result = invoke("--url", url, "--tag", "a", "--calls", "1", "--think", "0")
    assert (result.exit_code, "unreachable" in result.output) == (1, True)


def test_a_host_of_one_s_own() -> None:
    # Not called, since this machine's tests call this machine alone.
    for url in ("http://webhook.example/a?b=1", "https://webhook.example/a"):
        assert target_of(url, is_own=True, has_credentials=False) == url
    assert target_of("https://10.0.0.1/", is_own=True, has_credentials=True) == "https://10.0.0.1/"
    with pytest.raises(click.BadParameter, match="over https alone"):
        target_of("http://10.0.0.1/", is_own=True, has_credentials=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "neither a tag nor a request is given: see --tag"),
        (("--tag", ""), "a tag is text"),
        (("--tag", ":2"), "a tag is text"),
        (("--tag", "a:0"), "a weight is more than 0"),
        (("--tag", "a", "--seconds", "601"), "--seconds"),
        (("--tag", "a", "--seconds", "0"), "--seconds"),
        (("--tag", "a", "--users", "65"), "--users"),
        (("--tag", "a", "--users", "0"), "--users"),
        (("--tag", "a", "--duplicates", "1.1"), "--duplicates"),
        (("--tag", "a", "--timeout", "31"), "--timeout"),
        (("--tag", "a", "--think", "nan"), "think must be between 0 and 60"),
        (("--tag", "a", "--username", "cx"), "go together"),
        (("--tag", "a", "--password-env", "LOAD_PASSWORD"), "go together"),
        (
            ("--tag", "a", "--username", "cx", "--password-env", "LOAD_NONE"),
            "nothing in the environment variable LOAD_NONE",
        ),
        (("--tag", "a", "--header-env", "X-Key=LOAD_NONE"), "nothing in the environment variable LOAD_NONE"),
        (("--tag", "a", "--header-env", "X-Key=LOAD_BAD"), "the header X-Key has a value with a line break"),
        (("--tag", "a", "--header-env", "X-Key"), "it is NAME=VARIABLE"),
        (("--tag", "a", "--header-env", "X Key=LOAD_PASSWORD"), "no header named 'X Key' can be sent"),
        (("--tag", "a", "--header-env", "Host=LOAD_PASSWORD"), "no header named 'Host' can be sent"),
        (
            ("--tag", "a", *BASIC, "--header-env", "authorization=LOAD_PASSWORD"),
            "CX sends one value in the header authorization",
        ),
        (("--requests", "no-such-folder"), "does not exist"),
        (("--requests", "tests"), "tests has no file *.json: see"),
        (("--tag", "a", "--json", "no-such-folder/x"), "No such file"),
    ],
)
def test_usage(arguments: tuple[str, ...], sentence: str) -> None:
    result = invoke("--url", "http://127.0.0.1:1/", *arguments)
    assert result.exit_code == 2, result.output
    assert sentence in " ".join(result.output.replace("│", " ").split())


def figures(seconds: float, calls: int = 3) -> Figures:
    made = Figures(seconds=seconds)
    for _ in range(calls):
        made.add("book", [Delivery(0.002, 200)])
    return made


def test_lines_tell_how_it_goes_where_there_is_no_terminal() -> None:
    output = io.StringIO()
    plan = Plan(url="http://x", mix=mix_of({"book": 1.0}))
    with watching(Console(file=output), plan) as watch:
        for seconds in (0.25, 4.9, 5.1, 5.2, 10.0, 10.2):
            watch(figures(seconds))
    assert output.getvalue() == "5 s: 3 calls, 0 failed, 0.6 a second\n10 s: 3 calls, 0 failed, 0.3 a second\n"


@pytest.mark.parametrize("calls", [None, 6])
def test_a_bar_tells_how_it_goes_on_a_terminal(calls: int | None) -> None:
    output = io.StringIO()
    plan = Plan(url="http://x", mix=mix_of({"book": 1.0}), calls=calls)
    with watching(Console(file=output, force_terminal=True), plan) as watch:
        watch(figures(15.0))
    assert "3 calls, 0 failed, 0.2 a second" in output.getvalue()


def test_tags_cannot_write_to_the_terminal() -> None:
    output = io.StringIO()
    made = figures(1.0, calls=1)
    made.add("\x1b[31m[bold]red", [Delivery(0.1, 503, "503")])
    made.is_interrupted = True
    report(made, Plan(url="http://x", mix=mix_of({"a": 1.0})), Console(file=output, width=100))
    assert "\x1b" not in output.getvalue()
    assert "\\x1b[31m[bold]red" in output.getvalue()
    assert "2 calls in 1.0 s, interrupted: 2.0 a second, 1 failed" in output.getvalue()


def test_one_call_is_one() -> None:
    output = io.StringIO()
    report(figures(1.0, calls=1), Plan(url="http://x", mix=mix_of({"a": 1.0})), Console(file=output))
    assert output.getvalue().startswith("1 call in")
