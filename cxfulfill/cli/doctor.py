"""``cxfulfill doctor``: what an on-call engineer looks at first, looked at."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, redirect_stdout
from functools import partial
from typing import Final

import click

from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.doctor_auth import check_callers, check_clock
from cxfulfill.cli.doctor_handlers import check_handlers, check_retries
from cxfulfill.cli.doctor_platform import (
    check_cloud_run,
    check_pool,
    check_port,
    check_settings,
    check_telemetry,
    check_time_limits,
    check_without_effect,
)
from cxfulfill.cli.doctor_store import check_sharing, check_store
from cxfulfill.cli.findings import ORDER, Finding, Verdict
from cxfulfill.cli.outline import Kind, Line, show, texts
from cxfulfill.loading import platform
from cxfulfill.webhook import Webhook

Check = Callable[[], Iterable[Finding]]

_OF_PLACE: Final[Mapping[str, Check]] = {"settings": check_settings, "port": check_port}
_OF_APP: Final[Mapping[str, Callable[[Webhook], Iterable[Finding]]]] = {
    "heeded": check_without_effect,
    "handlers": check_handlers,
    "auth": check_callers,
    "clock": check_clock,
    "store": check_store,
    "shared store": check_sharing,
    "retries": check_retries,
    "time limits": check_time_limits,
    "pool": check_pool,
    "telemetry": check_telemetry,
    "Cloud Run": check_cloud_run,
}
_KINDS: Final = {Verdict.OK: Kind.GOOD, Verdict.SKIP: Kind.TEXT, Verdict.WARN: Kind.OPEN, Verdict.FAIL: Kind.BAD}


@click.command()
@click.option("--app", "target", required=True, metavar="MODULE:NAME", help="A Webhook, such as main:webhook.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs.")
@click.pass_context
def doctor(ctx: click.Context, target: str, *, as_json: bool, on_cloud_run: bool) -> None:
    """Check settings, secrets, keys, clock, store, time limits and platform, and tell what to do.

    No handler is run, no secret is shown, and nobody is asked but whom the app asks itself: secret sources, the
    addresses of keys, the store, with keys of its own that last some seconds.

    The exit code is 1 where a check fails.
    """
    # What the app prints is none of the table, and would be no JSON.
    with platform(present=on_cloud_run), redirect_stdout(sys.stderr):
        findings = list(_examined(target))
    verdicts = {finding.verdict for finding in findings} - {Verdict.SKIP}  # what there is nothing to look at is well
    worst = max(verdicts, key=ORDER.index, default=Verdict.OK)
    if as_json:
        click.echo(json.dumps({"verdict": worst.value, "checks": [_document(each) for each in findings]}, indent=2))
    else:
        show(_table(findings))
    ctx.exit(1 if worst is Verdict.FAIL else 0)


def _examined(target: str) -> Iterator[Finding]:
    for name, check in _OF_PLACE.items():
        yield from _guarded(name, check)
    try:
        webhook = checked_webhook(target, on_cloud_run=False)
    except click.BadParameter as error:
        yield Finding("app", Verdict.FAIL, error.message, "Nothing else can be checked before it loads.")
        return
    with closing(webhook):
        for name, check_app in _OF_APP.items():
            yield from _guarded(name, partial(check_app, webhook))


def _guarded(name: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # the others are needed all the more
        yield Finding(name, Verdict.FAIL, f"the check itself failed with {type(error).__name__}")


def _document(finding: Finding) -> dict[str, str]:
    return {"check": finding.check, "verdict": finding.verdict.value, "found": finding.found, "to_do": finding.to_do}


def _table(findings: list[Finding]) -> Iterator[Line]:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        row = f"{finding.check:{width}}  {finding.verdict.value:4}  {finding.found}"
        yield Line(row, _KINDS[finding.verdict], texts(*([f"To do: {finding.to_do}"] if finding.to_do else [])))
