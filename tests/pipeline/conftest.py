"""What the tests of execution share."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.pipeline import over_asgi
from tests.pipeline.support import Counted

_WITHOUT_A_SERVER = {"test_cutoff", "test_flask_in_process", "test_flights", "test_store_choice", "test_workers"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test over both interfaces, but those of what is WSGI's own."""
    is_of_wsgi = metafunc.definition.get_closest_marker("wsgi_alone") is not None
    is_apart = metafunc.module.__name__.rpartition(".")[2] in _WITHOUT_A_SERVER
    metafunc.parametrize("server", ["wsgi"] if is_of_wsgi or is_apart else ["wsgi", "asgi"], indirect=True)


@pytest.fixture(autouse=True)
def server(request: pytest.FixtureRequest) -> Iterator[None]:
    """The interface that `post` calls a webhook by."""
    if request.param == "wsgi":
        yield
        return
    with over_asgi.serving():
        yield


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
