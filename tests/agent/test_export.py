"""Exports are read as they come: zips and folders, of all ages, with what tools and machines leave in them."""

import json
from pathlib import Path
from typing import Any

import pytest

from cxfulfill.agent.archive import ExportError
from cxfulfill.agent.calls import calls_of
from cxfulfill.agent.export import read_export
from cxfulfill.agent.flows import Destination
from tests.agent.agents import (
    COLLECT,
    DONE,
    FLOW,
    HOTEL,
    Bench,
    Files,
    call,
    handler,
    parameter,
    route,
    small,
)

SECRET = "canary-a-long-random-secret"


@pytest.mark.parametrize("root", ["", "agent/", "export/2026/agent/"])
def test_a_zip_and_a_folder_hold_the_same_agent(root: str, tmp_path: Path) -> None:
    files = small()
    rooted = Files({root + name: document for name, document in files.items()})

    one = read_export(rooted.zip(tmp_path / "agent.zip"))
    other = read_export(rooted.write(tmp_path / "folder"))

    assert one.root == other.root == root.rstrip("/")
    assert (one.name, one.flows, one.webhooks, one.intents) == (other.name, other.flows, other.webhooks, other.intents)
    assert [page.name for page in one.pages()] == ["Start Page", "Collect", "Done"]


def test_what_a_mac_leaves_in_zips_is_passed_over(tmp_path: Path) -> None:
    leftovers = {"__MACOSX/agent.json": "x", "._agent.json": "x", "flows/Booking/pages/._Collect.json": "\0",
                 ".DS_Store": "x", "flows/Booking/pages/.DS_Store": "x"}  # fmt: skip

    agent = read_export(Files({**small(), **leftovers}).zip(tmp_path / "agent.zip"))

    assert len(list(agent.pages())) == 3


def test_hidden_folders_and_links_are_passed_over(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "agent")
    Files({"agent.json": {}}).write(folder / ".git")
    (folder / "flows/Booking/pages/Link.json").symlink_to("/etc/hostname")
    (folder / "testCases").symlink_to("/etc")

    agent = read_export(folder)

    assert len(list(agent.pages())) == 3
    assert agent.test_cases == ()


def test_names_are_those_in_the_files_and_else_those_of_the_files(tmp_path: Path) -> None:
    files = small()
    files["flows/Booking/pages/Who%3a you%3f.json"] = {"name": "x"}
    files["flows/Caf%c3%a9/Caf%c3%a9.json"] = {"name": "y"}
    files["flows/Cut off/Cut off.json"] = {"name": "z", "displayName": "Cut off by a file system"}
    del files["agent.json"]["displayName"]

    agent = read_export(files.write(tmp_path / "my-agent"))

    assert agent.name == "my-agent"
    assert ("Booking", "Who: you?") in agent.page_of
    assert agent.flow_of.keys() == {"Booking", "Café", "Cut off by a file system"}


def test_other_files_are_not_read(tmp_path: Path) -> None:
    others = {
        "intents/greet/trainingPhrases/en.json": "no JSON", "tools/x/x.json": "", "generators/g/g.json": "",
        "flows/Booking/other.json": "", "flows/Stray/pages/P.json": {"displayName": "P"}, "README.md": "",
    }  # fmt: skip

    agent = read_export(Files({**small(), **others}).write(tmp_path / "agent"))

    assert list(agent.flow_of) == ["Booking"]


