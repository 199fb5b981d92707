"""``cxfulfill config``: the settings as ``Webhook.from_env()`` and the server read them."""

import os
from collections.abc import Iterable, Mapping
from typing import Final

import click

from cxfulfill.cli.apps import platform
from cxfulfill.cli.outline import Line, heading, show, texts
from cxfulfill.http import REDACTED
from cxfulfill.settings.policies import read_settings
from cxfulfill.settings.table import PREFIX, SETTINGS, Setting, variable_names
from cxfulfill.settings.variables import SCOPE_MARK

_KEYWORDS: Final = tuple(dict.fromkeys(setting.keyword for setting in SETTINGS if setting.keyword != "server"))
_LONGEST: Final = 256


@click.command()
@click.option("--given", multiple=True, type=click.Choice(_KEYWORDS), metavar="KEYWORD",
              help="A keyword that the app itself gives to from_env(); its variables are not read.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="List the settings that are not set, too.")
@click.option("--on-cloud-run", is_flag=True, help="Read them as on Cloud Run, which CloudRunIam needs.")
def config(given: tuple[str, ...], everything: bool, on_cloud_run: bool) -> None:
    """Show the CXFULFILL_* settings of this environment and what they make; no secret is shown.

    The exit code is 1 where they are wrong, with the sentence that from_env() would raise.
    """
    with platform(present=on_cloud_run):
        made, used = read_settings(overridden=given)
    values = {each.variable: each.value for each in used} | _of_the_server(os.environ)
    rows = [(variable, value, "environment") for variable, value in values.items()]
    sections = [heading("Set", *_table(rows)) if rows else Line("Nothing is set.")]
    if everything:
        unset = [setting for setting in SETTINGS if setting.keyword not in given and not _is_among(setting, values)]
        sections.append(
            heading("Not set", *_table((f"{PREFIX}{each.name}", each.meaning, "default") for each in unset))
        )
    if made:
        sections.append(heading("What they make", *texts(*(f"{name} = {value!r}" for name, value in made.items()))))
    show(sections)


def _of_the_server(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that others read than from_env()."""
    names = [f"{PREFIX}{setting.name}" for setting in SETTINGS if setting.keyword == "server"]
    return {name: _shown(environ[name]) for name in names if name in environ}


def _shown(value: str) -> str:
    # A variable for a file's name may hold the file's content by mistake, such as a private key.
    return value if len(value) <= _LONGEST and value.isprintable() else REDACTED


def _is_among(setting: Setting, variables: Iterable[str]) -> bool:
    """Tell whether a setting is set in any form: an environment's own, a file for it, the next one."""
    names = [variable.removeprefix(PREFIX).rpartition(SCOPE_MARK)[2] for variable in variables]
    return any(name in variable_names(setting.name) for name in names)


def _table(rows: Iterable[tuple[str, str, str]]) -> tuple[Line, ...]:
    given = list(rows)
    width = max((len(name) for name, _, _ in given), default=0)
    return texts(*(f"{name:{width}}  {source:11}  {value}" for name, value, source in given))
