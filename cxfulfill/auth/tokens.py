"""Bearer tokens (RFC 6750) and JWTs in compact form (RFC 7515), read strictly and within bounds.

A token is read whole before anything is fetched for it: what is malformed costs no key look-up.
"""

import binascii
import re
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from cxfulfill.auth import notes
from cxfulfill.errors import BadRequest, Forbidden, Unauthorized
from cxfulfill.http import HttpRequest
from cxfulfill.protocol.json import loads

MAX_TOKEN_LENGTH: Final = 8_190
"""Characters of a token; gunicorn takes no longer header field."""
SKEW: Final = 30.0
"""Seconds by which two clocks may differ."""
SIGNATURE_REMOVED: Final = "SIGNATURE_REMOVED_BY_GOOGLE"
"""What Cloud Run's IAM check puts in place of a signature (Cloud Run's troubleshooting page)."""
RS256: Final = "RS256"
"""The algorithm that Google signs ID tokens with."""
BEARER: Final = 'Bearer realm="webhook"'
SERVICE_AGENT_IN_CX: Final = "service agent auth with ID token (serviceAgentAuth: ID_TOKEN)"
OAUTH_IN_CX: Final = "third-party OAuth (client credentials), with your provider's token endpoint (oauthConfig)"

_LATEST = 1e11
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/\0\0\0")  # what is base64's alone becomes what is in no alphabet
_ENDS = ((b"", _ALPHABET), (b"", ""), (b"==", _ALPHABET[::16]), (b"=", _ALPHABET[::4]))
"""Padding, and what the last character can be where no bit stands behind the last byte, by length modulo 4."""
_MAX_HEADER_TEXT = 256

WallClock = Callable[[], float]
"""Seconds since 1970, such as ``time.time``."""


