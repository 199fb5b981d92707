"""A session as a request shows it."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxfulfill.simulator.documents import tag_of
from cxfulfill.simulator.restoring import restore
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.turns import Sentiment, Turn

REQUESTS = sorted((Path(__file__).parents[2] / "example_app" / "requests").glob("*.json"))


@pytest.mark.parametrize("file", REQUESTS, ids=lambda file: file.stem)
def test_a_session_that_is_restored_sends_the_same_request(file: Path) -> None:
    request: dict[str, Any] = json.loads(file.read_text())

    assert restore(request).request(tag_of(request)) == request


@pytest.mark.parametrize("score", [-0.5, 0.0])
def test_a_sentiment_is_restored_also_where_it_is_neutral(score: float) -> None:
    session = Session()
    session.begin(Turn("text", "hm", sentiment=Sentiment(score, 0.0)))
    request = session.request("any")

    assert restore(request).request("any") == request
