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
    more = {
        "STORE": "memory://",
        "PATH": "/cx",
        "TIMEOUT": "3.5",
        "MAX_BODY": "1000",
        "ALLOWED_AGENTS": agent,
        "STRICT_CX_STATUS": "true",
    }
    webhook = made(monkeypatch, BASIC | more)
    webhook.add_handler("count", lambda ctx: None)
    assert webhook.idempotency is not None
    assert webhook.idempotency.given_store.__class__.__name__ == "MemoryStore"
    pipeline = webhook.pipeline()
    assert (pipeline.path, pipeline.timeout, pipeline.max_body, pipeline.strict_cx_status) == ("/cx", 3.5, 1000, True)
    assert pipeline.gate.allowed_agents is not None
    assert [str(name) for name in pipeline.gate.allowed_agents.agents] == [agent]


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
    ({}, r"set CXFULFILL_AUTH: one of google-id-token, cloud-run-iam, basic, header.*a\+b for both, a,b for either"),
    ({"AUTH": "token"}, r"CXFULFILL_AUTH takes google-id-token.*a\+b for both, a,b for either$"),
    ({"AUTH": "gogle-id-token"}, r"did you mean google-id-token\?"),
    ({"AUTH": "Google_ID_Token"}, r"did you mean google-id-token\?"),
    (BASIC | {"AUTH": "basic,"}, r"CXFULFILL_AUTH takes"),
    (BASIC | {"AUTH": "basic, basic"}, r"CXFULFILL_AUTH names a policy twice"),
    (BASIC | {"AUTH": "basic+basic"}, r"CXFULFILL_AUTH names a policy twice"),
    (BASIC | GOOGLE | {"AUTH": "basic+google-id-token,google-id-token+basic"}, r"CXFULFILL_AUTH names a policy twice"),
    ({"AUTH": ""}, r"CXFULFILL_AUTH is empty: set it, or unset it"),
    ({"AUTH": "'basic'"}, r"CXFULFILL_AUTH is in quotes"),
    ({"AUTH": "basic"}, r"set CXFULFILL_BASIC_USERNAME"),
    ({"AUTH": "basic", "BASIC_USERNAME": "cx"},
     r": set CXFULFILL_BASIC_PASSWORD, or CXFULFILL_BASIC_PASSWORD_FILE, or CXFULFILL_BASIC_PASSWORD_SECRET$"),
    (BASIC | {"BASIC_USERNAME": "c:x"}, r"username is CXFULFILL_BASIC_USERNAME$"),
    (BASIC | {"BASIC_PASSWORD": "changeme"}, r"CXFULFILL_AUTH=basic: .*placeholder"),
    (BASIC | {"BASIC_PASSWORD": f"'{PASSWORD}'"}, r"in quotes"),
    (BASIC | {"BASIC_PASSWORD": " "}, r"CXFULFILL_BASIC_PASSWORD is empty"),
    (BASIC | {"BASIC_PASSWORD_FILE": "/nowhere"}, r"set only one of CXFULFILL_BASIC_PASSWORD and CX"),
    ({"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD_FILE": "/nowhere"}, r"PASSWORD_FILE: .*cannot be read"),
    ({"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWORD_NEXT": PASSWORD}, r"set the current one too"),
    (BASIC | {"BASIC_CREDENTIALS": f"cx:{PASSWORD}"},
     r"set either CXFULFILL_BASIC_CREDENTIALS, or CXFULFILL_BASIC_USERNAME and CXFULFILL_BASIC_PASSWORD$"),
    ({"AUTH": "header"}, r"set CXFULFILL_HEADER_VALUE"),
    ({"AUTH": "header", "HEADER_VALUE": PASSWORD, "HEADER_NAME": "Host"}, r"name is CXFULFILL_HEADER_NAME$"),
    ({"AUTH": "google-id-token"}, r"set CXFULFILL_AUDIENCE: the webhook's URL"),
    ({"AUTH": "google-id-token", "AUDIENCE": URL}, r"set CXFULFILL_PROJECT_NUMBER"),
    (GOOGLE | {"AUDIENCE": "http://wh.example"},
     r"CXFULFILL_AUTH=google-id-token: .*https URL.*; audience is CXFULFILL_AUDIENCE$"),
    (GOOGLE | {"PROJECT_NUMBER": "my-project"}, r"number of the agent's project.*is CXFULFILL_PROJECT_NUMBER$"),
    (GOOGLE | {"SERVICE_ACCOUNTS": "a@b.c"}, r"set only one of CXFULFILL_PROJECT_NUMBER and CXFULFILL_SERVICE_ACCOU"),
    ({"AUTH": "google-id-token", "AUDIENCE": URL, "SERVICE_ACCOUNTS": "me"}, r"is CXFULFILL_SERVICE_ACCOUNTS$"),
    (GOOGLE | {"AUTH": "cloud-run-iam"}, r"set CXFULFILL_I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC=1"),
    (GOOGLE | {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "1"}, r"K_SERVICE"),
    (GOOGLE | {"AUTH": "cloud-run-iam", "I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC": "sure"}, r"must be 1 or 0"),
    (JWT | {"OAUTH_KEYS": "http://idp.example/jwks"}, r"https URL.*; keys is CXFULFILL_OAUTH_KEYS$"),
    (JWT | {"OAUTH_ALGORITHMS": "none"}, r"algorithms is CXFULFILL_OAUTH_ALGORITHMS$"),
    (JWT | {"OAUTH_SCOPES": "a b"}, r"scopes is CXFULFILL_OAUTH_SCOPES$"),
    ({"AUTH": "oauth-jwt"}, r"set CXFULFILL_OAUTH_ISSUER"),
    (OAUTH | {"AUTH": "oauth-jwt"}, r"set CXFULFILL_OAUTH_KEYS"),
    ({name: value for name, value in JWT.items() if name != "OAUTH_AUDIENCE"} | {"AUDIENCE": URL},
     r"needs audience=.*; audience is CXFULFILL_OAUTH_AUDIENCE$"),
    (JWT | {"AUDIENCE": URL}, r"CXFULFILL_AUDIENCE is set, .*; that of oauth-jwt is CXFULFILL_OAUTH_AUDIENCE$"),
    (JWT | {"OAUTH_CLIENT_ID": "cx"}, r"OAUTH_CLIENT_ID is .* that of oauth-jwt is CXFULFILL_OAUTH_CLIENT_IDS$"),
    (OAUTH | {"AUTH": "oauth-introspection"}, r"set CXFULFILL_OAUTH_CLIENT_SECRET"),
    (INTROSPECTION | {"OAUTH_CLIENT_SECRET_NEXT": NEXT_PASSWORD},
     r"CXFULFILL_OAUTH_CLIENT_SECRET_NEXT is no setting: this secret is sent to somebody, so there is no next one$"),
    (INTROSPECTION | {"OAUTH_CACHE_SECONDS": "soon"}, r"CXFULFILL_OAUTH_CACHE_SECONDS must be a number"),
    (INTROSPECTION | {"OAUTH_CACHE_SECONDS": "0"}, r"cache_seconds is CXFULFILL_OAUTH_CACHE_SECONDS$"),
    (INTROSPECTION | {"OAUTH_ENDPOINT": "http://idp.example"}, r"endpoint is CXFULFILL_OAUTH_ENDPOINT$"),
    ({"AUTH": "mtls", "MTLS_SANS": "a.example"},
     r"whose agent: .*CXFULFILL_AUTH=mtls\+google-id-token, or set CXFULFILL_MTLS_ALLOW_ANY_DIALOGFLOW_CUSTOMER=1$"),
    (BASIC | {"AUTH": "mtls,basic", "MTLS_SANS": "a.example"}, r"CXFULFILL_AUTH=mtls\+google-id-token"),
    (BASIC | {"AUTH": "mtls+basic"}, r"subjects=.*; subjects is CXFULFILL_MTLS_SUBJECTS, sans is CXFULFILL_MTLS_SANS$"),
    (BASIC | {"AUTH": "mtls+basic", "MTLS_SUBJECTS": "Google LLC"}, r"subjects is CXFULFILL_MTLS_SUBJECTS$"),
    (BASIC | {"AUTH": "mtls+basic", "MTLS_SANS": "a b"}, r"sans is CXFULFILL_MTLS_SANS$"),
    (BASIC | {"AUTH": "mtls+basic", "MTLS_SANS": "a.example", "MTLS_PROXY": "nginx"},
     r"go together.*; proxy is CXFULFILL_MTLS_PROXY, peers is CXFULFILL_MTLS_PEERS$"),
    (BASIC | {"AUTH": "none,basic"}, r"^CXFULFILL_AUTH: AnyOf .*AllowUnauthenticated"),
    (BASIC | {"AUTH": "none+basic"}, r"^CXFULFILL_AUTH: AllOf .*AllowUnauthenticated"),
    (BASIC | GOOGLE | {"AUTH": "basic+google-id-token"}, r"^CXFULFILL_AUTH: AllOf: .* read the same header"),
    (BASIC | {"ENVIRONMENTS": "prod=Production"}, r"^CXFULFILL_ENVIRONMENTS: ByEnvironment: .*id"),
    (BASIC | {"MAX_BODY": "1e6"}, r"CXFULFILL_MAX_BODY must be a whole number"),
    (BASIC | {"MAX_BODY": "0"}, r"max_body is CXFULFILL_MAX_BODY$"),
    (BASIC | {"TIMEOUT": "31"}, r"timeout must be.*; timeout is CXFULFILL_TIMEOUT$"),
    (BASIC | {"TIMEOUT": "nan"}, r"timeout is CXFULFILL_TIMEOUT$"),
    (BASIC | {"PATH": "cx"}, r"path must be.*; path is CXFULFILL_PATH$"),
    (BASIC | {"STRICT_CX_STATUS": "maybe"}, r"CXFULFILL_STRICT_CX_STATUS must be 1 or 0"),
    (BASIC | {"IGNORE_UNKNOWN": "maybe"}, r"CXFULFILL_IGNORE_UNKNOWN must be 1 or 0"),
    (BASIC | {"ALLOWED_AGENTS": "my-agent"}, r"full names.*; allowed_agents is CXFULFILL_ALLOWED_AGENTS$"),
    (BASIC | {"ALLOWED_AGENTS": "projects/p/locations/l/agents/a,"}, r"CXFULFILL_ALLOWED_AGENTS has an empty member"),
    (BASIC | {"ENVIRONMENTS": "prod"}, r"takes names with ids"),
    (BASIC | {"ENVIRONMENTS": "draft=1"}, r"takes names with ids"),
    (BASIC | {"ENVIRONMENTS": "pre-prod=1"}, r"a name has letters and digits only and begins with a letter"),
    (BASIC | {"ENVIRONMENTS": "a=1,b=1"}, r"names an environment twice"),
    (BASIC | {"ENVIRONMENTS": "a=1,A=2"}, r"names an environment twice"),
]  # fmt: skip


