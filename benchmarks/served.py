"""One call through a real gunicorn with the shipped settings: with no telemetry, with JSON records, with OpenTelemetry.

``python -m gunicorn -c python:cxfulfill.server.gunicorn benchmarks.served:app``, in a process each; the environment
variable ``BENCHMARK_TELEMETRY`` says which.
"""

import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice

from benchmarks import in_process, telemetry, workload
from cxfulfill import Webhook

_CHOICE = "BENCHMARK_TELEMETRY"
_START = 30.0
"""Seconds for a server to start."""
CANDIDATES = {
    "without telemetry": "none", "with JSON records": "json", "with OpenTelemetry": "spans",
    "with both": "json spans",
}  # fmt: skip


def _application() -> Webhook:
    chosen = os.environ[_CHOICE].split()
    if "json" not in chosen:
        logging.getLogger("cxfulfill").setLevel(logging.CRITICAL)
    return in_process.typed(telemetry=telemetry.traced(batched=True) if "spans" in chosen else None)


if _CHOICE in os.environ:
    app = _application()


@contextlib.contextmanager
def _served(choice: str) -> Iterator[http.client.HTTPConnection]:
    """Start a server whose lines go nowhere, and connect to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = ("-c", "python:cxfulfill.server.gunicorn", "-b", f"127.0.0.1:{port}")
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *settings, "benchmarks.served:app"],
        env=os.environ | {_CHOICE: choice, "CXFULFILL_LOG_FORMAT": "json"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START)
    try:
        end = time.monotonic() + _START
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                connection.connect()
                break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the server did not start")
            time.sleep(0.05)
        yield connection
    finally:
        connection.close()
        process.send_signal(signal.SIGTERM)
        process.wait(_START)


def _call(connection: http.client.HTTPConnection, body: bytes) -> None:
    headers = {"Authorization": in_process.CREDENTIAL, "Content-Type": "application/json"}
    connection.request("POST", "/webhook", body, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the answer is {answer.status}")


def measure(rounds: int = 60, calls: int = 40) -> dict[str, list[float]]:
    """Time calls over kept connections in turns, a call of its own each time.

    Returns:
        Microseconds a call by candidate.
    """
    fresh = workload.fresh(in_process.BODY)
    times: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    with contextlib.ExitStack() as stack:
        connections = {name: stack.enter_context(_served(choice)) for name, choice in CANDIDATES.items()}
        for _ in range(rounds):
            bodies = list(islice(fresh, calls))
            for name, connection in connections.items():
                started = time.perf_counter()
                for body in bodies:
                    _call(connection, body)
                times[name].append((time.perf_counter() - started) / calls * 1e6)
    return times
