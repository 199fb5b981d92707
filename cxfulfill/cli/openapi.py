"""``cxfulfill openapi``: what a webhook serves as an OpenAPI description, for playbook tools and for others."""

import json
from collections.abc import Iterator
from typing import IO, Any

import click
import yaml

from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cx_settings import read_url
from cxfulfill.errors import ConfigurationError
from cxfulfill.openapi import ForTools, describe, for_tools


@click.command()
@click.option("--app", "target", required=True, metavar="MODULE:NAME", help="A Webhook, such as main:webhook.")
@click.option("--tag", metavar="TAG", help="Describe the standard calls of this tag in place of the flexible routes.")
@click.option("--url", metavar="URL", help="Where it is served; a tool needs it.")
@click.option(
    "--version",
    type=click.Choice(["3.0", "3.1"]),
    default="3.0",
    show_default=True,
    help="3.0 is what playbook tools take; 3.1 says all.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="How it is written.",
)
@click.option(
    "--out",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    metavar="FILE",
    help="Write it there; standard output by default.",
)
@click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs.")
def openapi(
    target: str, *, tag: str | None, url: str | None, version: str, form: str, out: IO[str], on_cloud_run: bool
) -> None:
    """Describe a webhook in OpenAPI: its flexible routes, or the standard calls of a tag.

    An OpenAPI tool of a playbook takes the document as it is. What it lacks that the webhook has is told on standard
    error.
    """
    server = None if url is None else _server(url)
    document = describe(checked_webhook(target, on_cloud_run=on_cloud_run), tag=tag, server=server)
    made = for_tools(document) if version == "3.0" else ForTools(document, ())
    for remark in (*made.remarks, *_remarks(made.document, server or "")):
        click.echo(remark, err=True)
    out.write(_written(made.document, form))


def _server(url: str) -> str:
    try:
        return read_url(url)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def _remarks(document: dict[str, Any], server: str) -> Iterator[str]:
    if not document["paths"]:
        yield "There is no flexible route that could be described; --tag describes the standard calls of a tag."
    elif not server:
        yield "Take care: a tool has to be told where the webhook is served; give --url."
    if server.lower().startswith("http:"):
        yield "Take care: CX calls https only."


def _written(document: dict[str, Any], form: str) -> str:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if form == "json":
        return f"{text}\n"
    # Read anew, no part of it is the same object as another: not every reader of OpenAPI knows YAML's references.
    written: str = yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True, width=120)
    return written
