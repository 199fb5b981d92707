"""What calls prove themselves with, as commands are told; secrets stand in variables, never on the command line."""

import os
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cxfulfill.errors import ConfigurationError
from cxfulfill.simulator.caller import check_header

if TYPE_CHECKING:
    from cxfulfill.simulator.sending import Credential

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
HEADER_OPTIONS: Final = (
    click.option("--username", metavar="NAME", help="User name of Basic authentication."),
    click.option("--password-env", metavar="VARIABLE", help="The environment variable that holds its password."),
    click.option("--header-env", multiple=True, metavar="NAME=VARIABLE",
                 help="A header, and the environment variable that holds its value."),
)  # fmt: skip
"""Credentials that stay the same from call to call."""
CREDENTIAL_OPTIONS: Final = (
    *HEADER_OPTIONS,
    click.option("--oauth-endpoint", metavar="URL", help="Get tokens there, as CX does for third-party OAuth."),
    click.option("--oauth-client-id", metavar="ID", help="The client that asks for them."),
    click.option("--oauth-secret-env", metavar="VARIABLE", help="The environment variable that holds its secret."),
    click.option("--oauth-scope", "oauth_scopes", multiple=True, metavar="SCOPE", help="A scope that is asked for."),
    click.option("--client-cert", type=_FILE, metavar="FILE", help="PEM file of a client certificate, for TLS."),
    click.option("--client-key", type=_FILE, metavar="FILE", help="PEM file of its private key."),
)  # fmt: skip
NAMES: Final = (
    "username", "password_env", "header_env", "oauth_endpoint", "oauth_client_id", "oauth_secret_env", "oauth_scopes",
    "client_cert", "client_key",
)  # fmt: skip
"""Their keywords of `named_credential`."""


def named_credential(
    *,
    username: str | None,
    password_env: str | None,
    header_env: tuple[str, ...],
    oauth_endpoint: str | None = None,
    oauth_client_id: str | None = None,
    oauth_secret_env: str | None = None,
    oauth_scopes: tuple[str, ...] = (),
    client_cert: Path | None = None,
    client_key: Path | None = None,
) -> "Credential | None":
    """Make the credential that a command's options name.

    Args:
        username: User name of Basic authentication.
        password_env: Variable with its password.
        header_env: ``NAME=VARIABLE`` of header fields.
        oauth_endpoint: Token endpoint of third-party OAuth.
        oauth_client_id: The client that asks there.
        oauth_secret_env: Variable with its secret.
        oauth_scopes: What it asks for.
        client_cert: PEM file of a client certificate.
        client_key: PEM file of its private key.

    Returns:
        The credential; None where none is named.

    Raises:
        click.UsageError: The options do not go together, or what they name is not there.
    """
    from cxfulfill.simulator.credentials import (  # noqa: PLC0415 - only who names one pays for the import
        AllCredentials,
        HeaderCredential,
    )

    fixed = [*_basic(username, password_env), *map(_header, header_env)]
    token = list(_oauth(oauth_endpoint, oauth_client_id, oauth_secret_env, oauth_scopes))
    in_its_place = [HeaderCredential({"Authorization": "Bearer"}) for _ in token]
    try:
        AllCredentials(*fixed, *in_its_place).headers("", {})
    except ConfigurationError as error:
        raise click.UsageError(str(error).removeprefix("AllCredentials: ")) from None
    parts = [*fixed, *token, *_certificate(client_cert, client_key)]
    return AllCredentials(*parts) if parts else None


def is_this_machine(host: str | None) -> bool:
    """Tell whether a URL's host is this machine, by name or address.

    Args:
        host: The host; an IPv6 address with or without its brackets.

    Returns:
        Whether it is ``localhost`` or a loopback address.
    """
    try:
        return host == "localhost" or ip_address((host or "").strip("[]")).is_loopback
    except ValueError:
        return False


def _basic(username: str | None, password_env: str | None) -> "Iterator[Credential]":
    from cxfulfill.simulator.credentials import BasicCredential  # noqa: PLC0415 - as above

    _check_together(("--username", username), ("--password-env", password_env))
    if username is not None and password_env is not None:
        yield BasicCredential(username, _variable(password_env, "--password-env"))


def _header(pair: str) -> "Credential":
    from cxfulfill.simulator.credentials import HeaderCredential  # noqa: PLC0415 - as above

    option = "--header-env"
    name, mark, variable = pair.partition("=")
    if not mark or not name or not variable:
        raise click.BadParameter("it is NAME=VARIABLE, such as X-Key=CX_KEY", param_hint=option)
    value = _variable(variable, option)
    try:
        check_header(name, value.encode().decode("latin-1"))  # as it is sent
    except ConfigurationError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
    return HeaderCredential({name: value})


def _oauth(
    endpoint: str | None, client_id: str | None, secret_env: str | None, scopes: Iterable[str]
) -> "Iterator[Credential]":
    from cxfulfill.simulator.credentials import OAuthCredential  # noqa: PLC0415 - as above

    named = (("--oauth-endpoint", endpoint), ("--oauth-client-id", client_id), ("--oauth-secret-env", secret_env))
    _check_together(*named)
    if scopes and endpoint is None:
        raise click.UsageError("--oauth-scope goes with --oauth-endpoint")
    if endpoint is not None and client_id is not None and secret_env is not None:
        secret = _variable(secret_env, "--oauth-secret-env")
        try:
            yield OAuthCredential(endpoint, client_id, secret, scopes)
        except ConfigurationError as error:
            told = str(error).removeprefix("OAuthCredential: ")
            raise click.BadParameter(told, param_hint="--oauth-endpoint") from None


def _certificate(chain: Path | None, key: Path | None) -> "Iterator[Credential]":
    from cxfulfill.simulator.certificates import read_client_certificate  # noqa: PLC0415 - as above
    from cxfulfill.simulator.credentials import CertificateCredential  # noqa: PLC0415 - as above

    _check_together(("--client-cert", chain), ("--client-key", key))
    if chain is not None and key is not None:
        try:
            yield CertificateCredential(read_client_certificate(chain, key))
        except ConfigurationError as error:
            raise click.BadParameter(str(error), param_hint="--client-cert") from None


def _check_together(*options: tuple[str, Any]) -> None:
    if len({value is None for _, value in options}) > 1:
        *names, last = (name for name, _ in options)
        raise click.UsageError(f"{', '.join(names)} and {last} go together")


def _variable(name: str, option: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise click.BadParameter(f"there is nothing in the environment variable {name}", param_hint=option)
    return value
