"""``cxfulfill chat``: scripts of lines, what is shown of the answers, and a terminal."""

import builtins
import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from cxfulfill import AllowUnauthenticated, BasicAuth
from cxfulfill.cli import chat as command
from cxfulfill.cli.chat_commands import COMMANDS, words_for
from cxfulfill.cli.chatting import Chat, _Rendered
from cxfulfill.cli.commands import cli
from cxfulfill.cli.targets import target
from cxfulfill.simulator.conversations import read_conversation
from cxfulfill.simulator.turns import Turn
from tests.cases.client import App
from tests.cases.trial import BASIC, PASSWORD, Trial, served, trial_of
from tests.docs.pages import ROOT


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    with trial_of("chat", monkeypatch) as found:
        yield found


def lines(run: Trial, *script: str, tag: str = "hello", code: int = 0, strict: bool = True) -> list[str]:
    """Run a script, and give what was printed; with --strict, so that a script that fails is noticed."""
    arguments = [tag] * bool(tag) + ["--strict"] * strict
    return run(*arguments, code=code, stdin="\n".join(script) + "\n").stdout.splitlines()


def shown(run: Trial, *script: str, **options: Any) -> str:
    return "\n".join(lines(run, *script, **options))


def test_a_script_is_shown_as_a_conversation(run: Trial) -> None:
    assert lines(run, "hi", "", "/tag what", "again", "/quit", "never") == [
        "hello> hi", "  Hello **you**!", '  (or "Hi!")', "- Session parameters", "  seen = true", "hello> ",
        "hello> /tag what", "what> again", "  again", "what> /quit",
    ]  # fmt: skip


def test_each_kind_of_turn(run: Trial) -> None:
    script = ("/say two", "/press 12", "/event late", "/intent Bye", "/text /x", "7")
    found = lines(run, *script, tag="what")
    assert found[1::2] == ["  two", "  12", "  late", "  Bye", "  /x", "  7"]


def test_numbers_click_on_what_has_them(run: Trial) -> None:
    output = shown(run, "hi", "/tag what", "2", tag="rich")
    assert "[1] info: Double - Harbour view (https://h.example/d)\n" in output
    assert "  [2] Book\n  [3] Terms (https://h.example/terms)\n  [4] button: Pay (event pay)" in output
    assert output.endswith("what> 2\n  Book")
    assert shown(run, "hi", "/tag what", "4", tag="rich").endswith("what> 4\n  pay")
    assert shown(run, "hi", "/tag what", "9", tag="rich").endswith("what> 9\n  9")
    assert "a click on it opens its link" in shown(run, "hi", "1", tag="rich", code=1)


def test_parameters_live_as_long_as_the_session(run: Trial) -> None:
    output = shown(run, "/param nights=3", "/param type=double", "/param type", "x", "/state", "/new s-2", "/state")
    before, after = output.split("/new s-2")
    assert "  nights = 3\n  seen = true" in before
    assert "type =" not in before
    assert "Session parameters\n  none" in after
    assert "/sessions/s-2" in after
    assert "no such session parameter" in shown(run, "/param x", code=1)


def test_pages_and_forms(run: Trial) -> None:
    output = shown(
        run, "/page Collect", "/form guests", "/form nights=45", "45", "/state", "/form nights", tag="refuse"
    )
    assert "- The agent asks again for nights." in output
    assert "Page: Collect\nForm\n  guests: EMPTY\n  nights: INVALID" in output
    output = shown(run, "/page Collect", "/form nights=45", "45", "/raw", tag="echo")
    assert '"justCollected": true' in output
    assert "\nAnswer\n" in output
    assert "- The session goes to the page next." in shown(run, "x", tag="go")


def test_a_session_ends_and_another_one_begins(run: Trial) -> None:
    output = shown(run, "x", "y", "/new", "/tag what", "z", tag="end", code=1)
    assert "- The session is over.\n" in output
    assert "- the session is over: /new begins another one\n" in output
    assert output.endswith("  z")


def test_deliveries(run: Trial) -> None:
    assert "nothing ran twice" in shown(run, "/twice hi")
    assert run.app.runs == ["hello"]
    assert "the connection broke" in shown(run, "/lose", "hi")
    assert "- This is the answer of an earlier delivery: no handler has run for it." in shown(run, "hi", "/again")
    assert run.app.runs == ["hello"] * 3
    assert "count = 5.0 (was 4.0)" in shown(run, "hi", "/again", tag="count")
    assert "there is no call yet" in shown(run, "/again", code=1)


