"""What authenticators fetch before the first call."""

import threading

import pytest

from cxfulfill import AnyOf, HttpRequest, Principal, Webhook
from cxfulfill.auth.warming import warm
from tests.auth.oauth_support import app_o
from tests.auth.tokens_support import Source, app_g
from tests.pipeline.support import LIMIT, app_b


class Odd:
    """An authenticator whose ``warm`` fails."""

    def authenticate(self, http: HttpRequest) -> Principal:
        return Principal("somebody", "odd")

    def warm(self) -> None:
        raise ValueError("canary-0815")


def test_keys_are_fetched_once_before_the_first_call() -> None:
    source = Source()
    webhook = Webhook(auth=app_g(source))
    webhook.warm()
    webhook.warm()
    assert source.fetches == 1
    assert webhook.auth.ready()  # type: ignore[attr-defined]
    webhook.close()


def test_parts_of_a_combination_fetch_at_the_same_time() -> None:
    gate = threading.Event()
    first, second = Source(gate=gate), Source(gate=gate)
    warming = threading.Thread(target=warm, args=([AnyOf(app_b(), app_g(first), app_o(second))],))
    warming.start()
    assert first.began.acquire(timeout=LIMIT)
    assert second.began.acquire(timeout=LIMIT)
    gate.set()
    warming.join(LIMIT)
    assert not warming.is_alive()
    assert (first.fetches, second.fetches) == (1, 1)


def test_a_source_that_is_down_does_not_keep_a_worker_from_its_start(caplog: pytest.LogCaptureFixture) -> None:
    webhook = Webhook(auth=app_g(Source(down=True)))
    webhook.warm()
    assert "keys could not be fetched from Source: Down" in caplog.messages
    webhook.close()


def test_a_warm_that_fails_is_told_by_its_class_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    warm([Odd(), app_g(source)])
    assert source.fetches == 1
    assert "Odd.warm failed with ValueError" in caplog.messages
    assert "canary-0815" not in caplog.text
