"""What a JWT says of itself, for whoever looks for a mistake: never the token, its signature or an unknown claim."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cxfulfill.auth.tokens import SIGNATURE_REMOVED, decode_segment, number_claim
from cxfulfill.errors import BadRequest, Unauthorized
from cxfulfill.protocol.json import loads

_HEADER: Final[Sequence[str]] = ("alg", "kid", "typ")
_CLAIMS: Final[Sequence[str]] = ("iss", "aud", "azp", "email", "email_verified", "sub", "client_id", "scope")
_TIMES: Final[Sequence[str]] = ("iat", "nbf", "exp")
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_LONGEST: Final = 200
_MOST: Final = 5
_LARGE: Final = 1e15


def bearer_of(authorization: str) -> str | None:
    """Give the token of an ``Authorization`` header, as far as there is one.

    Args:
        authorization: The header's value.

    Returns:
        The token; None where the scheme is another one.
    """
    scheme, _, rest = authorization.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


def token_facts(token: str, now: float) -> tuple[tuple[str, str], ...]:
    """Read what a JWT says of itself, without any check.

    Args:
        token: The token.
        now: Seconds since 1970, to tell how long ago its times are.

    Returns:
        Names and texts: of the header, of the claims that checks look at, and whether there is a signature. Empty
        where the token is no JWT.
    """
    segments = token.split(".")
    header, claims = _object(segments[0]), _object(segments[1] if len(segments) == 3 else "")
    if header is None or claims is None:
        return ()
    facts = [(name, _shown(header[name])) for name in _HEADER if name in header]
    facts += [(name, _shown(claims[name])) for name in _CLAIMS if name in claims]
    facts += [(name, _time(claims, name, now)) for name in _TIMES if name in claims]
    return (*facts, ("signature", _signature(segments[2])))


def _object(segment: str) -> dict[str, Any] | None:
    try:
        value = loads(decode_segment(segment))
    except (ValueError, BadRequest):
        return None
    return value if isinstance(value, dict) else None


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}... ({len(value)} characters)"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        rest = f" and {len(value) - _MOST} more" if len(value) > _MOST else ""
        return ", ".join(_shown(each) for each in value[:_MOST]) + rest
    plain = value is None or (isinstance(value, int | float) and abs(value) < _LARGE)
    return json.dumps(value) if plain else "neither text nor a usual number"


def _time(claims: Mapping[str, Any], name: str, now: float) -> str:
    try:
        seconds = number_claim(dict(claims), name)
    except Unauthorized:
        return "no number of seconds"
    when = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{when} ({_distance(seconds - now)})"


def _distance(seconds: float) -> str:
    whole = int(abs(seconds))
    unit, size = next((each for each in _UNITS if whole >= each[1]), _UNITS[-1])
    count = whole // size
    text = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _signature(segment: str) -> str:
    if segment == SIGNATURE_REMOVED:
        return "removed by Cloud Run's IAM check"
    return "there, not shown" if segment else "missing"
