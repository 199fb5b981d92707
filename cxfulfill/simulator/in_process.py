"""Calls of an application that is an object in this process: no socket, no server."""

import io
import sys
import threading
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote_to_bytes, urlsplit

from cxfulfill.assembly import assemble
from cxfulfill.auth.base import Authenticator
from cxfulfill.coroutines import run
from cxfulfill.http import WITH_BODY, BytesBody, Headers, HttpRequest, no_certificate
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.policy import Idempotency
from cxfulfill.records import CallRecord, RecordSink
from cxfulfill.runtime import Threads
from cxfulfill.simulator.sending import Answer, NoAnswer, Outgoing, joined
from cxfulfill.simulator.waiting import Here
from cxfulfill.webhook import Webhook

_PEER: Final = "127.0.0.1"
_WITHOUT_PREFIX: Final = ("CONTENT_TYPE", "CONTENT_LENGTH")


class _Kept(threading.local):
    """Keeps the record of this thread's last call, and hands it on."""

    def __init__(self, sink: RecordSink) -> None:
        self.sink = sink
        self.last: CallRecord | None = None

    def write(self, record: CallRecord) -> None:
        """Take a record; see `RecordSink.write`."""
        self.last = record
        self.sink.write(record)


class InProcess(Here):
    """A `Webhook`, called as a server would call it.

    The object is left as it is, but frozen: what tests need otherwise is changed in a copy of its parts.

    Args:
        webhook: The application.
        trust: Gives the authenticator that is asked in place of one of the application's own.
        own_store: Whether calls are remembered in the application's own store; else in memory, by this object alone.
        in_threads: Whether calls run in threads of their own, so that one can come too late while it still runs;
            else in the caller's thread, as tests with a database session need it.
        threads: How handlers are run; by default as under a WSGI server.
    """

    def __init__(
        self,
        webhook: Webhook,
        *,
        trust: Callable[[Authenticator], Authenticator] = lambda auth: auth,
        own_store: bool = True,
        in_threads: bool = False,
        threads: Threads | None = None,
    ) -> None:
        super().__init__(in_threads=in_threads)
        parts, own = webhook.parts, webhook.pipeline()
        self.webhook = webhook
        self._kept = _Kept(parts.records)
        policy = _in_memory(parts.idempotency)
        changed = replace(parts, records=self._kept, trust=trust, idempotency=policy, recording=None)
        made = assemble(webhook, changed)
        self._pipeline = replace(made, deduplication=own.deduplication) if own_store else made
        self._dropped = None if own_store else made.deduplication
        self._threads = threads or Threads(webhook.workers)

    def close(self) -> None:
        """Wait for calls that still run, and forget what is remembered in memory; the application stays open."""
        super().close()
        if self._dropped is not None:
            self._dropped.flights.drain(0)  # ends its thread

    def _send(self, outgoing: Outgoing) -> Answer:
        self._kept.last = None
        response = run(self._pipeline.handle(read_outgoing(outgoing), self._threads))
        body = b"" if outgoing.method == "HEAD" else response.body
        return Answer(status=response.status, headers=joined(response.headers), body=body, record=self._kept.last)


class InWsgi(Here):
    """A WSGI application, such as a Flask app, called as a server would call it.

    An exception that it lets out is let out here too, and says more than the status 500 of a server. Client
    certificates, of which WSGI knows nothing, are not shown.

    Args:
        app: The application.
        in_threads: As for `InProcess`.
    """

    def __init__(self, app: Callable[..., Any], *, in_threads: bool = False) -> None:
        super().__init__(in_threads=in_threads)
        self._app = app

    def _send(self, outgoing: Outgoing) -> Answer:
        response = _WsgiResponse()
        chunks = self._app(_environ(outgoing), response.start)
        try:
            for chunk in chunks:
                response.written.append(chunk)
        finally:
            getattr(chunks, "close", bool)()
        return response.answer()


class _WsgiResponse:
    """What an application says: status, header fields, and parts of the body."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.written: list[bytes] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
        """Begin the answer (PEP 3333); with ``exc_info`` anew, where nothing of it is out yet."""
        if exc_info is not None and any(self.written):
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self.status:
            raise AssertionError("start_response was called twice")
        self.status, self.headers = status, headers
        return self.written.append

    def answer(self) -> Answer:
        if not self.status:
            raise NoAnswer("unreachable", "the application ended without an answer: it never called start_response")
        return Answer(
            status=int(self.status.split(" ", 1)[0]), headers=joined(self.headers), body=b"".join(self.written)
        )


def read_outgoing(outgoing: Outgoing) -> HttpRequest:
    """Give a request as a server hands it to an application.

    Args:
        outgoing: The request.

    Returns:
        The same.
    """
    parts = urlsplit(outgoing.url)
    certificate = outgoing.certificate
    return HttpRequest(
        outgoing.method,
        unquote_to_bytes(parts.path or "/").decode(errors="surrogateescape"),
        Headers(_fields(outgoing)),
        parts.query,
        _PEER,
        BytesBody(outgoing.body),
        no_certificate if certificate is None else lambda: certificate.der,
        parts.path or "/",
    )


def _fields(outgoing: Outgoing) -> dict[str, str]:
    """Give the header fields that arrive: servers drop names with underscores."""
    length = {"content-length": str(len(outgoing.body))} if outgoing.body or outgoing.method in WITH_BODY else {}
    own = {name: value for name, value in outgoing.headers.items() if "_" not in name}
    return {"host": urlsplit(outgoing.url).netloc, **length, **own}


def _environ(outgoing: Outgoing) -> dict[str, Any]:
    parts = urlsplit(outgoing.url)
    names = {name.upper().replace("-", "_"): value for name, value in _fields(outgoing).items()}
    fields = {name if name in _WITHOUT_PREFIX else f"HTTP_{name}": value for name, value in names.items()}
    path = parts.path or "/"
    return {
        "REQUEST_METHOD": outgoing.method, "SCRIPT_NAME": "", "QUERY_STRING": parts.query, "REMOTE_ADDR": _PEER,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "RAW_URI": f"{path}?{parts.query}".removesuffix("?"),
        "SERVER_NAME": parts.hostname or "", "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(outgoing.body), "wsgi.errors": sys.stderr, "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False, **fields,
    }  # fmt: skip


def _in_memory(policy: Idempotency | None) -> Idempotency | None:
    """Give a policy a store of its own, so that no test finds what another one has left."""
    if policy is None:
        return None
    own = copy(policy)
    own.given_store = MemoryStore()
    return own
