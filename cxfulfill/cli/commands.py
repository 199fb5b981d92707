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
    "deploy": "cxfulfill.cli.deploy",
    "doctor": "cxfulfill.cli.doctor",
    "explain": "cxfulfill.cli.meaning",
    "load": "cxfulfill.cli.load",
    "new": "cxfulfill.cli.new",
    "openapi": "cxfulfill.cli.openapi",
    "replay": "cxfulfill.cli.replay",
    "routes": "cxfulfill.cli.routes",
}
"""Module of each command, whose attribute of the command's name is the command."""

AGENT_COMMANDS: Final[Mapping[str, str]] = {
    "apply": "cxfulfill.cli.agent_plan",
    "check": "cxfulfill.cli.agent_check",
    "map": "cxfulfill.cli.agent_map:picture",
    "names": "cxfulfill.cli.agent_names",
    "plan": "cxfulfill.cli.agent_plan",
    "replay": "cxfulfill.cli.agent_replay",
    "stubs": "cxfulfill.cli.agent_stubs",
    "template": "cxfulfill.cli.agent_template",
}
"""Those of ``cxfulfill agent``; behind a colon, the attribute where it has another name."""


class Commands(click.Group):
    """A group of commands that are loaded when they are run.

    Args:
        modules: Module of each command.
    """

    def __init__(self, *, modules: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands; see click."""
        del ctx
        return sorted(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command; see click."""
        del ctx
        if cmd_name not in self._modules:
            return None
        module, _, attribute = self._modules[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute or cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a configuration error is its sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, modules=COMMANDS)
def cli() -> None:
    """Tools for webhooks made with cxfulfill."""
