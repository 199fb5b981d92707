"""Webhooks of an agent, planned and applied against a server that speaks the methods of the real one."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cxfulfill.agent.resource_api import PAUSES, ApiRefusal
from cxfulfill.agent.resource_state import FILE, Known
from tests.agent.cx_server import AGENT as AGENT_NAME
from tests.agent.cx_server import Status
from tests.agent.support import CANARY, Agent, app, lines, told
from tests.auth.pki import make_ca

SERVICES = ("webhooks", "environments")
HOTEL = """
[defaults]
basic = { username = "cx", password_env = "PASSWORD" }

[webhooks.hotel]
serves = "standard"
timeout = 10
"""


def test_from_nothing(either: Agent) -> None:
    webhook = app(flexible=True)
    changes = either.plan(HOTEL, webhook)
    assert told(changes) == ["create webhook hotel", "create webhook PUT /orders/<int:id>"]
    assert lines(changes[0]) == [
        "displayName: (none) -> hotel",
        "genericWebService.password: (none) -> (secret)",
        "genericWebService.uri: (none) -> https://hotel.example/webhook",
        "genericWebService.username: (none) -> cx",
        "timeout: (none) -> 10s",
    ]
    outcomes = either.apply(HOTEL, webhook)
    assert [outcome.problem for outcome in outcomes] == ["", ""]
    hotel = either.server.titled("hotel")
    assert hotel == {
        "name": hotel["name"], "displayName": "hotel", "timeout": "10s",
        "genericWebService": {
            "uri": "https://hotel.example/webhook", "username": "cx", "password": CANARY, "webhookType": "STANDARD",
        },
    }  # fmt: skip
    orders = either.server.titled("PUT /orders/<int:id>")["genericWebService"]
    assert orders == {
        "uri": "https://hotel.example/orders/$session.params.id", "username": "cx", "password": CANARY,
        "webhookType": "FLEXIBLE", "httpMethod": "PUT", "requestHeaders": {"X-Lang": "$session.params.lang"},
        "parameterMapping": {"order_status": "$.status"},
    }  # fmt: skip
    assert told(either.plan(HOTEL, webhook)) == ["keep webhook hotel", "keep webhook PUT /orders/<int:id>"]


def test_drift_is_put_right_and_what_is_not_ours_is_left_alone(agent: Agent) -> None:
    agent.apply(HOTEL)
    name = agent.server.titled("hotel")["name"]
    service = agent.server.webhooks[name]["genericWebService"]
    service |= {"uri": "https://elsewhere.example", "allowedCaCerts": ["BQA="], "requestHeaders": {"X-Team": "desk"}}
    agent.server.webhooks[name]["disabled"] = True
    [change] = agent.plan(HOTEL)
    assert lines(change) == ["genericWebService.uri: https://elsewhere.example -> https://hotel.example/webhook"]
    agent.apply(HOTEL)
    [*_, (method, request)] = agent.server.writes()
    assert (method, list(request.update_mask.paths)) == ("UpdateWebhook", ["generic_web_service.uri"])
    after = agent.server.webhooks[name]
    assert after["disabled"] is True
    assert after["genericWebService"] == service | {"uri": "https://hotel.example/webhook"}


def test_a_timeout_is_the_same_however_it_is_written(agent: Agent) -> None:
    agent.apply(HOTEL.replace("timeout = 10", "timeout = 7.5"))
    assert agent.server.titled("hotel")["timeout"] == "7.500s"
    assert told(agent.plan(HOTEL.replace("timeout = 10", "timeout = 5"))) == ["update webhook hotel"]


def test_what_the_file_no_longer_says_is_taken_back(agent: Agent) -> None:
    extra = HOTEL + 'headers = { X-Team = "desk", X-Place = "Kiel" }\n'
    agent.apply(extra)
    assert agent.server.titled("hotel")["genericWebService"]["requestHeaders"] == {"X-Team": "desk", "X-Place": "Kiel"}
    agent.server.titled("hotel")["genericWebService"]["allowedCaCerts"] = ["BQA="]
    [change] = agent.plan(HOTEL)
    assert lines(change) == [
        "genericWebService.requestHeaders.X-Place: (secret) -> (none)",
        "genericWebService.requestHeaders.X-Team: (secret) -> (none)",
    ]
    agent.apply(HOTEL)
    service = agent.server.titled("hotel")["genericWebService"]
    assert "requestHeaders" not in service
    assert service["allowedCaCerts"] == ["BQA="]


def test_a_rename_keeps_the_webhook(agent: Agent) -> None:
    agent.apply(HOTEL)
    name = agent.server.titled("hotel")["name"]
    renamed = HOTEL + 'display_name = "The hotel"\n'
    [change] = agent.plan(renamed)
    assert (told([change]), lines(change)) == (["update webhook The hotel"], ["displayName: hotel -> The hotel"])
    agent.apply(renamed)
    assert agent.server.webhooks.keys() == {name}
    assert agent.server.titled("The hotel")["name"] == name
    # And another key for the same webhook.
    agent.apply(renamed.replace("[webhooks.hotel]", "[webhooks.desk]"), prune=True)
    assert agent.server.webhooks.keys() == {name}
    assert agent.state.agent(str(AGENT_NAME)).webhooks.keys() == {"desk"}


def test_one_with_the_display_name_is_taken_over(agent: Agent) -> None:
    name = agent.server.put_webhook(
        "hotel", genericWebService={"uri": "https://hotel.example/webhook", "requestHeaders": {"X-Team": "desk"}}
    )
    [change] = agent.plan(HOTEL)
    assert change.remarks == ("found by its display name",)
    assert change.action == "update"
    agent.apply(HOTEL)
    assert agent.server.titled("hotel")["genericWebService"]["requestHeaders"] == {"X-Team": "desk"}
    assert agent.state.agent(str(AGENT_NAME)).webhooks["hotel"].name == name


def test_secret_rotation_by_variable(agent: Agent) -> None:
    agent.apply(HOTEL)
    [change] = agent.plan(HOTEL, variables={"PASSWORD": "another-canary"})
    assert lines(change) == ["genericWebService.password: (secret) -> (another secret)"]
    agent.apply(HOTEL, variables={"PASSWORD": "another-canary"})
    assert agent.server.titled("hotel")["genericWebService"]["password"] == "another-canary"


OAUTH = """
[webhooks.hotel]
serves = "standard"
oauth = { client_id = "cx", client_secret_env = "PASSWORD", token_endpoint = "https://id.example/t", scopes = ["a"] }
"""


def test_secret_rotation_where_the_api_shows_no_secret(agent: Agent) -> None:
    agent.apply(OAUTH)
    assert "clientSecret" not in str(agent.server.api().webhooks())
    assert CANARY not in (agent.folder / FILE).read_text()
    assert told(agent.plan(OAUTH)) == ["keep webhook hotel"]
    [change] = agent.plan(OAUTH, variables={"PASSWORD": "another-canary"})
    assert lines(change) == ["genericWebService.oauthConfig.clientSecret: (none) -> (secret)"]
    before = (agent.folder / FILE).read_text()
    agent.apply(OAUTH, variables={"PASSWORD": "another-canary"})
    assert agent.server.titled("hotel")["genericWebService"]["oauthConfig"] == {
        "clientId": "cx", "clientSecret": "another-canary", "tokenEndpoint": "https://id.example/t", "scopes": ["a"],
    }  # fmt: skip
    assert (agent.folder / FILE).read_text() != before
    # Whoever has no digest, or a broken one, writes it once more.
    for broken in ("no digest", "zz:zz"):
        content = json.loads((agent.folder / FILE).read_text())
        [known] = content["agents"][str(AGENT_NAME)]["webhooks"].values()
        known["secrets"] = dict.fromkeys(known["secrets"], broken)
        (agent.folder / FILE).write_text(json.dumps(content))
        assert told(agent.plan(OAUTH, variables={"PASSWORD": "another-canary"})) == ["update webhook hotel"]
    agent.apply(OAUTH, variables={"PASSWORD": "another-canary"})


def test_a_password_that_the_api_does_not_show(agent: Agent) -> None:
    agent.server.shows_secrets = False
    agent.apply(HOTEL)
    assert told(agent.plan(HOTEL)) == ["keep webhook hotel"]
    agent.apply(HOTEL, variables={"PASSWORD": "another-canary"})
    assert agent.server.titled("hotel")["genericWebService"]["password"] == "another-canary"


def test_certificates_are_counted(agent: Agent) -> None:
    ca = make_ca()
    (agent.folder / "ca.pem").write_text(ca.pem)
    (agent.folder / "cas.pem").write_text(ca.pem + make_ca().pem)
    agent.apply(f'{HOTEL}ca_certs = ["ca.pem"]\n', folder=agent.folder)
    [change] = agent.plan(f'{HOTEL}ca_certs = ["cas.pem"]\n', folder=agent.folder)
    assert lines(change) == ["genericWebService.allowedCaCerts: 1 certificate -> 2 certificates"]


def test_secret_rotation_by_version(agent: Agent) -> None:
    text = '[webhooks.hotel]\nserves = "standard"\nbasic = { secret_version = "projects/1/secrets/s/versions/%d" }\n'
    agent.apply(text % 3)
    [change] = agent.plan(text % 4)
    [line] = lines(change)
    assert line.endswith("ForUsernamePassword: projects/1/secrets/s/versions/3 -> projects/1/secrets/s/versions/4")
    agent.apply(text % 4)


def test_another_mechanism_takes_the_place_of_the_first(agent: Agent) -> None:
    agent.apply(HOTEL)
    agent.apply(OAUTH)
    service = agent.server.titled("hotel")["genericWebService"]
    assert service.keys() == {"uri", "webhookType", "oauthConfig"}
    agent.apply(OAUTH.partition("oauth")[0] + 'service_account = "cx@hotel-1.iam.gserviceaccount.com"\n')
    service = agent.server.titled("hotel")["genericWebService"]
    assert service.keys() == {"uri", "webhookType", "serviceAccountAuthConfig"}
    agent.apply(OAUTH.partition("oauth")[0] + 'service_agent_auth = "none"\n')
    assert agent.server.titled("hotel")["genericWebService"]["serviceAgentAuth"] == "NONE"


DIRECTORY = 'service_directory = "projects/hotel-1/locations/europe-west1/namespaces/n/services/s"\n'


def test_to_service_directory_and_back(agent: Agent) -> None:
    agent.apply(HOTEL)
    [change] = agent.plan(HOTEL + DIRECTORY)
    assert change.masks == (("serviceDirectory",),)
    agent.apply(HOTEL + DIRECTORY)
    webhook = agent.server.titled("hotel")
    assert "genericWebService" not in webhook
    assert webhook["serviceDirectory"]["genericWebService"]["uri"] == "https://hotel.example/webhook"
    agent.server.titled("hotel")["serviceDirectory"]["genericWebService"]["uri"] = "https://elsewhere.example"
    [change] = agent.plan(HOTEL + DIRECTORY)
    assert change.masks == (("serviceDirectory", "genericWebService", "uri"),)
    agent.apply(HOTEL + DIRECTORY)
    agent.apply(HOTEL)
    assert "serviceDirectory" not in agent.server.titled("hotel")


TWO = HOTEL + '[webhooks.crm]\nurl = "https://crm.example/q"\nmethod = "GET"\n'


def test_nothing_is_deleted_without_prune(agent: Agent) -> None:
    foreign = agent.server.put_webhook("somebody else's")
    agent.apply(TWO)
    [_, left] = agent.plan(HOTEL)
    assert (left.action, left.title, left.is_work) == ("leave", "crm", False)
    assert "--prune" in left.remarks[0]
    agent.apply(HOTEL)
    assert len(agent.server.webhooks) == 3
    assert told(agent.plan(HOTEL, prune=True)) == ["keep webhook hotel", "delete webhook crm"]
    agent.apply(HOTEL, prune=True)
    assert [each["displayName"] for each in agent.server.webhooks.values()] == ["somebody else's", "hotel"]
    assert foreign in agent.server.webhooks


def test_a_delete_that_somebody_was_faster_with(agent: Agent) -> None:
    agent.apply(TWO)
    name = agent.server.titled("crm")["name"]
    agent.server.failures["DeleteWebhook"] = [lambda: agent.server.webhooks.pop(name) and None]
    [_, outcome] = agent.apply(HOTEL, prune=True)
    assert outcome.problem == ""


def test_a_delete_that_is_refused_is_told(agent: Agent) -> None:
    agent.apply(TWO)
    agent.server.failures["DeleteWebhook"] = [Status.FAILED_PRECONDITION]
    [_, outcome] = agent.apply(HOTEL, prune=True)
    assert outcome.problem.startswith("FAILED_PRECONDITION: ")
    agent.apply(HOTEL, prune=True)
    assert len(agent.server.webhooks) == 1


def test_one_that_fails_does_not_keep_others_back_and_is_done_the_next_time(agent: Agent) -> None:
    agent.server.failures["CreateWebhook"] = [Status.INVALID_ARGUMENT]
    [hotel, crm] = agent.apply(TWO)
    assert hotel.problem.startswith("INVALID_ARGUMENT: CreateWebhook")
    assert CANARY not in hotel.problem
    assert "(secret)" in hotel.problem
    assert crm.problem == ""
    assert told(agent.plan(TWO)) == ["create webhook hotel", "keep webhook crm"]
    [hotel, _] = agent.apply(TWO)
    assert hotel.problem == ""
    assert len(agent.server.webhooks) == 2


def test_a_run_that_breaks_off_is_gone_on_with(agent: Agent) -> None:
    run = agent.applying(TWO).apply()
    next(run)
    del run
    assert told(agent.plan(TWO)) == ["keep webhook hotel", "create webhook crm"]
    agent.apply(TWO)


@pytest.mark.parametrize("status", [Status.RESOURCE_EXHAUSTED, Status.UNAVAILABLE])
def test_a_call_that_passes_later_is_made_again(agent: Agent, status: Any) -> None:
    agent.server.failures = {"ListWebhooks": [status], "CreateWebhook": [status, status]}
    [outcome] = agent.apply(HOTEL)
    assert outcome.problem == ""
    assert agent.server.pauses == [1.0, 1.0, 2.0]
    agent.server.failures = {"ListWebhooks": [status] * (len(PAUSES) + 1)}
    with pytest.raises(ApiRefusal, match=status.name):
        agent.plan(HOTEL)
    assert agent.server.failures["ListWebhooks"] == []


def test_a_create_whose_answer_was_lost_makes_one_webhook(agent: Agent) -> None:
    server = agent.server

    def made_all_the_same() -> None:
        server.put_webhook("hotel", genericWebService={"uri": "https://hotel.example/webhook"})

    server.failures["CreateWebhook"] = [made_all_the_same]
    [outcome] = agent.apply(HOTEL)
    assert outcome.problem == ""
    assert len(server.webhooks) == 1
    assert server.titled("hotel")["timeout"] == "10s"


def test_a_conflict_is_read_again(agent: Agent) -> None:
    agent.apply(HOTEL)
    name = agent.server.titled("hotel")["name"]
    agent.server.webhooks[name]["timeout"] = "20s"
    agent.server.failures["UpdateWebhook"] = [Status.ABORTED]
    agent.apply(HOTEL)
    assert agent.server.webhooks[name]["timeout"] == "10s"
    # One that goes on is told.
    agent.server.webhooks[name]["timeout"] = "20s"
    agent.server.failures["UpdateWebhook"] = [Status.ABORTED] * 3
    [outcome] = agent.apply(HOTEL)
    assert outcome.problem.startswith("ABORTED: ")
    # And one that was deleted meanwhile is made anew.
    agent.server.failures["UpdateWebhook"] = [agent.server.webhooks.clear]
    [outcome] = agent.apply(HOTEL)
    assert (outcome.change.action, outcome.problem) == ("create", "")


def test_a_display_name_that_another_one_of_ours_has_is_told(agent: Agent) -> None:
    agent.apply(TWO)
    swapped = (
        TWO.replace('serves = "standard"', 'serves = "standard"\ndisplay_name = "crm"') + 'display_name = "hotel"\n'
    )
    outcomes = agent.apply(swapped)
    assert [outcome.problem.partition(":")[0] for outcome in outcomes] == ["ALREADY_EXISTS", "ALREADY_EXISTS"]


def test_a_call_that_is_not_allowed_is_told(agent: Agent) -> None:
    agent.server.failures["ListWebhooks"] = [Status.PERMISSION_DENIED]
    with pytest.raises(ApiRefusal, match="PERMISSION_DENIED"):
        agent.plan(HOTEL)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What Google's clients log at their debug level, which goes to no other logger."""
    loggers = [logging.getLogger(f"google.cloud.dialogflowcx_v3.services.{each}.transports.grpc") for each in SERVICES]
    for logger in loggers:
        caplog.set_level(logging.DEBUG, logger.name)
        logger.addHandler(caplog.handler)
    yield caplog
    for logger in loggers:
        logger.removeHandler(caplog.handler)


