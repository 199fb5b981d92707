"""The guides for migrations: what is there before and after, and on the way, runs and answers the same."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import flask
import pytest
from click.testing import CliRunner

from cxfulfill.cli.commands import cli
from cxfulfill.settings.table import PREFIX, SETTINGS
from cxfulfill.testing import Cx
from tests.docs.pages import ROOT, dead_links, write_files

PAGES = {page.stem: page for page in sorted((ROOT / "docs/migrate").glob("*.md"))}
HEADINGS = ["Before", "After", "What maps to what", "What you gain", "What stays your work", "Step by step"]
TOKEN = "qn4XvT8dLr2kWc7yBz5m"
ENVIRONMENT = {
    "WEBHOOK_TOKEN": TOKEN,
    "CXFULFILL_AUTH": "header",
    "CXFULFILL_HEADER_NAME": "Authorization",
    "CXFULFILL_HEADER_VALUE": f"Bearer {TOKEN}",
}
STAY = {"nights": 3, "room-type": "double"}
Load = Callable[[str, str], ModuleType]
every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Write a page's files into a folder, and import one of them."""
    for variable in (name for name in list(os.environ) if name.startswith(PREFIX)):
        monkeypatch.delenv(variable)
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    known = set(sys.modules)

    def load_module(page: str, module: str) -> ModuleType:
        write_files(PAGES[page], tmp_path)
        importlib.invalidate_caches()
        return importlib.import_module(module)

    yield load_module
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            made = sys.modules.pop(name)
            if hasattr(made, "webhook") and hasattr(made.webhook, "close"):
                made.webhook.close()


def body(tag: str, **parameters: Any) -> dict[str, Any]:
    """Make a request as the old code reads it."""
    return {"fulfillmentInfo": {"tag": tag}, "sessionInfo": {"parameters": parameters}}


def said(answer: Any) -> str:
    """Give the first text of an answer of the old code."""
    return str(answer["fulfillmentResponse"]["messages"][0]["text"]["text"][0])


