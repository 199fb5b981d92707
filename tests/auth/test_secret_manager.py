"""Secrets of Google's Secret Manager: its own client against a server that speaks the real method."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.cloud import secretmanager_v1

from cxfulfill import BasicAuth, ConfigurationError, HeaderSecret
from cxfulfill.auth import fetched, secret_manager
from cxfulfill.auth.fetched import PAUSE, STALE_FOR
from cxfulfill.auth.secret_manager import MAX_AGE, SecretManager
from tests.auth.secret_manager_server import NAME, NEXT_NAME, SecretManagerServer
from tests.auth.test_secrets import CREDENTIALS, background, key, probe, sign_in
from tests.clock import Clock
from tests.pipeline.support import CANARY, NEXT_SECRET, SECRET, Counted, Unreadable, basic, post

Status = grpc.StatusCode


@pytest.fixture
def server() -> Iterator[SecretManagerServer]:
    with closing(SecretManagerServer()) as made:
        made.versions[NAME] = SECRET.encode()
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth(server: SecretManagerServer, clock: Clock) -> HeaderSecret:
    return HeaderSecret("Authorization", SecretManager(NAME, server.client, clock=clock))


def test_the_header_that_cx_sends(server: SecretManagerServer, auth: HeaderSecret) -> None:
    assert server.calls == []
    assert not auth.blocking
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status, key(auth, SECRET).status) == (200, 401, 200)
    assert server.calls == [NAME]


def test_the_basic_credentials_that_cx_sends(server: SecretManagerServer, clock: Clock) -> None:
    server.versions[NAME] = CREDENTIALS.encode()
    auth = BasicAuth.from_credentials(SecretManager(NAME, server.client, clock=clock))
    assert (sign_in(auth, CREDENTIALS).status, sign_in(auth, "cx:other").status) == (200, 401)
    assert server.calls == [NAME]


def test_a120_a_payload_with_a_newline(
    server: SecretManagerServer, auth: HeaderSecret, caplog: pytest.LogCaptureFixture
) -> None:
    server.versions[NAME] = f"{SECRET}\n".encode()
    assert [key(auth, SECRET).status for _ in range(3)] == [200] * 3
    [line] = [record.getMessage() for record in caplog.records if "newline" in record.getMessage()]
    assert line.startswith(f"HeaderSecret: value from SecretManager('{NAME}') ended in a newline")


def test_it_is_fetched_again_after_its_age(server: SecretManagerServer, auth: HeaderSecret, clock: Clock) -> None:
    assert key(auth, SECRET).status == 200
    server.versions[NAME] = NEXT_SECRET.encode()
    clock.seconds += MAX_AGE / 2
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (200, 401)
    assert len(server.calls) == 1
    clock.seconds += MAX_AGE / 2
    assert (key(auth, NEXT_SECRET).status, key(auth, SECRET).status) == (200, 401)
    assert len(server.calls) == 2


def test_it_is_fetched_again_in_the_background(server: SecretManagerServer, auth: HeaderSecret, clock: Clock) -> None:
    assert key(auth, SECRET).status == 200
    server.versions[NAME] = NEXT_SECRET.encode()
    clock.seconds += MAX_AGE * 0.9
    assert key(auth, SECRET).status == 200
    background()
    assert (key(auth, NEXT_SECRET).status, len(server.calls)) == (200, 2)


def test_a050_rotation_by_two_versions(server: SecretManagerServer, clock: Clock) -> None:
    server.versions[NEXT_NAME] = NEXT_SECRET.encode()
    versions = [SecretManager(name, server.client, clock=clock) for name in (NAME, NEXT_NAME)]
    auth = HeaderSecret("Authorization", versions)
    assert [key(auth, value).status for value in (SECRET, NEXT_SECRET, "Bearer x")] == [200, 200, 401]
    assert sorted(server.calls) == [NAME, NEXT_NAME]
    server.versions[NAME] = Status.FAILED_PRECONDITION  # the old one is disabled, and still in the settings
    clock.seconds += MAX_AGE
    assert [key(auth, value).status for value in (NEXT_SECRET, SECRET)] == [200, 401]
    assert probe(auth) == {"handlers": True, "store": True, "auth": True}


REFUSALS = [
    (Status.FAILED_PRECONDITION, "the secret version is disabled or destroyed; enable it"),
    (Status.PERMISSION_DENIED, "roles/secretmanager.secretAccessor"),
    (Status.NOT_FOUND, "there is no such secret version"),
]


@pytest.mark.parametrize(("status", "advice"), REFUSALS)
@pytest.mark.parametrize("warm", [True, False])
def test_a_version_that_was_taken_back_opens_nothing(
    server: SecretManagerServer,
    auth: HeaderSecret,
    clock: Clock,
    status: Any,
    advice: str,
    warm: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if warm:
        assert key(auth, SECRET).status == 200
    server.versions[NAME] = status
    clock.seconds += MAX_AGE
    result = key(auth, SECRET, stream=Unreadable())
    assert (result.status, result.reason) == (503, "secret_unavailable")
    assert result.headers["Retry-After"] == str(PAUSE)
    [line] = [record.getMessage() for record in caplog.records if "status=503" in record.getMessage()]
    assert f"note=\"no secret from SecretManager('{NAME}'): " in line
    assert advice in line
    assert SECRET not in caplog.text
    assert key(auth, None).status == 401
    server.versions[NAME] = SECRET.encode()
    clock.seconds += PAUSE
    assert key(auth, SECRET).status == 200


def test_a_server_that_is_down_leaves_the_secret_in_force(
    server: SecretManagerServer, auth: HeaderSecret, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert key(auth, SECRET).status == 200
    server.stop()
    clock.seconds += MAX_AGE
    assert (key(auth, SECRET).status, key(auth, NEXT_SECRET).status) == (200, 401)
    assert "versions/3'): ServiceUnavailable" in caplog.text
    clock.seconds += STALE_FOR
    assert key(auth, SECRET).status == 503


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED])
def test_an_error_of_the_service_is_503_where_nothing_is_held(
    server: SecretManagerServer, auth: HeaderSecret, status: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.versions[NAME] = status
    assert key(auth, SECRET, stream=Unreadable()).status == 503
    assert f"no secret from SecretManager('{NAME}'): " in caplog.text
    assert server.calls == [NAME]  # it is not tried again within the call


def test_a_server_that_hangs_is_given_up(
    server: SecretManagerServer,
    auth: HeaderSecret,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(secret_manager, "TIME_LIMIT", 0.05)
    server.hangs = True
    assert key(auth, SECRET).status == 503
    assert f"no secret from SecretManager('{NAME}'): DeadlineExceeded" in caplog.text


def test_a_hanging_server_delays_nobody_with_another_secret(
    server: SecretManagerServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.05)
    server.hangs = True
    auth = HeaderSecret("Authorization", [SecretManager(NAME, server.client, clock=clock), NEXT_SECRET])
    assert key(auth, SECRET).status == 503
    assert key(auth, NEXT_SECRET).status == 200
    server.stop()
    background()


def test_50_parallel_cold_calls_are_one_call_to_the_service(server: SecretManagerServer, auth: HeaderSecret) -> None:
    webhook = Counted(auth)
    gate, statuses = threading.Barrier(50), []

    def call() -> None:
        gate.wait(30)
        statuses.append(post(webhook, headers={"Authorization": SECRET}).status)

    threads = [threading.Thread(target=call) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (statuses, server.calls) == ([200] * 50, [NAME])


@pytest.mark.parametrize(
    "payload", [b"", b"changeme", f'"{SECRET}"'.encode(), b"Bearer " + CANARY.encode(), b"\xff\xfe"]
)
def test_a119_a_weak_or_malformed_payload(
    server: SecretManagerServer, auth: HeaderSecret, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server.versions[NAME] = payload
    for sent in (payload.decode("latin-1"), SECRET):
        result = key(auth, sent, stream=Unreadable())
        assert (result.status, result.reason in ("secret_refused", "secret_unavailable")) == (503, True)
        assert CANARY not in result.body.decode()
    assert NAME in caplog.text
    assert CANARY not in caplog.text
    assert probe(auth) == {"handlers": True, "store": True, "auth": False}


def test_ready_and_warm(server: SecretManagerServer, auth: HeaderSecret) -> None:
    auth.warm()
    assert server.calls == [NAME]
    assert probe(auth) == {"handlers": True, "store": True, "auth": True}
    assert key(auth, SECRET).status == 200
    assert server.calls == [NAME]


class Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_the_clients_own_debug_log_does_not_show_the_secret(
    server: SecretManagerServer, auth: HeaderSecret, caplog: pytest.LogCaptureFixture
) -> None:
    server.versions[NAME] = f"Bearer {CANARY}-9f2c-1d77".encode()
    collector = Collector()
    logger = logging.getLogger("google")
    logger.addHandler(collector)
    try:
        with caplog.at_level(logging.DEBUG, "google"):
            assert key(auth, f"Bearer {CANARY}-9f2c-1d77").status == 200
    finally:
        logger.removeHandler(collector)
    assert any("AccessSecretVersion" in record.getMessage() for record in collector.records)
    shown = "\n".join(str(vars(record)) for record in collector.records)
    encoded = basic(f"Bearer {CANARY}-9f2c-1d77").removeprefix("Basic ")
    for secret in (CANARY, encoded):
        assert secret not in shown + caplog.text


def test_no_repr_shows_the_secret(auth: HeaderSecret) -> None:
    assert key(auth, SECRET).status == 200
    assert repr(auth) == f"HeaderSecret('Authorization', value=SecretManager('{NAME}'))"


@pytest.mark.parametrize(
    "name",
    ["", "cx-webhook", "projects/hotel-1/secrets/cx-webhook", f"{NAME}/", f" {NAME}", f"{NAME}\n", CREDENTIALS,
     "projects/hotel 1/secrets/s/versions/1", "projects/p/locations/europe-west1/secrets/s/versions/1"],
)  # fmt: skip
def test_a_name_that_cx_does_not_know_either(name: str) -> None:
    with pytest.raises(ConfigurationError, match="projects/P/secrets/S/versions/V") as raised:
        SecretManager(name)
    assert not name or name not in str(raised.value)


@pytest.mark.parametrize(
    "name", [NAME, "projects/123456/secrets/S_1-x/versions/latest", "projects/example.com:p/secrets/s/versions/1"]
)
def test_names_of_every_form(name: str) -> None:
    assert repr(SecretManager(name)) == f"SecretManager('{name}')"


def test_without_the_extra_the_start_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.secretmanager_v1", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'cxfulfill\[gcp\]'"):
        SecretManager(NAME)


@pytest.fixture
def no_shared_client() -> Iterator[None]:
    secret_manager._shared_client.cache_clear()
    yield
    secret_manager._shared_client.cache_clear()


@pytest.mark.usefixtures("no_shared_client")
def test_one_client_is_made_when_first_needed_and_shared(
    server: SecretManagerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []

    def client_of_the_local_server() -> object:
        made.append(server.client)
        return server.client

    monkeypatch.setattr(secretmanager_v1, "SecretManagerServiceClient", client_of_the_local_server)
    first, second = (HeaderSecret("Authorization", SecretManager(NAME)) for _ in range(2))
    assert made == []
    assert [key(each, SECRET).status for each in (first, second)] == [200, 200]
    assert (len(made), server.calls) == (1, [NAME, NAME])


@pytest.mark.usefixtures("no_shared_client")
def test_without_google_credentials_the_answer_is_503(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    assert key(HeaderSecret("Authorization", SecretManager(NAME)), SECRET).status == 503
    assert f"no secret from SecretManager('{NAME}'): DefaultCredentialsError" in caplog.text


def test_making_one_makes_no_channel() -> None:
    program = (
        "import grpc; grpc.secure_channel = grpc.insecure_channel = None\n"
        "from cxfulfill.auth.secret_manager import SecretManager\n"
        "from cxfulfill.auth.secrets import HeaderSecret\n"
        f"print(HeaderSecret('Authorization', SecretManager({NAME!r})))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (f"HeaderSecret('Authorization', value=SecretManager('{NAME}'))", "")
