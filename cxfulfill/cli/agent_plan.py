"""``cxfulfill agent plan`` and ``apply``: the agent's webhooks, from the application and ``cxfulfill.toml``."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from cxfulfill.agent import resource_api
from cxfulfill.agent.plan import Change
from cxfulfill.agent.resource_api import ApiRefusal, Version
from cxfulfill.agent.resource_apply import Applying, Outcome
from cxfulfill.agent.resource_desired import desired
from cxfulfill.agent.resource_rest import rest
from cxfulfill.agent.resource_service import Sources
from cxfulfill.agent.resource_settings import FILE, read_settings
from cxfulfill.agent.resource_state import FILE as STATE_FILE
from cxfulfill.agent.resource_state import State
from cxfulfill.agent.resource_terraform import terraform
from cxfulfill.agent.resources import Desired
from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.outline import Kind, Line, show, texts

_SIGNS: Final = {"create": "+", "update": "~", "delete": "-", "keep": "=", "leave": "?"}
_KINDS: Final = {"create": Kind.GOOD, "update": Kind.OPEN, "delete": Kind.BAD, "keep": Kind.TEXT, "leave": Kind.OPEN}
_DONE: Final = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "keep": "as it is",
    "leave": "left",
}
_HELP_OF_FORMAT: Final = "text compares with the agent; the others write what it is to have, for those who apply it."
_OPTIONS: Final = (
    click.option("--prune", is_flag=True, help="Delete webhooks that it has made and that are not to be any more."),
    click.option("--api", type=click.Choice(["v3", "v3beta1"]), default="v3", show_default=True,
                 help="The version of CX's API."),
    click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs."),
    click.option("--settings", type=click.Path(dir_okay=False, path_type=Path), default=Path(FILE), show_default=True,
                 help="The file that names the agent."),
    click.option("--app", "target", required=True, metavar="MODULE:NAME", help="A Webhook, such as main:webhook."),
)  # fmt: skip


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in _OPTIONS:
        command = option(command)
    return command


@click.command()
@_options
@click.option("--format", "form", type=click.Choice(["text", "rest", "terraform"]), default="text", show_default=True,
              help=_HELP_OF_FORMAT)  # fmt: skip
@click.option("--check", is_flag=True, help="End with 1 where something would be done.")
@click.pass_context
def plan(ctx: click.Context, /, form: str, *, check: bool, **options: Any) -> None:
    """Show what apply would do. Nothing is changed.

    The agent, where the application is served and how CX proves itself are in cxfulfill.toml. No secret is shown, but
    one that cxfulfill.toml holds in plain text (insecure_plaintext) stands in --format rest and terraform.
    """
    if check and form != "text":
        raise click.UsageError("--check goes with --format text")
    if form != "text":
        click.echo(_written(form, options), nl=False)
        return
    changes = _told(lambda: _applying(**options).plan())
    show(_plan_lines(changes))
    if check and any(each.is_work for each in changes):
        ctx.exit(1)


@click.command()
@_options
@click.pass_context
def apply(ctx: click.Context, /, **options: Any) -> None:
    """Make the agent's webhooks and environments what they are to be.

    Only what the application and cxfulfill.toml say is written; to do it again does nothing. What was made is noted in
    cxfulfill.state.json, which belongs beside cxfulfill.toml and holds no secret.

    The exit code is 1 where something could not be done; another run does what is left.
    """
    failed = _told(lambda: _apply(_applying(**options)))
    if failed:
        ctx.exit(1)


def _desired(sources: Sources, *, target: str, settings: Path, on_cloud_run: bool) -> Desired:
    said = read_settings(settings)
    return desired(checked_webhook(target, on_cloud_run=on_cloud_run), said, sources)


def _applying(*, target: str, settings: Path, on_cloud_run: bool, api: Version, prune: bool) -> Applying:
    sources = Sources(os.environ, settings.parent)
    wanted = _desired(sources, target=target, settings=settings, on_cloud_run=on_cloud_run)
    state = State(settings.with_name(STATE_FILE))
    return Applying(wanted, resource_api.AgentApi(wanted.agent, api), state, prune=prune)


def _written(form: str, options: dict[str, Any]) -> str:
    settings = options["settings"]
    sources = Sources(None, settings.parent)
    wanted = _desired(sources, target=options["target"], settings=settings, on_cloud_run=options["on_cloud_run"])
    if form == "terraform":
        return terraform(wanted)
    known = State(settings.with_name(STATE_FILE)).agent(str(wanted.agent)).webhooks
    return rest(wanted, {key: each.name for key, each in known.items()})


def _told(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ApiRefusal as error:
        raise click.ClickException(f"the agent cannot be read: {error}") from None


def _plan_lines(changes: Iterable[Change]) -> Iterator[Line]:
    counts = dict.fromkeys(("create", "update", "delete"), 0)
    for change in changes:
        yield _change(change)
        if change.is_work:
            counts[change.action] += 1
    if any(counts.values()):
        yield Line(f"To do: {', '.join(f'{count} to {action}' for action, count in counts.items() if count)}.")
    else:
        yield Line("Nothing is to be done.")


def _change(change: Change) -> Line:
    fields = (f"{each.field}: {each.before} -> {each.after}" for each in change.fields)
    text = f"{_SIGNS[change.action]} {change.kind} {change.title}"
    return Line(text, _KINDS[change.action], texts(*fields, *change.remarks))


def _apply(applying: Applying) -> bool:
    failed = False
    for outcome in applying.apply():
        failed = failed or bool(outcome.problem)
        show([_outcome(outcome)])
    return failed


def _outcome(outcome: Outcome) -> Line:
    change = outcome.change
    if outcome.problem:
        return Line(f"! {change.kind} {change.title}: {outcome.problem}", Kind.BAD)
    text = f"{_SIGNS[change.action]} {change.kind} {change.title}: {_DONE[change.action]}"
    return Line(text, _KINDS[change.action], texts(*change.remarks))
