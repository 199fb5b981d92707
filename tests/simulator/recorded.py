"""Requests for recordings: whole ones, and those with something private at each place where it may stand."""

from collections.abc import Callable, Mapping
from typing import Any, Final

SESSION: Final = "projects/p/locations/l/agents/a/sessions/1f2e"
CANARY: Final = "canary-7b1f-zx"
NUMBER: Final = "+1 415-555-0100"


def request(tag: str, **parameters: Any) -> dict[str, Any]:
    """A WebhookRequest with these session parameters."""
    return {
        "detectIntentResponseId": "5b1f", "languageCode": "en", "text": "two nights",
        "fulfillmentInfo": {"tag": tag}, "sessionInfo": {"session": SESSION, "parameters": parameters},
        "pageInfo": {"currentPage": "projects/p/locations/l/agents/a/flows/f/pages/p", "displayName": "Booking"},
    }  # fmt: skip


def _with(**members: Any) -> Callable[[str], dict[str, Any]]:
    return lambda tag: request(tag) | members


def _form(name: str, value: Any) -> Callable[[str], dict[str, Any]]:
    info = {"formInfo": {"parameterInfo": [{"displayName": name, "value": value, "state": "FILLED"}]}}
    return _with(pageInfo=info)


def _intent(name: str, value: Any) -> Callable[[str], dict[str, Any]]:
    values = {"originalValue": value, "resolvedValue": {"deep": [value]}}
    return _with(intentInfo={"displayName": "book", "parameters": {name: values}})


CANARIES: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    **{
        name: lambda tag, name=name: request(tag, **{name: CANARY})  # type: ignore[misc]
        for name in ("password", "clientSecret", "access-token", "PIN", "cvv", "cvc", "card_number", "IBAN", "ssn",
                     "passport", "e-mail", "phone", "caller", "address", "date-of-birth")
    },
    "a list": lambda tag: request(tag, phones=[CANARY, {"home": CANARY}]),
    "an object": lambda tag: request(tag, address={"street": CANARY, "more": {"zip": [CANARY]}}),
    "deep": lambda tag: request(tag, order={"payment": [{"cardNumber": CANARY}]}),
    "the caller": _with(payload={"telephony": {"caller_id": NUMBER}}),
    "a payload": _with(payload={"user": {"authToken": CANARY}}),
    "a form": _form("email", CANARY),
    "a form's object": _form("home address", {"street": CANARY}),
    "an intent": _intent("phone-number", CANARY),
    "an address in the user's words": _with(text=f"I am {CANARY}@mail.example"),
    "a number in the user's words": _with(text=f"ring {NUMBER}!"),
    "an address in a transcript": _with(text=None, transcript=f"{CANARY}@mail.example"),
    "a number in a transcript": _with(text=None, transcript=NUMBER),
    "a message": _with(messages=[{"text": {"text": [f"Mail {CANARY}@mail.example, ring {NUMBER}"]}}]),
    "a parameter's words": lambda tag: request(tag, note=f"mail {CANARY}@mail.example or ring {NUMBER}"),
    "a parameter's name": lambda tag: request(tag, **{f"{CANARY}@mail.example": 1}),
    "an unknown member": _with(somethingNew={"words": [NUMBER]}),
    "a session's id": lambda tag: request(tag) | {"sessionInfo": {"session": SESSION[:-4] + f"{CANARY}@x.example"}},
    "a session's number": lambda tag: request(tag) | {"sessionInfo": {"session": SESSION[:-4] + NUMBER}},
}  # fmt: skip
"""Requests by where something private stands in them."""