@pytest.mark.parametrize(("variables", "sentence"), WRONG)
def test_a_wrong_combination_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    message = refusal(monkeypatch, variables)
    assert re.search(sentence, message), message


def test_the_error_of_a_keyword_names_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "CXFULFILL" not in refusal(monkeypatch, BASIC | {"TIMEOUT": "3"}, timeout=31)


PROD = {"ENVIRONMENTS": "draft,prod=2222-bbbb"}
PAIR = {"AUTH": "basic", "BASIC_USERNAME": "cx", "DRAFT__BASIC_PASSWORD": PASSWORD}

WRONG_IN_AN_ENVIRONMENT = [
    (PROD | PAIR, r"environment prod has no password: set CXFULFILL_PROD__BASIC_PASSWORD, or CXFULFILL_PROD__BASIC"),
    (PROD | BASIC | {"PROD__AUTH": "google-id-token"},
     r"CXFULFILL_PROD__AUTH=google-id-token: set CXFULFILL_PROD__AUDIENCE for environment prod: the webhook's URL"),
    (PROD | BASIC | {"PROD__AUTH": "oauth"}, r"CXFULFILL_PROD__AUTH takes"),
    (PROD | BASIC | GOOGLE | {"AUTH": "basic", "PROD__AUTH": "google-id-token", "PROD__AUDIENCE": "x"},
     r"audience is CXFULFILL_PROD__AUDIENCE$"),
    (PROD | BASIC | {"PROD__AUTH": "mtls", "MTLS_SANS": "a.example"},
     r"CXFULFILL_PROD__AUTH=mtls\+google-id-token, or set CXFULFILL_PROD__MTLS_ALLOW_ANY_DIALOGFLOW_CUSTOMER=1$"),
    (PROD | BASIC | {"PROD_BASIC_PASSWORD": PASSWORD}, r"did you mean CXFULFILL_PROD__BASIC_PASSWORD\?$"),
    (PROD | BASIC | {"STAGING__BASIC_PASSWORD": PASSWORD},
     r"CXFULFILL_STAGING__BASIC_PASSWORD: staging is not in CXFULFILL_ENVIRONMENTS$"),
    (BASIC | {"PROD__AUTH": "basic"}, r"CXFULFILL_PROD__AUTH: prod is not in CXFULFILL_ENVIRONMENTS$"),
    (PROD | BASIC | {"PROD__TIMEOUT": "3"}, r"PROD__TIMEOUT: CXFULFILL_TIMEOUT is common to all environments$"),
    (PROD | BASIC | {"PROD__ENVIRONMENTS": "draft"}, r"CXFULFILL_ENVIRONMENTS is common to all"),
    (PROD | BASIC | {"DRAFT__BASIC_PASSWORD": PASSWORD, "PROD__BASIC_PASSWORD": NEXT_PASSWORD},
     r"CXFULFILL_BASIC_PASSWORD is set, but each environment that reads it has its own: unset it$"),
    (PROD | BASIC | {"PROD__AUDIENCE": URL}, r"PROD__AUDIENCE is set, but nothing reads it: it is for google-id"),
    (PROD | BASIC | {"PROD__BASIC_CREDENTIALS": f"cx:{PASSWORD}", "PROD__BASIC_PASSWORD": PASSWORD},
     r"set either CXFULFILL_PROD__BASIC_CREDENTIALS, or CXFULFILL_PROD__BASIC_USERNAME and CX"),
]  # fmt: skip


