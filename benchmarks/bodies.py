"""Requests of all sizes, made of the medium one or of its least part."""

import json
from typing import Any

from benchmarks import workload

_OFFER = {"id": "", "title": "Double room, view of the quay", "price": 95.0, "nights": 3, "free": True, "note": None}


def _encoded(request: Any) -> bytes:
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


def sized(size: int) -> bytes:
    """Make a request of a size, and still for the same handler.

    What grows are lists of objects, half of them in the session's parameters and half in the payload. Below the size of
    the medium request, the messages that the agent has queued are left out.

    Args:
        size: Bytes; the request has as many, or up to 250 less.
    """
    request = json.loads(workload.medium())
    if size < len(workload.medium()):
        for name in ("messages", "intentInfo", "languageInfo", "text"):
            request.pop(name, None)
    room = size - len(_encoded(request))
    if room > 250:
        each = len(_encoded(_offer(0))) + 1
        number = (room - 30) // each
        request["sessionInfo"]["parameters"]["offers"] = [_offer(index) for index in range(number // 2)]
        request["payload"] = {"offers": [_offer(index) for index in range(number // 2, number)]}
    return _encoded(request)


def _offer(index: int) -> dict[str, Any]:
    return _OFFER | {"id": f"HH-{index:05}"}


def tagged(body: bytes, tag: str) -> bytes:
    """Give the request another tag."""
    return body.replace(b'"book-room"', json.dumps(tag).encode())
