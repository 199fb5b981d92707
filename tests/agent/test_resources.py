"""The models against the descriptors of Google's package, and what becomes of settings in them."""

import base64
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from cxfulfill import ConfigurationError
from cxfulfill.agent.resource_fields import compact
from cxfulfill.agent.resources import (
    GenericWebService,
    Message,
    Method,
    OAuthConfig,
    SecretVersionHeaderValue,
    ServiceAccountAuthConfig,
    ServiceDirectoryConfig,
    WebhookResource,
)
from cxfulfill.http import METHODS
from tests.agent.support import app, wanted
from tests.auth.pki import make_ca

VERSIONS = ["v3", "v3beta1"]


def aliases(model: type[Message]) -> set[str]:
    return {str(info.alias) for info in model.model_fields.values()}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_field_of_the_messages_is_there(version: str) -> None:
    webhook = import_module(f"google.cloud.dialogflowcx_{version}").Webhook
    service = webhook.GenericWebService
    models: list[tuple[Any, type[Message]]] = [
        (webhook, WebhookResource),
        (service, GenericWebService),
        (service.OAuthConfig, OAuthConfig),
        (service.ServiceAccountAuthConfig, ServiceAccountAuthConfig),
        (service.SecretVersionHeaderValue, SecretVersionHeaderValue),
        (webhook.ServiceDirectoryConfig, ServiceDirectoryConfig),
    ]
    for kind, model in models:
        assert {field.json_name for field in kind.pb().DESCRIPTOR.fields} == aliases(model), model
    enums = service.pb().DESCRIPTOR.enum_types_by_name
    values = {name: [value.name for value in each.values][1:] for name, each in enums.items()}
    assert values["HttpMethod"] == list(METHODS) == list(get_args(Method))
    assert values["WebhookType"] == ["STANDARD", "FLEXIBLE"]
    assert values["ServiceAgentAuth"] == ["NONE", "ID_TOKEN", "ACCESS_TOKEN"]


EVERYTHING = """
[webhooks.hotel]
serves = "standard"
display_name = "The hotel"
timeout = 7.5
disabled = true
basic = { username = "cx", password_env = "PASSWORD" }
headers = { X-Place = "Kiel", X-Team = { value = "desk" }, X-Key = { env = "KEY" }, X-Kept = { secret_version = "projects/1/secrets/s/versions/1" } }
ca_certs = ["ca.pem", "ca.der"]
service_directory = "projects/p/locations/l/namespaces/n/services/s"

[webhooks.orders]
serves = "PUT /orders/<int:id>"
oauth = { client_id_env = "ID", secret_version = "projects/1/secrets/o/versions/1", token_endpoint = "https://id.example/t", scopes = ["a", "b"] }

[webhooks.crm]
url = "https://crm.example/q?id=$session.params.id"
method = "POST"
body = '{"id": "$session.params.id"}'
mapping = { name = "$.name", "$flow.size" = "$.size" }
service_account = "cx@p.iam.gserviceaccount.com"

[webhooks.kept]
url = "https://crm.example/q"
method = "GET"
basic = { secret_version = "projects/1/secrets/b/versions/1" }

[webhooks.agent]
url = "https://crm.example/r"
method = "GET"
service_agent_auth = "access_token"
"""  # noqa: E501


@pytest.mark.parametrize("version", VERSIONS)
def test_each_field_is_reached_by_the_file(version: str, tmp_path: Path) -> None:
    authority = make_ca()
    (tmp_path / "ca.pem").write_text(authority.pem + make_ca().pem)
    (tmp_path / "ca.der").write_bytes(authority.der)
    variables = {"PASSWORD": "p", "KEY": "k", "ID": "cx"}
    made = wanted(EVERYTHING, app(flexible=True), folder=tmp_path, variables=variables)
    kind = import_module(f"google.cloud.dialogflowcx_{version}").Webhook
    documents = {key: compact(webhook.document()) for key, webhook in made.webhooks.items()}
    read = {key: MessageToDict(ParseDict(document, kind.pb()())) for key, document in documents.items()}
    hotel = read["hotel"]
    certificates = hotel["serviceDirectory"]["genericWebService"].pop("allowedCaCerts")
    assert (len(certificates), certificates[0], certificates[2]) == (
        3,
        base64.b64encode(authority.der).decode(),
        certificates[0],
    )
    assert hotel == {
        "displayName": "The hotel", "timeout": "7.500s", "disabled": True,
        "serviceDirectory": {
            "service": "projects/p/locations/l/namespaces/n/services/s",
            "genericWebService": {
                "uri": "https://hotel.example/webhook", "webhookType": "STANDARD", "username": "cx", "password": "p",
                "requestHeaders": {"X-Place": "Kiel", "X-Team": "desk", "X-Key": "k"},
                "secretVersionsForRequestHeaders": {"X-Kept": {"secretVersion": "projects/1/secrets/s/versions/1"}},
            },
        },
    }  # fmt: skip
    assert read["orders"]["genericWebService"]["oauthConfig"] == {
        "clientId": "cx", "secretVersionForClientSecret": "projects/1/secrets/o/versions/1", "scopes": ["a", "b"],
        "tokenEndpoint": "https://id.example/t",
    }  # fmt: skip
    assert read["crm"]["genericWebService"] == {
        "uri": "https://crm.example/q?id=$session.params.id", "webhookType": "FLEXIBLE", "httpMethod": "POST",
        "requestBody": '{"id": "$session.params.id"}', "parameterMapping": {"name": "$.name", "$flow.size": "$.size"},
        "serviceAccountAuthConfig": {"serviceAccount": "cx@p.iam.gserviceaccount.com"},
    }  # fmt: skip
    kept = read["kept"]["genericWebService"]["secretVersionForUsernamePassword"]
    assert (kept, read["agent"]["genericWebService"]["serviceAgentAuth"]) == (
        "projects/1/secrets/b/versions/1", "ACCESS_TOKEN",
    )  # fmt: skip
    assert set(documents["kept"]["genericWebService"]) < aliases(GenericWebService)


