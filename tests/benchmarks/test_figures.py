"""What the benchmarks make of measured values."""

import pytest

from benchmarks import figures


def test_quartiles_of_many_values_and_of_one() -> None:
    assert figures.quartiles([5.0, 1.0, 3.0, 2.0, 4.0]) == (2.0, 3.0, 4.0)
    assert figures.quartiles([7.0]) == (7.0, 7.0, 7.0)


def test_ratios_are_taken_round_by_round() -> None:
    assert figures.ratios([2.0, 20.0], [1.0, 10.0]) == [2.0, 2.0]


def test_rounds_that_do_not_pair_are_divided_by_their_medians() -> None:
    assert figures.ratios([2.0, 4.0, 6.0], [1.0, 3.0]) == [2.0]


@pytest.mark.parametrize(("power", "expected"), [(0, 0.0), (1, 1.0), (2, 2.0)])
def test_the_slope_is_the_power_that_cost_grows_with(power: int, expected: float) -> None:
    sizes = [10.0, 100.0, 1_000.0, 10_000.0]
    assert figures.slope(sizes, [3.0 * size**power for size in sizes]) == pytest.approx(expected)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert figures.percentile([float(value) for value in range(100, 0, -1)], share) == expected
