"""The Redis store on a real redis-server: alone, as a cluster, over TLS, stopped, paused and as a replica."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.asyncio
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from redis.cluster import RedisCluster
from redis.exceptions import AuthenticationError, ReadOnlyError

from cxfulfill import ConfigurationError
from cxfulfill.idempotency import redis_connections as module
from cxfulfill.idempotency.contract import StoreContract
from cxfulfill.idempotency.contract_on_loop import StoreOnLoopContract
from cxfulfill.idempotency.redis import RedisStore
from cxfulfill.idempotency.redis_commands import LEASE_KEPT
from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease
from tests.auth.pki import issue, make_ca
from tests.idempotency.ways import Looped, Way
from tests.server.wire import LIMIT, until
from tests.servers.redis_server import RedisServer, free_port

KEY = "5d" * 32
RECORD = "cxfulfill:" + KEY
PASSWORD = "canary/p%s#w@rd"
ESCAPED = "canary%2Fp%25s%23w%40rd"
TIMEOUTS = (redis.TimeoutError, TimeoutError)
"""What is raised at the end of a call's time: in threads and on a loop."""
SHORT = 0.5
"""A time limit for calls that are to hang."""

HEAD = b"cxf1L%016d%09d%09d%09d"
FOREIGN = {
    "text": b"something of another application",
    "empty": b"",
    "json": b'{"status": "COMPLETED"}',
    "the head alone": b"cxf1L",
    "another version": b"cxf2L" + (HEAD % (9**16, 1, 0, 0))[5:] + b"o",
    "another state": b"cxf1X" + (HEAD % (9**16, 1, 0, 0))[5:] + b"o",
    "cut off": HEAD % (9**16, 1, 0, 100) + b"o" + b"x" * 99,
    "too long": HEAD % (9**16, 1, 0, 0) + b"oo",
    "lengths that are none": b"cxf1L" + b"-" * 43 + b"o",
    "bytes": bytes(range(256)),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with closing(RedisServer(tmp_path_factory.mktemp("redis"))) as made:
        yield made


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that a test may stop."""
    with closing(RedisServer(tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with closing(RedisServer(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes")) as made:
        made.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
        until(lambda: made.client.cluster("INFO")["cluster_state"] == "ok", "the cluster")
        yield made


@pytest.fixture
def store(server: RedisServer, way: Way) -> Iterator[RedisStore]:
    server.client.flushall()
    with closing(way(RedisStore(server.url, time_limit=LIMIT))) as made:
        yield made


class RedisContract(StoreContract):
    """The contract, where time passes in the records: the clock of a server that runs cannot be set."""

    server: RedisServer
    made: list[RedisStore]

    def pass_time(self, store: IdempotencyStore, seconds: float) -> None:
        passed = round(seconds * 1000)
        for key in self.server.client.keys("*"):
            value, left = self.server.client.get(key), self.server.client.pttl(key) - passed
            if left > 0:
                self.server.client.set(key, b"%b%016d%b" % (value[:5], int(value[5:21]) - passed, value[21:]), px=left)
            else:
                self.server.client.delete(key)


class TestContract(RedisContract):
    """On one server, over two stores with connections of their own."""

    @pytest.fixture(autouse=True)
    def _over(self, server: RedisServer) -> Iterator[None]:
        server.client.flushall()
        self.server, self.made = server, []
        yield
        for store in self.made:
            store.close()

    def store(self) -> RedisStore:
        self.made.append(RedisStore(self.server.url, time_limit=LIMIT))
        return self.made[-1]

    def another(self, store: IdempotencyStore) -> RedisStore:
        return self.store()


class TestContractOnALoop(StoreOnLoopContract, TestContract):
    """The same, over its client for event loops."""


class TestContractInACluster(RedisContract):
    """With clients of the cluster's own kind."""

    @pytest.fixture(autouse=True)
    def _over(self, cluster: RedisServer) -> Iterator[None]:
        cluster.client.flushall()
        self.server = cluster
        self.clients: list[RedisCluster] = []
        yield
        for client in self.clients:
            client.close()

    def store(self) -> RedisStore:
        self.clients.append(RedisCluster("127.0.0.1", self.server.port))
        return RedisStore(self.clients[-1])

    def another(self, store: IdempotencyStore) -> RedisStore:
        return self.store()


def acquire(store: Any, owner: str = "one", key: str = KEY) -> Any:
    return store.acquire(key, owner=owner, fingerprint="print", lease=15)


def acquired(store: Any, owner: str = "one", key: str = KEY) -> Lease:
    outcome = acquire(store, owner, key)
    assert isinstance(outcome, Acquired)
    assert not outcome.took_over
    return outcome.lease


def connections(server: RedisServer) -> set[str]:
    """Ids of the connections that are there, but for the test's own."""
    own = str(server.client.client_id())
    return {client["id"] for client in server.client.client_list()} - {own}


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
def test_a_value_that_is_no_record(server: RedisServer, store: RedisStore, value: bytes) -> None:
    server.client.set(RECORD, value)
    lease = Lease(KEY, "o", "print")
    assert (store.complete(lease, b"answer", ttl=9), store.release(lease)) == (False, False)
    assert server.client.get(RECORD) == value
    assert store.complete(acquired(store), b"answer", ttl=9)
    assert acquire(store, "two") == Completed("print", b"answer")


def test_a_value_of_another_type(server: RedisServer, store: RedisStore) -> None:
    server.client.hset(RECORD, "owner", "one")
    lease = Lease(KEY, "one", "print")
    assert (store.complete(lease, b"answer", ttl=9), store.release(lease)) == (False, False)
    acquired(store)
    assert server.client.type(RECORD) == b"string"


def test_a_fingerprint_that_is_no_text(server: RedisServer, store: RedisStore) -> None:
    server.client.set(RECORD, HEAD % (9 * 10**15, 1, 2, 0) + b"o\xff\xfe")
    assert acquire(store) == InProgress("\ufffd\ufffd")


def test_every_key_goes_away(server: RedisServer, store: RedisStore) -> None:
    lease = acquired(store)
    assert LEASE_KEPT * 1000 < server.client.pttl(RECORD) <= (LEASE_KEPT + 15) * 1000
    store.complete(lease, b"answer", ttl=60)
    assert 0 < server.client.pttl(RECORD) <= 60_000
    store.complete(lease, b"answer", ttl=0.0001)
    until(lambda: not server.client.exists(RECORD), "the end of a result")
    acquired(store, "two")


def test_scripts_that_the_server_forgot(server: RedisServer, store: RedisStore) -> None:
    server.client.script_flush()
    lease = acquired(store)
    server.client.script_flush()
    assert store.complete(lease, b"answer", ttl=9)
    server.client.script_flush()
    assert not store.release(lease)


def test_a_server_that_is_stopped(own_server: RedisServer, way: Way) -> None:
    with closing(way(RedisStore(own_server.url, time_limit=LIMIT))) as store:
        store.check()
        lease = acquired(store)
        own_server.stop()
        for call in (lambda: acquire(store), lambda: store.complete(lease, b"", ttl=9), store.check):
            with pytest.raises(redis.ConnectionError):
                call()
        own_server.start()
        assert not store.complete(lease, b"answer", ttl=9)
        acquired(store, "two")


def test_a_server_that_hangs(own_server: RedisServer, way: Way) -> None:
    with closing(way(RedisStore(own_server.url, time_limit=SHORT))) as store:
        lease = acquired(store)
        own_server.pause()
        for call in (lambda: acquire(store, "two", "late"), lambda: store.complete(lease, b"", ttl=9), store.check):
            with pytest.raises(TIMEOUTS):
                call()
        own_server.resume()
        # What was sent before may still be done; the answer to it is nobody else's.
        with closing(RedisStore(own_server.url, time_limit=LIMIT)) as patient:
            acquired(patient, "two", "another")
        assert store.complete(lease, b"answer", ttl=9)
        assert acquire(store, "two") == Completed("print", b"answer")
        assert acquire(store, "three", "another") == InProgress("print")


def test_what_one_step_took_the_next_has_not(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(1_000))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    limits: list[float] = []
    limit = module._Timed._limit

    def spy(connection: Any) -> None:
        limit(connection)
        limits.append(connection._sock.gettimeout())

    monkeypatch.setattr(module._Timed, "_limit", spy)
    server.client.script_flush()
    server.client.execute_command("ACL SETUSER cx on >secret ~* +@all")
    with closing(RedisStore(f"redis://cx:secret@127.0.0.1:{server.port}/3", time_limit=12)) as store:
        acquired(store)
    # Password, database, script, its text, script: each is sent and read.
    assert len(limits) == 10
    assert limits == sorted(limits, reverse=True)
    assert limits[0] < 12
    assert limits[-1] == 1


@pytest.mark.parametrize("found", [True, False])
def test_a_resolver_that_hangs(server: RedisServer, monkeypatch: pytest.MonkeyPatch, way: Way, found: bool) -> None:
    ends = threading.Event()
    resolve = socket.getaddrinfo

    def hang(*arguments: Any) -> Any:
        ends.wait()
        if not found:
            raise socket.gaierror
        return resolve(*arguments)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with closing(way(RedisStore(f"redis://localhost:{server.port}", time_limit=SHORT))) as store:
        with pytest.raises(TIMEOUTS):
            acquire(store)
        ends.set()
        for thread in threading.enumerate():
            if thread.name == "cxfulfill-redis":
                thread.join()
    until(lambda: not connections(server), "the late connection to be closed")


def test_a_server_that_became_a_replica(own_server: RedisServer, way: Way) -> None:
    with closing(way(RedisStore(own_server.url, time_limit=LIMIT))) as store:
        acquired(store)
        [before] = connections(own_server)
        own_server.client.execute_command("REPLICAOF", "127.0.0.1", 1)
        own_server.client.config_set("replica-serve-stale-data", "yes")
        with pytest.raises(ReadOnlyError):
            acquire(store, key="other")
        # It was tried once more, over a new connection: behind the name there may be another server now.
        assert before not in connections(own_server)
        own_server.client.execute_command("REPLICAOF", "NO", "ONE")
        acquired(store, key="other")


def test_what_may_not_be_read_is_no_miss(server: RedisServer, store: RedisStore, way: Way) -> None:
    acquired(store)
    server.client.execute_command("ACL SETUSER narrow on >secret ~* +@all -get")
    narrow = way(RedisStore(f"redis://narrow:secret@127.0.0.1:{server.port}", time_limit=LIMIT))
    with closing(narrow), pytest.raises(redis.ResponseError):
        acquire(narrow, "two")
    assert acquire(store, "two") == InProgress("print")


FORK = """
import os, sys
from cxfulfill.idempotency.redis import RedisStore

store = RedisStore(sys.argv[1], time_limit=30)
acquire = lambda key: store.acquire(key, owner=key, fingerprint=key, lease=15)
acquire("before")
child = os.fork()
name = "parent" if child else "child"
for number in range(300):
    key = f"{name}-{number}"
    assert acquire(key).lease.key == key
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert acquire("after").lease.key == "after"
    print("done")
os._exit(0) if not child else None
"""


def test_a_fork(server: RedisServer) -> None:
    server.client.flushall()
    assert run(FORK, server.url) == "done"
    assert len(server.client.keys()) == 602


def test_a_password(own_server: RedisServer, caplog: pytest.LogCaptureFixture, way: Way) -> None:
    own_server.client.execute_command("ACL", "SETUSER", "cx:agent", "on", f">{PASSWORD}", "~cxfulfill:*", "+@all")
    url = f"redis://cx%3Aagent:{ESCAPED}@127.0.0.1:{own_server.port}/2"
    plain = RedisStore(url, time_limit=LIMIT)
    with closing(way(plain)) as store:
        acquired(store)
        assert repr(plain) == f"RedisStore(127.0.0.1:{own_server.port}/2)"
        own_server.stop()
        with pytest.raises(redis.ConnectionError) as down:
            acquire(store)
        own_server.start()
        with pytest.raises(AuthenticationError) as wrong:
            acquire(store)
    for said in (str(down.value), str(wrong.value), caplog.text):
        assert "canary" not in said


@pytest.mark.parametrize(
    "url",
    [
        f"redis://cx:{PASSWORD}@127.0.0.1/0",
        "redis://cx:12#canary@127.0.0.1/0",
        "redis://cx:12/canary@127.0.0.1/0",
        "redis://cx:12?canary@127.0.0.1/0",
        "redis://cx:canary@127.0.0.1:port/0",
        "redis://cx:canary@[::1/0",
        "redis://cx:canary@127.0.0.1/zero",
        "redis://cx:canary@127.0.0.1/0/1",
        "redis://cx:canary@127.0.0.1/0?max_connections=canary",
        "redis://cx:canary@127.0.0.1/0?cluster=canary",
        "rediss://cx:canary@127.0.0.1/0?ssl_cert_reqs=canary",
        "unix://cx:canary@/run/redis.sock",
        "http://cx:canary@127.0.0.1",
        "canary",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="RedisStore: the URL") as caught:
        RedisStore(url)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_that_is_none(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="time_limit"):
        RedisStore("redis://127.0.0.1", time_limit=seconds)


def test_the_limits_are_the_stores_own(server: RedisServer, way: Way) -> None:
    url = f"{server.url}?socket_timeout=99&decode_responses=1&retry_on_timeout=1&retry_on_error=x&protocol=3"
    server.client.flushall()
    plain = RedisStore(url, time_limit=LIMIT)
    with closing(way(plain)) as store:
        assert store.complete(acquired(store, key="limits"), b"\xff", ttl=9)
        assert acquire(store, "two", "limits") == Completed("print", b"\xff")
    assert (plain.blocking, plain.bounded) == (True, True)


def test_a_client_of_ones_own(server: RedisServer) -> None:
    server.client.flushall()
    with closing(redis.Redis(port=server.port)) as client:
        store = RedisStore(client, prefix="mine:")
        acquired(store)
        assert (store.blocking, store.bounded, repr(store)) == (True, False, "RedisStore(Redis)")
        assert store.on_loop() is None
        store.close()
        assert client.keys() == [b"mine:" + KEY.encode()]


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (redis.Redis(decode_responses=True), "decode_responses=False"),
        (redis.asyncio.Redis(), "not async"),
        (redis.Redis, "needs a URL"),
        (None, "needs a URL"),
    ],
)
def test_a_client_that_is_none(client: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RedisStore(client)


def test_closing(server: RedisServer, way: Way) -> None:
    until(lambda: not connections(server), "the connections of other tests to be closed")
    server.client.flushall()
    store = way(RedisStore(server.url, time_limit=LIMIT))
    acquired(store, key="closing")
    assert len(connections(server)) == 1
    store.close()
    until(lambda: not connections(server), "the connection to be closed")


def test_an_option_that_connections_on_loops_do_not_take(server: RedisServer) -> None:
    with closing(RedisStore(f"rediss://127.0.0.1:{server.port}?ssl_validate_ocsp=1")) as store:
        assert store.on_loop() is None


def test_more_calls_than_connections(server: RedisServer) -> None:
    server.client.flushall()
    with closing(Looped(RedisStore(f"{server.url}?max_connections=2", time_limit=LIMIT))) as store:
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda number: acquired(store, key=f"many-{number}"), range(50)))
        assert len(outcomes) == 50
        assert len(connections(server)) <= 2


