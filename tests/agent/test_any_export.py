"""Whatever stands in the files of an export, it is read and checked, or refused with a sentence."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxfulfill import Webhook
from cxfulfill.agent.check import check_agent
from cxfulfill.agent.export import read_export
from cxfulfill.agent.formats import as_annotations, as_json, as_sarif
from cxfulfill.agent.mermaid import as_mermaid
from cxfulfill.agent.picture import picture_of
from cxfulfill.agent.svg import as_svg
from cxfulfill.cli.agent_turns import Replaying
from cxfulfill.cli.targets import Target
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.credentials import BasicCredential
from cxfulfill.simulator.in_process import InProcess
from tests.agent.agents import Bench, Files, small
from tests.agent.recordings import CASE, booked, record, turn

MEMBERS = st.sampled_from(
    [
        "name", "displayName", "entryFulfillment", "form", "parameters", "transitionRoutes", "eventHandlers", "event",
        "intent", "condition", "triggerFulfillment", "targetPage", "targetFlow", "webhook", "tag", "messages",
        "setParameterActions", "parameter", "value", "fillBehavior", "repromptEventHandlers", "entityType", "isList",
        "transitionRouteGroups", "agentTransitionRouteGroups", "genericWebService", "uri", "webhookType", "httpMethod",
        "requestBody", "requestHeaders", "parameterMapping", "key", "timeout", "seconds", "knowledgeConnectorSettings",
        "testCaseConversationTurns", "userInput", "injectedParameters", "virtualAgentOutput", "startFlow", "id",
    ]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["Booking", "Collect", "Done", "Hotel", "Orders", "hello", "book", "greet", "@sys.date", "@room", "arrival", "",
     "FLEXIBLE", "GET", "End Flow", "Previous Page", "webhook.error", "https://hotel.example/webhook", "$.a[0]",
     "$session.params.x", "http://[", "{}", "\x00\u202e"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | TEXTS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS, inner, max_size=6),
    max_leaves=30,
)  # fmt: skip
DOCUMENTS = st.dictionaries(MEMBERS, VALUES, max_size=8)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("any"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(bench: Bench) -> Webhook:
    return bench.app()


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(small())), document=DOCUMENTS, merged=st.booleans())
def test_any_document_in_any_file_is_read_and_checked(
    name: str, document: dict[str, Any], merged: bool, bench: Bench, app: Webhook
) -> None:
    files = small()
    kept = {**files[name], **document} if merged else document
    path: Path = Files({**files, name: json.loads(json.dumps(kept))}).zip(bench.folder / "any.zip")

    agent = read_export(path)
    found = check_agent(agent, app)

    as_json(agent, found)
    as_sarif(agent, found)
    assert len(list(as_annotations(agent, found))) == len(found)
    picture = picture_of(agent, app)
    assert as_svg(picture).endswith("</svg>\n")
    assert as_mermaid(picture)


@settings(max_examples=50, deadline=None)
@given(
    name=st.sampled_from(sorted((*small(), CASE))),
    document=DOCUMENTS,
    said=st.lists(st.builds(turn, TEXTS, DOCUMENTS, TEXTS, intent=TEXTS, event=TEXTS, injectedParameters=VALUES)),
)
def test_any_test_case_is_replayed_or_left_out(
    name: str, document: dict[str, Any], said: list[dict[str, Any]], bench: Bench, app: Webhook
) -> None:
    files = small()
    record(files, *booked(), *said)
    files[name] = {**files[name], **document}
    agent = read_export(files.zip(bench.folder / "case.zip"))
    transport = InProcess(app, own_store=False)
    caller = Caller(transport, url="https://hotel.example/webhook")
    proof = BasicCredential("cx", "a-long-random-password")
    aim = Target(caller=caller, webhook=app, given=proof, close=transport.close, made=lambda session, route: None)

    for case in agent.test_cases:
        replayed = list(Replaying(agent, aim, frozenset(agent.webhook_of)).case(case))
        assert len(replayed) == len(case.turns)
        assert all(each.tags or not each.is_different for each in replayed)
    aim.close()
