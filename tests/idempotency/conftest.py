"""What the tests of stores share."""

import pytest

from tests.idempotency.ways import Looped, Way, in_threads


@pytest.fixture(params=[in_threads, Looped], ids=["in threads", "on a loop"])
def way(request: pytest.FixtureRequest) -> Way:
    """Take a store, to be called in threads or on a loop."""
    made: Way = request.param
    return made
