"""``cxfulfill new``: a project that runs, tests and deploys as it is."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.outline import commands, heading, show, texts
from cxfulfill.errors import ConfigurationError
from cxfulfill.scaffold.choices import AUTHS, STORES
from cxfulfill.scaffold.names import check_name
from cxfulfill.scaffold.project import Project, project_files
from cxfulfill.scaffold.writing import check_target, write_folder


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.option(
    "--auth",
    type=click.Choice(list(AUTHS)),
    default="google-id-token",
    show_default=True,
    help="How callers prove who they are.",
)
@click.option(
    "--store",
    type=click.Choice(list(STORES)),
    default="memory",
    show_default=True,
    help="Where it is remembered which calls were answered.",
)
@click.option("--flexible", is_flag=True, help="Add a flexible webhook, and its tests.")
@click.option(
    "--from-export",
    "export",
    type=click.Path(exists=True, path_type=Path),
    metavar="AGENT",
    help="An exported agent, as zip or folder: handlers, tests and names are written of it.",
)
def new(name: Path, *, auth: str, store: str, flexible: bool, export: Path | None) -> None:
    """Make a project in a new folder NAME: handlers, tests, and what it takes to run it on Cloud Run.

    A folder may stand in front of the name. Where something is wrong, nothing is written.
    """
    with _refused("NAME"):
        check_name(name.name)
        check_target(name)
    agent = None if export is None else read_agent(export)
    with _refused("--from-export"):
        files = project_files(Project(name.name, auth, store, flexible, agent))
    with _refused("NAME"):
        write_folder(name, files)
    show(texts(f"{name}: {len(files)} files"))
    show(
        [
            heading("Next:", *commands(f"cd {shlex.quote(str(name))}", "make run", "make test")),
            *texts("README.md says the rest, up to Cloud Run."),
        ]
    )


@contextmanager
def _refused(hint: str) -> Iterator[None]:
    """Tell which argument it is that something is wrong with."""
    try:
        yield
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint=hint) from None
