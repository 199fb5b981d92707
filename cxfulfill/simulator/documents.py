"""WebhookRequests that somebody has written or kept: the session that they are of, and new ids for them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.protocol.names import SessionName
from cxfulfill.simulator.pages import FormField, SessionPage
from cxfulfill.simulator.session import AGENT, Session, new_id
from cxfulfill.simulator.turns import MEMBERS, Intent, Turn

_MARK: Final = "/sessions/"


def tag_of(request: Any) -> str:
    """Read the tag of a request.

    Args:
        request: Any JSON.

    Returns:
        The tag; empty where it has none.
    """
    return _text(request, "fulfillmentInfo", "tag")


def session_name_of(request: Any) -> str:
    """Read the session's name of a request.

    Args:
        request: Any JSON.

    Returns:
        The name as it stands there; empty where it has none.
    """
    return _text(request, "sessionInfo", "session")


def named_session(name: str, language: str = "en") -> Session:
    """Begin a session with a name.

    Args:
        name: Its full name.
        language: Language code of the user.

    Returns:
        The session.

    Raises:
        ConfigurationError: The name is of another form than the documented ones.
    """
    if SessionName.parse_documented(name) is None:
        form = "projects/P/locations/L/agents/A/sessions/S, or has environments/E/ before sessions/"
        raise ConfigurationError(f"a session's full name is {form}")
    above, _, own = name.partition(_MARK)
    agent, mark, environment = above.partition("/environments/")
    return Session(agent=agent, environment=environment if mark else None, session_id=own, language=language)


def session_of(request: Any) -> Session:
    """Begin a session where a request says that it is: its page, form, parameters, and what the user does.

    Args:
        request: Any JSON; what is no part of a WebhookRequest is passed over.

    Returns:
        The session.
    """
    try:
        session = named_session(session_name_of(request))
    except ConfigurationError:
        session = Session(agent=AGENT)
    state = replace(session.state, parameters=dict(_object(request, "sessionInfo", "parameters")))
    name = _text(request, "pageInfo", "currentPage")
    page = SessionPage.of(name, _text(request, "pageInfo", "displayName")) if name else state.page
    page = replace(page, form=_form(request))
    session.pages[page.name] = page
    session.state = replace(state, page=page, turn=_turn(request))
    return session


def with_fresh_ids(request: Mapping[str, Any]) -> dict[str, Any]:
    """Give a request ids of a call and a session that there were not before.

    Args:
        request: The request.

    Returns:
        A copy that differs in them alone.
    """
    above, mark, _ = session_name_of(request).partition(_MARK)
    session = {**_object(request, "sessionInfo"), "session": f"{above}{mark}{new_id()}"}
    return {**request, "detectIntentResponseId": new_id(), "sessionInfo": session}


def _object(value: Any, *names: str) -> Mapping[str, Any]:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _text(value: Any, *names: str) -> str:
    *above, last = names
    found = _object(value, *above).get(last)
    return found if isinstance(found, str) else ""


def _form(request: Any) -> tuple[FormField, ...] | None:
    given = _object(request, "pageInfo").get("formInfo")
    if not isinstance(given, dict):
        return None
    found = given.get("parameterInfo")
    fields = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return tuple(
        replace(
            FormField(name, required=each.get("required") is True).filled(each.get("value")),
            just_collected=each.get("justCollected") is True,
        )
        for each in fields
        if (name := _text(each, "displayName"))
    )


def _turn(request: Any) -> Turn:
    for kind, member in MEMBERS.items():
        value = _text(request, member)
        if value and kind == "intent":
            name = _text(request, "intentInfo", "displayName") or value
            return Turn(kind, intent=Intent(name, value))
        if value and kind != "dtmf":
            return Turn(kind, value)
        if value:
            return _pressed(value)
    return Turn()


def _pressed(digits: str) -> Turn:
    try:
        return Turn("dtmf", digits)
    except ConfigurationError:  # the request has what no phone sends
        return Turn()
