"""The webhook that the fixture ``cx`` calls."""

import pytest

from cxfulfill import Webhook


@pytest.fixture
def cx_webhook(monkeypatch: pytest.MonkeyPatch) -> Webhook:
    """Harbour Hotel's webhook, which reads who may call when it is imported."""
    monkeypatch.setenv("HOTEL_USERNAME", "cx-agent")
    monkeypatch.setenv("HOTEL_PASSWORD", "for-tests-only-0123456789")
    from example_app.main import webhook

    return webhook
