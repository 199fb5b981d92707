"""What is noted of a call on its way, and the record that it gives in the end."""

import inspect
import logging
import re
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Protocol

from cxfulfill.containment import failure_of
from cxfulfill.context import Call
from cxfulfill.errors import ConfigurationError, HttpError, ReplyError, Unavailable
from cxfulfill.http import METHODS, HttpRequest, HttpResponse
from cxfulfill.late import frames_of, seen_in
from cxfulfill.log_lines import LogRecords
from cxfulfill.records import CallRecord, Outcome, RecordSink, event_of
from cxfulfill.stages import Spans, Stages
from cxfulfill.traces import Trace, read_trace

_log = logging.getLogger("cxfulfill")
_MAX_TAG = 128
_EXPECTED = frozenset({"in_progress"})  # a retry that waited in vain: nothing is to be done
_WARNED: Final = frozenset({"late", "lost"})
_MAX_NOTE = 512
_PARENT: Final = (
    r"(?a)projects/([\w.:-]{1,64})/locations/([\w-]{1,32})/agents/([\w-]{1,64})"
    r"(?:/environments/(?:-|([\w-]{1,64})))?"
)
"""What sessions belong to whose ids are told; what has other characters, or more, is no id of Google's."""
_MAX_PARENT: Final = 320
"""Characters of the longest such one, and a few more."""
_HASHED: Final = 12


class CallSpan(Spans, Protocol):
    """The trace of one call."""

    @property
    def trace(self) -> Trace | None:
        """Where in its trace the call is; None where it is in none."""
        ...

    def end(self, record: CallRecord) -> None:
        """Tell what became of the call; it must not raise.

        Args:
            record: Its record.
        """
        ...


class Telemetry(Protocol):
    """Traces and measures calls."""

    def call(self, http: HttpRequest) -> AbstractContextManager[CallSpan | None]:
        """Begin a call; neither this nor the block must raise anything of their own.

        Args:
            http: The request, before anything is known of its caller.

        Returns:
            A block around the call, in its own thread or task; None where it is not to be traced.
        """
        ...


def telemetry_of(given: Telemetry | None) -> Telemetry | None:
    """Check what traces and measures calls.

    Args:
        given: It, or None.

    Returns:
        The same.

    Raises:
        ConfigurationError: It is nothing of the kind.
    """
    if given is not None and (isinstance(given, type) or not callable(getattr(given, "call", None))):
        raise ConfigurationError("telemetry= needs an OpenTelemetry()")
    return given


def sink_of(given: RecordSink | None) -> RecordSink:
    """Check who takes the records.

    Args:
        given: It; None for the log.

    Returns:
        The sink.

    Raises:
        ConfigurationError: It has no plain method ``write``.
    """
    if given is None:
        return LogRecords()
    write = getattr(given, "write", None)
    if isinstance(given, type) or not callable(write) or inspect.iscoroutinefunction(write):
        raise ConfigurationError("records= needs an object with a plain method write(record)")
    return given


