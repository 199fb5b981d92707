"""The parts of a call, each beside the least that does its work: processor time of each, in turns."""

import hashlib
import json
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from benchmarks import in_process, tokens, workload
from benchmarks.peers import models
from benchmarks.report import Report, Table
from cxfulfill import HttpRequest, Principal, Reply
from cxfulfill.idempotency.keys import call_key
from cxfulfill.idempotency.memory import MemoryStore
from cxfulfill.idempotency.store import Acquired
from cxfulfill.parameters.schema import schema_for
from cxfulfill.protocol import json as strict
from cxfulfill.protocol.sent import read_request
from cxfulfill.reply import encode_reply
from cxfulfill.testing import make_context

OWNER = "0123456789abcdef" * 2
_numbers = count()
Pair = tuple[str, Callable[[], Any], str, Callable[[], Any]]
"""The bare way's name and function, and ours."""


def _store(store: MemoryStore) -> None:
    outcome = store.acquire(f"{next(_numbers):064x}", owner=OWNER, fingerprint="", lease=15.0)
    if isinstance(outcome, Acquired):
        store.complete(outcome.lease, b"{}", ttl=3_600.0)


def _dictionary(kept: dict[str, bytes]) -> None:
    key = f"{next(_numbers):064x}"
    if key not in kept:
        kept[key] = b"{}"
        if len(kept) > 10_000:
            del kept[next(iter(kept))]


def _bare_answer() -> bytes:
    message = {"text": {"text": [in_process.TEXT]}}
    answer = {"fulfillmentResponse": {"messages": [message]}, "sessionInfo": {"parameters": in_process.CHANGES}}
    return json.dumps(answer).encode()


def pairs() -> dict[str, Pair]:
    """Give the parts."""
    body = workload.medium()
    ctx = make_context("book-room", parameters=workload.PARAMETERS)
    sent = json.loads(body)["sessionInfo"]["parameters"]
    http = HttpRequest.build("POST", "/webhook", headers={"Authorization": workload.bearer()})
    auth = workload.id_token()
    signed, signature = tokens.make_token()
    verify = partial(tokens.KEY.public_key().verify, signature, signed, padding.PKCS1v15(), hashes.SHA256())
    principal = Principal("service", "google-id-token")
    return {
        "parsing": ("json.loads", partial(json.loads, body), "strict JSON", partial(strict.loads, body)),
        "request": (
            "pydantic, the fields that are read", partial(models.Call.model_validate_json, body),
            "WebhookRequest, all fields, strict JSON", partial(read_request, body),
        ),
        "ID token": (
            "bare RSA verification", verify, "GoogleIdToken, seen before", partial(auth.authenticate, http)
        ),
        "parameters": (
            "pydantic", partial(models.Parameters.model_validate, sent),
            "system entities", partial(schema_for(workload.Booking).load, sent),
        ),
        "key": (
            "sha256 of the body", lambda: hashlib.sha256(body).hexdigest(),
            "call_key", partial(call_key, "benchmark", principal, ctx),
        ),
        "store": ("dictionary", partial(_dictionary, {}), "MemoryStore", partial(_store, MemoryStore())),
        "reply": (
            "json.dumps", _bare_answer,
            "Reply", lambda: encode_reply(ctx, Reply(in_process.TEXT, parameters=in_process.CHANGES)),
        ),
    }  # fmt: skip


def processor_us(function: Callable[[], Any], calls: int) -> float:
    """Tell the processor time of a call, in microseconds."""
    started = time.process_time()
    for _ in range(calls):
        function()
    return (time.process_time() - started) / calls * 1e6


def measure(report: Report) -> None:
    """Time each pair in turns."""
    for name, (bare, least, own, ours) in pairs().items():
        rows: dict[str, list[float]] = {bare: [], own: []}
        for _ in range(report.choose(40, 10)):
            rows[bare].append(processor_us(least, 200))
            rows[own].append(processor_us(ours, 200))
        report.add(Table(f"parts: {name}", name, "us", bare, rows))
