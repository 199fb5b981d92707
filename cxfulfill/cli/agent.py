"""``cxfulfill agent``: the exported agent and the webhook, side by side."""

import click

from cxfulfill.cli.commands import AGENT_COMMANDS, Commands


@click.group(cls=Commands, modules=AGENT_COMMANDS)
def agent() -> None:
    """The agent in CX and the application, each from what the other one says."""
