"""``cxfulfill auth``: what to enter in CX for callers to be let in, and why one is not."""

import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import click

from cxfulfill.auth.base import Principal
from cxfulfill.cli.advice import OWN, SAID
from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.changes import advice_for
from cxfulfill.cli.claims import bearer_of, token_facts
from cxfulfill.cli.explain import Explanation, Undecided, Verdict
from cxfulfill.cli.explain import explain as run_checks
from cxfulfill.cli.instructions import instructions
from cxfulfill.cli.outline import Kind, Line, heading, show, texts
from cxfulfill.cli.tried import make_request, read_fields, read_session
from cxfulfill.errors import HttpError
from cxfulfill.http import HttpRequest

_UNREADABLE: Final = (
    "It is no JWT that can be read: an opaque token, or a copy that is cut off or redacted, as those in log lines may "
    "be."
)


@click.group()
def auth() -> None:
    """Tell who may call a webhook."""


@auth.command(context_settings={"allow_extra_args": True})
@click.option("--app", "target", required=True, metavar="MODULE:NAME", help="A Webhook, such as main:webhook.")
@click.option("--token", metavar="TOKEN", help="Try this bearer token; - reads it from standard input.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'",
              help="Try this header, repeatedly; - reads them from standard input, one a line.")  # fmt: skip
@click.option("--peer", metavar="ADDRESS", help="Try it from this address, for MutualTls behind a proxy.")
@click.option("--client-cert", "certificate", type=click.Path(path_type=Path), metavar="FILE",
              help="Try it with this client certificate (PEM or DER) on the connection.")  # fmt: skip
@click.option("--session", metavar="NAME", help="Try it for this session, to check agent and environment too.")
@click.option("--offline", is_flag=True, help="Fetch no keys and ask nobody; tell what is checked up to there.")
@click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs.")
@click.pass_context
def explain(
    ctx: click.Context,
    target: str,
    token: str | None,
    headers: tuple[str, ...],
    peer: str | None,
    certificate: Path | None,
    session: str | None,
    offline: bool,
    on_cloud_run: bool,
) -> None:
    """Tell what to enter in CX; or, given a token, header or certificate, which check refuses it and why.

    Arguments end in the shell's history and in lists of processes: better let - read a token or header from standard
    input. Neither is ever printed. Keys are fetched, and an introspection endpoint is asked, as the app does it; every
    part of AnyOf and AllOf is asked, also one that the app would not come to.

    The exit code is 0 where the caller is accepted, 1 where it is refused or --offline leaves it open, 2 where an
    argument is wrong.
    """
    if ctx.args:  # not shown: it may be the rest of a header whose quotes were forgotten
        raise click.UsageError("there are more arguments than options: put quotes around 'Name: value'")
    tried = token is not None or certificate is not None or bool(headers)
    if not tried and (offline or peer is not None or session is not None):
        raise click.UsageError("--peer, --session and --offline go with --token, --header or --client-cert")
    name = read_session(session)
    fields = read_fields(token, headers, sys.stdin.buffer) if tried else {}
    pipeline = checked_webhook(target, on_cloud_run=on_cloud_run).pipeline()
    if not tried:
        show(instructions(pipeline))
        return
    http = make_request(pipeline.path, fields, peer=peer or "", certificate=certificate)
    explanation = run_checks(pipeline, http, name, offline=offline)
    show((*_token(http), *_checks(explanation)))
    ctx.exit(0 if isinstance(explanation.found, Principal) else 1)


def _token(http: HttpRequest) -> tuple[Line, ...]:
    token = bearer_of(http.headers.get("authorization", ""))
    if not token:
        return ()
    facts = token_facts(token, time.time())
    width = max((len(name) for name, _ in facts), default=0)
    lines = [f"{name:{width}}  {text}" for name, text in facts] or [_UNREADABLE]
    return (heading("Token", *texts(*lines)),)


def _checks(explanation: Explanation) -> tuple[Line, ...]:
    told: set[str] = set()
    head = _verdict(explanation.head, _elsewhere(explanation.head, explanation.environment), told)
    lines = [heading("Checks of the request's head", head)]
    if explanation.session:
        verdicts = (_verdict(each, frozenset(), told) for each in explanation.session)
        lines.append(heading("Checks of the session's name", *verdicts))
    found = explanation.found
    if isinstance(found, Principal):
        lines.append(Line(f"Accepted: {found.name} ({found.method})", Kind.GOOD))
        if explanation.session_is_open:
            lines.extend(texts("Agent and environment were not checked: --session names the session."))
    elif isinstance(found, Undecided):
        lines.append(Line("Not decided", Kind.OPEN))
    else:
        lines.append(Line(f"Refused: {found.status} {found.reason}; CX raises {found.event}", Kind.BAD))
    return tuple(lines)


def _elsewhere(head: Verdict, environment: str) -> frozenset[str]:
    """Give the labels of the environments that the call is not of, as far as that is known."""
    accepts = {each.label: isinstance(each.found, Principal) for each in _all(head) if each.label}
    if environment in accepts:
        return frozenset(accepts) - {environment}
    refusing = frozenset(label for label, accepted in accepts.items() if not accepted)
    return refusing if refusing != accepts.keys() else frozenset()


def _all(verdict: Verdict) -> Iterator[Verdict]:
    yield verdict
    for part in verdict.parts:
        yield from _all(part)


def _verdict(verdict: Verdict, elsewhere: Collection[str], told: set[str], *, refused: bool = True) -> Line:
    """Tell a verdict. What to change is told where it stands in a caller's way, and once."""
    refused = refused and verdict.label not in elsewhere
    inner = refused and (not isinstance(verdict.found, Principal) or bool(verdict.parts and verdict.parts[0].label))
    below = tuple(_verdict(part, elsewhere, told, refused=inner) for part in verdict.parts)
    match verdict.found:
        case Principal() as principal:
            return Line(f"{verdict.name}: accepts {principal.name}", Kind.GOOD, below)
        case Undecided(why):
            return Line(f"{verdict.name}: not decided", Kind.OPEN, below or texts(f"{why[0].upper()}{why[1:]}."))
        case error:
            advice = _advice(error, verdict.mechanism, told) if refused and not below else ()
            return Line(f"{verdict.name}: refuses, {error.status} {error.reason}", Kind.BAD, below or advice)


def _advice(error: HttpError, mechanism: str, told: set[str]) -> tuple[Line, ...]:
    advice = advice_for(error.reason, mechanism)
    # A note of ours says what the reason means, and more; one of the user's says something else.
    note = None if error.reason in SAID else error.note
    meant = [] if note and advice is not OWN else [advice.meaning]
    noted = [f"Noted by the check: {note}"] if note else []
    sentences = [each for each in (*meant, *noted, f"What to change: {advice.change}") if each not in told]
    told.update(sentences)
    return texts(*sentences)
