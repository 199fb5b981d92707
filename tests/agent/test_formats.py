"""Findings for machines have the forms that those machines read."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
from jsonschema_rs import Draft7Validator, ValidationError

from cxfulfill.agent.export import read_export
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.formats import as_annotations, as_json, as_sarif, path_of
from cxfulfill.agent.lines import line_of
from cxfulfill.agent.model import Agent
from cxfulfill.agent.rules import RULES
from tests.agent.agents import COLLECT, FLOW, HOTEL, Bench, Files, call, handler, parameter, route, small

IN_FLOW: Final = Finding("CX201", "Booking > Start Page > route true", "pay", "The tag 'pay' has no handler.", FLOW)


def of_app(file: str) -> Finding:
    return Finding("CX203", "handler pay", "pay", "No place: 50 %,\r\nnone\x1b.", file, 12, is_in_app=True)


_STRAY: Final = "-[a-zA-Z]{2}]?$"
"""The end of the schema's two patterns for languages, with a bracket too many, which not every engine reads."""
SARIF: Final = Draft7Validator(
    json.loads(
        (Path(__file__).parents[1] / "data/sarif-2.1.0.json")
        .read_text(encoding="utf-8")
        .replace(_STRAY, _STRAY.replace("]?", "?"))
    ),
    validate_formats=True,
)
"""The schema of the standard, which is closed but for properties of tools' own."""


@pytest.fixture
def agent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Agent:
    monkeypatch.chdir(bench.folder)
    return bench.agent()


def test_paths_are_told_from_the_current_directory(bench: Bench, agent: Agent, tmp_path: Path) -> None:
    assert path_of(agent, IN_FLOW) == f"{agent.source.name}/{FLOW}"
    assert path_of(agent, of_app(str(bench.folder / "app/main.py"))) == "app/main.py"
    assert path_of(agent, of_app("/elsewhere/main.py")) == "/elsewhere/main.py"
    assert path_of(agent, Finding("CX403", "module names", "x", "y.")) == agent.source.name


def test_an_agent_in_a_zip_is_the_zip(bench: Bench, agent: Agent) -> None:
    from cxfulfill.agent.export import read_export

    zipped = read_export(small().zip(bench.folder / "agent.zip", "inner/"))

    assert path_of(zipped, IN_FLOW) == "agent.zip"


def test_a_root_in_a_folder_is_a_part_of_the_path(bench: Bench, agent: Agent) -> None:
    from cxfulfill.agent.export import read_export

    small().write(bench.folder / "outer/inner")

    assert path_of(read_export(bench.folder / "outer"), IN_FLOW) == f"outer/inner/{FLOW}"


def test_json_has_all_there_is(agent: Agent) -> None:
    document = as_json(agent, [IN_FLOW, of_app("/elsewhere/main.py")])

    assert document["counts"] == {"error": 1, "warning": 1}
    assert document["agent"] == "Small"
    first, second = document["findings"]
    assert first == {
        "code": "CX201", "severity": "error", "title": RULES["CX201"].title, "place": IN_FLOW.place, "about": "pay",
        "problem": IN_FLOW.problem, "advice": RULES["CX201"].advice, "path": f"{agent.source.name}/{FLOW}",
        "file": FLOW, "line": None, "fingerprint": IN_FLOW.fingerprint,
    }  # fmt: skip
    assert (second["file"], second["line"]) == ("", 12)


