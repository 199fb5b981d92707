"""The key source: one fetch at a time, in time, bounded, and the cases A024-A029."""

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from cxfulfill import ConfigurationError, HttpKeySource, KeyDocument, NeedsIO, Unavailable, Webhook
from cxfulfill.auth import fetched, outbound
from cxfulfill.auth.fetched import COOL_DOWN, PAUSE, STALE_FOR, Fetched, Gone, Held
from cxfulfill.auth.google import GoogleIdToken
from cxfulfill.auth.outbound import OutboundError, check_url, send
from tests.auth.tokens_support import AUDIENCE, K1, K2, NOW, Source, app_g, bearing, jwk, settled, token
from tests.clock import Clock
from tests.pipeline.support import LIMIT, Counted, Result, body_of, post

GOOD = {"Authorization": f"Bearer {token()}"}


def status(webhook: Webhook) -> int:
    return post(webhook, headers=GOOD).status


def until_thread_ends() -> None:
    """Wait for background fetches."""
    for thread in threading.enumerate():
        if thread.name == "cxfulfill-fetch":
            thread.join(LIMIT)


def test_nothing_is_fetched_before_it_is_needed() -> None:
    source = Source()
    webhook = Counted(app_g(source))
    webhook.check()
    assert post(webhook, headers={"Authorization": None}).status == 401
    assert source.fetches == 0
    assert [status(webhook), status(webhook)] == [200, 200]
    assert source.fetches == 1


def test_a024_an_unknown_key_id() -> None:
    source, clock = Source(), Clock(NOW)
    webhook = Counted(app_g(source, clock=clock))
    unknown = {"Authorization": f"Bearer {token(kid='k9')}"}
    assert post(webhook, headers=unknown).reason == "unknown_key"
    assert source.fetches == 1, "just fetched: it cannot be there"
    clock.seconds += COOL_DOWN
    for _ in range(3):
        result = post(webhook, headers=unknown)
        assert (result.status, result.reason) == (401, "unknown_key")
        assert 'error="invalid_token"' in result.headers["WWW-Authenticate"]
    assert source.fetches == 2, "one refresh, then a cool-down"


def test_a025_a_rotated_key() -> None:
    source, clock = Source([jwk(K1, "k1")]), Clock(NOW)
    webhook = Counted(app_g(source, clock=clock))
    assert status(webhook) == 200
    source.keys = [jwk(K2, "k3")]
    clock.seconds += COOL_DOWN
    assert post(webhook, headers={"Authorization": f"Bearer {token(key=K2, kid='k3')}"}).status == 200
    assert source.fetches == 2
    assert status(webhook) == 401, "the old key is gone with the rotation"


def test_a026_the_source_is_down_and_no_key_is_held(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Source(down=True), Clock(NOW)
    webhook = Counted(app_g(source, clock=clock))
    for _ in range(3):
        result = post(webhook, headers=GOOD)
        assert (result.status, result.reason, result.headers["Retry-After"]) == (503, "keys_unavailable", str(PAUSE))
    assert source.fetches == 1, "asked again after a pause only"
    assert "keys could not be fetched from Source: Down" in caplog.text
    source.down = False
    clock.seconds += PAUSE
    assert status(webhook) == 200


def test_a027_the_source_is_down_and_keys_are_held() -> None:
    source, clock = Source(), Clock(NOW)
    auth = app_g(source, clock=clock, now=lambda: NOW)
    webhook = Counted(auth)
    assert status(webhook) == 200
    source.down = True
    clock.seconds += 3_600
    assert [status(webhook) for _ in range(3)] == [200] * 3
    assert source.fetches == 2
    clock.seconds += STALE_FOR - 1
    assert status(webhook) == 200
    clock.seconds += 1
    assert status(webhook) == 503, "a key that may have been withdrawn a day ago counts no more"
    source.down = False
    clock.seconds += PAUSE
    assert status(webhook) == 200


@contextmanager
def hanging(source: Source) -> Iterator[None]:
    source.gate = threading.Event()
    try:
        yield
    finally:
        source.gate.set()
    until_thread_ends()


def test_a028_the_source_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched.TIME_LIMIT == 3
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.01)
    source, clock = Source(), Clock(NOW)
    webhook = Counted(app_g(source, clock=clock))
    with hanging(source):
        assert post(webhook, headers=GOOD).status == 503
        assert post(webhook, headers={"Authorization": None}).status == 401, "others are served"
        assert post(webhook, method="GET", path="/health").status == 200
    clock.seconds += PAUSE
    assert status(webhook) == 200


