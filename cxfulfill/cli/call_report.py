"""What became of a call, in lines: for ``cxfulfill call`` and ``cxfulfill chat``."""

import json
from collections.abc import Iterator

from cxfulfill.cli.messages import Messages
from cxfulfill.cli.outline import Kind, Line, commands, heading, texts
from cxfulfill.records import CallRecord
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.tags import tag_hint
from cxfulfill.simulator.telling import changed, instead, said, short
from cxfulfill.webhook import Webhook


def report(result: Result) -> Line:
    """Tell a call.

    Args:
        result: What became of it.

    Returns:
        Its heading, and all below it.
    """
    messages = Messages(numbered=False)
    shown = [line for message in result.messages for line in messages.show(message).lines]
    parts = [
        *verdict(result),
        *([heading("Messages", *shown)] if shown else ()),
        *details(result),
        *attempts(result),
        *stages(result),
    ]
    return heading(_head(result), *parts)


def verdict(result: Result) -> Iterator[Line]:
    """Tell what CX makes of the answer.

    Args:
        result: What became of the call.

    Yields:
        The sentence, and what there is to know of a failure.
    """
    yield Line(result.verdict.sentence, Kind.GOOD if result.ok else Kind.BAD)
    if result.event:
        yield Line(
            f"The agent gets the event {result.event}, unless the route that calls the webhook has a transition target:"
            " then it goes on as if nothing had happened."
        )
    yield from _why(result)


def details(result: Result) -> Iterator[Line]:
    """Tell what the answer does to the session, and what is to be said of it.

    Args:
        result: What became of the call.

    Yields:
        What there is.
    """
    merged = result.merged
    if told := instead(result):
        yield Line(f"{told[:1].upper()}{told[1:]}.", Kind.OPEN)
    if merged.parameters:
        yield heading("Session parameters", *texts(*map(changed, merged.parameters)))
    if merged.form:
        yield heading("Form", *texts(*map(changed, merged.form)))
    yield from (Line(f"The agent asks again for {name}.") for name in result.reprompt)
    if merged.transition:
        yield Line(f"The session goes to the page {_page(result)}.")
    if result.ended:
        yield Line("The session is over.")
    if merged.payload:
        yield Line(f"For the caller of detect intent: {short(dict(merged.payload))}")
    # The verdict's sentence tells of what makes CX refuse the answer; all of it is here.
    for each in result.findings:
        yield Line(f"{each.severity}: {each}", Kind.BAD if each.severity == "error" else Kind.OPEN)


def attempts(result: Result) -> tuple[Line, ...]:
    """Tell of the attempts of a call that took several.

    Args:
        result: What became of it.

    Returns:
        A heading with them; nothing for one attempt.
    """
    made = result.delivery.attempts
    if len(made) == 1:
        return ()
    told = (f"{each.seconds * 1000:.1f} ms: {each.detail or 'answered'}" for each in made)
    return (heading("Attempts", *texts(*(f"{number}. {each}" for number, each in enumerate(told, 1)))),)


def stages(result: Result) -> tuple[Line, ...]:
    """Tell how long the stages of a call took in this process.

    Args:
        result: What became of it.

    Returns:
        A line; nothing where the application runs elsewhere.
    """
    if result.record is None:
        return ()
    told = (f"{name} {value:.1f} ms" for name, value in stage_times(result.record).items())
    return (Line(f"Stages: {', '.join(told)}"),)


def stage_times(record: CallRecord) -> dict[str, float]:
    """Give the milliseconds of a call's stages.

    Args:
        record: Its record.

    Returns:
        Milliseconds by stage.
    """
    return {"authentication": record.auth_ms, "store": record.store_ms, "handler": record.handler_ms}


def hint(webhook: Webhook | None, result: Result) -> tuple[Line, ...]:
    """Tell which tags there are, where a call's tag has no handler.

    Args:
        webhook: The application; None where it runs elsewhere.
        result: What became of the call.

    Returns:
        Some lines; nothing where it has one, or nobody came to look for it.
    """
    told = tag_hint(webhook, result)
    return (*(Line(each, Kind.OPEN) for each in told[:1]), *texts(*told[1:]))


def raw(title: str, body: bytes) -> Line:
    """Show a body as JSON of several lines.

    Args:
        title: What it is.
        body: Its bytes; shown as they are where they are no JSON.

    Returns:
        A heading with the lines.
    """
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode(errors="backslashreplace")
    return heading(title, *commands(*text.split("\n")))


def _head(result: Result) -> str:
    parts = ["no answer" if result.status is None else f"status {result.status}"]
    parts += ["answer of an earlier delivery"] * result.replayed
    parts.append(f"{result.delivery.seconds * 1000:.1f} ms")
    turn = said(result.state.turn)
    return f"{result.tag or 'no tag'}{f' ({turn})' if turn else ''}: {', '.join(parts)}"


def _why(result: Result) -> Iterator[Line]:
    """Give the reason of a refusal or failure, as far as it is known here."""
    if result.reason:
        yield Line(f"Reason: {result.reason}; cxfulfill explain {result.reason} tells more.")
    record = result.record
    if record is None or record.reason == "ok":
        return
    yield from (Line(each) for each in (record.detail, record.note) if each)
    if record.error:
        yield Line(f"Exception: {record.error} at {record.at}")
    if record.handler:
        yield Line(f"Handler: {record.handler}")


def _page(result: Result) -> str:
    name = result.page_name.rpartition("/")[2]
    return result.page if name == result.page else f"{result.page} ({name})"
