"""Environments of an agent: the webhooks that they call otherwise, and the operations by which they are changed."""

from typing import Any

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.agent.resource_api import OPERATION_LOOKS
from cxfulfill.agent.resource_state import FILE
from tests.agent.cx_server import Status
from tests.agent.support import CANARY, Agent, lines, told

VERSION = "projects/hotel-1/locations/europe-west1/agents/agent-1/flows/f/versions/%d"
HOTEL = '[webhooks.hotel]\nserves = "standard"\nbasic = { username = "cx", password_env = "PASSWORD" }\n'
PRODUCTION = (
    HOTEL
    + """
[environments.production]
url = "https://production.example"
"""
)
OAUTH = """
[environments.production.webhooks.hotel]
oauth = { client_id = "cx", client_secret_env = "PASSWORD", token_endpoint = "https://id.example/token" }
"""


def overrides(agent: Agent, title: str = "production") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        agent.server.titled(title, "environments").get("webhookConfig", {}).get("webhookOverrides", [])
    )
    return found


def test_an_environment_calls_another_url(either: Agent) -> None:
    either.server.put_environment("production", description="ours", versionConfigs=[{"version": VERSION % 1}])
    changes = either.plan(PRODUCTION)
    assert told(changes) == ["create webhook hotel", "update environment production"]
    assert lines(changes[1]) == [
        "webhookOverrides.hotel.genericWebService.password: (none) -> (secret)",
        "webhookOverrides.hotel.genericWebService.uri: (none) -> https://production.example/webhook",
        "webhookOverrides.hotel.genericWebService.username: (none) -> cx",
    ]
    either.apply(PRODUCTION)
    assert overrides(either) == [
        {
            "name": either.server.titled("hotel")["name"], "displayName": "hotel",
            "genericWebService": {
                "uri": "https://production.example/webhook", "username": "cx", "password": CANARY,
                "webhookType": "STANDARD",
            },
        }
    ]  # fmt: skip
    environment = either.server.titled("production", "environments")
    assert (environment["description"], environment["versionConfigs"]) == ("ours", [{"version": VERSION % 1}])
    [request] = [request for method, request in either.server.writes() if method == "UpdateEnvironment"]
    assert list(request.update_mask.paths) == ["webhook_config.webhook_overrides"]


def test_an_environment_has_a_mechanism_of_its_own(agent: Agent) -> None:
    agent.server.put_environment("production")
    agent.apply(PRODUCTION + OAUTH)
    [override] = overrides(agent)
    assert override["genericWebService"] == {
        "uri": "https://production.example/webhook", "webhookType": "STANDARD",
        "oauthConfig": {"clientId": "cx", "clientSecret": CANARY, "tokenEndpoint": "https://id.example/token"},
    }  # fmt: skip
    assert CANARY not in (agent.folder / FILE).read_text()
    [_, change] = agent.plan(PRODUCTION + OAUTH, variables={"PASSWORD": "another-canary"})
    assert lines(change) == ["webhookOverrides.hotel.genericWebService.oauthConfig.clientSecret: (none) -> (secret)"]


def test_overrides_of_others_are_kept_and_ours_are_taken_back(agent: Agent) -> None:
    foreign = agent.server.put_webhook("crm")
    theirs = [{"name": foreign, "displayName": "crm", "genericWebService": {"uri": "https://crm.example"}}]
    agent.server.put_environment("production", webhookConfig={"webhookOverrides": theirs})
    agent.apply(PRODUCTION)
    assert [each["displayName"] for each in overrides(agent)] == ["crm", "hotel"]
    changes = agent.plan(PRODUCTION.replace('url = "https://production.example"', ""))
    assert changes[1].action == "update"
    agent.apply(PRODUCTION.replace('url = "https://production.example"', ""))
    assert overrides(agent) == theirs