def test_a028_a_hanging_source_delays_nobody_who_has_a_key() -> None:
    source, clock = Source(), Clock(NOW)
    auth = app_g(source, clock=clock, now=lambda: NOW)
    webhook = Counted(auth)
    assert status(webhook) == 200
    clock.seconds += 4_000  # past their age
    with hanging(source):
        waiting = threading.Thread(target=status, args=(webhook,))
        waiting.start()
        assert all(source.began.acquire(timeout=LIMIT) for _ in range(2))
        assert waiting.is_alive(), "the first caller waits for the fetch, for at most 3 seconds"
        assert status(webhook) == 200
    waiting.join(LIMIT)


def test_a028_a_source_that_goes_on_hanging_delays_one_caller_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    source, clock = Source(), Clock(NOW)
    auth = app_g(source, clock=clock, now=lambda: NOW)
    webhook = Counted(auth)
    assert status(webhook) == 200
    clock.seconds += 4_000  # past their age
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.01)
    with hanging(source):
        assert status(webhook) == 200, "after the time that a fetch may take"
        for _ in range(3):
            clock.seconds += 2 * PAUSE
            assert auth.authenticate(bearing(GOOD["Authorization"])), "without a wait"
    clock.seconds += PAUSE
    assert auth.authenticate(bearing(GOOD["Authorization"]))
    until_thread_ends()
    assert auth.ready()


def test_a_source_that_hangs_is_not_waited_for_by_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    source, clock = Source(), Clock(NOW)
    auth = app_g(source, clock=clock, now=lambda: NOW)
    webhook = Counted(auth)
    unknown = bearing(f"Bearer {token(kid='k9')}")
    assert status(webhook) == 200
    clock.seconds += COOL_DOWN
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.01)
    with hanging(source):
        assert post(webhook, headers={"Authorization": f"Bearer {token(kid='k9')}"}).status == 503
        for _ in range(3):
            clock.seconds += 2 * PAUSE
            with pytest.raises(Unavailable):  # and not NeedsIO: nobody waits again
                auth.authenticate(unknown)
        assert auth.authenticate(bearing(GOOD["Authorization"]))


def test_a_source_that_hangs_for_ever_is_asked_after_a_pause_only(caplog: pytest.LogCaptureFixture) -> None:
    gate, clock, loads = threading.Event(), Clock(NOW), []

    def load() -> Held[int]:
        loads.append(1)
        if len(loads) > 1:
            gate.wait(LIMIT)
        return Held(len(loads), 60)

    value = Fetched("keys", "test", load, clock=clock)
    value.fetch()
    clock.seconds += 61 * 0.8
    for _ in range(6):
        assert value.get() == 1
        clock.seconds += fetched.TIME_LIMIT
    gate.set()
    until_thread_ends()
    assert len(loads) == 1 + 2, "begun, given up, a pause, begun again"
    assert [record.getMessage() for record in caplog.records] == [
        "keys could not be fetched from test: it took too long"
    ] * 2


def test_whoever_waits_for_a_fetch_begins_another_where_one_hangs() -> None:
    gate, clock, loads = threading.Event(), Clock(NOW), []

    def load() -> Held[int]:
        loads.append(1)
        if len(loads) == 1:
            gate.wait(LIMIT)
        return Held(len(loads), 60)

    value = Fetched("keys", "test", load, clock=clock)
    assert not value.is_held()
    clock.seconds += fetched.TIME_LIMIT
    value.fetch()
    assert value.get() == 2
    gate.set()
    until_thread_ends()
    assert value.get() == 2


