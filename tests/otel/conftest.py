"""What the tests of OpenTelemetry share: those that call webhooks run over both interfaces."""

import pytest

from tests.pipeline.conftest import gate
from tests.pipeline.over_asgi import STORE_ON_LOOP, WAYS, server

__all__ = ["gate", "server"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a module that calls webhooks over both interfaces, and those of a store over its client too."""
    is_of_wsgi = metafunc.definition.get_closest_marker("wsgi_alone") is not None
    ways = WAYS if hasattr(metafunc.module, "post") and not is_of_wsgi else WAYS[:1]
    if metafunc.function.__name__.startswith("test_a_store_"):
        ways = (*ways, STORE_ON_LOOP)
    metafunc.parametrize("server", ways, indirect=True)
