"""The generators of load: each call is one of its own, and duplicates are as many as are asked for."""

from collections import Counter

import pytest

from benchmarks import tail, workload, wrk
from tests.benchmarks.server import recording

OUTPUT = """\
Running 1s test @ http://127.0.0.1:8080/webhook
  1 threads and 8 connections
  10 requests in 1.00s, 2.00KB read

{"requests": 500, "microseconds": 2000000, "p50": 900, "p99": 2100, "refused": 1, "failed": 0}
"""


def test_the_output_is_read_below_the_report_of_wrk_itself() -> None:
    load = wrk.read_output(OUTPUT, processor=0.25)
    assert (load.per_second, load.cost, load.p50, load.p99) == (250.0, 500.0, 900, 2_100)
    assert (load.refused, load.failed) == (1, 0)


def test_a_request_is_written_with_its_length_and_markers() -> None:
    head, _, body = wrk.raw_request(workload.medium(), {"Authorization": "Bearer x"}).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"\r\nAuthorization: Bearer x" in head
    assert body.count(wrk.MARKER) == workload.medium().count(workload.TURN) + workload.medium().count(workload.SESSION)


def test_another_request_is_refused() -> None:
    with pytest.raises(AssertionError, match="another id"):
        wrk.raw_request(b"{}", {})


@pytest.mark.parametrize("keep", [True, False])
def test_calls_of_wrk_are_each_one_of_its_own(keep: bool) -> None:
    with recording(keep=keep) as (server, bodies):
        load = wrk.run(server, workload.medium(), seconds=1, connections=2)
    assert 0 < load.requests <= len(bodies)
    assert len(set(bodies)) == len(bodies)
    assert workload.TURN not in bodies[0]


def test_every_fifth_call_of_wrk_is_a_duplicate() -> None:
    with recording() as (server, bodies):
        wrk.run(server, workload.medium(), seconds=1, connections=1, every=wrk.EVERY_FIFTH)
    counted = Counter(bodies)
    assert set(counted.values()) <= {1, 2}
    assert abs(sum(number == 2 for number in counted.values()) - len(bodies) / 5) <= 1


def test_calls_that_are_refused_end_the_run() -> None:
    with recording(status=503) as (server, _), pytest.raises(RuntimeError, match="calls refused, 0 without an answer"):
        wrk.run(server, workload.medium(), seconds=1, connections=1)


@pytest.mark.parametrize("keep", [True, False])
def test_at_a_constant_rate_all_calls_are_sent_and_timed(keep: bool) -> None:
    with recording(keep=keep) as (server, bodies):
        told = tail.constant_rate(server, workload.medium(), rate=100, seconds=0.5, every=5)
    assert told["sent"] == len(told["ms"]) == len(told["late_ms"]) == len(bodies) == 50
    assert Counter(Counter(bodies).values()) == {1: 30, 2: 10}


def test_at_a_constant_rate_refused_calls_end_the_run() -> None:
    with recording(status=503) as (server, _), pytest.raises(RuntimeError, match="10 of 10 calls failed"):
        tail.constant_rate(server, workload.medium(), rate=100, seconds=0.1, every=0)
