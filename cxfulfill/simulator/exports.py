"""A conversation as a file of tests, or as commands for curl."""

import pprint
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cxfulfill.simulator import wire
from cxfulfill.simulator.console_view import shown_request
from cxfulfill.simulator.page_inputs import PageRequest, TurnRequest
from cxfulfill.simulator.result import Result

_VERBS: Final = {"text": "say", "transcript": "speak", "dtmf": "press", "event": "event", "intent": "trigger"}
_WIDTH: Final = 90
_ID: Final = "detectIntentResponseId"
_ID_OPENS: Final = f'"{_ID}": "'
_HEADER: Final = '''"""A conversation that was exported by cxfulfill console. Run it with: python -m pytest {name}"""

import pytest

from cxfulfill import Webhook
from cxfulfill.testing import Cx, Turn, load_webhook


@pytest.fixture
def cx_webhook() -> Webhook:
    return load_webhook({app!r})


def test_conversation(cx: Cx) -> None:
'''


@dataclass(frozen=True, slots=True)
class Played:
    """A turn that was played.

    Attributes:
        asked: What was asked for.
        page: The page that a person has put the agent on before it; None for none.
        results: What became of its deliveries.
    """

    asked: TurnRequest
    page: PageRequest | None
    results: Sequence[Result]


def as_pytest(turns: Iterable[Played], app: str) -> str:
    """Write a conversation as a test: the same turns, with what has come of each.

    Args:
        turns: The turns.
        app: ``MODULE:NAME`` of the webhook; empty where it was called by URL.

    Returns:
        A module.
    """
    lines: list[str] = []
    for number, turn in enumerate(turns, 1):
        lines += ["", f"# turn {number}"] if number > 1 else [f"# turn {number}"]
        lines += _called(turn)
        lines += _asserted(turn)
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    header = _HEADER.format(name="test_conversation.py", app=app or "main:webhook")
    if not any(turn.startswith("first, second") for turn in lines):
        header = header.replace("import Cx, Turn, load", "import Cx, load")
    return f"{header}{body}\n"


def as_curl(turns: Iterable[Played]) -> str:
    """Write a conversation as commands for curl: a fresh id for each turn, and no credential.

    Args:
        turns: The turns.

    Returns:
        A shell script.
    """
    lines = [
        "#!/bin/sh",
        "# A conversation that was exported by cxfulfill console.",
        "# Set CX_AUTHORIZATION to what the webhook takes, such as:",
        "# Basic $(printf %s user:password | base64 | tr -d '\\n')",
    ]
    for number, turn in enumerate(turns, 1):
        for result in turn.results[:1]:
            lines += ["", f"id={shlex.quote(f'turn-{number}')}-$(date +%s)-$$", *_curl(result) * len(turn.results)]
    return "\n".join(lines) + "\n"


def _called(turn: Played) -> list[str]:
    """Write the call of a turn."""
    asked, options = turn.asked, _options(turn)
    said = asked.input
    if asked.mode.startswith("twice"):
        words = "" if said.kind == "none" else f", Turn.of({said.kind!r}, {said.value!r})"
        concurrently = ["concurrently=True"] if asked.mode == "twice-concurrently" else []
        return _call("first, second = cx.call_twice", [f"{asked.tag!r}{words}", *concurrently, *options])
    target = "cx.wrong" if asked.mode == "bad-credential" else "cx"
    if said.kind == "none":
        return _call(f"result = {target}.call", [repr(asked.tag), *options])
    return _call(f"result = {target}.{_VERBS[said.kind]}", [f"{said.value!r}, {asked.tag!r}", *options])


def _options(turn: Played) -> list[str]:
    options: dict[str, Any] = {}
    if turn.page is not None:
        options["page"] = turn.page.display_name
        if turn.page.form is not None:
            options["form"] = turn.page.form
    if turn.asked.parameters:
        options["parameters"] = turn.asked.parameters
    faults: dict[str, list[str]] = {
        "retry": ["fault='lost'"],
        "timeout": [f"fault='late', faults={len(turn.results[0].delivery.attempts)}"],
    }
    return [f"{name}={_literal(value)}" for name, value in options.items()] + faults.get(turn.asked.mode, [])


def _call(target: str, arguments: list[str]) -> list[str]:
    line = f"{target}({', '.join(arguments)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return [line]
    inner = [f"    {part}" for argument in arguments for part in f"{argument},".splitlines()]
    return [f"{target}(", *inner, ")"]


def _asserted(turn: Played) -> list[str]:
    """Write what has come of a turn."""
    if turn.asked.mode.startswith("twice"):
        return ["assert first.status == 200" if turn.results[0].status == 200 else _status("first", turn.results[0]),
                f"assert second.replayed is {turn.results[1].replayed}"]  # fmt: skip
    result = turn.results[0]
    lines = [_status("result", result)]
    lines += [f"assert result.event == {result.event!r}"] * bool(result.event)
    lines += ["assert result.replayed"] * result.replayed
    lines += _equal("result.texts", result.texts) * bool(result.texts)
    for change in result.merged.parameters:
        if change.kind == "deleted":
            lines.append(f"assert {change.name!r} not in result.parameters")
        else:
            lines += _equal(f"result.parameters[{change.name!r}]", change.after)
    lines += _equal("result.reprompt", result.reprompt) * bool(result.reprompt)
    lines += [f"assert result.page == {result.page!r}"] * bool(result.merged.transition)
    return lines


def _status(name: str, result: Result) -> str:
    return f"assert {name}.status is None" if result.status is None else f"assert {name}.status == {result.status}"


def _equal(left: str, value: Any) -> list[str]:
    text = _literal(value)
    return f"assert {left} == {text}".splitlines()


def _literal(value: Any) -> str:
    """Write a value of JSON as Python: with whole numbers as such, and long ones over several lines."""
    return pprint.pformat(_whole(value), width=_WIDTH - 20, sort_dicts=False)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list | tuple) else value


def _curl(result: Result) -> list[str]:
    outgoing = result.delivery.outgoing
    # The id's own text is put nowhere but between quotes: it may be one that a stranger has written into a file.
    member = wire.dumps({_ID: result.state.response_id}).decode().strip("{}\n ")
    before, is_there, behind = shown_request(outgoing)["body"].partition(member)
    fresh = f"""'{_ID_OPENS}'"$id"'"'""" * bool(is_there)
    body = shlex.quote(before) + fresh + (shlex.quote(behind) if behind else "")
    return [
        f"curl -sS -X POST {shlex.quote(outgoing.url)} \\",
        "  -H 'Content-Type: application/json' -H \"Authorization: $CX_AUTHORIZATION\" \\",
        f"  --data-raw {body}",
    ]
