"""The application: registration and lifecycle."""

import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from cxfulfill.assembly import Parts, assemble
from cxfulfill.auth.agents import AllowedAgents
from cxfulfill.auth.base import Authenticator, check_policy
from cxfulfill.context import Clock
from cxfulfill.coroutines import run
from cxfulfill.errors import ConfigurationError, InternalError, Unavailable
from cxfulfill.forks import lock_of_process
from cxfulfill.http import HttpRequest, HttpResponse, problem_response
from cxfulfill.idempotency.policy import Idempotency
from cxfulfill.idempotency.store import IdempotencyStore
from cxfulfill.lifecycle import HookFunction, Lifecycle
from cxfulfill.load import Load
from cxfulfill.pipeline import HEALTH_PATH, READY_PATH, Pipeline
from cxfulfill.protocol.names import AgentName
from cxfulfill.protocol.sent import validator
from cxfulfill.random_ids import new_id
from cxfulfill.records import RecordSink
from cxfulfill.reply import prepare
from cxfulfill.routing import Router
from cxfulfill.runtime import Runtime, Threads
from cxfulfill.server.wsgi import StartResponse, WsgiApp
from cxfulfill.serving import served, warm_up
from cxfulfill.telemetry import Telemetry, sink_of, telemetry_of
from cxfulfill.workers import Workers

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from cxfulfill.event_loop import Read
    from cxfulfill.recording import Recording
    from cxfulfill.server.asgi import AsgiApp

DEFAULT_MAX_BODY = 1024 * 1024
"""Bytes of a request that are read at most (1 MiB)."""

DEFAULT_IDEMPOTENCY = Idempotency()
"""A retry gets the answer of the first delivery, from this process's or machine's own store."""


_log = logging.getLogger("cxfulfill")


