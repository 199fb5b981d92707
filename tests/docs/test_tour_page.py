"""Every snippet of the tour runs, and says what the tour says that it says."""

import json
import re
from collections.abc import Iterator
from typing import Any

import flask
import pytest

from cxfulfill.testing import Cx
from tests.docs import pages
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/start/tour.md"
TEXT = PAGE.read_text(encoding="utf-8")
PASSWORD = "a-long-random-password"


@pytest.fixture(scope="module")
def snippets() -> Iterator[dict[str, Any]]:
    """The names that the tour's Python blocks leave, run in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_PASSWORD", PASSWORD)
        names = pages.snippets(PAGE)
        yield names
        names["webhook"].close()


def post(app: flask.Flask, body: str) -> Any:
    headers = {"Content-Type": "application/json"}
    return app.test_client().post("/webhook", data=body, headers=headers, auth=("cx-agent", PASSWORD))


def test_the_tests_of_a_handler_pass(snippets: dict[str, Any]) -> None:
    snippets["test_hello_alone"]()
    snippets["test_order"]()


@pytest.mark.parametrize("name", ["test_hello", "test_a_retry_runs_nothing_twice", "test_nobody_else_may_call"])
def test_the_conversations_pass(snippets: dict[str, Any], name: str) -> None:
    snippets[name](Cx.of(snippets["webhook"]))


@pytest.mark.parametrize(
    ("tag", "page", "expected"),
    [
        ("human", "Start", "A colleague takes over."),
        ("operator.now", "Start", "A colleague takes over."),
        ("nothing-like-it", "Start", "I cannot help with that yet."),
        ("book-room", "Start", "Booked!"),
        ("spa.massage", "Start", "When would you like to come?"),
    ],
)
def test_the_handlers_answer(snippets: dict[str, Any], tag: str, page: str, expected: str) -> None:
    body = {
        "fulfillmentInfo": {"tag": tag},
        "pageInfo": {"displayName": page},
        "sessionInfo": {"parameters": {"nights": 2.0, "room-type": "double"}},
    }
    answer = post(snippets["app"], json.dumps(body))
    assert answer.status_code == 200
    assert answer.json["fulfillmentResponse"]["messages"][0]["text"]["text"][0] == expected


def test_the_refused_booking_is_asked_again(snippets: dict[str, Any]) -> None:
    body = {
        "fulfillmentInfo": {"tag": "book-room"},
        "sessionInfo": {"parameters": {"nights": 45.0, "room-type": "double"}},
    }
    answer = post(snippets["app"], json.dumps(body)).json
    assert answer["pageInfo"]["formInfo"]["parameterInfo"] == [{"displayName": "nights", "state": "INVALID"}]
    assert answer["sessionInfo"]["parameters"] == {"nights": None}


def test_the_blueprint_serves(snippets: dict[str, Any]) -> None:
    answer = post(snippets["site"], json.dumps({"fulfillmentInfo": {"tag": "hello"}}))
    assert answer.json["fulfillmentResponse"]["messages"][0]["text"]["text"] == ["Hello, stranger!"]


def test_the_flexible_webhook_answers_as_shown(snippets: dict[str, Any]) -> None:
    [(path, shown)] = re.findall(
        r"`curl -u cx-agent:a-long-random-password http://127.0.0.1:8080(\S+)` answers `(.+?)`", TEXT
    )
    client = snippets["app"].test_client()
    assert client.get(path, auth=("cx-agent", PASSWORD)).get_data(as_text=True) == shown
    assert client.get("/orders/18", auth=("cx-agent", PASSWORD)).status_code == 404


def test_typed_parameters_in_and_out(snippets: dict[str, Any]) -> None:
    body = {
        "fulfillmentInfo": {"tag": "plan-trip"},
        "sessionInfo": {"parameters": {"check-in": {"year": 2030.0, "month": 6.0, "day": 28.0}, "nights": 3.0}},
    }
    answer = post(snippets["app"], json.dumps(body)).json
    assert answer["fulfillmentResponse"]["messages"][0]["text"]["text"] == ["Until 01 July."]
    assert answer["sessionInfo"]["parameters"] == {"check-out": {"year": 2030, "month": 7, "day": 1}}
    body = {"fulfillmentInfo": {"tag": "call-back"}, "sessionInfo": {"parameters": {"phone-number": "+1 415 555 0100"}}}
    answer = post(snippets["app"], json.dumps(body)).json
    assert answer["fulfillmentResponse"]["messages"][0]["text"]["text"] == ["We call +14155550100."]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https://)([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
