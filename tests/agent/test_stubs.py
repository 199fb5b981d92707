"""Handlers, tests and names that are written of an agent run, type-check and are clean as they are."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cxfulfill.agent import stub_imports
from cxfulfill.agent.names_module import names_module
from cxfulfill.agent.stub_imports import with_import
from cxfulfill.agent.stub_module import Module
from cxfulfill.agent.stubs import Tag, add_handlers, tags_of
from cxfulfill.cli.commands import cli
from tests.agent.agents import COLLECT, DONE, FLOW, Bench, Files, call, route, small
from tests.agent.hostile import hostile

ROOT = Path(__file__).parents[2]
TOOLS = (
    ("ruff", "check", "--isolated", "."),
    ("ruff", "format", "--isolated", "--line-length", "120", "--check", "."),
    ("mypy", "--strict", "handlers.py", "names.py", "tests/test_handlers.py"),
    ("pytest", "-q", "-W", "error", "tests"),
)


def run(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def written(export: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder)
    arguments = ["agent", "stubs", str(export), "--out", "handlers.py", "--tests", "tests/test_handlers.py"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert CliRunner().invoke(cli, ["agent", "names", str(export), "--out", "names.py"]).exit_code == 0
    return result.output


@pytest.mark.parametrize("kind", ["example", "hostile"])
def test_what_is_written_is_clean_and_its_tests_pass(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = ROOT / "example_app/agent" if kind == "example" else hostile().write(tmp_path / "agent")
    folder = tmp_path / "made"
    folder.mkdir()

    written(export, folder, monkeypatch)

    for tool in TOOLS:
        run(folder, *tool)
    for path in folder.rglob("*.py"):
        assert max(map(len, path.read_text(encoding="utf-8").split("\n"))) <= 120


def test_running_it_again_adds_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = small()
    export = files.write(tmp_path / "agent")
    folder = tmp_path / "made"
    folder.mkdir()
    written(export, folder, monkeypatch)
    out = folder / "handlers.py"
    before = out.read_text(encoding="utf-8").replace("is not written yet", "is mine")
    out.write_text(before, encoding="utf-8")

    assert "0 added, 3 known" in written(export, folder, monkeypatch)
    assert out.read_text(encoding="utf-8") == before

    files[FLOW]["transitionRoutes"].append(route(call("pay", setParameterActions=[{"parameter": "n", "value": 1}])))
    files.write(export)
    assert "1 added, 3 known" in written(export, folder, monkeypatch)
    after = ast.parse(out.read_text(encoding="utf-8"))
    kept = [ast.dump(node) for node in ast.parse(before).body if not isinstance(node, ast.ImportFrom)]
    now = [ast.dump(node) for node in after.body if not isinstance(node, ast.ImportFrom)]
    assert now[: len(kept)] == kept
    for tool in TOOLS:
        run(folder, *tool)


def test_imports_stand_where_sorters_look_for_them() -> None:
    text = '"""Doc."""\n\nfrom cxfulfill import Reply\n\nX = 1\n'

    assert "from cxfulfill import Context, Reply\n" in with_import(text, "cxfulfill", ["Context"])
    assert '"""\n\nfrom typing import Any\n\nfrom cxf' in with_import(text, "typing", ["Any"])
    assert with_import("x = 1\n", "typing", ["Any"]).startswith("from typing import Any\n\nx")


def test_check_tells_of_every_difference_to_a_module_of_names(bench: Bench) -> None:
    module = bench.module(names_module(bench.agent())).__name__

    assert bench(names=module) == []

    def renamed(files: dict[str, dict[str, object]]) -> None:
        files["flows/Booking/pages/New.json"] = {**files[DONE], "name": "new-id", "displayName": "New"}

    found = [each for each in bench(renamed, names=module) if each.code == "CX403"]
    assert [each.about for each in found] == ["Flows.Booking.NEW"]


def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    out = tmp_path / "names.py"
    out.write_text("mine = 1\n", encoding="utf-8")

    result = CliRunner().invoke(cli, ["agent", "names", str(ROOT / "example_app/agent"), "--out", str(out)])

    assert result.exit_code == 2
    assert out.read_text(encoding="utf-8") == "mine = 1\n"


def test_handlers_that_are_there_are_found_however_they_name_their_tags() -> None:
    source = (
        'from cxfulfill import Context as C, Webhook\r\nTAG = "b"\r\nw = Webhook()\r\n'
        '@w.handler("a*")\r\ndef a(ctx): ...\r\nw.add_handler(TAG, a)\r\nw.add_handler(["c", *x], a)\r\n'
    )
    module = Module(source, "")
    tags = [Tag(name, (), ()) for name in ("ab", "b", "c", "d")]

    assert add_handlers(module, tags) == ["d"]
    text = module.source()
    assert text.count("\n") == text.count("\r\n")
    assert '@w.handler("d")\r\ndef d(ctx: C) -> Reply:' in text


