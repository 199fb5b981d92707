"""``cxfulfill chat``: a conversation with a webhook, in the terminal or from a file."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.console import Console

from cxfulfill.cli.chat_commands import Quit, do, words_for
from cxfulfill.cli.chatting import Chat
from cxfulfill.cli.outline import Kind, Line, show
from cxfulfill.cli.targets import target, target_options
from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.printable import printable


@click.command()
@click.argument("tag", default="")
@target_options
@click.option("--session", metavar="ID", help="The session's id, or its full name.")
@click.option("--language", metavar="CODE", default="en", show_default=True, help="The user's language.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a call raised an event, or a line could not be done.")
@click.pass_context
def chat(ctx: click.Context, /, *, tag: str, session: str | None, language: str, strict: bool, **aim: Any) -> None:
    """Talk to a webhook as CX does: cxfulfill chat welcome --app main:webhook.

    A line is what the user types; commands begin with a slash, and /help tells them. Standard input may be a file of
    such lines.

    With --app the application runs here, on its own credentials, and remembers calls in memory; what its handlers do
    is done. With --url it is called where it is served.
    """
    aimed = target(**aim)
    talk = Chat(aim=aimed, console=Console(), language=language, tag=tag)
    try:
        talk.begin(session)
        _hold(talk)
    finally:
        aimed.close()
    ctx.exit(1 if strict and talk.has_failed else 0)


def _hold(talk: Chat) -> None:
    lines = _typed(talk) if sys.stdin.isatty() else _read(talk)
    if not talk.tag:
        talk.note(Line("No tag is chosen: /tag TAG chooses what is called, and /help tells the rest."))
        talk.note(*(Line(f"Tags: {', '.join(talk.tags)}") for _ in talk.tags[:1]))
    for line in lines:
        try:
            do(talk, line)
        except Quit:
            return
        except (ConfigurationError, click.UsageError) as problem:
            talk.has_failed = True
            talk.note(Line(str(problem), Kind.BAD))


def _prompt(talk: Chat) -> str:
    return f"{printable(talk.tag)}> "


def _read(talk: Chat) -> Iterator[str]:
    """Read lines of a file; they are shown, so that what is printed can be read as a conversation."""
    for line in sys.stdin:
        text = line.rstrip("\r\n")
        show([Line(f"{_prompt(talk)}{text}")], talk.console)
        yield text


def _typed(talk: Chat) -> Iterator[str]:
    """Read lines that a person types, until the end of the input or Ctrl-C."""
    _complete(lambda line: words_for(talk, line))
    while True:
        try:
            yield input(_prompt(talk))
        except (EOFError, KeyboardInterrupt):
            talk.console.print()
            return


def _complete(words: Callable[[str], Iterator[str]]) -> None:
    """Let the Tab key complete words, where the Python at hand can do so."""
    try:
        import readline  # noqa: PLC0415 - not in every build of Python
    except ImportError:
        return

    def complete(text: str, state: int) -> str | None:
        found = [word for word in words(readline.get_line_buffer()) if word.startswith(text)]
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" ")
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
