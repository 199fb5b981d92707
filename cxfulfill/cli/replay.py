"""``cxfulfill replay``: recorded calls are sent again, and what is answered otherwise is shown."""

import json
from pathlib import Path
from typing import Any, Final

import click

from cxfulfill.cli.outline import Line, heading, show, texts
from cxfulfill.cli.targets import Target, target, target_options
from cxfulfill.recording import Recorded
from cxfulfill.simulator.changes import NOTHING, Change
from cxfulfill.simulator.conversations import ConversationError, read_files
from cxfulfill.simulator.replay import Replay, Replayed
from cxfulfill.simulator.sending import Credential

_STRANGER: Final = (401, 403)
"""Statuses of those who may not call."""
_SHOWN: Final = 100
"""Characters of a value that are shown."""


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@target_options
@click.option("--ignore", multiple=True, metavar="PATH",
              help="A member that is not compared: sessionInfo.parameters.total; * is any one step.")  # fmt: skip
@click.option("--keep-ids", is_flag=True, help="Leave ids of calls and sessions as recorded.")
@click.pass_context
def replay(ctx: click.Context, /, path: Path, ignore: tuple[str, ...], keep_ids: bool, **options: Any) -> None:
    """Send recorded calls again, and show what is answered otherwise.

    PATH is a file that CXFULFILL_RECORD or the console has written, or a folder of them. Ids of calls and sessions are
    new ones, so that no answer comes from the store that remembers calls. What was refused to a stranger is left out.

    The exit code is 0 where all answers are as recorded, 1 where one is not, 2 where nothing could be sent.
    """
    try:
        files = list(read_files(path))
    except ConversationError as error:
        raise click.BadParameter(str(error), param_hint="PATH") from None
    aim = target(**options)
    try:
        again = Replay(aim.caller, credential=lambda call: _credential(aim, call), ignored=ignore, keep_ids=keep_ids)
        calls = [(f"{name}, call {number}", again.send(call))
                 for name, recorded in files for number, call in enumerate(recorded, 1)
                 if call.status not in _STRANGER]  # fmt: skip
    finally:
        aim.close()
    changed = [(place, call) for place, call in calls if call.changes]
    left_out = sum(len(recorded) for _, recorded in files) - len(calls)
    show([*(_told(place, call) for place, call in changed), *_strangers(left_out),
          Line(_summary(len(calls), len(changed)))])  # fmt: skip
    ctx.exit(1 if changed else 0)


def _credential(aim: Target, call: Recorded) -> Credential | None:
    if not call.is_standard:
        return aim.credential(route=aim.route(call.method, call.path))
    session = call.request.get("sessionInfo") if isinstance(call.request, dict) else None
    name = session.get("session") if isinstance(session, dict) else None
    return aim.credential(name if isinstance(name, str) else "")


def _told(place: str, call: Replayed) -> Line:
    recorded = call.recorded
    what = f"tag {recorded.tag}" if recorded.tag else f"{recorded.method} {recorded.path}"
    return heading(f"{place}: {what}", *texts(*map(_line, call.changes)))


def _line(change: Change) -> str:
    return f"{change.place or 'the answer'}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    if value is NOTHING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _strangers(calls: int) -> tuple[Line, ...]:
    if not calls:
        return ()
    what = "1 call that was" if calls == 1 else f"{calls} calls that were"
    return texts(f"Left out: {what} refused to a stranger (401, 403).")


def _summary(calls: int, changed: int) -> str:
    if not calls:
        return "There is no call in it."
    sent = "1 call was sent again" if calls == 1 else f"{calls} calls were sent again"
    return f"{sent}: {f'{changed} changed' if changed else 'all as recorded'}."
