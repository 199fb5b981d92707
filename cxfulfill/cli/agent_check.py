"""``cxfulfill agent check``: whether an exported agent and the webhook that it calls fit together."""

import json
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import click

from cxfulfill.agent.baseline import read_baseline, write_baseline
from cxfulfill.agent.check import check_agent
from cxfulfill.agent.findings import Finding, Severity
from cxfulfill.agent.formats import as_annotations, as_json, as_sarif, path_of
from cxfulfill.agent.lines import line_of
from cxfulfill.agent.model import Agent
from cxfulfill.agent.rules import RULES
from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.outline import Kind, Line, show, texts
from cxfulfill.errors import ConfigurationError

Format = Literal["text", "json", "sarif", "github"]


@click.command()
@click.argument("export", type=click.Path(exists=True, path_type=Path))
@click.option("--app", "target", required=True, metavar="MODULE:NAME", help="A Webhook, such as main:webhook.")
@click.option(
    "--webhook",
    "chosen",
    multiple=True,
    metavar="NAME",
    help="A webhook of the agent that leads to the app; by default its URL tells.",
)
@click.option("--names", metavar="MODULE", help="A module of the agent's names, to tell whether it is out of date.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How findings are printed.",
)
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Findings in this file are known, and not told again.",
)
@click.option("--write-baseline", "is_writing", is_flag=True, help="Write all that is found into --baseline.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning"]),
    default="error",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs.")
@click.pass_context
def check(
    ctx: click.Context, /, *, export: Path, target: str, chosen: tuple[str, ...], names: str | None, form: Format,
    baseline: Path | None, is_writing: bool, fail_on: Severity, on_cloud_run: bool,
) -> None:  # fmt: skip
    """Check an exported agent against the webhook that it calls.

    EXPORT is the zip of an agent that was exported as JSON package, or its folder. Nothing is called, and no secret of
    the export is printed.

    The exit code is 1 where something was found of the severity of --fail-on or above, 2 where nothing could be
    checked.
    """
    if is_writing and baseline is None:
        raise click.UsageError("--write-baseline goes with --baseline")
    agent = read_agent(export)
    webhook = checked_webhook(target, on_cloud_run=on_cloud_run)
    try:
        found = check_agent(agent, webhook, chosen=chosen, names=_imported(names))
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--webhook") from None
    known = _known(baseline, found, is_writing=is_writing)
    told = [finding for finding in found if finding.fingerprint not in known]
    _print(agent, told, form, len(found) - len(told))
    grave = [finding for finding in told if RULES[finding.code].severity in ("error", fail_on)]
    ctx.exit(1 if grave else 0)


def _known(baseline: Path | None, found: Iterable[Finding], *, is_writing: bool) -> frozenset[str]:
    """Read the fingerprints of a baseline, which need not be there, or write it first."""
    if baseline is None or not (is_writing or baseline.exists()):
        return frozenset()
    try:
        if is_writing:
            write_baseline(baseline, found)
        return read_baseline(baseline)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--baseline") from None


def _imported(names: str | None) -> str:
    """Import the module of names; the app has put the current directory on the path."""
    if names is None:
        return ""
    try:
        import_module(names)
    except Exception as error:
        told = f"it cannot be imported: {type(error).__name__}"
        if isinstance(error, ModuleNotFoundError) and names.partition(".")[0] == (error.name or "").partition(".")[0]:
            told = f"it takes a module, such as names for names.py; there is no module {error.name} here or on the path"
        raise click.BadParameter(told, param_hint="--names") from None
    return names


def _print(agent: Agent, findings: list[Finding], form: Format, known: int) -> None:
    match form:
        case "json":
            click.echo(_json(as_json(agent, findings)))
        case "sarif":
            click.echo(_json(as_sarif(agent, findings)))
        case "github":
            sys.stdout.writelines(f"{line}\n" for line in as_annotations(agent, findings))
        case _:
            show(_lines(agent, findings))
            show([_summary(findings, known)])


def _json(document: dict[str, Any]) -> str:
    """Write JSON for people as well: what a terminal would obey is escaped, which JSON asks for in part only."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def _lines(agent: Agent, findings: Iterable[Finding]) -> Iterator[Line]:
    for code, group in groupby(findings, key=lambda each: each.code):
        rule = RULES[code]
        kind = Kind.BAD if rule.severity == "error" else Kind.OPEN
        below = [*texts(rule.meaning, f"What to do: {rule.advice}"), *(_told(agent, each) for each in group)]
        yield Line(f"{rule.severity} {code}: {rule.title}", kind, tuple(below))


def _told(agent: Agent, finding: Finding) -> Line:
    path = path_of(agent, finding)
    line = line_of(agent, finding)
    where = f"{path}:{line}" if line else path
    # In a zip, the file that is meant is not the path.
    inner = f" > {finding.file}" if not finding.is_in_app and finding.file and not agent.source.is_dir() else ""
    return Line(finding.place, Kind.HEADING, texts(finding.problem, f"{where}{inner}"))


def _summary(findings: list[Finding], known: int) -> Line:
    errors = sum(RULES[each.code].severity == "error" for each in findings)
    counts = f"{_number(errors, 'error')}, {_number(len(findings) - errors, 'warning')}"
    told = f"{counts}; {known} more in the baseline" if known else counts
    return Line(told, Kind.BAD if errors else Kind.OPEN if findings else Kind.GOOD)


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
