"""The call that all benchmarks of speed are about: a medium request with everything on.

An ID token that was seen before, six typed parameters, de-duplication, records as they are by default; each call is one
of its own. The other side of every ratio answers the same bytes from a hand-written Flask view.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any

from benchmarks import in_process, tokens
from benchmarks.app import Booking
from cxfulfill import Authenticator, BasicAuth, Context, GoogleIdToken, Reply, Webhook

__all__ = ["Booking", "application", "basic", "bearer", "fresh", "id_token", "medium"]

TURN, SESSION = b"6c05a8e4-d391-4b7f-85c2-f16e7d3b90a4", b"dfMessenger-58640317"
PARAMETERS = {
    "check-in": {"year": 2030.0, "month": 6.0, "day": 14.0},
    "nights": 3.0,
    "guests": 2.0,
    "room-type": "double",
    "budget": {"amount": 400.0, "currency": "EUR"},
    "guest-name": {"name": "Ada", "original": "ada"},
}


def application(auth: Authenticator | None = None, **options: Any) -> Webhook:
    """Make the application.

    Args:
        auth: Who may call; by default Google's ID token.
        options: What else a `Webhook` takes.
    """
    webhook = Webhook(auth=auth or id_token(), **options)

    @webhook.handler("book-room")
    def book_room(ctx: Context, booking: Booking) -> Reply:
        return Reply(in_process.TEXT, parameters=in_process.CHANGES)

    return webhook


def id_token() -> GoogleIdToken:
    """Check ID tokens by a key that is at hand."""
    auth = GoogleIdToken(audience=tokens.AUDIENCE, project_number=123456, keys=tokens.Keys())
    auth.warm()
    return auth


def basic() -> BasicAuth:
    """Check the password of the benchmarks."""
    return BasicAuth("cx", in_process.PASSWORD)


@cache
def bearer() -> str:
    """Give an ``Authorization`` header that `id_token` lets in, for an hour."""
    signed, signature = tokens.make_token()
    return f"Bearer {signed.decode()}.{tokens.encode(signature)}"


@cache
def medium() -> bytes:
    """Give the request: the example's, with six parameters."""
    request = json.loads(in_process.BODY)
    request["sessionInfo"]["parameters"] = PARAMETERS
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


_numbers = count()


def fresh(body: bytes) -> Iterator[bytes]:
    """Make calls of a request, each with a turn and a session of its own.

    Args:
        body: The request.

    Yields:
        Its bytes.
    """
    if TURN not in body or SESSION not in body:
        raise AssertionError("the request has another id")
    for each in _numbers:
        number = b"%032x" % each
        yield body.replace(TURN, number).replace(SESSION, number)
