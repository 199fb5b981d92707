"""What an agent is to have, as Terraform's configuration and as JSON of the REST API."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from cxfulfill.agent import resource_hcl
from cxfulfill.agent.resource_desired import desired
from cxfulfill.agent.resource_rest import rest
from cxfulfill.agent.resource_service import Sources
from cxfulfill.agent.resource_settings import parse_settings
from cxfulfill.agent.resource_terraform import LACKING, terraform
from cxfulfill.agent.resources import (
    Desired,
    GenericWebService,
    Message,
    OAuthConfig,
    SecretVersionHeaderValue,
    ServiceAccountAuthConfig,
    ServiceDirectoryConfig,
    WebhookResource,
)
from tests.agent.hcl import Word, parse, unquoted
from tests.agent.support import AGENT, app
from tests.auth.pki import make_ca

VERSION = "projects/hotel-1/locations/europe-west1/agents/agent-1/flows/f/versions/1"
TEXT = f"""
[webhooks.hotel]
serves = "standard"
display_name = 'The "hotel" ${{a}}'
timeout = 10
basic = {{ username = "cx", password_env = "HOTEL_PASSWORD" }}
ca_certs = ["ca.pem"]
headers = {{ X-Team = "${{HOTEL_PASSWORD_2}}", X-Key = {{ env = "KEY" }}, X-Kept = {{ secret_version = "projects/1/secrets/s/versions/1" }} }}
service_directory = "projects/p/locations/l/namespaces/n/services/s"

[webhooks."2 crm!"]
url = "https://crm.example/q"
method = "POST"
body = '{{"a": "$session.params.a", "b": "%{{b}}"}}'
mapping = {{ a = "$.a" }}
disabled = true
oauth = {{ client_id_env = "ID", client_secret_env = "KEY", token_endpoint = "https://id.example/t", scopes = ["a"] }}

[webhooks."2.crm."]
url = "https://crm.example/r"
method = "GET"
service_account = "cx@p.iam.gserviceaccount.com"

[environments.production]
url = "https://production.example"
description = "ours"
versions = ["{VERSION}"]

[environments.staging.webhooks."2.crm."]
url = "https://staging.example/r"

