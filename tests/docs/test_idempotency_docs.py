"""Every snippet of the pages about idempotency runs; codes, log lines, options and figures are those of the code."""

import ast
import functools
import hashlib
import inspect
import json
import logging
import re
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import SkipTest

import pytest
from cryptography.fernet import Fernet

from cxfulfill import Idempotency, Webhook, deduplication, errors, flights
from cxfulfill.idempotency import (
    answers,
    circuit,
    firestore,
    firestore_requests,
    memory,
    policy,
    redis,
    redis_commands,
    sqlite,
    urls,
)
from cxfulfill.idempotency.answers import KeptAnswer
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.sqlite import SqliteStore
from cxfulfill.idempotency.store import Acquired, IdempotencyStore
from cxfulfill.protocol.request import WebhookRequest
from cxfulfill.settings.table import PREFIX, SETTINGS
from cxfulfill.target import DEFAULT_TIMEOUT
from tests.docs.pages import ROOT, snippets
from tests.pipeline.support import LIMIT, SOON, Result, basic, post
from tests.servers.redis_server import RedisServer

DOCS = ROOT / "docs/idempotency"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
SECRET = "qn4XvT8dLr2kWc7yBz5m"
AGENT = "projects/p/locations/l/agents/a"
TURN = "6f1c2b3a-0d4e-4f5a-8b6c-7d8e9f0a1b2c"
every_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    """What the pages say is set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_PASSWORD", SECRET)
        patch.setenv("ANSWER_KEYS", ",".join(Fernet.generate_key().decode() for _ in range(2)))
        patch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
        yield


def call(tag: str, turn: str = "turn-1", session: str = "s", **parameters: Any) -> bytes:
    body = {
        "detectIntentResponseId": turn,
        "fulfillmentInfo": {"tag": tag},
        "pageInfo": {"currentPage": f"{AGENT}/flows/f/pages/g"},
        "payload": {"telephony": {"caller_id": "+12025550123"}},
        "sessionInfo": {"session": f"{AGENT}/sessions/{session}", "parameters": parameters},
    }
    return json.dumps(body).encode()


def ask(webhook: Webhook, body: bytes) -> Result:
    return post(webhook, body, headers={"Authorization": basic(f"cx-agent:{SECRET}")})


def replayed(result: Result) -> bool:
    return result.headers.get("Idempotent-Replayed") == "true"


@every_page
def test_every_snippet_runs(name: str) -> None:
    made = snippets(DOCS / name)
    assert ("```python" in PAGES[name]) == bool(made)
    for webhook in made.values():
        if isinstance(webhook, Webhook):
            webhook.check()
            webhook.close()


def test_a_look_up_runs_for_each_delivery_and_the_rest_does_not(caplog: pytest.LogCaptureFixture) -> None:
    with closing(snippets(DOCS / "retries.md")["webhook"]) as webhook:
        for tag, expected in (("book-room", True), ("weather", False)):
            assert [replayed(ask(webhook, call(tag))) for _ in range(2)] == [False, expected]
        [shown] = re.findall(r"```text\n(.*?)\n```", PAGES["retries.md"])
        with caplog.at_level(logging.INFO, "cxfulfill"):
            ask(webhook, call("book-room"))
        told = re.sub("request_id=[0-9a-f]+", "request_id=6f1c", caplog.messages[-1])
        assert re.sub(r"ms=[0-9.]+", "ms=", told) == re.sub(r"ms=[0-9.]+", "ms=", shown)


def test_whoever_waits_for_a_slow_handler_never_gets_its_fallback() -> None:
    gate, entered = threading.Event(), threading.Event()

    def slow(ctx: object) -> None:
        entered.set()
        gate.wait(LIMIT)

    with closing(snippets(DOCS / "retries.md")["webhook"]) as webhook:
        webhook.add_handler("slow", slow, timeout=SOON, fallback="Later.")
        assert ask(webhook, call("slow")).said == "Later."
        assert entered.wait(LIMIT)
        assert ask(webhook, call("slow")).reason == "in_progress"
        gate.set()


class Payments(BaseHTTPRequestHandler):
    """A payment provider that charges once for a key; its first answer is lost."""

    keys: list[str]
    charged: set[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self.keys.append(key)
        self.charged.add(key)
        if len(self.keys) == 1:
            self.close_connection = True
            return
        answer = b'{"receipt": "R-1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def test_a_payment_is_made_once_though_the_handler_runs_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    Payments.keys, Payments.charged = [], set()
    with (
        closing(snippets(DOCS / "promises.md")["webhook"]) as webhook,
        ThreadingHTTPServer(("127.0.0.1", 0), Payments) as server,
    ):
        monkeypatch.setenv("PAYMENTS_URL", f"http://127.0.0.1:{server.server_port}/charges")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        answers = [ask(webhook, call("pay", order_id="HH-1", cents=1200.0)) for _ in range(3)]
        server.shutdown()
        thread.join()
    assert [answer.status for answer in answers] == [500, 200, 200]
    assert len(Payments.keys) == 2
    assert len(Payments.charged) == 1
    assert replayed(answers[2])
    assert answers[2].json["sessionInfo"]["parameters"] == {"receipt": "R-1"}


def test_a_business_key_spans_turns_as_the_page_says() -> None:
    with closing(snippets(DOCS / "promises.md")["webhook"]) as webhook:
        first = ask(webhook, call("refund", order_id="HH-1", cents=1))
        other = ask(webhook, call("refund", turn="turn-2", session="s2", order_id="HH-1", cents=1))
        assert ("targetPage" in first.json, "targetPage" in other.json) == (True, False)
        assert (other.said, replayed(other)) == (first.said, True)
        reused = ask(webhook, call("refund", turn="turn-3", order_id="HH-1", cents=2))
        assert (reused.status, reused.reason) == (400, "key_reused")
        assert [replayed(ask(webhook, call("callback", turn=turn))) for turn in "ab"] == [False, True]
    left_out = re.search(r"leaves out (.*): they belong", PAGES["promises.md"])
    assert left_out
    assert set(re.findall("`([^`]+)`", left_out[1])) == set(answers._NEXT_TURN)


def test_answers_are_encrypted_and_keys_can_be_rotated() -> None:
    made = snippets(DOCS / "stores.md")
    [old, new], store = made["keys"], MemoryStore()

    def served(*keys: Fernet) -> Result:
        idempotency = Idempotency(store, encryption=made["MultiFernet"](keys))
        with closing(Webhook(auth=made["auth"], idempotency=idempotency)) as webhook:
            webhook.add_handler("hello", lambda ctx: "Hello.")
            return ask(webhook, call("hello"))

    assert not replayed(served(old))
    assert replayed(served(old, new))
    assert replayed(served(new, old))
    assert not replayed(served(new)), "dropped before the time to live was over"
    assert store._results
    assert all(b"Hello" not in result for result in store._results.values())
    for webhook in (made["by_url"], made["by_policy"], made["behind_sentinel"], made["encrypted"]):
        webhook.close()


@pytest.mark.parametrize("contract", ["TestTableStore", "TestTableStoreWithLoops", "TestTableOnLoop"])
def test_the_own_store_passes_the_contract(contract: str) -> None:
    kind = snippets(DOCS / "stores.md")[contract]
    skipped = []
    for name in (name for name in dir(kind) if name.startswith("test_")):
        test = kind()
        getattr(test, "setup_method", lambda: None)()
        try:
            getattr(test, name)()
        except SkipTest:
            skipped.append(name)
        finally:
            getattr(test, "teardown_method", lambda: None)()
    assert skipped == ["test_a_clock_that_is_set_back_revives_nothing"]


def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / "cxfulfill" / module).read_text(encoding="utf-8"))


def status_of(name: str) -> int | None:
    kind = getattr(errors, name, None)
    return kind.status if isinstance(kind, type) and issubclass(kind, errors.HttpError) else None


@functools.cache
def raised(module: str) -> dict[str, int]:
    """Give the reason codes that a module raises, with their statuses."""
    found: dict[str, int] = {}
    for node in ast.walk(tree(module)):
        match node:
            case ast.Call(func=ast.Name(id=name), keywords=keywords) if status := status_of(name):
                reasons = [each.value for each in keywords if each.arg == "reason"]
            case ast.ClassDef(bases=[ast.Name(id=name)], body=body) if status := status_of(name):
                reasons = [each.value for each in body if isinstance(each, ast.Assign)]
            case _:
                continue
        found |= {str(reason.value): status for reason in reasons if isinstance(reason, ast.Constant)}
    return found


RAISED: dict[str, int] = {}
for part in ("deduplication", "leases", "keying", "flights", "work", "workers"):
    RAISED |= raised(f"{part}.py")


def test_every_reason_code_is_on_the_page_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", PAGES["retries.md"], re.MULTILINE)
    assert {code: int(status) for code, status in rows} == RAISED
    assert len(rows) == len(RAISED) == 7


@every_page
def test_every_code_that_is_mentioned_is_one(name: str) -> None:
    assert set(re.findall(r"\breason(?:=| `?)([a-z_]+)", PAGES[name])) - {"ok"} <= RAISED.keys() | {"to"}


LOGS = {f"{name}.{level}" for name in ("log", "_log", "log_of(call)") for level in ("info", "warning", "error")}


def logged() -> set[str]:
    """Give the texts of what is logged about idempotency, without the request's id."""
    modules = ["deduplication.py", "leases.py", "flights.py", "keying.py", "late.py"]
    modules += [f"idempotency/{path.name}" for path in PACKAGE]
    calls = [node for module in modules for node in ast.walk(tree(module)) if isinstance(node, ast.Call)]
    logs = [node for node in calls if ast.unparse(node.func) in LOGS]
    return {
        str(node.args[0].value).removeprefix("request_id=%s ")
        for node in logs
        if isinstance(node.args[0], ast.Constant)
    }


