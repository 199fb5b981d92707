"""What the tests of execution share."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.pipeline.support import Counted


@pytest.fixture
def webhook() -> Iterator[Counted]:
    with closing(Counted()) as made:
        yield made


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds handlers up; opened at the end, so that no thread is left behind."""
    event = threading.Event()
    yield event
    event.set()