def test_strangers(run: Trial) -> None:
    output = shown(run, "/stranger hi", "hi", code=1)
    assert "- CX raises webhook.error.rejected: the status is 401." in output
    assert run.app.runs == ["hello"]
    run.use(App(auth=AllowUnauthenticated()))
    assert "what a wrong one would be" in shown(run, "/stranger hi", tag="echo", code=1)


def test_only_strict_scripts_fail(run: Trial) -> None:
    assert "webhook.error.bad-request" in shown(run, "hi", tag="bad", strict=False)
    assert "webhook.error.bad-request" in shown(run, "hi", tag="bad", code=1)
    assert "did you mean hello?" in shown(run, "hi", tag="helo", code=1)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/foo", "there is no such command"),
        ("/tag", "write /tag TAG"),
        ("/press x", "digits are keys of a phone"),
        ("/param a={", "the value begins as JSON"),
        ("/new projects/x", "a session's full name is projects/P/"),
        ("/save /no-such-folder/x", "the file cannot be written: No such file"),
    ],
)
def test_lines_that_cannot_be_done(run: Trial, line: str, sentence: str) -> None:
    assert sentence in shown(run, line, code=1)


def test_a_tag_is_needed(run: Trial) -> None:
    output = lines(run, "hi", "/tag hello", "hi", tag="", code=1)
    assert output[0].startswith("- No tag is chosen: /tag TAG")
    assert output[1].startswith("- Tags: all, bad, ")
    assert output[3] == "- choose first what is called: /tag TAG"
    assert output[-3:] == ['  (or "Hi!")', "- Session parameters", "  seen = true"]


def test_an_answer_without_messages(run: Trial) -> None:
    assert "- There is no message in the answer." in shown(run, "x", tag="echo")


