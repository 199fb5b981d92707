"""`Webhook.from_env`: every policy from variables; a wrong combination gets a sentence that says what to set."""

import ast
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cxfulfill
from cxfulfill import BasicAuth, ConfigurationError, Webhook, dialogflow_service_agent
from cxfulfill.settings import policies
from cxfulfill.settings.policies import read_settings
from cxfulfill.settings.table import SETTINGS, variable_names
from tests.pipeline.support import basic, body_of, post

PASSWORD = "a-long-random-password"
NEXT_PASSWORD = "another-long-password"
URL = "https://wh.example/cx"
AGENT = dialogflow_service_agent(123)
BASIC = {"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD": PASSWORD}
GOOGLE = {"AUTH": "google-id-token", "AUDIENCE": URL, "PROJECT_NUMBER": "123"}
OAUTH = {"OAUTH_ISSUER": "https://idp.example/", "OAUTH_AUDIENCE": "cx-webhook"}
JWT = OAUTH | {"AUTH": "oauth-jwt", "OAUTH_KEYS": "https://idp.example/jwks"}
INTROSPECTION = OAUTH | {
    "AUTH": "oauth-introspection", "OAUTH_ENDPOINT": "https://idp.example/introspect",
    "OAUTH_CLIENT_ID": "cx", "OAUTH_CLIENT_SECRET": PASSWORD,
}  # fmt: skip


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K_SERVICE", raising=False)


def made(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], **overrides: Any) -> Webhook:
    for name, value in variables.items():
        monkeypatch.setenv(name if name == "K_SERVICE" else f"CXFULFILL_{name}", value)
    return Webhook.from_env(**overrides)


def refusal(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], **overrides: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        made(monkeypatch, variables, **overrides)
    message = str(raised.value)
    for secret in (PASSWORD, NEXT_PASSWORD):
        assert secret not in message
    return message


@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        (BASIC, "BasicAuth('cx', password=EnvironmentSecret('CXFULFILL_BASIC_PASSWORD'))"),
        ({"AUTH": "basic", "BASIC_CREDENTIALS": f"cx:{PASSWORD}"},
         "BasicAuth.from_credentials(EnvironmentSecret('CXFULFILL_BASIC_CREDENTIALS'))"),
        ({"AUTH": "header", "HEADER_VALUE": f"Bearer {PASSWORD}"},
         "HeaderSecret('Authorization', value=EnvironmentSecret('CXFULFILL_HEADER_VALUE'))"),
        ({"AUTH": "header", "HEADER_NAME": "X-Key", "HEADER_VALUE_SECRET": "projects/p/secrets/s/versions/1"},
         "HeaderSecret('X-Key', value=SecretManager('projects/p/secrets/s/versions/1'))"),
        (GOOGLE, f"GoogleIdToken(audience=['{URL}'], service_accounts=['{AGENT}'])"),
        ({"AUTH": "google-id-token", "AUDIENCE": f"{URL}, {URL}/", "SERVICE_ACCOUNTS": "a@b.c,d@e.f"},
         f"GoogleIdToken(audience=['{URL}', '{URL}/'], service_accounts=['a@b.c', 'd@e.f'])"),
        (GOOGLE | {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "1", "K_SERVICE": "hotel"},
         f"CloudRunIam(audience=['{URL}'], service_accounts=['{AGENT}'])"),
        ({"AUTH": "none"}, "AllowUnauthenticated()"),
    ],
)  # fmt: skip
def test_a_policy_from_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], shown: str) -> None:
    assert repr(made(monkeypatch, variables).auth) == shown


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        (JWT, "OAuthJwt"),
        (JWT | {"OAUTH_SCOPES": "a,b", "OAUTH_CLIENT_IDS": "cx", "OAUTH_ALGORITHMS": "ES256",
                "OAUTH_ACCEPT_TYP_JWT": "1", "OAUTH_CLIENT_CLAIM": "azp", "OAUTH_SCOPE_CLAIM": "scp",
                "OAUTH_REQUIRE_JTI": "0"}, "OAuthJwt"),
        (INTROSPECTION, "OAuthIntrospection"),
        (INTROSPECTION | {"OAUTH_CACHE_SECONDS": "5"}, "OAuthIntrospection"),
        ({"AUTH": "mtls", "MTLS_SANS": "agent.example", "MTLS_ALLOW_ANY_DIALOGFLOW_CUSTOMER": "yes"}, "MutualTls"),
        (BASIC | {"AUTH": "mtls+basic", "MTLS_SUBJECTS": "google; CN=Us,O=Example", "MTLS_PROXY": "nginx",
                  "MTLS_PEERS": "10.0.0.0/8, 192.168.0.0/16"}, "AllOf"),
        (BASIC | GOOGLE | {"AUTH": "google-id-token, basic"}, "AnyOf"),
        (BASIC | GOOGLE | {"AUTH": "mtls + google-id-token, basic", "MTLS_SANS": "agent.example"}, "AnyOf"),
    ],
)  # fmt: skip
def test_a_kind_of_policy_from_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], kind: str) -> None:
    auth = made(monkeypatch, variables).auth
    assert type(auth).__name__ == kind
    assert PASSWORD not in repr(auth)


