"""``cxfulfill new``: a project that runs, tests and deploys as it is."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.outline import commands, heading, show, texts
from cxfulfill.errors import ConfigurationError
from cxfulfill.scaffold.choices import AUTHS, STORES
from cxfulfill.scaffold.names import check_name
from cxfulfill.scaffold.project import Project, project_files
from cxfulfill.scaffold.wheel import FOLDER, is_from_index, read_wheel
from cxfulfill.scaffold.writing import check_target, write_folder

_NO_INDEX: Final = (
    "The project takes cxfulfill from your package index; here it was installed from a clone or a file. If no index of "
    "yours has it, delete the project, and make it with --wheel FILE."
)


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
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="cxfulfill's wheel, which is copied into the project; needed where no package index has it.",
)
def new(name: Path, *, auth: str, store: str, flexible: bool, export: Path | None, wheel: Path | None) -> None:
    """Make a project in a new folder NAME: handlers, tests, and what it takes to run it on Cloud Run.

    A folder may stand in front of the name. Where something is wrong, nothing is written.
    """
    with _refused("NAME"):
        check_name(name.name)
        check_target(name)
    agent = None if export is None else read_agent(export, "--from-export")
    with _refused("--wheel"):
        wheels = {} if wheel is None else {f"{FOLDER}/{wheel.name}": read_wheel(wheel)}
    with _refused("--from-export"):
        texts_by_path = project_files(Project(name.name, auth, store, flexible, agent, has_wheel=bool(wheels)))
    files: dict[str, str | bytes] = {**texts_by_path, **wheels}
    with _refused("NAME"):
        write_folder(name, files)
    show(texts(f"{name}: {len(files)} files"))
    if not wheels and not is_from_index():
        show(texts(_NO_INDEX))
    show([heading("Next:", *commands(f"cd {shlex.quote(str(name))}", "make run", "make test"))])
    show(texts("README.md says the rest, up to Cloud Run."))


@contextmanager
def _refused(hint: str) -> Iterator[None]:
    """Tell which argument it is that something is wrong with."""
    try:
        yield
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint=hint) from None
