"""The example app's own agent fits the app, and is the one that its requests come from."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxfulfill import Webhook
from cxfulfill.agent.calls import calls_of
from cxfulfill.agent.check import check_agent
from cxfulfill.agent.export import read_export
from cxfulfill.agent.flows import START_PAGE
from cxfulfill.agent.model import Agent

EXAMPLE = Path(__file__).parents[2] / "example_app"
REQUESTS = sorted((EXAMPLE / "requests").glob("*.json"))


@pytest.fixture
def hotel(monkeypatch: pytest.MonkeyPatch) -> Webhook:
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", "for-tests-only-0123456789")
    from example_app.main import webhook

    return webhook


@pytest.fixture(scope="module")
def agent() -> Agent:
    return read_export(EXAMPLE / "agent")


def test_there_is_no_finding(agent: Agent, hotel: Webhook) -> None:
    assert check_agent(agent, hotel) == []


def test_it_is_checked_in_earnest(agent: Agent, hotel: Webhook) -> None:
    tags = {call.tag for call in calls_of(agent)}
    assert {entry.tag for entry in hotel.entries()} - {"*"} <= tags
    assert len(agent.webhooks) == 1 + len(list(hotel.routes()))
    assert len(agent.test_cases) == 2


@pytest.mark.parametrize("request_file", REQUESTS, ids=lambda path: str(path.stem))
def test_the_requests_come_from_its_pages(request_file: Path, agent: Agent) -> None:
    request: dict[str, Any] = json.loads(request_file.read_text(encoding="utf-8"))
    *_, flow, _, page = request["pageInfo"]["currentPage"].split("/")
    [found] = [each for each in agent.pages() if (agent.flow_of[each.flow].id, each.id) == (flow, page)]

    assert found.name == request["pageInfo"]["displayName"]
    form = {each["displayName"] for each in request["pageInfo"].get("formInfo", {}).get("parameterInfo", ())}
    assert form <= {each.name for each in found.parameters}
    if "intentInfo" in request:
        intent = agent.intent_of[request["intentInfo"]["displayName"]]
        assert request["intentInfo"]["lastMatchedIntent"].endswith(f"/{intent.id}")
        assert request["intentInfo"].get("parameters", {}).keys() <= intent.parameters.keys()
    # The agent of unknown.json is newer than the webhook; here nothing is called yet.
    called = {call.tag for call in calls_of(agent) if found.key in call.pages}
    assert (request["fulfillmentInfo"]["tag"] in called) == (request_file.stem != "unknown")


def test_the_recorded_turns_are_on_its_pages(agent: Agent) -> None:
    for case in agent.test_cases:
        for turn in case.turns:
            assert (turn.flow, turn.page or START_PAGE) in agent.page_of
            assert not turn.intent or turn.intent in agent.intent_of
