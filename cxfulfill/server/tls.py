"""TLS that gunicorn ends itself: a check of the files at start, and the context of its connections.

The shipped settings import this only where TLS is configured.
"""

import os
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from cxfulfill.certificates import check_server_certificate
from cxfulfill.errors import ConfigurationError

Now = Callable[[], datetime]

_contexts: dict[int, ssl.SSLContext] = {}


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
        raise ConfigurationError("TLS needs CXFULFILL_TLS_CERT and CXFULFILL_TLS_KEY, two PEM files")
    if client_certificates and not client_ca:
        raise ConfigurationError("to check client certificates, set CXFULFILL_TLS_CLIENT_CA to a PEM file of roots")
    if client_ca and not client_certificates:
        raise ConfigurationError("a CA for client certificates is set and none are asked for: set --cert-reqs 2")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_certificate(context, certificate, key)
    check_server_certificate(_first_certificate(certificate), now())
    if client_ca:
        _load_client_ca(context, client_ca)


def connection_context(make_default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Give the context of gunicorn's connections.

    gunicorn makes one for each connection and reads all files anew. One for each worker is enough, and leaves a
    running server its certificate while a newer one is being written; SIGHUP starts workers that read it.

    Args:
        make_default: gunicorn's own way to make one.

    Returns:
        The context.
    """
    made = _contexts.get(os.getpid())
    if made is None:
        made = make_default()
        made.minimum_version = max(made.minimum_version, ssl.TLSVersion.TLSv1_2)
        # A body that is cut off at its deadline ends without TLS's own end. OpenSSL 3 takes that for fatal and would
        # let no answer out; HTTP knows by itself whether a body is whole.
        made.options |= getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        made = _contexts.setdefault(os.getpid(), made)
    return made


def _load_certificate(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    try:
        # With an empty passphrase, an encrypted key is an error instead of a question on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigurationError("CXFULFILL_TLS_KEY is not the key of CXFULFILL_TLS_CERT") from None
        raise ConfigurationError(
            "CXFULFILL_TLS_CERT and CXFULFILL_TLS_KEY must be PEM files with a certificate and its key, which is not "
            f"encrypted; OpenSSL says {error.reason or 'no more'}"
        ) from None
    except (OSError, ValueError):
        raise ConfigurationError("CXFULFILL_TLS_CERT or CXFULFILL_TLS_KEY names no file that can be read") from None


def _first_certificate(file: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(Path(file).read_bytes())[0]
    except (ValueError, x509.InvalidVersion):
        raise ConfigurationError("CXFULFILL_TLS_CERT is no certificate in the form of RFC 5280") from None


def _load_client_ca(context: ssl.SSLContext, file: str) -> None:
    try:
        context.load_verify_locations(file)
    except (OSError, ValueError):
        raise ConfigurationError("CXFULFILL_TLS_CLIENT_CA names no PEM file with certificates") from None
