"""``cxfulfill agent check``, as it is called in a shell and in CI."""

import json
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cxfulfill.cli.commands import cli
from tests.agent.agents import COLLECT, FLOW, HOTEL, Bench, Files, call, route, small

SECRET = "canary-a-long-random-secret"
ENV = {"COLUMNS": "200", "NO_COLOR": "1"}


class Run:
    """Runs the command on an agent and an app."""

    def __init__(self, bench: Bench, module: ModuleType) -> None:
        self.bench = bench
        self.module = module
        self.files = small()
        vars(module)["webhook"] = bench.app()

    def __call__(self, *arguments: str, code: int = 0, env: dict[str, str] | None = None) -> Result:
        folder = self.files.write(self.bench.folder / "agent")
        given = ["agent", "check", str(folder), "--app", f"{self.module.__name__}:webhook", *arguments]
        result = CliRunner().invoke(cli, given, env=ENV if env is None else env)
        assert result.exit_code == code, (result.output, result.exception)
        assert SECRET not in result.output
        return result


@pytest.fixture
def run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Run:
    module = ModuleType("app_of_a_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(bench.folder)
    return Run(bench, module)


def unhandled(files: Files) -> Any:
    files[FLOW]["transitionRoutes"].append(route(call("pay"), condition="true"))


def unset(files: Files) -> Any:
    del files[COLLECT]["form"]["parameters"][0]


def test_an_agent_that_fits_is_told_so(run: Run) -> None:
    assert run().output == "0 errors, 0 warnings\n"


def test_findings_are_told_by_rule_with_advice(run: Run) -> None:
    unhandled(run.files)
    unset(run.files)

    lines = run(code=1).output.splitlines()

    assert lines[0] == "error CX201: a tag without a handler"
    assert lines[1].startswith("  The call is answered 404")
    assert lines[2].startswith("  What to do: Register a handler")
    assert lines[3:6] == [
        "  Booking > Start Page > route true", "    The tag 'pay' has no handler.", f"    agent/{FLOW}:21",
    ]  # fmt: skip
    assert lines[6] == "warning CX301: a required parameter that no way to the place sets"
    assert lines[-1] == "1 error, 1 warning"


def test_a_place_in_a_zip_is_told_with_the_file_in_it(run: Run) -> None:
    unhandled(run.files)
    run.files.zip(run.bench.folder / "agent.zip")

    result = CliRunner().invoke(cli, ["agent", "check", "agent.zip", "--app", "app_of_a_test:webhook"], env=ENV)

    assert f"    agent.zip > {FLOW}" in result.output.splitlines()


def test_a_place_in_the_app_is_told_with_its_line(run: Run) -> None:
    vars(run.module)["webhook"] = run.bench.app(('event="again"', 'event="gone"'))

    lines = run(code=0).output.splitlines()

    assert lines[4] == "    No event handler of the agent takes 'gone'."
    assert lines[5].startswith("    module_1_of_a_test.py:")


def test_the_exit_code_is_that_of_the_severity(run: Run) -> None:
    run("--fail-on", "warning")
    unset(run.files)
    run()
    run("--fail-on", "warning", code=1)


def test_json_is_printed_alone(run: Run) -> None:
    unhandled(run.files)

    document = json.loads(run("--format", "json", code=1).stdout)

    assert [each["code"] for each in document["findings"]] == ["CX201"]


def test_sarif_is_printed_alone(run: Run) -> None:
    unhandled(run.files)

    document = json.loads(run("--format", "sarif", code=1).stdout)

    assert [each["ruleId"] for each in document["runs"][0]["results"]] == ["CX201"]


def test_annotations_are_printed_alone(run: Run) -> None:
    unhandled(run.files)

    assert run("--format", "github", code=1).stdout.startswith("::error file=agent/flows/Booking/Booking.json,line=21,")


def test_what_is_in_the_baseline_is_not_told_again(run: Run) -> None:
    unhandled(run.files)
    run("--baseline", "known.json", code=1)  # the first time there is none
    run("--baseline", "known.json", "--write-baseline")
    assert run("--baseline", "known.json").output == "0 errors, 0 warnings; 1 more in the baseline\n"

    unset(run.files)
    assert "1 warning; 1 more" in run("--baseline", "known.json", "--fail-on", "warning", code=1).output

    document = json.loads(Path("known.json").read_text(encoding="utf-8"))
    assert [(each["code"], each["about"]) for each in document["findings"]] == [("CX201", "pay")]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2, "findings": []}', '{"version": 1}', "\0", '{"version": 1, "findings": [1]}']
)
def test_what_is_no_baseline_is_refused(text: str, run: Run) -> None:
    Path("known.json").write_text(text, encoding="utf-8")

    told = run("--baseline", "known.json", code=2).output  # 1 would be findings

    assert "Invalid value for --baseline: the" in told
    assert "baseline" in told.partition("--baseline: ")[2]


