"""A conversation in a terminal: what is said, and what is shown of the answers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Markdown
from rich.padding import Padding
from rich.segment import Segment

from cxfulfill.cli.call import stranger, twice_told
from cxfulfill.cli.call_options import begun_session
from cxfulfill.cli.call_report import attempts, details, hint, verdict
from cxfulfill.cli.messages import Messages
from cxfulfill.cli.outline import Line, show
from cxfulfill.cli.targets import Target
from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.conversations import recorded, write_conversation
from cxfulfill.simulator.printable import printable
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.simulator import Input, Simulator
from cxfulfill.simulator.tags import known_tags
from cxfulfill.simulator.turns import Turn

_INDENT: Final = (0, 0, 0, 2)


@dataclass(slots=True)
class Armed:
    """What is to happen to the next call.

    Attributes:
        twice: It is delivered twice.
        lost: Its first answer is lost.
        stranger: It has a wrong credential.
    """

    twice: bool = False
    lost: bool = False
    stranger: bool = False


@dataclass(slots=True)
class Chat:
    """A conversation.

    Attributes:
        aim: What is called.
        console: Where answers are shown.
        language: The user's language.
        tag: The tag that turns lead to; empty for none yet.
        armed: What is to happen to the next call.
        collected: What the next turn fills the page's form with.
        messages: The messages of the last answer, whose choices have numbers.
        has_failed: Whether a call has raised an event, or a line could not be done.
    """

    aim: Target
    console: Console
    language: str = "en"
    tag: str = ""
    armed: Armed = field(default_factory=Armed)
    collected: dict[str, Any] = field(default_factory=dict)
    messages: Messages = field(default_factory=lambda: Messages(numbered=True))
    has_failed: bool = False
    simulator: Simulator = field(init=False)

    def begin(self, session: str | None = None) -> None:
        """Begin a session.

        Args:
            session: Its id or full name; None for a new one.

        Raises:
            click.UsageError: The name is none, or there is no credential for it.
        """
        begun = begun_session(session, self.language, self.aim.webhook)
        self.aim.caller.credential = self.aim.credential(begun.name)
        self.simulator = Simulator(begun, self.aim.caller)
        self.armed, self.collected, self.messages = Armed(), {}, Messages(numbered=True)

    @property
    def tags(self) -> list[str]:
        """The application's tags and patterns, without that of its fallback; none where it runs elsewhere."""
        return known_tags(self.aim.webhook)

    def say(self, turn: Turn) -> None:
        """Make a call, and show what comes back.

        Args:
            turn: What the user does.

        Raises:
            ConfigurationError: No tag is chosen, or the session is over.
        """
        if not self.tag:
            raise ConfigurationError("choose first what is called: /tag TAG")
        if self.simulator.session.state.ended:
            raise ConfigurationError("the session is over: /new begins another one")
        wanted = Input(tag=self.tag, turn=turn, collected=self.collected)
        armed, self.armed, self.collected = self.armed, Armed(), {}
        caller = self._caller(armed)
        if armed.twice:
            first, second = caller.make_twice(wanted)
            self.show(first)
            self.note(twice_told(first, second))
        else:
            self.show(caller.make(wanted, fault="lost" if armed.lost else "none"))

    def choose(self, number: int) -> None:
        """Click on what has a number.

        Args:
            number: The number, of `choices`.

        Raises:
            ConfigurationError: A click on it opens a link; or as for `say`.
        """
        choice = self.messages.choices[number - 1]
        if choice.kind == "link":
            raise ConfigurationError("a click on it opens its link, and says nothing to the agent")
        self.say(Turn.of(choice.kind, choice.value))

    def again(self) -> None:
        """Deliver the last call again.

        Raises:
            ConfigurationError: There is none.
        """
        self.show(self.simulator.repeat(self.last))

    @property
    def last(self) -> Result:
        """The last call.

        Raises:
            ConfigurationError: There is none.
        """
        if not self.simulator.results:
            raise ConfigurationError("there is no call yet")
        return self.simulator.results[-1]

    def save(self, file: Path) -> int:
        """Write the calls of the session into a new file.

        Args:
            file: The file.

        Returns:
            The number of calls.

        Raises:
            ConfigurationError: It cannot be written, or is there already.
        """
        calls = [recorded(result) for result in self.simulator.results]
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(write_conversation(calls))
        except OSError as error:
            raise ConfigurationError(f"the file cannot be written: {error.strerror}") from None
        return len(calls)

    def show(self, result: Result) -> None:
        """Show what came back.

        Args:
            result: What became of the call.
        """
        self.has_failed |= not result.ok
        self.messages = Messages(numbered=True)
        for message in result.messages:
            shown = self.messages.show(message)
            if shown.markdown is not None and self.console.is_terminal:
                self.console.print(Padding(_Rendered(shown.markdown), _INDENT))
                show(shown.others, self.console, depth=1)
            else:
                show(shown.lines, self.console, depth=1)
        self.note(*_told(result), *hint(self.aim.webhook, result))

    def note(self, *lines: Line) -> None:
        """Show what is no message of the webhook.

        Args:
            lines: The lines.
        """
        show([replace(line, text=f"- {line.text}") for line in lines], self.console)

    def _caller(self, armed: Armed) -> Simulator:
        if not armed.stranger:
            return self.simulator
        try:
            return self.simulator.as_caller(stranger(self.simulator.caller.credential))
        except click.UsageError as error:
            raise ConfigurationError(error.message) from None


def _told(result: Result) -> Iterator[Line]:
    if not result.ok:
        yield from verdict(result)
    if result.replayed:
        yield Line("This is the answer of an earlier delivery: no handler has run for it.")
    if result.ok and not result.messages:
        yield Line("There is no message in the answer.")
    yield from details(result)
    yield from attempts(result)


class _Rendered:
    """Markdown that others have written: nothing of it acts on the terminal, and links show where they lead."""

    def __init__(self, text: str) -> None:
        self._markdown = Markdown("\n".join(map(printable, text.split("\n"))), hyperlinks=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._markdown, options):
            # A reference such as &#x202e; is no such character before it is rendered.
            yield Segment("\n".join(map(printable, segment.text.split("\n"))), segment.style)