[environments.empty]
versions = ["{VERSION}"]
"""  # noqa: E501
HOTEL = "google_dialogflow_cx_webhook.hotel.id"


@pytest.fixture
def made(tmp_path: Path) -> Desired:
    (tmp_path / "ca.pem").write_text(make_ca().pem)
    return desired(app(flexible=True), parse_settings(AGENT + TEXT), Sources(None, tmp_path))


def test_terraform(made: Desired) -> None:
    text = terraform(made)
    blocks = dict(parse(text))
    variables = {"type": Word("string"), "sensitive": True}
    assert [head[1:] for head in blocks] == [
        ("hotel_password",), ("id",), ("key",),
        ("google_dialogflow_cx_webhook", "hotel"), ("hotel_credentials",),
        ("google_dialogflow_cx_webhook", "_2_crm"), ("google_dialogflow_cx_webhook", "_2_crm_2"),
        ("google_dialogflow_cx_webhook", "put_orders_int_id"),
        ("google_dialogflow_cx_environment", "production"), ("production_overrides",), ("staging_overrides",),
        ("google_dialogflow_cx_environment", "empty"),
    ]  # fmt: skip
    assert blocks["variable", "hotel_password"] == variables
    hotel = blocks["resource", "google_dialogflow_cx_webhook", "hotel"]
    [directory] = hotel.pop("service_directory")
    [service] = directory.pop("generic_web_service")
    assert hotel == {"parent": str(made.agent), "display_name": 'The "hotel" ${a}', "timeout": "10s"}
    assert directory == {"service": "projects/p/locations/l/namespaces/n/services/s"}
    assert len(service.pop("allowed_ca_certs")) == 1
    assert service == {
        "uri": "https://hotel.example/webhook", "webhook_type": "STANDARD",
        "request_headers": {"X-Team": "${HOTEL_PASSWORD_2}", "X-Key": Word("var.key")},
        "secret_versions_for_request_headers": [{"key": "X-Kept", "secret_version": "projects/1/secrets/s/versions/1"}],
    }  # fmt: skip
    assert blocks["output", "hotel_credentials"] == {
        "sensitive": True,
        "value": {
            "serviceDirectory": {"genericWebService": {"username": "cx", "password": Word("var.hotel_password")}}
        },
    }
    crm = blocks["resource", "google_dialogflow_cx_webhook", "_2_crm"]
    assert crm["disabled"] is True
    [service] = crm["generic_web_service"]
    assert service["request_body"] == '{"a": "$session.params.a", "b": "%{b}"}'
    assert (service["http_method"], service["parameter_mapping"]) == ("POST", {"a": "$.a"})
    assert service["oauth_config"] == [
        {
            "client_id": Word("var.id"), "client_secret": Word("var.key"), "token_endpoint": "https://id.example/t",
            "scopes": ["a"],
        }
    ]  # fmt: skip
    [service] = blocks["resource", "google_dialogflow_cx_webhook", "_2_crm_2"]["generic_web_service"]
    assert service["service_account_auth_config"] == [{"service_account": "cx@p.iam.gserviceaccount.com"}]


PROVIDER: dict[type[Message], set[str]] = {
    WebhookResource: {"display_name", "disabled", "timeout", "generic_web_service", "service_directory"},
    ServiceDirectoryConfig: {"service", "generic_web_service"},
    GenericWebService: {
        "uri", "allowed_ca_certs", "http_method", "parameter_mapping", "request_body", "request_headers",
        "secret_version_for_username_password", "service_agent_auth", "webhook_type", "oauth_config",
        "secret_versions_for_request_headers", "service_account_auth_config",
    },
    OAuthConfig: {"client_id", "client_secret", "scopes", "secret_version_for_client_secret", "token_endpoint"},
    ServiceAccountAuthConfig: {"service_account"},
    SecretVersionHeaderValue: {"secret_version"},
}  # fmt: skip
"""The arguments of google_dialogflow_cx_webhook in release 7.45.0 of the provider, without the deprecated ones."""


@pytest.mark.parametrize("model", PROVIDER)
def test_terraform_has_an_argument_for_each_field_that_is_written(model: type[Message]) -> None:
    lacking = {*LACKING, "name"}  # the name is the provider's own
    assert {*model.model_fields} - lacking == PROVIDER[model]


def test_what_terraform_lacks_is_rest(made: Desired) -> None:
    text = terraform(made)
    blocks = dict(parse(text))
    assert blocks["resource", "google_dialogflow_cx_environment", "production"] == {
        "parent": str(made.agent), "display_name": "production", "description": "ours",
        "version_configs": [{"version": VERSION}],
    }  # fmt: skip
    output = blocks["output", "production_overrides"]
    hotel, orders = output["value"]["webhookConfig"]["webhookOverrides"]
    assert output["sensitive"] is True
    assert (hotel["name"], hotel["displayName"]) == (Word(HOTEL), 'The "hotel" ${a}')
    service = hotel["serviceDirectory"]["genericWebService"]
    assert (service["uri"], service["password"]) == ("https://production.example/webhook", Word("var.hotel_password"))
    assert orders["name"] == Word("google_dialogflow_cx_webhook.put_orders_int_id.id")
    staging = blocks["output", "staging_overrides"]
    assert "sensitive" not in staging
    environment = import_module("google.cloud.dialogflowcx_v3").Environment.pb()
    ParseDict(staging["value"], environment())
    comments = re.findall(r"^# (.*)$", text, re.MULTILINE)
    patch = "gives the body of PATCH https://europe-west1-dialogflow.googleapis.com/v3/NAME?updateMask="
    service = "serviceDirectory.genericWebService"
    assert comments[:3] == [
        "google_dialogflow_cx_webhook has no user name and password: send them again whenever it was changed.",
        f"terraform output -raw hotel_credentials {patch}{service}.username,{service}.password",
        f"where NAME is {HOTEL}",
    ]
    assert f"terraform output -raw production_overrides {patch}webhookConfig.webhookOverrides" in comments
    assert "where NAME is google_dialogflow_cx_environment.production.id" in comments
    assert "The environment 'staging' is no resource here: it has no versions in the file." in comments


def test_rest(made: Desired) -> None:
    text = rest(made, {"hotel": "projects/hotel-1/locations/europe-west1/agents/agent-1/webhooks/1"})
    document = json.loads(text)
    package = import_module("google.cloud.dialogflowcx_v3")
    assert document["parent"] == str(made.agent)
    for webhook in document["webhooks"]:
        ParseDict(webhook, package.Webhook.pb()())
    for environment in document["environments"]:
        ParseDict(environment, package.Environment.pb()())
    hotel, crm, *_ = document["webhooks"]
    assert hotel["name"].endswith("/webhooks/1")
    assert hotel["serviceDirectory"]["genericWebService"]["password"] == "${HOTEL_PASSWORD}"
    assert "name" not in crm
    production, staging, empty = document["environments"]
    names = [each["name"].rpartition("/")[2] for each in production["webhookConfig"]["webhookOverrides"]]
    assert names == ["1", "WEBHOOK_ID"]
    assert staging["webhookConfig"]["webhookOverrides"][0]["displayName"] == "2.crm."
    assert empty == {"displayName": "empty", "versionConfigs": [{"version": VERSION}]}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", '"a"'),
        ("$session.params.x", '"$session.params.x"'),
        ("${x}", '"$${x}"'),
        ("%{ if }", '"%%{ if }"'),
        ("$${x} %%%{x}", r'"$\u0024{x} %%\u0025{x}"'),
        ("100% {", '"100% {"'),
        ('"\\\n\r\t', r'"\"\\\n\r\t"'),
        ("\x00\u2028\U000e0001é", '"\\u0000\\u2028\\U000e0001é"'),
    ],
)
def test_text_in_hcl(text: str, written: str) -> None:
    assert resource_hcl.quoted(text) == written
    assert unquoted(written) == text


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text('${%\\a"'))
def test_any_text_comes_back_from_hcl(text: str) -> None:
    assert unquoted(resource_hcl.quoted(text)) == text


@given(
    st.recursive(
        st.booleans() | st.text("ab\n$", max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", min_size=1), inner, max_size=3),
    )
)
def test_any_value_comes_back_from_hcl(value: Any) -> None:
    text = resource_hcl.block("b", {"v": value}, [resource_hcl.block("inner", {}, depth=1)])
    assert parse(text) == [(("b",), {"v": value, "inner": [{}]})]


def test_a_secret_that_the_file_holds_in_plain_text_is_sensitive_in_terraform() -> None:
    text = (
        'basic = { username = "cx", password = "canary", insecure_plaintext = true }\n'
        '[environments.production]\nurl = "https://production.example"\n'
    )
    settings = parse_settings(f'{AGENT}[webhooks.hotel]\nserves = "standard"\n{text}')

    written = terraform(desired(app(), settings, Sources(None)))

    outputs = [part for part in written.split("\noutput ")[1:] if "canary" in part]
    assert len(outputs) == 2
    assert all("sensitive = true" in part for part in outputs)
