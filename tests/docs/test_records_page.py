"""The page about records: its examples are real ones, and it names every part and outcome."""

import json
import logging
import re
from contextlib import closing
from typing import Any, get_args

import pytest

from cxfulfill import BasicAuth, CallRecord, CloudLoggingFormatter, Context, HttpRequest, Principal, Reply, Webhook
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.records import Outcome
from cxfulfill.testing import RecordSinkContract
from tests.clock import Clock
from tests.docs.pages import ROOT, snippets
from tests.pipeline.support import basic, post

PAGE = ROOT / "docs/operate/records.md"
TEXT = PAGE.read_text(encoding="utf-8")
SESSION = "projects/hotel-1/locations/europe-west1/agents/0c5a2b1e/sessions/a1b2"
PASSWORD = "qn4XvT8dLr2kWc7yBz5m"


class Timed(BasicAuth):
    """Basic, and half a millisecond."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("cx-agent", PASSWORD)
        self.given = clock

    def authenticate(self, http: HttpRequest) -> Principal:
        self.given.seconds += 0.0005
        return super().authenticate(http)


class TimedStore(MemoryStore):
    """A store, and a millisecond for each round trip."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.given = clock

    def acquire(self, *arguments: Any, **named: Any) -> Any:
        self.given.seconds += 0.001
        return super().acquire(*arguments, **named)

    def complete(self, *arguments: Any, **named: Any) -> bool:
        self.given.seconds += 0.001
        return super().complete(*arguments, **named)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The page's two calls."""
    clock, ids = Clock(0.0), iter(("6f1c", "6f1d"))
    trace = {"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    body = {
        "detectIntentResponseId": "f5e1", "fulfillmentInfo": {"tag": "book-room"},
        "sessionInfo": {"session": SESSION, "parameters": {"nights": 2, "guests": 2, "room-type": "double"}},
        "languageCode": "en", "transcript": "two nights",
    }  # fmt: skip
    with closing(
        Webhook(auth=Timed(clock), idempotency=TimedStore(clock), clock=clock, new_id=lambda: next(ids))
    ) as webhook, caplog.at_level(logging.INFO, "cxfulfill"):  # fmt: skip

        @webhook.handler("book-room")
        def book_room(ctx: Context) -> Reply:
            clock.seconds += 0.0125
            return Reply("You are booked.")

        for password in (PASSWORD, "wrong"):
            post(webhook, json.dumps(body).encode(), headers={"Authorization": basic(f"cx-agent:{password}"), **trace})
    return [record for record in caplog.records if hasattr(record, "call")]


def test_the_lines_are_real_ones(lines: list[logging.LogRecord]) -> None:
    shown = re.findall(r"```text\n(.*?)\n```", TEXT, re.DOTALL)[0].splitlines()
    assert [line.getMessage() for line in lines] == shown


def test_the_json_is_a_real_one(lines: list[logging.LogRecord]) -> None:
    [shown] = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
    entry = json.loads(CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "hotel-1"}).format(lines[0]))
    assert list(entry.items()) == list((json.loads(shown) | {"time": entry["time"]}).items())


def test_every_part_and_outcome_has_a_row() -> None:
    rows = "\n".join(re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE))
    named = set(re.findall(r"`(\w+)`", rows))
    renamed = {"level", "method", "path", "trace", "bytes_in", "bytes_out"}
    assert named == {*CallRecord._fields} - renamed | {"replayed", "in", "out"} | set(get_args(Outcome))


def test_the_snippets_run(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("CX_PASSWORD", PASSWORD)
    caplog.set_level(logging.INFO, "cxfulfill")  # so that the level is put back
    made = snippets(PAGE)
    post(made["webhook"])
    assert sum(made["webhook"].pipeline().records.outcomes.values()) == 1
    [contract] = [
        kind for kind in made.values()
        if isinstance(kind, type) and issubclass(kind, RecordSinkContract) and kind is not RecordSinkContract
    ]  # fmt: skip
    for name in dir(contract):
        if name.startswith("test_"):
            getattr(contract(), name)()
    made["webhook"].close()
