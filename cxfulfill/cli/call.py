"""``cxfulfill call``: one call as CX makes it, and what CX would make of the answer."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from cxfulfill.cli.call_document import document
from cxfulfill.cli.call_options import begun_session, check_request, made_input, read_request, request_options
from cxfulfill.cli.call_report import hint, raw, report
from cxfulfill.cli.curl import Variables, curl_line
from cxfulfill.cli.outline import Kind, Line, show
from cxfulfill.cli.targets import AIM, Target, target, target_options
from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Credential
from cxfulfill.simulator.simulator import Ready, Simulator
from cxfulfill.simulator.wrong import wrong_credential

_MAKING: Final = (
    "params", "params_file", "text", "transcript", "digits", "event", "intent", "page", "form", "session", "language",
)  # fmt: skip


@click.command()
@click.argument("tag", required=False)
@target_options
@request_options
@click.option("--twice", is_flag=True, help="Deliver it twice, with the same bytes.")
@click.option("--concurrently", is_flag=True, help="The same, the second while the first still runs.")
@click.option("--lose-answer", is_flag=True, help="Lose the first answer, so that CX repeats the call by itself.")
@click.option("--without-credential", is_flag=True, help="Send no credential.")
@click.option("--wrong-credential", is_flag=True, help="Send a wrong one of the right kind.")
@click.option("--show", "shown", type=click.Choice(["request", "answer", "all"]), help="Show the JSON too.")
@click.option("--curl", "as_curl", is_flag=True, help="Call nothing: print a curl line, without secrets.")
@click.option("--json", "as_json", is_flag=True, help="Tell it in JSON.")
@click.pass_context
def call(ctx: click.Context, /, tag: str | None, **options: Any) -> None:
    """Call a webhook once, and show what CX makes of the answer: cxfulfill call book-room --app main:webhook.

    With --app the application runs here, on its own credentials, and remembers calls in memory; what its handlers do
    is done. With --url it is called where it is served.

    The exit code is 0 where CX takes the answer, 1 where it raises an event, 2 where the command is wrong.
    """
    given = {name: options[name] for name in _MAKING}
    check_request(tag, options["file"], fresh_ids=options["fresh_ids"], given=given)
    _check_delivery(options)
    aim = target(**{name: options[name] for name in AIM})
    try:
        simulator, ready = _prepared(aim, tag, options)
        if options["as_curl"]:
            _print_curl(aim, simulator, ready, options)
            return
        results = _delivered(simulator, ready, options)
    finally:
        aim.close()
    if options["as_json"]:
        click.echo(json.dumps(document(*results), indent=2))
    else:
        show(_lines(aim, results, options["shown"]))
    ctx.exit(0 if all(result.ok for result in results) else 1)


def _check_delivery(options: dict[str, Any]) -> None:
    if options["lose_answer"] and (options["twice"] or options["concurrently"]):
        raise click.UsageError("--lose-answer does not go with --twice: CX repeats the call by itself")
    if options["without_credential"] and options["wrong_credential"]:
        raise click.UsageError("give one of --without-credential and --wrong-credential")
    if options["as_curl"] and (options["as_json"] or options["shown"]):
        raise click.UsageError("--curl prints nothing else: leave out --json and --show")


def _prepared(aim: Target, tag: str | None, options: dict[str, Any]) -> tuple[Simulator, Ready]:
    if tag is None:
        session, ready = read_request(options["file"], fresh_ids=options["fresh_ids"])
        simulator = Simulator(session, aim.caller)
    else:
        wanted = made_input(tag, options)
        simulator = Simulator(begun_session(options["session"], options["language"], aim.webhook), aim.caller)
        ready = simulator.prepare(wanted)
    aim.caller.credential = _credential(aim, simulator.session.name, options)
    return simulator, ready


def _credential(aim: Target, session: str, options: dict[str, Any]) -> Credential | None:
    if options["without_credential"]:
        return None
    right = aim.credential(session)
    return stranger(right) if options["wrong_credential"] else right


def stranger(right: Credential | None) -> Credential:
    """Make a wrong credential.

    Args:
        right: The right one.

    Returns:
        One of the same kind.

    Raises:
        click.UsageError: There is none.
    """
    try:
        if right is not None:
            return wrong_credential(right)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    raise click.UsageError("there is no credential that could be wrong: name one, or call without")


def _delivered(simulator: Simulator, ready: Ready, options: dict[str, Any]) -> tuple[Result, ...]:
    if options["twice"] or options["concurrently"]:
        return simulator.send_twice(ready, concurrently=options["concurrently"])
    return (simulator.send(ready, fault="lost" if options["lose_answer"] else "none"),)


def _lines(aim: Target, results: tuple[Result, ...], shown: str | None) -> Iterator[Line]:
    yield from (report(result) for result in results)
    if len(results) > 1:
        yield twice_told(*results)
    yield from hint(aim.webhook, results[0])
    if shown in ("request", "all"):
        yield raw("Request", results[0].delivery.outgoing.body)
    if shown in ("answer", "all"):
        yield from (raw("Answer", result.body) for result in results)


def twice_told(first: Result, second: Result) -> Line:
    """Tell whether a call that was delivered twice has run twice.

    Args:
        first: What became of the delivery that has run.
        second: What became of the other one.

    Returns:
        A line.
    """
    if second.replayed:
        return Line("The second delivery got the answer of the first: nothing ran twice.", Kind.GOOD)
    if first.ok and second.ok:
        return Line("The second delivery was answered anew: the handler ran twice, or is not remembered.", Kind.OPEN)
    return Line("There was no answer yet that the second delivery could get.", Kind.OPEN)


def _print_curl(aim: Target, simulator: Simulator, ready: Ready, options: dict[str, Any]) -> None:
    variables = Variables.of(options["password_env"], options["header_env"])
    file: Path | None = None if options["fresh_ids"] else options["file"]
    line = curl_line(ready.body, aim.caller.url, simulator.caller.credential, variables, file)
    click.echo(line)
    missing = [name for name in variables.in_line(line) if name not in os.environ]
    if missing:
        told = (
            f"the {'password' if name == variables.password else 'whole value of the header'} in {name}"
            for name in missing
        )
        click.echo(f"Put {' and '.join(told)} before.", err=True)
