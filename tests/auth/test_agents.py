"""Agents and environments kept apart: who calls is known from the headers, from where only from the session's name."""

import json
from typing import Any

import pytest

from cxfulfill import (
    AllOf,
    AnyOf,
    Authenticator,
    BasicAuth,
    ByEnvironment,
    ConfigurationError,
    HeaderSecret,
    Principal,
    Unavailable,
    Webhook,
)
from cxfulfill.protocol.names import AgentName, SessionName
from tests.auth.tokens_support import Source, app_g, token
from tests.pipeline.support import Counted, Finds, Unreadable, basic, post, refused

AGENT = "projects/p/locations/global/agents/a"
STAGING, PRODUCTION = "11111111-aaaa", "22222222-bbbb"
PASSWORDS = {name: f"the-password-of-{name}" for name in ("draft", STAGING, PRODUCTION)}


def body(session: Any = f"{AGENT}/sessions/s") -> bytes:
    info = {} if session is ... else {"sessionInfo": {"session": session, "parameters": {}}}
    return json.dumps({"fulfillmentInfo": {"tag": "count"}} | info).encode()


def session_in(environment: str | None) -> str:
    return f"{AGENT}/environments/{environment}/sessions/s" if environment else f"{AGENT}/sessions/s"


def policies() -> dict[str, Authenticator]:
    return {name: BasicAuth(name.partition("-")[0], password) for name, password in PASSWORDS.items()}


def credential(name: str) -> dict[str, str]:
    return {"Authorization": basic(f"{name.partition('-')[0]}:{PASSWORDS[name]}")}


@pytest.mark.parametrize(
    "session", [f"{AGENT}/sessions/s", f"{AGENT}/environments/e/sessions/s", f"{AGENT}/sessions/a/b"]
)
def test_a_session_of_an_allowed_agent(session: str) -> None:
    other = AgentName("p", "global", "b")
    assert post(Counted(allowed_agents=[AGENT, other]), body(session)).status == 200
    assert post(Counted(allowed_agents=AGENT), body(session)).status == 200


