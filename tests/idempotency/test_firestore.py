"""The Firestore store over Google's own client, on a server that speaks Firestore's protocol."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import grpc  # type: ignore[import-untyped]
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials, Credentials
from google.cloud.firestore import AsyncClient, Client

from cxfulfill import ConfigurationError
from cxfulfill.idempotency import firestore_requests
from cxfulfill.idempotency.contract import StoreContract
from cxfulfill.idempotency.contract_on_loop import StoreOnLoopContract
from cxfulfill.idempotency.firestore import FirestoreOnLoop, FirestoreStore
from cxfulfill.idempotency.firestore_requests import ATTEMPTS, LEASE_KEPT, Requests
from cxfulfill.idempotency.firestore_senders import InThread, OnLoop
from cxfulfill.idempotency.store import Acquired, Completed, IdempotencyStore, InProgress, Lease
from tests.idempotency.ways import Way
from tests.pipeline.support import CANARY, SOON
from tests.server.wire import LIMIT, until
from tests.servers.firestore_server import FirestoreServer

KEY = "5d" * 32
NOW = 1_800_000_000.0
SHORT = 0.5
"""A time limit for calls that are to hang."""

Hook = Callable[[], object]


class Clock:
    """Gives the time that it is set to, and first does what is due then.

    Attributes:
        now: The time.
        due: What happens when the time is asked for, by how often it was asked.
    """

    def __init__(self) -> None:
        self.now = NOW
        self.asked = 0
        self.due: dict[int, Hook] = {}

    def __call__(self) -> float:
        self.asked += 1
        self.due.pop(self.asked, lambda: None)()
        return self.now

    def when_asked(self, *hooks: Hook | None) -> None:
        """Let something happen when the time is asked for the next time, the time after that, and so on."""
        self.due = {self.asked + number: hook for number, hook in enumerate(hooks, start=1) if hook}


@pytest.fixture(scope="module")
def server(pytestconfig: pytest.Config) -> Iterator[FirestoreServer]:
    with closing(FirestoreServer(pytestconfig.cache.mkdir("firestore"))) as made:
        yield made


@pytest.fixture
def own_server(
    server: FirestoreServer, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FirestoreServer]:
    """A server that a test may stop."""
    with closing(FirestoreServer(pytestconfig.cache.mkdir("firestore"))) as made:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", made.address)
        yield made
        made.resume()


@pytest.fixture(autouse=True)
def _found(server: FirestoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.address)


@pytest.fixture
def place() -> str:
    return f"hotel-1/cxfulfill-{uuid4().hex}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(place: str, clock: Clock, way: Way) -> Iterator[Any]:
    with closing(way(FirestoreStore(place, clock=clock, time_limit=LIMIT))) as made:
        yield made


@pytest.fixture
def other(place: str) -> Iterator[FirestoreStore]:
    """Another process's store, by its own clock."""
    with closing(FirestoreStore(place, clock=lambda: NOW, time_limit=LIMIT)) as made:
        yield made


@pytest.fixture
def documents(place: str) -> Iterator[Any]:
    """The collection, through a client of the tests' own."""
    project, _, collection = place.partition("/")
    client: Any = Client(project=project)
    yield client.collection(collection)
    client._firestore_api.transport.close()


def acquire(store: Any, owner: str = "one", key: str = KEY, lease: float = 15) -> Any:
    return store.acquire(key, owner=owner, fingerprint=f"print-{owner}", lease=lease)


def acquired(store: Any, owner: str = "one", key: str = KEY, lease: float = 15) -> Lease:
    outcome = acquire(store, owner, key, lease)
    assert isinstance(outcome, Acquired)
    assert not outcome.took_over
    return outcome.lease


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class TestContract(StoreContract):
    """Over two stores with connections of their own, and one clock."""

    @pytest.fixture(autouse=True)
    def _over(self, place: str) -> Iterator[None]:
        self.place, self.clock = place, Clock()
        self.made: list[FirestoreStore] = []
        yield
        for store in self.made:
            store.close()

    def store(self) -> FirestoreStore:
        self.made.append(FirestoreStore(self.place, clock=self.clock, time_limit=LIMIT))
        return self.made[-1]

    def another(self, store: IdempotencyStore) -> FirestoreStore:
        return self.store()

    def pass_time(self, store: IdempotencyStore, seconds: float) -> None:
        self.clock.now += seconds

    def turn_back(self, store: IdempotencyStore, seconds: float) -> None:
        self.clock.now -= seconds


