"""The page about long work: its handler answers, its figures are those of the code."""

import json
from typing import Any

import pytest

from cxfulfill.deferral import parameter_of
from cxfulfill.idempotency import policy
from tests.docs.pages import ROOT, snippets
from tests.pipeline.support import Result, basic, post

PAGE = ROOT / "docs/operate/long-work.md"
CREDENTIAL = {"Authorization": basic("cx-agent:a-long-random-password")}


@pytest.fixture
def names() -> Any:
    made = snippets(PAGE)
    yield made
    made["webhook"].close()


def call(names: dict[str, Any], **parameters: Any) -> Result:
    body = {
        "detectIntentResponseId": "turn",
        "fulfillmentInfo": {"tag": "get-quote"},
        "sessionInfo": {"session": "projects/p/locations/l/agents/a/sessions/s", "parameters": parameters},
    }
    return post(names["webhook"], json.dumps(body).encode(), headers=CREDENTIAL)


def test_the_handler_answers(names: dict[str, Any]) -> None:
    assert call(names, hotel="Harbour").said == "It is 300 euros."
    lost = call(names, **{"job-get-quote": "0" * 32})
    assert lost.said == "I am sorry, something went wrong. Shall I look again?"
    assert lost.json["sessionInfo"]["parameters"] == {"job-get-quote": None}


def test_names_and_figures_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert parameter_of("get-quote") == "job-get-quote"
    assert parameter_of("get quote/2").startswith("job-get_quote_2-")
    assert len(parameter_of("get quote/2")) == len("job-get_quote_2-") + 6
    assert f"({policy.LEASE:.0f} seconds, for {policy.MAX_RUN / 60:.0f} minutes at most)" in text
    assert policy.BUSINESS_TTL == 86_400
    assert "kept for a day" in text