@pytest.mark.parametrize(("variables", "sentence"), WRONG_IN_AN_ENVIRONMENT)
def test_what_is_wrong_in_an_environment_names_its_own_variable(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    message = refusal(monkeypatch, variables)
    assert re.search(sentence, message), message


@pytest.mark.parametrize(
    ("own", "shown"),
    [({"PROD__BASIC_CREDENTIALS": f"cx:{PASSWORD}"}, "BasicAuth.from_credentials("),
     ({"PROD__AUTH": "google-id-token", "AUDIENCE": URL, "PROJECT_NUMBER": "1", "PROD__SERVICE_ACCOUNTS": "a@b.c",
       "AUTH": "basic,google-id-token"}, "service_accounts=['a@b.c']")],
)  # fmt: skip
def test_an_environment_s_own_way_wins_over_the_common_one(
    monkeypatch: pytest.MonkeyPatch, own: dict[str, str], shown: str
) -> None:
    assert shown in repr(made(monkeypatch, PROD | BASIC | own).auth)


NEAR = [
    ("AUDIENCES", "AUDIENCE"), ("BASIC_PASSWROD", "BASIC_PASSWORD"), ("AUHT", "AUTH"),
    ("PROJECTNUMBER", "PROJECT_NUMBER"),
    ("basic_password", "BASIC_PASSWORD"), ("BASIC_PASSWORD_FILE_NEXT", "BASIC_PASSWORD_NEXT_FILE"),
    ("HEADER_VALUE_SECRET_NEXT", "HEADER_VALUE_NEXT_SECRET"), ("DRAFT__BASIC_PASSWROD", "DRAFT__BASIC_PASSWORD"),
    ("DRAFT_HEADER_VALUE_FILE", "DRAFT__HEADER_VALUE_FILE"), ("draft__AUTH", "DRAFT__AUTH"), ("__AUTH", "AUTH"),
]  # fmt: skip


@pytest.mark.parametrize(("variable", "meant"), NEAR)
def test_a122_a_misspelt_variable_is_never_ignored(monkeypatch: pytest.MonkeyPatch, variable: str, meant: str) -> None:
    sentence = f"CXFULFILL_{variable} is no setting; did you mean CXFULFILL_{meant}?"
    given = BASIC | {"ENVIRONMENTS": "draft", variable: PASSWORD}
    assert refusal(monkeypatch, given) == sentence
    assert refusal(monkeypatch, {"IGNORE_UNKNOWN": "1"}) == sentence


@pytest.mark.parametrize(
    ("variable", "advice"),
    [("XYZZY", ""), ("OAUTH_CLIENT_NAME", "; did you mean CXFULFILL_OAUTH_CLIENT_CLAIM?"), ("QUEUE_PATH", ""),
     ("TLS_CLIENT_CRL", "; did you mean CXFULFILL_TLS_CLIENT_CERT?"), ("PROD__XYZZY", "")],
)  # fmt: skip
def test_a_variable_of_a_newer_release(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variable: str, advice: str
) -> None:
    message = refusal(monkeypatch, BASIC | {variable: PASSWORD})
    assert message == f"CXFULFILL_{variable} is no setting{advice} (CXFULFILL_IGNORE_UNKNOWN=1 ignores it)"
    made(monkeypatch, {"IGNORE_UNKNOWN": "true"})
    [record] = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert record.getMessage() == f"CXFULFILL_{variable} is no setting of this release and is ignored"


def test_a_misspelt_variable_is_named_also_where_it_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, {"AUTH": "basic", "BASIC_USERNAME": "cx", "BASIC_PASSWROD": PASSWORD})
    assert message == "CXFULFILL_BASIC_PASSWROD is no setting; did you mean CXFULFILL_BASIC_PASSWORD?"


