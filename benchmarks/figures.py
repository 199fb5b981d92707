"""What is made of measured values: quartiles, ratios of runs in turns, and how cost grows."""

import math
from collections.abc import Sequence
from statistics import linear_regression, median, quantiles


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Give the lower quartile, the median and the upper quartile."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    lower, middle, upper = quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Divide what was measured in turns, round by round.

    A machine that is slow for a while is so for both, and so cancels out. Where the rounds do not pair, the medians are
    divided.
    """
    if len(values) != len(base):
        return [median(values) / median(base)]
    return [value / other for value, other in zip(values, base, strict=True)]


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Fit a line to the logarithms: 0 is flat, 1 is linear, 2 is quadratic."""
    return linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs]).slope


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
