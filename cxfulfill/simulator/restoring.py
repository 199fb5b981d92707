"""A session as a request shows it: for conversations that were recorded or saved."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.http import Headers
from cxfulfill.protocol.json import dumps
from cxfulfill.recording import Recorded
from cxfulfill.simulator import wire
from cxfulfill.simulator.caller import Attempt, Delivery
from cxfulfill.simulator.judging import judge
from cxfulfill.simulator.merging import Merged
from cxfulfill.simulator.pages import FormField, SessionPage
from cxfulfill.simulator.pages import State as FieldState
from cxfulfill.simulator.result import Result
from cxfulfill.simulator.sending import Answer, Outgoing
from cxfulfill.simulator.session import AGENT, Session
from cxfulfill.simulator.turns import MEMBERS, Intent, Kind, Sentiment, Turn

_NO_PAGE: Final = f"{AGENT}/flows/unknown/pages/START_PAGE"


def restore(request: Mapping[str, Any]) -> Session:
    """Give the session that sends a request.

    Args:
        request: A WebhookRequest as JSON; members that are missing or of another shape count for nothing.

    Returns:
        The session; its next request for the same tag is this one, as far as it is documented.
    """
    name = _text(_object(request, "sessionInfo"), "session")
    head, _, session_id = name.partition("/sessions/")
    agent, _, environment = head.partition("/environments/")
    try:
        session = Session(agent=agent, session_id=session_id, environment=environment or None)
    except ConfigurationError:  # an agent's name of another form
        session = Session(session_id=session_id)
    session.language = _text(request, "languageCode") or session.language
    session.payload = dict(_object(request, "payload"))
    page = _page(_object(request, "pageInfo"))
    session.pages = {page.name: page}
    session.state = replace(
        session.state,
        page=page,
        parameters=dict(_object(_object(request, "sessionInfo"), "parameters")),
        turn=turn_of(request),
        response_id=_text(request, "detectIntentResponseId"),
        queued=tuple(each for each in _list(request, "messages") if isinstance(each, Mapping)),
    )
    return session


def turn_of(request: Mapping[str, Any]) -> Turn:
    """Tell what the user has done in the turn of a request.

    Args:
        request: A WebhookRequest as JSON.

    Returns:
        The turn.
    """
    kind: Kind = next((kind for kind, member in MEMBERS.items() if _text(request, member)), "none")
    intent = _intent(_object(request, "intentInfo"))
    mood = request.get("sentimentAnalysisResult")  # empty where both its numbers are 0
    sentiment = Sentiment(_number(mood, "score"), _number(mood, "magnitude")) if isinstance(mood, Mapping) else None
    value = "" if kind == "none" else _text(request, MEMBERS[kind])
    if kind == "intent":
        return Turn("intent", "", intent or Intent(value.rpartition("/")[2], value), sentiment)
    try:
        return Turn(kind, value, intent, sentiment)
    except ConfigurationError:  # digits that no phone has
        return Turn("none", "", intent, sentiment)


def _intent(info: Mapping[str, Any]) -> Intent | None:
    name, shown = _text(info, "lastMatchedIntent"), _text(info, "displayName")
    if not (name or shown):
        return None
    given = {
        parameter: (_text(value, "originalValue"), value.get("resolvedValue"))
        for parameter, value in _object(info, "parameters").items()
        if isinstance(value, Mapping)
    }
    return Intent(shown or name.rpartition("/")[2], name, given, _number(info, "confidence"))


def _page(info: Mapping[str, Any]) -> SessionPage:
    page = SessionPage.of(_text(info, "currentPage") or _NO_PAGE, _text(info, "displayName"))
    if "formInfo" not in info:
        return replace(page, form=None)
    given = _list(_object(info, "formInfo"), "parameterInfo")
    return replace(page, form=tuple(_field(each) for each in given if isinstance(each, Mapping)))


def _field(info: Mapping[str, Any]) -> FormField:
    state = info.get("state")
    known: FieldState = state if state in ("EMPTY", "INVALID", "FILLED") else "EMPTY"
    return FormField(
        _text(info, "displayName"), info.get("value"), known, info.get("required") is True,
        info.get("justCollected") is True,
    )  # fmt: skip


def restored(tag: str, request: Mapping[str, Any], delivery: Delivery) -> tuple[Session, Result]:
    """Tell what became of a call that was recorded.

    Args:
        tag: Its tag.
        request: The WebhookRequest.
        delivery: The call on its way.

    Returns:
        The session after it, and the result.
    """
    session = restore(request)
    before, verdict = session.state, judge(delivery)
    merged = Merged() if verdict.answer is None else session.take(verdict.answer)
    return session, Result(tag, request, delivery, verdict, merged, session.state, before)


def delivered(call: Recorded, url: str) -> Delivery:
    """Give a standard call that was recorded, as if it had been made now.

    Args:
        call: The call.
        url: Where it went.

    Returns:
        The same.
    """
    headers = Headers({"Idempotent-Replayed": "true"} if call.replayed else {})
    body = b"" if call.answer is None else dumps(call.answer)
    answer = None if call.status is None else Answer(status=call.status, headers=headers, body=body)
    attempt = Attempt(0.0, call.ms / 1e3, answer)
    if answer is None:
        attempt = replace(attempt, failure="unreachable", detail="no answer was recorded")
    fields = Headers({"Content-Type": "application/json"})
    return Delivery(Outgoing(method="POST", url=url, headers=fields, body=wire.dumps(call.request)), (attempt,))


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _number(value: Mapping[str, Any], name: str) -> float:
    found = value.get(name)
    try:
        return float(found) if isinstance(found, int | float) else 0.0
    except OverflowError:  # no double is so large
        return 0.0
