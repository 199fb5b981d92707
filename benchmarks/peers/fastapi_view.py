"""FastAPI with pydantic models, for uvicorn."""

import fastapi

from benchmarks.peers import models


async def webhook(call: models.Call) -> models.Answer:
    if call.fulfillment.tag != "book-room":
        raise fastapi.HTTPException(404)
    return models.booked()


app = fastapi.FastAPI()
app.add_api_route("/webhook", webhook, methods=["POST"])
