"""What the tests of execution share."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.pipeline import over_asgi
from tests.pipeline.over_asgi import server
from tests.pipeline.support import Counted

__all__ = ["server"]

_WITHOUT_A_SERVER = {
    "test_cutoff",
    "test_flask_in_process",
    "test_flights",
    "test_store_choice",
    "test_store_on_loop",
    "test_workers",
}
_OVER_FLASK = {
    "test_auth_cases", "test_containment", "test_deferred", "test_flexible", "test_flexible_attacks", "test_http_cases",
    "test_idempotency", "test_idempotency_attacks", "test_middleware", "test_order_and_leaks", "test_records",
    "test_reprompt",
}  # fmt: skip
_WITH_A_STORE = {"test_deferred", "test_idempotency", "test_idempotency_attacks"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test over the interfaces, but those of what is WSGI's own."""
    is_of_wsgi = metafunc.definition.get_closest_marker("wsgi_alone") is not None
    name = metafunc.module.__name__.rpartition(".")[2]
    is_apart = name in _WITHOUT_A_SERVER
    ways = over_asgi.WAYS[:1] if is_of_wsgi or is_apart else over_asgi.WAYS
    if not is_of_wsgi and name in _WITH_A_STORE:
        ways = (*ways, over_asgi.STORE_ON_LOOP)
    if not is_of_wsgi and name in _OVER_FLASK:
        ways = (*ways, over_asgi.FLASK)
    metafunc.parametrize("server", ways, indirect=True)


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
