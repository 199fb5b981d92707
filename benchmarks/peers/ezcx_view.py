"""PyPI's ezcx, for uvicorn."""

import ezcx


def book_room(response: ezcx.WebhookResponse, request: ezcx.WebhookRequest) -> None:
    response.add_text_response("Booked, your reference is HH-20417.")
    response.add_session_parameters({"reference": "HH-20417", "offer": None})


router = ezcx.TagRouter()
router.register("book-room", book_room)
app = ezcx.Server(router)
