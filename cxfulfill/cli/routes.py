"""``cxfulfill routes``: what a webhook serves, and what to enter in CX for its flexible routes."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

import click

from cxfulfill.auth.base import credential_headers
from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.outline import Line, commands, heading, show, texts
from cxfulfill.cx_settings import CxSettings, cx_settings, read_url
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import WITH_BODY
from cxfulfill.narrowing import Narrowing
from cxfulfill.pipeline import HEALTH_PATH, READY_PATH
from cxfulfill.webhook import Webhook

_HOST: Final = "https://YOUR-HOST"


@click.command()
@click.option("--app", "target", required=True, metavar="MODULE:NAME", help="A Webhook, such as main:webhook.")
@click.option("--cx", "for_cx", is_flag=True, help="Tell what to enter in CX for its flexible routes.")
@click.option("--url", metavar="URL", help=f"Where it is served, for --cx; {_HOST} by default.")
@click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs.")
def routes(target: str, *, for_cx: bool, url: str | None, on_cloud_run: bool) -> None:
    """List what a webhook serves; or tell what to enter in CX's console, under Manage > Webhooks.

    With --cx each flexible route has a block for each of its methods, since a webhook in CX has one.
    """
    if url is not None and not for_cx:
        raise click.UsageError("--url goes with --cx")
    base = _base(_HOST if url is None else url)
    webhook = checked_webhook(target, on_cloud_run=on_cloud_run)
    show(_for_cx(webhook, base, target) if for_cx else _served(webhook))


def _base(url: str) -> str:
    try:
        return read_url(url)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def _served(webhook: Webhook) -> Iterator[Line]:
    handlers = [(entry.tag, _conditions(entry.narrowing), _where(entry.place)) for entry in webhook.entries()]
    yield _table(f"Standard calls: POST {webhook.path}", ("Tag", "Only for", "Handler"), handlers)
    flexible = [(",".join(route.methods), route.pattern.text, _where(route.place)) for route in webhook.routes()]
    yield _table("Flexible calls", ("Methods", "Path", "Handler"), flexible)
    yield heading("Probes", *texts(f"GET,HEAD {HEALTH_PATH} and {READY_PATH}"))


def _conditions(narrowing: Narrowing) -> str:
    given = ((field.name, getattr(narrowing, field.name)) for field in fields(narrowing))
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in given if values) or "-"


def _where(place: str) -> str:
    """Name the file of a place as seen from the current directory."""
    return place.replace(f"({Path.cwd()}{os.sep}", "(")


def _table(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Line:
    given = list(rows)
    if not given:
        return heading(title, *texts("none"))
    widths = [max(map(len, column)) for column in zip(head, *given, strict=True)]
    lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in (head, *given))
    return heading(title, *texts(*(line.rstrip() for line in lines)))


def _for_cx(webhook: Webhook, base: str, target: str) -> Iterator[Line]:
    blocks = [_block(settings) for settings in cx_settings(webhook, base)]
    if not blocks:
        yield Line("There is no flexible route.")
        return
    yield from blocks
    yield heading("Authentication", *texts(f"Enter it as cxfulfill auth explain --app {target} says."))
    if base.lower().startswith("http:"):
        yield Line("Take care: CX calls https only.")


def _block(settings: CxSettings) -> Line:
    route = settings.route
    return heading(
        f"{settings.method} {route.pattern.text}: {_where(route.place)}",
        *commands("Type: Flexible", f"Method: {settings.method}", f"URL: {settings.url}"),
        *_part("Request headers", (f"{name}: {value}" for name, value in settings.headers.items())),
        *_part("Request body", settings.body.splitlines()),
        _response(settings),
        *texts(*_remarks(settings)),
    )


def _part(title: str, lines: Iterable[str]) -> tuple[Line, ...]:
    below = commands(*lines)
    return (heading(title, *below),) if below else ()


def _response(settings: CxSettings) -> Line:
    below = commands(*(f"{name}: {path}" for name, path in settings.response.items()))
    if settings.method == "HEAD":
        below = texts("none: the answer to HEAD has no body")
    elif not below:
        below = texts("none: CX would take nothing of the answer; mapping= of the route tells what it takes")
    return heading("Response configuration", *below)


def _remarks(settings: CxSettings) -> Iterator[str]:
    if not settings.names_parameters and not (settings.takes_nothing and settings.route.pattern.variables):
        place = "body" if settings.method in WITH_BODY else "URL"
        yield f"The handler names no parameters, so that the route reads any: add to the {place} what it needs."
    for reference in settings.joined:
        yield f"Take care: CX may take what follows {reference} in the URL for a part of the parameter's name."
    if settings.route.auth is not None:
        names = ", ".join(sorted(credential_headers(settings.route.auth))) or "none"
        kind = type(settings.route.auth).__name__
        yield f"Authentication: this route's own, {kind} (header: {names}), in place of the application's."
    if settings.is_unprotected:
        yield "Where a retry must not run this twice, add a request header: Idempotency-Key: $session.params.order_id"
