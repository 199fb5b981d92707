"""How long many calls took, in little memory: counted in buckets, each 2 % wider than the one before."""

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

GROWTH: Final = 1.02
"""How much longer the durations of a bucket are than those of the one before; a percentile is off by half of that."""

_SHORTEST: Final = 1e-5  # seconds; what is shorter is in bucket 0
_LAST: Final = 1_200  # over a day
_BOUNDS: Final = tuple(digits * 10.0**power for power in range(-5, 4) for digits in (1, 1.5, 2, 3, 5, 7))


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the distribution.

    Attributes:
        start: Seconds from which on it counts.
        end: Seconds up to which it counts; infinite for the last one that there can be.
        count: Durations between them.
    """

    start: float
    end: float
    count: int


@dataclass(slots=True)
class Durations:
    """Durations, of which only their numbers by bucket are kept.

    Attributes:
        count: How many there are.
        longest: The longest one, in seconds.
        shortest: The shortest one, in seconds; infinite where there is none.
    """

    count: int = 0
    longest: float = 0.0
    shortest: float = math.inf
    _buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Count a duration.

        Args:
            seconds: The duration.
        """
        self.count += 1
        self.longest = max(self.longest, seconds)
        self.shortest = min(self.shortest, seconds)
        self._buckets[_bucket_of(seconds)] += 1

    def percentile(self, share: float) -> float:
        """Give the duration that a share of all does not exceed.

        Args:
            share: Between 0 and 1.

        Returns:
            Seconds, off by 1 % at most; 0 where nothing was counted.
        """
        rank = max(1, math.ceil(share * self.count))
        if rank >= self.count:
            return self.longest
        seen = 0
        for bucket, count in sorted(self._buckets.items()):
            seen += count
            if seen >= rank:
                return min(max(_middle_of(bucket), self.shortest), self.longest)
        return self.longest  # pragma: no cover - the counts come to count

    def steps(self) -> list[Step]:
        """Make the bars of the distribution.

        Returns:
            Six for each power of ten, from the first that is not empty to the last.
        """
        counts: Counter[int] = Counter()
        for bucket, count in self._buckets.items():
            counts[bisect_right(_BOUNDS, _middle_of(bucket)) - 1] += count
        if not counts:
            return []
        ends = (*_BOUNDS[1:], math.inf)
        return [Step(_BOUNDS[index], ends[index], counts[index]) for index in range(min(counts), max(counts) + 1)]


def _bucket_of(seconds: float) -> int:
    if seconds <= _SHORTEST:
        return 0
    return min(1 + int(math.log(seconds / _SHORTEST) / math.log(GROWTH)), _LAST)


def _middle_of(bucket: int) -> float:
    return _SHORTEST if bucket == 0 else _SHORTEST * GROWTH ** (bucket - 0.5)