@pytest.mark.parametrize(
    ("arguments", "there", "sentence"),
    [
        (["--out", "handlers.py", "--webhook", "Gone"], "", "the agent has no webhook 'Gone'"),
        (["--out", "my-handlers.py", "--tests", "t.py"], "", "named as modules are"),
        (["--out", "handlers.py"], "def", "cannot be read as Python"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], there: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "handlers.py").write_text(there, encoding="utf-8")

    result = CliRunner().invoke(cli, ["agent", "stubs", str(ROOT / "example_app/agent"), *arguments])

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


def test_parameters_come_of_intents_generators_and_presets_too(bench: Bench) -> None:
    def changed(files: Files) -> None:
        parameters = [{"id": "guest", "entityType": "@sys.person"}, {"id": "arrival", "entityType": "@sys.number"}]
        files["intents/book/book.json"]["parameters"] = parameters
        told = call("x", generators=[{"outputParameter": "summary"}])
        files[COLLECT]["transitionRoutes"] = [route(told, intent="book"), route(call("x"), condition="true")]

    (tag,) = (each for each in tags_of(bench.agent(changed)) if each.tag == "x")

    found = {each.name: (each.given.kind, each.is_required) for each in tag.parameters}
    assert found == {
        "arrival": ("", False), "room": ("@room", False), "guest": ("@sys.person", False), "summary": ("", False),
    }  # fmt: skip


@pytest.mark.parametrize(("members", "values", "options", "kind"), [
    ({"kind": "KIND_MAP"}, ["single", "double"], ("single", "double"), "@room"),
    ({"kind": "KIND_MAP", "autoExpansionMode": "AUTO_EXPANSION_MODE_DEFAULT"}, ["single", "double"], (), "@room"),
    ({"kind": "KIND_MAP", "autoExpansionMode": "AUTO_EXPANSION_MODE_UNSPECIFIED"}, ["one"], ("one",), "@room"),
    ({"kind": "KIND_LIST"}, ["single"], (), "@room"),
    ({"kind": "KIND_LIST"}, ["@sys.number-integer:count @bed:bed"], (), ""),
    ({"kind": "KIND_REGEXP"}, ["[A-Z]@[0-9]"], (), "@room"),
])  # fmt: skip
def test_an_entity_type_is_read_in_every_form_that_its_values_have(
    members: dict[str, Any], values: list[str], options: tuple[str, ...], kind: str, bench: Bench
) -> None:
    def changed(files: Files) -> None:
        files["entityTypes/room/room.json"] = {"displayName": "room", **members}
        files["entityTypes/room/entities/en.json"] = {"entities": [{"value": value} for value in values]}

    (tag,) = (each for each in tags_of(bench.agent(changed)) if each.tag == "book")
    (room,) = (each for each in tag.parameters if each.name == "room")

    assert (room.options, room.given.kind, room.is_required) == (options, kind, True)


def test_handlers_alone_are_written_and_what_cannot_be_written_or_read_is_told(tmp_path: Path) -> None:
    stubs = ["agent", "stubs", str(ROOT / "example_app/agent"), "--out"]
    out = tmp_path / "handlers.py"
    (tmp_path / "file").write_text("")
    (tmp_path / "other.py").write_bytes(b"\xff")

    alone = CliRunner().invoke(cli, [*stubs, str(out)])
    assert (alone.exit_code, out.exists(), len(list(tmp_path.iterdir()))) == (0, True, 3)
    blocked = CliRunner().invoke(cli, [*stubs, str(tmp_path / "file" / "handlers.py")])
    assert blocked.exit_code == 2
    assert "Invalid value for --out" in blocked.output
    binary = CliRunner().invoke(cli, [*stubs, str(tmp_path / "other.py")])
    assert binary.exit_code == 2
    assert "the file that is there is not UTF-8" in binary.output
    (tmp_path / "link.py").symlink_to("link.py")
    looped = CliRunner().invoke(cli, [*stubs, str(tmp_path / "link.py")])
    assert "cannot be" in looped.output
    same = CliRunner().invoke(cli, [*stubs, str(out), "--tests", str(out)])
    assert same.exit_code == 2
    assert (tmp_path / "other.py").read_bytes() == b"\xff"


def test_an_import_on_the_line_of_another_statement_stays() -> None:
    module = Module('"""Old."""\n\nimport os; KEEP = os.sep\n', "New.")
    module.append(f"FIRST: {module.imported('typing', 'Final')} = 1")

    assert "import os; KEEP = os.sep\n" in module.source()
    assert "from typing import Final" in module.source()
    compile(module.source(), "module", "exec")


def test_tags_of_several_webhooks_and_flexible_ones_are_told(bench: Bench) -> None:
    def run(name: str, agent: Files) -> str:
        export = str(agent.write(bench.folder / name))
        out = str(bench.folder / f"{name}.py")
        return CliRunner().invoke(cli, ["agent", "stubs", export, "--out", out]).output

    several, alone = small(), small()
    several["webhooks/Shop.json"] = {"displayName": "Shop", "genericWebService": {"uri": "https://shop.example/cx"}}
    several[FLOW]["transitionRoutes"].append(route(call("pay", "Shop"), condition="true"))
    del alone["webhooks/Orders.json"], alone["webhooks/Quotes.json"]

    told = run("several", several)
    assert "The tags are those of several webhooks, Hotel, Shop: choose yours with --webhook." in told
    assert "write those of Orders, Quotes by hand" in told
    del alone[DONE]
    assert run("alone", alone).endswith("2 added, 0 known\n")


def test_imports_are_where_sorters_look_although_pytest_is_installed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub_imports, "packages_distributions", dict)
    stub_imports._installed.cache_clear()
    try:
        text = with_import("from cxfulfill import Webhook\n", "pytest", [])
    finally:
        stub_imports._installed.cache_clear()

    assert text == "import pytest\nfrom cxfulfill import Webhook\n"