def test_a_webhook_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = "projects/p/locations/l/agents/a"
    more = {"PATH": "/cx", "TIMEOUT": "3.5", "MAX_BODY": "1000", "ALLOWED_AGENTS": agent, "STRICT_CX_STATUS": "true"}
    webhook = made(monkeypatch, BASIC | more)
    webhook.add_handler("count", lambda ctx: None)
    pipeline = webhook.pipeline()
    assert (pipeline.path, pipeline.timeout, pipeline.max_body, pipeline.strict_cx_status) == ("/cx", 3.5, 1000, True)
    assert pipeline.allowed_agents is not None
    assert [str(name) for name in pipeline.allowed_agents.agents] == [agent]


def test_a_keyword_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    own = BasicAuth("own", PASSWORD)
    webhook = made(monkeypatch, GOOGLE | {"PATH": "/cx", "TIMEOUT": "3"}, auth=own, path="/own")
    assert (webhook.auth, webhook.path, webhook.layer.timeout) == (own, "/own", 3.0)


def test_the_server_s_own_settings_are_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made(monkeypatch, BASIC | {"THREADS": "4", "TLS_CERT": "cert.pem", "TLS_KEY": "key.pem", "TLS_CLIENT_CA": "ca.pem"})


@pytest.mark.parametrize("form", ["", "_FILE"])
def test_current_and_next_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str) -> None:
    variables = {"AUTH": "basic", "BASIC_USERNAME": "cx"}
    for name, secret in (("BASIC_PASSWORD", PASSWORD), ("BASIC_PASSWORD_NEXT", NEXT_PASSWORD)):
        file = tmp_path / name
        file.write_text(secret)
        variables[name + form] = str(file) if form else secret
    webhook = made(monkeypatch, variables)
    webhook.add_handler("count", lambda ctx: None)
    for secret, status in ((PASSWORD, 200), (NEXT_PASSWORD, 200), ("a-third-long-password", 401)):
        assert post(webhook, body_of(), headers={"Authorization": basic(f"cx:{secret}")}).status == status


def test_a_policy_for_each_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = made(
        monkeypatch,
        BASIC | {
            "ENVIRONMENTS": "draft, prod=2222-bbbb, test = 3333-cccc", "PROD__BASIC_PASSWORD": NEXT_PASSWORD,
            "TEST__AUTH": "google-id-token", "TEST__AUDIENCE": URL, "TEST__PROJECT_NUMBER": "123",
        },
    )  # fmt: skip
    assert repr(webhook.auth) == (
        "ByEnvironment({'-': BasicAuth('cx', password=EnvironmentSecret('CXFULFILL_BASIC_PASSWORD')), "
        "'2222-bbbb': BasicAuth('cx', password=EnvironmentSecret('CXFULFILL_PROD__BASIC_PASSWORD')), "
        f"'3333-cccc': GoogleIdToken(audience=['{URL}'], service_accounts=['{AGENT}'])}})"
    )