class TestContractOnALoop(StoreOnLoopContract, TestContract):
    """The same, over its client for event loops."""


def test_what_a_document_says(store: Any, documents: Any) -> None:
    lease = acquired(store)
    assert documents.document(KEY).get().to_dict() == {
        "format": 1,
        "state": "running",
        "owner": "one",
        "fingerprint": "print-one",
        "expires": NOW + 15,
        "result": b"",
        "expire_at": datetime.fromtimestamp(NOW + 15 + LEASE_KEPT, UTC),
    }
    assert store.complete(lease, b"answer", ttl=60)
    assert documents.document(KEY).get().to_dict() == {
        "format": 1,
        "state": "completed",
        "owner": "one",
        "fingerprint": "print-one",
        "expires": NOW + 60,
        "result": b"answer",
        "expire_at": datetime.fromtimestamp(NOW + 60, UTC),
    }


def test_names_of_documents(store: Any, documents: Any) -> None:
    names = ["a/b", "a%2Fb", ".", "%2E", "..", "__name__", "%5F%5Fname%5F%5F", "a b", KEY]
    for name in names:
        assert store.complete(acquired(store, key=name), name.encode(), ttl=9)
    for name in names:
        assert acquire(store, "two", name) == Completed("print-one", name.encode())
    assert documents.document(KEY).get().exists


GOOD: dict[str, Any] = {
    "format": 1, "state": "running", "owner": "one", "fingerprint": "f", "expires": NOW + 60, "result": b"",
}  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"name": "something of another application"},
        GOOD | {"format": 2},
        GOOD | {"format": "1"},
        GOOD | {"state": "walking"},
        GOOD | {"owner": None},
        GOOD | {"fingerprint": b"f"},
        GOOD | {"expires": datetime(2030, 1, 1, tzinfo=UTC)},
        GOOD | {"result": "text"},
        {name: value for name, value in GOOD.items() if name != "result"},
    ],
)
def test_a_document_that_is_no_record(store: Any, documents: Any, fields: dict[str, Any]) -> None:
    documents.document(KEY).set(fields)
    lease = Lease(KEY, "one", "print-one")
    assert (store.complete(lease, b"answer", ttl=9), store.release(lease)) == (False, False)
    assert documents.document(KEY).get().to_dict() == fields
    assert store.complete(acquired(store), b"answer", ttl=9)
    assert acquire(store, "two") == Completed("print-one", b"answer")


