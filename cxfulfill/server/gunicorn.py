"""The shipped gunicorn settings, for Cloud Run and for a machine of one's own.

``gunicorn -c python:cxfulfill.server.gunicorn main:app``. A flag on the command line wins over each of them.
Environment: ``PORT`` (8080), ``WEB_CONCURRENCY`` (worker processes, 1), ``CXFULFILL_THREADS`` (threads in each, 8).

TLS, where nothing in front ends it: ``CXFULFILL_TLS_CERT`` and ``CXFULFILL_TLS_KEY`` (PEM files; ``cxfulfill cert``
makes a pair), and ``CXFULFILL_TLS_CLIENT_CA`` (a PEM file of roots) to demand client certificates, which ``MutualTls``
then tells apart. With ``CXFULFILL_TLS_CLIENT_CERT=optional`` a caller may come without one. SIGHUP reads renewed files.

Outside Cloud Run, put a buffering proxy in front: a client that sends its headers or its part of the TLS handshake
slowly holds a thread, and no setting of gunicorn ends that.
"""

import os
from typing import TYPE_CHECKING, Any

from cxfulfill.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

bind = f"0.0.0.0:{os.environ.get('PORT', '8080')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "gthread"
threads = int(os.environ.get("CXFULFILL_THREADS", "8"))

# Above the 30 seconds that CX waits at most, and a grace: a worker is never ended under a call that CX awaits.
timeout = 40
# Cloud Run kills a container 10 seconds after SIGTERM; elsewhere the longest call may end.
graceful_timeout = 9 if "K_SERVICE" in os.environ else 35
keepalive = 75

# No way in besides HTTP, and no word of a proxy is believed: nothing here depends on scheme or client address.
control_socket_disable = True
forwarded_allow_ips = ""
forwarder_headers = ""
header_map = "drop"  # "Client_Cert" must never pass for "Client-Cert"

# Room for an ID token or a client certificate in one header, and a bound for the rest.
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190

# A worker's heartbeat file belongs in memory: on a slow disk it can stall the worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108

certfile = os.environ.get("CXFULFILL_TLS_CERT") or None
keyfile = os.environ.get("CXFULFILL_TLS_KEY") or None
ca_certs = os.environ.get("CXFULFILL_TLS_CLIENT_CA") or None


def _cert_reqs(value: str) -> int:
    known = {"": 2 if ca_certs else 0, "optional": 1, "required": 2}
    if value not in known:
        raise ConfigurationError("CXFULFILL_TLS_CLIENT_CERT takes required or optional")
    return known[value]


cert_reqs = _cert_reqs(os.environ.get("CXFULFILL_TLS_CLIENT_CERT", ""))


def on_starting(server: Any) -> None:
    """Refuse to start with settings that must not serve; gunicorn calls this in its master, before it listens.

    Args:
        server: gunicorn's arbiter.

    Raises:
        RuntimeError: A reloader is on, or TLS is configured wrongly; gunicorn prints its sentence and ends.
    """
    settings = server.cfg
    if settings.reload:
        raise RuntimeError("gunicorn's reload is not for serving CX; while developing: flask --app main run --debug")
    if settings.certfile or settings.keyfile or settings.ca_certs or settings.cert_reqs:
        from cxfulfill.server.tls import check_settings  # noqa: PLC0415 - only those who end TLS here pay for it

        try:
            check_settings(settings.certfile, settings.keyfile, settings.ca_certs, settings.cert_reqs)
        except ConfigurationError as error:
            raise RuntimeError(str(error)) from None


def ssl_context(settings: Any, make_default: "Callable[[], SSLContext]") -> "SSLContext":
    """Give the TLS context of a connection; gunicorn calls this for each.

    Args:
        settings: gunicorn's settings, which ``make_default`` knows.
        make_default: Makes gunicorn's own context.

    Returns:
        The context.
    """
    del settings
    from cxfulfill.server.tls import connection_context  # noqa: PLC0415 - as above

    return connection_context(make_default)
