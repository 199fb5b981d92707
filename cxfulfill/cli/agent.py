"""``cxfulfill agent``: the exported agent and the webhook, side by side."""

import click

from cxfulfill.cli.commands import AGENT_COMMANDS, Commands


@click.group(cls=Commands, modules=AGENT_COMMANDS)
def agent() -> None:
    """Tools for an agent that was exported from CX as JSON package: the zip, or its folder."""
