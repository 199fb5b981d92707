"""``cxfulfill load``: calls as CX makes them, for a while, and how a running webhook takes them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import IO, Any

import click
from rich.console import Console

from cxfulfill.cli.credentials import HEADER_OPTIONS, named_credential
from cxfulfill.cli.load_options import target_of, weights_of
from cxfulfill.cli.load_report import report, watching
from cxfulfill.cli.options import with_options
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.simulator.load import MAX_SECONDS, MAX_THINK, MAX_TIMEOUT, MAX_USERS, Load, Plan
from cxfulfill.simulator.over_http import OverHttp
from cxfulfill.simulator.sending import Credential
from cxfulfill.simulator.traffic import mix_of, read_requests


@click.command()
@click.option("--url", required=True, help="The webhook, such as http://127.0.0.1:8080/webhook.")
@click.option(
    "--tag", "weights", multiple=True, callback=weights_of, metavar="TAG[:WEIGHT]", help="What is called, how often."
)
@click.option(
    "--requests",
    type=click.Path(exists=True, path_type=Path),
    help="WebhookRequests as JSON: a file, or a folder of them. By default one is made for each tag.",
)
@click.option("--seconds", type=click.FloatRange(0, MAX_SECONDS, min_open=True), default=30.0, show_default=True)
@click.option("--calls", type=click.IntRange(1), help="End after so many calls.")
@click.option("--users", type=click.IntRange(1, MAX_USERS), default=8, show_default=True)
@click.option(
    "--think",
    type=click.FloatRange(0, MAX_THINK),
    default=0.5,
    show_default=True,
    help="Mean of the seconds between two turns of a user, which are distributed exponentially.",
)
@click.option(
    "--duplicates",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of the calls that are delivered twice: half at once, half after the answer.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, MAX_TIMEOUT, min_open=True),
    default=5.0,
    show_default=True,
    help="Seconds that CX waits, as set there.",
)
@click.option("--replays-not-expected", "not_replayed", multiple=True, metavar="TAG", help="Its handler may run twice.")
@click.option("--seed", type=int, help="Make the same choices as another load with this seed.")
@with_options(HEADER_OPTIONS)
@click.option("--json", "json_file", type=click.File("w", lazy=False), help="Write the figures there; - for stdout.")
@click.option("--i-own-this-host", "is_own", is_flag=True, help="Call a webhook that is not on this machine.")
@click.pass_context
def load(
    ctx: click.Context,
    /,
    *,
    url: str,
    weights: dict[str, float],
    requests: Path | None,
    username: str | None,
    password_env: str | None,
    header_env: tuple[str, ...],
    not_replayed: tuple[str, ...],
    seed: int | None,
    json_file: IO[str] | None,
    is_own: bool,
    **limits: Any,
) -> None:
    """Call a running webhook as CX does: users with sessions, turns and parameters, some calls delivered twice.

    Its handlers run, and what they do is done. It ends by itself, at Ctrl-C with the figures so far.

    The exit code is 1 where a call failed: an error status, a broken connection, no answer in time, an answer that is
    no JSON object or beyond 64 KiB; or where a call that was delivered twice did not run once.
    """
    credential = named_credential(username=username, password_env=password_env, header_env=header_env)
    target = target_of(url, is_own=is_own, has_credentials=credential is not None)
    try:
        mix = mix_of(weights, _requests(requests))
    except ConfigurationError as error:
        raise click.UsageError(f"{error}: see --tag and --requests") from None
    try:
        plan = Plan(
            url=target, mix=mix, headers=_headers(target, credential), not_replayed=frozenset(not_replayed), **limits
        )
    except ValueError as error:  # nan is in each of click's ranges
        raise click.UsageError(str(error)) from None
    # Standard output is the figures' alone where they are asked for there.
    console = Console(stderr=json_file is not None and json_file.name in ("-", "<stdout>"))
    with watching(console, plan) as watch:
        figures = Load(plan, OverHttp, rng=Random(seed)).run(watch)  # noqa: S311 - no secret
    report(figures, plan, console)
    if json_file is not None:
        json.dump(figures.document(), json_file, indent=2)
        json_file.write("\n")
    ctx.exit(1 if figures.failed or not figures.calls else 0)


def _headers(url: str, credential: Credential | None) -> Headers:
    proof = {} if credential is None else credential.headers(url, {})
    return Headers({"Content-Type": "application/json", **proof})


def _requests(path: Path | None) -> Iterable[Mapping[str, Any]]:
    return read_requests(path) if path is not None else ()