def test_calls_are_saved_for_replay(run: Trial, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    output = shown(run, "hi", f"/save {file}", "hi", f"/save {file}", code=1)
    assert "- 1 call written: cxfulfill replay sends them again." in output
    assert "cannot be written: File exists" in output
    [call] = read_conversation(file.read_bytes())
    assert (call.tag, call.status) == ("hello", 200)
    assert "- 2 calls written" in shown(run, "a", "b", f"/save {tmp_path / 'two.jsonl'}")


def test_help_names_each_command_and_tag(run: Trial) -> None:
    output = shown(run, "/help")
    for name in COMMANDS:
        assert re.search(rf"^/{name}\b", output, re.MULTILINE), name
    assert "Tags: all, bad," in output


def test_over_a_url(run: Trial) -> None:
    app = App(auth=BasicAuth("cx", PASSWORD))
    app.add("hello", lambda ctx: "Hello")
    with served(app.webhook.wsgi) as url:
        result = run(
            "hello", *BASIC, "--session", "s-1", "--language", "de", aim=("--url", url), stdin="hi\n/help\n/raw\n"
        )
        assert "  Hello\n" in result.output
        assert "Tags" not in result.output
        assert "/sessions/s-1" in result.output
        assert '"languageCode": "de"' in result.output
        refused = run("hello", "--strict", aim=("--url", url), stdin="hi\n/stranger hi\n", code=1)
        assert "webhook.error.rejected" in refused.output
        assert "there is no credential that could be wrong" in refused.output
    app.webhook.close()


def test_nothing_of_an_answer_acts_on_a_script_s_output(run: Trial) -> None:
    output = shown(run, "/tag \x1b[31m", "x", "/tag evil", "x", code=1)
    assert "\\x1b[31mred\\u202e\n  &#x202e;back [bold]x[/bold]" in output
    assert "\u202e" not in output


def test_the_example_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", PASSWORD)
    monkeypatch.chdir(ROOT)
    script = "hello\n2\n/tag check-nights\n/page Collect booking\n/form nights=45\n45 nights\n"
    arguments = ["chat", "welcome", "--app", "example_app.main:webhook", "--strict"]
    result = CliRunner().invoke(cli, arguments, input=script)
    assert result.exit_code == 0, result.output
    assert "We can offer 30 nights." in result.output


# A terminal.


@pytest.fixture
def chat(run: Trial) -> Iterator[Chat]:
    vars(run.module)["webhook"] = run.app.webhook
    app = f"{run.module.__name__}:webhook"
    aim = target(app=app, url=None, username=None, password_env=None, header_env=(), ca_certs=None, on_cloud_run=False)
    talk = Chat(aim=aim, console=Console(file=io.StringIO(), force_terminal=True, width=60))
    talk.begin()
    yield talk
    aim.close()


def printed(chat: Chat) -> str:
    file = chat.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def say(chat: Chat, tag: str) -> str:
    chat.tag = tag
    chat.say(Turn("text", "x"))
    return printed(chat)


def test_markdown_is_rendered_on_a_terminal(chat: Chat) -> None:
    output = say(chat, "hello")
    assert "\x1b[1myou\x1b[0m" in output
    assert "**" not in output
    assert '\n  (or "Hi!")' in output


def test_nothing_of_an_answer_acts_on_a_terminal(chat: Chat) -> None:
    output = say(chat, "evil")
    assert "\x1b[31m" not in output
    assert "\\x1b[31mred" in output
    assert "\u202e" not in output
    assert "\\u202eback" in output
    assert "[bold]x[/bold]" in output


def test_links_show_where_they_lead(chat: Chat) -> None:
    chat.console.print(_Rendered("[here](https://h.example/x) ![pic](https://h.example/y)"))
    output = printed(chat)
    assert "https://h.example/x" in output
    assert "\x1b]8" not in output


def test_what_the_tab_key_offers(chat: Chat) -> None:
    chat.aim.webhook.add_handler("x.*", str) if False else None
    chat.simulator.session.set({"nights": 3})
    assert [word.rstrip() for word in words_for(chat, "/t")] == [f"/{name}" for name in COMMANDS]
    assert {"/tag ", "/state"} <= set(words_for(chat, "/"))
    assert "hello" in list(words_for(chat, "/tag he"))
    assert list(words_for(chat, "/param n")) == ["nights"]
    assert list(words_for(chat, "/say n")) == []
    assert list(words_for(chat, "he")) == []


@pytest.mark.parametrize("ending", [EOFError, KeyboardInterrupt])
def test_lines_are_typed_until_the_end(
    run: Trial, chat: Chat, monkeypatch: pytest.MonkeyPatch, ending: type[BaseException]
) -> None:
    typed = iter(["hi"])

    def read(prompt: str) -> str:
        assert prompt == "what> "
        for line in typed:
            return line
        raise ending

    monkeypatch.setattr(builtins, "input", read)
    chat.tag = "what"
    assert list(command._typed(chat)) == ["hi"]


def test_a_python_without_readline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "readline", None)
    command._complete(lambda line: iter([]))


def test_completion_by_readline(monkeypatch: pytest.MonkeyPatch) -> None:
    readline = pytest.importorskip("readline")
    bound: list[str] = []
    monkeypatch.setattr(readline, "get_line_buffer", lambda: "/tag h")
    monkeypatch.setattr(readline, "parse_and_bind", bound.append)
    command._complete(lambda line: iter([line, "hello", "human"]))
    complete = readline.get_completer()
    readline.set_completer(None)
    assert [complete("h", state) for state in range(3)] == ["hello", "human", None]
    assert bound


def test_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "small.py").write_text(
        "from cxfulfill import AllowUnauthenticated, Webhook\n"
        "webhook = Webhook(auth=AllowUnauthenticated())\n"
        "webhook.add_handler('hello', lambda ctx: f'**{ctx.text}** to you')\n"
    )
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "cxfulfill.cli", "chat", "--app", "small:webhook"]
    env = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "INPUTRC": "/dev/null"}
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave, cwd=tmp_path, env=env)
    os.close(slave)
    os.write(master, b"/ta\thello\ngood day\n/quit\n")
    output = b""
    try:
        while chunk := os.read(master, 4096):
            output += chunk
    except OSError:  # Linux: the other end is closed
        pass
    os.close(master)
    assert process.wait() == 0, output
    assert b"hello> " in output
    assert b"\x1b[1mgood day\x1b[0m to you" in output
