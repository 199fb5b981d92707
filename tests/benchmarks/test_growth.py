"""How the stores are filled beside the stores themselves."""

from functools import partial

import pytest

from benchmarks import growth, growth_stores


@pytest.mark.parametrize("name", growth_stores.STORES)
def test_a_filled_store_holds_as_many_keys_and_works(name: str) -> None:
    made, _ = growth_stores.STORES[name]
    with made([100, 1_000]) as (fill, key_of):
        for size in (100, 1_000):
            fresh, kept = growth_stores.times(fill(size), partial(key_of, size), size, 1)
            assert fresh > 0
            assert kept > 0


def test_the_least_of_all_rounds_counts() -> None:
    values = iter([3.0, 30.0, 1.0, 10.0, 2.0, 20.0])
    assert growth.least([values.__next__, values.__next__], 3) == [1.0, 10.0]
