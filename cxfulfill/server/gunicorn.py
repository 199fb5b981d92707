"""The shipped gunicorn settings, for Cloud Run and for a machine of one's own.

``gunicorn -c python:cxfulfill.server.gunicorn main:app``. A flag on the command line wins over each of them.
Environment: ``PORT`` (8080), ``WEB_CONCURRENCY`` (worker processes, 1), ``CXFULFILL_THREADS`` (threads in each, 8; with
``CXFULFILL_MAX_IN_FLIGHT`` as many as it takes to refuse the calls beyond).

TLS, where nothing in front ends it: ``CXFULFILL_TLS_CERT`` and ``CXFULFILL_TLS_KEY`` (PEM files; ``cxfulfill cert``
makes a pair), and ``CXFULFILL_TLS_CLIENT_CA`` (a PEM file of roots) to demand client certificates, which ``MutualTls``
then tells apart. With ``CXFULFILL_TLS_CLIENT_CERT=optional`` a caller may come without one. SIGHUP reads renewed files;
where they do not pass the check, an ERROR line says why and the ones of before go on.

The logger ``cxfulfill`` writes to stderr as gunicorn does, from INFO up, unless the application configures logging.
``CXFULFILL_LOG_FORMAT=json`` makes each line JSON for Cloud Logging, as on Cloud Run; ``text`` is for a person.

Outside Cloud Run, put a buffering proxy in front: a client that sends its headers or its part of the TLS handshake
slowly holds a thread, and no setting of gunicorn ends that.
"""

import gc
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxfulfill.errors import ConfigurationError, statement_of
from cxfulfill.last_resort import LastResort, TextFormatter
from cxfulfill.settings.server import read_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

_ASGI = ("asgi", "gunicorn.workers.gasgi.ASGIWorker")
_WHILE_LOADING = 200_000
"""Objects that are made before the garbage collector looks, while an application is loaded."""
_thresholds: list[int] = []
_read = read_server()

bind = f"0.0.0.0:{os.environ.get('PORT', '8080')}"
workers = _read.workers
worker_class = "cxfulfill.server.worker.Worker"
threads = _read.threads

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

certfile = _read.certificate
keyfile = _read.key
ca_certs = _read.client_ca
cert_reqs = _read.client_certificates

# What nobody else handles is written in gunicorn's own form, or as JSON. Python's handler of last resort, which this
# replaces, is asked only where an application has configured none.
if _read.log_format == "json":
    from cxfulfill.cloud_logging import CloudLoggingFormatter  # only those who write JSON pay for it

    _json = CloudLoggingFormatter()
    logging.lastResort = LastResort(_json, _json.format_call)
else:
    _text = TextFormatter()
    logging.lastResort = LastResort(_text, _text.format_call)


