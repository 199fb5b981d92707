"""Threads that run functions for nobody who waits."""

import gc
import subprocess
import sys
import threading

import pytest

from cxfulfill.errors import Unavailable
from cxfulfill.pool import Pool
from tests.pipeline.support import LIMIT
from tests.server.wire import until


def test_a_thread_is_begun_where_all_others_are_busy_until_there_are_enough() -> None:
    pool, gate, names = Pool(2, "these"), threading.Event(), []
    begun = [threading.Event() for _ in range(3)]

    def run(number: int) -> None:
        begun[number].set()
        assert gate.wait(LIMIT)
        names.append(threading.current_thread().name)

    for number in range(3):
        pool.run(lambda number=number: run(number))  # type: ignore[misc]
    assert begun[0].wait(LIMIT)
    assert begun[1].wait(LIMIT)
    assert not begun[2].is_set()
    gate.set()
    pool.close()
    assert (len(names), set(names) <= {"these_0", "these_1"}) == (3, True)


def test_a_thread_that_waits_is_taken_before_another_is_begun() -> None:
    pool, ended = Pool(9, "these"), threading.Event()
    pool.run(ended.set)
    assert ended.wait(LIMIT)
    until(lambda: bool(pool._idle), "a thread that waits")
    pool.run(lambda: None)
    assert [thread.name for thread in pool._threads] == ["these_0"]
    pool.close()


def test_what_a_function_raises_ends_no_thread() -> None:
    pool, ran = Pool(1, "these"), threading.Event()

    def fails() -> None:
        raise SystemExit("canary")

    pool.run(fails)
    pool.run(ran.set)
    pool.close()
    assert ran.is_set()


def test_one_that_is_closed_refuses_what_comes_then() -> None:
    pool = Pool(1, "these")
    pool.close()
    pool.close()
    with pytest.raises(Unavailable) as refused:
        pool.run(lambda: None)
    assert refused.value.reason == "overloaded"


def test_threads_of_one_that_nobody_has_any_more_end() -> None:
    pool = Pool(1, "these")
    pool.run(lambda: None)
    (thread,) = pool._threads
    del pool
    gc.collect()
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_the_end_of_the_process_waits_for_what_runs() -> None:
    program = """
import sys, threading
from cxfulfill.pool import Pool
begun, main = threading.Event(), threading.main_thread()
def run():
    begun.set()
    main.join()  # which is over before the process is
    sys.stdout.write("done")
pool = Pool(1, "these")
pool.run(run)
begun.wait()
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=LIMIT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done", "")


def test_a_forked_process_waits_for_no_thread_of_its_parent_s() -> None:
    program = """
import os, sys, threading
from cxfulfill.pool import Pool
gate, begun = threading.Event(), threading.Event()
def run():
    begun.set()
    gate.wait()
pool = Pool(1, "these")
pool.run(run)
begun.wait()
with pool._lock:
    child = os.fork()
if child == 0:
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
gate.set()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], timeout=LIMIT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