def test_an_environment_s_own_form_of_a_secret_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(NEXT_PASSWORD)
    scoped = {"ENVIRONMENTS": "draft,prod=2222-bbbb", "PROD__BASIC_PASSWORD_FILE": str(file)}
    assert f"FileSecret('{file}')" in repr(
        made(monkeypatch, BASIC | scoped | {"BASIC_PASSWORD_NEXT": NEXT_PASSWORD}).auth
    )


WRONG = [
    ({}, r"set CXFULFILL_AUTH: one of google-id-token, cloud-run-iam, basic, header"),
    ({"AUTH": "token"}, r"CXFULFILL_AUTH takes google-id-token"),
    (BASIC | {"AUTH": "basic,"}, r"CXFULFILL_AUTH takes"),
    ({"AUTH": ""}, r"CXFULFILL_AUTH is empty: set it, or unset it"),
    ({"AUTH": "'basic'"}, r"CXFULFILL_AUTH is in quotes"),
    ({"AUTH": "basic"}, r"set CXFULFILL_BASIC_USERNAME"),
    ({"AUTH": "basic", "BASIC_USERNAME": "cx"}, r"set CXFULFILL_BASIC_PASSWORD, or CXFULFILL_BASIC_PASSWORD_FILE, or"),
    (BASIC | {"BASIC_PASSWORD": "changeme"}, r"CXFULFILL_AUTH=basic: .*placeholder or too short"),
    (BASIC | {"BASIC_PASSWORD": f"'{PASSWORD}'"}, r"in quotes"),
    (BASIC | {"BASIC_PASSWORD": " "}, r"CXFULFILL_BASIC_PASSWORD is empty"),
    (BASIC | {"BASIC_PASSWORD_FILE": "/nowhere"}, r"set only one of CXFULFILL_BASIC_PASSWORD and CX"),
    ({"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD_FILE": "/nowhere"}, r"PASSWORD_FILE: .*cannot be read"),
    ({"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD_NEXT": PASSWORD}, r"set the current one too"),
    (BASIC | {"BASIC_CREDENTIALS": f"cx:{PASSWORD}"}, r"CXFULFILL_BASIC_PASSWORD is set, but nothing"),
    ({"AUTH": "header"}, r"set CXFULFILL_HEADER_VALUE"),
    ({"AUTH": "google-id-token"}, r"set CXFULFILL_AUDIENCE: the webhook's URL"),
    ({"AUTH": "google-id-token", "AUDIENCE": URL}, r"set CXFULFILL_PROJECT_NUMBER"),
    (GOOGLE | {"AUDIENCE": "http://wh.example"}, r"CXFULFILL_AUTH=google-id-token: .*https URL"),
    (GOOGLE | {"PROJECT_NUMBER": "my-project"}, r"number of the agent's project"),
    (GOOGLE | {"SERVICE_ACCOUNTS": "a@b.c"}, r"either project_number="),
    (GOOGLE | {"AUTH": "cloud-run-iam"}, r"set CXFULFILL_I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC=1"),
    (GOOGLE | {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "1"}, r"K_SERVICE"),
    (GOOGLE | {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "sure"}, r"must be 1 or 0"),
    (JWT | {"OAUTH_KEYS": "http://idp.example/jwks"}, r"https URL"),
    ({"AUTH": "oauth-jwt"}, r"set CXFULFILL_OAUTH_ISSUER"),
    (OAUTH | {"AUTH": "oauth-jwt"}, r"set CXFULFILL_OAUTH_KEYS"),
    (OAUTH | {"AUTH": "oauth-introspection"}, r"set CXFULFILL_OAUTH_CLIENT_SECRET"),
    (INTROSPECTION | {"OAUTH_CACHE_SECONDS": "soon"}, r"CXFULFILL_OAUTH_CACHE_SECONDS must be a number"),
    ({"AUTH": "mtls", "MTLS_SANS": "a.example"}, r"MutualTls proves that Dialogflow calls"),
    (BASIC | {"AUTH": "mtls+basic"}, r"subjects="),
    (BASIC | {"AUTH": "none,basic"}, r"AllowUnauthenticated"),
    (BASIC | {"AUTH": "none+basic"}, r"AllowUnauthenticated"),
    (BASIC | {"MAX_BODY": "1e6"}, r"CXFULFILL_MAX_BODY must be a number"),
    (BASIC | {"TIMEOUT": "31"}, r"timeout"),
    (BASIC | {"STRICT_CX_STATUS": "maybe"}, r"CXFULFILL_STRICT_CX_STATUS must be 1 or 0"),
    (BASIC | {"ALLOWED_AGENTS": "my-agent"}, r"full names"),
    (BASIC | {"ENVIRONMENTS": "prod"}, r"takes names with ids"),
    (BASIC | {"ENVIRONMENTS": "draft=1"}, r"takes names with ids"),
    (BASIC | {"ENVIRONMENTS": "a=1,b=1"}, r"names an environment twice"),
]  # fmt: skip