@every_page
def test_every_guide_has_the_same_parts(name: str) -> None:
    found = re.findall(r"^## (.+)$", PAGES[name].read_text(encoding="utf-8"), re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == HEADINGS


@every_page
def test_what_comes_after_answers_and_lets_no_stranger_in(name: str, load: Load) -> None:
    with closing(Cx.of(load(name, "main").webhook)) as cx:
        result = cx.call("quote", parameters={**STAY, "offer": "X"})
        assert result.ok
        assert "360 euros" in result.texts[0]
        assert result.parameters["price"] == 360
        refused = cx.call("quote", parameters={"nights": "many", "room-type": "double"})
        assert refused.event == "webhook.error.bad-request"
        assert cx.as_caller(None).call("quote").event == "webhook.error.rejected"


@pytest.mark.parametrize("name", [name for name in PAGES if name != "from-dialogflow-fulfillment"])
def test_the_other_handler_answers(name: str, load: Load) -> None:
    with closing(Cx.of(load(name, "main").webhook)) as cx:
        assert cx.call("opening-hours").texts == ["We are open from 9 to 18."]


@pytest.mark.parametrize("name", ["from-flask", "from-ezcx-python", "from-ezcx-go"])
def test_a_parameter_is_deleted_as_before(name: str, load: Load) -> None:
    with closing(Cx.of(load(name, "main").webhook)) as cx:
        assert "offer" not in cx.call("quote", parameters={**STAY, "offer": "X"}).parameters


def test_the_old_flask_app_answers_as_the_new_one(load: Load) -> None:
    client = load("from-flask", "old").app.test_client()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = client.post("/webhook", json=body("quote", **STAY), headers=headers)
    assert said(answer.json) == "3 nights are 360 euros."
    assert answer.json["sessionInfo"]["parameters"] == {"price": 360, "offer": None}
    assert client.post("/webhook", json=body("nothing"), headers=headers).status_code == 404
    assert client.post("/webhook", json=body("quote")).status_code == 401
    broken = client.post("/webhook", json=body("quote", nights="my secret"), headers=headers)
    assert "my secret" in broken.json["error"]  # what the page says of exceptions' texts


def test_both_flask_webhooks_are_in_one_app_on_the_way(load: Load) -> None:
    step = load("from-flask", "step")
    client, headers = step.app.test_client(), {"Authorization": f"Bearer {TOKEN}"}
    old, new = (client.post(path, json=body("quote", **STAY), headers=headers).json for path in ("/webhook", "/cx"))
    assert old == new
    unknown = client.post("/cx", json=body("nothing"), headers=headers)
    assert (unknown.status_code, unknown.json["reason"]) == (404, "unknown_tag")
    with closing(Cx.of(step.webhook)) as cx:
        second = cx.call_twice("quote", parameters=STAY)[1]
        assert second.replayed


def test_what_was_recorded_on_the_way_is_compared(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXFULFILL_RECORD", "recorded")
    step = load("from-flask", "step")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert step.app.test_client().post("/cx", json=body("quote", **STAY), headers=headers).status_code == 200
    [command] = re.findall(r"^\$ cxfulfill (.*)$", PAGES["from-flask"].read_text(encoding="utf-8"), re.MULTILINE)
    monkeypatch.delenv("CXFULFILL_RECORD")
    assert [*(tmp_path / "recorded").iterdir()]
    same = CliRunner().invoke(cli, shlex.split(command))
    assert same.exit_code == 0, same.output
    result = CliRunner().invoke(cli, shlex.split(command.replace("step:", "main:")))
    assert "1 call was sent again" in result.output


def test_the_old_function_answers_as_the_new_one(load: Load) -> None:
    old, new = (load("from-functions-framework", name) for name in ("old", "main"))
    app, headers = flask.Flask("functions"), {"Authorization": f"Bearer {TOKEN}"}
    for tag in ("quote", "opening-hours", "else"):
        answers = []
        for target in (old.webhook, new.main):
            with app.test_request_context("/", method="POST", json=body(tag, **STAY), headers=headers):
                answers.append(app.make_response(target(flask.request._get_current_object())).json)  # type: ignore[attr-defined]
        assert said(answers[0]) == said(answers[1])
    with app.test_request_context("/health"):
        assert new.main(flask.request._get_current_object()).json == {"status": "ok"}  # type: ignore[attr-defined]


def test_what_was_a_context_is_a_parameter_and_a_page(load: Load) -> None:
    main = load("from-dialogflow-fulfillment", "main")
    with closing(Cx.of(main.webhook)) as cx:
        assert cx.call("book").page == main.ASK_NIGHTS
        cx.call("quote", parameters=STAY)
        result = cx.call("book")
        assert result.texts == ["Booked for 360 euros."]
        assert "price" not in result.parameters
        assert cx.call("nothing").texts == ["I cannot help with that yet."]


def test_the_old_code_of_ezcx_is_python() -> None:
    """It cannot run beside today's protobuf, as its page says."""
    [old] = re.findall(r"```python\n(# old.py\n.*?)```", PAGES["from-ezcx-python"].read_text("utf-8"), re.DOTALL)
    compile(old, "old.py", "exec")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js: apt-get install nodejs")
def test_the_old_code_of_es_is_javascript(tmp_path: Path) -> None:
    assert "old.js" in write_files(PAGES["from-dialogflow-fulfillment"], tmp_path)
    subprocess.run(["node", "--check", str(tmp_path / "old.js")], check=True)


@every_page
def test_links_lead_somewhere(name: str) -> None:
    assert dead_links(PAGES[name]) == []


@every_page
def test_every_variable_is_a_setting(name: str) -> None:
    known = {f"{PREFIX}{setting.name}" for setting in SETTINGS}
    assert set(re.findall(rf"{PREFIX}\w+", PAGES[name].read_text(encoding="utf-8"))) <= known
