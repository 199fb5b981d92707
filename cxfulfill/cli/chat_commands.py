"""What a line means that is typed in ``cxfulfill chat``: words for the agent, a number, or a command with a slash."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cxfulfill.cli.call_report import raw
from cxfulfill.cli.call_values import checked_turn, named_value
from cxfulfill.cli.chatting import Chat
from cxfulfill.cli.outline import Kind, Line, heading, show, texts
from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.telling import short
from cxfulfill.simulator.turns import Kind as TurnKind


@dataclass(frozen=True, slots=True)
class Command:
    """A command with a slash.

    Attributes:
        argument: What stands behind it, for people; empty for nothing.
        told: What it does.
        run: Does it.
        needs: Whether there must be something behind it.
    """

    argument: str
    told: str
    run: Callable[[Chat, str], None]
    needs: bool = True


class Quit(Exception):
    """The conversation is over."""


def do(chat: Chat, line: str) -> None:
    """Do what a line means.

    Args:
        chat: The conversation.
        line: The line; an empty one means nothing.

    Raises:
        ConfigurationError: It cannot be done.
        Quit: It ends the conversation.
    """
    text = line.strip()
    if not text:
        return
    if text.startswith("/"):
        name, _, argument = text[1:].partition(" ")
        _run(chat, name, argument.strip())
    elif text in map(str, range(1, len(chat.messages.choices) + 1)):
        chat.choose(int(text))
    else:
        chat.say(checked_turn("text", text))


def words_for(chat: Chat, line: str) -> Iterator[str]:
    """Give what the last word of a line could be.

    Args:
        chat: The conversation.
        line: The line so far.

    Yields:
        Commands, and tags behind ``/tag``.
    """
    name, space, _ = line.lstrip().partition(" ")
    if not space and name.startswith("/"):
        yield from (f"/{each}" for each in COMMANDS)
    elif name == "/tag":
        yield from (tag for tag in chat.tags if "*" not in tag)
    elif name == "/param":
        yield from chat.simulator.session.state.parameters


def _run(chat: Chat, name: str, argument: str) -> None:
    command = COMMANDS.get(name)
    if command is None:
        raise ConfigurationError(
            "there is no such command: /help tells those there are; /text TEXT types a text with a slash"
        )
    if command.needs and not argument:
        raise ConfigurationError(f"write /{name} {command.argument}")
    command.run(chat, argument)


def _says(kind: TurnKind) -> Callable[[Chat, str], None]:
    return lambda chat, argument: chat.say(checked_turn(kind, argument))


def _tag(chat: Chat, argument: str) -> None:
    chat.tag = argument


def _param(chat: Chat, argument: str) -> None:
    session = chat.simulator.session
    name, value = named_value(argument) if "=" in argument else (argument, None)
    if value is None and name not in session.state.parameters:
        raise ConfigurationError("there is no such session parameter; /param NAME=VALUE sets one")
    session.set({name: value})


def _form(chat: Chat, argument: str) -> None:
    name, value = named_value(argument) if "=" in argument else (argument, None)
    chat.simulator.session.expect(name)
    if value is not None:
        chat.collected[name] = value


def _page(chat: Chat, argument: str) -> None:
    chat.simulator.session.goto(argument)


def _twice(chat: Chat, argument: str) -> None:
    chat.armed.twice = True
    do(chat, argument)


def _lose(chat: Chat, argument: str) -> None:
    chat.armed.lost = True
    do(chat, argument)


def _stranger(chat: Chat, argument: str) -> None:
    chat.armed.stranger = True
    do(chat, argument)


def _again(chat: Chat, argument: str) -> None:
    del argument
    chat.again()


def _new(chat: Chat, argument: str) -> None:
    chat.begin(argument or None)


def _state(chat: Chat, argument: str) -> None:
    del argument
    state = chat.simulator.session.state
    known = [f"{name} = {short(value)}" for name, value in sorted(state.parameters.items())]
    form = [f"{each.display_name}: {each.state}" for each in state.page.form or ()]
    lines = [
        Line(f"Tag: {chat.tag or 'none'}"),
        Line(f"Session: {chat.simulator.session.name}"),
        Line(f"Page: {state.page.display_name}"),
        *([heading("Form", *texts(*form))] if form else ()),
        heading("Session parameters", *texts(*known or ["none"])),
    ]
    show(lines, chat.console)


def _raw(chat: Chat, argument: str) -> None:
    del argument
    last = chat.last
    show([raw("Request", last.delivery.outgoing.body), raw("Answer", last.body)], chat.console)


def _save(chat: Chat, argument: str) -> None:
    count = chat.save(Path(argument))
    chat.note(Line(f"{count} call{'' if count == 1 else 's'} written: cxfulfill replay sends them again."))


def _help(chat: Chat, argument: str) -> None:
    del argument
    show(_helped(chat), chat.console)


def _helped(chat: Chat) -> Iterator[Line]:
    yield Line("A line is typed by the user, and leads to the current tag. A number clicks on what has it.")
    left = {name: f"/{name} {command.argument}".strip() for name, command in COMMANDS.items()}
    width = max(map(len, left.values()))
    yield from (Line(f"{left[name]:{width}}  {command.told}", Kind.COMMAND) for name, command in COMMANDS.items())
    if chat.tags:
        yield Line(f"Tags: {', '.join(chat.tags)}")


def _quit(chat: Chat, argument: str) -> None:
    del chat, argument
    raise Quit


COMMANDS: Final[Mapping[str, Command]] = {
    "tag": Command("TAG", "what turns lead to from now on", _tag),
    "text": Command("TEXT", "type a text that is a number or begins with a slash", _says("text")),
    "say": Command("TRANSCRIPT", "say something on the phone", _says("transcript")),
    "press": Command("DIGITS", "press keys of the phone", _says("dtmf")),
    "event": Command("NAME", "trigger an event", _says("event")),
    "intent": Command("NAME", "trigger an intent by its display name", _says("intent")),
    "param": Command("NAME=VALUE", "set a session parameter; /param NAME deletes it", _param),
    "page": Command("NAME", "go to a page: its display name, id or full name", _page),
    "form": Command("NAME=VALUE", "let the next turn fill a parameter of the page's form; /form NAME adds it", _form),
    "again": Command("", "deliver the last call again, as a retry", _again, needs=False),
    "twice": Command("[LINE]", "deliver the next call twice, or that of LINE", _twice, needs=False),
    "lose": Command("[LINE]", "lose its first answer, so that CX repeats it", _lose, needs=False),
    "stranger": Command("[LINE]", "make it with a wrong credential", _stranger, needs=False),
    "state": Command("", "show page, form and session parameters", _state, needs=False),
    "raw": Command("", "show the last request and answer", _raw, needs=False),
    "save": Command("FILE", "write the calls into a new file, for cxfulfill replay", _save),
    "new": Command("[ID]", "begin another session", _new, needs=False),
    "help": Command("", "show this", _help, needs=False),
    "quit": Command("", "end", _quit, needs=False),
}
"""The commands by name."""
