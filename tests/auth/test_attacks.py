"""What a hostile reviewer found, each as a test that failed once."""

import dataclasses
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cxfulfill import (
    AllOf,
    AnyOf,
    BasicAuth,
    ByEnvironment,
    ConfigurationError,
    FetchedSecret,
    Gone,
    HeaderSecret,
    HttpRequest,
    NeedsIO,
    Principal,
)
from cxfulfill.auth import base, fetched, introspection, outbound
from cxfulfill.auth.fetched import COOL_DOWN, PAUSE, Fetched, Held
from cxfulfill.auth.outbound import OutboundError, send
from cxfulfill.server.wsgi import EnvironHeaders
from tests.auth.oauth_support import Times, active, app_i, serving
from tests.auth.test_agents import STAGING, body, session_in
from tests.auth.tokens_support import K1, K2, NOW, Source, app_g, bearing, jwk, settled, token
from tests.clock import Clock
from tests.pipeline.support import CANARY, LIMIT, Counted, Finds, basic, post, refused

STATIC = "Bearer prod-static-secret-9f2c77aa"
KEY = "the-key-of-this-test"


class Vault(FetchedSecret):
    """A secret that counts its fetches, and can be taken back, or held up."""

    def __init__(self, value: str = KEY, *, clock: Any = time.monotonic) -> None:
        super().__init__("vault", max_age=60, clock=clock)
        self.value: str | Exception = value
        self.fetches = 0
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self) -> bytes:
        self.fetches += 1
        self.gate.wait(LIMIT)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value.encode()


@pytest.mark.parametrize("dies", [False, True])
def test_a_refresh_in_the_background_that_hangs_or_dies_is_given_up(dies: bool) -> None:
    clock, gate, loads = Clock(NOW), threading.Event(), []

    def load() -> Held[int]:
        loads.append(1)
        if len(loads) == 2:
            if dies:
                raise SystemExit
            gate.wait(LIMIT)
        return Held(len(loads), 60)

    value = Fetched("keys", "test", load, clock=clock)
    value.fetch()
    clock.seconds += 50
    assert value.get() == 1
    while len(loads) < 2:
        pass
    clock.seconds += PAUSE + fetched.TIME_LIMIT
    value.get()
    for thread in threading.enumerate():
        if thread.name == "cxfulfill-fetch" and (dies or len(loads) > 2):
            thread.join(0.05)
    while value.get() != 3:
        clock.seconds += 1
    gate.set()


def test_an_environment_s_secret_is_not_sent_to_another_s_issuer() -> None:
    with serving() as endpoint:
        by = ByEnvironment({"draft": app_i(endpoint), STAGING: HeaderSecret("Authorization", STATIC)})
        webhook = Counted(by)
        for _ in range(2):
            assert post(webhook, body(session_in(STAGING)), headers={"Authorization": STATIC}).status == 200
        assert endpoint.asked == []
        assert post(webhook, body(session_in(None)), headers={"Authorization": STATIC}).status == 403
        assert len(endpoint.asked) == 1, "it claims to be the draft's"
        endpoint.answers["good"] = active()
        assert post(webhook, body(session_in(None)), headers={"Authorization": "Bearer good"}).status == 200


def test_a_static_secret_is_looked_up_before_a_stranger_is_asked_about_it() -> None:
    with serving() as endpoint:
        vault = Vault(STATIC)
        webhook = Counted(AnyOf(app_i(endpoint), HeaderSecret("Authorization", vault)))
        assert post(webhook, headers={"Authorization": STATIC}).status == 200
        assert (vault.fetches, endpoint.asked) == (1, [])


@contextmanager
def hanging(*sources: Source) -> Iterator[None]:
    for source in sources:
        source.gate = threading.Event()
    yield
    for source in sources:
        assert source.gate
        source.gate.set()


def test_an_environment_whose_keys_hang_does_not_delay_another() -> None:
    sources = [Source(), Source()]
    webhook = Counted(ByEnvironment({"draft": app_g(sources[0], project_number=124), STAGING: app_g(sources[1])}))
    headers = {"Authorization": f"Bearer {token()}"}
    assert post(webhook, body(session_in(STAGING)), headers=headers).status == 200
    fresh = Counted(ByEnvironment({"draft": app_g(Source(gate=threading.Event())), STAGING: BasicAuth("cx", KEY)}))
    result = post(fresh, body(session_in(STAGING)), headers={"Authorization": basic(f"cx:{KEY}")})
    assert result.status == 200


