"""What ``cxfulfill load`` is told: whom to call, and how often what."""

import re
from collections.abc import Iterable

import click
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from cxfulfill.cli.credentials import is_this_machine


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
    if not is_this_machine(parts.host):
        if not is_own:
            raise _refused("only this machine is called (127.0.0.0/8, [::1], localhost), unless you --i-own-this-host")
        if has_credentials and parts.scheme == "http":
            raise _refused("credentials are sent to another machine over https alone")
    return parts.url


def _refused(why: str) -> click.BadParameter:
    return click.BadParameter(why, param_hint="--url")