def test_an_override_that_others_have_made_while_webhooks_were_written_is_kept(agent: Agent) -> None:
    foreign = agent.server.put_webhook("crm")
    agent.server.put_environment("production")

    def meanwhile() -> None:
        theirs = [{"name": foreign, "displayName": "crm", "genericWebService": {"uri": "https://crm.example"}}]
        agent.server.titled("production", "environments")["webhookConfig"] = {"webhookOverrides": theirs}

    agent.server.failures["CreateWebhook"] = [Status.UNAVAILABLE, meanwhile]
    agent.apply(PRODUCTION)

    assert [each["displayName"] for each in overrides(agent)] == ["crm", "hotel"]


def test_a_client_secret_of_others_that_would_be_lost_is_told(agent: Agent) -> None:
    foreign = agent.server.put_webhook("crm")
    oauth: dict[str, Any] = {"clientId": "a", "clientSecret": "theirs", "tokenEndpoint": "https://id.example"}
    service = {"uri": "https://crm.example", "oauthConfig": oauth}
    by_directory = {"service": "s", "genericWebService": service}
    listed: list[dict[str, Any]] = [
        {"name": foreign, "displayName": "crm", "genericWebService": service},
        {"name": f"{foreign}-2", "serviceDirectory": by_directory},
    ]
    agent.server.put_environment("production", webhookConfig={"webhookOverrides": listed})
    [_, change] = agent.plan(PRODUCTION)
    assert [remark.partition(",")[0] for remark in change.remarks] == [
        "take care: the override of crm", f"take care: the override of {foreign}-2",
    ]  # fmt: skip


def test_an_environment_that_is_not_there_is_made_of_versions(agent: Agent) -> None:
    with pytest.raises(ConfigurationError, match="no environment of that display name; create it"):
        agent.plan(PRODUCTION)
    with pytest.raises(ConfigurationError, match="no environment of that display name"):
        agent.apply(PRODUCTION)
    assert agent.server.writes() == []
    text = f'{PRODUCTION}description = "ours"\nversions = ["{VERSION % 1}", "{VERSION % 2}"]\n'
    [_, change] = agent.plan(text)
    assert told([change]) == ["create environment production"]
    agent.apply(text)
    environment = agent.server.titled("production", "environments")
    assert environment["versionConfigs"] == [{"version": VERSION % 1}, {"version": VERSION % 2}]
    assert len(overrides(agent)) == 1
    # The order is none of ours.
    environment["versionConfigs"].reverse()
    assert told(agent.plan(text)) == ["keep webhook hotel", "keep environment production"]
    [_, change] = agent.plan(text.replace("ours", "theirs").replace("versions/2", "versions/3"))
    assert change.masks == (("description",), ("versionConfigs",))
    assert lines(change)[0] == "description: ours -> theirs"
    agent.apply(text.replace("ours", "theirs").replace("versions/2", "versions/3"))
    assert agent.server.titled("production", "environments")["description"] == "theirs"


def test_a_description_is_emptied(agent: Agent) -> None:
    agent.server.put_environment("production", description="theirs")
    agent.apply(f'{PRODUCTION}description = ""\n')
    assert "description" not in agent.server.titled("production", "environments")


def test_an_operation_is_waited_for(agent: Agent) -> None:
    agent.server.put_environment("production")
    agent.server.running = 3
    agent.apply(PRODUCTION)
    assert agent.server.pauses == [2.0, 2.0]
    agent.server.running = OPERATION_LOOKS + 1
    [_, outcome] = agent.apply(PRODUCTION.replace("production.example", "other.example"))
    assert outcome.problem.startswith("DEADLINE_EXCEEDED: the operation still runs")


def test_an_operation_that_fails_is_told_and_done_the_next_time(agent: Agent) -> None:
    agent.server.put_environment("production")
    agent.server.operation_error = Status.INTERNAL
    [hotel, outcome] = agent.apply(PRODUCTION)
    assert (hotel.problem, outcome.problem) == ("", "INTERNAL: the operation failed")
    agent.server.operation_error = None
    agent.apply(PRODUCTION)
    assert len(overrides(agent)) == 1


