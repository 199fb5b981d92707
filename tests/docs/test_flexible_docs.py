"""Every snippet of the pages about flexible webhooks and schemas runs, and does what the page says."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cxfulfill import Webhook
from cxfulfill.http import METHODS
from cxfulfill.protocol.json import MAX_REPLY_BYTES
from tests.docs.pages import ROOT, snippets
from tests.pipeline.support import basic, post
from tests.pipeline.test_flexible import get, send

FLEXIBLE = ROOT / "docs/flexible/flexible-webhooks.md"
SCHEMAS = ROOT / "docs/parameters/schemas.md"
CREDENTIAL = {"Authorization": basic("cx-agent:a-long-random-password")}


def names_of(page: Path) -> Iterator[dict[str, Any]]:
    names = snippets(page)
    yield names
    names["webhook"].close()


@pytest.fixture
def flexible() -> Iterator[Webhook]:
    for names in names_of(FLEXIBLE):
        yield names["webhook"]


@pytest.fixture
def schemas() -> Iterator[Webhook]:
    for names in names_of(SCHEMAS):
        yield names["webhook"]


def test_query_and_body_are_the_same(flexible: Webhook) -> None:
    query = "size=3&colors=" + quote('["red"]')
    expected = {"total": {"amount": 9, "currency": "EUR"}, "colors": ["red"]}
    assert get(flexible, "/prices/apple", query, headers=CREDENTIAL).json == expected
    assert send(flexible, "/prices/apple", {"size": 3, "colors": ["red"]}, headers=CREDENTIAL).json == expected


def test_the_other_routes(flexible: Webhook) -> None:
    number = {"order-number": 17, "total": {"amount": 40, "currency": "EUR"}}
    assert get(flexible, "/orders/17", headers=CREDENTIAL).json == number
    assert get(flexible, "/orders/17", method="DELETE", headers=CREDENTIAL).json == {"cancelled": True}
    assert get(flexible, "/orders/17", headers=CREDENTIAL).reason == "no_such_order"
    assert send(flexible, "/legacy", {}, headers=CREDENTIAL).json == {"sessionInfo": {"parameters": {"x": 5}}}
    key = {"X-Partner-Key": "another-long-random-secret", "Authorization": None}
    assert get(flexible, "/partners", headers=key).json == ["Quay Cars"]
    first, again = (send(flexible, "/payments", {"order_id": "a", "amount": 5}, headers=CREDENTIAL) for _ in range(2))
    assert (first.body, again.headers["Idempotent-Replayed"]) == (again.body, "true")
    assert get(flexible, "/weather/Kiel", headers=CREDENTIAL).json == {"forecast": "rain"}


def test_methods_and_figures_are_those_of_the_code() -> None:
    page = FLEXIBLE.read_text(encoding="utf-8")
    listed = re.search(r"CX's seven: (.*?)\. HEAD", page)
    assert listed
    assert re.findall(r"[A-Z]+", listed[1]) == ["POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]
    assert len(METHODS) == 7
    assert f"{MAX_REPLY_BYTES:,} bytes" in page


MODULES = ("calls", "collecting", "paths")


def test_every_reason_of_flexible_calls_is_on_the_page() -> None:
    page = FLEXIBLE.read_text(encoding="utf-8")
    reasons = {
        ast.literal_eval(keyword.value)
        for name in MODULES
        for node in ast.walk(ast.parse((ROOT / f"cxfulfill/{name}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "reason"
    }
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def call(webhook: Webhook, tag: str, form: dict[str, Any], **parameters: Any) -> Any:
    body = {
        "fulfillmentInfo": {"tag": tag},
        "sessionInfo": {"parameters": {**form, **parameters}},
        "pageInfo": {"formInfo": {"parameterInfo": [{"displayName": name, "state": "FILLED"} for name in form]}},
    }
    return post(webhook, json.dumps(body).encode(), headers=CREDENTIAL)


def test_the_answers_on_the_page_of_schemas(schemas: Webhook) -> None:
    _, reprompt = (json.loads(block) for block in blocks(SCHEMAS, "json"))
    date = {"year": 2030.0, "month": 6.0, "day": 14.0}
    assert call(schemas, "book", {}, **{"check-in": date, "nights": 3.0}).said == "3 nights from 14 June 2030."
    assert call(schemas, "visit", {}, **{"room-type": "double"}).said == "A double room."
    assert call(schemas, "book-strictly", {}, **{"check-in": date}).said == "From 2030-06-14."
    assert call(schemas, "reserve", {"guests": 12.0}).json == reprompt


def test_the_problem_on_the_page_of_schemas(schemas: Webhook) -> None:
    problem, _ = (json.loads(block) for block in blocks(SCHEMAS, "json"))
    schemas.layer.error_handlers.clear()  # the page shows it before it registers one
    date = {"year": 2030.0, "month": 6.0, "day": 14.0}
    answer = call(schemas, "book", {}, **{"check-in": date, "nights": 0}).json
    assert {**answer, "instance": "/requests/..."} == problem


def test_an_error_handler_answers(schemas: Webhook) -> None:
    result = call(schemas, "book", {}, nights=0)
    assert result.said == "Field required"
    assert result.json["sessionInfo"]["parameters"] == {"nights": None}


@pytest.mark.parametrize("page", [FLEXIBLE, SCHEMAS])
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https://)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links
    assert all((page.parent / link).exists() for link in links)
