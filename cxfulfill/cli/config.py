"""``cxfulfill config``: the settings as ``Webhook.from_env()`` and the server read them."""

import inspect
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

import click

from cxfulfill.auth.secrets import BasicAuth
from cxfulfill.cli.outline import Line, heading, show, texts
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import REDACTED
from cxfulfill.loading import platform
from cxfulfill.settings.reading import build
from cxfulfill.settings.server import WORKERS, read_server
from cxfulfill.settings.table import BY_VARIABLE, PREFIX, SCOPE_MARK, SECRET_FORMS, SETTINGS, Setting, variable_names
from cxfulfill.webhook import Webhook

_KEYWORDS: Final = tuple(
    dict.fromkeys(setting.keyword for setting in SETTINGS if setting.keyword not in ("server", "recording"))
)
_FILE, _SECRET = SECRET_FORMS[1:]
_LONGEST: Final = 256


@click.command()
@click.option("--given", multiple=True, type=click.Choice(_KEYWORDS), metavar="KEYWORD",
              help="A keyword that the app itself gives to from_env(); its variables are not read.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="List the settings that are not set, too.")
@click.option("--on-cloud-run", is_flag=True, help="Read them as on Cloud Run, which CloudRunIam needs.")
@click.pass_context
def config(ctx: click.Context, given: tuple[str, ...], everything: bool, on_cloud_run: bool) -> None:
    """Show the CXFULFILL_* settings of this environment and what they make; no secret is shown.

    The exit code is 1 where from_env() or the gunicorn settings would refuse them, with the sentence that they would
    raise.
    """
    made: dict[str, Any] = {}
    with platform(present=on_cloud_run):
        problems = [*problems_of_webhook(given, made), *problems_of_server()]
    rows = _set(given)
    sections = [heading("Set", *_table(rows)) if rows else Line("Nothing is set.")]
    if everything:
        sections.append(heading("Not set", *_table(_unset(given, [name for name, _, _ in rows]))))
    if made:
        sections.append(heading("What they make", *texts(*(f"{name} = {value!r}" for name, value in made.items()))))
    show(sections)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    ctx.exit(1 if problems else 0)


def problems_of_webhook(given: Collection[str], made: dict[str, Any]) -> Iterator[str]:
    """Build a webhook as an app does from its variables.

    Args:
        given: Keywords that the app gives itself.
        made: Filled with what the variables make, by keyword.

    Yields:
        The sentence of the problem, where there is one; no secret is in it.
    """
    parameters = inspect.signature(Webhook).parameters
    own = {name: parameters[name].default for name in given}
    if "auth" in own:
        own["auth"] = BasicAuth("nobody", token_urlsafe())  # stands for the app's own, and is never asked

    def make(**keywords: Any) -> Webhook:
        webhook = Webhook(**keywords)
        # As the webhook holds it where it does: a store's URL may have a password in it.
        made.update((name, getattr(webhook, name, value)) for name, value in keywords.items() if name not in given)
        return webhook

    try:
        build(make, own)
    except ConfigurationError as error:
        yield str(error)


def problems_of_server() -> Iterator[str]:
    """Read the server's variables, and its files for TLS, as the gunicorn settings do.

    Yields:
        The sentence of the problem, where there is one.
    """
    try:
        server = read_server()
        if server.ends_tls:
            from cxfulfill.server.tls import check_settings  # noqa: PLC0415 - as the gunicorn settings do

            check_settings(server.certificate, server.key, server.client_ca, server.client_certificates)
    except ConfigurationError as error:
        yield str(error)


def _set(given: Collection[str]) -> list[tuple[str, str, str]]:
    """Give variable, source and value of what is set: in the table's order, and then what stands in no table."""
    order = list(BY_VARIABLE)
    names = [name for name in os.environ if name.startswith(PREFIX)]
    names.sort(key=lambda name: (order.index(_unscoped(name)) if _unscoped(name) in order else len(order), name))
    rows = [(name, "overridden" if _keyword(name) in given else "environment", _shown(name)) for name in names]
    return [*rows, (WORKERS, "environment", _short(os.environ[WORKERS]))] if WORKERS in os.environ else rows


def _unscoped(variable: str) -> str:
    return variable.removeprefix(PREFIX).rpartition(SCOPE_MARK)[2]


def _keyword(variable: str) -> str:
    setting = BY_VARIABLE.get(_unscoped(variable))
    return setting.keyword if setting else ""


def _shown(variable: str) -> str:
    """Show a value that is no secret, and cannot be one by mistake: misspelt, or in place of a name."""
    name, value = _unscoped(variable), os.environ[variable]
    setting = BY_VARIABLE.get(name)
    if setting is None:
        return REDACTED
    if setting.kind in ("secret", "one secret"):
        is_place = name.endswith(_SECRET) and value.startswith("projects/")
        is_place |= name.endswith(_FILE) and len(value) <= _LONGEST and Path(value).is_file()
        return _short(value) if is_place and name != setting.name else REDACTED
    if setting.kind == "url":
        kind, mark, rest = value.partition("://")
        return REDACTED if not mark else f"{kind}://{REDACTED}" if set("@?") & set(rest) else _short(value)
    return _short(value)


def _short(value: str) -> str:
    # A variable for a file's name may hold the file's content by mistake, such as a private key.
    return value if len(value) <= _LONGEST and value.isprintable() else REDACTED


def _unset(given: Collection[str], variables: Iterable[str]) -> list[tuple[str, str, str]]:
    names = {_unscoped(variable) for variable in variables}
    unset = (each for each in SETTINGS if each.keyword not in given and names.isdisjoint(variable_names(each.name)))
    return [row for setting in unset for row in _forms(setting)]


def _forms(setting: Setting) -> Iterator[tuple[str, str, str]]:
    yield PREFIX + setting.name, "default" if setting.default else "not set", setting.text
    for name in variable_names(setting.name)[1:]:
        yield PREFIX + name, "not set", _FORMS[name.removeprefix(setting.name)]


_FORMS: Final[Mapping[str, str]] = {
    "_FILE": "File that holds it",
    "_SECRET": "Version in Secret Manager that holds it: projects/P/secrets/S/versions/V",
    "_NEXT": "The next one, while it is being replaced",
    "_NEXT_FILE": "File that holds the next one",
    "_NEXT_SECRET": "Version in Secret Manager that holds the next one",
}


def _table(rows: Iterable[tuple[str, str, str]]) -> tuple[Line, ...]:
    given = list(rows)
    width = max((len(name) for name, _, _ in given), default=0)
    return texts(*(f"{name:{width}}  {source:11}  {value}" for name, source, value in given))
