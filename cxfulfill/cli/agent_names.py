"""``cxfulfill agent names``: a module of the agent's names, for replies that lead to its pages."""

from pathlib import Path

import click

from cxfulfill.agent.names_module import MARK, expected, names_module
from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.agent_stubs import write
from cxfulfill.cli.outline import show, texts


@click.command()
@click.argument("export", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The module, which is written anew.",
)
def names(export: Path, *, out: Path) -> None:
    """Write a module of the names in an exported agent: flows, pages, intents and events, with their ids.

    EXPORT is the zip of an agent that was exported as JSON package, or its folder. A file that this command has not
    written is not overwritten.
    """
    agent = read_agent(export)
    if out.exists() and MARK.encode() not in out.read_bytes():
        raise click.BadParameter("the file that is there was not written by this command", param_hint="--out")
    write(out, names_module(agent), "--out")
    show(texts(f"{out}: {len(expected(agent))} names"))