def test_an_operation_that_is_aborted_is_begun_again(agent: Agent) -> None:
    agent.server.put_environment("production")
    agent.server.failures["UpdateEnvironment"] = [Status.ABORTED, Status.UNAVAILABLE]
    [_, outcome] = agent.apply(PRODUCTION)
    assert outcome.problem == ""
    assert [method for method, _ in agent.server.writes()].count("UpdateEnvironment") == 3


def test_what_needs_a_webhook_that_failed_is_not_tried(agent: Agent) -> None:
    agent.server.put_environment("production")
    agent.server.failures["CreateWebhook"] = [Status.INVALID_ARGUMENT]
    [_, outcome] = agent.apply(PRODUCTION)
    assert outcome.problem == "not tried, since it needs what has failed: hotel"
    agent.apply(PRODUCTION)
    assert len(overrides(agent)) == 1


def test_who_prunes_a_webhook_prunes_its_overrides_everywhere(agent: Agent) -> None:
    for title in ("production", "staging"):
        agent.server.put_environment(title)
    two = PRODUCTION + '[webhooks.crm]\nurl = "https://crm.example/q"\nmethod = "GET"\n'
    crm = '\n[environments.%s.webhooks.crm]\nurl = "https://other.example/q"\n'
    agent.apply(two + crm % "production" + crm % "staging")
    assert len(overrides(agent, "staging")) == 1
    changes = agent.plan(PRODUCTION, prune=True)
    assert told(changes) == [
        "keep webhook hotel", "update environment production", "update environment staging", "delete webhook crm",
    ]  # fmt: skip
    agent.apply(PRODUCTION, prune=True)
    assert [each["displayName"] for each in agent.server.webhooks.values()] == ["hotel"]
    assert overrides(agent, "staging") == []
    assert len(overrides(agent)) == 1


def test_an_override_that_somebody_adds_while_webhooks_are_made_is_kept(agent: Agent) -> None:
    foreign = agent.server.put_webhook("crm")
    name = agent.server.put_environment("production")
    theirs = {"name": foreign, "displayName": "crm", "genericWebService": {"uri": "https://crm.example"}}

    def add() -> None:
        agent.server.environments[name]["webhookConfig"] = {"webhookOverrides": [theirs]}

    agent.server.failures["CreateWebhook"] = [add]

    agent.apply(PRODUCTION)

    assert [each["displayName"] for each in overrides(agent)] == ["crm", "hotel"]


def test_environments_that_cannot_be_read_again_are_told(agent: Agent) -> None:
    agent.server.put_environment("production")

    def refuse() -> None:
        agent.server.failures["ListEnvironments"] = [Status.PERMISSION_DENIED]

    agent.server.failures["CreateWebhook"] = [refuse]

    webhook, environment = agent.apply(PRODUCTION)

    assert (webhook.problem, environment.problem.split(":")[0]) == ("", "PERMISSION_DENIED")
    assert overrides(agent) == []


def test_overrides_and_environments_without_names_are_left_alone(agent: Agent) -> None:
    agent.server.put_environment("")
    theirs = {"genericWebService": {"uri": "https://crm.example"}}
    agent.server.put_environment("production", webhookConfig={"webhookOverrides": [theirs]}, versionConfigs=[{}])

    agent.apply(PRODUCTION + f'versions = ["{VERSION % 1}"]\n')

    assert [each.get("displayName") for each in overrides(agent)] == [None, "hotel"]


def test_secrets_of_others_that_the_api_repeats_are_not_told(agent: Agent) -> None:
    foreign = agent.server.put_webhook("crm")
    service = {"uri": "https://crm.example", "requestHeaders": {"X-Key": 'canary "of others"'}}
    theirs = [{"name": foreign, "displayName": "crm", "genericWebService": service}]
    agent.server.put_environment("production", webhookConfig={"webhookOverrides": theirs})
    agent.server.failures["UpdateEnvironment"] = [Status.INVALID_ARGUMENT]

    _, environment = agent.apply(PRODUCTION)

    assert environment.problem.startswith("INVALID_ARGUMENT")
    assert "canary" not in environment.problem
