"""``cxfulfill agent template``: flexible webhooks for APIs of others, ready to be filled in."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from cxfulfill.agent.replacing import replace_text
from cxfulfill.agent.resource_settings import FILE
from cxfulfill.agent.templates import OAUTH_OPTIONS, Template, added, filled, load, names
from cxfulfill.cli.outline import Line, commands, heading, show, texts


@click.group()
def template() -> None:
    """Flexible webhooks for APIs of others, as the console's predefined ones."""


@template.command("list")
def list_them() -> None:
    """List the templates."""
    for name in names():
        each = load(name)
        click.echo(f"{name}  {each.integration}: {each.api}. {each.about}")


@template.command("show")
@click.argument("name")
def show_one(name: str) -> None:
    """Show what a template fills in, and what it needs."""
    show(_lines(load(name)))


@template.command("add")
@click.argument("name")
@click.option("--key", required=True, help="The webhook's key in the file, and its display name.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="A variable of the template.")
@click.option("--field", "fields", multiple=True, metavar="FIELD=PARAMETER",
              help="A field of the record, and the session parameter that it goes with.")  # fmt: skip
@click.option("--client-id", help="OAuth: the client.")
@click.option("--client-id-env", metavar="VARIABLE", help="OAuth: the variable that holds the client.")
@click.option("--client-secret-env", metavar="VARIABLE", help="OAuth: the variable that holds its secret.")
@click.option("--secret-version", metavar="NAME", help="OAuth: the version in Secret Manager that holds its secret.")
@click.option("--settings", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path(FILE),
              show_default=True, help="The file that it is added to.")  # fmt: skip
def add(
    name: str, key: str, values: tuple[str, ...], fields: tuple[str, ...], settings: Path, **oauth: str | None
) -> None:
    """Add a webhook that is made of a template to cxfulfill.toml."""
    chosen = load(name)
    known = {option for each in OAUTH_OPTIONS.values() for option in each}
    given = {option: value for option, value in oauth.items() if value is not None and option in known}
    table = filled(chosen, values=_pairs("--set", values), fields=_pairs("--field", fields), oauth=given)
    text = added(settings.read_text(encoding="utf-8"), key, chosen, table)
    try:
        replace_text(settings, text)
    except OSError as error:
        raise click.ClickException(f"{settings.name} cannot be written: {error.strerror}") from None
    show([Line(f"webhooks.{key} is in {settings.name}."), *texts(*(f"Take care: {note}" for note in chosen.notes))])


def _pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    made = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise click.BadParameter("it takes NAME=VALUE", param_hint=option)
        made[name] = value
    return made


def _lines(chosen: Template) -> Iterator[Line]:
    yield Line(f"{chosen.integration}: {chosen.api}. {chosen.about}")
    yield heading("Webhook", *commands(f"Method: {chosen.method}", f"URL: {chosen.url}", *_body(chosen)))
    mapping = dict(chosen.mapping)
    if chosen.fields == "mapping":
        mapping["PARAMETER"] = chosen.field_path.replace("<field>", "FIELD")
    yield heading("Response configuration", *commands(*(f"{name}: {path}" for name, path in mapping.items())))
    variables = (
        f"{name}: {each.about}" + (f"; {each.default} by default" if each.default else "")
        for name, each in chosen.variables.items()
    )
    yield heading("Variables (--set)", *texts(*variables))
    into = "taken of the record" if chosen.fields == "mapping" else "written into the record"
    yield heading("Fields (--field FIELD=PARAMETER)", *texts(f"what is {into}, one at least"))
    needed = (f"{each}: {' or '.join(_option(one) for one in OAUTH_OPTIONS[each])}" for each in chosen.oauth.required)
    endpoint = f"token endpoint: {chosen.oauth.token_endpoint}"
    yield heading("OAuth, all of it required", *texts(*needed, endpoint))
    yield heading("Take care", *texts(*chosen.notes))


def _body(chosen: Template) -> Iterator[str]:
    if chosen.body is not None:
        yield f"Body: {json.dumps(chosen.body)}"


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"