def test_every_place_that_calls_a_webhook_is_found(tmp_path: Path) -> None:
    files = small()
    files["agentTransitionRouteGroups/All.json"] = {
        "displayName": "All", "transitionRoutes": [route(call("agent-group"), intent="greet")],
    }  # fmt: skip
    files["flows/Booking/transitionRouteGroups/Own.json"] = {
        "displayName": "Own", "transitionRoutes": [route(call("group"), condition="true", targetPage="Done")],
    }  # fmt: skip
    prompted = parameter("room", "@room", fillBehavior={
        "initialPromptFulfillment": call("prompt", returnPartialResponses=True, messages=[{}]),
        "repromptEventHandlers": [handler("sys.no-match-1", call("again"))],
    })  # fmt: skip
    files[COLLECT] |= {
        "entryFulfillment": call("entry", setParameterActions=[{"parameter": "x", "value": None}, {"value": 1}]),
        "form": {"parameters": [prompted]},
        "eventHandlers": [handler("custom", call("event"), targetFlow="Booking")],
        "transitionRouteGroups": ["Own", "Gone"],
        "agentTransitionRouteGroups": ["All"],
    }
    files[FLOW]["knowledgeConnectorSettings"] = {"triggerFulfillment": call("of-flow"), "targetPage": "Done"}
    files[DONE]["knowledgeConnectorSettings"] = {"triggerFulfillment": call("of-page")}

    found = {each.tag: each for each in calls_of(read_export(files.write(tmp_path / "agent")))}

    assert {tag: each.place for tag, each in found.items()} == {
        "hello": "Booking > Start Page > route greet",
        "of-flow": "Booking > Start Page > knowledge",
        "entry": "Booking > Collect > entry",
        "prompt": "Booking > Collect > initial prompt room",
        "again": "Booking > Collect > reprompt room (sys.no-match-1)",
        "book": 'Booking > Collect > route $page.params.status = "FINAL"',
        "event": "Booking > Collect > event custom",
        "done": "Booking > Done > entry",
        "order": "Booking > Done > route $session.params.reference != null",
        "quotes": "Booking > Done > route true",
        "of-page": "Booking > Done > knowledge",
        "agent-group": "group All > route greet",
        "group": "Booking > group Own > route true",
    }
    assert found["entry"].fulfillment.presets == {"x": None}
    assert found["prompt"].fulfillment.is_partial
    assert found["prompt"].fulfillment.has_messages
    assert found["event"].target == Destination(flow="Booking")
    assert str(found["group"].target) == "Done"
    assert found["group"].pages == found["agent-group"].pages == (("Booking", "Collect"),)
    assert found["hello"].pages == (("Booking", "Start Page"), ("Booking", "Collect"), ("Booking", "Done"))
    assert found["order"].pages == (("Booking", "Done"),)
    assert found["quotes"].webhook == "Quotes"
    assert found["group"].file == "flows/Booking/transitionRouteGroups/Own.json"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"seconds": 20}, 20.0),
        ({"seconds": "3", "nanos": 500_000_000}, 3.5),
        ({}, 5.0),
        ("7.5s", 7.5),
        ({"seconds": 10**400}, 5.0),
        ({"seconds": "x", "nanos": []}, 5.0),
        ("soons", 5.0),
        (None, 5.0),
        (12, 5.0),
    ],
)
def test_durations_are_read_in_every_form(given: Any, seconds: float, bench: Bench) -> None:
    agent = bench.agent(lambda files: files[HOTEL].update(timeout=given))

    assert agent.webhook_of["Hotel"].timeout == seconds


@pytest.mark.parametrize("old", [True, False])
def test_a_webhook_without_a_type_is_a_standard_one(old: bool, bench: Bench) -> None:
    def change(files: Files) -> None:
        service = files[HOTEL]["genericWebService"]
        service["httpMethod"], service["requestBody"] = "PUT", "{}"
        if old:
            del service["webhookType"]

    webhook = bench.agent(change).webhook_of["Hotel"]

    assert (webhook.is_flexible, webhook.method, webhook.body) == (False, "POST", "")


def read_service(bench: Bench, **service: Any) -> Any:
    given = {"uri": "https://hotel.example/webhook", **service}
    return bench.agent(lambda files: files[HOTEL].update(genericWebService=given)).webhook_of["Hotel"]


