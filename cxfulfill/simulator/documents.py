"""WebhookRequests and names of sessions that somebody gives: their tags, their sessions, and new ids for them."""

from collections.abc import Mapping
from typing import Any, Final

from cxfulfill.errors import ConfigurationError
from cxfulfill.protocol.names import SessionName
from cxfulfill.simulator.session import Session, new_id

_MARK: Final = "/sessions/"


def tag_of(request: Mapping[str, Any]) -> str:
    """Read the tag of a request.

    Args:
        request: A WebhookRequest as JSON.

    Returns:
        The tag; empty where it has none.
    """
    tag = _object(request, "fulfillmentInfo").get("tag")
    return tag if isinstance(tag, str) else ""


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


def with_fresh_ids(request: Mapping[str, Any]) -> dict[str, Any]:
    """Give a request ids of a call and a session that there were not before.

    Args:
        request: A WebhookRequest as JSON.

    Returns:
        A copy that differs in them alone.
    """
    session = dict(_object(request, "sessionInfo"))
    name = session.get("session")
    above, mark, _ = (name if isinstance(name, str) else "").partition(_MARK)
    session["session"] = f"{above}{mark}{new_id()}"
    return {**request, "detectIntentResponseId": new_id(), "sessionInfo": session}


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
