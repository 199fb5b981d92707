"""The record of a call: what is told of it when it is over.

It holds ids, codes, sizes and times; never a value of a header, a parameter, the user's words or an error's text.
"""

from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Final, Literal, NamedTuple, Protocol

from cxfulfill.errors import BadRequest, Forbidden, HttpError, NotFound, Unauthorized, Unavailable
from cxfulfill.traces import Trace

_FORGES: Final = frozenset(' ="')
"""Characters by which a class's name could pass for other parts of a line."""
Outcome = Literal[
    "ok", "late", "replayed", "joined", "handled", "reprompt", "fallback", "pending", "lost", "refused", "failed"
]  # fmt: skip
"""What became of a call: see `CallRecord.outcome`."""

_EVENTS: Final = {kind.status: kind.event for kind in (BadRequest, Unauthorized, Forbidden, NotFound, Unavailable)}
_SHORT: Final = ("event", "attempt", "agent", "environment", "session", "store_errors")
"""Parts of a line that need no quotes, and are left out where they are empty."""


def event_of(status: int) -> str:
    """Name the event that CX raises for a status (Google's webhook page).

    Args:
        status: The status.

    Returns:
        The event; empty where CX raises none.
    """
    return _EVENTS.get(status, HttpError.event) if status >= 400 else ""


class CallRecord(NamedTuple):
    """A call that is over. ``str`` gives it as one line.

    Attributes:
        request_id: Id of the call, as in problem documents and in the lines of ``ctx.log``.
        level: Level of `logging`: INFO where all is well, WARNING for a refusal, a fallback and what came late or was
            lost, ERROR for a failure.
        status: The status that was sent.
        reason: The reason code; ``ok`` where all is well.
        outcome: ``ok``; ``late`` where that was after the call's deadline; ``replayed`` with the answer of an earlier
            delivery, ``joined`` with that of one that still ran; ``handled`` by an error handler; ``reprompt`` where
            the user is asked again; ``fallback``; ``pending`` while deferred work goes on; ``lost`` where ``on_lost=``
            answered in its place; ``refused`` (4xx); ``failed`` (5xx).
        event: The event that CX raises for the status; empty for none.
        attempt: The how manieth delivery this is; None where that is not known.
        method: The HTTP method; empty for one that nothing takes.
        path: Pattern of the path; empty where nothing is served.
        route: Method and pattern of a flexible call; empty for others.
        tag: The tag, cut off behind 128 characters; empty where it is not known.
        principal: Name of the caller; empty where it is not known.
        agent: The calling agent, ``project/location/agent``; empty where it is not known.
        environment: Id of its environment; empty for the draft, and where it is not known.
        session: Twelve digits of the SHA-256 of the session's name: the same in all calls of a session.
        ms: Milliseconds of the call, from its arrival.
        queue_ms: Those until a thread took it up; 0 where the server does not tell.
        auth_ms: Those of finding out who calls.
        store_ms: Those of round trips to the store that remembers calls.
        handler_ms: Those of handler and middleware, until the deadline where they were cut off.
        bytes_in: Size of the body that was read.
        bytes_out: Size of the body that was sent.
        store_errors: Round trips to that store that failed.
        pattern: The tag, or pattern, that the handler of a standard call is registered for; empty where there is none.
        trace: The trace that the call belongs to; None where no valid header tells.
        detail: The sentence of the refusal that was sent, or what is wrong with an answer that CX would refuse.
        handler: Where the handler of such an answer is defined.
        note: The refusal's sentence for whoever reads the log.
        error: Class of an exception that nobody foresaw.
        at: Places in the code that it came through.
    """

    request_id: str
    level: int
    status: int
    reason: str
    outcome: Outcome
    event: str = ""
    attempt: int | None = None
    method: str = ""
    path: str = ""
    route: str = ""
    tag: str = ""
    principal: str = ""
    agent: str = ""
    environment: str = ""
    session: str = ""
    ms: float = 0.0
    queue_ms: float = 0.0
    auth_ms: float = 0.0
    store_ms: float = 0.0
    handler_ms: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    store_errors: int = 0
    pattern: str = ""
    trace: Trace | None = None
    detail: str = ""
    handler: str = ""
    note: str = ""
    error: str = ""
    at: str = ""

    @property
    def is_replayed(self) -> bool:
        """Whether the answer is that of an earlier delivery."""
        return self.outcome in ("replayed", "joined")

    @property
    def summary(self) -> str:
        """What became of the call and why: the first part of its line."""
        whose = _whose(self.principal, self.tag, self.route)
        line = f"status={self.status} reason={self.reason} request_id={self.request_id}{whose}"
        if self.is_replayed:
            line += " replayed=true"
        if self.reason != "ok":
            for name, value in (("detail", self.detail), ("handler", self.handler), ("note", self.note)):
                if value:
                    line += f" {name}={quoted(value)}"
            if self.error:
                is_plain = self.error.isascii() and self.error.isprintable() and _FORGES.isdisjoint(self.error)
                line += f" error={self.error if is_plain else quoted(self.error)} at={quoted(self.at)}"
        return line

    def __str__(self) -> str:
        line = f"{self.summary} outcome={self.outcome}"
        for name in _SHORT:
            if value := getattr(self, name):
                line += f" {name}={value}"
        queue = f"queue_ms={self.queue_ms:.1f} " if self.queue_ms else ""
        return (
            f"{line} ms={self.ms:.1f} {queue}auth_ms={self.auth_ms:.1f} store_ms={self.store_ms:.1f} "
            f"handler_ms={self.handler_ms:.1f} in={self.bytes_in} out={self.bytes_out}"
        )


@lru_cache(64)
def _whose(principal: str, tag: str, route: str) -> str:
    """Tell what hardly changes from call to call; from memory, since each line says it."""
    told = (("principal", principal), ("tag", tag), ("route", route))
    return "".join(f" {name}={quoted(value)}" for name, value in told if value)


class RecordSink(Protocol):
    """Takes the record of each call."""

    def write(self, record: CallRecord) -> None:
        """Take a record, in the thread of its call and after the answer is made: it must not wait.

        Args:
            record: The record.
        """
        ...