@pytest.mark.parametrize(("variables", "sentence"), WRONG)
def test_a_wrong_combination_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    message = refusal(monkeypatch, variables)
    assert re.search(sentence, message), message


@pytest.mark.parametrize(
    ("variable", "advice"),
    [("AUDIENCES", "did you mean CXFULFILL_AUDIENCE?"), ("BASIC_PASSWROD", "did you mean CXFULFILL_BASIC_PASSWORD?"),
     ("XYZZY", "CXFULFILL_XYZZY is no setting (CXFULFILL_IGNORE_UNKNOWN=1"), ("basic_password", "is no setting"),
     ("PROD__BASIC_PASSWROD", "is no setting"), ("__AUTH", "is no setting")],
)  # fmt: skip
def test_a122_a_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, advice: str
) -> None:
    assert advice in refusal(monkeypatch, BASIC | {variable: PASSWORD})
    made(monkeypatch, {"IGNORE_UNKNOWN": "1"})
    [record] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert record.getMessage() == f"CXFULFILL_{variable} is no setting of this release and is ignored"


@pytest.mark.parametrize(
    ("variable", "readers"),
    [("AUDIENCE", "google-id-token or cloud-run-iam"), ("HEADER_VALUE_NEXT_FILE", "header"),
     ("PROD__AUTH", "any policy")],
)  # fmt: skip
def test_a_variable_that_nothing_reads(monkeypatch: pytest.MonkeyPatch, variable: str, readers: str) -> None:
    message = refusal(monkeypatch, BASIC | {variable: "x", "IGNORE_UNKNOWN": "1"})
    assert message == f"CXFULFILL_{variable} is set, but nothing reads it: it is for {readers}"


def test_an_unknown_keyword(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError):
        made(monkeypatch, BASIC, tiemout=3)


def test_what_was_read_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (BASIC | {"TIMEOUT": "3"}).items():
        monkeypatch.setenv(f"CXFULFILL_{name}", value)
    _, used = read_settings()
    assert {each.variable: each.value for each in used} == {
        "CXFULFILL_AUTH": "basic", "CXFULFILL_BASIC_USERNAME": "cx", "CXFULFILL_BASIC_PASSWORD": "[redacted]",
        "CXFULFILL_TIMEOUT": "3",
    }  # fmt: skip


def test_the_table_has_every_setting_that_is_read_and_no_other() -> None:
    tree = ast.parse(Path(policies.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    readers = {"text", "texts", "needed", "flag", "number", "secret"}
    read = {
        str(node.args[0].value) for node in calls
        if isinstance(node.func, ast.Attribute) and node.func.attr in readers and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    assert read == {setting.name for setting in SETTINGS if setting.keyword != "server"}
    names = [name for setting in SETTINGS for name in variable_names(setting.name)]
    assert len(names) == len(set(names))


def test_a_light_policy_loads_no_heavy_library() -> None:
    program = (
        "import os, sys, cxfulfill\n"
        "os.environ |= {'CXFULFILL_AUTH': 'basic', 'CXFULFILL_BASIC_CREDENTIALS': 'cx:a-long-random-password'}\n"
        "cxfulfill.Webhook.from_env()\n"
        "print({name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for module in ("google", "grpc", "joserfc", "urllib3", "cryptography", "flask", "click"):
        assert f"'{module}'" not in done.stdout
    assert cxfulfill.__all__