PACKAGE = sorted((ROOT / "cxfulfill/idempotency").glob("*.py"))


def test_every_line_of_the_log_is_on_the_page() -> None:
    section = PAGES["retries.md"].partition("## In the log")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(rows) == len(logged())
    for text in logged():
        pattern = re.escape(text).replace("%s", r"\w+")
        assert any(re.fullmatch(pattern, row) or text.startswith(row.removesuffix("...")) for row in rows), text


def test_the_options_are_those_of_the_code() -> None:
    section = PAGES["stores.md"].partition("## The options")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|\s*`?([^`|]*?)`?\s*\|", section, re.MULTILINE))
    parameters = inspect.signature(Idempotency).parameters.values()
    assert list(rows) == [each.name for each in parameters]
    for each in parameters:
        shown = rows[each.name]
        assert not shown if each.default is None or callable(each.default) else json.loads(shown) == each.default


def test_every_kind_of_store_is_in_the_table() -> None:
    section = PAGES["stores.md"].partition("```")[0]
    shown = set(re.findall(r"`([a-z]+)://", section))
    assert shown == urls._KINDS.keys() | {"memory", "sqlite"}


@every_page
def test_every_variable_is_a_setting(name: str) -> None:
    known = {f"{PREFIX}{setting.name}" for setting in SETTINGS}
    assert set(re.findall(rf"{PREFIX}\w+", PAGES[name])) <= known


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub("```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https://)([^)#]*)#?([^)]*)\)", PAGES[name])
    assert links
    for target, anchor in links:
        text = (DOCS / (target or name)).read_text(encoding="utf-8")
        assert not anchor or anchor in anchors(text), anchor