@pytest.mark.parametrize(
    "session",
    [
        ...,
        None,
        "",
        "s",
        "-",
        AGENT,
        f"{AGENT}/",
        f"{AGENT}2/sessions/s",
        f"{AGENT}/x/sessions/s",
        f"x/{AGENT}/sessions/s",
        f"/{AGENT}/sessions/s",
        AGENT.replace("/a", "/b") + "/sessions/s",
        AGENT.upper() + "/sessions/s",
        AGENT.replace("p/", "q/", 1) + "/sessions/s",
        f"projects/q/{AGENT}/sessions/s",
        f"{AGENT}/sessions/",
        f"{AGENT} /sessions/s",
        f"{AGENT}\n/sessions/s",
        AGENT.replace("global", "europe-west1") + "/sessions/s",
        f"projects/evil/locations/global/agents/a/sessions/{AGENT}/sessions/s",
    ],
)
def test_a092_a_session_of_no_allowed_agent(session: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(allowed_agents=[AGENT])
    result = refused(webhook, caplog, 403, body=body(session))
    assert result.reason == "agent_not_allowed"
    assert AGENT not in result.body.decode()


def test_a092_a_page_s_name_names_no_agent(caplog: pytest.LogCaptureFixture) -> None:
    page = {"fulfillmentInfo": {"tag": "count"}, "pageInfo": {"currentPage": f"{AGENT}/flows/f/pages/g"}}
    refused(Counted(allowed_agents=[AGENT]), caplog, 403, body=json.dumps(page).encode())


def test_an_agent_is_asked_for_after_authentication(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(allowed_agents=[AGENT])
    refused(webhook, caplog, 401, headers={"Authorization": None}, stream=Unreadable())


@pytest.mark.parametrize(
    "names",
    [
        [],
        "",
        [""],
        ["a"],
        [f"{AGENT}/sessions/s"],
        ["projects/p/locations/global/agents/"],
        [f"{AGENT} "],
        [None],
        ["projects//locations/global/agents/a"],
    ],
)
def test_what_is_no_list_of_agents(names: Any) -> None:
    with pytest.raises(ConfigurationError, match="allowed_agents"):
        Counted(allowed_agents=names)


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_credential_opens_its_own_environment_and_no_other(name: str, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(ByEnvironment(policies()))
    for environment in (None, "-", STAGING, PRODUCTION, "33333333-cccc"):
        request = body(session_in(environment))
        if name == (environment if environment not in (None, "-") else "draft"):
            assert post(webhook, request, headers=credential(name)).status == 200
            webhook.runs.clear()
        else:
            result = refused(webhook, caplog, 403, body=request, headers=credential(name))
            assert result.reason == "environment_not_allowed"


@pytest.mark.parametrize(
    "session",
    [
        ...,
        None,
        "",
        "s",
        f"{AGENT}/environments//sessions/s",
        f"x/{session_in(STAGING)}",
        f"{AGENT}/environments/{STAGING}/sessions/",
        f"{AGENT}/environments/{STAGING}",
    ],
)
@pytest.mark.parametrize("name", PASSWORDS)
def test_no_session_is_no_environment(name: str, session: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(ByEnvironment(policies()))
    refused(webhook, caplog, 403, body=body(session), headers=credential(name))


def test_a_credential_of_no_environment_is_refused_before_the_body(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Counted(ByEnvironment(policies()))
    headers = {"Authorization": basic("draft:another-password")}
    result = refused(webhook, caplog, 401, headers=headers, stream=Unreadable())
    assert result.headers["WWW-Authenticate"] == 'Basic realm="webhook", charset="UTF-8"'


def test_one_credential_for_several_environments() -> None:
    shared = BasicAuth("cx", "the-shared-password")
    webhook = Counted(ByEnvironment({"-": shared, STAGING: shared}))
    for environment in (None, STAGING):
        headers = {"Authorization": basic("cx:the-shared-password")}
        assert post(webhook, body(session_in(environment)), headers=headers).status == 200


def principal_of(auth: Authenticator, environment: str | None, headers: dict[str, str]) -> Principal:
    found: list[Principal] = []
    webhook = Webhook(auth=auth)
    webhook.add_handler("count", lambda ctx: found.append(ctx.principal))
    assert post(webhook, body(session_in(environment)), headers=headers).status == 200
    return found[0]


def test_the_handler_sees_the_principal_of_its_environment() -> None:
    both = {"Authorization": basic("cx:the-shared-password"), "X-Key": "the-key-of-staging-1"}
    by = ByEnvironment({"-": BasicAuth("cx", "the-shared-password"), STAGING: HeaderSecret("X-Key", both["X-Key"])})
    assert principal_of(by, None, both) == Principal("cx", "basic")
    assert principal_of(by, STAGING, both) == Principal("x-key", "header")
    around = AllOf(Finds(Principal("member", "own")), AnyOf(by))
    expected = Principal("member", "own", (Principal("x-key", "header"),))
    assert principal_of(around, STAGING, both) == expected


def test_environments_within_other_combinations(caplog: pytest.LogCaptureFixture) -> None:
    key = HeaderSecret("X-Key", "the-key-of-this-test")
    by = ByEnvironment(policies())
    both = {**credential(STAGING), "X-Key": "the-key-of-this-test"}
    all_of = Counted(AllOf(key, by))
    assert post(all_of, body(session_in(STAGING)), headers=both).status == 200
    all_of.runs.clear()
    refused(all_of, caplog, 403, body=body(session_in(PRODUCTION)), headers=both)
    any_of = Counted(AnyOf(by, key))
    refused(any_of, caplog, 403, body=body(session_in(PRODUCTION)), headers=credential(STAGING))
    assert post(any_of, body(session_in(PRODUCTION)), headers=both).status == 200, "the key alone would do"
    any_of.runs.clear()
    assert (
        post(any_of, body(session_in(PRODUCTION)), headers={"Authorization": None, "X-Key": both["X-Key"]}).status
        == 200
    )
    nested = Counted(ByEnvironment({STAGING: ByEnvironment({STAGING: key, "-": key})}))
    assert post(nested, body(session_in(STAGING)), headers=both).status == 200


def test_a_policy_that_cannot_tell(caplog: pytest.LogCaptureFixture) -> None:
    mute = Finds(Unavailable(reason="keys_unavailable"))
    webhook = Counted(ByEnvironment({"-": mute, STAGING: policies()[STAGING]}))
    assert post(webhook, body(session_in(STAGING)), headers=credential(STAGING)).status == 200
    webhook.runs.clear()
    refused(webhook, caplog, 503, body=body(session_in(None)), headers=credential(STAGING))
    refused(webhook, caplog, 503, headers={"Authorization": None}, stream=Unreadable())


def test_each_environment_with_a_token_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    sources = [Source(), Source()]
    by = ByEnvironment({"-": app_g(sources[0]), STAGING: app_g(sources[1], project_number=124)})
    webhook = Counted(by)
    headers = {"Authorization": f"Bearer {token()}"}
    assert post(webhook, body(session_in(None)), headers=headers).status == 200
    assert [source.fetches for source in sources] == [1, 1]
    webhook.runs.clear()
    refused(webhook, caplog, 403, body=body(session_in(STAGING)), headers=headers)


@pytest.mark.parametrize("names", [(), ("",), ("a/b",), ("a b",), ("draft", "-"), (None,)])
def test_what_is_no_environment(names: Any) -> None:
    with pytest.raises(ConfigurationError):
        ByEnvironment({name: BasicAuth("cx", "the-shared-password") for name in names})


def test_environments_show_no_secret() -> None:
    shown = repr(ByEnvironment(policies()))
    assert "the-password" not in shown
    assert STAGING in shown


class ByHour:
    """An authenticator of the user's that decides by the session too."""

    blocking = False

    def __init__(self, result: object) -> None:
        self.result = result

    def authenticate(self, http: object) -> Principal:
        return Principal("member", "own")

    def authorize(self, principal: Principal, session: SessionName | None) -> Any:
        return self.result


def test_an_authenticator_of_the_user_s_may_decide_by_session() -> None:
    later = Principal("later", "own")
    assert principal_of(ByHour(later), None, {}) == later
    assert principal_of(AnyOf(ByHour(later)), None, {}) == later
    assert post(Counted(ByHour(None)), body()).status == 500
    assert post(Counted(AllOf(ByHour(None))), body()).status == 500
