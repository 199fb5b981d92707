"""The webhook that a command is about."""

import click

from cxfulfill.errors import ConfigurationError
from cxfulfill.loading import PLATFORM, load_webhook, platform
from cxfulfill.webhook import Webhook


def checked_webhook(target: str, *, on_cloud_run: bool) -> Webhook:
    """Import the webhook of a command's ``--app``, and freeze it.

    Args:
        target: ``MODULE:NAME``.
        on_cloud_run: Whether to load it as on Cloud Run.

    Returns:
        The webhook.

    Raises:
        click.BadParameter: That cannot be done; the sentence tells why.
    """
    try:
        with platform(present=on_cloud_run):
            webhook = load_webhook(target)
            webhook.check()
            return webhook
    except ConfigurationError as error:
        hint = "" if on_cloud_run or PLATFORM not in str(error) else "; or load it here with --on-cloud-run"
        raise click.BadParameter(f"{error}{hint}", param_hint="--app") from None