@pytest.mark.parametrize(
    ("service", "sends", "in_the_clear"),
    [
        ({}, {"Google ID token", "Google ID token without its signature"}, ()),
        ({"serviceAgentAuth": "ID_TOKEN"}, {"Google ID token", "Google ID token without its signature"}, ()),
        ({"serviceAgentAuth": "NONE"}, set(), ()),
        ({"serviceAgentAuth": "ACCESS_TOKEN"}, {"Google access token"}, ()),
        ({"username": "u", "password": SECRET}, {"Basic"}, ("password",)),
        ({"password": SECRET, "secretVersionForUsernamePassword": "v"}, {"Basic"}, ()),
        ({"oauthConfig": {"clientId": "c", "clientSecret": SECRET}}, {"access token"}, ("client secret",)),
        (
            {"oauthConfig": {"clientSecret": SECRET, "secretVersionForClientSecret": "v"}},
            {"access token"},
            (),
        ),
        ({"serviceAccountAuthConfig": {"serviceAccount": "a@b"}}, {"Google access token"}, ()),
        (
            {"requestHeaders": [{"key": "Authorization", "value": f"Basic {SECRET}"}]},
            {"Basic", "a fixed value"},
            ("header Authorization",),
        ),
        (
            {"requestHeaders": {"Authorization": f"Bearer {SECRET}"}},
            {"a fixed value"},
            ("header Authorization",),
        ),
        (
            {"secretVersionsForRequestHeaders": [{"key": "Authorization", "value": {"secretVersion": "v"}}]},
            {"a fixed value"},
            (),
        ),
        (
            {
                "requestHeaders": [{"key": "X-API-Key", "value": SECRET}, {"key": "x-token", "value": SECRET}],
                "secretVersionsForRequestHeaders": [{"key": "X-Token", "value": {"secretVersion": "v"}}],
                "serviceAgentAuth": "NONE",
            },
            {"a fixed value"},
            ("header X-API-Key",),
        ),
        (
            {
                "requestHeaders": [{"key": "X-Auth", "value": "$session.params.a"}, {"key": "X-Lang", "value": "en"}],
                "serviceAgentAuth": "NONE",
            },
            {"a fixed value"},
            (),
        ),
        (
            {"requestHeaders": {"Authorization": "Bearer $session.params.token", "X-Author": "me"}},
            {"a fixed value"},
            (),
        ),
        (
            {
                "webhookType": "FLEXIBLE", "serviceAgentAuth": "NONE",
                "requestBody": json.dumps({"api_key": SECRET, "token": "$session.params.t", "x": {"Secret": SECRET}}),
            },
            set(),
            ("api_key in the body", "Secret in the body"),
        ),
        (
            {"uri": f"https://u:{SECRET}@hotel.example/w?api_key={SECRET}&token=$session.params.t&x={SECRET}&y#z"},
            {"Google ID token", "Google ID token without its signature"},
            ("user of the URL", "api_key in the URL"),
        ),
        (
            {"uri": f"https://[{SECRET}"},
            {"Google ID token", "Google ID token without its signature"},
            (),
        ),
    ],
)  # fmt: skip
def test_secrets_are_told_to_be_there_and_are_not_kept(
    service: dict[str, Any], sends: set[str], in_the_clear: tuple[str, ...], bench: Bench
) -> None:
    webhook = read_service(bench, **service)

    assert {kind for _, kind in webhook.sends} == sends
    assert webhook.in_the_clear == in_the_clear
    fields = [repr(getattr(webhook, name)) for name in webhook.__slots__]
    assert not any(SECRET in text for text in (repr(webhook), str(webhook), *fields))


def test_the_url_keeps_references_alone_in_its_query(bench: Bench) -> None:
    webhook = read_service(
        bench, uri=f"https://u@hotel.example/w/$session.params.id?key={SECRET}&a=$session.params.a&b"
    )

    assert webhook.url == "https://hotel.example/w/$session.params.id?key=...&a=$session.params.a&b"


def test_the_body_keeps_all_but_secrets(bench: Bench) -> None:
    body = '{"api_key": "%s", "nights": "$session.params.nights", "size": "Size: $session.params.s"}'

    webhook = read_service(bench, webhookType="FLEXIBLE", requestBody=body % SECRET)

    assert webhook.body == body % "..."


def test_service_directory_holds_a_web_service(bench: Bench) -> None:
    inner = {"uri": "http://hotel.internal/webhook", "requestHeaders": [{"key": "X-A", "value": "1"}]}

    def change(files: Files) -> None:
        del files[HOTEL]["genericWebService"]
        files[HOTEL]["serviceDirectory"] = {"service": "s", "genericWebService": inner}

    webhook = bench.agent(change).webhook_of["Hotel"]

    assert webhook.uses_service_directory
    assert webhook.headers == ("X-A",)


