"""The request that ``auth explain`` tries: made of a token, header fields, and what is known of the connection."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cxfulfill.http import Headers, HttpRequest
from cxfulfill.protocol.names import SessionName

STDIN: Final = "-"
"""What stands for a value that is read from standard input."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BEARER = re.compile(r"bearer +", re.IGNORECASE)
_PEM = b"-----BEGIN "


def read_fields(token: str | None, headers: Iterable[str], stdin: BinaryIO) -> dict[str, str]:
    """Read header fields as a server would hand them on.

    Args:
        token: A bearer token, with or without its scheme; ``-`` for the one on standard input.
        headers: ``Name: value`` each; ``-`` for those on standard input, one a line.
        stdin: Standard input.

    Returns:
        Values by lower-case name; a name that comes twice has its values joined, as gunicorn does.

    Raises:
        click.UsageError: One of them is none. No value is shown.
    """
    given = list(headers)
    if [token, *given].count(STDIN) > 1:
        raise click.UsageError("standard input can be read once: of --token and --header, only one takes -")
    fields: dict[str, str] = {}
    for line in _lines(given, stdin):
        name, value = _field(line)
        fields[name] = f"{fields[name]},{value}" if name in fields else value
    if token is None:
        return fields
    if "authorization" in fields:
        raise click.UsageError("--token is the Authorization header: give one of them")
    text = _text(stdin.read()) if token == STDIN else _text(os.fsencode(token))
    value = _BEARER.sub("", text, count=1)
    if not value:
        raise click.BadParameter("there is no token", param_hint="--token")
    return {**fields, "authorization": f"Bearer {_sendable('--token', value)}"}


def read_session(name: str | None) -> SessionName | None:
    """Read a session's name.

    Args:
        name: The name, if one is given.

    Returns:
        Its parts.

    Raises:
        click.BadParameter: It is not of the documented form; in a call, it would count as none.
    """
    session = SessionName.parse_documented(name) if name is not None else None
    if name is not None and session is None:
        raise click.BadParameter(
            "a session's name is projects/P/locations/L/agents/A/sessions/S, or has environments/E/ before sessions/",
            param_hint="--session",
        )
    return session


def make_request(path: str, fields: dict[str, str], *, peer: str, certificate: Path | None) -> HttpRequest:
    """Make the request.

    Args:
        path: The webhook's path.
        fields: Header fields.
        peer: Address of the connection's other end.
        certificate: File with the connection's client certificate.

    Returns:
        The request, without a body.

    Raises:
        click.BadParameter: The file is no certificate.
    """
    der = None if certificate is None else _der(certificate)
    return HttpRequest("POST", path, Headers(fields), peer=peer, client_certificate=lambda: der)


def _lines(given: Iterable[str], stdin: BinaryIO) -> Iterator[str]:
    for each in given:
        if each != STDIN:
            yield _text(os.fsencode(each))
            continue
        found = [line for line in stdin.read().splitlines() if line.strip()]
        if not found:
            raise click.BadParameter("there is no header on standard input", param_hint="--header")
        yield from map(_text, found)


def _text(data: bytes) -> str:
    # Servers hand bytes on as latin-1 (PEP 3333), whatever they are in.
    return data.decode("latin-1").strip(" \t\r\n")


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _NAME.fullmatch(name):
        hint = ", and a name without underscores, which servers drop" if "_" in name and colon else ""
        raise click.BadParameter(f"'Name: value' is needed, in quotes{hint}", param_hint="--header")
    return name.lower(), _sendable("--header", value.strip(" \t"))


def _sendable(option: str, value: str) -> str:
    if _CONTROL.search(value):
        raise click.BadParameter(
            "the value has line ends or control characters, so nobody can send it", param_hint=option
        )
    return value


def _der(file: Path) -> bytes:
    try:
        data = file.read_bytes()
        load = x509.load_pem_x509_certificate if data.startswith(_PEM) else x509.load_der_x509_certificate
        return load(data).public_bytes(Encoding.DER)
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror})"
    except ValueError:
        problem = "the file is no certificate in PEM or DER"
    raise click.BadParameter(problem, param_hint="--client-cert")
