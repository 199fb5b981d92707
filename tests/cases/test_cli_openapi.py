"""``cxfulfill openapi``: the documents that it writes, and what it says beside them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from openapi_spec_validator import validate
from pydantic import BaseModel

from cxfulfill import Webhook
from cxfulfill.cli.commands import cli
from cxfulfill.openapi import describe, for_tools
from tests.cases.client import BASIC
from tests.cases.test_openapi import answer, answer_with

HOST = "https://hotel.example"


class Search(BaseModel):
    size: int | None = None
    colors: list[str] = []


class Shared(BaseModel):
    """What yaml would write by reference: a text that is no ASCII, ü, and values that look like others."""

    first: Search = Search()
    no: str = "no"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    module = ModuleType("app_of_a_test")
    webhook = Webhook(auth=BASIC)
    vars(module)["webhook"] = webhook
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield webhook
    webhook.close()


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["openapi", "--app", "app_of_a_test:webhook", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_the_default_is_what_a_tool_takes(webhook: Webhook) -> None:
    webhook.add_flexible("/search", answer_with, methods=["GET"], params=Search)
    webhook.add_flexible("/shared", answer_with, params=Shared)
    result = run("--url", f"{HOST}/")
    document = yaml.safe_load(result.stdout)
    validate(document)
    assert document == for_tools(describe(webhook, server=HOST)).document
    assert result.stdout.startswith("openapi: 3.0.3\n")
    assert "ü" in result.stdout
    assert "&id" not in result.stdout
    assert result.stderr == "The parameter colors of GET /search is left out: it takes a list or an object.\n"


def test_json_of_the_newer_version(webhook: Webhook) -> None:
    webhook.add_flexible("/search", answer_with, methods=["GET"], params=Search)
    result = run("--version", "3.1", "--format", "json", "--url", HOST)
    assert json.loads(result.stdout) == describe(webhook, server=HOST)
    assert result.stdout.endswith("}\n")
    assert result.stderr == ""


def test_a_tag(webhook: Webhook) -> None:
    webhook.add_handler("search", answer_with, params=Search)
    document = yaml.safe_load(run("--tag", "search", "--url", HOST).stdout)
    validate(document)
    assert document["paths"]["/webhook"]["post"]["operationId"] == "search"


def test_a_file(webhook: Webhook, tmp_path: Path) -> None:
    webhook.add_flexible("/shared", answer_with, params=Shared)
    path = tmp_path / "tool.yaml"
    assert run("--out", str(path), "--url", HOST).output == ""
    assert "ü" in path.read_text(encoding="utf-8")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["openapi"] == "3.0.3"
    missing = tmp_path / "none" / "tool.yaml"
    assert "No such file" in run("--out", str(missing), "--url", HOST, code=1).stderr


def test_nothing_is_written_where_nothing_can_be_described(webhook: Webhook, tmp_path: Path) -> None:
    webhook.add_handler("a", answer)
    path = tmp_path / "tool.yaml"
    result = run("--tag", "b", "--out", str(path), code=1)
    assert "no handler but a fallback takes the tag 'b'" in result.stderr
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "remark"),
    [
        ([], "Take care: a tool has to be told where the webhook is served; give --url.\n"),
        (["--url", "http://hotel.example"], "Take care: CX calls https only.\n"),
        (["--url", HOST], ""),
    ],
)
def test_remarks_on_the_url(webhook: Webhook, arguments: list[str], remark: str) -> None:
    webhook.add_flexible("/a", answer)
    assert run(*arguments).stderr == remark


def test_no_flexible_route(webhook: Webhook) -> None:
    webhook.add_handler("a", answer)
    result = run()
    assert result.stderr.startswith("There is no flexible route that could be described; --tag")
    assert yaml.safe_load(result.stdout)["paths"] == {}


def test_no_url(webhook: Webhook) -> None:
    stderr: Any = run("--url", "hotel.example", code=2).stderr
    assert "Invalid value for --url: it takes https://HOST" in stderr
