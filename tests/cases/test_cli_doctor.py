"""``cxfulfill doctor``: each check once where all is well and once where it is not; nothing secret is printed."""

import http.server
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import formatdate
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from opentelemetry import trace

from cxfulfill import (
    AllowUnauthenticated,
    AnyOf,
    Authenticator,
    BasicAuth,
    Context,
    FlexibleContext,
    GoogleIdToken,
    HeaderSecret,
    HttpRequest,
    OpenTelemetry,
    Principal,
    Webhook,
)
from cxfulfill.auth.introspection import OAuthIntrospection
from cxfulfill.auth.keys import KeyDocument
from cxfulfill.auth.sources import FetchedSecret, FileSecret
from cxfulfill.cli import doctor as command
from cxfulfill.cli import doctor_auth, doctor_store
from cxfulfill.cli.advice import ADVICE
from cxfulfill.cli.commands import cli
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired, Completed, Lease, Outcome
from tests.auth.tokens_support import AUDIENCE, K1, jwk
from tests.otel.support import Sdk
from tests.servers.redis_server import RedisServer

CANARY = "canary-7b1f0c9de4a25563"
BASIC = BasicAuth("cx", CANARY)
JWKS = json.dumps({"keys": [jwk(K1, "k1")]}).encode()

Checks = dict[str, dict[str, str]]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CXFULFILL_") or name in ("K_SERVICE", "WEB_CONCURRENCY", "PORT"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(doctor_auth, "LIMIT", 0.4)