def test_every_page_is_reached_from_the_first() -> None:
    assert set(re.findall(r"\]\(([a-z-]+\.md)", PAGES["retries.md"])) == PAGES.keys() - {"retries.md"}


def diagrams() -> list[str]:
    return re.findall(r"```mermaid\n(.*?)```", PAGES["retries.md"], re.DOTALL)


def test_every_case_has_one_diagram() -> None:
    cases = PAGES["retries.md"].partition("## Case by case")[2].partition("\n## ")[0].split("\n### ")[1:]
    assert [case.count("```mermaid") for case in cases] == [1] * len(diagrams())


@pytest.mark.parametrize("diagram", diagrams())
def test_a_diagram_is_one(diagram: str) -> None:
    first, *lines = [line.strip() for line in diagram.splitlines()]
    assert first == "sequenceDiagram"
    people, depth = set(), 0
    for line in lines:
        assert not re.search(r"[;#]", line), line
        if person := re.fullmatch(r"participant (\w+)(?: as [\w ]+)?", line):
            people.add(person[1])
        elif said := re.fullmatch(r"(\w+)(?:->>|-->>|-x|--x)(\w+): .+|Note over (\w+): .+", line):
            assert {each for each in said.groups() if each} <= people, line
        elif re.fullmatch(r"(?:alt|loop) .+", line):
            depth += 1
        elif line == "end":
            depth -= 1
        else:
            assert re.fullmatch(r"else .+", line), line
            assert depth, line
    assert depth == 0


