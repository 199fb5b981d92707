"""``cxfulfill agent map``: a picture of an agent and of the tags that it calls."""

from pathlib import Path

import click

from cxfulfill.agent.mermaid import as_mermaid
from cxfulfill.agent.picture import picture_of
from cxfulfill.agent.svg import as_svg
from cxfulfill.cli.agent_reading import read_agent
from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.outline import show, texts

_FORMS = {".svg": as_svg, ".mmd": as_mermaid}


@click.command("map")
@click.argument("export", type=click.Path(exists=True, path_type=Path))
@click.option("--app", "target", metavar="MODULE:NAME", help="A Webhook, such as main:webhook: which tags it handles.")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to: map.svg, or map.mmd for Mermaid.",
)
@click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs.")
def picture(export: Path, target: str | None, out: Path, *, on_cloud_run: bool) -> None:
    """Draw an exported agent: its flows, their pages, and the tags that they call.

    With --app, tags that have a handler are green with a tick, and those that have none red with a cross.
    """
    draw = _FORMS.get(out.suffix.lower())
    if draw is None:
        raise click.BadParameter("the name ends in .svg or .mmd", param_hint="--out")
    agent = read_agent(export)
    webhook = None if target is None else checked_webhook(target, on_cloud_run=on_cloud_run)
    try:
        out.write_text(draw(picture_of(agent, webhook)), encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"it cannot be written: {error.strerror}", param_hint="--out") from None
    flows, pages = len(agent.flows), sum(1 for _ in agent.pages())
    show(texts(f"{out}: {flows} flow{'s' * (flows != 1)}, {pages} page{'s' * (pages != 1)}"))
