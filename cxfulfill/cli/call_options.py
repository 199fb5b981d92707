"""What ``cxfulfill call`` is told: the request, and how it is delivered."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from cxfulfill.cli.call_values import checked_turn, named_value, values_of
from cxfulfill.cli.options import with_options
from cxfulfill.errors import BadRequest, ConfigurationError
from cxfulfill.protocol.json import loads
from cxfulfill.simulator import wire
from cxfulfill.simulator.documents import named_session, tag_of, with_fresh_ids
from cxfulfill.simulator.restoring import restore
from cxfulfill.simulator.served import whose
from cxfulfill.simulator.session import Session
from cxfulfill.simulator.simulator import Input, Ready
from cxfulfill.simulator.turns import Turn
from cxfulfill.webhook import Webhook

T = TypeVar("T")
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_TURNS: Final[Mapping[str, str]] = {
    "text": "What the user types.",
    "transcript": "What the user says on the phone.",
    "digits": "Keys that the user presses.",
    "event": "An event that is triggered.",
    "intent": "An intent that is triggered, by its display name.",
}
_OPTIONS: Final = (
    click.option("--param", "params", multiple=True, metavar="NAME=VALUE",
                 help='A session parameter: nights=3, room-type=double, check-in={"year":2030,"month":6,"day":14}.'),
    click.option("--params", "params_file", type=_FILE, metavar="FILE", help="Session parameters: a JSON object."),
    *(click.option(f"--{name}", metavar="TEXT", help=told) for name, told in _TURNS.items()),
    click.option("--page", metavar="NAME", help="Where the session is: a page's display name, id or full name."),
    click.option("--form", multiple=True, metavar="NAME[=VALUE]",
                 help="A parameter of the page's form; without a value it is empty."),
    click.option("--session", metavar="ID", help="The session's id, or its full name."),
    click.option("--language", metavar="CODE", help="The user's language; en by default."),
    click.option("--request", "file", type=_FILE, metavar="FILE",
                 help="A WebhookRequest to send as it stands, in place of all these."),
    click.option("--fresh-ids", is_flag=True, help="Give it new ids of call and session, so that it is no retry."),
)  # fmt: skip


request_options = with_options(_OPTIONS)
"""Gives a command the options of `made_input` and `read_request`."""


def check_request(tag: str | None, file: Path | None, *, fresh_ids: bool, given: Mapping[str, Any]) -> None:
    """Check that the options of a request go together.

    Args:
        tag: The tag, or None.
        file: The file, or None.
        fresh_ids: Whether it gets new ids.
        given: The options that make a request.

    Raises:
        click.UsageError: They do not.
    """
    if (tag is None) == (file is None):
        raise click.UsageError("give one of TAG and --request FILE")
    if file is None and fresh_ids:
        raise click.UsageError("--fresh-ids goes with --request: without it, ids are new anyway")
    if file is not None and any(given.values()):
        raise click.UsageError("--request FILE is sent as it stands: it takes no option that makes a request")


def begun_session(name: str | None, language: str | None, webhook: Webhook | None) -> Session:
    """Begin the session of a call.

    Args:
        name: Its id or full name; None for a new one.
        language: The user's language; None for English.
        webhook: The application; None where it runs elsewhere.

    Returns:
        The session; by default of an agent that the application serves.

    Raises:
        click.BadParameter: The name is none.
    """
    code = language or "en"
    if name and "/" in name:
        return _read("--session", lambda: named_session(name, code))
    return Session(session_id=name or "", language=code, **whose(webhook))


def made_input(tag: str, options: Mapping[str, Any]) -> Input:
    """Make a call of the options.

    Args:
        tag: The tag.
        options: The options by name.

    Returns:
        The call.

    Raises:
        click.UsageError: One of them cannot be read.
    """
    parameters = {} if options["params_file"] is None else _file_values(options["params_file"])
    parameters |= _read("--param", lambda: values_of(options["params"]))
    form = _read("--form", lambda: dict(named_value(each) if "=" in each else (each, None) for each in options["form"]))
    return Input(
        tag=tag,
        turn=_turn(options),
        parameters=parameters,
        page=options["page"],
        form=form if options["form"] else None,
    )


def read_request(file: Path, *, fresh_ids: bool) -> tuple[Session, Ready]:
    """Read a WebhookRequest of a file.

    Args:
        file: The file.
        fresh_ids: Whether it gets new ids.

    Returns:
        Its session, and the request; bytes that are no JSON object are sent as well, as those of no session.

    Raises:
        click.BadParameter: It is to get new ids, and is no JSON object.
    """
    body = _bytes("--request", file)
    try:
        document = loads(body)
    except BadRequest:
        document = None
    if fresh_ids:
        if not isinstance(document, dict):
            raise click.BadParameter("the file is no JSON object that ids could be given to", param_hint="--request")
        document = with_fresh_ids(document)
        try:
            body = wire.dumps(document)
        except OverflowError:
            raise click.BadParameter("a number in it is beyond the range of a double", param_hint="--request") from None
    request = document if isinstance(document, dict) else {}
    session = restore(request)
    return session, Ready(tag_of(request), request, body, session.state)


def _turn(options: Mapping[str, Any]) -> Turn:
    given = [(name, options[name]) for name in _TURNS if options[name] is not None]
    if len(given) > 1:
        raise click.UsageError(f"a turn has one of {', '.join(f'--{name}' for name in _TURNS)}")
    if not given:
        return Turn()
    [(name, value)] = given
    return _read(f"--{name}", lambda: checked_turn("dtmf" if name == "digits" else name, value))


def _file_values(file: Path) -> dict[str, Any]:
    try:
        document = loads(_bytes("--params", file))
    except BadRequest as error:
        raise click.BadParameter(f"the file is no JSON ({error.reason})", param_hint="--params") from None
    if not isinstance(document, dict):
        raise click.BadParameter("the file is no JSON object", param_hint="--params")
    return _read("--params", lambda: values_of(f"{name}={json.dumps(value)}" for name, value in document.items()))


def _bytes(option: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise click.BadParameter(f"the file cannot be read ({error.strerror})", param_hint=option) from None


def _read(option: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
