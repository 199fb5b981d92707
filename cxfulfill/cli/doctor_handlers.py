"""Doctor: what is served, and what a retry would do twice."""

from collections.abc import Iterator

from cxfulfill.cli.findings import Finding, Verdict
from cxfulfill.cx_settings import cx_settings
from cxfulfill.webhook import Webhook


def check_handlers(webhook: Webhook) -> Iterator[Finding]:
    """Tell what is served.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    standard, flexible = len(list(webhook.entries())), len(list(webhook.routes()))
    if standard + flexible:
        yield Finding("handlers", Verdict.OK, f"{standard} by tag, {flexible} flexible")
    else:
        see = "Import the modules that register handlers where the Webhook is made, or name another --app."
        yield Finding("handlers", Verdict.FAIL, "there is none, so that every call is a 404", see)


def check_retries(webhook: Webhook) -> Iterator[Finding]:
    """Look for flexible routes that change something and that a retry may run again.

    Args:
        webhook: The application.

    Yields:
        The finding.
    """
    open_ones = [each for each in cx_settings(webhook, "https://host") if each.is_unprotected]
    if not open_ones:
        yield Finding("retries", Verdict.OK, "no flexible route that changes something is without a key")
        return
    routes = ", ".join(dict.fromkeys(f"{each.method} {each.route.pattern.text}" for each in open_ones))
    see = "Give them idempotency_key=, let CX send the header Idempotency-Key, or say idempotent=False."
    yield Finding("retries", Verdict.WARN, f"without a key: {routes}", see)