@pytest.mark.parametrize(
    "combine", [AnyOf, lambda *parts: ByEnvironment({str(i): part for i, part in enumerate(parts)})]
)
def test_what_several_policies_lack_is_fetched_at_once(combine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.05)
    sources = [Source() for _ in range(9)]
    webhook = Counted(combine(*(app_g(source, project_number=number) for number, source in enumerate(sources, 1))))
    with hanging(*sources):
        assert post(webhook, headers={"Authorization": f"Bearer {token()}"}).status == 503
        assert [source.fetches for source in sources] == [1] * 9
    vaults = [Vault() for _ in range(9)]
    webhook = Counted(combine(*(HeaderSecret(f"X-{number}", vault) for number, vault in enumerate(vaults))))
    assert post(webhook, headers={f"X-{number}": "y" for number in range(9)}).status == 401


class Restless:
    """An authenticator that always wants something."""

    blocking = False

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock
        self.fetches = 0

    def authenticate(self, http: HttpRequest) -> Principal:
        raise NeedsIO(self.fetch)

    def fetch(self) -> None:
        self.fetches += 1
        if self.clock:
            self.clock.seconds += 2


def test_an_authenticator_that_never_settles(caplog: pytest.LogCaptureFixture) -> None:
    restless = Restless()
    assert refused(Counted(restless), caplog, 503).reason == "auth_not_settled"
    assert restless.fetches <= 16
    clock = Clock(NOW)
    slow = Restless(clock)
    assert refused(Counted(slow, clock=clock), caplog, 503).reason == "auth_not_settled"
    assert slow.fetches == 2, "none is begun after 3 seconds"


class LaterRestless:
    blocking = False

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal("cx", "own")

    def authorize(self, principal: Principal, session: object) -> Principal:
        raise NeedsIO(lambda: None)


def test_one_that_never_settles_about_the_session(caplog: pytest.LogCaptureFixture) -> None:
    assert refused(Counted(LaterRestless()), caplog, 503).reason == "auth_not_settled"


def test_no_thread_for_fetches_is_a_503(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def no_pool(*_: object, **__: object) -> Any:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(base, "ThreadPoolExecutor", no_pool)
    webhook = Counted(HeaderSecret("X-Key", [Vault(), Vault("another-key-of-this-test")]))
    refused(webhook, caplog, 503, headers={"X-Key": "x"})


def test_strangers_tokens_do_not_hold_every_thread_while_the_issuer_is_down() -> None:
    with serving() as endpoint:
        endpoint.reply = (500, {}, b"")
        times = Times()
        webhook = Counted(app_i(endpoint, times))
        for number in range(20):
            assert post(webhook, headers={"Authorization": f"Bearer junk-{number}"}).status == 503
        assert len(endpoint.asked) == 1
        times.move(1)
        endpoint.reply = None
        endpoint.answers["good"] = active()
        assert post(webhook, headers={"Authorization": "Bearer good"}).status == 200
        assert post(webhook, headers={"Authorization": "Bearer junk-1"}).status == 401


def test_no_more_than_some_questions_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as endpoint:
        auth = app_i(endpoint)
        auth._asking = threading.Semaphore(0)
        assert post(Counted(auth), headers={"Authorization": "Bearer junk"}).status == 503
        assert endpoint.asked == []


def test_junk_does_not_crowd_out_good_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection, "MAX_TOKENS", 4)
    with serving() as endpoint:
        endpoint.answers["good"] = active()
        webhook = Counted(app_i(endpoint))
        assert post(webhook, headers={"Authorization": "Bearer good"}).status == 200
        for number in range(10):
            post(webhook, headers={"Authorization": f"Bearer junk-{number}"})
        assert post(webhook, headers={"Authorization": "Bearer good"}).status == 200
        assert endpoint.asked.count("good") == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n",
                                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"])  # fmt: skip