def test_the_key_s_table_has_every_field_of_a_request() -> None:
    section = PAGES["retries.md"].partition("## What makes two")[2].partition("A request without")[0]
    names = {str(info.alias) for info in WebhookRequest.model_fields.values()}
    assert not {name for name in names if name not in section}


FIGURES: list[tuple[str, str, float]] = [
    ("retries.md", r"a lease of (\d+) s", policy.LEASE),
    ("retries.md", r"every (\d+) to 250 ms", deduplication.FIRST_PAUSE * 1_000),
    ("retries.md", r"every 20 to (\d+) ms", deduplication.LONGEST_PAUSE * 1_000),
    ("retries.md", r"renewed every (\d+) seconds", policy.LEASE / 3),
    ("retries.md", r"for\s(\d+) minutes at most", policy.MAX_RUN / 60),
    ("retries.md", r"\(up to ([\d,]+) of them\)", flights.MAX_UNSAVED),
    ("retries.md", r"input within (\d+) seconds", policy.NEAR),
    ("retries.md", r"\(([\d.]+) seconds where none is set\)", DEFAULT_TIMEOUT),
    ("stores.md", r"up to ([\d,]+) records", memory.MAX_RECORDS),
    ("stores.md", r"(\d+) MiB of answers", memory.MAX_BYTES / 2**20),
    ("stores.md", r"Redis ([\d.]+) second, Firestore", redis.TIME_LIMIT),
    ("stores.md", r"Firestore ([\d.]+), SQLite", firestore.TIME_LIMIT),
    ("stores.md", r"SQLite ([\d.]+) for other processes", sqlite.BUSY_TIMEOUT),
    ("stores.md", r"given up after (\d+\.\d)", circuit.TIME_LIMIT),
    ("stores.md", r"After (\d+) failures", circuit.FAILURES),
    ("stores.md", r"alone for (\d+) seconds", circuit.PAUSE),
    ("sizing.md", r"until (\d+) seconds after there is one", circuit.PAUSE),
    ("sizing.md", r"\| memory, ([\d,]+) records", memory.MAX_RECORDS),
]


@pytest.mark.parametrize(("name", "pattern", "value"), FIGURES)
def test_figures_are_those_of_the_code(name: str, pattern: str, value: float) -> None:
    found = re.findall(pattern, PAGES[name])
    assert found
    assert {float(figure.replace(",", "")) for figure in found} == {value}


def test_the_times_to_live_are_those_of_the_code() -> None:
    day = (
        redis_commands.LEASE_KEPT == sqlite.LEASE_KEPT == firestore_requests.LEASE_KEPT == policy.BUSINESS_TTL == 86_400
    )
    assert day
    assert policy.TTL == 3_600
    assert "a day by default, an hour for calls with the default key" in PAGES["promises.md"]
    assert "remembered for a day" in PAGES["sizing.md"]


def test_a_process_that_waits_for_another_asks_as_often_as_the_page_says() -> None:
    waited, pause, asked = 0.0, deduplication.FIRST_PAUSE, 1
    while waited < DEFAULT_TIMEOUT:
        waited, asked = waited + pause, asked + 1
        pause = min(pause * 1.5, deduplication.LONGEST_PAUSE)
    assert f"| {asked} scripts | {asked} refused creates, {asked} reads |" in PAGES["sizing.md"]


SIZES = (200, 1_000, 2_000)


