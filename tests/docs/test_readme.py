"""Every snippet of the README runs, and says what the README says that it says."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import flask
import pytest

from cxfulfill.testing import Cx
from tests.docs import pages
from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PASSWORD = "a-long-random-password"


@pytest.fixture(scope="module")
def snippets() -> Iterator[dict[str, Any]]:
    """The names that the README's Python blocks leave, run in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_PASSWORD", PASSWORD)
        names = pages.snippets(ROOT / "README.md")
        yield names
        names["webhook"].close()


def block(language: str, containing: str) -> str:
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text]
    assert len(found) == 1
    return str(found[0])


def post(app: flask.Flask, body: str) -> Any:
    headers = {"Content-Type": "application/json"}
    return app.test_client().post("/webhook", data=body, headers=headers, auth=("cx-agent", PASSWORD))


def test_the_curl_line_gets_the_answer_that_is_shown(snippets: dict[str, Any]) -> None:
    command = shlex.split(block("console", "$ curl").replace("$ ", ""))
    assert f"WEBHOOK_PASSWORD={PASSWORD}" in command
    assert f"cx-agent:{PASSWORD}" in command
    answer = post(snippets["app"], command[command.index("-d") + 1])
    assert answer.status_code == 200
    assert answer.get_data(as_text=True) == block("json", "Hello, Ada!").strip()


def test_its_test_passes(snippets: dict[str, Any]) -> None:
    snippets["test_hello"](Cx.of(snippets["webhook"]))


def test_links_lead_somewhere() -> None:
    for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert target.startswith("https://") or (ROOT / target).exists(), target