@dataclass(eq=False, repr=False)
class CompactJwt:
    """A JWT whose signature is not verified yet.

    Attributes:
        algorithm: ``alg`` of its header.
        type: ``typ`` of its header in lower case without ``application/``; None where there is none.
        key_id: ``kid`` of its header; None where there is none.
        claims: Its claims.
        signed: The bytes that are signed.
        signature: The signature.
    """

    algorithm: str
    type: str | None
    key_id: str | None
    claims: dict[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def invalid_token(reason: str, note: str | None = None) -> Unauthorized:
    """Make the refusal of a token (RFC 6750 3.1).

    Args:
        reason: Reason code.
        note: A sentence for the log.

    Returns:
        The error: 401 with ``error="invalid_token"``.
    """
    return Unauthorized(f'{BEARER}, error="invalid_token"', reason=reason, note=note)


def not_allowed(note: str) -> Forbidden:
    """Make the refusal of a caller that proved who it is.

    Args:
        note: A sentence for the log.

    Returns:
        The error: 403 ``caller_not_allowed``.
    """
    return Forbidden(reason="caller_not_allowed", note=note)


def bearer_token(http: HttpRequest, *, in_cx: str) -> str:
    """Give the token of the ``Authorization`` header; none is ever taken from a query or a body.

    Args:
        http: The request.
        in_cx: What to choose in CX in place of Google's access tokens, such as `OAUTH_IN_CX`; for the log.

    Returns:
        The token.

    Raises:
        Unauthorized: There is no bearer token (``no_credentials``), it is not one of RFC 6750's grammar
            (``malformed_token``), or one of Google's opaque access tokens, which are bound to no audience
            (``google_access_token``).
    """
    header = http.headers.get("authorization", "")
    scheme, rest = header[:6].lower(), header[6:]
    if scheme != "bearer" or not rest.strip(" ") or rest[0].isalnum():
        note = notes.no_credential(http.headers.get("authorization"), "Bearer")
        raise Unauthorized(BEARER, reason="no_credentials", note=note)
    token = rest.strip(" ")
    if rest[0] != " " or len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
        raise invalid_token("malformed_token", notes.bad_bearer(header, MAX_TOKEN_LENGTH))
    if token.startswith("ya29."):
        raise invalid_token(
            "google_access_token",
            "a Google access token says nothing of whom it is for; in the CX webhook's settings, under Authentication, "
            f"choose {in_cx}",
        )
    return token


def read_compact(token: str) -> CompactJwt:
    """Read a JWT in compact form.

    Args:
        token: The token.

    Returns:
        Its parts, not verified.

    Raises:
        Unauthorized: It is no JWT of this form (``malformed_token``), or Cloud Run removed its signature
            (``signature_removed_by_platform``).
    """
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    if signature == SIGNATURE_REMOVED:
        raise invalid_token(
            "signature_removed_by_platform",
            "Cloud Run's IAM check has removed the signature, so it cannot be verified here: make the service public "
            "and keep GoogleIdToken, or keep it private and use CloudRunIam",
        )
    return _compact(token, head, payload, signature)


def read_removed(token: str) -> CompactJwt:
    """Read a JWT whose signature Cloud Run checked and removed.

    Args:
        token: The token.

    Returns:
        Its parts.

    Raises:
        Unauthorized: It is no JWT (``malformed_token``), or still has a signature (``signature_not_removed``).
    """
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    if signature != SIGNATURE_REMOVED:
        _compact(token, head, payload, signature)
        raise invalid_token(
            "signature_not_removed",
            "the platform passes on only tokens that it has checked, with the signature removed: the service seems "
            "to be public, where GoogleIdToken is right",
        )
    return _compact(token, head, payload, signature)


def number_claim(claims: dict[str, Any], name: str) -> float:
    """Give a time claim (RFC 7519 NumericDate).

    Args:
        claims: The claims.
        name: The claim.

    Returns:
        Seconds since 1970.

    Raises:
        Unauthorized: It is missing or no finite number (``bad_time_claim``).
    """
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise invalid_token("bad_time_claim", f"the claim {name} is missing or no number of seconds")
    return float(value)


def check_times(claims: dict[str, Any], now: float, *, max_lifetime: float, adjustable: bool = False) -> None:
    """Check the claims ``exp``, ``iat`` and, where there is one, ``nbf``.

    Args:
        claims: The claims.
        now: Seconds since 1970.
        max_lifetime: Seconds between ``iat`` and ``exp`` at most.
        adjustable: Whether that is a setting.

    Raises:
        Unauthorized: The token is not valid now (``token_expired``, ``token_not_yet_valid``), or its times are no
            such times (``bad_time_claim``).
    """
    expires, issued = number_claim(claims, "exp"), number_claim(claims, "iat")
    begins = number_claim(claims, "nbf") if "nbf" in claims else issued
    if not issued < expires <= issued + max_lifetime:
        note = notes.lifetime(expires - issued, max_lifetime, adjustable=adjustable)
        raise invalid_token("bad_time_claim", note)
    if now >= expires + SKEW:
        raise invalid_token("token_expired", notes.ended(now - expires))
    if now < max(issued, begins) - SKEW:
        raise invalid_token("token_not_yet_valid", notes.TOO_EARLY)


def check_audience(claims: dict[str, Any], allowed: Iterable[str], *, several: bool) -> None:
    """Check the claim ``aud`` by exact comparison.

    Args:
        claims: The claims.
        allowed: The audiences that are accepted.
        several: Whether the claim may be a list (RFC 7519), of which one is to be accepted.

    Raises:
        Unauthorized: It is another one (``audience_not_allowed``); the log shows both, so the token must be verified.
    """
    value = claims.get("aud")
    given = value if several and isinstance(value, list) else [value]
    if any(isinstance(audience, str) and audience in allowed for audience in given):
        return
    raise invalid_token("audience_not_allowed", notes.audience(value, allowed))


def decode_segment(segment: str) -> bytes:
    """Decode base64url without padding (RFC 7515), strictly: a value has one form only.

    Args:
        segment: The text.

    Returns:
        The bytes.

    Raises:
        ValueError: It is no such text.
    """
    padding, last = _ENDS[len(segment) % 4]
    if segment[-1:] not in last or not segment:
        raise ValueError("not base64url, or bits behind the last byte")
    return binascii.a2b_base64(segment.encode("ascii").translate(_TO_BASE64) + padding, strict_mode=True)


def _compact(token: str, head: str, payload: str, signature: str) -> CompactJwt:
    try:
        header, claims = loads(decode_segment(head)), loads(decode_segment(payload))
        decoded = decode_segment(signature)
    except (ValueError, BadRequest):
        raise invalid_token("malformed_token", notes.NOT_A_JWT) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise invalid_token("malformed_token", notes.NOT_A_JWT)
    if not _is_header(header):
        raise invalid_token("malformed_token", notes.BAD_HEADER)
    kind: str | None = header.get("typ")
    return CompactJwt(
        algorithm=header["alg"],
        type=kind and kind.lower().removeprefix("application/"),
        key_id=header.get("kid"),
        claims=claims,
        signed=token[: len(head) + 1 + len(payload)].encode(),
        signature=decoded,
    )


def _is_header(header: dict[str, Any]) -> bool:
    for name in ("alg", "typ", "kid"):
        value = header.get(name, "absent")
        if not isinstance(value, str) or not 0 < len(value) <= _MAX_HEADER_TEXT:
            return False
    # Whatever "crit" names is not understood here, and so the token must be refused (RFC 7515 4.1.11).
    return "alg" in header and "crit" not in header