def test_a_variable_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("cxfulfill_timeout", "3")
    monkeypatch.setenv("cxfulfill_home", "/")  # somebody else's
    assert refusal(monkeypatch, BASIC) == "cxfulfill_timeout is no setting; did you mean CXFULFILL_TIMEOUT?"


@pytest.mark.parametrize(
    ("variable", "readers"),
    [("AUDIENCE", "google-id-token or cloud-run-iam"), ("HEADER_VALUE_NEXT_FILE", "header"),
     ("OAUTH_AUDIENCE", "oauth-jwt or oauth-introspection")],
)  # fmt: skip
def test_a_variable_that_nothing_reads(monkeypatch: pytest.MonkeyPatch, variable: str, readers: str) -> None:
    message = refusal(monkeypatch, BASIC | {variable: "x", "IGNORE_UNKNOWN": "1"})
    assert message == f"CXFULFILL_{variable} is set, but nothing reads it: it is for {readers}"


def test_variables_of_environments_are_left_alone_where_the_app_gives_auth(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = made(monkeypatch, {"PROD__AUTH": "basic", "ENVIRONMENTS": "?"}, auth=BasicAuth("own", PASSWORD))
    assert repr(webhook.auth).startswith("BasicAuth('own'")


def test_an_unknown_keyword(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError):
        made(monkeypatch, BASIC, tiemout=3)


def test_the_table_has_every_setting_that_is_read_and_no_other() -> None:
    folder = Path(policies.__file__).parent
    trees = [ast.parse((folder / name).read_text()) for name in ("policies.py", "reading.py", "server.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    readers = {"text", "texts", "needed", "flag", "number", "secret"}
    read = {
        str(node.args[0].value) for node in calls
        if isinstance(node.func, ast.Attribute) and node.func.attr in readers and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    assert read == {setting.name for setting in SETTINGS}
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
