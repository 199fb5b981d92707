"""Where an authenticator's secrets come from, and the commands that put them there."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Final

from cxfulfill.auth.sources import SecretSource
from cxfulfill.cli.outline import Line, commands, heading, texts

_VERSION: Final = re.compile(r"projects/([^/]+)/secrets/([^/]+)/versions/([^/]+)")
_UPDATE: Final = "gcloud run services update SERVICE --region=REGION --update-secrets="


def secret_lines(sources: Iterable[SecretSource], content: str) -> tuple[Line, ...]:
    """Tell where the secrets of an authenticator come from.

    Args:
        sources: The sources.
        content: What the secret holds, such as ``user:password``.

    Returns:
        A line for each source that is known here, with what belongs to it.
    """
    named = ((type(source).__name__, getattr(source, "name", "")) for source in sources)
    return tuple(_TELLERS[kind](name, content) for kind, name in named if kind in _TELLERS)


def _secret_manager(name: str, content: str) -> Line:
    [(project, secret, version)] = _VERSION.findall(name)
    place = f"{shlex.quote(secret)} --project={shlex.quote(project)}"
    return heading(
        f"Secret Manager: {name}, the {content} alone, without a newline at its end",
        *texts(*_in_cx(content, version)),
        *commands(
            f'printf %s "$VALUE" | gcloud secrets versions add {place} --data-file=-',
            f"gcloud secrets add-iam-policy-binding {place} --member=serviceAccount:ACCOUNT_OF_THE_SERVICE "
            "--role=roles/secretmanager.secretAccessor",
        ),
    )


def _in_cx(content: str, version: str) -> Iterator[str]:
    if content == "password":
        yield "CX cannot read this one: its Secret Manager setting for Basic wants user:password (from_credentials)."
    else:
        yield "Name this version in CX too: both then read one secret."
    if version != "latest":
        yield f"A new value is a new version: name it beside {version} here, then in CX, and then take {version} away."


def _environment(name: str, content: str) -> Line:
    variable = shlex.quote(name)
    return heading(
        f"Environment: the variable {name} holds the {content}, and is read when the app starts",
        *texts("On Cloud Run, from Secret Manager:"),
        *commands(f"{_UPDATE}{variable}=SECRET:VERSION"),
    )


def _file(path: str, content: str) -> Line:
    mounted = path if path.startswith("/") else f"/secrets/cx/{PurePath(path).name}"
    moved = [] if path == mounted else [f"Cloud Run mounts at whole paths only: name one in the app too, as {mounted}"]
    return heading(
        f"File: {path} holds the {content}, and is read again every minute",
        *texts("On Cloud Run, from Secret Manager:", *moved),
        *commands(f"{_UPDATE}{shlex.quote(mounted)}=SECRET:VERSION"),
    )


_TELLERS: Final[Mapping[str, Callable[[str, str], Line]]] = {
    "EnvironmentSecret": _environment,
    "FileSecret": _file,
    "SecretManager": _secret_manager,
}
