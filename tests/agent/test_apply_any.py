"""Whatever was applied before: what is applied then is there, as if it had been applied to an empty agent."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cxfulfill.agent.resource_state import FILE
from tests.agent.cx_server import CxServer
from tests.agent.support import Agent

VERSION = "projects/1/secrets/s/versions/%d"
MECHANISMS = [
    "",
    'basic = { username = "cx", password_env = "PASSWORD" }',
    f'basic = {{ secret_version = "{VERSION % 1}" }}',
    'oauth = { client_id = "cx", client_secret_env = "PASSWORD", token_endpoint = "https://id.example/t" }',
    f'oauth = {{ client_id = "b", secret_version = "{VERSION % 2}", token_endpoint = "https://id.example/t" }}',
    'service_agent_auth = "none"',
    'service_agent_auth = "access_token"',
    'service_account = "cx@hotel-1.iam.gserviceaccount.com"',
    f'headers = {{ Authorization = {{ secret_version = "{VERSION % 3}" }}, X-Team = "desk" }}',
]
SERVICES = "projects/p/locations/l/namespaces/n/services/%s"
OTHERS = [
    "timeout = 7.5", "timeout = 5", "disabled = true", "disabled = false", 'display_name = "The hotel"',
    f'service_directory = "{SERVICES % "a"}"', f'service_directory = "{SERVICES % "b"}"',
]  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> str:
    """What a file may say of one webhook and one environment."""
    chosen = draw(st.lists(st.sampled_from(OTHERS), max_size=3, unique_by=lambda line: line.partition(" ")[0]))
    mechanisms = st.sampled_from(MECHANISMS)
    url = draw(st.sampled_from(["", 'url = "https://production.example"', 'url = "https://other.example"']))
    there = draw(st.booleans())
    text = "\n".join(["[webhooks.hotel]", 'serves = "standard"', draw(mechanisms), *chosen])
    text += f"\n[environments.production]\n{url}\n"
    return text + (f"[environments.production.webhooks.hotel]\n{draw(mechanisms)}\n" if there else "")


def kept(server: CxServer) -> tuple[Any, Any]:
    """The webhook and its overrides, without ids, and without messages that say nothing."""

    def told(document: dict[str, Any]) -> Any:
        return {name: member for name, member in document.items() if name != "name"}

    [webhook], [environment] = server.webhooks.values(), server.environments.values()
    overrides = environment.get("webhookConfig", {}).get("webhookOverrides", [])
    assert {each["name"] for each in overrides} <= {webhook["name"]}
    return told(webhook), [told(each) for each in overrides]


def begin(agent: Agent) -> None:
    agent.server.webhooks.clear()
    agent.server.environments.clear()
    (agent.folder / FILE).unlink(missing_ok=True)
    agent.server.put_environment("production")


@pytest.mark.parametrize("shows_secrets", [True, False])
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(files(), min_size=1, max_size=3), files())
def test_any_way_leads_to_the_same(agent: Agent, shows_secrets: bool, before: list[str], text: str) -> None:
    agent.server.shows_secrets = shows_secrets
    begin(agent)
    agent.apply(text)
    fresh, overrides = kept(agent.server)
    begin(agent)
    for each in before:
        agent.apply(each)
    agent.apply(text)
    webhook, there = kept(agent.server)
    # The display name of an override is no field that CX reads there.
    assert [{**each, "displayName": ""} for each in there] == [{**each, "displayName": ""} for each in overrides]
    assert compared(webhook) == compared(fresh)


def compared(webhook: dict[str, Any]) -> dict[str, Any]:
    """A webhook, with what CX takes where there is nothing."""
    made = {"timeout": "5s", "disabled": False, **webhook}
    service = made.get("genericWebService") or made["serviceDirectory"]["genericWebService"]
    service.setdefault("webhookType", "STANDARD")
    return made


def test_a_secret_that_the_api_does_not_show_goes_with_its_mechanism(agent: Agent) -> None:
    agent.server.shows_secrets = False
    begin(agent)
    agent.apply(f"[webhooks.hotel]\nserves = 'standard'\n{MECHANISMS[1]}\n")
    [outcome] = agent.apply("[webhooks.hotel]\nserves = 'standard'\n")

    assert ("genericWebService.password", "(secret)", "(none)") in [
        (each.field, each.before, each.after) for each in outcome.change.fields
    ]
    [webhook] = agent.server.webhooks.values()
    assert "password" not in webhook["genericWebService"]