def test_a_log_that_fails_keeps_nobody_who_waits_for_a_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the log")

    monkeypatch.setattr(fetched._log, "warning", fails)
    source = Source(down=True)
    assert post(Counted(app_g(source)), headers=GOOD).status == 503
    assert source.fetches == 1


def test_the_query_of_an_address_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/keys?api_key=canary-of-the-query"
    # Nobody listens there any more.
    auth = GoogleIdToken(audience=AUDIENCE, project_number=123, keys=url)
    result = post(Counted(auth), headers=GOOD)
    assert (result.status, result.reason) == (503, "keys_unavailable")
    assert "/keys?...: connection refused" in caplog.text
    assert "canary" not in caplog.text + repr(HttpKeySource(url)) + result.body.decode()


def parallel(number: int, function: Callable[[], Result]) -> list[Result]:
    results: list[Result] = []
    threads = [threading.Thread(target=lambda: results.append(function())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    return results


def test_a029_50_parallel_cold_requests() -> None:
    source = Source(gate=threading.Event())
    webhook = Counted(app_g(source))
    assert source.gate
    opener = threading.Timer(0.05, source.gate.set)
    opener.start()
    results = parallel(50, lambda: post(webhook, headers=GOOD))
    assert [result.status for result in results] == [200] * 50
    assert source.fetches == 1
    opener.join(LIMIT)


def test_keys_are_renewed_before_they_are_too_old() -> None:
    source, clock = Source(max_age=1_000), Clock(NOW)
    webhook = Counted(app_g(source, clock=clock))
    assert status(webhook) == 200
    clock.seconds += 799
    assert status(webhook) == 200
    assert source.fetches == 1
    clock.seconds += 1
    source.keys.append(jwk(K2, "k3"))
    assert status(webhook) == 200, "nobody waits"
    until_thread_ends()
    assert source.fetches == 2
    assert post(webhook, headers={"Authorization": f"Bearer {token(key=K2, kid='k3')}"}).status == 200
    assert source.fetches == 2


@pytest.mark.parametrize(("given", "held"), [(0, 60), (5, 60), (100, 100), (1e9, 86_400), (None, 3_600)])
def test_the_age_of_keys_is_bounded(given: float | None, held: float) -> None:
    source, clock = Source(max_age=given), Clock(NOW)
    auth = app_g(source, clock=clock, now=lambda: NOW)
    settled(auth, bearing(GOOD["Authorization"]))
    clock.seconds += held - 0.01
    auth.authenticate(bearing(GOOD["Authorization"]))
    until_thread_ends()
    clock.seconds += held
    with pytest.raises(NeedsIO):
        auth.authenticate(bearing(GOOD["Authorization"]))


def test_ready_asks_for_keys_and_does_not_wait() -> None:
    source = Source()
    webhook = Counted(app_g(source))

    def ready() -> Result:
        return post(webhook, method="GET", path="/ready")

    with hanging(source):
        assert (ready().status, ready().json["parts"]["auth"]) == (503, False)
    assert ready().status == 200
    assert source.fetches == 1
    down = Counted(app_g(Source(down=True)))
    assert post(down, method="GET", path="/ready").status == 503
    until_thread_ends()
    assert post(down, method="GET", path="/ready").status == 503


def test_warm_fetches_the_keys_now() -> None:
    source = Source()
    auth = app_g(source)
    auth.warm()
    assert (auth.ready(), source.fetches) == (True, 1)
    assert auth.authenticate(bearing(GOOD["Authorization"]))


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_google_s_map_of_certificates() -> None:
    content = {
        "k1": certificate(K1),
        "k2": "no certificate",
        "k3": 5,
        "k4": certificate(ec.generate_private_key(ec.SECP256R1())),
    }
    auth = app_g(Source(content=json.dumps(content).encode()))
    assert settled(auth, bearing(GOOD["Authorization"]))
    assert [auth.keys.find("k1") is not None, len(auth.keys._keys.get())] == [True, 1]


SMALL = rsa.generate_private_key(65_537, 1_024)


@pytest.mark.parametrize(
    "keys",
    [
        [], [jwk(K1, "k1", use="enc")], [jwk(K1, "k1", kty="oct", k="AAAA")], [jwk(K1, "k1", alg="RS512")],
        [jwk(K1, "k1", key_ops=["encrypt"])], [jwk(K1, "k1", key_ops="verify")], [jwk(K1, "k1"), jwk(K2, "k1")],
        [jwk(K1, "k1", n=5)], [jwk(K1, "k1", n="=")], [jwk(K1, "k1", e="AA")], [jwk(SMALL, "k1")], [jwk(K1, "")],
        [{"kty": "RSA"}], ["k1"], [None], [{**jwk(K1, "k1"), "kid": 1}],
    ],
)  # fmt: skip
def test_keys_that_are_not_used(keys: list[Any]) -> None:
    auth = app_g(Source([*keys, jwk(K2, "k2")]))
    assert settled(auth, bearing(f"Bearer {token(key=K2, kid='k2')}")), "one broken key does not cost the others"
    assert auth.keys.find("k1") is None
    with pytest.raises(Unavailable):
        settled(app_g(Source(keys)), bearing(GOOD["Authorization"]))


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"null", b'{"keys":5}', b"{}", b'{"a":1,"a":2}', b"\xff"])
def test_what_is_no_document_is_a_source_that_is_down(content: bytes) -> None:
    with pytest.raises(Unavailable):
        settled(app_g(Source(content=content)), bearing(GOOD["Authorization"]))