def test_settings_lie_over_each_other() -> None:
    made = wanted(
        """
        [defaults]
        timeout = 9
        basic = { username = "cx", password_env = "PASSWORD" }
        headers = { X-Place = "Kiel", X-Team = "desk" }
        [webhooks.hotel]
        serves = "standard"
        headers = { x-place = "Ulm", Authorization = { secret_version = "projects/1/secrets/s/versions/1" } }
        [webhooks.crm]
        url = "https://crm.example/q"
        method = "GET"
        [environments.production]
        defaults = { service_account = "cx@p.iam.gserviceaccount.com" }
        [environments.staging.webhooks.crm]
        headers = { X-Stage = "staging" }
        [environments.empty]
        """,
        app(flexible=True),
    )
    hotel, crm, orders = made.webhooks.values()
    service = hotel.generic_web_service
    assert service is not None
    assert (hotel.timeout, orders.timeout, crm.timeout) == (9.0, 9.0, None)
    assert dict(service.request_headers) == {"X-Team": "desk", "x-place": "Ulm"}
    assert service.secret_versions_for_request_headers.keys() == {"Authorization"}
    assert service.password is None
    production, staging, empty = made.environments
    assert production.overrides.keys() == {"hotel", "PUT /orders/<int:id>"}
    there = production.overrides["hotel"].service
    assert there is not None
    assert there.uri == "https://hotel.example/webhook"
    assert there.service_account_auth_config is not None
    assert there.secret_versions_for_request_headers == {}
    assert staging.overrides.keys() == {"crm"}
    assert empty.overrides == {}
    put = orders.service
    assert put is not None
    assert dict(put.request_headers) == {"X-Lang": "$session.params.lang", "X-Place": "Kiel", "X-Team": "desk"}
    assert "canary" not in repr(made)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[webhooks.a]\nserves = "GET /no"',
            "webhooks.a.serves: the application serves standard, PUT /orders",
        ),
        (
            '[webhooks.a]\nserves = "standard"\n[webhooks.b]\nserves = "standard"',
            "webhooks.b.serves: webhooks.a serves it already",
        ),
        (
            '[webhooks.standard]\nurl = "https://a.example"\nmethod = "GET"',
            'webhooks.standard: it is the key of what serves = "standard" would be',
        ),
        (
            '[webhooks.a]\nserves="standard"\ndisplay_name="b"\n[webhooks.b]\nurl="https://b.example"\nmethod="GET"',
            "webhooks.a and webhooks.b would have the same display name",
        ),
        ("[environments.production.webhooks.c]", "environments.production.webhooks.c: the webhooks are standard, PUT"),
        (
            '[defaults]\nheaders = { X-Key = { env = "NOT_SET" } }',
            "webhooks.standard: the variable NOT_SET is not set",
        ),
        (
            '[defaults]\nheaders = { X-Key = { env = "TWO_LINES" } }',
            "webhooks.standard: the variable TWO_LINES holds a control character, such as a line end",
        ),
        ('[defaults]\nca_certs = ["none.pem"]', "webhooks.standard: ca_certs: none.pem cannot be read: No such file"),
        ('[defaults]\nca_certs = ["empty.pem"]', "webhooks.standard: ca_certs: empty.pem has no certificate in PEM or"),
    ],
)
def test_what_does_not_fit_the_application_is_told(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigurationError) as raised:
        wanted(text, app(flexible=True), folder=tmp_path, variables={"TWO_LINES": "a\n"})
    assert str(raised.value).startswith(sentence)


def test_an_application_without_handlers_has_no_standard_webhook() -> None:
    assert wanted("", app(flexible=True, standard=False)).webhooks.keys() == {"PUT /orders/<int:id>"}
    assert wanted('[webhooks.a]\nserves = "standard"', app(standard=False)).webhooks.keys() == {"a"}
