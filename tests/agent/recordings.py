"""Test cases in the shape of an export, for the small agent."""

from collections.abc import Mapping
from typing import Any

from tests.agent.agents import Files

CASE = "testCases/Booked.json"
ARRIVAL = {"year": 2030.0, "month": 6.0, "day": 14.0}
FORM = {"arrival": ARRIVAL, "room": "double"}


def turn(
    said: str | None = None, parameters: Mapping[str, Any] | None = None, page: str = "Start Page", *, intent: str = "",
    event: str = "", digits: str = "", texts: tuple[str, ...] = (), flow: str = "Booking", **user: Any,
) -> dict[str, Any]:  # fmt: skip
    """Record a turn; webhooks are on unless ``isWebhookEnabled`` says otherwise, and None leaves it out."""
    given: dict[str, Any] = {"languageCode": "en"}
    if said is not None:
        given["text"] = {"text": said} if said else {}
    if event:
        given["event"] = {"event": event}
    if digits:
        given["dtmf"] = {"digits": digits}
    user = {"isWebhookEnabled": True, **user}
    output: dict[str, Any] = {"textResponses": [{"text": [each]} for each in texts]}
    if parameters is not None:
        output["sessionParameters"] = parameters
    if intent:
        output["triggeredIntent"] = {"name": intent}
    if flow:
        output["currentPage"] = {"name": page, "flow": flow}
    told = {name: value for name, value in user.items() if value is not None}
    return {"userInput": {"input": given, **told}, "virtualAgentOutput": output}


def record(files: Files, *turns: dict[str, Any], name: str = "Booked", **config: str) -> None:
    """Put a test case into an agent."""
    files[f"testCases/{name}.json"] = {
        "displayName": name, "testConfig": config, "testCaseConversationTurns": list(turns),
    }  # fmt: skip


def booked() -> list[dict[str, Any]]:
    """A conversation of the small agent, as its application answers."""
    return [
        turn("hello", {}, intent="greet", texts=("Hello!",)),
        turn("a room, please", {}, "Collect", intent="book"),
        turn("a double room on 14 June", {**FORM, "reference": "HH-1", "status": "sent"}, "Done",
             texts=("Booked",)),
    ]  # fmt: skip
