"""What the record of a call costs: new calls of a typed handler, with the log off and on, and to a sink."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from benchmarks import in_process, workload
from cxfulfill import CallRecord, CloudLoggingFormatter
from cxfulfill.last_resort import LastResort, TextFormatter

_LOG = logging.getLogger("cxfulfill")


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


@contextmanager
def unhandled() -> Iterator[tuple[LastResort, LastResort]]:
    """Let nobody handle lines, and give what the shipped settings make of them: text and JSON, each line flushed."""
    text, json = TextFormatter(), CloudLoggingFormatter({"GOOGLE_CLOUD_PROJECT": "hotel-1"})
    ways = LastResort(text, text.format_call), LastResort(json, json.format_call)
    before = _LOG.propagate, _LOG.level, logging.lastResort
    _LOG.propagate = False
    with Path("/dev/null").open("w", buffering=1, encoding="utf-8", errors="backslashreplace") as nowhere:  # as stderr
        for way in ways:
            way.setStream(nowhere)
        try:
            yield ways
        finally:
            _LOG.propagate, logging.lastResort = before[0], before[2]
            _LOG.setLevel(before[1])


def measure(rounds: int = 300, calls: int = 20) -> dict[str, list[float]]:
    """Time calls in turns, a call of its own each time.

    Returns:
        Microseconds a call by candidate.
    """
    logged = in_process.typed().wsgi
    times: dict[str, list[float]] = {}
    fresh = workload.fresh(in_process.BODY)
    with unhandled() as (text, json):
        candidates = {
            "without a record": (logged, logging.CRITICAL, text),
            "with a record": (in_process.typed(records=Takes()).wsgi, logging.CRITICAL, text),
            "with a bare line of logging": (in_process.typed(records=Bare()).wsgi, logging.INFO, text),
            "with a record as text": (logged, logging.INFO, text),
            "with a record as JSON": (logged, logging.INFO, json),
        }
        for _ in range(rounds):
            for name, (app, level, way) in candidates.items():
                bodies = list(islice(fresh, calls))
                _LOG.setLevel(level)
                logging.lastResort = way
                for body in bodies:
                    started = time.perf_counter()
                    in_process.call(app, body=body)
                    times.setdefault(name, []).append((time.perf_counter() - started) * 1e6)
    return times
