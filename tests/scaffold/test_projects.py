"""Projects of ``cxfulfill new``, made, tested and served from the built wheel, each in a clean environment.

The wheel is built once; ``uv`` links what it has downloaded into the environments, so that each takes seconds.
"""

import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cxfulfill import dialogflow_service_agent
from cxfulfill.http import Headers
from cxfulfill.simulator.certificates import read_client_certificate
from cxfulfill.simulator.over_http import OverHttp
from cxfulfill.simulator.sending import Credential, NoAnswer, Outgoing
from cxfulfill.testing import (
    AllCredentials,
    BasicCredential,
    CertificateCredential,
    Cx,
    HeaderCredential,
    IdTokenCredential,
    LocalIssuer,
    OAuthCredential,
    TokenEndpoint,
)
from tests.scaffold.bench import Bench
from tests.scaffold.test_new import EXAMPLE, settings_of
from tests.server.conftest import Serve
from tests.server.test_tls import make_files
from tests.server.wire import LIMIT, Server, until
from tests.servers.firestore_server import FirestoreServer
from tests.servers.redis_server import RedisServer, free_port

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
AUDIENCE = "https://webhook.example/webhook"
AGENT = dialogflow_service_agent(123456789012)
ROOM = {"check-in": {"year": 2030, "month": 6, "day": 14}, "nights": 3}
GOOGLE = '''"""Lets the webhook take Google's keys from the test's issuer: nothing else of it is changed."""
import os
from cxfulfill.auth.google import GoogleIdToken

if os.environ.get("TEST_GOOGLE_KEYS"):
    GoogleIdToken.__init__.__kwdefaults__["keys"] = os.environ["TEST_GOOGLE_KEYS"]
'''


@dataclass
class Made:
    """How a project is served, and what calls it."""

    settings: dict[str, str] = field(default_factory=dict)
    credential: Credential | None = None
    transport: OverHttp | None = None
    without: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def issuer() -> LocalIssuer:
    return LocalIssuer()


@pytest.fixture
def endpoint(issuer: LocalIssuer) -> Iterator[TokenEndpoint]:
    with TokenEndpoint(issuer, AUDIENCE, clients={"cx-agent": secret(), "webhook": secret()}) as made:
        yield made


def secret() -> str:
    return secrets.token_urlsafe(24)


def started(serve: Serve, bench: Bench, project: Path, made: Made, example: dict[str, str]) -> Server:
    """Serve by the line of the Procfile, with the settings of ``.env.example`` but for what tests know better."""
    unset = [name for name in (*example, *made.settings) if name in made.without]
    settings = {name: value for name, value in (example | made.settings).items() if name not in unset}
    keys = bench.folder / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "sitecustomize.py").write_text(GOOGLE)
    assert all(settings.values()), "a secret has no value"
    [line] = (project / "Procfile").read_text().splitlines()
    command = shlex.split(line.removeprefix("web: "))
    command[0] = str(project / ".venv" / "bin" / command[0])
    running = serve(*command, cwd=project, PORT="0", PYTHONPATH=str(keys), **settings)
    running.until_line("Booting worker")
    return running


