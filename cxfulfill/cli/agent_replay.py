"""``cxfulfill agent replay``: the webhook calls of recorded test cases are made again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from cxfulfill.agent.assets import TestCase
from cxfulfill.agent.inspected import Inspected
from cxfulfill.agent.model import Agent
from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.agent_turns import Again, Replaying
from cxfulfill.cli.outline import Kind, Line, heading, show, texts
from cxfulfill.cli.targets import Target, target, target_options
from cxfulfill.simulator.changes import NOTHING, Change

Cases = list[tuple[TestCase, list[Again]]]
_SHOWN: Final = 100
"""Characters of a value that are shown."""
_LIMITS: Final = (
    "No recording has what webhooks answered: payloads, messages other than texts, and answers of flexible webhooks"
    " cannot be compared. Static messages of the agent are not in the requests."
)


@click.command("replay")
@click.argument("export", type=click.Path(exists=True, path_type=Path))
@target_options
@click.option(
    "--webhook",
    "chosen",
    multiple=True,
    metavar="NAME",
    help="A webhook of the agent that leads there; by default its URL tells, and for --url all do.",
)
@click.option("--test", "names", multiple=True, metavar="NAME", help="Only the test case of this name.")
@click.option(
    "--json",
    "report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what became of each turn into this file, too.",
)
@click.pass_context
def replay(
    ctx: click.Context, /, export: Path, chosen: tuple[str, ...], names: tuple[str, ...], report: Path | None,
    **options: Any,
) -> None:  # fmt: skip
    """Make the webhook calls of an agent's test cases again, and show which effects are not the recorded ones.

    EXPORT is the zip of an agent that was exported as JSON package, or its folder. Its test cases tell page, intent and
    session parameters after each turn, and not what was called: that is worked out from the agent, and where several
    fulfillments may have run, none is called.

    The exit code is 0 where no effect differs, 1 where one does, 2 where nothing could be begun.
    """
    agent = read_agent(export)
    wanted = _wanted(agent, names)
    aim = target(**options)
    try:
        replaying = Replaying(agent, aim, _ours(agent, aim, chosen))
        cases = [(case, list(replaying.case(case))) for case in wanted]
    finally:
        aim.close()
    if report is not None:
        _write(report, agent, cases)
    show(
        heading(case.name, *map(_told, filter(_is_shown, turns))) for case, turns in cases if any(map(_is_shown, turns))
    )
    turns = [turn for _, each in cases for turn in each]
    show(_summary(turns))
    ctx.exit(1 if any(turn.is_different for turn in turns) else 0)


def _wanted(agent: Agent, names: tuple[str, ...]) -> list[TestCase]:
    if missing := set(names) - {case.name for case in agent.test_cases}:
        raise click.BadParameter(f"the agent has no test case {min(missing)!r}", param_hint="--test")
    return [case for case in agent.test_cases if not names or case.name in names]


def _ours(agent: Agent, aim: Target, chosen: tuple[str, ...]) -> frozenset[str]:
    if missing := set(chosen) - agent.webhook_of.keys():
        raise click.BadParameter(f"the agent has no webhook {min(missing)!r}", param_hint="--webhook")
    if aim.webhook is not None:
        return Inspected(agent, aim.webhook, frozenset(chosen)).ours
    return frozenset(chosen or agent.webhook_of)


def _is_shown(turn: Again) -> bool:
    return bool(turn.is_different or turn.open)


def _told(turn: Again) -> Line:
    title = f"turn {turn.walked.number}"
    if turn.open:
        return Line(f"{title}: cannot be told", Kind.OPEN, texts(f"{turn.open[0].upper()}{turn.open[1:]}."))
    below = texts(*filter(None, (*map(_line, turn.changes), turn.failed)))
    return Line(f"{title}: tag {', '.join(turn.tags)}", Kind.BAD, below)


def _line(change: Change) -> str:
    # Texts that were recorded may be the agent's own, so that a new one has no counterpart.
    before = "not recorded" if change.place == "text" and change.before is NOTHING else _value(change.before)
    return f"{change.place}: {before} -> {_value(change.after)}"


def _value(value: Any) -> str:
    if value is NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _summary(turns: list[Again]) -> Iterator[Line]:
    called = [turn for turn in turns if turn.tags]
    changed = sum(turn.is_different for turn in called)
    unknown = sum(bool(turn.open) for turn in turns)
    if not turns:
        yield Line("There is no test case in it.")
        return
    counts = f"{_number(len(turns))}: {len(called)} with calls, {changed} changed, {unknown} cannot be told."
    yield Line(counts, Kind.BAD if changed else Kind.OPEN if unknown else Kind.GOOD)
    yield Line(_LIMITS)


def _number(count: int) -> str:
    return "1 turn" if count == 1 else f"{count} turns"


def _write(path: Path, agent: Agent, cases: Cases) -> None:
    rows = [{"name": case.name, "file": case.file, "turns": list(map(_row, turns))} for case, turns in cases]
    document = {"version": 1, "agent": agent.name, "test_cases": rows, "limits": _LIMITS}
    try:
        path.write_text(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"it cannot be written: {error.strerror}", param_hint="--json") from None


def _row(turn: Again) -> dict[str, Any]:
    result = "changed" if turn.is_different else "unknown" if turn.open else "same" if turn.tags else "no call"
    members = {"turn": turn.walked.number, "result": result, "tags": list(turn.tags)}
    changes = [
        {"place": change.place}
        | {name: value for name, value in (("recorded", change.before), ("now", change.after)) if value is not NOTHING}
        for change in turn.changes
    ]
    return {**members, "changes": changes, "failed": turn.failed, "unknown": turn.open}
