"""The plan as Terraform: it parses, names what the providers take, and says the same as the commands."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.agent.hcl import unquoted
from tests.deploy.plans import DIRECTORY, MTLS, NUMBER, OTHER_PROJECT, OWN_URL, PROJECT, SERVICE_AGENT, listed, ran
from tests.deploy.provider import BETA, GOOGLE, Schema, schemas
from tests.deploy.test_plan import PLANS

IMAGE = "europe-docker.pkg.dev/hotel-project/app/webhook:1"
KINDS = (
    "certificate_manager_trust_config", "cloud_run_v2_service", "cloud_run_v2_service_iam_member",
    "cloudfunctions_function_iam_member", "compute_address", "compute_backend_service", "compute_firewall",
    "compute_forwarding_rule", "compute_global_address", "compute_global_forwarding_rule",
    "compute_managed_ssl_certificate", "compute_region_backend_service", "compute_region_network_endpoint_group",
    "compute_region_ssl_certificate", "compute_region_target_https_proxy", "compute_region_url_map",
    "compute_subnetwork", "compute_target_https_proxy", "compute_url_map", "firestore_database", "firestore_field",
    "monitoring_uptime_check_config", "network_security_server_tls_policy", "project_iam_member", "project_service",
    "redis_instance", "secret_manager_secret", "secret_manager_secret_iam_member", "service_account",
    "service_account_iam_member",
)  # fmt: skip
BETA_KINDS = (
    "project_service_identity",
    "service_directory_endpoint",
    "service_directory_namespace",
    "service_directory_service",
)


@pytest.fixture(scope="session")
def known(pytestconfig: pytest.Config) -> dict[str, Schema]:
    """What the two providers take."""
    cache = pytestconfig.cache
    assert cache
    folder = cache.mkdir("providers")
    return {f"google_{kind}": schema for kind, schema in schemas(folder, GOOGLE, KINDS).items()} | {
        f"google_{kind}": schema for kind, schema in schemas(folder, BETA, BETA_KINDS).items()
    }


class File:
    """A file of Terraform, and the same setting in commands."""

    def __init__(self, folder: Path, *more: str, **options: str | None) -> None:
        file = folder / "main.tf"
        self.ran = ran(folder, *more, f"--terraform={file}", **{"image": IMAGE, **options})
        self.text = file.read_text(encoding="utf-8")
        self.document: dict[str, Any] = hcl2.loads(self.text)

    def resources(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Type, label and body of each resource."""
        for each in self.document["resource"]:
            for kind, labelled in each.items():
                for label, body in labelled.items():
                    yield unquoted(kind), unquoted(label), body

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The resources of a type."""
        return [plain(body) for name, _, body in self.resources() if name == f"google_{kind}"]

    def one(self, kind: str) -> Any:
        """The only one of them."""
        (body,) = self.all(kind)
        return body

    @property
    def container(self) -> Any:
        """The container of the service."""
        return self.one("cloud_run_v2_service")["template"][0]["containers"][0]

    def grants(self) -> set[tuple[str, str]]:
        """The roles, and to whom."""
        named = (plain(body) for kind, _, body in self.resources() if kind.endswith("_iam_member"))
        return {(each["role"], each["member"]) for each in named}


@pytest.fixture(scope="module", params=PLANS)
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> File:
    """Each of the plans."""
    more, options = PLANS[request.param]
    return File(tmp_path_factory.mktemp("plan"), *more, **options)


def plain(given: Any) -> Any:
    """Take the marks of the parser off values."""
    if isinstance(given, dict):
        return {name.strip('"'): plain(value) for name, value in given.items() if not name.startswith("__")}
    if isinstance(given, list):
        return [plain(each) for each in given]
    if not isinstance(given, str) or not given.startswith('"'):
        return given
    # unquoted() takes no interpolation
    return given[1:-1] if re.search(r"(?<!\$)\$\{", given) else unquoted(given)


def test_the_providers_take_each_argument(file: File, known: dict[str, Schema]) -> None:
    faults = [fault for kind, label, body in file.resources() for fault in known[kind].faults(body, f"{kind}.{label}")]
    assert not faults


def test_every_type_of_resource_is_written_by_some_plan() -> None:
    written = set()
    for each in (Path(__file__).parents[2] / "cxfulfill/scaffold/deploy").glob("terraform*.py"):
        written |= set(re.findall(r'resource\(\s*"(\w+)"', each.read_text(encoding="utf-8")))
    assert written == {*KINDS, *BETA_KINDS}


def test_a_fault_would_be_found(known: dict[str, Schema]) -> None:
    schema = known["google_cloud_run_v2_service"]
    body = {"name": "a", "template": [{"containers": [{"picture": "b"}]}]}
    assert sorted(schema.faults(body, "x")) == [
        "x.location is missing",
        "x.template.containers.image is missing",
        "x.template.containers.picture is not known",
    ]


def test_references_lead_to_what_is_there(file: File) -> None:
    there = {f"{kind}.{label}" for kind, label, _ in file.resources()}
    body = "\n".join(line for line in file.text.splitlines() if not line.startswith("#"))
    outside_quotes = re.sub(r'"(?:[^"\\$]|\\.|\$(?!\{))*"', "", body)
    assert set(re.findall(r"\bgoogle_\w+\.[\w-]+", outside_quotes)) <= there


def test_each_reference_to_a_provider_of_beta_is_declared(file: File) -> None:
    uses = {kind.removeprefix("google_") in BETA_KINDS for kind, _, _ in file.resources()}
    declared = {unquoted(each) for provider in file.document["provider"] for each in provider}
    assert declared == ({"google", "google-beta"} if True in uses else {"google"})


def test_the_service_is_the_one_of_the_commands(file: File) -> None:
    if not file.ran.named("gcloud run deploy"):
        assert not file.all("cloud_run_v2_service")
        return
    deploy, service = file.ran.deploy, file.one("cloud_run_v2_service")
    template = service["template"][0]
    resources = file.container["resources"][0]
    environment = {each["name"]: each["value"] for each in file.container["env"] if "value" in each}
    expected = {**file.ran.variables}
    if "redis" in expected.get("CXFULFILL_STORE", ""):
        expected["CXFULFILL_STORE"] = "redis://${google_redis_instance.calls.host}:6379/0"
    assert environment == expected
    assert service["invoker_iam_disabled"] is ("--no-invoker-iam-check" in deploy.flags)
    audiences = deploy.flags.get("--add-custom-audiences")
    assert service.get("custom_audiences") == (audiences[0].split(",") if audiences else None)
    assert template["max_instance_request_concurrency"] == int(deploy.value("--concurrency"))
    assert template["scaling"][0]["min_instance_count"] == int(deploy.value("--min-instances"))
    assert resources["cpu_idle"] is ("--cpu-throttling" in deploy.flags)
    assert resources["startup_cpu_boost"] is ("--cpu-boost" in deploy.flags)
    mounted = listed(deploy.value("--set-secrets")) if "--set-secrets" in deploy.flags else {}
    references = {
        each["name"]: ":".join(each["value_source"][0]["secret_key_ref"][0].values())
        for each in file.container["env"]
        if "value_source" in each
    }
    folders = {each["name"]: each["mount_path"] for each in file.container.get("volume_mounts", [])}
    for volume in template.get("volumes", []):
        secret = volume["secret"][0]
        item = secret["items"][0]
        references[f"{folders[volume['name']]}/{item['path']}"] = f"{secret['secret']}:{item['version']}"
    assert references == mounted


def test_the_roles_are_those_of_the_commands(file: File) -> None:
    runtime = f"serviceAccount:hotel-runtime@{PROJECT}.iam.gserviceaccount.com"
    made = {(role, runtime if "runtime" in member else member) for role, member in file.grants()}
    assert made == {(role, member) for _, role, member in file.ran.grants()}


def test_ingress_is_as_the_access_needs_it(tmp_path: Path) -> None:
    expected = {
        "INGRESS_TRAFFIC_ALL": {"access": "public"},
        "INGRESS_TRAFFIC_INTERNAL_ONLY": {"access": "internal"},
        "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER": dict(MTLS),
    }
    for ingress, options in expected.items():
        folder = tmp_path / ingress
        folder.mkdir()
        assert File(folder, **options).one("cloud_run_v2_service")["ingress"] == ingress


def test_the_agent_of_another_project_is_the_invoker(tmp_path: Path) -> None:
    member = File(tmp_path, **OTHER_PROJECT).one("cloud_run_v2_service_iam_member")
    assert (member["role"], member["member"]) == ("roles/run.invoker", SERVICE_AGENT)


def test_mutual_tls_has_trust_policy_and_headers(tmp_path: Path) -> None:
    file = File(tmp_path, **MTLS)
    policy = file.one("network_security_server_tls_policy")["mtls_policy"][0]
    assert policy["client_validation_mode"] == "REJECT_INVALID"
    headers = file.one("compute_backend_service")["custom_request_headers"]
    backend = file.ran.one("gcloud compute backend-services create")
    assert headers == backend.flags["--custom-request-header"]
    assert 'file("dialogflow-roots.pem")' in file.text


def test_service_directory_is_watched_from_inside(tmp_path: Path) -> None:
    file = File(tmp_path, **DIRECTORY, proxy_range="10.129.0.0/23")
    check = file.one("monitoring_uptime_check_config")
    assert check["checker_type"] == "VPC_CHECKERS"
    assert check["monitored_resource"][0]["type"] == "servicedirectory_service"
    assert file.one("compute_subnetwork")["ip_cidr_range"] == "10.129.0.0/23"
    assert file.one("service_directory_endpoint")["network"].startswith(f"projects/{NUMBER}/")
    assert "cxfulfill cert --host hotel.example --out certs" in file.text


def test_the_values_of_secrets_are_not_terraforms(tmp_path: Path) -> None:
    name = "cx-key-" + "a" * 80
    file = File(tmp_path, f"--secret=CXFULFILL_HEADER_VALUE={name}:1", access="public", auth="header")
    assert "google_secret_manager_secret_version" not in file.text
    assert (
        f'#   printf %s "$VALUE" | gcloud secrets versions add {name} --project={PROJECT} --data-file=-\n' in file.text
    )
    assert f"secretVersionsForRequestHeaders: projects/{PROJECT}/secrets/{name}/versions/1" in file.text
    assert "# run it alone, and type the header's whole value\n" in file.text


def test_what_is_entered_in_cx_is_told(tmp_path: Path) -> None:
    assert f"#   URL: {OWN_URL}/webhook\n" in File(tmp_path).text