def google_id_token(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    credential = IdTokenCredential(issuer, email=AGENT, audience=AUDIENCE)
    return Made({"TEST_GOOGLE_KEYS": endpoint.keys_url}, credential)


def cloud_run_iam(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    credential = IdTokenCredential(issuer, email=AGENT, audience=AUDIENCE, signature_removed=True)
    return Made({"K_SERVICE": "hotel"}, credential)


def basic(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    password = secret()
    return Made({"CXFULFILL_BASIC_PASSWORD": password}, BasicCredential("cx-agent", password))


def header(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    value = f"Bearer {secret()}"
    return Made({"CXFULFILL_HEADER_VALUE": value}, HeaderCredential({"Authorization": value}))


def oauth_jwt(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    settings = {"CXFULFILL_OAUTH_ISSUER": endpoint.url, "CXFULFILL_OAUTH_KEYS": endpoint.keys_url}
    return Made(settings, OAuthCredential(endpoint.token_url, "cx-agent", endpoint.clients["cx-agent"]))


def oauth_introspection(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    settings = {
        "CXFULFILL_OAUTH_ISSUER": endpoint.url,
        "CXFULFILL_OAUTH_ENDPOINT": endpoint.introspection_url,
        "CXFULFILL_OAUTH_CLIENT_ID": "webhook",
        "CXFULFILL_OAUTH_CLIENT_SECRET": endpoint.clients["webhook"],
    }
    return Made(settings, OAuthCredential(endpoint.token_url, "cx-agent", endpoint.clients["cx-agent"]))


def mtls(issuer: LocalIssuer, endpoint: TokenEndpoint, folder: Path) -> Made:
    """TLS that gunicorn ends, as ``.env.example`` says, and a client certificate of the test's CA."""
    files = make_files(folder)
    roots = folder / "roots.pem"
    roots.write_bytes(files.authority.pem)
    certificate = read_client_certificate(*files.identity("CN=Google LLC").write(folder, "cx"))
    token = google_id_token(issuer, endpoint, folder)
    assert token.credential
    return Made(
        token.settings | files.client_variables,
        AllCredentials(token.credential, CertificateCredential(certificate)),
        OverHttp(ca_certs=str(roots)),
        without=("CXFULFILL_MTLS_PROXY", "CXFULFILL_MTLS_PEERS"),
    )


Policy = Callable[[LocalIssuer, TokenEndpoint, Path], Made]


def called(server: Server, made: Made) -> Cx:
    scheme = "https" if made.transport else "http"
    url = f"{scheme}://127.0.0.1:{server.port}/webhook"
    return Cx.at(url, credential=made.credential, transport=made.transport, timeout=LIMIT)


@pytest.fixture
def checked(
    bench: Bench, issuer: LocalIssuer, endpoint: TokenEndpoint, serve: Serve, tmp_path: Path
) -> Callable[..., Path]:
    """Make a project, run its tests and checks, serve it, call it with and without a credential, twice at once."""

    def check(policy: Policy, *options: str, **variables: str) -> Path:
        auth = policy.__name__.replace("_", "-")
        project = bench.new(f"h-{auth}", "--auth", auth, *options)
        bench.install(project)
        bench.run("make", "test", "ARGS=-q -W error", cwd=project)
        if "--flexible" in options:  # all modules that there are, with and without an export
            bench.run("make", "check", cwd=project)
        made = policy(issuer, endpoint, tmp_path)
        made.settings |= variables
        example = settings_of((project / ".env.example").read_text())
        server = started(serve, bench, project, made, example)
        try:
            answered(server, made, from_export="--from-export" in options)
            if "--flexible" in options:
                fields = dict(made.credential.headers("", {})) if made.credential else {}
                assert status_of(server, made, "/bookings/H-17", fields) == 200
                assert status_of(server, made, "/bookings/H-17", {}) in (401, None)
        finally:
            assert server.stop() == 0
            if made.transport:
                made.transport.close()
        return project

    return check


def answered(server: Server, made: Made, *, from_export: bool) -> None:
    cx = called(server, made)
    tag, parameters = ("check-nights", ROOM | {"guests": 2}) if from_export else ("book-room", ROOM)
    first, second = cx.call_twice(tag, parameters=parameters)
    assert first.status == 200, server.log.read_text()
    assert first.texts
    assert second.replayed
    assert second.body == first.body
    stranger = cx.as_caller(None).call(tag, parameters=parameters)
    assert stranger.event == "webhook.error.rejected" if not made.transport else stranger.status is None


def status_of(server: Server, made: Made, path: str, fields: dict[str, str]) -> int | None:
    transport = made.transport or OverHttp()
    certificate = made.credential.certificate if made.credential and fields else None
    scheme = "https" if made.transport else "http"
    url = f"{scheme}://127.0.0.1:{server.port}{path}"
    outgoing = Outgoing(method="GET", url=url, headers=Headers(fields), body=b"", certificate=certificate)
    try:
        return transport.send(outgoing, LIMIT).status
    except NoAnswer:
        return None


def test_a_project_with_google_id_token_and_memory_with_googles_keys_from_the_tests_issuer(
    checked: Callable[..., Path],
) -> None:
    project = checked(google_id_token)
    for lock in ("requirements.txt", "requirements-dev.txt"):
        text = (project / lock).read_text()
        assert "://" not in text
        assert str(project.parent) not in text
        versions = [line for line in text.splitlines() if line and line[0] not in "# "]
        assert all("==" in line and line.endswith("\\") for line in versions)
        assert text.count("--hash=sha256:") >= len(versions)


def test_a_project_with_cloud_run_iam_and_a_real_redis(checked: Callable[..., Path], tmp_path: Path) -> None:
    with closing(RedisServer(tmp_path)) as redis:
        checked(cloud_run_iam, "--store", "redis", CXFULFILL_STORE=redis.url)
        assert redis.client.dbsize() > 0


def test_a_project_with_basic_and_sqlite_and_a_flexible_webhook_which_make_serve_serves_with_its_env_file(
    checked: Callable[..., Path], serve: Serve
) -> None:
    project = checked(basic, "--store", "sqlite", "--flexible")
    assert (project / "calls.sqlite3").is_file()
    password = secret()
    example = (project / ".env.example").read_text()
    (project / ".env").write_text(example.replace("PASSWORD=\n", f"PASSWORD={password}\n"))
    server = serve("make", "serve", "PORT=0", cwd=project)
    server.until_line("Booting worker")
    answered(server, Made(credential=BasicCredential("cx-agent", password)), from_export=False)
    server.stop()


def test_a_project_with_header_from_an_export_and_the_firestore_emulator_in_place_of_firestore(
    checked: Callable[..., Path], pytestconfig: pytest.Config
) -> None:
    with closing(FirestoreServer(pytestconfig.cache.mkdir("firestore"))) as firestore:
        checked(
            header, "--store", "firestore", "--from-export", str(EXAMPLE), FIRESTORE_EMULATOR_HOST=firestore.address
        )


def test_a_project_with_oauth_jwt(checked: Callable[..., Path]) -> None:
    checked(oauth_jwt)


def test_a_project_with_oauth_introspection_from_an_export_and_a_flexible_webhook(
    checked: Callable[..., Path],
) -> None:
    checked(oauth_introspection, "--from-export", str(EXAMPLE), "--flexible")


def test_a_project_with_mtls_and_a_real_client_certificate_with_googles_keys_from_the_tests_issuer(
    checked: Callable[..., Path],
) -> None:
    checked(mtls)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
def test_make_run_in_a_new_project_sets_everything_up_and_prints_a_curl_line_that_works(
    bench: Bench, tmp_path: Path
) -> None:
    project = bench.new("hotel")
    port, log = free_port(), tmp_path / "log"
    # A setting of another application must not reach the server of this machine.
    environment = bench.environment | {"CXFULFILL_AUDIENCE": "https://other.example/webhook"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}", f"PYTHON={sys.executable}"],
            cwd=project, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: b"Booting worker" in log.read_bytes() or process.poll() is not None, "it is up", limit=300)
        [line] = [line for line in log.read_text().splitlines() if line.startswith("curl ")]
        answer = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=True)
        assert json.loads(answer.stdout)["fulfillmentResponse"]["messages"][0]["text"]["text"] == ["Hello, Ada!"]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    assert (project / ".venv" / "password").stat().st_mode & 0o777 == 0o600