def test_released_before_it_could_be_read(store: Any, other: FirestoreStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = acquired(other)
    read = Requests.read

    def late(requests: Requests, **transaction: Any) -> Any:
        monkeypatch.undo()
        assert other.release(lease)
        return read(requests, **transaction)

    monkeypatch.setattr(Requests, "read", late)
    acquired(store, "two")


def test_taken_over_by_another_meanwhile(store: Any, other: FirestoreStore, clock: Clock) -> None:
    acquired(store, lease=-1)
    # Asked for when it is created, when it was read, and in the transaction.
    clock.when_asked(None, None, lambda: acquire(other, "two"))
    assert acquire(store, "three") == InProgress("print-two")


def test_completed_by_another_meanwhile(store: Any, other: FirestoreStore, clock: Clock) -> None:
    lease = acquired(store, lease=-1)
    clock.when_asked(lambda: other.complete(acquire(other, "two").lease, b"theirs", ttl=9))
    assert not store.complete(lease, b"mine", ttl=9)
    assert acquire(store, "three") == Completed("print-two", b"theirs")


def test_one_that_others_change_all_the_time(store: Any, other: FirestoreStore, clock: Clock) -> None:
    lease = acquired(store)
    clock.when_asked(*[lambda: acquire(other)] * (ATTEMPTS - 1))
    assert store.complete(lease, b"answer", ttl=9)
    lease = acquired(store, key="another")
    clock.when_asked(*[lambda: acquire(other, key="another")] * ATTEMPTS)
    with pytest.raises(exceptions.Aborted):
        store.complete(lease, b"answer", ttl=9)
    assert acquire(store, "two", "another") == InProgress("print-one")


def test_a_result_that_has_no_room(store: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any refusal of a commit: the transaction is given up, so that its lock is."""
    lease = acquired(store)
    rolled_back: list[bytes] = []
    roll_back = Requests._roll_back

    async def spy(requests: Requests, transaction: bytes) -> None:
        rolled_back.append(transaction)
        await roll_back(requests, transaction)

    async def refuse(requests: Requests, *arguments: Any) -> None:
        raise exceptions.InvalidArgument("too large")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(Requests, "_roll_back", spy)
    monkeypatch.setattr(Requests, "_commit", refuse)
    with pytest.raises(exceptions.InvalidArgument):
        store.complete(lease, b"answer", ttl=9)
    assert len(rolled_back) == 1


def test_a_server_that_is_stopped(own_server: FirestoreServer, place: str, way: Way) -> None:
    with closing(way(FirestoreStore(place, time_limit=SHORT))) as store:
        until(lambda: isinstance(attempt(lambda: acquire(store)), Acquired), "the first connection")
        own_server.stop()
        lease = Lease(KEY, "one", "print-one")
        for call in (lambda: acquire(store), lambda: store.complete(lease, b"", ttl=9), store.check):
            with pytest.raises(exceptions.GoogleAPIError):
                call()
        own_server.start()
        until(lambda: isinstance(attempt(lambda: acquire(store, "two")), Acquired), "the server to be found again")


def test_a_server_that_hangs(own_server: FirestoreServer, place: str, way: Way) -> None:
    with closing(way(FirestoreStore(place, time_limit=SHORT))) as store:
        until(lambda: isinstance(attempt(lambda: acquire(store)), Acquired), "the first connection")
        own_server.pause()
        lease = Lease(KEY, "one", "print-one")
        for call in (lambda: acquire(store, key="x"), lambda: store.release(lease), store.check):
            with pytest.raises((exceptions.DeadlineExceeded, exceptions.RetryError)):
                call()
        own_server.resume()
        until(lambda: attempt(lambda: acquire(store, "two")) == InProgress("print-one"), "the server to go on")


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except exceptions.GoogleAPIError:
        return None


def test_what_one_request_took_the_next_has_not(store: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    acquired(store, lease=1)
    clock.now += 5
    ticks = iter(range(1_000))
    monkeypatch.setattr(firestore_requests, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    limits: list[float] = []
    for sender in (InThread, OnLoop):
        monkeypatch.setattr(sender, "send", _noting(sender.send, limits))
    outcome = acquire(store, "two")
    # It is created, read, and read and written in a transaction.
    assert limits == [LIMIT - 1, LIMIT - 2, LIMIT - 3, LIMIT - 4]
    assert outcome.took_over
    assert store.complete(outcome.lease, b"answer", ttl=9)
    assert limits[4:] == [LIMIT - 1, LIMIT - 2]


def _noting(send: Any, limits: list[float]) -> Any:
    async def spy(sender: Any, method: str, request: Any, seconds: float) -> Any:
        limits.append(seconds)
        return await send(sender, method, request, seconds)

    return spy


FORK = """
import os, sys
from cxfulfill.idempotency.firestore import FirestoreOnLoop, FirestoreStore

store = FirestoreStore(sys.argv[1], time_limit=30)
child = os.fork()
key = "parent" if child else "child"
lease = store.acquire(key, owner=key, fingerprint=key, lease=15).lease
assert store.complete(lease, key.encode(), ttl=60)
if not child:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print([store.acquire(key, owner="x", fingerprint="", lease=15).result for key in ("parent", "child")])
store.close()
"""


def test_a_fork(place: str) -> None:
    assert run(FORK, place) == "[b'parent', b'child']"


def test_a_store_that_a_child_makes_anew(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FirestoreStore(place, time_limit=LIMIT)
    acquired(store)
    parents = store._made[1]
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert acquire(store, "two") == InProgress("print-one")
    assert store._made[1] is not parents
    store.close()
    monkeypatch.undo()
    store.close()  # not this process's: the parent's is its own
    parents._firestore_api.transport.close()


@pytest.mark.parametrize(
    "place",
    ["", "hotel-1", "hotel-1/", "/cxfulfill", "hotel-1/a/b", "hotel-1/__a__", "Hotel 1/cxfulfill", "hotel-1/c d",
     "hotel-1/cxfulfill?", "hotel-1/cxfulfill?database=", "hotel-1/cxfulfill?x=y", "hotel-1/cxfulfill\n"],
)  # fmt: skip
def test_a_place_that_is_none(place: str) -> None:
    with pytest.raises(ConfigurationError, match="project/collection"):
        FirestoreStore(place)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_that_is_none(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="time_limit"):
        FirestoreStore("hotel-1/cxfulfill", time_limit=seconds)


def test_a_client_of_ones_own(place: str, documents: Any) -> None:
    store = FirestoreStore(place, client=documents._client, time_limit=LIMIT)
    acquired(store)
    store.close()
    assert documents.document(KEY).get().exists
    assert (store.blocking, store.bounded, repr(store)) == (True, True, f"FirestoreStore({place!r})")
    assert store.on_loop() is None
    for wrong in ("hotel-2/cxfulfill", f"{place}?database=other"):
        with pytest.raises(ConfigurationError, match="client"):
            FirestoreStore(wrong, client=documents._client)


def test_another_database(place: str, store: Any, way: Way) -> None:
    acquired(store)
    with closing(way(FirestoreStore(f"{place}?database=other", time_limit=LIMIT))) as elsewhere:
        acquired(elsewhere, "two")


def test_closing(place: str) -> None:
    store = FirestoreStore(place, time_limit=LIMIT)
    acquired(store)
    store.close()
    with pytest.raises(ValueError, match="closed"):
        acquire(store)


def test_closing_on_a_loop(place: str) -> None:
    async def main() -> None:
        client = FirestoreStore(place, time_limit=LIMIT).on_loop()
        assert client is not None
        assert isinstance(await client.acquire(KEY, owner="one", fingerprint="", lease=15), Acquired)
        await client.close()
        with pytest.raises(grpc.aio.UsageError, match="closed"):
            await client.acquire(KEY, owner="one", fingerprint="", lease=15)

    asyncio.run(main())


class Tokens(Credentials):
    """Credentials whose tokens are fetched where they are told to be."""

    def __init__(self, fetch: Callable[[], object]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.threads: list[str] = []
        self._fetch = fetch

    def refresh(self, request: Any) -> None:
        self.threads.append(threading.current_thread().name)
        self._fetch()
        self.token = "token"


def test_a_token_is_fetched_once_and_the_loop_does_not_wait(place: str, clock: Clock) -> None:
    async def main() -> None:
        loop, turned = asyncio.get_running_loop(), threading.Event()
        # It comes when the loop has had a turn meanwhile.
        tokens = Tokens(lambda: (loop.call_soon_threadsafe(turned.set), turned.wait(LIMIT)))
        sender = OnLoop(AsyncClient(project="hotel-1", credentials=tokens))
        client = FirestoreOnLoop(sender, place.partition("/")[2], clock, LIMIT)
        asked = [client.acquire(str(number), owner="one", fingerprint="", lease=15) for number in range(5)]
        assert all(isinstance(outcome, Acquired) for outcome in await asyncio.gather(*asked))
        assert turned.is_set()
        assert len(tokens.threads) == 1
        assert tokens.threads[0] != threading.current_thread().name
        await client.close()

    asyncio.run(main())


def test_a_token_that_does_not_come_is_given_up(place: str, clock: Clock) -> None:
    ends = threading.Event()

    async def main() -> None:
        sender = OnLoop(AsyncClient(project="hotel-1", credentials=Tokens(lambda: ends.wait(LIMIT))))
        client = FirestoreOnLoop(sender, place.partition("/")[2], clock, SOON)
        with pytest.raises(TimeoutError):
            await client.acquire(KEY, owner="one", fingerprint="", lease=15)
        ends.set()
        await client.close()

    asyncio.run(main())


def test_a_transaction_that_is_cancelled_keeps_no_lock(
    place: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, ended = OnLoop.send, []

    async def main() -> None:
        client = FirestoreStore(place, clock=clock, time_limit=LIMIT).on_loop()
        assert client is not None
        outcome = await client.acquire(KEY, owner="one", fingerprint="", lease=15)
        reached = asyncio.Event()

        async def hang(sender: OnLoop, method: str, request: dict[str, Any], seconds: float) -> Any:
            if method == "commit":
                reached.set()
                await asyncio.Event().wait()
            if method == "rollback":
                ended.append(request["transaction"])
            return await send(sender, method, request, seconds)

        monkeypatch.setattr(OnLoop, "send", hang)
        completing = asyncio.ensure_future(client.complete(outcome.lease, b"answer", ttl=9))  # type: ignore[union-attr]
        await reached.wait()
        completing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await completing
        await client.close()

    asyncio.run(main())
    assert len(ended) == 1
    assert ended[0]


def test_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    with pytest.raises(ConfigurationError, match="gcloud auth application-default login"):
        FirestoreStore(place)


def test_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST")
    anonymous: Any = AnonymousCredentials
    monkeypatch.setattr("google.auth.default", lambda: (anonymous(), None))
    store = FirestoreStore(place)
    assert store._made[1]._target == "firestore.googleapis.com"
    assert store._made[1].project == "hotel-1"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "roles/datastore.user"),
        (grpc.StatusCode.UNAUTHENTICATED, "roles/datastore.user"),
        (grpc.StatusCode.NOT_FOUND, "gcloud firestore databases create"),
    ],
)
def test_what_a_check_says(monkeypatch: pytest.MonkeyPatch, place: str, code: Any, message: str) -> None:
    refusing = grpc.server(ThreadPoolExecutor(1))

    def refuse(request: bytes, context: Any) -> None:
        context.abort(code, "no")

    handler = grpc.unary_stream_rpc_method_handler(refuse)
    methods = {"BatchGetDocuments": handler}
    refusing.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", methods),))
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{refusing.add_insecure_port('127.0.0.1:0')}")
    refusing.start()
    store = FirestoreStore(place, time_limit=LIMIT)
    with closing(store), pytest.raises(ConfigurationError, match=message):
        store.check()
    refusing.stop(grace=None).wait(LIMIT)


def test_a_check(store: Any, documents: Any) -> None:
    store.check()
    assert not documents.document("check").get().exists


class Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def test_the_clients_own_debug_log_does_not_show_results(store: Any) -> None:
    collector = Collector()
    logger = logging.getLogger("google")
    before = logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.DEBUG)
    try:
        assert store.complete(acquired(store, CANARY), CANARY.encode(), ttl=9)
        assert acquire(store, "two") == Completed(f"print-{CANARY}", CANARY.encode())
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before)
    assert CANARY not in "".join(str(vars(record)) for record in collector.records)


def test_without_the_extra() -> None:
    program = """
import sys
sys.modules["google.cloud.firestore"] = None
from cxfulfill import ConfigurationError
try:
    import cxfulfill.idempotency.firestore
except ConfigurationError as error:
    print(error)
"""
    assert run(program).endswith("pip install 'cxfulfill[firestore]'")
