"""``cxfulfill.toml`` is read strictly, and says in a sentence what is wrong; no value is in it."""

from pathlib import Path

import pytest

from cxfulfill import ConfigurationError
from cxfulfill.agent.resource_desired import desired
from cxfulfill.agent.resource_settings import parse_settings, read_settings
from tests.agent.support import AGENT, CANARY, app

HOTEL = '[webhooks.hotel]\nserves = "standard"\n'
PLAIN = "is in plain text here: name a secret_version or a variable, or set insecure_plaintext = true"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{HOTEL}pasword = 1", "webhooks.hotel.pasword: there is no such key"),
        ("[webhook]", "webhook: there is no such key"),
        # The table is missing, too: the misspelt key is what helps.
        (f"{HOTEL}[agnet]", "agnet: there is no such key"),
        (f'{HOTEL}basic = {{ user = "a", password_env = "B" }}', "webhooks.hotel.basic.user: there is no such key"),
        (
            f'{HOTEL}basic = {{ username = "a", password = "{CANARY}" }}',
            f"webhooks.hotel.basic: password {PLAIN}",
        ),
        (
            f'{HOTEL}basic = {{ username = "a" }}',
            "webhooks.hotel.basic: it takes one of secret_version, password, password_env",
        ),
        (
            f'{HOTEL}basic = {{ password_env = "A" }}',
            "webhooks.hotel.basic: it takes one of username, username_env",
        ),
        (
            f'{HOTEL}basic = {{ username = "a", secret_version = "projects/p/secrets/s/versions/1" }}',
            "webhooks.hotel.basic: the secret version holds the user name, too: user:password",
        ),
        (
            f'{HOTEL}oauth = {{ client_id = "a", client_secret = "{CANARY}", token_endpoint = "https://a.example" }}',
            f"webhooks.hotel.oauth: client_secret {PLAIN}",
        ),
        (
            f'{HOTEL}oauth = {{ client_secret_env = "A", token_endpoint = "https://a.example" }}',
            "webhooks.hotel.oauth: it takes one of client_id, client_id_env",
        ),
        (
            f'{HOTEL}oauth = {{ client_id = "a", token_endpoint = "https://a.example" }}',
            "webhooks.hotel.oauth: it takes one of client_secret, client_secret_env, secret_version",
        ),
        (
            f'{HOTEL}oauth = {{ client_id = "a", client_secret_env = "A" }}',
            "webhooks.hotel.oauth.token_endpoint is missing",
        ),
        (
            f'{HOTEL}oauth = {{ client_id = "a", client_secret_env = "A", token_endpoint = "http://a.example" }}',
            "webhooks.hotel.oauth.token_endpoint: it must be an https URL",
        ),
        (f'{HOTEL}headers = {{ Authorization = "{CANARY}" }}', f"webhooks.hotel: the header Authorization {PLAIN}"),
        (f'{HOTEL}headers = {{ X-Api-Key = "{CANARY}" }}', f"webhooks.hotel: the header X-Api-Key {PLAIN}"),
        (f"{HOTEL}headers = {{ X-Team = {{}} }}", "webhooks.hotel.headers.X-Team: it takes one of value, env, secret_"),
        (f'{HOTEL}headers = {{ "X Team" = "a" }}', "webhooks.hotel.headers.X Team: String should match pattern"),
        (
            f'{HOTEL}service_account = "a@b"\nservice_agent_auth = "id_token"',
            "webhooks.hotel: service_agent_auth and service_account end in the same header, Authorization",
        ),
        (f'{HOTEL}service_agent_auth = "{CANARY}"', "webhooks.hotel.service_agent_auth: Input should be 'id_token'"),
        (f"{HOTEL}timeout = 31", "webhooks.hotel.timeout: Input should be less than or equal to 30"),
        (f"{HOTEL}disabled = 1", "webhooks.hotel.disabled: Input should be a valid boolean"),
        (f'{HOTEL}service_directory = "{CANARY}"', "webhooks.hotel.service_directory: String should match pattern"),
        (f'{HOTEL}url = "https://a.example"', 'webhooks.hotel: it takes serves = "standard" or "METHOD /path" of the'),
        ("[webhooks.hotel]", 'webhooks.hotel: it takes serves = "standard"'),
        (f"{HOTEL}body = '{{}}'", "webhooks.hotel: body goes with url; of what the application serves it tells itself"),
        ('[webhooks.crm]\nurl = "https://a.example"', "webhooks.crm: url goes with method"),
        (
            '[webhooks.crm]\nurl = "https://a.example"\nmethod = "GET"\nbody = "{}"',
            "webhooks.crm: body goes with PATCH, POST, PUT",
        ),
        (
            '[webhooks.crm]\nurl = "https://a.example"\nmethod = "PUT"\nbody = \'{"a": $session.params.a}\'',
            "webhooks.crm: body must be JSON, with each reference to a parameter in quotes",
        ),
        (f'{HOTEL}headers = {{ X-Team = "a\\nb" }}', "webhooks.hotel.headers.X-Team.value: String should match"),
        (
            '[environments.production]\nurl = "production.example"',
            "environments.production.url: it takes https://HOST or http://HOST",
        ),
        ('[environments.production]\nurl = "http://a.example"', "environments.production.url: it must be an https URL"),
        ("[environments.production]\nversions = []", "environments.production.versions: List should have at least 1"),
        ("[environments.production.webhooks.a]\ntimeout = 3", "environments.production.webhooks.a.timeout: there is"),
    ],
)
def test_what_is_wrong_is_named(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_settings(AGENT + text)
    assert str(raised.value).startswith(f"cxfulfill.toml: {sentence}")
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "cxfulfill.toml: agent is missing"),
        ('[agent]\nproject = "p"\nlocation = "global"', "cxfulfill.toml: agent.id is missing"),
        (AGENT.replace("hotel-1", "a/b"), "cxfulfill.toml: agent.project: it has no slash and no white space"),
        (AGENT.replace("europe-west1", "a.b"), "cxfulfill.toml: agent.location: String should match pattern"),
        ("[agent", "cxfulfill.toml is no TOML: "),
    ],
)
def test_the_agent_is_named(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_settings(text)
    assert str(raised.value).startswith(sentence)


def test_an_application_needs_an_address() -> None:
    settings = parse_settings(AGENT.replace('url = "https://hotel.example"', ""))
    with pytest.raises(ConfigurationError, match=r"agent\.url is missing: where the agent calls the application"):
        desired(app(), settings)


def test_plain_text_is_possible_for_who_wants_it() -> None:
    made = desired(
        app(),
        parse_settings(
            f"""{AGENT}{HOTEL}
            basic = {{ username = "cx", password = "p", insecure_plaintext = true }}
            headers = {{ X-Api-Key = {{ value = "k", insecure_plaintext = true }}, X-Pin = "$session.params.pin" }}
            [environments.production.webhooks.hotel.oauth]
            client_id = "a"
            client_secret = "b"
            token_endpoint = "https://a.example"
            insecure_plaintext = true
            """
        ),
    )
    service = made.webhooks["hotel"].service
    assert service is not None
    assert (service.password, dict(service.request_headers)) == (
        "p",
        {"X-Api-Key": "k", "X-Pin": "$session.params.pin"},
    )
    there = made.environments[0].overrides["hotel"].service
    assert there is not None
    assert there.oauth_config is not None
    assert (there.oauth_config.client_secret, there.password) == ("b", None)


def test_a_mechanism_beside_none_of_the_service_agent() -> None:
    settings = parse_settings(f'{AGENT}{HOTEL}service_account = "a@b"\nservice_agent_auth = "none"')
    assert settings.webhooks["hotel"].mechanisms == ("service_agent_auth", "service_account")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^a\.toml cannot be read: No such file or directory$"):
        read_settings(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=r"^a\.toml is no UTF-8$"):
        read_settings(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_text(AGENT)
    assert str(read_settings(tmp_path / "a.toml").agent.name).endswith("/agents/agent-1")