def test_tls(tmp_path: Path, way: Way) -> None:
    now = datetime.now(UTC)
    ca, other = make_ca(now=now), make_ca(now=now)
    name = x509.IPAddress(ip_address("127.0.0.1"))
    year = timedelta(days=30)
    identity = issue(ca, "CN=redis", name, begins=now - year, ends=now + year, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    certificate, key = identity.write(tmp_path, "server")
    authority, _ = ca.write(tmp_path, "ca")
    stranger, _ = other.write(tmp_path, "other")
    port = free_port()
    options = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    with closing(RedisServer(tmp_path, *options, "--tls-auth-clients", "no", "--tls-ca-cert-file", str(authority))):
        url = f"rediss://127.0.0.1:{port}/0"
        with closing(way(RedisStore(f"{url}?ssl_ca_certs={authority}", time_limit=LIMIT))) as store:
            assert store.complete(acquired(store), b"answer" * 50_000, ttl=9)
            assert acquire(store, "two") == Completed("print", b"answer" * 50_000)
        for query in (f"?ssl_ca_certs={stranger}", ""):
            store = way(RedisStore(url + query, time_limit=LIMIT))
            with closing(store), pytest.raises(redis.ConnectionError, match="certificate"):
                acquire(store)


def test_keys_stand_alone_in_a_cluster(cluster: RedisServer) -> None:
    with closing(RedisCluster("127.0.0.1", cluster.port)) as client:
        slot: Any = client.keyslot
        store = RedisStore(client)
        store.check()
        leases = [acquired(store, key=f"{number:064x}") for number in range(50)]
        assert len({slot(f"cxfulfill:{lease.key}") for lease in leases}) > 40
        cluster.client.script_flush()
        assert all(store.complete(lease, b"answer", ttl=9) for lease in leases)
        assert not any(store.release(lease) for lease in leases)


def test_without_the_extra() -> None:
    program = """
import sys
sys.modules["redis"] = None
from cxfulfill import ConfigurationError
try:
    import cxfulfill.idempotency.redis
except ConfigurationError as error:
    print(error)
"""
    assert run(program).endswith("pip install 'cxfulfill[redis]'")