def shown(kind: str) -> list[int]:
    """Give the bytes per record that the page tells for the three sizes of answers."""
    rows = [[cell.strip() for cell in line.split("|")] for line in PAGES["sizing.md"].splitlines()]
    [column] = [row.index(kind) for row in rows if "SQLite" in row and kind in row]
    told = {row[1]: row[column] for row in rows if len(row) > column}
    return [int(told[f"{size:,}-byte answer"].replace(",", "")) for size in SIZES]


def fill(store: IdempotencyStore, size: int, number: int) -> None:
    for each in range(number):
        key = hashlib.sha256(str(each).encode()).hexdigest()
        outcome = store.acquire(key, owner=key[:32], fingerprint="", lease=LIMIT)
        assert isinstance(outcome, Acquired)
        store.complete(outcome.lease, KeptAnswer(TURN, bytes(size)).pack(None), ttl=policy.TTL)


def test_memory_holds_as_much_as_the_page_says() -> None:
    for size, told in zip(SIZES, shown("memory"), strict=True):
        tracemalloc.start()
        store = MemoryStore()
        fill(store, size, 500)
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert used / 500 == pytest.approx(told, rel=0.1)
        assert told == size + 415


def test_the_example_is_worked_out_rightly() -> None:
    records, redis_bytes, sqlite_bytes, document = 1_000_000 // 10, shown("Redis")[2], shown("SQLite")[2], 2_290
    assert shown("Firestore")[2] == document
    results = {
        "records, `ttl` an hour": f"{records:,}",
        "Redis": f"{records * redis_bytes / 1e6:.0f} MB",
        "Redis with `ttl=300`": f"{records * redis_bytes / 12 / 1e6:.0f} MB",
        "Redis, in the busiest hour": f"{(2 * records + records / 100) / 3_600:.0f} scripts a second",
        "SQLite, with a quarter of expired rows": f"{records * sqlite_bytes * 1.25 / 1e6:.0f} MB",
        "memory, 10,000 records": f"keeps the last {10_000 / records * 60:.0f} minutes",
        "Firestore, stored": f"{1_000_000 * 25 / 24 * document / 1e9:.1f} GB",
    }
    for name, result in results.items():
        assert re.search(
            rf"^\| {re.escape(name)} \| [^|]+ \| {re.escape(result)} \|$", PAGES["sizing.md"], re.MULTILINE
        ), name


def test_firestore_s_documents_are_as_large_as_the_page_says() -> None:
    def size_of(value: Any) -> int:
        return len(value) + isinstance(value, str) if isinstance(value, (str, bytes)) else 8

    name = len("cx-calls") + 1 + 64 + 1 + 16
    for size, told in zip(SIZES, shown("Firestore"), strict=True):
        record = firestore_requests.Record("o" * 32, "", 1e9, KeptAnswer(TURN, bytes(size)).pack(None))
        fields = record.fields().items()
        total = 32 + name + sum(len(field) + 1 + size_of(value) for field, kinds in fields for value in kinds.values())
        assert total == size + 294
        assert total == pytest.approx(told, abs=5)


def test_a_sqlite_file_is_as_large_as_the_page_says(tmp_path: Path) -> None:
    for size, told in zip(SIZES, shown("SQLite"), strict=True):
        file = tmp_path / str(size)
        with closing(SqliteStore(file)) as store:
            fill(store, size, 2_000)
        assert file.stat().st_size / 2_000 == pytest.approx(told, rel=0.05)
        assert 4_096 / (4_080 // (size + 165)) + 90 == pytest.approx(told, rel=0.01)


def test_redis_needs_the_memory_that_the_page_says(tmp_path: Path) -> None:
    with closing(RedisServer(tmp_path)) as server:
        for size, told in zip(SIZES, shown("Redis"), strict=True):
            server.client.flushall()
            with closing(redis.RedisStore(server.url)) as store:
                fill(store, size, 1)
                before = server.client.info("memory")["used_memory"]
                server.client.flushall()
                fill(store, size, 2_048)
            used = (server.client.info("memory")["used_memory"] - before) / 2_048
            assert used == pytest.approx(told, rel=0.2), server.client.info("memory")["mem_allocator"]