def test_a_key_without_restrictions_is_used() -> None:
    bare = {name: value for name, value in jwk(K1, "k1").items() if name not in ("use", "alg")}
    assert settled(app_g(Source([bare])), bearing(GOOD["Authorization"]))


class Serving(http.server.BaseHTTPRequestHandler):
    """Answers with what the path says."""

    protocol_version = "HTTP/1.1"
    release = threading.Event()

    def do_GET(self) -> None:
        answers: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/keys": (200, {"Cache-Control": "public, max-age=1000, no-transform", "Age": "200"}, KEYS),
            "/no-age": (200, {}, KEYS), "/no-store": (200, {"Cache-Control": "no-store"}, KEYS),
            "/redirect": (302, {"Location": "/keys"}, b""), "/error": (500, {}, KEYS), "/empty": (204, {}, b""),
            "/large": (200, {}, b"x" * (outbound.MAX_BYTES + 1)), "/coded": (200, {"Content-Encoding": "gzip"}, KEYS),
            "/hang": (200, {}, KEYS), "/drip": (200, {}, KEYS), "/short": (200, {"X-Short": "1"}, KEYS),
        }  # fmt: skip
        status, headers, body = answers[self.path]
        if self.path == "/hang":
            self.release.wait(LIMIT)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
        self.end_headers()
        if self.path == "/drip":
            self.wfile.write(body[:5])
            self.wfile.flush()
            self.release.wait(LIMIT)
        self.wfile.write(body)
        self.close_connection = self.path == "/short"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Print nothing."""


KEYS = json.dumps({"keys": [jwk(K1, "k1")]}).encode()


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what some tests are about."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Quiet(("127.0.0.1", 0), Serving) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        Serving.release.set()
        server.shutdown()
        thread.join(LIMIT)


@pytest.mark.parametrize(("path", "age"), [("/keys", 800), ("/no-age", None), ("/no-store", 0)])
def test_keys_over_http(address: str, path: str, age: float | None) -> None:
    assert HttpKeySource(address + path).fetch() == KeyDocument(KEYS, age)


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/redirect", "status 302"), ("/error", "status 500"), ("/empty", "status 204"), ("/large", "too large"),
     ("/coded", "a coded answer"), ("/short", "connection broken off")],
)  # fmt: skip
def test_an_answer_that_is_none(address: str, path: str, problem: str) -> None:
    with pytest.raises(OutboundError, match=problem):
        HttpKeySource(address + path).fetch()


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_an_answer_that_takes_too_long(address: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TIME_LIMIT", 0.05)
    with pytest.raises(OutboundError, match=r"took too long|too slow"):
        send("GET", address + path)


class InPieces:
    headers: ClassVar[dict[str, str]] = {}

    def read1(self, size: int) -> bytes:
        return b"x"


def test_an_answer_in_pieces_that_takes_too_long() -> None:
    pieces: Any = InPieces()
    with pytest.raises(OutboundError, match="too slow an answer"):
        outbound._read(pieces, ends=0.0)


def test_nobody_listens() -> None:
    with pytest.raises(OutboundError, match="connection refused"):
        send("GET", "http://127.0.0.1:1/")


def test_a_verifier_fetches_from_an_address(address: str) -> None:
    auth = GoogleIdToken(
        audience="https://wh.example/cx", project_number=123, keys=f"{address}/keys", now=lambda: 1.8e9
    )
    assert post(Counted(auth), body_of(), headers=GOOD).status == 200


@pytest.mark.parametrize(
    "url", ["http://keys.example/", "ftp://keys.example/", "https://", "https://u:p@keys.example/", "https://k.example/#a",
            "keys", "", "https://k.example/ a", "https://k.example:port/", "http://127.0.0.1.evil.example/"]
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigurationError, match="https URL"):
        check_url("the address", url)
    with pytest.raises(ConfigurationError):
        GoogleIdToken(audience="https://wh.example/cx", project_number=123, keys=url)


@pytest.mark.parametrize(
    "url", ["https://k.example/a?b=c", "http://127.0.0.1:80/", "http://[::1]/", "http://localhost/"]
)
def test_an_address(url: str) -> None:
    assert check_url("the address", url) == url


def test_a_value_that_its_source_took_back() -> None:
    clock = Clock(NOW)
    given: list[Any] = [Held("a", 10.0), Gone("revoked")]

    def load() -> Held[str]:
        each = given.pop(0)
        if isinstance(each, Exception):
            raise each
        assert isinstance(each, Held)
        return each

    value = Fetched("secret", "test", load, clock=clock)
    value.fetch()
    assert value.get() == "a"
    clock.seconds += 11
    value.fetch()
    with pytest.raises(Unavailable):
        value.get()


def test_a_thread_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    value = Fetched("keys", "test", lambda: Held(1, 1.0))
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    value.fetch()
    with pytest.raises(Unavailable):
        value.get()


def test_who_comes_too_late_for_a_fetch_begins_no_other() -> None:
    source = Source()
    auth = app_g(source)
    late = []
    for _ in range(2):
        with pytest.raises(NeedsIO) as raised:
            auth.authenticate(bearing(GOOD["Authorization"]))
        late.append(raised.value.fetch)
    for fetch in late:
        fetch()
    assert source.fetches == 1
    auth.warm()
    assert source.fetches == 2, "who asks for it gets a new one"


def test_a_fetch_that_was_given_up_lands_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "TIME_LIMIT", 0.01)
    gate, clock = threading.Event(), Clock(NOW)
    value = Fetched("keys", "test", lambda: Held(gate.wait(LIMIT), 1.0), clock=clock)
    value.fetch()
    gate.set()
    until_thread_ends()
    with pytest.raises(Unavailable):
        value.get()


def test_a_fetch_of_the_parent_process_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(gate=threading.Event())
    assert source.gate
    value = Fetched("keys", "test", lambda: Held(source.fetch(), 1.0))
    value.is_held()
    monkeypatch.setattr("os.getpid", lambda: -1)  # as it is in a forked child
    source.gate.set()
    value.fetch()
    assert source.fetches == 2
    assert value.get()
