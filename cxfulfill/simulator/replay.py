"""Recorded calls, sent again: what is answered otherwise now."""

import json
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

from cxfulfill.errors import BadRequest
from cxfulfill.http import Headers
from cxfulfill.protocol.json import loads
from cxfulfill.recording import Recorded
from cxfulfill.records import event_of
from cxfulfill.simulator import wire
from cxfulfill.simulator.caller import Caller, Delivery
from cxfulfill.simulator.changes import NOTHING, Change, Ignored, changes
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.sending import Credential, Outgoing

STATUS: Final = "HTTP status"
EVENT: Final = "event"
NO_ANSWER: Final = "no answer"
_SESSIONS: Final = "/sessions/"
_PER_CALL: Final = ("instance",)
"""What is another one in each problem document."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded call that was sent again.

    Attributes:
        recorded: The call.
        delivery: The one of now.
        changes: What is different.
    """

    recorded: Recorded
    delivery: Delivery
    changes: tuple[Change, ...]


class Replay:
    """Sends recorded calls again, and compares the answers.

    Ids of calls and sessions, and idempotency keys, are new ones: the same for the same in the recording. So no answer
    comes from the store that remembers calls, unless it came from there when it was recorded.

    Args:
        caller: Calls the webhook.
        credential: Gives what a call proves itself with; by default the caller's own.
        ignored: Places of answers that are not compared.
        keep_ids: Leave the ids as they are.
        new_id: Makes ids.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        credential: Callable[[Recorded], Credential | None] | None = None,
        ignored: Iterable[str] = (),
        keep_ids: bool = False,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._caller = caller
        self._credential = credential or self._own
        self._ignored = tuple(ignored)
        self._keep_ids = keep_ids
        self._new_id = new_id
        self._fresh: dict[str, str] = {}

    def send(self, recorded: Recorded) -> Replayed:
        """Send a call again.

        Args:
            recorded: The call.

        Returns:
            What is different.
        """
        delivery = self._caller.deliver(self._standard(recorded) if recorded.is_standard else self._flexible(recorded))
        found = (*_outer(recorded, delivery), *self._inner(recorded, delivery))
        return Replayed(recorded, delivery, found)

    def _own(self, recorded: Recorded) -> Credential | None:
        del recorded
        return self._caller.credential

    def _standard(self, recorded: Recorded) -> Outgoing:
        request = deepcopy(recorded.request)
        if isinstance(request, dict):
            self._renew(request)
        session = request.get("sessionInfo") if isinstance(request, dict) else None
        parameters = session.get("parameters") if isinstance(session, dict) else None
        caller = self._caller.proving(self._credential(recorded))
        return caller.outgoing(wire.dumps(request), parameters if isinstance(parameters, dict) else {})

    def _renew(self, request: dict[str, Any]) -> None:
        """Give a request new ids."""
        name = "detectIntentResponseId"
        if isinstance(request.get(name), str):
            request[name] = self._id(request[name])
        session = request.get("sessionInfo")
        if isinstance(session, dict) and isinstance(session.get("session"), str):
            parent, mark, own = session["session"].partition(_SESSIONS)
            session["session"] = f"{parent}{mark}{self._id(own, parent)}" if own else parent + mark

    def _id(self, own: str, parent: str = "") -> str:
        if self._keep_ids or not own:
            return own
        known = f"{parent}{_SESSIONS}{own}" if parent else own
        if known not in self._fresh:
            self._fresh[known] = self._new_id()
        return self._fresh[known]

    def _flexible(self, recorded: Recorded) -> Outgoing:
        parts = urlsplit(self._caller.url)
        query = f"?{recorded.query}" if recorded.query else ""
        url = f"{parts.scheme}://{parts.netloc}{quote(recorded.path)}{query}"
        fields: dict[str, str] = {}
        body = b"" if recorded.request is None else json.dumps(recorded.request).encode()
        if body:
            fields["Content-Type"] = "application/json"
        if recorded.idempotency_key:
            fields["Idempotency-Key"] = self._id(recorded.idempotency_key)
        made = Outgoing(method=recorded.method, url=url, headers=Headers(fields), body=body)
        return self._caller.proving(self._credential(recorded)).proved(made, {})

    def _inner(self, recorded: Recorded, delivery: Delivery) -> Iterator[Change]:
        """Compare the answers; the new ids in that of now are read as those of the recording."""
        answer = delivery.answer
        if answer is None or recorded.status is None or recorded.method == "HEAD":
            return
        text = answer.body.decode(errors="replace")
        for known, fresh in self._fresh.items():
            text = text.replace(fresh, json.dumps(known.rpartition(_SESSIONS)[2])[1:-1])
        ignored = self._ignored + (_PER_CALL if answer.status >= 400 else ())
        yield from changes(recorded.answer, _json(text), Ignored(ignored))


def _outer(recorded: Recorded, delivery: Delivery) -> Iterator[Change]:
    answer = delivery.answer
    status = None if answer is None else answer.status
    if status != recorded.status:
        why = f"{NO_ANSWER}: {delivery.last.detail}"
        yield Change(
            STATUS, NO_ANSWER if recorded.status is None else recorded.status, why if status is None else status
        )
    before = "" if recorded.status is None else event_of(recorded.status)
    is_judged = recorded.is_standard or status is None
    after = judge(delivery).event if is_judged else event_of(status or 0)
    if recorded.status is not None and before != after:
        yield Change(EVENT, before or NOTHING, after or NOTHING)


def _json(text: str) -> Any:
    try:
        return loads(text.encode())
    except BadRequest:
        return None
