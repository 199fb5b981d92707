"""What the tests of authenticators share: those that go through an application run over each interface."""

import pytest

from cxfulfill.auth import outbound
from tests.auth.listening import Steered
from tests.pipeline.over_asgi import FLASK, WAYS, server

__all__ = ["server"]


@pytest.fixture
def steered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test say when the time of a request is over."""

    class Threading:
        Timer = Steered

    monkeypatch.setattr(outbound, "threading", Threading)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a module that calls webhooks over both interfaces."""
    calls_webhooks = hasattr(metafunc.module, "post") or hasattr(metafunc.module, "refused")
    is_of_wsgi = metafunc.definition.get_closest_marker("wsgi_alone") is not None
    ways = (*WAYS, FLASK) if calls_webhooks and not is_of_wsgi else WAYS[:1]
    metafunc.parametrize("server", ways, indirect=True)
