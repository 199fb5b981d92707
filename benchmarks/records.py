"""What the record of a call costs: new calls of a typed handler, with the log off and on, and to a sink."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks import in_process, retries
from cxfulfill import BasicAuth, CallRecord, CloudLoggingFormatter, Context, RecordSink, Reply, Webhook

_LOG = logging.getLogger("cxfulfill")
_TEXT = logging.Formatter("%(asctime)s [%(process)d] [%(levelname)s] %(message)s", "[%Y-%m-%d %H:%M:%S %z]")
_JSON = CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "hotel-1"})


class Takes:
    """A sink that does nothing."""

    def write(self, record: CallRecord) -> None:
        """Do nothing."""


class Bare:
    """A sink that writes a line without a record in it: what a line of logging costs by itself."""

    def write(self, record: CallRecord) -> None:
        """Write a line."""
        del record
        _LOG.info("status=200")


def application(records: RecordSink | None = None) -> Webhook:
    webhook = Webhook(auth=BasicAuth("cx", in_process.PASSWORD), records=records)

    @webhook.handler("book-room")
    def book_room(ctx: Context, stay: in_process.Stay) -> Reply:
        return Reply(in_process.TEXT, parameters=in_process.CHANGES)

    return webhook


@contextmanager
def logging_to(handler: logging.Handler) -> Iterator[None]:
    """Let the framework's lines go to a handler alone."""
    before = _LOG.propagate, _LOG.level
    _LOG.propagate = False
    _LOG.addHandler(handler)
    yield
    _LOG.removeHandler(handler)
    _LOG.propagate, _LOG.level = before


def measure(rounds: int = 60, calls: int = 100) -> dict[str, float]:
    """Time calls in turns, a call of its own each time.

    Returns:
        Median microseconds a call by candidate.
    """
    logged = application().wsgi
    candidates = {
        "without a record": (logged, logging.CRITICAL, _TEXT),
        "with a record": (application(Takes()).wsgi, logging.CRITICAL, _TEXT),
        "with a bare line of logging": (application(Bare()).wsgi, logging.INFO, _TEXT),
        "with a record as text": (logged, logging.INFO, _TEXT),
        "with a record as JSON": (logged, logging.INFO, _JSON),
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    fresh = retries.new_calls(in_process.BODY)
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        handler = logging.StreamHandler(nowhere)
        with logging_to(handler):
            for _ in range(rounds):
                bodies = list(islice(fresh, calls))
                for name, (app, level, form) in candidates.items():
                    # The same bodies are new to each application; one that two candidates share gets its own.
                    own = bodies if level == logging.CRITICAL or app is not logged else list(islice(fresh, calls))
                    _LOG.setLevel(level)
                    handler.setFormatter(form)
                    started = time.perf_counter()
                    for body in own:
                        in_process.call(app, body=body)
                    times[name].append((time.perf_counter() - started) / calls * 1e6)
    return {name: median(values) for name, values in times.items()}
