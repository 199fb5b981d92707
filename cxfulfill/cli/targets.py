"""Where commands send calls: an application that they load, or a URL; and what the calls prove themselves with."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import click

from cxfulfill.cli.apps import checked_webhook
from cxfulfill.cli.credentials import CREDENTIAL_OPTIONS, NAMES, is_this_machine, named_credential
from cxfulfill.cli.options import Seconds, with_options
from cxfulfill.errors import ConfigurationError
from cxfulfill.http import HttpRequest
from cxfulfill.route import Route
from cxfulfill.simulator.caller import CX_TIMEOUT, LONGEST_TIMEOUT, Caller
from cxfulfill.simulator.in_process import InProcess
from cxfulfill.simulator.over_http import Line, OverHttp
from cxfulfill.simulator.sending import Credential
from cxfulfill.webhook import Webhook

_HERE: Final = "http://127.0.0.1:8080"
"""Where an application is served by default; in this process nothing is connected."""
_PIECES: Final = 8
"""In how many pieces a slow connection carries a body."""
_OPTIONS: Final = (
    click.option("--app", metavar="MODULE:NAME", help="A Webhook that is called in this process, as main:webhook."),
    click.option("--url", metavar="URL", help="In place of it: the whole URL of a webhook that is served."),
    *CREDENTIAL_OPTIONS,
    click.option("--ca-certs", metavar="FILE", type=click.Path(exists=True, dir_okay=False),
                 help="PEM file of roots for --url, such as the one of cxfulfill cert; the system's by default."),
    click.option("--slow", metavar="SECONDS", type=Seconds(60),
                 help="Let the body of each call to --url take so long on its way."),
    click.option("--cut", is_flag=True, help="Cut the connection to --url before the end of the body."),
    click.option("--timeout", metavar="SECONDS", type=Seconds(LONGEST_TIMEOUT),
                 default=CX_TIMEOUT, show_default=True, help="How long CX waits, as set there."),
    click.option("--on-cloud-run", is_flag=True, help="Load the app as on Cloud Run, which CloudRunIam needs."),
)  # fmt: skip
target_options = with_options(_OPTIONS)
"""Gives a command the options of `target`."""
AIM: Final = ("app", "url", "ca_certs", "slow", "cut", "timeout", "on_cloud_run", *NAMES)
"""Their keywords of `target`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is called.

    Attributes:
        caller: Calls it.
        webhook: The application; None for a URL.
        given: The credential that was named; None where an application's own is made.
        close: Ends it.
        made: Makes a credential that the application accepts, by session and flexible route.
    """

    caller: Caller
    webhook: Webhook | None
    given: Credential | None
    close: Callable[[], None]
    made: Callable[[str, Route | None], Credential | None]

    def credential(self, session: str = "", route: Route | None = None) -> Credential | None:
        """Give what a call proves itself with.

        Args:
            session: Full name of its session; empty for none.
            route: The flexible route that is called; None for the standard webhook.

        Returns:
            The credential; None for none.

        Raises:
            click.UsageError: The application has an authenticator of its own, or its secret cannot be had.
        """
        try:
            return self.given or self.made(session, route)
        except ConfigurationError as error:
            told = str(error).replace("(credential=)", "(--username and --password-env, or --header-env)")
            raise click.UsageError(told) from None

    def route(self, method: str, path: str) -> Route | None:
        """Find the flexible route of a call.

        Args:
            method: The HTTP method.
            path: The path, decoded.

        Returns:
            The route; None where there is none, or the application is behind a URL.
        """
        if self.webhook is not None:
            with suppress(Exception):  # whatever keeps it from being found is the call's own answer
                return self.webhook.pipeline().routes.find(HttpRequest(method, path, {})).found.route
        return None


def target(
    *,
    app: str | None,
    url: str | None,
    ca_certs: str | None,
    slow: float | None = None,
    cut: bool = False,
    timeout: float = CX_TIMEOUT,
    on_cloud_run: bool,
    **credential: Any,
) -> Target:
    """Find what is called, by the options of a command.

    Args:
        app: ``MODULE:NAME`` of a webhook, or None.
        url: In place of it: the URL of a webhook, or None.
        ca_certs: PEM file of the roots that a server's certificate is checked with.
        slow: Seconds that a body takes on its way to a server; None for no time.
        cut: Whether the connection breaks before its end.
        timeout: Seconds that CX waits for an answer.
        on_cloud_run: Whether to load the application as on Cloud Run.
        credential: As for `cxfulfill.cli.credentials.named_credential`.

    Returns:
        What is called; an application remembers calls in memory, and not in its own store.

    Raises:
        click.UsageError: The options do not go together, or what they name is not there.
    """
    if (app is None) == (url is None):
        raise click.UsageError("give one of --app and --url")
    given = named_credential(**credential)
    if app is None:
        _refuse("--app", **{"--on-cloud-run": on_cloud_run or None})
        return _over_http(url or "", given, timeout, _connection(ca_certs, slow, cut=cut))
    _refuse("--url", **{"--ca-certs": ca_certs, "--slow": slow, "--cut": cut or None})
    return _in_process(checked_webhook(app, on_cloud_run=on_cloud_run), given, timeout)


def _refuse(other: str, **options: object) -> None:
    for option, value in options.items():
        if value is not None:
            raise click.UsageError(f"{option} goes with {other}")


def _connection(ca_certs: str | None, slow: float | None, *, cut: bool) -> OverHttp:
    line = Line(_PIECES, (slow or 0.0) / (_PIECES - 1), cut) if slow or cut else Line()
    try:
        return OverHttp(ca_certs=ca_certs, line=line)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint="--ca-certs") from None


def _in_process(webhook: Webhook, given: Credential | None, timeout: float) -> Target:
    from cxfulfill.simulator.issuer import LocalIssuer  # noqa: PLC0415 - a key is made only where it is needed
    from cxfulfill.simulator.trusted import credential_for, trusting  # noqa: PLC0415 - as above

    issuer = LocalIssuer()
    transport = InProcess(webhook, trust=lambda auth: trusting(auth, issuer), own_store=False, in_threads=True)

    def close() -> None:
        transport.close()
        webhook.close()

    return Target(
        caller=Caller(transport, url=f"{_HERE}{webhook.path}", timeout=timeout),
        webhook=webhook,
        given=given,
        close=close,
        made=lambda session, route: credential_for(webhook, issuer, session=session, route=route),
    )


def _over_http(url: str, given: Credential | None, timeout: float, transport: OverHttp) -> Target:
    try:
        caller = Caller(transport, url=url, timeout=timeout)
    except ConfigurationError as error:
        transport.close()
        raise click.BadParameter(str(error), param_hint="--url") from None
    parts = urlsplit(url)
    if given is not None and parts.scheme == "http" and not is_this_machine(parts.hostname):
        transport.close()
        raise click.BadParameter("a credential is sent by https only, but to this machine", param_hint="--url")
    return Target(caller=caller, webhook=None, given=given, close=transport.close, made=_nothing)


def _nothing(session: str, route: Route | None) -> None:
    del session, route
