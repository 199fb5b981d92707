"""The time that a call waits for a thread counts: a real gunicorn with one thread, and the kernel's word for it."""

import re
import socket
import time

import pytest

from cxfulfill.server.arrival import seconds_since_data
from tests.server.conftest import Serve
from tests.server.wire import call, gunicorn, head, until

WAITS = 1.2
"""Seconds that the calls wait; the quick webhook's deadline is one second."""

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the kernel does not tell: this needs Linux")


def test_a_call_that_has_waited_too_long_is_503_and_runs_nothing(serve: Serve) -> None:
    server = serve(*gunicorn("tests.server.app:app"), CXFULFILL_THREADS="1")
    assert server.ask(head("GET", "/health")).status == 200, "the worker is up: nothing waits for its start"
    with server.connect() as first, server.connect() as late, server.connect() as patient:
        first.send(call("gated"))
        with server.gate():
            late.send(call("plain", path="/quick"))
            patient.send(call("plain"))
            sent = time.monotonic()
            until(lambda: time.monotonic() - sent > WAITS, "time")
        assert first.response().status == 200
        refused, answered = late.response(), patient.response()
    assert (refused.status, refused.json()["reason"], answered.status) == (503, "no_time_left", 200)
    assert server.ran() == ["gated", "plain"]
    server.until_line("reason=no_time_left")
    waited = [float(found) / 1e3 for found in re.findall(r"queue_ms=([0-9.]+)", "\n".join(server.lines()))]
    assert len([seconds for seconds in waited if seconds >= WAITS - 0.1]) == 2


def test_the_kernel_tells_when_data_came_in() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
        with client, server:
            client.sendall(b"x")
            until(lambda: seconds_since_data(server) > 0.1, "time since the last bytes")
            before = time.monotonic()
            client.sendall(b"y")
            assert server.recv(1) + server.recv(1) == b"xy"
            told = seconds_since_data(server)
            assert told <= time.monotonic() - before + 0.05, "it counts from the newer bytes, to a tick of the kernel"


def test_what_does_not_tell_counts_as_no_time() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert seconds_since_data(one) == 0.0
    assert seconds_since_data(None) == 0.0
    assert seconds_since_data(object()) == 0.0
