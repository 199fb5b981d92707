"""Runbook: log lines that have no reason code, since no single call is answered so."""

from collections.abc import Mapping
from typing import Final

_TWICE: Final = "Look for an effect that happened twice, and for the end of a worker in the server's log."
_THREADS: Final = "This process can start no threads: look at the limits of the machine, and for handlers that hang."
_DEFECT: Final = "This is a defect of this package; the calls go on."

LINES: Final[Mapping[str, str]] = {
    # Start
    "nothing can be served": "The sentence behind it says what to correct in the application.",
    "not everything can be served": "The sentence behind it says what to correct in one of the applications.",
    "Flask's debug mode was switched on where callers from outside come in": "Take FLASK_DEBUG and debug=True away.",
    "hook failed with": "Look at the hook that the line names; a start-up hook is tried again every second.",
    "no thread could be started for the start-up hooks": _THREADS,
    "the application does not start": "The sentence behind it says which setting, and where in the code it is read.",
    "a setting is without effect": "The sentence behind it says which one, and what to do.",
    "is no setting of this release and is ignored": "Look whether it is misspelt, or this an older release.",
    "TLS goes on with the files of before": "The sentence behind it says what is wrong with the new files.",
    "this webhook answers every caller": "Give auth= an authenticator before this serves CX.",
    # Secrets and keys
    "ended in a newline, which was stripped": "Store the secret without it: CX takes the newline for a part of it.",
    ".warm failed with": "Look at the warm() of your authenticator that the line names. The first call asks it again.",
    "could not be fetched from": "The sentence behind it says why. What is held goes on being used for a day.",
    # Calls
    "after its deadline; its answer is lost": "Find out what the handler waits for; a call that is de-duplicated would "
    "keep its answer for the retry.",
    "after its deadline; its answer is kept": "Find out what the handler waits for; the retry gets its answer.",
    "after its deadline with reason": "Find out what the handler waits for; a retry runs the call again.",
    "handler failed after its deadline": "The line names class and place (error, at); for the traceback let the logger "
    "cxfulfill write at DEBUG. A retry runs the call again; of a deferred job the failure is kept.",
    "an async look-up that was cancelled ended with": "Look at what it does where it is cancelled.",
    "deferred work has ended": "Nothing: the next call with the job's id gets the result.",
    "a deferred job was lost": "Look for the end of the worker in the server's log, and whether all workers and "
    "instances share CXFULFILL_STORE.",
    "mapping: the answer has nothing for": "Compare mapping= of the route with what its handler returns.",
    "a flight ended with": "The worker was ended under a handler: look for its end in the server's log.",
    "a middleware failed as it was closed": "Look at the finally and with blocks around its yield; the name is the "
    "error's class. The call, and the other middleware, end as they would have.",
    "its record could not be written": "Look at records= of the Webhook; the calls are answered all the same.",
    "OpenTelemetry failed with": "Look at the processors of your OpenTelemetry SDK; calls are answered all the same. "
    "Each kind of failure is told once in a process.",
    "a call could not be recorded": "Look at the folder of CXFULFILL_RECORD; the calls are answered all the same.",
    "the recorded calls fill their folder": "Take away what is not needed any more, and start again.",
    # Retries
    "the idempotency store is down: a call runs without it": 'See to the store; on_store_error="run" accepts that a '
    "retry may run again.",
    "the idempotency store failed with": "See to the store; the name is the error's class.",
    "the idempotency store did not close": "Nothing, where it is one line at the end of a process.",
    "a call runs again: its lease ran out": _TWICE,
    "an answer came after its lease was lost": _TWICE,
    "the lease of a handler that still runs was lost": _TWICE,
    "no thread could be started to renew leases": _THREADS,
    "leases could not be looked after": _DEFECT,
    "an answer could not be hidden and is not kept": "Look at encryption=; the name is its error's class.",
    "calls are remembered in this process's memory alone": "Set a store that all processes and instances share.",
    "idempotency_key= gave nothing": "Look why the call lacks what the key is made of.",
    "near_duplicate": "Two calls alike in session, tag, page and input with different keys: mostly a user who says the "
    "same thing twice. If it was a retry, give the handler an idempotency_key=.",
}
"""What to look at, by a part of the line that is always the same."""
