"""Rules on the settings of webhooks: where they lead, what they prove, what stands readable in them."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cxfulfill.agent.assets import WebhookResource
from cxfulfill.agent.findings import Finding
from cxfulfill.agent.inspected import Inspected
from cxfulfill.auth.one_header import Way, ways_of


def check_webhooks(inspected: Inspected) -> Iterator[Finding]:
    """Check the agent's webhooks.

    Args:
        inspected: What is checked.

    Yields:
        CX601 to CX606.
    """
    called = {call.webhook for call in inspected.calls}
    for webhook in inspected.agent.webhooks:
        if urlsplit(webhook.url).scheme == "http" and not webhook.uses_service_directory:
            yield _finding("CX601", webhook, "", "The URL begins with http.")
        for what in webhook.in_the_clear:
            yield _finding("CX604", webhook, what, f"The export holds a secret in plain text: {what}.")
        if webhook.is_disabled and webhook.name in called:
            yield _finding("CX606", webhook, "", "It is turned off, and places of the agent call it.")
        if webhook.name in inspected.ours and not webhook.is_flexible:
            yield from check_proofs(webhook, ways_of(inspected.webhook.auth))
            if not inspected.has_path(webhook):
                problem = f"The path of its URL does not end with {inspected.webhook.path}."
                yield _finding("CX605", webhook, "", problem)


def check_proofs(webhook: WebhookResource, ways: frozenset[Way]) -> Iterator[Finding]:
    """Check what a webhook proves itself with.

    Args:
        webhook: The webhook.
        ways: How the application can be satisfied.

    Yields:
        CX602, CX603.
    """
    satisfied = [way for way in ways if way <= webhook.sends]
    if not satisfied:
        wanted = " or ".join(sorted({_told(way) for way in ways}))
        problem = f"It sends {_told(webhook.sends)}; the application wants {wanted}."
        yield _finding("CX603", webhook, "", problem)
    elif not webhook.has_credential and not all(satisfied):
        yield _finding("CX602", webhook, "", "It sends no credential at all.")


def _told(way: Way) -> str:
    return " and ".join(sorted(f"{kind} in {name}" for name, kind in way)) or "nothing"


def _finding(code: str, webhook: WebhookResource, about: str, problem: str) -> Finding:
    return Finding(code, f"webhook {webhook.name}", about, problem, webhook.file)
