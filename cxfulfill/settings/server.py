"""The settings that the server reads: the shipped gunicorn settings, and the command line, which checks them."""

import os
from collections.abc import Iterator, Mapping
from typing import Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.settings.table import PREFIX, SETTINGS
from cxfulfill.settings.variables import Variables
from cxfulfill.structures import structure

WORKERS = "WEB_CONCURRENCY"
"""The variable for the number of workers, which gunicorn and platforms know under this name."""
_MOST = 9_999
_SHARES = 2
_SPARE = 4


@structure
class ServerSettings:
    """What the environment says to the server.

    Attributes:
        workers: Worker processes.
        threads: Threads in each of them.
        certificate: PEM file of the server's certificate; None without TLS.
        key: PEM file of its key; None where it stands in the certificate's file.
        client_ca: PEM file of client certificates' roots; None where none are asked for.
        client_certificates: gunicorn's ``cert_reqs``: 0 none, 1 optional, 2 required.
        log_format: Form of the log lines: ``text`` or ``json``.
    """

    workers: int
    threads: int
    certificate: str | None
    key: str | None
    client_ca: str | None
    client_certificates: int
    log_format: str

    @property
    def ends_tls(self) -> bool:
        """Whether anything is said about TLS, be it enough or not."""
        return bool(self.certificate or self.key or self.client_ca or self.client_certificates)


_OF_WEBHOOK: Final = tuple(f"{PREFIX}{each.name}" for each in SETTINGS if each.keyword not in ("auth", "server"))
"""Variables that only ``Webhook.from_env()`` reads, without those of policies, which an application may read itself."""


def read_server(environ: Mapping[str, str] = os.environ) -> ServerSettings:
    """Read the server's settings; its files are not looked at.

    Args:
        environ: The environment.

    Returns:
        The settings.

    Raises:
        ConfigurationError: A variable is wrong; the error names it.
    """
    variables = Variables(environ)
    client_ca = variables.text("TLS_CLIENT_CA")
    limit = _count(f"{PREFIX}MAX_IN_FLIGHT", variables.text("MAX_IN_FLIGHT"), 0)
    threads = _count(f"{PREFIX}THREADS", variables.text("THREADS"), threads_for(limit) if limit else 8)
    if limit >= threads:
        raise ConfigurationError(
            f"{PREFIX}THREADS must be above {PREFIX}MAX_IN_FLIGHT, or no thread is left to refuse with: "
            f"unset it, and there are {threads_for(limit)}"
        )
    asked = {None: 2 if client_ca else 0, "optional": 1, "required": 2}
    client_certificates = variables.text("TLS_CLIENT_CERT")
    if client_certificates not in asked:
        raise ConfigurationError(f"{PREFIX}TLS_CLIENT_CERT takes required or optional")
    log_format = variables.text("LOG_FORMAT") or ("json" if "K_SERVICE" in environ else "text")
    if log_format not in ("json", "text"):
        raise ConfigurationError(f"{PREFIX}LOG_FORMAT takes text or json")
    return ServerSettings(
        workers=_count(WORKERS, environ.get(WORKERS), 1),
        threads=threads,
        certificate=variables.text("TLS_CERT"),
        key=variables.text("TLS_KEY"),
        client_ca=client_ca,
        client_certificates=asked[client_certificates],
        log_format=log_format,
    )


def threads_for(limit: int) -> int:
    """Tell how many threads a worker needs so that some are free to refuse with.

    Args:
        limit: Calls that are handled at a time.

    Returns:
        One for each of them, one for each that may wait for an earlier delivery, and a few more.
    """
    return _SHARES * limit + _SPARE


def _count(variable: str, value: str | None, default: int) -> int:
    if value is None:
        return default
    text = value.strip()
    if not text.isdecimal() or len(text) > len(str(_MOST)) or int(text) < 1:
        raise ConfigurationError(f"{variable} must be a whole number from 1 to {_MOST}")
    return int(text)


def without_effect(
    limit: int | None, threads: int | None, *, is_from_env: bool, environ: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """Find settings that somebody has made and nobody heeds.

    Args:
        limit: ``max_in_flight`` of a webhook.
        threads: Threads of its server in each process; None where that has an event loop.
        is_from_env: Whether the webhook was made by ``Webhook.from_env()``.
        environ: The environment.

    Yields:
        A sentence for each, with what to do.
    """
    if limit is not None and threads is not None and limit >= threads:
        wanted = threads_for(limit)
        yield f"max_in_flight={limit}, and the server has {threads} threads; set {PREFIX}THREADS={wanted}"
    unread = [] if is_from_env else [name for name in _OF_WEBHOOK if name in environ]
    if unread:
        yield f"{', '.join(unread)}, which only Webhook.from_env() reads; make this webhook with it"