def test_no_secret_is_logged_or_shown(agent: Agent, logged: pytest.LogCaptureFixture) -> None:
    agent.server.put_environment("production")
    text = HOTEL + '[environments.production]\nurl = "https://production.example"\n'
    agent.apply(text)
    assert CANARY not in str([vars(record) for record in logged.records])
    changes = agent.plan(text, variables={"PASSWORD": "another-canary"})
    assert "canary" not in repr(changes)


def test_what_looks_like_a_secret_in_a_url_or_body_of_the_agent_is_not_shown(agent: Agent) -> None:
    service = {
        "uri": "https://cx:canary-1@old.example/?key=canary-2&id=$session.params.id",
        "webhookType": "FLEXIBLE",
        "httpMethod": "POST",
        "requestBody": '{"api_key": "canary-3", "id": "$session.params.id"}',
    }
    agent.server.put_webhook("crm", genericWebService=service)
    text = '[webhooks.crm]\nurl = "https://new.example/?key=%s"\nmethod = "POST"\nbody = "{}"\n'

    [change] = agent.plan(text % "canary-4", app(standard=False))

    assert "canary" not in repr(change)
    before = "https://old.example/?key=...&id=$session.params.id"
    assert f"genericWebService.uri: {before} -> https://new.example/?key=..." in lines(change)
    agent.apply(text % "canary-4", app(standard=False))
    [change] = agent.plan(text % "canary-5", app(standard=False))
    assert lines(change) == ["genericWebService.uri: https://new.example/?key=... -> (another secret)"]


def test_a_resource_without_a_name_is_told(agent: Agent) -> None:
    agent.server.webhooks["x"] = {"displayName": "hotel"}

    with pytest.raises(ApiRefusal, match="without a name"):
        agent.plan(HOTEL)


def test_the_file_of_what_is_known_is_not_written_through_a_link(agent: Agent, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("mine", encoding="utf-8")
    beside = agent.folder / f"{FILE}.new"
    beside.symlink_to(other)

    agent.apply(HOTEL)

    assert other.read_text(encoding="utf-8") == "mine"
    assert not beside.is_symlink()


@pytest.mark.parametrize("digest", ["00:\u00e9", "xx", "\u00b2:00"])
def test_a_digest_that_is_none_counts_as_another_secret(digest: str) -> None:
    assert Known(secrets={"password": digest}).unseen({("password",): "x"}) == set()
