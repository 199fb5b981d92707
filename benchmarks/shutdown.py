"""Shutdown under load: how many calls get no answer when a server is told to end (SIGTERM) while calls run.

A call counts as lost once it has been sent and its connection ends without an answer. Who is refused (no connection is
accepted any more) is sent elsewhere by whatever stands in front, and ends calling here.
"""

import http.client
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from itertools import product

from benchmarks import bodies, candidates, credentials, matrix, servers, workload
from benchmarks.report import Report, Table

CALLERS = 16
_BEFORE = 0.7
"""Seconds of calls before the signal."""
_LIMIT = 10.0
"""Seconds for a call, and for the callers to end."""


class Callers:
    """Threads that call a server until it refuses them.

    Args:
        server: Which one.
        body: The request; each call is one of its own.
        kept: Whether each keeps its connection from call to call.
    """

    def __init__(self, server: servers.Server, body: bytes, *, kept: bool) -> None:
        self.server, self.kept = server, kept
        self.outcomes: Counter[str] = Counter()
        self._bodies = workload.fresh(body)
        self._lock = threading.Lock()
        self._end = time.monotonic() + _BEFORE + _LIMIT
        self._threads = [threading.Thread(target=self._call_on, daemon=True) for _ in range(CALLERS)]

    def run(self) -> "Counter[str]":
        """Call, send the signal meanwhile, and wait until all are refused.

        Returns:
            The outcomes of all calls: ``200`` or another status, ``lost`` or ``refused``.
        """
        for thread in self._threads:
            thread.start()
        time.sleep(_BEFORE)
        self.server.process.send_signal(signal.SIGTERM)
        for thread in self._threads:
            thread.join(_LIMIT)
        return self.outcomes

    def _call_on(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while time.monotonic() < self._end:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=_LIMIT)
            outcome = self._call(connection)
            with self._lock:
                self.outcomes[outcome] += 1
            if outcome == "refused":
                return
            if outcome == "lost" or not self.kept:
                connection.close()
                connection = None

    def _call(self, connection: http.client.HTTPConnection) -> str:
        with self._lock:
            body = next(self._bodies)
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:
            return "refused"
        try:
            connection.request("POST", servers.PATH, body, servers.headers(self.server.candidate))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return "lost"
        if answer.will_close:
            with suppress(OSError):
                connection.close()
        return str(answer.status)


def measure(report: Report) -> None:
    """End each server under load, with new connections and with kept ones."""
    lost: dict[str, list[float]] = {}
    refused: dict[str, list[float]] = {}
    with credentials.folder() as keys:
        left_out = report.choose(("create_app",), ("create_app", "gthread"))
        wanted = [each for each in matrix.everything(keys) if not any(name in each.name for name in left_out)]
        tags = matrix.TAGS["slow"]
        kinds = product(wanted, report.choose(tags, tags[:1]), (False, True))
        for candidate, tag, kept in list(kinds) * report.choose(3, 1):
            with servers.started(candidate) as server:
                server.first_answer(workload.medium(), candidates.ANSWER)
                outcomes = Callers(server, bodies.tagged(workload.medium(), tag), kept=kept).run()
            name = f"{candidate.name}, {tag}, {'kept' if kept else 'new'} connections"
            lost.setdefault(name, []).append(outcomes["lost"])
            errors = sum(number for status, number in outcomes.items() if status.isdigit() and status != "200")
            refused.setdefault(name, []).append(errors)
    report.add(Table("shutdown", f"calls without an answer at SIGTERM, {CALLERS} at a time", "calls", None, lost))
    if any(map(any, refused.values())):
        report.add(Table("shutdown: errors", "calls that were answered with an error", "calls", None, refused))