class Webhook(Router):
    """A Dialogflow CX webhook: handlers, who may call them, and the servers' way in.

    It is a WSGI application itself (``gunicorn main:webhook``).

    Args:
        auth: Who may call; required.
        idempotency: How calls are de-duplicated: an `Idempotency`, a store, or its URL such as ``redis://...``; None
            runs every delivery of a call.
        timeout: Seconds from the arrival of a call within which it is answered, at most 30. With None plain
            handlers are not cut off, ``async`` ones are after 4.5 seconds, which ``ctx.deadline`` counts.
        path: Path of the standard webhook.
        max_body: Largest body in bytes.
        allowed_agents: Full names of the agents whose sessions are served, ``projects/P/locations/L/agents/A``;
            a call of another one, or without a session, is a 403. None serves all that ``auth`` lets in.
        strict_cx_status: Answer with the statuses that CX documents only: 404 for 405, and 400 for 408, 413
            and 415.
        max_in_flight: Calls that are handled at a time in a process; those beyond are a 503 (``overloaded``) at once.
        records: Takes the record of each call; by default `LogRecords` writes it to the logger ``cxfulfill``.
        telemetry: Traces and measures calls: `OpenTelemetry`.
        clock: Seconds that only go up; given by tests.
        new_id: Makes the ids of calls (128 random bits in hexadecimal); given by tests.

    Raises:
        ConfigurationError: An argument is wrong.
    """

    def __init__(
        self,
        *,
        auth: Authenticator,
        idempotency: Idempotency | IdempotencyStore | str | None = DEFAULT_IDEMPOTENCY,
        timeout: float | None = None,
        path: str = "/webhook",
        max_body: int = DEFAULT_MAX_BODY,
        allowed_agents: Iterable[str | AgentName] | None = None,
        strict_cx_status: bool = False,
        max_in_flight: int | None = None,
        records: RecordSink | None = None,
        telemetry: Telemetry | None = None,
        clock: Clock = time.monotonic,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        super().__init__(timeout=timeout)
        check_policy(auth)
        if not path.startswith("/") or not path.isascii() or path in (HEALTH_PATH, READY_PATH):
            raise ConfigurationError(f"path must be ASCII, start with / and be neither {HEALTH_PATH} nor {READY_PATH}")
        if max_body < 1:
            raise ConfigurationError("max_body must be 1 byte at least")
        self.auth = auth
        self.idempotency = _policy(idempotency)
        self.path = path
        self._options: dict[str, Any] = {
            "max_body": max_body, "allowed_agents": None if allowed_agents is None else AllowedAgents(allowed_agents),
            "strict_cx_status": strict_cx_status, "records": sink_of(records), "telemetry": telemetry_of(telemetry),
            "clock": clock, "new_id": new_id,
        }  # fmt: skip
        self._freezing = lock_of_process(self, "_freezing")
        self._pipeline: Pipeline | None = None
        self.is_from_env = False
        self.recording: Recording | None = None
        self.workers = Workers()
        self.lifecycle = Lifecycle(self.workers, clock)
        self.load = Load(max_in_flight)
        served.add(self)

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Make a webhook from the environment's ``CXFULFILL_*`` variables; only this reads them.

        Args:
            overrides: Keywords of `Webhook` that win over variables.

        Returns:
            The webhook.

        Raises:
            ConfigurationError: A variable is wrong, missing, misspelt, or nothing reads it; the error says what to
                set.
        """
        from cxfulfill.settings.reading import build  # noqa: PLC0415 - not everybody starts this way

        made = build(cls, overrides)
        made.is_from_env = True
        return made

    def without_effect(self, threads: int | None) -> Iterator[str]:
        """Find settings that somebody has made and nobody heeds.

        Args:
            threads: How many a server has in each process; None where it has an event loop.

        Yields:
            A sentence for each, with what to do.
        """
        from cxfulfill.settings.server import without_effect  # noqa: PLC0415 - only servers and tools ask

        yield from without_effect(self.load.limit, threads, is_from_env=self.is_from_env)

    def on_startup(self, function: HookFunction) -> HookFunction:
        """Register a start-up hook: a plain or ``async`` function without arguments.

        They run once in each process, in order, before its first call is handled. One that raises is tried again; until
        then calls are a 503 (``starting``).
        """
        self.check_open()
        self.lifecycle.add(function)
        return function

    def on_shutdown(self, function: HookFunction) -> HookFunction:
        """Register a shutdown hook: it runs at `close`, after all handlers, in the reverse order."""
        self.check_open()
        self.lifecycle.add(function, at_end=True)
        return function

    def check(self) -> None:
        """Freeze the application and check what can only be checked then; the first request does it too.

        Raises:
            ConfigurationError: An annotation cannot be resolved.
        """
        self.pipeline()

    def warm(self) -> None:
        """Do in this process what its first call would else wait for; most servers do it as they begin.

        Freezes the application, fetches keys and secrets (for at most 3 seconds), opens the store, runs the start-up
        hooks, and begins the event loop of ``async`` handlers. What does not succeed is tried again by the calls.

        Raises:
            ConfigurationError: As for `check`.
        """
        probes = self.pipeline().probes
        if any(each.options.function.is_async for each in (*self.entries(), *self.routes())):
            with suppress(Unavailable):  # no thread, or no file descriptor
                self.workers.portal()
        probes.warm()

    def pipeline(self) -> Pipeline:
        """Give the way of a request; freezes the application.

        Returns:
            The pipeline.

        Raises:
            ConfigurationError: As for `check`.
        """
        if self._pipeline is None:
            with self._freezing:
                self._pipeline = self._pipeline or self._freeze()
        return self._pipeline

    def handle(self, http: HttpRequest, runtime: Runtime | None = None) -> HttpResponse:
        """Answer a request in this thread.

        Args:
            http: The request.
            runtime: How to wait; a server's adapter may give its own.

        Returns:
            The answer, whatever happens.
        """
        return run(self.answer(http, runtime or self._threads))

    def answer(self, http: HttpRequest, runtime: Runtime) -> Coroutine[Any, Any, HttpResponse]:
        """Begin to answer a request; see `handle`.

        Args:
            http: The request.
            runtime: How to wait.

        Returns:
            What gives the answer.
        """
        try:
            pipeline = self._pipeline or self.pipeline()
        except ConfigurationError as error:
            return self._unserved(error)
        return pipeline.handle(http, runtime)

    async def _unserved(self, error: ConfigurationError) -> HttpResponse:
        # Found out only now, by the first request; a server's own answer would be a traceback.
        _log.error("nothing can be served: %s", error)
        request_id = self._options["new_id"]()
        return problem_response(InternalError(reason="configuration"), request_id, InternalError.status)

    @cached_property
    def asgi(self) -> "AsgiApp":
        """The application for an ASGI server, on whose event loop ``async`` handlers and hooks run."""
        from cxfulfill.event_loop import Loop  # noqa: PLC0415 - for servers with an event loop alone
        from cxfulfill.server.asgi import AsgiApp  # noqa: PLC0415 - as above

        def answer(http: HttpRequest, read: "Read") -> Coroutine[Any, Any, HttpResponse]:
            self.workers.served()  # a server may know no lifespan
            return self.answer(http, Loop(self.workers, read))

        def start(loop: "AbstractEventLoop") -> None:
            self.workers.adopt(loop)
            warm_up(self)

        return AsgiApp(answer, start, self.close)

    @cached_property
    def wsgi(self) -> WsgiApp:
        """The application for a WSGI server: the shortest way from bytes to handler."""
        return WsgiApp(self.handle)

    def __call__(
        self, environ: dict[str, Any], start_response: StartResponse | None = None, *others: Any
    ) -> Iterable[bytes]:
        """Serve as a WSGI application; the same as ``wsgi``."""
        if start_response is None or others:
            raise TypeError("a Webhook is a WSGI application; ASGI servers take its asgi, such as main:webhook.asgi")
        return self.wsgi(environ, start_response)

    def close(self) -> None:
        """Wait for running handlers, run the shutdown hooks, and end threads and event loop of this process."""
        if self._pipeline is not None and self._pipeline.deduplication is not None:
            self._pipeline.deduplication.close()
        self.lifecycle.close()

    @cached_property
    def _threads(self) -> Threads:
        return Threads(self.workers)

    @property
    def parts(self) -> Parts:
        """What the pipeline is put together from."""
        return Parts(
            auth=self.auth,
            idempotency=self.idempotency,
            path=self.path,
            lifecycle=self.lifecycle,
            load=self.load,
            recording=self.recording,
            **self._options,
        )

    def _freeze(self) -> Pipeline:
        validator()  # made when first used, to spare the import; the first call must not wait for it
        prepare()
        pipeline = assemble(self, self.parts)
        self.close_registration("the application is frozen since its first request or check()")
        return pipeline


def _policy(given: Idempotency | IdempotencyStore | str | None) -> Idempotency | None:
    return given if given is None or isinstance(given, Idempotency) else Idempotency(given)