def test_a_server_that_drips_is_cut_off(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TIME_LIMIT", 0.2)
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)
                while not stop.wait(0.02):
                    try:
                        connection.sendall(answer if b"100" in answer else b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        with pytest.raises(OutboundError):
            send("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(LIMIT)
        ended = not thread.is_alive()
        stop.set()
        assert ended, "the connection is closed, not only given up"


def test_a_new_key_while_the_source_is_down_is_undecided() -> None:
    source, clock = Source([jwk(K1, "k1")]), Clock(NOW)
    auth = app_g(source, clock=clock)
    webhook = Counted(auth)
    settled(auth, bearing(f"Bearer {token()}"))
    clock.seconds += COOL_DOWN
    source.down = True
    rotated = {"Authorization": f"Bearer {token(key=K2, kid='k3')}"}
    assert [post(webhook, headers=rotated).status for _ in range(2)] == [503, 503]
    assert post(webhook, headers={"Authorization": f"Bearer {token()}"}).status == 200
    source.down, source.keys = False, [jwk(K2, "k3")]
    clock.seconds += PAUSE
    assert post(webhook, headers=rotated).status == 200


@dataclasses.dataclass(frozen=True)
class Equal:
    name: str
    blocking = False

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal(self.name, "own")


@dataclasses.dataclass
class Unhashable:
    name: str
    blocking = False

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal(self.name, "own")


@pytest.mark.parametrize("kind", [Equal, Unhashable])
def test_equal_authenticators_of_the_user_s(kind: Any) -> None:
    webhook = Counted(ByEnvironment({"-": kind("a"), STAGING: kind("a")}))
    assert post(webhook, body(session_in(STAGING))).status == 200


def test_a_revoked_secret_beside_a_good_one_is_simply_wrong() -> None:
    clock = Clock(NOW)
    old = Vault("the-old-key-of-this-test", clock=clock)
    old.value = Gone("revoked")
    webhook = Counted(HeaderSecret("X-Key", [KEY, old]))
    assert post(webhook, headers={"X-Key": KEY}).status == 200
    assert post(webhook, headers={"X-Key": "x"}).status == 401
    assert post(Counted(HeaderSecret("X-Key", old)), headers={"X-Key": "x"}).status == 503, "nothing is at hand"


def test_a_revocation_that_comes_late_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.02)
    clock = Clock(NOW)
    vault = Vault(clock=clock)
    webhook = Counted(HeaderSecret("X-Key", vault))
    assert post(webhook, headers={"X-Key": KEY}).status == 200
    vault.gate.clear()
    vault.value = Gone("revoked")
    clock.seconds += 61
    assert post(webhook, headers={"X-Key": KEY}).status == 200, "its source does not answer"
    vault.gate.set()
    for thread in threading.enumerate():
        if thread.name == "cxfulfill-fetch":
            thread.join(LIMIT)
    assert post(webhook, headers={"X-Key": KEY}).status == 503


@pytest.mark.parametrize("name", ["author\u0131zation", "cook\u0131e", "x_key"])
def test_a_hidden_header_under_another_spelling(name: str) -> None:
    headers = EnvironHeaders({"HTTP_AUTHORIZATION": CANARY, "HTTP_COOKIE": CANARY, "HTTP_X_KEY": CANARY})
    assert headers.get(name) is None


def test_a114_an_authenticator_s_error_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    failing: Any = Finds(KeyError(CANARY))
    with caplog.at_level(logging.DEBUG):
        assert post(Counted(failing)).status == 500
    assert CANARY not in caplog.text
    assert "KeyError" in caplog.text


def test_any_of_asks_every_part_that_liked_the_headers() -> None:
    key, other = HeaderSecret("X-Key", KEY), HeaderSecret("X-Other", KEY)
    webhook = Counted(AnyOf(ByEnvironment({STAGING: key}), AllOf(key, other)))
    both = {"X-Key": KEY, "X-Other": KEY}
    assert post(webhook, body(session_in(None)), headers=both).status == 200
    assert post(webhook, body(session_in(None)), headers={"X-Key": KEY}).status == 403


def test_a_key_map_with_something_odd_in_it() -> None:
    from tests.auth.test_keys import certificate

    content = {"k1": certificate(K1), "k2": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}
    assert settled(app_g(Source(content=json.dumps(content).encode())), bearing(f"Bearer {token()}"))


def test_a_list_with_an_empty_member(monkeypatch: pytest.MonkeyPatch) -> None:
    from cxfulfill import Webhook

    monkeypatch.setenv("CXFULFILL_AUTH", "basic")
    monkeypatch.setenv("CXFULFILL_BASIC_CREDENTIALS", f"cx:{KEY}")
    for variable in ("ALLOWED_AGENTS", "ENVIRONMENTS"):
        for value in (",", "projects/p/locations/l/agents/a,", ",draft"):
            with monkeypatch.context() as patch:
                patch.setenv(f"CXFULFILL_{variable}", value)
                with pytest.raises(ConfigurationError, match=f"{variable} has an empty member"):
                    Webhook.from_env()
    monkeypatch.setenv("CXFULFILL_ENVIRONMENTS", "prod=aaa, PROD=bbb")
    with pytest.raises(ConfigurationError, match="twice"):
        Webhook.from_env()


def test_a_secret_put_where_its_file_is_named_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from cxfulfill import Webhook

    monkeypatch.setenv("CXFULFILL_AUTH", "header")
    for variable in ("FILE", "SECRET"):
        with monkeypatch.context() as patch:
            patch.setenv(f"CXFULFILL_HEADER_VALUE_{variable}", CANARY)
            with pytest.raises(ConfigurationError) as raised:
                Webhook.from_env()
            assert CANARY not in str(raised.value)
            assert f"CXFULFILL_HEADER_VALUE_{variable}" in str(raised.value)
