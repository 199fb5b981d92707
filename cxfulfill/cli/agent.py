"""``cxfulfill agent``: its commands by name; each one's module is imported when it is run."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "apply": "cxfulfill.cli.agent_plan",
    "plan": "cxfulfill.cli.agent_plan",
    "template": "cxfulfill.cli.agent_template",
}
"""Module of each command, whose attribute of the command's name is the command."""


class Subcommands(click.Group):
    """A group of commands that are loaded when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands; see click."""
        del ctx
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; see click."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        command: click.Command = getattr(import_module(SUBCOMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=Subcommands)
def agent() -> None:
    """The agent in CX and the application, each from what the other one says."""
