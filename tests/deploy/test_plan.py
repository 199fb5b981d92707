"""Plans for Cloud Run: what stands in which, found by running them with bash."""

import json
import re
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxfulfill.auth.proxies import PROFILES
from cxfulfill.scaffold.deploy.shell import Found, command
from cxfulfill.settings.server import read_server
from cxfulfill.webhook import Webhook
from tests.deploy.gcloud import COMMANDS, GLOBAL
from tests.deploy.plans import (
    DIRECTORY,
    MTLS,
    NETWORK,
    NUMBER,
    OTHER_PROJECT,
    OWN_URL,
    PROJECT,
    REGION,
    RUNTIME,
    SERVICE_AGENT,
    VALUE,
    Ran,
    asked,
    listed,
    planned,
    ran,
)

IDENTITY = "gcloud beta services identity create --service=dialogflow.googleapis.com --project="
BASIC = "--secret=CXFULFILL_BASIC_CREDENTIALS=cx-login:3"
MONITORING = "serviceAccount:service-{}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
PLANS: dict[str, tuple[list[str], dict[str, str | None]]] = {
    "iam": ([], {}),
    "iam, other project": ([], dict(OTHER_PROJECT)),
    "public": (["--secret=HOTEL_API_KEY=hotel:1", "--secret=/etc/hotel/ca.pem=hotel-ca:2"], {"access": "public"}),
    "public, basic": (["--secret=CXFULFILL_BASIC_CREDENTIALS_FILE=l:3"], {"access": "public", "auth": "basic"}),
    "public, header": (
        ["--secret=CXFULFILL_HEADER_VALUE_SECRET=key:4", "--secret=CXFULFILL_HEADER_VALUE_NEXT_SECRET=key:5"],
        {"access": "public", "auth": "header", "min_instances": "0", "webhook_path": "/cx"},
    ),
    "internal": ([], {"access": "internal", "image": "europe-docker.pkg.dev/hotel-project/app/webhook:1"}),
    "directory": ([], {**DIRECTORY, **OTHER_PROJECT, "proxy_range": "10.129.0.0/23"}),
    "directory, own proxies": ([], {**DIRECTORY}),
    "mutual TLS": ([BASIC], {**MTLS, "auth": "basic", "url": "https://hotel.example"}),
    "redis": (["--background", "--no-cpu-boost"], {"store": "redis", "max_instances": "20", **NETWORK}),
    "firestore": (["--agent-before-2020-11"], {"store": "firestore", "firestore_database": "calls"}),
    "busy": ([], {"workers": "2", "max_in_flight": "8", "cpu": "2"}),
    "OAuth": (
        [
            "--variable=CXFULFILL_OAUTH_ISSUER=https://login.example",
            "--variable=CXFULFILL_OAUTH_AUDIENCE=hotel,cx",
            "--variable=CXFULFILL_OAUTH_KEYS=https://login.example/keys?a=1|2",
            '--variable=GREETING=Good day: $(touch x) `y` ${z} "quoted" it\'s',
        ],
        {"access": "public", "auth": "oauth-jwt"},
    ),
    "introspection": (
        [
            "--variable=CXFULFILL_OAUTH_ISSUER=https://login.example",
            "--variable=CXFULFILL_OAUTH_AUDIENCE=hotel",
            "--variable=CXFULFILL_OAUTH_ENDPOINT=https://login.example/look",
            "--variable=CXFULFILL_OAUTH_CLIENT_ID=hotel",
            "--secret=CXFULFILL_OAUTH_CLIENT_SECRET_FILE=look-up:1",
        ],
        {"access": "public", "auth": "oauth-introspection"},
    ),
    "function": ([], {"access": "function", "deployer": None, **OTHER_PROJECT}),
    "account": ([], {"cx_service_account": "caller@agent-project.iam.gserviceaccount.com", **OTHER_PROJECT}),
}


def joined(text: str) -> str:
    """A plan with each command on one line."""
    return text.replace(" \\\n    ", " ")


