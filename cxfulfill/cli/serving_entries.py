"""Runbook: reason codes of what happens once a call is read: handlers, answers, time, retries."""

from collections.abc import Mapping
from typing import Final

from cxfulfill.cli.entries import Entry

SERVING: Final[Mapping[str, Entry]] = {
    "ok": Entry(200, "All is well.", "Nothing; replayed=true says that it is the answer of an earlier delivery."),
    # Handlers and their answers
    "internal": Entry(
        500,
        "An exception that no error handler takes.",
        "The line names its class and the place in the code (error, at); for the traceback let the logger cxfulfill "
        "write at DEBUG, by logging.basicConfig() and logging.getLogger('cxfulfill').setLevel('DEBUG').",
    ),
    "refused_reply": Entry(
        500,
        "The handler's answer is one that CX would refuse, by its shape or its size; detail names the field. What the "
        "handler has done is done.",
        "Look at the handler that the line names, and at that field.",
    ),
    "undocumented_status": Entry(
        500,
        "A handler or authenticator raised an error whose status CX does not know.",
        "Raise one of BadRequest, Unauthorized, Forbidden, NotFound and Unavailable there.",
    ),
    "unavailable": Entry(
        503,
        "A handler or authenticator raised Unavailable and gave no reason code.",
        "Look at the handler of the line's tag or route, and at what it calls.",
    ),
    # Time
    "deadline": Entry(
        503,
        "The handler did not answer in time. It goes on, and where calls are de-duplicated the retry gets its answer; "
        "an async one with idempotent=False is cancelled.",
        "Find out what it waits for. Raise timeout= and, half a second above it, the timeout in CX (30 seconds at "
        "most); or give a fallback=.",
    ),
    "no_time_left": Entry(
        503,
        "The call's time was up before its handler began, such as in the server's queue (queue_ms); nothing has run.",
        "See whether handlers hold up the threads; then more threads (CXFULFILL_THREADS), workers or instances, or "
        "max_in_flight=.",
    ),
    "overloaded": Entry(
        503,
        "No thread was free for the handler, or max_in_flight calls are being handled already; nothing has run.",
        "Look for handlers that hang, with the lines of reason deadline; then more workers or instances.",
    ),
    # Retries
    "in_progress": Entry(
        503,
        "An earlier delivery of the same call still runs, or its worker died and its lease has not run out.",
        "Nothing, as long as they are few: a later retry gets the answer. Many of them: handlers are slower than the "
        "timeout in CX, or workers die.",
    ),
    "store_unavailable": Entry(
        503,
        "The idempotency store could not be asked, so nothing has run.",
        "See to the store: address, credentials, memory, connections; `cxfulfill doctor` tries it. "
        'on_store_error="run" would run calls without it.',
    ),
    "answer_unreadable": Entry(
        503,
        "The kept answer of this call cannot be read, nor the one of the run that replaced it.",
        "See whether the key of encryption= is missing here, or differs between instances.",
    ),
    "aborted": Entry(
        503,
        "The handler's thread was ended from outside, such as by SystemExit; what it has done is unknown.",
        "Look for the end of the worker in the server's log: out of memory, a time limit, a handler that calls "
        "sys.exit().",
    ),
    "job_lost": Entry(
        503,
        "Nobody here has a result of this deferred job: its worker was ended, it has expired, its store is another "
        "process's memory, or its id is none of this session's.",
        "Look for the end of the worker in the server's log, and at CXFULFILL_STORE; on_lost= decides what the user is "
        "told.",
    ),
    # The application as a whole
    "starting": Entry(
        503,
        "The start-up hooks have not succeeded in this process yet, so that it handles nothing.",
        "A few at a start are nothing. If they go on, a line `a start-up hook failed` names the hook and its error.",
    ),
    "configuration": Entry(
        500,
        "The application is put together wrongly, so that nothing is served.",
        "The line before it, `nothing can be served`, says what is wrong. webhook.check() at import finds it before a "
        "call does.",
    ),
    "debug_mode": Entry(
        500,
        "Flask's debug mode is on where callers from outside come in, so that nothing is served.",
        "Take FLASK_DEBUG and debug=True away.",
    ),
}
"""By reason code."""
