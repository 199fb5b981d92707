"""What people write today: a Flask view; no credential is checked, nothing is typed."""

import json
from typing import Any

import flask

TEXT = "Booked, your reference is HH-20417."
app = flask.Flask("hand_written")


@app.post("/webhook")
def view() -> Any:
    request = json.loads(flask.request.get_data())
    if request["fulfillmentInfo"]["tag"] != "book-room":
        return {}
    return {
        "fulfillmentResponse": {"messages": [{"text": {"text": [TEXT]}}]},
        "sessionInfo": {"parameters": {"reference": "HH-20417", "offer": None}},
    }
