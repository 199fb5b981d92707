"""What a careful team writes: Flask, pydantic, google-auth for each call, and a dictionary against retries."""

import os
from pathlib import Path

import flask
from google.auth import jwt

from benchmarks.peers import models

AUDIENCE = "https://hotel.example/webhook"
CALLER = "service-123456@gcp-sa-dialogflow.iam.gserviceaccount.com"
KEYS = {"k1": Path(os.environ["BENCHMARK_CREDENTIALS"], "public.pem").read_bytes()}
KEPT = 10_000

app = flask.Flask("careful")
answers: dict[tuple[str, str, str], str] = {}


@app.post("/webhook")
def view() -> flask.Response:
    token = flask.request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        claims = jwt.decode(token, certs=KEYS, audience=AUDIENCE)  # type: ignore[no-untyped-call]
    except ValueError:
        flask.abort(401)
    if claims.get("email") != CALLER:
        flask.abort(403)
    call = models.Call.model_validate_json(flask.request.get_data())
    key = (call.session.session, call.response_id, call.fulfillment.tag)
    answer = answers.get(key)
    if answer is None:
        if call.fulfillment.tag != "book-room":
            flask.abort(404)
        answer = models.booked().model_dump_json()
        answers[key] = answer
        if len(answers) > KEPT:
            del answers[next(iter(answers))]
    return flask.Response(answer, mimetype="application/json")
