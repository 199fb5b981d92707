"""``cxfulfill agent stubs``: handlers for the tags that an agent calls, and their tests."""

from collections.abc import Iterator
from pathlib import Path

import click

from cxfulfill.agent.model import Agent
from cxfulfill.agent.replacing import replace_text
from cxfulfill.agent.stub_module import Module, read_module
from cxfulfill.agent.stub_tests import add_tests
from cxfulfill.agent.stubs import Tag, add_handlers, tags_of
from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.outline import show, texts
from cxfulfill.errors import ConfigurationError


@click.command()
@click.argument("export", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The module of handlers; what is in it stays as it is.",
)
@click.option(
    "--tests",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The module of their tests; what is in it stays as it is.",
)
@click.option(
    "--webhook",
    "chosen",
    multiple=True,
    metavar="NAME",
    help="A webhook of the agent whose tags are meant; by default all that have tags.",
)
def stubs(export: Path, *, out: Path, tests: Path | None, chosen: tuple[str, ...]) -> None:
    """Write handlers for the tags that an exported agent calls.

    EXPORT is the zip of an agent that was exported as JSON package, or its folder. A tag that FILE has a handler for is
    left out, so that the command can be run again for what is new.
    """
    name = _module_name(out) if tests else ""
    if tests and tests.resolve() == out.resolve():
        raise click.BadParameter("it is the file of --out", param_hint="--tests")
    agent = read_agent(export)
    try:
        tags = tags_of(agent, chosen)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--webhook") from None
    handlers = _read(out, "Handlers for the tags that the agent calls.", "--out")
    added = add_handlers(handlers, tags)
    if tests:
        module = _read(tests, "Tests of the handlers, by calls as Dialogflow CX makes them.", "--tests")
        tested = add_tests(module, tags, handlers, name)
        write(tests, module.source(), "--tests")
        show(texts(f"{tests}: {len(tested)} added"))
    write(out, handlers.source(), "--out")
    show(texts(f"{out}: {len(added)} added, {len(tags) - len(added)} known", *_remarks(agent, tags)))


def _remarks(agent: Agent, tags: list[Tag]) -> Iterator[str]:
    """Tell what else a webhook of the agent may be: another application's, or flexible."""
    names = sorted({call.webhook for tag in tags for call in tag.calls})
    if len(names) > 1:
        yield f"The tags are those of several webhooks, {', '.join(names)}: choose yours with --webhook."
    flexible = [each.name for each in agent.webhooks if each.is_flexible]
    if flexible:
        yield f"Flexible webhooks have routes and no tags; write those of {', '.join(flexible)} by hand."


def _read(path: Path, title: str, option: str) -> Module:
    try:
        return read_module(path, title)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _module_name(path: Path) -> str:
    """Tell how a module is imported from the current directory, or from its own where it is elsewhere."""
    whole = path.resolve().with_suffix("")
    here = Path.cwd().resolve()
    parts = whole.relative_to(here).parts if whole.is_relative_to(here) else (whole.name,)
    if path.suffix != ".py" or not all(part.isidentifier() for part in parts):
        raise click.BadParameter("tests import it: its folders and it are named as modules are", param_hint="--out")
    return ".".join(parts)


def write(path: Path, text: str, option: str) -> None:
    """Write a module.

    Args:
        path: The file; folders that are not there are made.
        text: Its source.
        option: The option that names it.

    Raises:
        click.BadParameter: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)
    except OSError as error:
        raise click.BadParameter(f"it cannot be written: {error.strerror}", param_hint=option) from None
