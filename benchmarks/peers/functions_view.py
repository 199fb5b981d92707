"""The hand-written view as a function for functions-framework."""

import json
from typing import Any

TEXT = "Booked, your reference is HH-20417."


def webhook(call: Any) -> Any:
    request = json.loads(call.get_data())
    if request["fulfillmentInfo"]["tag"] != "book-room":
        return {}
    return {
        "fulfillmentResponse": {"messages": [{"text": {"text": [TEXT]}}]},
        "sessionInfo": {"parameters": {"reference": "HH-20417", "offer": None}},
    }