def test_a_file_that_is_no_baseline_is_not_overwritten(run: Run) -> None:
    Path("handlers.py").write_text("print(1)\n", encoding="utf-8")

    told = run("--baseline", "handlers.py", "--write-baseline", code=2).output

    assert "Invalid value for --baseline: the file that is there is no baseline" in told
    assert Path("handlers.py").read_text(encoding="utf-8") == "print(1)\n"
    run("--baseline", "known.json", "--write-baseline")
    run("--baseline", "known.json", "--write-baseline")  # one that is there is replaced


def test_a_baseline_that_cannot_be_written_or_read_is_told(run: Run) -> None:
    with socket.socket(socket.AF_UNIX) as there:
        there.bind("known.sock")

    assert "cannot be written" in run("--baseline", "no/known.json", "--write-baseline", code=2).output
    assert "cannot be read" in run("--baseline", "known.sock", code=2).output
    assert "goes with --baseline" in run("--write-baseline", code=2).output


def test_the_webhooks_that_lead_to_the_app_may_be_named(run: Run) -> None:
    assert "CX706" in run("--webhook", "Hotel", "--fail-on", "warning", code=1).output
    assert "the agent has no webhook 'Gone'" in run("--webhook", "Gone", code=2).output


def test_a_module_of_names_is_imported(run: Run) -> None:
    Path("my_names.py").write_text('X = "0a000000-0000-4000-8000-00000000dead"\n', encoding="utf-8")
    Path("bad_names.py").write_text(f"raise ValueError({SECRET!r})\n", encoding="utf-8")

    assert "X names what the agent does not have." in run("--names", "my_names").output
    assert "it cannot be imported: ValueError" in run("--names", "bad_names", code=2).output
    Path("lame_names.py").write_text("import no_such_module\n", encoding="utf-8")
    assert "it cannot be imported: ModuleNotFoundError" in run("--names", "lame_names", code=2).output
    assert "there is no module no_names here or on the path" in run("--names", "no_names", code=2).output
    assert "it takes a module, such as names for names.py" in run("--names", "no_names.py", code=2).output
    del sys.modules["my_names"]


def test_what_cannot_be_read_is_told(run: Run) -> None:
    run.files[COLLECT] = "{"

    assert f"Invalid value for EXPORT: {COLLECT} is not JSON" in run(code=2).output


def test_no_secret_is_printed(run: Run) -> None:
    service = run.files[HOTEL]["genericWebService"]
    service |= {"password": SECRET, "uri": f"http://u:{SECRET}@hotel.example/webhook?key={SECRET}#{SECRET}"}
    service["requestHeaders"] = [{"key": "X-Key-Token", "value": SECRET}]

    for form in ("text", "json", "sarif", "github"):
        run("--format", form, code=1)
    run("--baseline", "known.json", "--write-baseline")
    assert SECRET not in Path("known.json").read_text(encoding="utf-8")


def test_names_of_the_agent_do_nothing_to_a_terminal(run: Run) -> None:
    run.files[FLOW]["transitionRoutes"].append(route(call("\x1b[31mpay\u202e"), condition="\x1b]0;x\x07"))

    output = run(code=1).output

    assert "\x1b" not in output
    assert "\u202e" not in output


def test_a_bar_tells_on_a_terminal_how_reading_goes(run: Run) -> None:
    result = run(env={"COLUMNS": "120", "FORCE_COLOR": "1"})

    assert "Reading the export" in result.stderr
    assert "Reading the export" not in result.stdout


def test_the_group_lists_its_commands() -> None:
    output = CliRunner().invoke(cli, ["agent", "--help"]).output

    assert "check" in output
    assert CliRunner().invoke(cli, ["agent", "nothing"]).exit_code == 2


@pytest.mark.parametrize("form", ["json", "sarif", "text", "github"])
def test_nothing_that_a_terminal_obeys_is_printed(form: str, run: Run) -> None:
    tag = "p\x9b31m\u202e\x1b]0;x\x07\u2028::set-output name=x::\U000e0001é"
    run.files[FLOW]["transitionRoutes"].append(route(call(tag), condition="true"))

    printed = run("--format", form, code=1).stdout

    assert all(each.isprintable() or each == "\n" for each in printed)
    assert not any(line.startswith("::set-output") for line in printed.split("\n"))
    if form == "json":
        assert json.loads(printed)["findings"][0]["about"] == tag