def test_test_cases_are_read(bench: Bench) -> None:
    case = {
        "displayName": "T", "tags": ["#a"], "languageCode": "en", "testConfig": {"flow": "Booking", "page": "Collect"},
        "testCaseConversationTurns": [
            {"userInput": {"input": {"text": {}}, "isWebhookEnabled": True, "injectedParameters": {"a": 1}},
             "virtualAgentOutput": {
                 "sessionParameters": {"b": 2}, "triggeredIntent": {"name": "greet"},
                 "currentPage": {"name": "Done", "flow": "Booking"},
                 "textResponses": [{"text": ["Hi"]}, {"text": ["there"]}]}},
            {"userInput": {"input": {"event": {"event": "again"}}}},
            {"userInput": {"input": {"dtmf": {"digits": "1"}}}, "virtualAgentOutput": {"currentFlow": {"name": "F"}}},
        ],
    }  # fmt: skip

    [found] = bench.agent(lambda files: files.update({"testCases/T.json": case})).test_cases

    first, second, third = found.turns
    assert (found.name, found.tags, found.flow, found.page) == ("T", ("#a",), "Booking", "Collect")
    assert (first.text, first.uses_webhook, first.injected, first.parameters) == ("", True, {"a": 1}, {"b": 2})
    assert (first.intent, first.flow, first.page, first.texts) == ("greet", "Booking", "Done", ("Hi", "there"))
    assert (second.text, second.event, second.parameters) == (None, "again", None)
    assert (third.digits, third.flow) == ("1", "F")


def test_members_of_other_types_and_unknown_ones_do_not_matter(bench: Bench) -> None:
    def change(files: Files) -> None:
        files[COLLECT] |= {
            "form": [], "transitionRoutes": {"x": 1}, "eventHandlers": [1, None], "entryFulfillment": "x",
            "transitionRouteGroups": "Own", "new": {"deep": [1]},
        }  # fmt: skip
        files[HOTEL]["genericWebService"]["requestHeaders"] = [{"value": "x"}, {"key": "X-A", "value": 5}, 7]
        files["intents/greet/greet.json"]["parameters"] = [{"id": "p", "entityType": "@sys.any", "isList": True}, {}]
        files["playbooks/P/P.json"] = {}

    agent = bench.agent(change)

    assert agent.page_of["Booking", "Collect"].parameters == ()
    assert agent.webhook_of["Hotel"].headers == ()
    assert agent.intent_of["greet"].parameters == {"p": "@sys.any"}
    assert agent.intent_of["greet"].lists == {"p"}
    assert agent.playbooks == ("P",)


def test_an_agent_may_begin_in_a_playbook(bench: Bench) -> None:
    def of(top: dict[str, Any]) -> str:
        return bench.agent(lambda files: files.update({"agent.json": top})).start_flow

    assert of({"startPlaybook": "P"}) == ""
    assert of({}) == "Default Start Flow"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", f"{COLLECT} is not JSON at line 1, column 1"),
        ("[]", f"{COLLECT} holds no JSON object"),
        ('{"a": 1, "a": 2}', f"{COLLECT} has a member twice in one object at line 1, column 14"),
        ('{"a":' + "[" * 5_000 + "]" * 5_000 + "}", f"{COLLECT} is nested too deep"),
        ("", f"{COLLECT} is not JSON"),
    ],
)
def test_a_file_that_is_no_json_is_named(text: str, told: str, tmp_path: Path) -> None:
    files = Files({**small(), COLLECT: text})

    with pytest.raises(ExportError) as caught:
        read_export(files.zip(tmp_path / "agent.zip"))

    assert str(caught.value).startswith(told)


def test_a_mark_at_the_beginning_of_a_file_is_passed_over(tmp_path: Path) -> None:
    files = Files({**small(), "agent.json": "\ufeff" + json.dumps({"displayName": "Marked"})})

    assert read_export(files.write(tmp_path / "agent")).name == "Marked"


def test_progress_is_told_file_by_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    read_export(small().write(tmp_path / "agent"), lambda done, total: told.append((done, total)))

    assert told == [(done, len(small())) for done in range(1, len(small()) + 1)]