def _tell(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    """Tell in one line that the application refuses its settings: with ``--preload`` its exception ends gunicorn."""
    if isinstance(error, ConfigurationError):
        sys.stderr.write(f"\nError: the application does not start: {error}{statement_of(error)}\n\n")
    else:
        _tell_others(kind, error, traceback)


_tell_others = sys.excepthook
sys.excepthook = _tell


def on_starting(server: Any) -> None:
    """Refuse to start with settings that must not serve; gunicorn calls this in its master, before it listens.

    Args:
        server: gunicorn's arbiter.

    Raises:
        RuntimeError: A reloader is on, or TLS is configured wrongly; gunicorn prints its sentence and ends.
    """
    settings = server.cfg
    _fit_to_asgi(server)
    if settings.reload:
        raise RuntimeError("gunicorn's reload is not for serving CX; while developing: flask --app main run --debug")
    try:
        _read_tls_files(settings)
        if settings.workers > 1:
            _share_calls()
    except ConfigurationError as error:
        raise RuntimeError(str(error)) from None


def worker_exit(server: Any, worker: Any) -> None:
    """Wait for handlers that still run, and hand over what is not kept yet; gunicorn calls this in a worker that ends.

    Args:
        server: gunicorn's arbiter.
        worker: gunicorn's worker.
    """
    del server, worker
    served = sys.modules.get("cxfulfill.serving")
    if served is not None:
        served.close_all()


def on_reload(server: Any) -> None:
    """Read the files of TLS anew, and go on with those of before where they are wrong; gunicorn calls this at SIGHUP.

    Args:
        server: gunicorn's arbiter.
    """
    _fit_to_asgi(server)
    try:
        _read_tls_files(server.cfg)
    except ConfigurationError as error:
        server.log.error("TLS goes on with the files of before: %s", error)  # noqa: TRY400 - the sentence says it all


def post_worker_init(worker: Any) -> None:
    """Let the calls' lines through where the application says nothing about logging, and run its start-up hooks.

    gunicorn calls this in a worker, before it takes calls.

    Args:
        worker: gunicorn's worker, which has loaded the application.
    """
    log = logging.getLogger("cxfulfill")
    if not log.hasHandlers() and log.level == logging.NOTSET and log.getEffectiveLevel() == logging.WARNING:
        log.setLevel(logging.INFO)
    served = sys.modules.get("cxfulfill.serving")
    if served is not None:
        # A worker with an event loop has no threads for requests, and does the rest there, by ASGI's lifespan.
        is_loop = hasattr(worker, "lifespan")
        served.start_all(None if is_loop else worker.cfg.threads, warm=not is_loop)
    _end_loading()


def when_ready(server: Any) -> None:
    """Leave what ``--preload`` has loaded alone, so that workers go on sharing its memory; gunicorn calls this.

    A garbage collector that looks through it would write into each page of it.

    Args:
        server: gunicorn's arbiter, which has not made a worker yet.
    """
    if server.cfg.preload_app:
        gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    """Let the garbage collector rest while a worker loads the application; gunicorn calls this in it.

    What is loaded stays: to look through it again and again costs a seventh of a worker's start.

    Args:
        server: gunicorn's arbiter.
        worker: gunicorn's worker.
    """
    del server, worker
    _thresholds[:] = gc.get_threshold()
    gc.set_threshold(_WHILE_LOADING, *_thresholds[1:])


def _end_loading() -> None:
    """Let the garbage collector work again, without what has been loaded; thresholds of the application's stay."""
    gc.freeze()
    if gc.get_threshold()[0] == _WHILE_LOADING:
        gc.set_threshold(*_thresholds)


def ssl_context(settings: Any, make_default: "Callable[[], SSLContext]") -> "SSLContext":
    """Give the TLS context of a connection; gunicorn calls this for each.

    Args:
        settings: gunicorn's settings, which ``make_default`` knows.
        make_default: Makes gunicorn's own context.

    Returns:
        The context.
    """
    del settings
    from cxfulfill.server.tls import connection_context  # noqa: PLC0415 - only those who end TLS here pay for it

    return connection_context(make_default)


def _fit_to_asgi(server: Any) -> None:
    """Take our own worker for ``-k asgi``, and no threads, of which gunicorn would say that they are without effect."""
    settings = server.cfg
    if settings.worker_class_str not in _ASGI:
        return
    settings.set("worker_class", "cxfulfill.server.asgi_worker.AsgiWorker")
    server.worker_class = settings.worker_class
    if settings.threads == threads:  # else the command line says so
        settings.set("threads", 1)


def _share_calls() -> None:
    """Make the file in which the workers remember calls, where the application names no store of its own."""
    from cxfulfill.idempotency import sqlite, urls  # noqa: PLC0415 - a single worker needs none

    folder = sqlite.make_private_folder()
    for left in folder.glob("calls-*"):
        process = left.name.removeprefix("calls-").partition(".")[0]
        # Another application's is left alone; one of this process's number is of an earlier start, and of other code.
        if process == str(os.getpid()) or not (process.isdigit() and Path(f"/proc/{process}").exists()):
            left.unlink(missing_ok=True)
    urls.shared_file = str(sqlite.prepare(folder / f"calls-{os.getpid()}.sqlite3"))


def on_exit(server: Any) -> None:
    """Remove the file in which the workers remembered calls; gunicorn calls this when its master ends.

    Args:
        server: gunicorn's arbiter.
    """
    del server
    urls = sys.modules.get("cxfulfill.idempotency.urls")
    if urls is not None and urls.shared_file is not None:
        for end in ("", "-wal", "-shm"):
            Path(urls.shared_file + end).unlink(missing_ok=True)


def _read_tls_files(settings: Any) -> None:
    if settings.certfile or settings.keyfile or settings.ca_certs or settings.cert_reqs:
        from gunicorn.sock import ssl_context as context_of  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

        from cxfulfill.server.tls import check_settings, renew  # noqa: PLC0415 - as above

        check_settings(settings.certfile, settings.keyfile, settings.ca_certs, settings.cert_reqs)
        renew(lambda: context_of(settings))
