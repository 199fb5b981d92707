"""The commands by name; each one's module is imported when it is run."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from cxfulfill.errors import ConfigurationError

COMMANDS: Final[Mapping[str, str]] = {
    "agent": "cxfulfill.cli.agent",
    "auth": "cxfulfill.cli.auth",
    "call": "cxfulfill.cli.call",
    "cert": "cxfulfill.cli.cert",
    "chat": "cxfulfill.cli.chat",
    "config": "cxfulfill.cli.config",
    "console": "cxfulfill.cli.console",
    "doctor": "cxfulfill.cli.doctor",
    "explain": "cxfulfill.cli.meaning",
    "load": "cxfulfill.cli.load",
    "openapi": "cxfulfill.cli.openapi",
    "replay": "cxfulfill.cli.replay",
    "routes": "cxfulfill.cli.routes",
}
"""Module of each command, whose attribute of the command's name is the command."""


class Commands(click.Group):
    """A group of commands that are loaded when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands; see click."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; see click."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a configuration error is its sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
def cli() -> None:
    """Tools for webhooks made with cxfulfill."""
