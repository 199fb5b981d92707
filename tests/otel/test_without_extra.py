"""Without the extra ``otel``: its name can be had, and asking for it says what to install."""

import os
import subprocess
import sys

import pytest

from cxfulfill import ConfigurationError, OpenTelemetry, Webhook
from tests.pipeline.support import app_b

PROGRAM = """
import sys


class Blocks:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Blocks())

from cxfulfill import *

for make in (OpenTelemetry, lambda: Webhook.from_env(auth=AllowUnauthenticated())):
    try:
        make()
    except ConfigurationError as error:
        print(error)
"""


def test_it_says_what_to_install() -> None:
    environ = os.environ | {"CXFULFILL_TELEMETRY": "opentelemetry"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["OpenTelemetry needs the extra otel: pip install 'cxfulfill[otel]'"] * 2


def test_a_webhook_without_it_loads_none_of_it() -> None:
    program = (
        "import sys; from cxfulfill import *; Webhook(auth=AllowUnauthenticated()).check(); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_environment_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXFULFILL_TELEMETRY", "opentelemetry")
    webhook = Webhook.from_env(auth=app_b())
    assert isinstance(webhook.pipeline().telemetry, OpenTelemetry)
    webhook.close()
    monkeypatch.setenv("CXFULFILL_TELEMETRY", "statsd")
    with pytest.raises(ConfigurationError, match="CXFULFILL_TELEMETRY takes opentelemetry"):
        Webhook.from_env(auth=app_b())
