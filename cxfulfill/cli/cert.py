"""``cxfulfill cert``: a local CA and a server certificate that CX accepts."""

import base64
import os
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from cxfulfill.certificates import (
    AUTHORITY_DAYS,
    SERVER_DAYS,
    Issued,
    make_authority,
    make_server_certificate,
    read_authority,
)
from cxfulfill.errors import ConfigurationError

_FOLDER = click.Path(file_okay=False, path_type=Path)
_PURPOSES = {
    "ca.pem": "the CA, for clients that take PEM, such as curl --cacert",
    "ca.der": "the CA, for CX",
    "ca.key": "the CA's key, for the next server certificate (--ca); keep it off the server",
    "server.pem": "the server's certificate",
    "server.key": "the server's key",
}
_VARIABLES = (("CXFULFILL_TLS_CERT", "server.pem"), ("CXFULFILL_TLS_KEY", "server.key"))


@click.command()
@click.option(
    "--host", "hosts", multiple=True, required=True, help="Name or IP address that CX calls; may be given repeatedly."
)
@click.option("--out", type=_FOLDER, default=Path("certs"), show_default=True, help="Folder for the new files.")
@click.option(
    "--days",
    type=click.IntRange(1, AUTHORITY_DAYS),
    default=SERVER_DAYS,
    show_default=True,
    help="Days that the server's certificate is valid.",
)
@click.option("--ca", type=_FOLDER, help="Folder with ca.pem and ca.key of an earlier run, to sign with.")
def cert(hosts: tuple[str, ...], out: Path, days: int, ca: Path | None) -> None:
    """Make a server certificate for a webhook, and a CA to enter in CX.

    Each host becomes a subject alternative name of the certificate; CX calls no server without one. The certificate is
    renewed with --ca: CX then goes on trusting the same CA. Files that are there are not overwritten.
    """
    now = datetime.now(UTC)
    files: dict[str, bytes] = {}
    if ca is None:
        authority = make_authority(now)
        files = {"ca.pem": authority.pem, "ca.der": authority.der, "ca.key": authority.key_pem}
    else:
        authority = _read_authority(ca)
    server = make_server_certificate(authority, hosts, now, days=days)
    files |= {"server.pem": server.pem, "server.key": server.key_pem}
    _write(out, files)
    click.echo(_explain(out, files, authority))


def _read_authority(folder: Path) -> Issued:
    try:
        certificate, key = (folder / "ca.pem").read_bytes(), (folder / "ca.key").read_bytes()
    except OSError as error:
        raise ConfigurationError(f"--ca: ca.pem and ca.key cannot be read ({error.strerror})") from None
    return read_authority(certificate, key)


def _write(out: Path, files: Mapping[str, bytes]) -> None:
    there = [str(out / name) for name in files if (out / name).exists()]
    if there:
        raise ConfigurationError(f"not overwritten: {', '.join(there)}; choose another --out, or remove them")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            mode = 0o600 if name.endswith(".key") else 0o644
            with open(os.open(out / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:  # noqa: PTH123
                file.write(content)
    except OSError as error:
        raise ConfigurationError(f"--out: the files cannot be written ({error.strerror})") from None


def _explain(out: Path, files: Mapping[str, bytes], authority: Issued) -> str:
    listed = "\n".join(f"  {out / name!s:24} {_PURPOSES[name]}" for name in files)
    pair = (f"{name}={shlex.quote(str(out / file))}" for name, file in _VARIABLES)
    start = f"{' '.join(pair)} gunicorn -c python:cxfulfill.server.gunicorn main:app"
    text = f"{listed}\n\nStart the server:\n  {start}\n"
    if "ca.der" not in files:
        return f"{text}\nCX needs no change: the CA is the one of before."
    encoded = base64.b64encode(authority.der).decode()
    return (
        f"{text}\nIn CX's console, upload {out / 'ca.der'} in the webhook's settings as custom CA certificate; or "
        f'write into the webhook resource, under genericWebService:\n  "allowedCaCerts": ["{encoded}"]\n'
        "CX then trusts this CA for the webhook and no other."
    )