@dataclass(eq=False, repr=False)
class Record:
    """One call, filled in on its way.

    Attributes:
        request_id: Id of the call.
        http: The request.
        stages: How long its stages take.
        span: Its trace; None where it has none.
        path: Pattern of the path, where something is served.
        principal: Name of the caller, once known.
        session: Name of the session, once known.
        tag: The tag, once known.
        route: Method and path's pattern of a flexible call, once known.
        pattern: What the handler of a standard call is registered for, once known.
        place: Where the handler is defined, once known.
        bytes_in: Size of the body, once read.
        call: The call, once made.
        error: What went wrong, also where an error handler turned it into an answer.
        outcome: How it was answered, where that was with 200.
        is_users: Whether code of the user's is asked now, so that an error may be of any kind.
    """

    request_id: str
    http: HttpRequest
    stages: Stages
    span: CallSpan | None = None
    path: str = ""
    principal: str = ""
    session: str = ""
    tag: str = ""
    route: str = ""
    pattern: str = ""
    place: str = ""
    bytes_in: int = 0
    call: Call | None = None
    error: Exception | None = None
    outcome: Outcome = "ok"
    is_users: bool = False

    def answered(self, call: Call, *, replayed: bool = False, joined: bool = False) -> None:
        """Note that the call has its answer.

        Args:
            call: The call.
            replayed: Whether it is that of an earlier delivery.
            joined: Whether that one still ran.
        """
        if replayed:
            self.outcome = "joined" if joined else "replayed"
        elif call.deadline.remaining() <= 0:
            self.outcome = "late"

    def finish(self, response: HttpResponse, sink: RecordSink) -> None:
        """Hand the call's record over.

        Args:
            response: What is sent.
            sink: Who takes it; it cannot harm the call.
        """
        level = self._level(response.status)
        is_told = not isinstance(sink, LogRecords) or sink.is_enabled_for(level)
        if not is_told and self.span is None:
            return
        try:
            record = self._finished(response, level)
            if self.span is not None:
                self.span.end(record)
            if is_told:
                sink.write(record)
            if isinstance(sink, LogRecords) and self.call is not None and sink.is_enabled_for(logging.DEBUG):
                sink.write_parameters(self.call)
        except BaseException as error:
            if failure_of(error) is None:
                raise
            with suppress(Exception):  # the log itself may be what fails
                _log.error("request_id=%s its record could not be written: %s", self.request_id, type(error).__name__)
        # What fails before the caller is known is an authenticator, and its error's text may hold the credential.
        if self._is_unforeseen and self.principal:
            self._tell_traceback()

    def _tell_traceback(self) -> None:
        try:
            _log.debug("request_id=%s traceback", self.request_id, exc_info=self.error)
        except BaseException as error:
            if failure_of(error) is None:
                raise

    def abort(self, sink: RecordSink) -> None:
        """Hand over the record of a call whose worker is ended in this very thread, so that nothing is sent.

        Args:
            sink: Who takes it.
        """
        self.error = Unavailable(reason="aborted")
        self.finish(HttpResponse(Unavailable.status, (), b""), sink)

    def _level(self, status: int) -> int:
        if self.error is None:
            is_well = self.outcome not in _WARNED
            return logging.ERROR if status >= 500 else logging.INFO if is_well else logging.WARNING
        is_failure = status >= 500 and reason_of(self.error) not in _EXPECTED
        return logging.ERROR if is_failure else logging.WARNING

    @property
    def _is_unforeseen(self) -> bool:
        return self.error is not None and not isinstance(self.error, HttpError)

    def _finished(self, response: HttpResponse, level: int) -> CallRecord:
        status, stages = response.status, self.stages
        now = stages.clock()
        parent, _, own = self.session.partition("/sessions/")
        agent, environment = _names(parent[:_MAX_PARENT] if own else "")
        record = CallRecord.__new__(  # half the time of CallRecord(), which packs all these into a dict first
            CallRecord,
            request_id=self.request_id,
            level=level,
            status=status,
            reason=reason_of(self.error),
            outcome=self.outcome if status < 400 else "refused" if status < 500 else "failed",
            event=event_of(status),
            attempt=stages.attempt,
            method=self.http.method if self.http.method in METHODS else "",
            path=self.path,
            route=self.route,
            tag=self.tag[:_MAX_TAG],
            principal=self.principal,
            agent=agent,
            environment=environment,
            session=sha256(self.session.encode()).hexdigest()[:_HASHED] if self.session else "",
            ms=(now - stages.started) * 1e3,
            queue_ms=self.http.queued * 1e3,
            auth_ms=stages.auth * 1e3,
            store_ms=stages.store * 1e3,
            handler_ms=stages.handler(now) * 1e3,
            bytes_in=self.bytes_in,
            bytes_out=len(response.body),
            store_errors=stages.store_errors,
            pattern=self.pattern,
            trace=(self.span and self.span.trace) or read_trace(self.http.headers),
        )
        return record if self.error is None else record._replace(**self._failure(self.error))

    def _failure(self, error: Exception) -> dict[str, Any]:
        """Tell what went wrong, in words that are this package's or were written to be logged."""
        if isinstance(error, HttpError):
            return {"detail": error.detail or "", "note": (error.note or "")[:_MAX_NOTE]}
        seen = seen_in(error)
        told = {"error": type(seen).__qualname__, "at": frames_of(seen)}
        return told | {"detail": str(error), "handler": self.place} if isinstance(error, ReplyError) else told


def reason_of(error: Exception | None) -> str:
    """Tell the reason code of a failure.

    Args:
        error: The failure, or None.

    Returns:
        The code; ``ok`` where there is none.
    """
    if error is None:
        return "ok"
    if isinstance(error, HttpError):
        return error.reason
    return "refused_reply" if isinstance(error, ReplyError) else "internal"


@lru_cache(64)
def _names(parent: str) -> tuple[str, str]:
    """Tell agent and environment of what sessions belong to; from memory, since a webhook has few of them."""
    found = re.fullmatch(_PARENT, parent)
    return (f"{found[1]}/{found[2]}/{found[3]}", found[4] or "") if found else ("", "")
