"""Waiting for one moment, in threads and on event loops."""

import threading

from cxfulfill.landing import Landing
from tests.pipeline.support import LIMIT


def test_all_that_wait_are_woken_once_and_who_comes_then_at_once() -> None:
    landing, woken = Landing(), []
    landing.call(lambda: woken.append("first"))
    landing.call(lambda: woken.append("second"))
    assert (landing.done(), woken) == (False, [])
    landing.land()
    landing.land()
    assert (landing.done(), woken) == (True, ["first", "second"])
    landing.call(lambda: woken.append("late"))
    assert woken[2:] == ["late"]
    assert landing.wait(0)


def test_a_thread_waits_as_long_as_it_is_told() -> None:
    landing, results = Landing(), []
    assert not landing.wait(0)
    threads = [
        threading.Thread(target=lambda seconds=seconds: results.append(landing.wait(seconds)))
        for seconds in (None, LIMIT, float("inf"))
    ]
    for thread in threads:
        thread.start()
    landing.land()
    for thread in threads:
        thread.join(LIMIT)
    assert results == [True, True, True]