def test_sarif_is_valid(bench: Bench, agent: Agent) -> None:
    log = as_sarif(agent, [IN_FLOW, of_app("/else where/main.py"), of_app(str(bench.folder / "app/ma in.py"))])

    SARIF.validate(log)
    [run] = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(RULES)
    for result in run["results"]:
        assert list(RULES)[result["ruleIndex"]] == result["ruleId"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [place["artifactLocation"].get("uriBaseId") for place in places] == ["%SRCROOT%", None, "%SRCROOT%"]
    assert [place["region"]["startLine"] for place in places] == [1, 12, 12]
    assert places[1]["artifactLocation"]["uri"] == "file:///else%20where/main.py"
    assert places[2]["artifactLocation"]["uri"] == "app/ma%20in.py"


def test_what_is_no_sarif_is_told_by_its_schema(agent: Agent) -> None:
    log = as_sarif(agent, [IN_FLOW])
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    with pytest.raises(ValidationError, match="0 is less than the minimum of 1"):
        SARIF.validate(log)
    with pytest.raises(ValidationError, match="Additional properties are not allowed"):
        SARIF.validate({**as_sarif(agent, []), "results": []})


def test_a_finding_of_any_rule_is_valid_sarif(agent: Agent) -> None:
    found = [Finding(code, "webhook x", "", "Wrong: %\x1b\r\n\U0001f600.", FLOW) for code in RULES]

    SARIF.validate(as_sarif(agent, [*found, *(Finding(code, "", "", "?", "") for code in RULES)]))


def line_in(bench: Bench, file: str, about: str, place: str = "Booking > Done > entry") -> str:
    agent = bench.agent()
    number = line_of(agent, Finding("CX201", place, about, "Wrong.", file))
    return ["", *(agent.source / file).read_text(encoding="utf-8").splitlines()][number].strip()


def test_the_line_is_that_of_the_subject_or_of_the_place(bench: Bench) -> None:
    assert line_in(bench, FLOW, "hello") == '"tag": "hello"'
    assert line_in(bench, COLLECT, "book arrival") == '"tag": "book"'
    assert line_in(bench, FLOW, "", "Booking > Start Page > event again") == '"event": "again",'
    assert line_in(bench, HOTEL, "", "webhook Hotel") == '"displayName": "Hotel",'
    assert line_in(bench, FLOW, "nowhere") == ""
    assert line_of(bench.agent(), Finding("CX201", "x", "hello", "Wrong.", "gone.json")) == 0
    gson = Finding("CX201", "x", "a<b", "Wrong.", FLOW)
    assert line_of(bench.agent(lambda files: files.update({FLOW: '{\n"tag": "a\\u003cb"}'})), gson) == 2


def test_the_line_is_that_of_the_place_where_others_have_the_same_subject(bench: Bench) -> None:
    def change(files: Files) -> None:
        prompts = [handler("sys.no-input-1", call("late")), handler("sys.no-match-1", call("late"))]
        behavior = {"initialPromptFulfillment": call("ask"), "repromptEventHandlers": prompts}
        asked = [parameter(name, "@sys.any", fillBehavior=behavior) for name in ("first", "second")]
        conditions = [route(call("paid"), condition=f"$session.params.n {sign} 1 AND (true)") for sign in "<>"]
        files[COLLECT] = {"displayName": "Collect", "form": {"parameters": asked}, "transitionRoutes": conditions}

    agent = bench.agent(change)
    lines = (agent.source / COLLECT).read_text(encoding="utf-8").splitlines()

    def at(place: str, about: str) -> int:
        return line_of(agent, Finding("CX201", f"Booking > Collect > {place}", about, "Wrong.", COLLECT))

    reprompts = [at(f"reprompt {name} ({event})", "late") for name in ("first", "second")
                 for event in ("sys.no-input-1", "sys.no-match-1")]  # fmt: skip
    assert reprompts == [number for number, line in enumerate(lines, 1) if '"late"' in line]
    prompts = [at(f"initial prompt {name}", "ask") for name in ("first", "second")]
    assert prompts == [number for number, line in enumerate(lines, 1) if '"ask"' in line]
    routes = [at(f"route $session.params.n {sign} 1 AND (true)", "paid") for sign in "<>"]
    assert routes == [number for number, line in enumerate(lines, 1) if '"paid"' in line]


def test_annotations_are_lines_of_a_workflow(agent: Agent) -> None:
    one, other = as_annotations(agent, [IN_FLOW, of_app("/x,y:z/main.py")])

    assert re.fullmatch(
        r"::error file=agent-\d+/flows/Booking/Booking\.json,line=1,title=CX201 a tag without a handler::"
        r"Booking > Start Page > route true: The tag 'pay' has no handler\. Register .*",
        one,
    )
    assert other.startswith("::warning file=/x%2Cy%3Az/main.py,line=12,title=CX203 ")
    assert "No place: 50 %25,%0D%0Anone?." in other
    assert "\n" not in other


def test_a_fingerprint_is_that_of_code_place_and_subject() -> None:
    same = Finding("CX201", IN_FLOW.place, "pay", "Other words.", "other.json", 3)
    others = [
        Finding("CX202", IN_FLOW.place, "pay", IN_FLOW.problem),
        Finding("CX201", "elsewhere", "pay", IN_FLOW.problem),
        Finding("CX201", IN_FLOW.place, "bay", IN_FLOW.problem),
    ]

    assert same.fingerprint == IN_FLOW.fingerprint
    assert len({each.fingerprint for each in (IN_FLOW, *others)}) == 4


def test_lines_are_found_however_many_findings_a_file_has(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "agent")
    agent = read_export(folder)
    names = [f"gone {number}" for number in range(3000)]
    path = folder / "webhooks/Hotel.json"
    path.write_text("\n".join(f'"x\u2028{name}", "{name}"' for name in names), encoding="utf-8")

    found = [line_of(agent, Finding("CX101", "x", name, "", "webhooks/Hotel.json")) for name in names]

    assert found == list(range(1, 3001))
