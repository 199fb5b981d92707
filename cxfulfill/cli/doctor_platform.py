"""Doctor: settings, and the limits of CX, server and platform."""

import os
from collections.abc import Iterator
from typing import Final

from cxfulfill.cli.config import problems_of_server, problems_of_webhook
from cxfulfill.cli.findings import Finding, Verdict, handlers_of, is_cut_off
from cxfulfill.errors import ConfigurationError
from cxfulfill.loading import PLATFORM
from cxfulfill.registration import MAX_TIMEOUT
from cxfulfill.settings.server import read_server
from cxfulfill.settings.table import PREFIX
from cxfulfill.webhook import Webhook
from cxfulfill.workers import POOL_SIZE

CX_TIMEOUT: Final = 5.0
"""Seconds that CX waits where nobody has set its timeout."""
ROOM: Final = 0.5
"""Seconds for the way from and to CX."""

_POLICIES: Final = frozenset({f"{PREFIX}AUTH", f"{PREFIX}ENVIRONMENTS"})
_PORTS: Final = range(1, 65_536)


def check_settings() -> Iterator[Finding]:
    """Read the variables as ``Webhook.from_env()`` and the server do.

    Yields:
        Findings; their sentences are those of ``cxfulfill config``.
    """
    names = {name for name in os.environ if name.startswith(PREFIX)}
    refused = list(problems_of_webhook(() if names & _POLICIES else ("auth",), {}))
    for sentence in refused:
        see = "Webhook.from_env() would refuse this, so this app reads it otherwise or not at all: correct or unset it."
        yield Finding("settings", Verdict.WARN, sentence, see)
    stopped = list(problems_of_server())
    for sentence in stopped:
        yield Finding("settings", Verdict.FAIL, sentence, "The shipped gunicorn settings do not start with this.")
    if not refused and not stopped:
        found = "all variables are understood" if names else f"no {PREFIX} variable is set"
        yield Finding("settings", Verdict.OK, found)


def check_port() -> Iterator[Finding]:
    """Look at the port that the server would listen on.

    Yields:
        The finding.
    """
    port = os.environ.get("PORT", "8080")
    if port.isascii() and port.isdecimal() and int(port[:6]) in _PORTS:
        yield Finding("port", Verdict.OK, port)
    else:
        yield Finding(
            "port", Verdict.FAIL, "PORT is no number from 1 to 65535", "Unset it, or let the platform set it."
        )


def check_time_limits(webhook: Webhook) -> Iterator[Finding]:
    """Compare the handlers' time limits with CX's.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    handlers = [target for _, target in handlers_of(webhook)]
    longest = max((target.timeout for target in handlers if is_cut_off(target)), default=0.0)
    unlimited = sum(not is_cut_off(target) for target in handlers)
    needed = longest + ROOM
    if longest == 0:
        yield Finding("time limits", Verdict.OK, "no handler has one; CX gives up after its own")
    elif needed > MAX_TIMEOUT:
        see = f"Set timeout= to {MAX_TIMEOUT - ROOM:g} at most: the answer has its way to go, too."
        yield Finding("time limits", Verdict.WARN, f"{longest:g} s, and CX waits {MAX_TIMEOUT:g} s at most", see)
    elif needed > CX_TIMEOUT:
        see = f"In CX, set the webhook's timeout to {needed:g} s or more."
        yield Finding("time limits", Verdict.WARN, f"{longest:g} s, and CX waits {CX_TIMEOUT:g} s by default", see)
    else:
        others = f"; handlers without one: {unlimited}" if unlimited else ""
        found = f"{longest:g} s at most, within CX's default of {CX_TIMEOUT:g} s{others}"
        yield Finding("time limits", Verdict.OK, found)


def check_pool(webhook: Webhook) -> Iterator[Finding]:
    """Compare the threads for handlers with a time limit with those for requests.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    waited = [target.timeout for _, target in handlers_of(webhook) if target.watched]
    try:
        threads = read_server().threads
    except ConfigurationError:
        yield Finding("pool", Verdict.SKIP, "the server's settings are wrong")
        return
    if not waited:
        yield Finding("pool", Verdict.OK, "no handler needs it")
    elif threads > POOL_SIZE:
        found = f"{threads} request threads, {POOL_SIZE} for handlers with a time limit: what is beyond is a 503"
        yield Finding("pool", Verdict.WARN, found, f"Set {PREFIX}THREADS to {POOL_SIZE} at most, and more workers.")
    else:
        rate = POOL_SIZE / max(waited)
        found = f"{POOL_SIZE} threads for handlers, {threads} for requests; full at {rate:.1f} late calls a second"
        yield Finding("pool", Verdict.OK, found)


def check_telemetry(webhook: Webhook) -> Iterator[Finding]:
    """Look whether an OpenTelemetry SDK takes what is traced and measured.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    telemetry = webhook.pipeline().telemetry
    if telemetry is None:
        yield Finding("telemetry", Verdict.SKIP, "no OpenTelemetry; the log has a record of each call")
    elif getattr(telemetry, "has_sdk", True):
        yield Finding("telemetry", Verdict.OK, "an OpenTelemetry SDK takes spans and metrics")
    else:
        see = "Set providers where the app is made, or start it with opentelemetry-instrument, which is not seen here."
        yield Finding("telemetry", Verdict.WARN, "there is no OpenTelemetry SDK: spans and metrics go nowhere", see)


def check_without_effect(webhook: Webhook) -> Iterator[Finding]:
    """Look for settings that somebody has made and nobody heeds.

    Args:
        webhook: The application.

    Yields:
        Findings.
    """
    try:
        threads = read_server().threads
    except ConfigurationError:
        return  # the settings' own check tells
    for sentence in webhook.without_effect(threads):
        found, _, to_do = sentence.partition("; ")
        yield Finding("heeded", Verdict.WARN, found, f"{to_do[:1].upper()}{to_do[1:]}.")


def check_cloud_run(webhook: Webhook) -> Iterator[Finding]:
    """Tell what Cloud Run does to handlers that go on after their answer.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    if PLATFORM not in os.environ:
        yield Finding("Cloud Run", Verdict.SKIP, f"this is not Cloud Run: {PLATFORM} is not set")
        return
    late = [
        each.place for each, target in handlers_of(webhook) if is_cut_off(target) and target.idempotent is not False
    ]
    if late and webhook.idempotency is not None:
        found = f"{len(late)} handlers may go on after the answer, and without a call their instance has no CPU"
        see = "Deploy with --no-cpu-throttling, or late results come when the next call does."
        yield Finding("Cloud Run", Verdict.WARN, found, see)
    else:
        yield Finding("Cloud Run", Verdict.OK, "no handler goes on after its answer for a retry's sake")
