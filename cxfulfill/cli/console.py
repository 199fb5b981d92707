"""``cxfulfill console``: a local web page on which one talks with a webhook as a Dialogflow CX agent does."""

import signal
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from cxfulfill.cli.outline import commands, heading, show, texts
from cxfulfill.cli.targets import target, target_options
from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.console import Console
from cxfulfill.simulator.conversations import MAX_BYTES
from cxfulfill.simulator.page_inputs import ConsoleProblem
from cxfulfill.simulator.page_server import PageServer
from cxfulfill.simulator.served import whose
from cxfulfill.simulator.session import Session


@click.command()
@target_options
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port of the page; a free one by default.")
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option(
    "--load",
    "saved",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Begin with a conversation that was saved or recorded.",
)
@click.option("--agent", metavar="NAME", help="The agent that calls: projects/P/locations/L/agents/A.")
@click.option("--environment", metavar="ID", help="Id of the agent's environment; its draft by default.")
@click.option("--language", default="en", show_default=True, metavar="CODE", help="Language of the user.")
@click.option("--caller-id", default="", metavar="NUMBER", help="The number of a user who calls by telephone.")
def console(
    *, port: int, no_browser: bool, saved: Path | None, agent: str | None, environment: str | None, language: str,
    caller_id: str, **where: Any,
) -> None:  # fmt: skip
    """Talk with a webhook in the browser, as Dialogflow CX does, and see what CX makes of each answer.

    The page is served to this machine alone, and its address holds a token.
    """
    called = target(**where)
    chosen = {"language": language, "caller_id": caller_id, **whose(called.webhook)}
    chosen |= {name: value for name, value in (("agent", agent), ("environment", environment)) if value is not None}
    try:
        backend = Console(
            called.caller,
            begin=lambda: Session(**chosen),
            app=where["app"] or where["url"],
            webhook=called.webhook,
            credential=called.credential,
        )
        if saved is not None:
            _load(backend, saved)
        with PageServer(backend, port=port) as page, ended_by_kill():
            show([heading("The console is open; Ctrl-C ends it", *commands(page.url))])
            if not no_browser and is_person():
                webbrowser.open(page.url)
            page.serve_forever()
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    except KeyboardInterrupt:
        show(texts("Closed."))
    finally:
        called.close()


@contextmanager
def ended_by_kill() -> Iterator[None]:
    """Let the end that ``kill`` asks for be that of Ctrl-C, which a job in the background does not get."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def is_person() -> bool:
    """Tell whether somebody sits at the terminal."""
    return sys.stdout.isatty()


def _load(backend: Console, path: Path) -> None:
    """Begin with a conversation of a file."""
    if path.stat().st_size > MAX_BYTES:
        raise click.BadParameter("the file is too large for a conversation", param_hint="--load")
    try:
        backend.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise click.BadParameter("the file cannot be read as UTF-8", param_hint="--load") from None
    except ConsoleProblem as problem:
        raise click.BadParameter(str(problem), param_hint="--load") from None