@pytest.fixture(scope="module", params=PLANS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Each of the plans."""
    more, options = PLANS[request.param]
    return ran(tmp_path_factory.mktemp("plan"), *more, **options)


def test_each_command_and_flag_is_one_that_gcloud_has(made: Ran) -> None:
    for call in made.calls:
        if call.words[0] == "gcloud":
            line = next(each for each in COMMANDS if call.line.startswith(f"gcloud {each}"))
            assert call.flags.keys() <= COMMANDS[line] | GLOBAL, line


def test_nothing_is_left_to_be_filled_in(made: Ran) -> None:
    words = [
        each for call in made.calls for each in (*call.words, *chain(*call.flags.values())) if "GREETING" not in each
    ]
    assert not [
        each for each in words if re.search(r"<|\$\{|\$[A-Z]|\b(?:YOUR|PROJECT|SERVICE|REGION|CHANGE)\b|\.\.\.", each)
    ]
    assert not re.search(r"<\w+>|YOUR|\bPROJECT\b|\bSERVICE\b|\bREGION\b|MODULE:NAME|MEMBER|TODO", made.text)


def test_each_step_says_why(made: Ran) -> None:
    _, *steps = made.text.split("\n\n")
    for number, step in enumerate(steps, 1):
        title, why = step.splitlines()[:2]
        assert re.fullmatch(rf"# {number}\. [A-Z].+", title)
        assert why.startswith("# ")


def test_the_variables_make_a_webhook_and_a_server(made: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not made.named("gcloud run deploy"):
        return  # a function has its variables already
    login, file = "cx-agent:a-long-random-password", tmp_path / "value"
    file.write_text(login, encoding="utf-8")
    mounted = listed(made.deploy.value("--set-secrets")) if "--set-secrets" in made.deploy.flags else {}
    for variable, value in made.variables.items():
        assert not variable.endswith("_FILE") or value in mounted
        monkeypatch.setenv(variable, str(file) if variable.endswith("_FILE") else value)
    for variable in mounted:
        if variable.startswith("CXFULFILL_"):
            monkeypatch.setenv(variable, login)
    monkeypatch.setenv("K_SERVICE", "hotel")
    server = read_server()
    assert server.workers * server.threads == int(made.deploy.value("--concurrency"))
    webhook = Webhook.from_env(idempotency=None) if "CXFULFILL_STORE" in made.variables else Webhook.from_env()
    webhook.check()
    assert webhook.path == made.variables.get("CXFULFILL_PATH", "/webhook")


@pytest.mark.parametrize("access", ["iam", "function"])
def test_an_agent_of_before_november_2020_gets_its_service_agent(access: str) -> None:
    assert IDENTITY + PROJECT in joined(planned("--agent-before-2020-11", access=access))
    other = planned("--agent-before-2020-11", access=access, **OTHER_PROJECT)
    assert IDENTITY + "agent-project" in joined(other)
    assert IDENTITY not in joined(planned(access=access))


@pytest.mark.parametrize("access", ["iam", "internal", "function"])
def test_an_agent_of_the_same_project_is_granted_nothing(tmp_path: Path, access: str) -> None:
    made = ran(tmp_path, access=access)
    assert "There is nothing to grant." in made.text
    assert not any("invoker" in role or member == SERVICE_AGENT for _, role, member in made.grants())


def test_an_agent_of_another_project_may_invoke_the_service(tmp_path: Path) -> None:
    made = ran(tmp_path, **OTHER_PROJECT)
    call = made.one("gcloud run services add-iam-policy-binding")
    assert (call.words[-1], call.value("--role"), call.value("--member")) == (
        "hotel",
        "roles/run.invoker",
        SERVICE_AGENT,
    )
    assert (call.value("--project"), call.value("--region")) == (PROJECT, REGION)
    assert made.calls.index(made.deploy) < made.calls.index(call)
    assert "cloudfunctions" not in made.text


def test_an_agent_of_another_project_may_invoke_the_function(tmp_path: Path) -> None:
    made = ran(tmp_path, access="function", **OTHER_PROJECT)
    (call,) = made.calls
    assert call.line == "gcloud functions add-iam-policy-binding hotel"
    assert (call.value("--role"), call.value("--member")) == ("roles/cloudfunctions.invoker", SERVICE_AGENT)
    assert "run.invoker" not in made.text


def test_with_iam_cloud_run_checks_and_the_webhook_believes_it(tmp_path: Path) -> None:
    made = ran(tmp_path)
    assert {"--no-allow-unauthenticated", "--invoker-iam-check"} <= made.deploy.flags.keys()
    assert made.deploy.value("--ingress") == "all"
    assert made.variables["CXFULFILL_AUTH"] == "cloud-run-iam"
    assert made.variables["CXFULFILL_I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC"] == "1"


def test_in_public_the_webhook_checks_the_id_token(tmp_path: Path) -> None:
    made = ran(tmp_path, access="public", **OTHER_PROJECT)
    assert "--no-invoker-iam-check" in made.deploy.flags
    assert "--invoker-iam-check" not in made.deploy.flags
    assert "--add-custom-audiences" not in made.deploy.flags
    assert made.variables["CXFULFILL_AUTH"] == "google-id-token"
    assert made.variables["CXFULFILL_AUDIENCE"] == "https://hotel-42.europe-west1.run.app/webhook"
    assert made.variables["CXFULFILL_PROJECT_NUMBER"] == NUMBER
    assert "CXFULFILL_I_CONFIRM_THE_SERVICE_IS_NOT_PUBLIC" not in made.variables
    assert "invoker" not in {role.rpartition(".")[2] for _, role, _ in made.grants()}


@pytest.mark.parametrize(
    ("options", "audience"),
    [
        ({}, f"{OWN_URL}/webhook"),
        ({"webhook_path": "/cx/v1"}, f"{OWN_URL}/cx/v1"),
        ({"webhook_path": "/", "url": "https://hotel.example"}, "https://hotel.example"),
        ({"access": "internal"}, f"{OWN_URL}/webhook"),
    ],
)
def test_a_url_with_a_path_is_a_custom_audience(tmp_path: Path, options: dict[str, str], audience: str) -> None:
    made = ran(tmp_path, **options)
    assert made.deploy.value("--add-custom-audiences") == made.variables["CXFULFILL_AUDIENCE"] == audience
    assert f"# URL: {audience}\n" in made.text


def test_the_services_own_url_needs_no_custom_audience(tmp_path: Path) -> None:
    made = ran(tmp_path, webhook_path="/")
    assert "--add-custom-audiences" not in made.deploy.flags
    assert "custom audience" not in made.text
    assert made.variables["CXFULFILL_AUDIENCE"] == OWN_URL


def test_internal_ingress_is_for_the_same_project_or_perimeter(tmp_path: Path) -> None:
    made = ran(tmp_path, "--same-perimeter", access="internal", **OTHER_PROJECT)
    assert made.deploy.value("--ingress") == "internal"
    assert "VPC Service Controls" in made.text
    assert made.named("gcloud run services add-iam-policy-binding")
    assert "VPC Service Controls" not in planned(access="iam")


@pytest.mark.parametrize("options", [{}, OTHER_PROJECT])
def test_service_directory_has_its_roles(tmp_path: Path, options: dict[str, str]) -> None:
    made = ran(tmp_path, **DIRECTORY, **options)
    monitoring = MONITORING.format(options.get("project-number", NUMBER))
    viewer, psc = "roles/servicedirectory.viewer", "roles/servicedirectory.pscAuthorizedService"
    expected = {(PROJECT, role, member) for role in (viewer, psc) for member in (SERVICE_AGENT, monitoring)}
    expected |= {("agent-project", viewer, SERVICE_AGENT)} if options else set()
    assert {each for each in made.grants() if "servicedirectory" in each[1]} == expected
    assert made.deploy.value("--ingress") == "internal"
    assert "servicedirectory" not in planned(access="public", **options)


def test_service_directory_leads_to_the_load_balancer_in_the_network(tmp_path: Path) -> None:
    made = ran(tmp_path, **DIRECTORY, proxy_range="10.129.0.0/23")
    endpoint = made.one("gcloud service-directory endpoints create")
    assert (
        endpoint.value("--address")
        == made.one("gcloud compute forwarding-rules create").value("--address")
        == "10.9.8.7"
    )
    assert endpoint.value("--network") == f"projects/{NUMBER}/locations/global/networks/inside"
    assert made.one("gcloud compute networks subnets create").value("--range") == "10.129.0.0/23"
    assert made.one("gcloud compute firewall-rules create").value("--source-ranges") == "35.199.192.0/19"
    assert made.one("cxfulfill cert").words == ("cxfulfill", "cert", "--host", "hotel.example", "--out", "certs")
    assert f"projects/{PROJECT}/locations/{REGION}/namespaces/hotel/services/hotel" in made.text
    assert "certs/ca.der" in made.text


def test_service_directory_is_watched_from_inside(tmp_path: Path) -> None:
    made = ran(tmp_path, **DIRECTORY)
    words = made.one("curl").words
    sent = json.loads(words[words.index("--data") + 1])
    assert (sent["checkerType"], sent["monitoredResource"]["type"]) == ("VPC_CHECKERS", "servicedirectory_service")
    assert words[-1] == f"https://monitoring.googleapis.com/v3/projects/{PROJECT}/uptimeCheckConfigs"
    assert made.inputs == ["Authorization: Bearer a-token"]
    assert "a-token" not in words
    assert "uptime" not in planned(**MTLS)


def test_the_load_balancer_sets_the_headers_that_the_proxy_profile_reads(tmp_path: Path) -> None:
    made = ran(tmp_path, **MTLS)
    headers = made.one("gcloud compute backend-services create").flags["--custom-request-header"]
    assert [each.partition(":")[2] for each in headers] == [
        "{client_cert_present}",
        "{client_cert_chain_verified}",
        "{client_cert_leaf}",
    ]
    names = [each.partition(":")[0].lower() for each in headers]
    sent = dict(zip(names, ("true", "true", ":Y2VydGlmaWNhdGU=:"), strict=True))
    assert PROFILES["gcp-lb"].read(sent) == b"certificate"
    assert made.deploy.value("--ingress") == "internal-and-cloud-load-balancing"
    assert made.variables["CXFULFILL_AUTH"] == "mtls+google-id-token"
    assert made.variables["CXFULFILL_MTLS_PROXY"] == "gcp-lb"


def test_the_load_balancer_refuses_clients_without_dialogflows_certificate(tmp_path: Path) -> None:
    made = ran(tmp_path, **MTLS)
    trust = made.one("gcloud certificate-manager trust-configs create")
    assert trust.value("--trust-store") == "trust-anchors=dialogflow-roots.pem"
    policy = (tmp_path / made.one("gcloud network-security server-tls-policies import").value("--source")).read_text()
    assert policy == (
        "name: hotel\nmtlsPolicy:\n  clientValidationMode: REJECT_INVALID\n"
        f"  clientValidationTrustConfig: projects/{PROJECT}/locations/global/trustConfigs/hotel\n"
    )
    proxy = made.one("gcloud compute target-https-proxies create")
    assert proxy.value("--server-tls-policy") == f"projects/{PROJECT}/locations/global/serverTlsPolicies/hotel"
    assert "server-tls-polic" not in planned(**DIRECTORY)
    assert "custom-request-header" not in planned(**DIRECTORY)


def test_who_deploys_may_let_the_service_run_as_its_account(tmp_path: Path) -> None:
    made = ran(tmp_path)
    account = RUNTIME.removeprefix("serviceAccount:")
    assert (account, "roles/iam.serviceAccountUser", "user:owner@hotel.example") in made.grants()
    assert made.deploy.value("--service-account") == account
    assert "serviceAccountUser" not in planned(access="function")


def test_dialogflow_makes_tokens_of_the_account_that_cx_calls_as(tmp_path: Path) -> None:
    account = "caller@agent-project.iam.gserviceaccount.com"
    made = ran(tmp_path, cx_service_account=account, **OTHER_PROJECT)
    assert (account, "roles/iam.serviceAccountTokenCreator", SERVICE_AGENT) in made.grants()
    assert "serviceAccountTokenCreator" not in planned()


def test_a_secret_is_stored_as_it_is_typed_and_stands_nowhere(tmp_path: Path) -> None:
    made = ran(tmp_path, BASIC, access="public", auth="basic")
    assert re.search(r'^printf %s "\$VALUE" \| gcloud secrets versions add cx-login ', made.text, re.MULTILINE)
    assert made.inputs == [VALUE]
    assert VALUE not in str(made.calls)
    assert made.deploy.value("--set-secrets") == "CXFULFILL_BASIC_CREDENTIALS=cx-login:3"
    reads = {member for name, role, member in made.grants() if (name, role[-14:]) == ("cx-login", "secretAccessor")}
    assert reads == {RUNTIME, SERVICE_AGENT}
    assert f"# secretVersionForUsernamePassword: projects/{PROJECT}/secrets/cx-login/versions/3\n" in made.text


@pytest.mark.parametrize(
    ("auth", "secret", "typed"),
    [
        ("basic", "CXFULFILL_BASIC_CREDENTIALS=hotel:1", "type user:password"),
        ("header", "CXFULFILL_HEADER_VALUE=hotel:1", "type the header's whole value"),
        ("google-id-token", "HOTEL_API_KEY=hotel:1", "type the value"),
    ],
)
def test_what_is_to_be_typed_for_a_secret_is_told(auth: str, secret: str, typed: str) -> None:
    told = planned(access="public", auth=auth, secret=secret)
    assert f"{typed}." in " ".join(told.replace("#", " ").split())


def test_a_plan_without_secrets_speaks_of_none() -> None:
    assert not re.search("secret|printf", planned())


def test_a_secret_of_the_applications_own_is_not_read_by_cx(tmp_path: Path) -> None:
    made = ran(tmp_path, "--secret=HOTEL_API_KEY=hotel:1", "--secret=/etc/hotel/ca.pem=ca:2")
    assert made.deploy.value("--set-secrets") == "HOTEL_API_KEY=hotel:1,/etc/hotel/ca.pem=ca:2"
    assert {member for _, role, member in made.grants() if "secretAccessor" in role} == {RUNTIME}
    assert "secretVersion" not in made.text


def test_a_version_that_follows_is_entered_at_the_change(tmp_path: Path) -> None:
    secrets = ["--secret=CXFULFILL_HEADER_VALUE_SECRET=key:4", "--secret=CXFULFILL_HEADER_VALUE_NEXT_SECRET=key:5"]
    made = ran(tmp_path, *secrets, access="public", auth="header")
    assert made.inputs == [VALUE, VALUE]
    assert made.variables["CXFULFILL_HEADER_VALUE_SECRET"] == f"projects/{PROJECT}/secrets/key/versions/4"
    assert "--set-secrets" not in made.deploy.flags
    assert f"# secretVersionsForRequestHeaders: projects/{PROJECT}/secrets/key/versions/4\n" in made.text
    assert f"{PROJECT}/secrets/key/versions/5; once the server runs with" in made.text


def test_cold_starts_are_made_rare_and_short(tmp_path: Path) -> None:
    made = ran(tmp_path)
    assert made.deploy.value("--min-instances") == "1"
    assert "--cpu-boost" in made.deploy.flags


def test_cold_starts_can_be_chosen(tmp_path: Path) -> None:
    made = ran(tmp_path, "--no-cpu-boost", min_instances="0")
    assert made.deploy.value("--min-instances") == "0"
    assert "--no-cpu-boost" in made.deploy.flags
    assert "--cpu-boost" not in made.deploy.flags
    assert "waits for a cold start" in made.text


def test_concurrency_is_workers_times_threads(tmp_path: Path) -> None:
    made = ran(tmp_path, workers="2", max_in_flight="8", cpu="2")
    assert made.deploy.value("--concurrency") == "40"
    assert (made.variables["WEB_CONCURRENCY"], made.variables["CXFULFILL_THREADS"]) == ("2", "20")
    assert made.variables["CXFULFILL_MAX_IN_FLIGHT"] == "8"


def test_one_instance_remembers_in_its_memory(tmp_path: Path) -> None:
    made = ran(tmp_path)
    assert made.deploy.value("--max-instances") == "1"
    assert "CXFULFILL_STORE" not in made.variables


def test_redis_is_reached_by_way_of_the_network(tmp_path: Path) -> None:
    made = ran(tmp_path, store="redis", **NETWORK)
    redis = made.one("gcloud redis instances create")
    assert redis.value("--redis-config") == "maxmemory-policy=noeviction"
    assert made.variables["CXFULFILL_STORE"] == "redis://10.9.8.7:6379/0"
    flags = ("--network", "--subnet", "--vpc-egress")
    assert [made.deploy.value(each) for each in flags] == ["inside", "inside-west1", "private-ranges-only"]
    assert "--max-instances" not in made.deploy.flags
    assert "redis" not in planned().replace("--store redis", "")


def test_firestore_forgets_and_may_be_used(tmp_path: Path) -> None:
    made = ran(tmp_path, store="firestore", firestore_database="calls")
    assert made.variables["CXFULFILL_STORE"] == f"firestore://{PROJECT}/cx-calls?database=calls"
    ttl = made.one("gcloud firestore fields ttls update expire_at")
    assert (ttl.value("--collection-group"), ttl.value("--database")) == ("cx-calls", "calls")
    assert (PROJECT, "roles/datastore.user", RUNTIME) in made.grants()
    assert made.one("gcloud firestore databases create").value("--location") == REGION
    assert "datastore.user" not in planned(store="redis", **NETWORK)


def test_a_store_by_a_secret_lets_instances_grow(tmp_path: Path) -> None:
    made = ran(tmp_path, "--secret=CXFULFILL_STORE=redis-url:1", max_instances="5")
    assert made.deploy.value("--max-instances") == "5"
    assert made.deploy.value("--set-secrets") == "CXFULFILL_STORE=redis-url:1"


@pytest.mark.parametrize(
    ("variable", "mounted", "value"),
    [
        ("CXFULFILL_OAUTH_CLIENT_SECRET", "CXFULFILL_OAUTH_CLIENT_SECRET=a:1", None),
        ("CXFULFILL_OAUTH_CLIENT_SECRET_FILE", "/secrets/a/value=a:1", "/secrets/a/value"),
        ("CXFULFILL_OAUTH_CLIENT_SECRET_SECRET", None, f"projects/{PROJECT}/secrets/a/versions/1"),
        ("CXFULFILL_PROD__HEADER_VALUE_NEXT_FILE", "/secrets/a/value=a:1", "/secrets/a/value"),
        ("MY_SECRET", "MY_SECRET=a:1", None),
        ("MY_FILE", "MY_FILE=a:1", None),
    ],
)
def test_the_variable_says_how_its_secret_comes(
    tmp_path: Path, variable: str, mounted: str | None, value: str | None
) -> None:
    made = ran(tmp_path, f"--secret={variable}=a:1")
    assert made.deploy.flags.get("--set-secrets") == ([mounted] if mounted else None)
    assert made.variables.get(variable) == value


def test_further_variables_are_handed_on_as_they_are(tmp_path: Path) -> None:
    more, options = PLANS["OAuth"]
    made = ran(tmp_path, *more, **options)
    assert made.variables["GREETING"] == 'Good day: $(touch x) `y` ${z} "quoted" it\'s'
    assert made.variables["CXFULFILL_OAUTH_KEYS"] == "https://login.example/keys?a=1|2"
    assert made.variables["CXFULFILL_OAUTH_AUDIENCE"] == "hotel,cx"
    assert not (tmp_path / "x").exists()
    assert "# Third-party OAuth (oauthConfig): " in made.text
    assert "ID token" not in made.text.partition("Enter the webhook in CX")[2]


def test_planning_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("subprocess.Popen", None)
    monkeypatch.setattr("socket.socket", None)
    assert "# Nothing has been run" not in asked().stderr
    assert "Nothing has been run." in planned()


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_any_text_is_one_word_for_the_shell(text: str) -> None:
    line = command(r"printf '%s\0'", text, flags={"f": text, "g": [text, "x"], "h": True, "i": None, "j": False})
    done = subprocess.run(["bash", "-c", line], check=True, capture_output=True)
    expected = [text, f"--f={text}", f"--g={text}", "--g=x", "--h", ""]
    assert done.stdout.split(b"\0") == [each.encode() for each in expected]


def test_what_was_found_stands_between_texts() -> None:
    assert command("x", ("a b", Found("HOST"), "$c"), flags={}) == "x 'a b'\"$HOST\"'$c'"
