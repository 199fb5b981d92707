"""Percentiles out of buckets, against those of all durations."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cxfulfill.simulator.percentiles import Durations, Step

SHARES = (0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 1.0)


def of(*seconds: float) -> Durations:
    durations = Durations()
    for each in seconds:
        durations.add(each)
    return durations


@given(st.lists(st.floats(1e-5, 1_000.0), min_size=1, max_size=300), st.sampled_from(SHARES))
def test_a_percentile_is_off_by_one_percent_at_most(seconds: list[float], share: float) -> None:
    exact = sorted(seconds)[max(1, math.ceil(share * len(seconds))) - 1]
    assert math.isclose(of(*seconds).percentile(share), exact, rel_tol=0.0101)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=100))
def test_percentiles_grow_and_stay_between_the_shortest_and_the_longest(seconds: list[float]) -> None:
    durations = of(*seconds)
    found = [durations.percentile(share) for share in SHARES]
    assert found == sorted(found)
    assert min(seconds) == durations.shortest <= found[0]
    assert found[-1] == durations.longest == max(seconds)


@given(st.lists(st.floats(0.0, 1e6), max_size=100))
def test_the_bars_hold_every_duration_in_a_row_without_gaps(seconds: list[float]) -> None:
    steps = of(*seconds).steps()
    assert sum(step.count for step in steps) == len(seconds)
    assert [step.end for step in steps[:-1]] == [step.start for step in steps[1:]]
    assert not steps or (steps[0].count and steps[-1].count)


def test_bars() -> None:
    assert of(0.0012, 0.0013, 0.0025).steps() == [
        Step(0.001, 0.0015, 2),
        Step(0.0015, 0.002, 0),
        Step(0.002, 0.003, 1),
    ]
    assert of().steps() == []
    assert of(1e6).steps()[0].end == math.inf


def test_nothing_counted() -> None:
    assert of().percentile(0.5) == 0.0


def test_memory_is_bounded() -> None:
    durations = of(*(1.001**number * 1e-6 for number in range(40_000)))
    assert len(durations._buckets) <= 1_201
