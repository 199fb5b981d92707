"""The page about recordings: its line and its differences are real ones, its figures those of the code."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from cxfulfill import BasicAuth, Context, Reply, Webhook
from cxfulfill import redaction as private
from cxfulfill.cli.commands import cli
from cxfulfill.recording import FLEXIBLE, MAX_BYTES, SESSIONLESS, Recording, digest
from cxfulfill.settings.table import BY_NAME
from tests.clock import Clock
from tests.docs.pages import ROOT, snippets
from tests.pipeline.support import basic, post

PAGE = ROOT / "docs/simulate/record-and-replay.md"
TEXT = PAGE.read_text(encoding="utf-8")
PASSWORD = "a-long-random-password"
SESSION = "projects/hotel-1/locations/europe-west1/agents/0c5a2b1e/sessions/a1b2"


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The page's one call, of a webhook with other prices."""
    clock = Clock(0.0)
    body = {
        "detectIntentResponseId": "f5e1", "fulfillmentInfo": {"tag": "book-room"},
        "sessionInfo": {"session": SESSION, "parameters": {"nights": 2.0, "email": "jane@mail.example"}},
        "languageCode": "en", "text": "two nights, and mail it to jane@mail.example",
    }  # fmt: skip
    with closing(Webhook(auth=BasicAuth("cx-agent", PASSWORD), clock=clock)) as webhook:

        @webhook.handler("book-room")
        def book_room(ctx: Context) -> Reply:
            clock.seconds += 0.0012
            return Reply("2 nights are 240 euros.", parameters={"total": 240})

        webhook.recording = Recording(tmp_path / "recorded", now=lambda: datetime(2030, 6, 14, 9, 30, tzinfo=UTC))
        post(webhook, json.dumps(body).encode(), headers={"Authorization": basic(f"cx-agent:{PASSWORD}")})
    return tmp_path / "recorded"


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    made = snippets(PAGE)
    with closing(made["webhook"]):
        yield made


def test_the_line_is_a_real_one(recorded: Path) -> None:
    [shown] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    [file] = recorded.iterdir()
    assert file.name == f"{digest(SESSION)}.jsonl"
    assert json.loads(file.read_text()) == json.loads(shown)
    assert list(json.loads(file.read_text())) == list(json.loads(shown))


def test_the_differences_are_real_ones(recorded: Path, names: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("main_of_a_page")
    vars(module)["webhook"] = names["webhook"]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    [shown] = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    [file] = recorded.iterdir()
    file = file.rename(recorded / "3a7bd3e2360a.jsonl")
    result = CliRunner().invoke(cli, ["replay", str(file), "--app", "main_of_a_page:webhook"])
    assert (result.exit_code, result.output) == (1, shown)


def test_the_snippet_finds_them_too(recorded: Path, names: dict[str, Any]) -> None:
    assert [change.partition(": ")[2] for change in names["what_changed"](recorded)] == [
        "fulfillmentResponse.messages[0].text.text[0]", "sessionInfo.parameters.total",
    ]  # fmt: skip


def test_names_and_figures_are_those_of_the_code() -> None:
    assert f"files have {MAX_BYTES // 2**20} MB" in TEXT
    assert f"`{FLEXIBLE}`" in TEXT
    assert f"`{SESSIONLESS}`" in TEXT
    assert f"numbers of {private.LONG} digits" in TEXT
    [row] = re.findall(r"their name has in it (.*?); in any", TEXT)
    assert set(re.findall(r"`(\w+)`", row)) == {*private._ANYWHERE, *private._WORDS}
    for variable in re.findall(r"CXFULFILL_(\w+)", TEXT):
        assert variable in BY_NAME


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