class Doctor:
    """Puts webhooks into a module, and runs the command on them."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def run(self, webhook: Webhook | None, *arguments: str, code: int = 0, name: str = "webhook", **env: str) -> Result:
        vars(self.module)["webhook"] = webhook
        given = ["doctor", "--app", f"{self.module.__name__}:{name}", *arguments]
        result = CliRunner(env=env).invoke(cli, given)
        assert result.exit_code == code, result.output
        assert CANARY not in result.output
        return result

    def __call__(self, webhook: Webhook | None, *arguments: str, code: int = 0, **env: str) -> Checks:
        document = json.loads(self.run(webhook, "--json", *arguments, code=code, **env).stdout)
        verdicts = [each["verdict"] for each in document["checks"]]
        assert document["verdict"] == next(one for one in ("fail", "warn", "ok") if one in verdicts)
        return {each["check"]: each for each in document["checks"]}


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Doctor:
    module = ModuleType("app_of_the_doctor")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Doctor(module)


def app(auth: Authenticator = BASIC, **options: Any) -> Webhook:
    webhook = Webhook(auth=auth, **options)

    @webhook.handler("book")
    def book(ctx: Context) -> str:
        raise AssertionError("the doctor runs no handler")

    return webhook


def verdict(checks: Checks, name: str) -> tuple[str, str]:
    return checks[name]["verdict"], checks[name]["found"]


# The command.


def test_all_is_well(doctor: Doctor) -> None:
    lines = doctor.run(app()).stdout.splitlines()
    assert [line[16:20].strip() for line in lines] == ["ok"] * 4 + ["skip"] + ["ok"] * 5 + ["skip", "skip"]
    assert lines[0] == "settings        ok    no CXFULFILL_ variable is set"


def test_what_to_do_stands_below(doctor: Doctor) -> None:
    lines = doctor.run(Webhook(auth=BASIC), code=1).stdout.splitlines()
    [at] = [index for index, line in enumerate(lines) if "  fail  " in line]
    assert lines[at].split(maxsplit=2) == ["handlers", "fail", "there is none, so that every call is a 404"]
    assert lines[at + 1].startswith("  To do: Import the modules")


def test_an_app_that_does_not_load(doctor: Doctor) -> None:
    checks = doctor(None, code=1)
    assert list(checks) == ["settings", "port", "app"]
    assert "is no Webhook" in checks["app"]["found"]


def test_a_check_that_fails_itself(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(webhook: Webhook) -> Iterator[Any]:
        raise ValueError(CANARY)

    monkeypatch.setitem(command._OF_APP, "pool", broken)
    checks = doctor(app(), code=1)
    assert verdict(checks, "pool") == ("fail", "the check itself failed with ValueError")
    assert "Cloud Run" in checks


def test_the_doctor_runs_no_hooks(doctor: Doctor) -> None:
    webhook = app()
    ran: list[str] = []
    webhook.on_startup(lambda: ran.append("start"))
    webhook.on_shutdown(lambda: ran.append("end"))
    doctor(webhook)
    assert ran == []


# Settings and port.


def test_settings_that_are_right(doctor: Doctor) -> None:
    checks = doctor(
        app(),
        CXFULFILL_AUTH="basic",
        CXFULFILL_BASIC_USERNAME="cx",
        CXFULFILL_BASIC_PASSWORD=CANARY,
        CXFULFILL_THREADS="4",
    )
    assert verdict(checks, "settings") == ("ok", "all variables are understood")


def test_settings_that_from_env_would_refuse(doctor: Doctor) -> None:
    checks = doctor(app(), CXFULFILL_TIMEOUTS="3", CXFULFILL_BASIC_PASSWORD=CANARY)
    assert checks["settings"]["verdict"] == "warn"
    assert "did you mean CXFULFILL_TIMEOUT?" in checks["settings"]["found"]
    checks = doctor(app(), CXFULFILL_AUTH="nobody")
    assert checks["settings"]["verdict"] == "warn"


def test_settings_that_the_server_would_refuse(doctor: Doctor) -> None:
    checks = doctor(app(timeout=2), code=1, CXFULFILL_THREADS="many")
    assert checks["settings"]["verdict"] == "fail"
    assert "CXFULFILL_THREADS must be a whole number" in checks["settings"]["found"]
    assert checks["pool"]["verdict"] == "skip"
    assert checks["shared store"]["verdict"] == "ok"


@pytest.mark.parametrize("port", ["0", "65536", "http", "٣", "1" * 30, ""])
def test_a_port_that_is_none(doctor: Doctor, port: str) -> None:
    assert doctor(app(), code=1, PORT=port)["port"]["verdict"] == "fail"


def test_the_port(doctor: Doctor) -> None:
    assert verdict(doctor(app()), "port") == ("ok", "8080")
    assert verdict(doctor(app(), PORT="443"), "port") == ("ok", "443")


# Who may call.


class Own:
    def authenticate(self, http: HttpRequest) -> Principal:
        raise AssertionError("nobody is asked")

    def __repr__(self) -> str:
        return CANARY


class Never(Own):
    def ready(self) -> bool:
        print("what an app prints does not spoil the JSON")  # noqa: T201
        return False


def test_what_fetches_nothing(doctor: Doctor) -> None:
    checks = doctor(app(AnyOf(BASIC, Own())))
    assert verdict(checks, "auth BasicAuth") == verdict(checks, "auth Own") == ("ok", "nothing is fetched")


def test_everybody(doctor: Doctor) -> None:
    assert verdict(doctor(app(AllowUnauthenticated())), "auth AllowUnauthenticated") == ("warn", "everybody is let in")


def test_a_secret_that_is_readable(doctor: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(CANARY)
    checks = doctor(app(BasicAuth("cx", FileSecret(str(file)))))
    assert checks["auth BasicAuth"]["verdict"] == "ok"
    assert checks["auth BasicAuth"]["found"].startswith("secrets at hand after ")


class Vault(FetchedSecret):
    def __init__(self, value: bytes | None) -> None:
        super().__init__("vault", max_age=60)
        self.value = value

    def fetch(self) -> bytes:
        if self.value is None:
            raise OSError(CANARY)
        return self.value


def test_secrets_that_are_not(doctor: Doctor) -> None:
    webhook = app(BasicAuth("cx", Vault(None)))

    @webhook.flexible("/rates", methods=["GET"], auth=HeaderSecret("X-Key", Vault(b"canary")))
    def rates(ctx: FlexibleContext) -> None: ...

    checks = doctor(webhook, code=1)
    assert verdict(checks, "auth BasicAuth") == ("fail", "secret could not be fetched from Vault('vault'): OSError")
    assert checks["auth HeaderSecret"]["verdict"] == "fail"
    assert "is too short" in checks["auth HeaderSecret"]["found"]
    assert checks["auth BasicAuth"]["to_do"] == ADVICE["secret_unavailable"].change


def test_one_of_the_user_s_own_that_is_never_ready(doctor: Doctor) -> None:
    assert verdict(doctor(app(Never()), code=1), "auth Never") == ("fail", "no secrets within 0.4 s")


def test_an_introspection_endpoint_is_not_asked(doctor: Doctor) -> None:
    auth = OAuthIntrospection(
        endpoint="https://idp.invalid/introspect", issuer="https://idp.invalid", client_id="cx", client_secret=CANARY,
        audience="https://wh.example",
    )  # fmt: skip
    checks = doctor(app(auth))
    assert checks["auth OAuthIntrospection"]["verdict"] == "skip"


class KeyServer(http.server.BaseHTTPRequestHandler):
    """Serves keys, by a clock that is ``ahead``."""

    ahead = 0.0
    age: str | None = None
    dated = True

    def do_GET(self) -> None:
        self.send_response_only(200)
        if self.dated:
            self.send_header("Date", formatdate(time.time() + self.ahead, usegmt=True))
        if self.age is not None:
            self.send_header("Age", self.age)
        self.send_header("Content-Length", str(len(JWKS)))
        self.end_headers()
        self.wfile.write(JWKS)

    def log_message(self, *_: object) -> None: ...


Keys = Callable[..., GoogleIdToken]


@pytest.fixture
def keys() -> Iterator[Keys]:
    servers = []

    def start(**options: Any) -> GoogleIdToken:
        kind = type("Handler", (KeyServer,), options)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/keys"
        return GoogleIdToken(audience=AUDIENCE, project_number=123, keys=url)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_keys_that_are_there(doctor: Doctor, keys: Keys) -> None:
    checks = doctor(app(keys()))
    assert checks["auth GoogleIdToken"]["found"].startswith("keys at hand after ")
    assert verdict(checks, "clock") == ("ok", "right")


def test_keys_that_are_not(doctor: Doctor) -> None:
    auth = GoogleIdToken(audience=AUDIENCE, project_number=123, keys="http://127.0.0.1:9/keys")
    checks = doctor(app(auth), code=1)
    assert checks["auth GoogleIdToken"]["verdict"] == "fail"
    assert "connection refused" in checks["auth GoogleIdToken"]["found"]
    assert verdict(checks, "clock") == ("skip", "no address of keys told the time")


@pytest.mark.parametrize(
    ("options", "expected", "code"),
    [
        ({"ahead": -12.0}, ("warn", "12 seconds fast, by the clock of the keys' address"), 0),
        ({"ahead": 100.0}, ("fail", "100 seconds slow, by the clock of the keys' address"), 1),
        ({"ahead": -600.0, "age": "600"}, ("ok", "right"), 0),
        ({"age": "long"}, ("ok", "right"), 0),
        ({"dated": False}, ("skip", "no address of keys told the time"), 0),
    ],
)
def test_the_clock(doctor: Doctor, keys: Keys, options: dict[str, Any], expected: tuple[str, str], code: int) -> None:
    found = verdict(doctor(app(keys(**options)), code=code), "clock")
    assert found[0] == expected[0]
    assert found[1].replace("101", "100").replace("99", "100").replace("13", "12") == expected[1]


def test_a_date_that_is_none(doctor: Doctor, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "formatdate", lambda *_, **__: "yesterday")
    assert doctor(app(keys()))["clock"]["verdict"] == "skip"


def test_nobody_is_asked_for_the_time_but_addresses_of_keys(doctor: Doctor) -> None:
    class Mirrored:
        def fetch(self) -> KeyDocument:
            return KeyDocument(JWKS)

    checks = doctor(app(GoogleIdToken(audience=AUDIENCE, project_number=123, keys=Mirrored())))
    assert checks["auth GoogleIdToken"]["verdict"] == "ok"
    assert verdict(checks, "clock") == ("skip", "this app asks no address that tells the time")


# The store.


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with closing(RedisServer(tmp_path)) as made:
        yield made


def test_a_real_redis(doctor: Doctor, redis: RedisServer) -> None:
    checks = doctor(app(idempotency=redis.url))
    assert checks["store"]["verdict"] == "ok"
    assert checks["store"]["found"].startswith("RedisStore takes ")
    [key] = redis.client.keys("*")
    assert 0 < redis.client.pttl(key) <= 5_000
    redis.stop()
    checks = doctor(app(idempotency=redis.url.replace("//", f"//cx:{CANARY}@")), code=1)
    assert checks["store"]["verdict"] == "fail"
    assert checks["store"]["found"] == "RedisStore failed with ConnectionError"


def test_a_real_file(doctor: Doctor, tmp_path: Path) -> None:
    checks = doctor(app(idempotency=f"sqlite:///{tmp_path}/calls.sqlite3"), WEB_CONCURRENCY="2")
    assert checks["store"]["found"].startswith("SqliteStore takes ")
    assert verdict(checks, "shared store") == ("ok", "no worker has one of its own")


def test_no_store(doctor: Doctor) -> None:
    checks = doctor(app(idempotency=None))
    assert verdict(checks, "store") == ("warn", "there is none: a retry runs a call again")
    assert checks["shared store"]["verdict"] == "skip"


def test_a_slow_store(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_store, "SLOW", 0.0)
    assert doctor(app())["store"]["verdict"] == "warn"


def test_a_store_that_is_too_busy(doctor: Doctor) -> None:
    webhook = app(idempotency=Broken("none"))
    guarded = webhook.pipeline().deduplication
    assert guarded is not None
    guarded.store.failures, guarded.store._closed_until = 3, float("inf")
    assert verdict(doctor(webhook, code=1), "store") == ("fail", "Broken failed with too many calls that hang")


class Broken(MemoryStore):
    """A store with one defect."""

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect
        self.asked = 0

    def acquire(self, key: str, *, owner: str, fingerprint: str, lease: float) -> Outcome:
        self.asked += 1
        given = super().acquire(key, owner=owner, fingerprint=fingerprint, lease=lease)
        match self.defect, self.asked:
            case "never", _:
                return Completed(fingerprint, b"")
            case "twice", _:
                return Acquired(Lease(key, owner, fingerprint))
            case "changed", 4:
                return Completed(fingerprint, b"another")
        return given

    def release(self, lease: Lease) -> bool:
        return self.defect == "kept" or super().release(lease)

    def complete(self, lease: Lease, result: bytes, *, ttl: float) -> bool:
        return self.defect != "lost" and super().complete(lease, result, ttl=ttl)


@pytest.mark.parametrize(
    ("defect", "told"),
    [
        ("never", "it does not give a new key"),
        ("twice", "it gives a key to two at once"),
        ("kept", "a key that was released is not free"),
        ("lost", "it does not keep an answer"),
        ("changed", "it does not give an answer back"),
    ],
)
def test_a_store_that_does_not_keep_to_the_contract(doctor: Doctor, defect: str, told: str) -> None:
    found = verdict(doctor(app(idempotency=Broken(defect)), code=1), "store")
    assert found == ("fail", f"Broken does not keep to the contract: {told}")


def test_memory_and_several_workers(doctor: Doctor) -> None:
    assert doctor(app(), WEB_CONCURRENCY="1")["shared store"]["found"] == "one worker"
    assert "share a file" in doctor(app(), WEB_CONCURRENCY="2")["shared store"]["found"]
    checks = doctor(app(idempotency="memory://"), code=1, WEB_CONCURRENCY="2")
    assert checks["shared store"]["verdict"] == "fail"


def test_memory_and_files_on_cloud_run(doctor: Doctor, tmp_path: Path) -> None:
    for store in ("memory://", f"sqlite:///{tmp_path}/calls.sqlite3"):
        checks = doctor(app(idempotency=store), K_SERVICE="hotel")
        assert checks["shared store"]["verdict"] == "warn"
        assert "--max-instances=1" in checks["shared store"]["to_do"]
    assert doctor(app(), "--on-cloud-run")["shared store"]["verdict"] == "warn"
    assert "K_SERVICE" not in os.environ


# Handlers, time and platform.


def test_routes_that_a_retry_may_run_again(doctor: Doctor) -> None:
    webhook = app()

    @webhook.flexible("/orders")
    def order(ctx: FlexibleContext) -> None: ...

    @webhook.flexible("/rates", methods=["GET"])
    def rates(ctx: FlexibleContext) -> None: ...

    @webhook.flexible("/log", idempotent=False)
    def log(ctx: FlexibleContext) -> None: ...

    checks = doctor(webhook)
    assert verdict(checks, "retries") == ("warn", "without a key: POST /orders")
    assert verdict(checks, "handlers") == ("ok", "1 by tag, 3 flexible")
    assert doctor(app())["retries"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("timeout", "expected", "to_do"),
    [
        (None, ("ok", "no handler has one; CX gives up after its own"), ""),
        (4.5, ("ok", "4.5 s at most, within CX's default of 5 s"), ""),
        (8, ("warn", "8 s, and CX waits 5 s by default"), "In CX, set the webhook's timeout to 8.5 s or more."),
        (30, ("warn", "30 s, and CX waits 30 s at most"), "Set timeout= to 29.5 at most"),
    ],
)
def test_time_limits(doctor: Doctor, timeout: float | None, expected: tuple[str, str], to_do: str) -> None:
    checks = doctor(app(timeout=timeout))
    assert verdict(checks, "time limits") == expected
    assert checks["time limits"]["to_do"].startswith(to_do)


def test_handlers_without_a_time_limit_beside_others(doctor: Doctor) -> None:
    webhook = app(timeout=None)
    webhook.add_handler("quote", lambda ctx: "300 euros", timeout=4)
    expected = ("ok", "4 s at most, within CX's default of 5 s; handlers without one: 1")
    assert verdict(doctor(webhook), "time limits") == expected


def test_the_pool(doctor: Doctor) -> None:
    assert verdict(doctor(app()), "pool") == ("ok", "no handler needs it")
    assert "full at 8.0 late calls a second" in doctor(app(timeout=4))["pool"]["found"]
    assert doctor(app(timeout=4), CXFULFILL_THREADS="64")["pool"]["verdict"] == "warn"


def test_telemetry(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor(app())["telemetry"]["verdict"] == "skip"
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    checks = doctor(app(telemetry=OpenTelemetry()))
    assert verdict(checks, "telemetry") == ("warn", "there is no OpenTelemetry SDK: spans and metrics go nowhere")
    assert checks["telemetry"]["to_do"].startswith("Set providers where the app is made")
    assert doctor(app(telemetry=Sdk().telemetry()))["telemetry"]["verdict"] == "ok"


def test_deferred_work_on_cloud_run(doctor: Doctor) -> None:
    webhook = Webhook(auth=BASIC)
    webhook.add_handler("quote", lambda ctx: "300 euros", deferred=True, pending="One moment.")
    assert "--no-cpu-throttling" in doctor(webhook, K_SERVICE="hotel")["Cloud Run"]["to_do"]


def test_late_results_on_cloud_run(doctor: Doctor) -> None:
    assert doctor(app(timeout=4))["Cloud Run"]["verdict"] == "skip"
    assert doctor(app(), K_SERVICE="hotel")["Cloud Run"]["verdict"] == "ok"
    assert doctor(app(timeout=4, idempotency=None), K_SERVICE="hotel")["Cloud Run"]["verdict"] == "ok"
    checks = doctor(app(timeout=4), K_SERVICE="hotel")
    assert checks["Cloud Run"]["verdict"] == "warn"
    assert "--no-cpu-throttling" in checks["Cloud Run"]["to_do"]
