"""The conversation behind the console's page."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from cxfulfill.errors import ConfigurationError, ReplyError
from cxfulfill.simulator.caller import Caller
from cxfulfill.simulator.console_view import shown_call, shown_page
from cxfulfill.simulator.conversations import ConversationError, read_conversation, recorded, write_conversation
from cxfulfill.simulator.exports import Played, as_curl, as_pytest
from cxfulfill.simulator.page_inputs import (
    MAX_TEXT,
    ConsoleProblem,
    Export,
    ExportedFile,
    Mode,
    PageRequest,
    ResendRequest,
    TurnRequest,
    UserInput,
)
from cxfulfill.simulator.pages import SessionPage
from cxfulfill.simulator.restoring import delivered, restored
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Credential
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Input, Simulator
from cxfulfill.simulator.state import State, changes, same
from cxfulfill.simulator.turns import Turn
from cxfulfill.simulator.wrong import wrong_credential
from cxfulfill.webhook import Webhook

MAX_TURNS: Final = 500
"""Turns of a conversation; what is beyond is too much for a page."""
_STRANGER: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A turn that was played: what was asked for, and what became of it."""

    asked: TurnRequest
    page: PageRequest | None
    before: State
    results: tuple[Result, ...] = field(default=())


class Console:
    """A conversation that a person leads; see `cxfulfill.simulator.page_inputs.Backend`.

    Args:
        caller: Calls the webhook.
        begin: Begins a session.
        app: ``MODULE:NAME`` of the webhook, or its URL.
        webhook: The webhook; None where it runs somewhere else.
        credential: Gives what calls of a session prove themselves with, by the session's full name.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        begin: Callable[[], Session],
        app: str,
        webhook: Webhook | None,
        credential: Callable[[str], Credential | None],
    ) -> None:
        self._caller = caller
        self._begin = begin
        self._app = app
        self._webhook = webhook
        self._credential = credential
        self._turns: list[_Turn] = []
        self._page: PageRequest | None = None
        self._start(begin())

    def state(self) -> Mapping[str, Any]:
        """See `Backend.state`."""
        session = self._simulator.session
        state = session.state
        return {
            "app": self._app,
            "in_process": self._webhook is not None,
            "tags": list(_tags(self._webhook)),
            "page": shown_page(state.page),
            "session": {"name": session.name, "parameters": dict(state.parameters), "language": session.language},
            "turns": [_shown(number, turn) for number, turn in enumerate(self._turns, 1)],
            "ended": state.ended,
        }

    def turn(self, turn: TurnRequest) -> None:
        """See `Backend.turn`."""
        if len(self._turns) >= MAX_TURNS:
            raise ConsoleProblem(f"A conversation has {MAX_TURNS} turns at most: save it, and begin a new one.")
        before = self._simulator.session.state
        results = self._played(turn)
        self._turns.append(_Turn(turn, self._page, before, results))
        self._page = None

    def resend(self, turn: ResendRequest) -> None:
        """See `Backend.resend`."""
        if turn.number > len(self._turns):
            raise ConsoleProblem("There is no such turn.")
        old = self._turns[turn.number - 1]
        now = self._simulator.session.state
        self._simulator.session.state = old.before
        asked = TurnRequest.model_validate(turn.model_dump(exclude={"number"}))
        try:
            results = self._played(asked)
        except ConsoleProblem:
            self._simulator.session.state = now
            raise
        self._turns[turn.number - 1 :] = [_Turn(asked, old.page, old.before, results)]
        self._page = None

    def set_page(self, page: PageRequest) -> None:
        """See `Backend.set_page`."""
        session = self._simulator.session
        with _told():
            found = session.find_page(page.display_name.strip() or "START_PAGE")
            session.goto(SessionPage.of(found.name, found.display_name, page.form))
        self._page = page

    def reset(self) -> None:
        """See `Backend.reset`."""
        self._turns, self._page = [], None
        self._start(self._begin())

    def save(self) -> str:
        """See `Backend.save`."""
        return write_conversation(recorded(result) for turn in self._turns for result in turn.results)

    def load(self, text: str) -> None:
        """See `Backend.load`."""
        try:
            calls = [each for each in read_conversation(text) if each.is_standard and isinstance(each.request, dict)]
        except ConversationError as error:
            raise ConsoleProblem(f"The conversation cannot be read: {error}.") from None
        if not calls:
            raise ConsoleProblem("There is no call of a standard webhook in it.")
        turns: list[_Turn] = []
        state = self._begin().state
        for call in calls[:MAX_TURNS]:
            session, result = restored(call.tag, call.request, delivered(call, self._caller.url))
            if len(result.before.turn.shown) > MAX_TEXT:
                raise ConsoleProblem(f"A user says more than {MAX_TEXT} characters in it.")
            if turns and _is_other_delivery(result, turns[-1]):
                turns[-1] = replace(
                    turns[-1],
                    asked=turns[-1].asked.model_copy(update={"mode": "twice"}),
                    results=(*turns[-1].results, result),
                )
            else:
                turns.append(_turn_of(result, state))
            state = result.state
        self._turns, self._page = turns, None
        self._start(session)

    def export(self, form: Export) -> ExportedFile:
        """See `Backend.export`."""
        played = [Played(turn.asked, turn.page, turn.results) for turn in self._turns]
        if not played:
            raise ConsoleProblem("There is nothing to export yet: send something first.")
        if form == "curl":
            return ExportedFile("conversation.sh", as_curl(played))
        return ExportedFile("test_conversation.py", as_pytest(played, self._app if self._webhook else ""))

    def _start(self, session: Session) -> None:
        self._simulator = Simulator(session, self._caller)
        self._caller.credential = self._credential(session.name)

    def _played(self, asked: TurnRequest) -> tuple[Result, ...]:
        with _told():
            turn = Turn.of(asked.input.kind, asked.input.value.strip())
            wanted = Input(tag=asked.tag, turn=turn, parameters=asked.parameters or {})
            if asked.mode == "retry":
                return (self._simulator.make(wanted, fault="lost"),)
            if asked.mode == "timeout":
                return (self._simulator.make(wanted, fault="late", faults=self._caller.retries + 1),)
            if asked.mode == "bad-credential":
                return (self._stranger().make(wanted),)
            if asked.mode == "once":
                return (self._simulator.make(wanted),)
            return self._simulator.make_twice(wanted, concurrently=asked.mode == "twice-concurrently")

    def _stranger(self) -> Simulator:
        right = self._caller.credential
        if right is None:
            raise ConfigurationError("there is no credential that could be wrong: calls prove themselves with nothing")
        return self._simulator.as_caller(wrong_credential(right))


def _is_other_delivery(result: Result, turn: _Turn) -> bool:
    """Tell whether a recorded call is the second delivery of the call before."""
    return len(turn.results) == 1 and result.replayed and result.request == turn.results[0].request


def _turn_of(result: Result, before: State) -> _Turn:
    """Tell what was asked for, so that a recorded call became what it is in a session that was so before."""
    now, said = result.before, result.before.turn
    is_elsewhere = now.page.name != before.page.name or not same(now.page.values, before.page.values)
    page = PageRequest(display_name=now.page.display_name, form=now.page.values or None) if is_elsewhere else None
    mode: Mode = "retry" if result.replayed else "bad-credential" if result.status in _STRANGER else "once"
    asked = TurnRequest(
        input=UserInput(kind=said.kind, value=said.shown),
        tag=result.tag,
        parameters={each.name: each.after for each in changes(before.parameters, now.parameters)},
        mode=mode,
    )
    return _Turn(asked, page, now, (result,))


@contextmanager
def _told() -> Iterator[None]:
    """Tell a person what cannot be done, in the words of whoever refuses it."""
    try:
        yield
    except (ConfigurationError, ReplyError) as error:
        sentence = str(error)
        raise ConsoleProblem(f"{sentence[:1].upper()}{sentence[1:]}.") from None


def _shown(number: int, turn: _Turn) -> dict[str, Any]:
    return {
        "number": number,
        "input": turn.asked.input.model_dump(),
        "tag": turn.asked.tag,
        "parameters": turn.asked.parameters or {},
        "mode": turn.asked.mode,
        "calls": [shown_call(result) for result in turn.results],
    }


def _tags(webhook: Webhook | None) -> Iterable[dict[str, str]]:
    for entry in webhook.entries() if webhook is not None else ():
        narrowed = {each.name: getattr(entry.narrowing, each.name) for each in fields(entry.narrowing)}
        yield {"tag": entry.tag, **{name: " or ".join(values) for name, values in narrowed.items() if values}}
