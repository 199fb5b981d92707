"""TLS that gunicorn ends itself: a check of the files at start and at SIGHUP, and the context of its connections.

The shipped settings import this only where TLS is configured.
"""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from cxfulfill.certificates import check_server_certificate
from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.wording import naming

Now = Callable[[], datetime]

_kept: list[ssl.SSLContext] = []
"""The context of the files that passed the check last; at most one."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def check_settings(
    certificate: str | None, key: str | None, client_ca: str | None, client_certificates: int, *, now: Now = _utc_now
) -> None:
    """Check the files before a socket is opened, so that a mistake is one sentence and not a row of failed calls.

    No file's name is shown: a variable may hold the key itself by mistake.

    Args:
        certificate: PEM file with the server's certificate, and those between it and its root.
        key: PEM file with its key; None where that stands in the certificate's file.
        client_ca: PEM file with the roots of client certificates; None where none are asked for.
        client_certificates: gunicorn's ``cert_reqs``: 0 none, 1 optional, 2 required.
        now: Tells the time, with its zone.

    Raises:
        ConfigurationError: A file is missing or no such file, the key is another certificate's, CX would refuse the
            certificate, or one of the settings for client certificates lacks the other.
    """
    if not certificate:
        variable = (
            "CXFULFILL_TLS_KEY" if key else "CXFULFILL_TLS_CLIENT_CA" if client_ca else "CXFULFILL_TLS_CLIENT_CERT"
        )
        raise ConfigurationError(
            f"set CXFULFILL_TLS_CERT to the PEM file of the server's certificate: {variable} is set"
        )
    if client_certificates and not client_ca:
        raise ConfigurationError("to check client certificates, set CXFULFILL_TLS_CLIENT_CA to a PEM file of roots")
    if client_ca and not client_certificates:
        raise ConfigurationError("a CA for client certificates is set and none are asked for: set --cert-reqs 2")
    first = _first_certificate(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_key(context, certificate, key)
    with naming(lambda _: None, "CXFULFILL_TLS_CERT: "):
        check_server_certificate(first, now())
    if client_ca:
        _load_client_ca(context, client_ca)


def renew(make: Callable[[], ssl.SSLContext]) -> None:
    """Make the context anew, in gunicorn's master: workers inherit it, and never read the files themselves.

    So what passed the check is what is served, by workers that are started later too, whatever becomes of the files
    meanwhile.

    Args:
        make: gunicorn's way to make one, which ends in `connection_context`.

    Raises:
        ConfigurationError: It cannot be made; the one of before is kept.
    """
    before = tuple(_kept)
    _kept.clear()
    try:
        make()
    except (OSError, ValueError) as error:
        _kept[:] = before
        raise ConfigurationError(
            f"gunicorn's settings make no TLS ({type(error).__name__}): look at ciphers, or try again if the files of "
            "CXFULFILL_TLS_CERT and CXFULFILL_TLS_KEY are changing just now"
        ) from None


def connection_context(make_default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Give the context of gunicorn's connections.

    gunicorn makes one for each connection and reads all files anew. One is enough; see `renew`.

    Args:
        make_default: gunicorn's own way to make one.

    Returns:
        The context.
    """
    if _kept:
        return _kept[0]
    made = make_default()
    made.minimum_version = max(made.minimum_version, ssl.TLSVersion.TLSv1_2)
    # A body that is cut off at its deadline ends without TLS's own end. OpenSSL 3 takes that for fatal and would let no
    # answer out; HTTP knows by itself whether a body is whole.
    made.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    _kept[:] = [made]
    return made


def _first_certificate(file: str) -> x509.Certificate:
    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError):
        raise ConfigurationError("CXFULFILL_TLS_CERT names no file that can be read") from None
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except x509.InvalidVersion:
        raise ConfigurationError("CXFULFILL_TLS_CERT is no certificate in the form of RFC 5280") from None
    except ValueError:
        raise ConfigurationError("CXFULFILL_TLS_CERT must be a PEM file with a certificate") from None


def _load_key(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        # With an empty passphrase, an encrypted key is an error instead of a question on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise ConfigurationError(_problem_of_key(error.reason or "", key)) from None
    except (OSError, ValueError):
        raise ConfigurationError("CXFULFILL_TLS_KEY names no file that can be read") from None


def _problem_of_key(reason: str, key: str | None) -> str:
    if reason == "KEY_VALUES_MISMATCH":
        return "CXFULFILL_TLS_KEY is not the key of CXFULFILL_TLS_CERT"
    if reason.endswith(("_TOO_SMALL", "_TOO_WEAK")):
        return f"CXFULFILL_TLS_CERT is refused by OpenSSL: {reason}"
    if key is None:
        return "set CXFULFILL_TLS_KEY to the PEM file of the key: the file of CXFULFILL_TLS_CERT has none"
    told = f"; OpenSSL says {reason}" if reason else ""
    return f"CXFULFILL_TLS_KEY must be a PEM file with the certificate's key, which is not encrypted{told}"


def _load_client_ca(context: ssl.SSLContext, file: str) -> None:
    try:
        context.load_verify_locations(file)
    except (OSError, ValueError):
        raise ConfigurationError("CXFULFILL_TLS_CLIENT_CA names no PEM file with certificates") from None
