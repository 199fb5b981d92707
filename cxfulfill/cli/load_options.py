"""What ``cxfulfill load`` is told: whom to call, with what credentials, and how often what."""

import base64
import os
import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

import click
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from cxfulfill.http import Headers

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_RESERVED: Final = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"})


def weights_of(ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> dict[str, float]:
    """Read tags with weights: ``TAG`` or ``TAG:WEIGHT``; click calls it.

    Args:
        ctx: click's context.
        param: The option.
        given: Its values; weights of the same tag are added up.

    Returns:
        Weights by tag.

    Raises:
        click.BadParameter: One of them is none.
    """
    del ctx, param
    weights: dict[str, float] = {}
    for text in given:
        tag, _, weight = text.rpartition(":")
        if not re.fullmatch(r"[0-9]*\.?[0-9]+", weight) or text == weight:
            tag, weight = text, "1"  # tags may have colons
        if not tag:
            raise click.BadParameter("a tag is text, perhaps with a colon and a weight behind it")
        if not 0 < float(weight) <= 1_000_000:
            raise click.BadParameter("a weight is more than 0 and at most 1000000")
        weights[tag] = weights.get(tag, 0.0) + float(weight)
    return weights


def target_of(url: str, *, is_own: bool, has_credentials: bool) -> str:
    """Check whom to call.

    Args:
        url: The webhook's URL.
        is_own: Whether it may be on another machine.
        has_credentials: Whether credentials are sent.

    Returns:
        The URL as it is called.

    Raises:
        click.BadParameter: It is none for HTTP, holds credentials, or is not on this machine.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise _refused("it is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise _refused("it must begin with http:// or https://, and a host")
    if parts.auth is not None:
        raise _refused("credentials do not belong there: use --username and --password-env")
    if not _is_here(parts.host):
        if not is_own:
            raise _refused("only this machine is called (127.0.0.0/8, [::1], localhost), unless you --i-own-this-host")
        if has_credentials and parts.scheme == "http":
            raise _refused("credentials are sent to another machine over https alone")
    return parts.url


def headers_of(username: str | None, password_env: str | None, variables: Iterable[str]) -> Headers:
    """Make the header fields of all calls.

    Args:
        username: User name for Basic; None for none.
        password_env: The variable of its password.
        variables: ``NAME=VAR`` for each further header.

    Returns:
        The fields.

    Raises:
        click.UsageError: A variable is not set, holds what no header can hold, or one of two options is missing.
    """
    fields = {"Content-Type": "application/json"}
    if (username is None) != (password_env is None):
        raise click.UsageError("--username and --password-env belong together")
    if username is not None and password_env is not None:
        pair = f"{username}:{_value(password_env)}".encode()
        fields["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    for each in variables:
        name, _, variable = each.partition("=")
        if not _TOKEN.fullmatch(name) or name.lower() in _RESERVED or not variable:
            raise click.UsageError("--header-env takes NAME=VAR: a header of the webhook's settings, and a variable")
        if any(name.lower() == other.lower() for other in fields):
            raise click.UsageError(f"the header {name} is given twice")
        value = _value(variable)
        if not _VALUE.fullmatch(value):
            raise click.UsageError(f"the variable {variable} holds what a header cannot: printable ASCII it must be")
        fields[name] = value
    return Headers(fields)


def _value(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise click.UsageError(f"the variable {variable} is not set")
    return value


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _refused(why: str) -> click.BadParameter:
    return click.BadParameter(why, param_hint="--url")
